"""Profile files: what they may say, and what is refused."""

from pathlib import Path

import pytest

from custom_components.compute_heater.building.modbus_plan import Range
from custom_components.compute_heater.building.modbus_point import Space, WriteClass
from custom_components.compute_heater.building.points import PointConfigError
from custom_components.compute_heater.building.profile_file import (
    parse_profile,
    read_profiles,
)

TEXT = """\
title: Test pump
manufacturer: Test
models: [One]
confidence: A
sources: [a book]
unit_id: 7
notes: {en: Note, de: Hinweis}
layout:
  max_span: 20
  max_gap: 3
  spacing_s: 0.1
  settle_s: 1
  ranges: {input: [[0, 49]]}
parameters:
  - {name: contact, minimum: 0, maximum: 100, en: Coil, de: Coil}
  - {name: pump, minimum: 1, maximum: 3, default: 2, en: Number, de: Nummer}
defaults: {space: input, data_type: int16, scale: 0.1}
points:
  - {key: "hc_{n}", address: 10, en: "Circuit {n}", de: "Heizkreis {n}",
     repeat: {names: [A, B], step: 4}}
  - {key: contact, space: coil, data_type: bool, scale: 1, address: 0, shift: {contact: 1},
     en: Contact, de: Kontakt, write: {class: volatile}}
  - {key: setpoint, space: holding, address: 100, shift: {pump: 50}, en: Setpoint,
     de: Sollwert, write: {minimum: 20, maximum: 60, multiple: true}}
  - {key: mode, space: holding, address: 3, scale: 1, en: Mode, de: Betriebsart,
     states: {en: ["off", "on"], de: [aus, ein]}}
"""


def test_a_file_with_everything() -> None:
    profile = parse_profile("test", TEXT)
    assert (profile.id, profile.unit_id, profile.port) == ("test", 7, 502)
    assert profile.layout.ranges == (Range(Space.INPUT, 0, 49),)
    assert (profile.layout.spacing_s, profile.layout.settle_s) == (0.1, 1)
    assert [(one.point.key, one.point.address) for one in profile.points] == [
        ("hc_a", 10), ("hc_b", 14), ("setpoint", 200), ("mode", 3),
    ]  # fmt: skip
    first, second, setpoint, mode = profile.points
    assert (first.selected, second.selected) == (True, False)
    assert second.as_point("de").name == "Heizkreis B"
    assert second.as_point("fr").name == "Circuit B"
    assert mode.as_point("de").states == ("aus", "ein")
    assert setpoint.write is not None
    assert setpoint.write.needs_confirmation
    writable = setpoint.as_point("en", writable=True)
    assert (writable.writable, writable.write_multiple) == (True, True)
    assert writable.write_class is WriteClass.EEPROM
    with pytest.raises(ValueError, match="only be read"):
        mode.as_point("en", writable=True)


def test_parameters_move_addresses_and_bring_points() -> None:
    profile = parse_profile("test", TEXT)
    points = profile.points_for({"contact": 9, "pump": 3})
    addresses = {each.point.key: each.point.address for each in points}
    assert addresses["contact"] == 9
    assert addresses["setpoint"] == 250
    for values, field in (({"contact": 101}, "contact"), ({"other": 1}, "other")):
        with pytest.raises(PointConfigError) as caught:
            profile.points_for(values)
        assert caught.value.field == field
    far = parse_profile("test", TEXT.replace("{pump: 50}", "{pump: 30000}"))
    with pytest.raises(PointConfigError, match="past 65535"):
        far.points_for({"pump": 3})


@pytest.mark.parametrize(
    ("old", "new", "field", "problem"),
    [
        ("title: Test pump", "", "title", "missing"),
        ("title:", "titel:", "title", "missing"),
        ("unit_id: 7", "colour: red", "colour", "not known"),
        ("confidence: A", "confidence: D", "confidence", "one of A, B, C"),
        ("confidence: A", "", "confidence", "one of A, B, C"),
        ("sources: [a book]", "", "sources", "missing"),
        ("de: Hinweis", "fr: Note", "notes", "no text in de"),
        ("de: Hinweis", "de: Hinweis, fr: Note", "notes", "fr is no language"),
        ("max_span: 20", "max_span: 126", "max_span", "1 to 125"),
        ("max_gap: 3", "gap: 3", "gap", "not known"),
        ("[[0, 49]]", "[[0]]", "ranges", "first, last"),
        ("[[0, 49]]", "[[9, 3]]", "ranges", "no range"),
        ("[[0, 49]]", "[[0, 13]]", "ranges", "hc_b lies outside"),
        ("input: [[", "inputs: [[", "ranges", "one of"),
        ("minimum: 1, maximum: 3", "minimum: 5, maximum: 3", "maximum", "5 to"),
        ("default: 2", "default: 4", "default", "1 to 3"),
        ("shift: {pump: 50}", "shift: {other: 1}", "shift", "no parameter"),
        ("shift: {pump: 50}", "shift: {pump: x}", "shift", r"whole.*\(point 3\)"),
        ("address: 10,", "adress: 10,", "address", r"\(point 1\)"),
        ('key: "hc_{n}"', "key: hc", "key", "hc is used twice"),
        ("names: [A, B]", "names: []", "repeat", "names"),
        ("de: Kontakt", "fr: Contact", "name", r"no text in de.*\(point 2\)"),
        ("de: [aus, ein]", "de: [aus]", "states", "as many"),
        ("de: [aus, ein]", "de: [aus, aus]", "states", "two states"),
        ('["off", "on"]', "[off, on]", "en", "quotes"),
        ("class: volatile", "class: flash", "class", "one of"),
        ("class: volatile", "class: cyclic", "ttl_s", "cyclic"),
        ("class: volatile", "colour: red", "colour", "not known in"),
        ("minimum: 20, ", "", "minimum", "needed"),
        ("multiple: true}", "multiple: true}, writable: true", "writable", "offers"),
        ("key: contact, ", "", "key", "missing"),
        ("minimum: 20, ", "writable: true, minimum: 20, ", "writable", "not known in"),
        ("repeat: {names", "selected: maybe, repeat: {names", "selected", "true or"),
        ("notes: {en: Note, de: Hinweis}", "notes: Note", "notes", "a mapping"),
        ("parameters:", "parameters: x\nthings:", "parameters", "a list"),
        ("title: Test pump", "title: [", "yaml", "flow sequence"),
    ],
)
def test_what_is_refused(old: str, new: str, field: str, problem: str) -> None:
    assert old in TEXT
    with pytest.raises(PointConfigError, match=problem) as caught:
        parse_profile("test", TEXT.replace(old, new, 1))
    assert caught.value.field == field


def test_what_must_fit_together() -> None:
    head = TEXT.partition("points:")[0]
    with pytest.raises(PointConfigError, match="points: are missing"):
        parse_profile("test", head)
    narrow = head.replace("max_span: 20", "max_span: 1")
    row = "points:\n  - {key: a, address: 1, data_type: float32, en: A, de: A}\n"
    with pytest.raises(PointConfigError, match="a does not fit"):
        parse_profile("test", narrow + row)
    assert len(parse_profile("test", head + row).points) == 1
    with pytest.raises(PointConfigError, match="profile: expected a mapping"):
        parse_profile("test", "- a list")


def test_error_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(TEXT, encoding="utf-8")
    assert list(read_profiles(tmp_path)) == ["good"]
    (tmp_path / "bad.yaml").write_text("title: x", encoding="utf-8")
    with pytest.raises(PointConfigError, match=r"\(bad\.yaml\)"):
        read_profiles(tmp_path)

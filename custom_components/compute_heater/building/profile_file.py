"""Reads profiles from their files; anything unknown in one is an error.

A row of ``points`` has the fields of a Modbus point, over those of ``defaults``, and

- ``en``, ``de``: its name, and ``states`` by language,
- ``confidence``, ``selected`` (true unless said otherwise),
- ``repeat: {names, step}``: the same for circuit A, B, … with ``{n}`` in key and names,
- ``shift: {parameter: step}``: adds step × parameter to the address,
- ``write``: what is known about writing it: ``class`` (left out when nobody says), limits,
  ``ttl_s``, ``multiple`` (function 15 or 16), ``order``, ``confidence``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from .modbus_link import TLS_PORT, Transport
from .modbus_plan import MAX_GAP, MAX_SPAN, Layout, Range
from .modbus_point import ModbusPoint, Space, WriteClass
from .point_fields import Fields
from .points import PointConfigError
from .profile import (
    LANGUAGES,
    Confidence,
    Parameter,
    Profile,
    ProfilePoint,
    Texts,
    WriteOffer,
)

FOLDER = Path(__file__).parent / "profiles"
_PROTOCOL_SPAN = 125
"""Registers in one request."""


def read_profiles(folder: Path = FOLDER) -> dict[str, Profile]:
    """Read all profiles of a folder, by id and in the order of their titles.

    Raises PointConfigError, which names the file.
    """
    profiles = []
    for path in folder.glob("*.yaml"):
        try:
            profiles.append(parse_profile(path.stem, path.read_text(encoding="utf-8")))
        except PointConfigError as err:
            raise PointConfigError(err.field, f"{err.problem} ({path.name})") from err
    profiles.sort(key=lambda profile: profile.title.casefold())
    return {profile.id: profile for profile in profiles}


def parse_profile(profile_id: str, text: str) -> Profile:
    """Read one profile; raises PointConfigError."""
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as err:
        raise PointConfigError("yaml", str(err)) from err
    top = _mapping("profile", data)
    confidence = _confidence(top, None)
    layout = _layout(_mapping("layout", top.pop("layout", {})))
    parameters = tuple(_parameter(row) for row in _list(top, "parameters"))
    defaults = _mapping("defaults", top.pop("defaults", {}))
    rows = _list(top, "points")
    notes = _texts("notes", top.pop("notes", None)) if "notes" in top else {}
    fields = Fields(top)
    transport = fields.choice("transport", Transport, Transport.TCP)
    profile = Profile(
        id=profile_id,
        title=_needed(fields, "title"),
        manufacturer=_needed(fields, "manufacturer"),
        models=fields.texts("models"),
        source=fields.texts("sources"),
        confidence=confidence,
        layout=layout,
        templates=tuple(_points(rows, defaults, confidence)),
        transport=transport,
        port=fields.whole(
            "port", 1, 65535, TLS_PORT if transport is Transport.TLS else 502
        ),
        unit_id=fields.whole("unit_id", 0, 255, 1),
        notes=notes,
        parameters=parameters,
    )
    fields.done()
    _check(profile)
    return profile


def _points(
    rows: list[Any], defaults: dict[str, Any], confidence: Confidence
) -> Iterator[ProfilePoint]:
    for number, row in enumerate(rows, 1):
        try:
            for one in _repeated({**defaults, **_mapping("point", row)}):
                yield _point(one, confidence)
        except PointConfigError as err:
            raise PointConfigError(
                err.field, f"{err.problem} (point {number})"
            ) from err


def _repeated(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Make one row for each name in ``repeat``; only the first is selected."""
    if (repeat := row.pop("repeat", None)) is None:
        yield row
        return
    fields = Fields(repeat)
    names = fields.texts("names")
    step = fields.whole("step", 1, 65535)
    fields.done()
    if not names:
        raise PointConfigError("repeat", "needs names")
    address = _whole("address", row.get("address"))
    for index, name in enumerate(names):
        one = {
            key: value.format(n=name.lower() if key == "key" else name)
            if key in ("key", *LANGUAGES)
            else value
            for key, value in row.items()
        }
        one["address"] = address + index * step
        if index:
            one["selected"] = False
        yield one


def _point(row: dict[str, Any], profile_confidence: Confidence) -> ProfilePoint:
    confidence = _confidence(row, profile_confidence)
    names = _texts("name", {name: row.pop(name, None) for name in LANGUAGES})
    states = _states(row.pop("states", None))
    selected = row.pop("selected", True)
    if not isinstance(selected, bool):
        raise PointConfigError("selected", f"expected true or false, not {selected!r}")
    shift = {
        name: _whole("shift", step)
        for name, step in _mapping("shift", row.pop("shift", {})).items()
    }
    write = row.pop("write", None)
    if "key" not in row:
        raise PointConfigError("key", "is missing")
    if row.get("writable"):
        raise PointConfigError("writable", "a profile offers with ``write``")
    offer: WriteOffer | None = None
    if write is not None:
        added, offer = _write(_mapping("write", write), confidence)
        row = {**row, **added, "writable": True}
    english = LANGUAGES[0]
    point = ModbusPoint.from_dict(
        {**row, "name": names[english], "states": list(states.get(english, ()))}
    )
    return ProfilePoint(
        # Read as writable, so that the limits were checked.
        point=replace(point, writable=False),
        names=names,
        states=states,
        confidence=confidence,
        write=offer,
        selected=selected,
        shift=shift,
    )


def _write(
    write: dict[str, Any], confidence: Confidence
) -> tuple[dict[str, Any], WriteOffer]:
    """Return what the offer adds to the point, and the offer."""
    confidence = _confidence(write, confidence)
    fields = Fields(
        {"class": write.pop("class", None), "order": write.pop("order", None)}
    )
    write_class = fields.optional_choice("class", WriteClass)
    added = {
        "write_class": write_class or WriteClass.EEPROM,
        "write_multiple": write.pop("multiple", False),
        "write_order": fields.text("order"),
    }
    for name in ("minimum", "maximum", "step", "ttl_s", "dead_band", "min_interval_s"):
        added[name] = write.pop(name, None)
    for name in write:
        raise PointConfigError(name, "is not known in ``write``")
    return added, WriteOffer(confidence=confidence, write_class=write_class)


def _layout(data: dict[str, Any]) -> Layout:
    ranges = tuple(
        _range(space, pair)
        for space, pairs in _mapping("ranges", data.pop("ranges", {})).items()
        for pair in pairs
    )
    fields = Fields(data)
    layout = Layout(
        max_span=fields.whole("max_span", 1, _PROTOCOL_SPAN, MAX_SPAN),
        max_gap=fields.whole("max_gap", 0, _PROTOCOL_SPAN, MAX_GAP),
        ranges=ranges,
        spacing_s=fields.number("spacing_s") or 0.0,
        settle_s=fields.number("settle_s") or 0.0,
    )
    fields.done()
    return layout


def _range(space: str, pair: object) -> Range:
    if not isinstance(pair, list) or len(pair) != 2:
        raise PointConfigError("ranges", f"expected [first, last], not {pair!r}")
    first, last = (_whole("ranges", each) for each in pair)
    if not 0 <= first <= last <= 65535:
        raise PointConfigError("ranges", f"{first} to {last} is no range")
    return Range(Fields({"ranges": space}).choice("ranges", Space, None), first, last)


def _parameter(row: object) -> Parameter:
    data = _mapping("parameters", row)
    names = _texts("parameters", {name: data.pop(name, None) for name in LANGUAGES})
    fields = Fields(data)
    minimum = fields.whole("minimum", 0, 65535)
    maximum = fields.whole("maximum", minimum, 65535)
    parameter = Parameter(
        name=_needed(fields, "name"),
        names=names,
        minimum=minimum,
        maximum=maximum,
        default=fields.optional_whole("default", minimum, maximum),
    )
    fields.done()
    return parameter


def _check(profile: Profile) -> None:
    """Refuse what contradicts itself or would not be trusted."""
    if not profile.source:
        raise PointConfigError("sources", "are missing")
    if not profile.templates:
        raise PointConfigError("points", "are missing")
    parameters = {parameter.name for parameter in profile.parameters}
    keys: set[str] = set()
    for each in profile.templates:
        point = each.point
        if point.key in keys:
            raise PointConfigError("key", f"{point.key} is used twice")
        keys.add(point.key)
        if unknown := each.shift.keys() - parameters:
            raise PointConfigError("shift", f"{point.key}: {unknown} is no parameter")
        if point.data_type.words > profile.layout.max_span:
            raise PointConfigError("max_span", f"{point.key} does not fit")
        ruled = [one for one in profile.layout.ranges if one.space is point.space]
        if ruled and not any(
            one.first <= point.address and point.end - 1 <= one.last for one in ruled
        ):
            raise PointConfigError("ranges", f"{point.key} lies outside")


def _mapping(name: str, value: object) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise PointConfigError(name, f"expected a mapping, not {value!r}")
    return {str(key): each for key, each in value.items()}


def _list(data: dict[str, Any], name: str) -> list[Any]:
    value = data.pop(name, [])
    if not isinstance(value, list):
        raise PointConfigError(name, f"expected a list, not {value!r}")
    return value


def _whole(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise PointConfigError(name, f"expected a whole number, not {value!r}")
    return value


def _needed(fields: Fields, name: str) -> str:
    if (value := fields.text(name)) is None:
        raise PointConfigError(name, "is missing")
    return value


def _texts(name: str, value: object) -> Texts:
    """Take a text in every language."""
    texts = _mapping(name, value)
    for language in LANGUAGES:
        text = texts.get(language)
        if not isinstance(text, str) or not text.strip():
            raise PointConfigError(name, f"has no text in {language}")
    if unknown := texts.keys() - set(LANGUAGES):
        raise PointConfigError(name, f"{', '.join(sorted(unknown))} is no language")
    return texts


def _states(value: object) -> dict[str, tuple[str, ...]]:
    if value is None:
        return {}
    fields = Fields(_mapping("states", value))
    states = {language: fields.texts(language) for language in LANGUAGES}
    fields.done()
    if len({len(texts) for texts in states.values()}) != 1 or not states[LANGUAGES[0]]:
        raise PointConfigError("states", "must be as many in every language")
    for texts in states.values():
        if len(set(texts)) != len(texts):
            raise PointConfigError("states", "the same text means two states")
    return states


def _confidence(data: dict[str, Any], default: Confidence | None) -> Confidence:
    value = data.pop("confidence", default)
    try:
        return Confidence(str(value))
    except ValueError:
        raise PointConfigError(
            "confidence", f"expected one of {', '.join(Confidence)}, not {value!r}"
        ) from None

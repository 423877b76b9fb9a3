"""Lists of objects as planners hand them over."""

import pytest

from custom_components.compute_heater.building.bacnet_point import BacnetPoint
from custom_components.compute_heater.building.ede import parse_ede
from custom_components.compute_heater.building.points import PointConfigError, Role

TITLES = (
    "# keyname;device obj.-instance;object-name;object-type;object-instance;"
    "description;present-value-default;min-present-value;max-present-value;"
    "commandable;supports COV;hi-limit;low-limit;state-text-reference;unit-code;"
    "vendor-specific-address"
)
EDE = f"""# Proposal_Engineering-Data-Exchange - B.I.G.-EU
PROJECT_NAME;Schule;;;;;;;;;;;;;;
VERSION_OF_REFERENCEFILE;1;;;;;;;;;;;;;;
TIMESTAMP_OF_LAST_CHANGE;2026-11-02;;;;;;;;;;;;;;
AUTHOR_OF_LAST_CHANGE;ms;;;;;;;;;;;;;;
VERSION_OF_LAYOUT;2.3;;;;;;;;;;;;;;
#mandatory;mandatory;mandatory;mandatory;mandatory;optional;;;;;;;;;;
{TITLES}
;3001;Schule;8;3001;Regler;;;;;;;;;;
T1;3001;ISP01.TWW;0;1;Warmwasser oben;;0,0;110,5;N;Y;;;;62;
T2;3001;ISP01.P;2;1;"Leistung; gesamt";;0;3000;Y;Y;;;;47;
T3;3001;ISP01.SW;2;2;;;0;0;N;;;;;62;
T4;3001;ISP01.ST;19;1;;;1;4;Y;;;;7;95;
T5;3001;ISP01.FR;5;1;;;;;Y;;;;3;;
T6;3001;ISP01.ZP;17;1;Zeitprogramm;;;;;;;;;;
# the end
"""
STATE_TEXTS = """#State Text Reference
Reference Number;Text 1 or Inactive-Text;Text 2 or Active-Text;Text 3;Text 4;Text 5
3;Aus;Ein;;;
7;off;eco;normal;boost;
"""


def by_key(text: str, state_texts: str | None = None) -> dict[str, BacnetPoint]:
    return {point.key: point for point in parse_ede(text, state_texts).points}


def test_ede() -> None:
    found = parse_ede(EDE, STATE_TEXTS)
    assert found.instance == 3001
    assert found.problems == ["2 objects of other types were left out"]
    points = {point.key: point for point in found.points}
    assert list(points) == [
        "analog-input,1",
        "analog-value,1",
        "analog-value,2",
        "multi-state-value,1",
        "binary-value,1",
    ]
    tank = points["analog-input,1"]
    assert tank == BacnetPoint.from_dict(
        {
            "object_type": "analog-input", "instance": 1, "name": "ISP01.TWW",
            "description": "Warmwasser oben", "unit": "°C",
            "minimum": 0.0, "maximum": 110.5,
        }
    )  # fmt: skip
    power = points["analog-value,1"]
    assert power.description == "Leistung; gesamt"
    assert power.commandable
    assert power.unit == "W"
    setpoint = points["analog-value,2"]
    assert (setpoint.minimum, setpoint.maximum) == (None, None)
    assert not setpoint.commandable
    level = points["multi-state-value,1"]
    assert level.states == ("off", "eco", "normal", "boost")
    assert level.unit is None
    assert not any(point.writable for point in found.points)


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_separators_and_windows_lines(delimiter: str) -> None:
    text = "\ufeff" + EDE.replace('"Leistung; gesamt"', "Leistung")
    changed = text.replace(";", delimiter).replace("\n", "\r\n")
    assert by_key(changed, STATE_TEXTS.replace(";", delimiter)).keys() == (
        by_key(EDE).keys()
    )


def test_plain_table_of_our_own_fields() -> None:
    text = (
        "object_type,instance,name,unit,minimum,maximum,role,states,priority,group\n"
        'Analog Value,1,"Power, total",kW,0.5,3,heat_power,,12,fast\n'
        "multi_state_value,1,,,,,,off|on,,\n"
        "BI,7,Alarm,,,,,,,\n"
    )
    found = parse_ede(text)
    assert (found.instance, found.problems) == (None, [])
    power, level, alarm = found.points
    assert (power.name, power.unit, power.minimum) == ("Power, total", "kW", 0.5)
    assert (power.role, power.priority, power.group) == (Role.HEAT_POWER, 12, "fast")
    assert level.states == ("off", "on")
    assert level.name == level.key == "multi-state-value,1"
    assert alarm.key == "binary-input,7"


def test_german_titles() -> None:
    found = by_key(
        "Objekttyp;Instanz;Bezeichnung;Einheit;Min;Max\nAV;3;Soll;°C;20;60,5"
    )
    assert found["analog-value,3"].maximum == 60.5


def test_numbers_of_units_without_a_text() -> None:
    text = f"{TITLES}\n;1;a;0;1;;;;;;;;;;95;\n;1;b;0;2;;;;;;;;;;60000;\n"
    assert {point.unit for point in by_key(text).values()} == {None}


def test_what_is_left_out_is_told() -> None:
    text = (
        f"{TITLES};colour\n;1;a;0;1;;;;;;;;;;62;;red\n;1;b;0;1;;;;;;;;;;62;\n"
        ";1;c;13;1;;;;;;;;;9;;\n;1;d;loop;1;;;;;;;;;;;\n"
    )
    found = parse_ede(text, STATE_TEXTS)
    assert [point.name for point in found.points] == ["a", "c"]
    assert found.problems == [
        'column "colour" is not known',
        "line 3: analog-input,1 is there twice",
        "line 4: there is no state text 9",
        "1 objects of other types were left out",
    ]


def test_state_texts_with_a_gap_are_none() -> None:
    text = f"{TITLES}\n;1;a;14;1;;;;;;;;;2;;\n"
    found = parse_ede(text, "2;Aus;;Ein\n")
    assert found.points[0].states == ()
    assert found.problems == ["line 2: there is no state text 2"]


@pytest.mark.parametrize(
    ("row", "where", "problem"),
    [
        (";1;a;0;x;;;;;;;;;;;", "object-instance", "a number, not 'x'"),
        (";1;a;0;;;;;;;;;;;;", "object-instance", "is missing"),
        (";1;a;0;-1;;;;;;;;;;;", "object-instance", "whole number"),
        (";1;a;0;1.5;;;;;;;;;;;", "object-instance", "whole number"),
        (";1;a;0;4194303;;;;;;;;;;;", "object-instance", "from 0 to 4194302"),
        (";1;a;;1;;;;;;;;;;;", "object-type", "no type"),
        (";1;a;4711;1;;;;;;;;;;;", "object-type", "no type"),
        (";nan;a;0;1;;;;;;;;;;;", "device obj.-instance", "a number"),
        (";2;a;0;1;;;;;;;;;;;\n;3;b;0;2;;;;;;;;;;;", "device obj.-instance", "after 2"),
        (";1;a;2;1;;;low;9;;;;;;;", "min-present-value", "a number, not 'low'"),
        (";1;a;2;1;;;0;9;maybe;;;;;;", "commandable", "Y or N"),
        (";1;a;2;1;;;;;;;;;;99999;", "unit-code", "99999"),
    ],
)  # fmt: skip
def test_error_names_line_and_column(row: str, where: str, problem: str) -> None:
    line = 2 + row.count("\n")
    with pytest.raises(PointConfigError) as caught:
        parse_ede(f"{TITLES}\n{row}\n")
    assert caught.value.field == f'line {line}, column "{where}"'
    assert problem in caught.value.problem


@pytest.mark.parametrize("text", ["", "\n", "hello\nworld", "a;b;c\n1;2;3", "\0;;"])
def test_no_list_at_all(text: str) -> None:
    with pytest.raises(PointConfigError, match="no row of titles"):
        parse_ede(text)


def test_list_without_objects() -> None:
    assert parse_ede(TITLES).points == []


def test_wrong_choice_of_our_own_fields() -> None:
    with pytest.raises(
        PointConfigError, match='line 2, column "role": expected one of'
    ):
        parse_ede("object_type,instance,role\nai,1,heater\n")

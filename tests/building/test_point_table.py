"""Lists of points as people have them: from spreadsheets and as YAML."""

import pytest

from custom_components.compute_heater.building.modbus_point import parse_points
from custom_components.compute_heater.building.point_table import parse_table
from custom_components.compute_heater.building.points import PointConfigError

ROWS = [
    {
        "key": "flow", "name": "Vorlauf, Heizkreis 1", "space": "holding", "address": 10,
        "data_type": "int16", "scale": 0.1, "unit": "°C",
        "sentinels": [-32768.0, 32767.0],
    },
    {
        "key": "mode", "name": "Betriebsart", "space": "holding", "address": 500,
        "data_type": "uint16", "writable": True, "states": ["aus", "ein"],
    },
]  # fmt: skip
SEMICOLON = """\
# Punktliste Heizraum
Schlüssel;Bezeichnung;Bereich;Register;Typ;Faktor;Einheit;Ungültig;Schreibbar;Zustände

flow;Vorlauf, Heizkreis 1;Holding Register;10;s16;0,1;°C;-32768 | 32767;;
mode;Betriebsart;holding;0x1F4;U16;;;;ja;aus|ein
"""
TAB = """\
key\tname\tspace\taddress\tdata type\tscale\tunit\tsentinels\taccess\tstates
flow\tVorlauf, Heizkreis 1\tholding\t10\tint16\t0.1\t°C\t-32768 32767\tR\t
mode\tBetriebsart\tholding\t500\tuint16\t\t\t\tR/W\taus | ein
"""
COMMA = """\
key,name,space,address,type,scale,unit,sentinels,write,states
flow,"Vorlauf, Heizkreis 1",holding,10,int16,"0,1",°C,"-32768|32767",,
mode,Betriebsart,holding,500,word,,,,x,aus|ein
"""
YAML = """\
# Punktliste
- {key: flow, name: "Vorlauf, Heizkreis 1", space: holding, address: 10, data_type: int16,
   scale: 0.1, unit: °C, sentinels: [-32768, 32767]}
- key: mode
  name: Betriebsart
  space: holding
  address: 500
  data_type: uint16
  writable: true
  states: [aus, ein]
"""


@pytest.mark.parametrize(
    "text",
    [
        SEMICOLON,
        "\ufeff" + SEMICOLON.replace("\n", "\r\n"),
        TAB,
        COMMA,
        YAML,
        "points:\n" + YAML.partition("\n")[2],
    ],
    ids=["semicolon", "as Excel saves it", "tab", "comma", "yaml", "yaml under points"],
)
def test_the_same_list_in_every_form(text: str) -> None:
    assert parse_points(parse_table(text)) == parse_points(ROWS)


def test_columns_without_title_or_content_are_passed_over() -> None:
    text = "space;;address;\ncoil;;1;\n;;;\n"
    assert parse_table(text) == [{"space": "coil", "address": 1}]
    with pytest.raises(PointConfigError, match="'note' stands below no column"):
        parse_table("space;;address\ncoil;note;1\n")


@pytest.mark.parametrize(
    ("cell", "scale"),
    [
        ("0,1", 0.1), ("0.1", 0.1), ("1.234,5", 1234.5), ('"1,234.5"', 1234.5),
        ("\N{MINUS SIGN}2", -2.0),
    ],
)  # fmt: skip
def test_decimal_point_and_comma(cell: str, scale: float) -> None:
    (row,) = parse_table(f"space;address;type;scale\ninput;1;int16;{cell}\n")
    assert row["scale"] == scale


@pytest.mark.parametrize(
    ("text", "field", "problem"),
    [
        ("", "points", "at least one"),
        ("# nothing\n\n", "points", "at least one"),
        ("space;address\n", "points", "no point below"),
        ("space;address;colour\n", "colour", r"no column .*\(line 1\)"),
        ("space;address;register\n", "address", r"two columns .*\(line 1\)"),
        ("space;address\ncoil;one\n", "address", r"whole number.*\(line 2\)"),
        ("space;address\ncoil;1\n\ncoil;70000\n", "address", r"65535.*\(line 4\)"),
        ("space;address\ncoil;1;2\n", "points", r"no column \(line 2\)"),
        ("space;address\ncoil;1\ncoil;1\n", "key", r"line 2 already \(line 3\)"),
        ("space;address\nregister;1\n", "space", r"\(line 2\)"),
        ("address;typ\n1;int16\n", "space", r"missing \(line 2\)"),
        (
            "space;address;typ;faktor\ninput;1;int16;x1\n",
            "scale",
            r"number, not 'x1' \(line 2\)",
        ),
        ("space;address;write\ncoil;1;maybe\n", "writable", r"yes or no.*\(line 2\)"),
        (
            "space;address;type;write\nholding;1;int16;ja\n",
            "minimum",
            r"is needed.*\(line 2\)",
        ),
        ("- {space: coil\n  address: 1}\n", "yaml", r"\(line 2\)"),
        ('space;address;name\ncoil;1;"Pump\n', "points", r"end of data \(line 2\)"),
        ("- \0\n", "yaml", "special characters"),
        ("- coil 1\n", "point", r"mapping.*\(entry 1\)"),
        ("points:\n", "points", "at least one"),
        ("[]", "points", "at least one"),
    ],
)
def test_what_is_wrong_and_where(text: str, field: str, problem: str) -> None:
    with pytest.raises(PointConfigError, match=problem) as caught:
        parse_table(text)
    assert caught.value.field == field

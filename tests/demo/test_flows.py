"""What is read from a form as Home Assistant sends it."""

from collections.abc import Collection

import pytest

from custom_components.compute_heater.building.modbus_point import parse_points
from simulator.bacnet_points import ANALOG_VALUES, BINARY_VALUES
from simulator.demo.errors import FlowError
from simulator.demo.flows import options, suggestions
from simulator.demo.installation import BACNET_WRITABLE, MODBUS_POINTS
from simulator.modbus_map import COILS, DISCRETE_INPUTS, INPUT_REGISTERS

FORM = {
    "data_schema": [
        {"name": "power", "required": True, "description": {"suggested_value": 300}},
        {
            "name": "confirmed",
            "required": True,
            "description": {"suggested_value": False},
        },
        {"name": "time", "required": True, "default": 60},
        {"name": "entity", "optional": True},
        {
            "name": "path",
            "type": "expandable",
            "schema": [{"name": "travel", "default": 5}, {"name": "pump"}],
        },
        {
            "name": "points",
            "selector": {
                "select": {
                    "options": [{"label": "Tank (ai,1)", "value": "ai,1"}, "raw"]
                }
            },
        },
    ]
}


def test_suggestions_are_what_submit_sends() -> None:
    assert suggestions(FORM) == {
        "power": 300,
        "confirmed": False,
        "time": 60,
        "path": {"travel": 5},
    }


def test_options() -> None:
    assert options(FORM, "points") == {"Tank (ai,1)": "ai,1", "raw": "raw"}
    with pytest.raises(FlowError, match="no field"):
        options(FORM, "tank")


def test_demo_names_points_that_the_house_has() -> None:
    """A point renamed in the house must be renamed in the demo."""
    tables: dict[str, Collection[int]] = {
        "coil": COILS,
        "discrete": DISCRETE_INPUTS,
        "input": INPUT_REGISTERS,
    }
    points = parse_points(MODBUS_POINTS)
    assert all(point.address in tables[point.space] for point in points)
    names = {output.name for output in (*ANALOG_VALUES, *BINARY_VALUES)}
    assert set(BACNET_WRITABLE) <= names

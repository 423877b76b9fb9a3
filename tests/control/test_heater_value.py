"""What the building is told about heaters."""

import pytest

from custom_components.compute_heater.control.heater_value import (
    HeaterShown,
    HeaterValue,
    together,
)
from custom_components.compute_heater.heaters.model import PowerState

ONE = HeaterShown(
    heat_w=1400,
    available_w=2800,
    power_w=1500,
    energy_kwh=10,
    heat_kwh=9,
    state=PowerState.ECO,
    fault=False,
    supply_c=50,
)
OTHER = HeaterShown(
    heat_w=0,
    available_w=0,
    power_w=300,
    energy_kwh=2,
    heat_kwh=1,
    state=PowerState.STANDBY,
    fault=False,
    supply_c=35,
)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (HeaterValue.HEAT_POWER, 1400),
        (HeaterValue.AVAILABLE_POWER, 2800),
        (HeaterValue.POWER, 1800),
        (HeaterValue.ENERGY, 12),
        (HeaterValue.HEAT_ENERGY, 10),
        (HeaterValue.POWER_STATE, PowerState.ECO),
        (HeaterValue.FAULT, False),
        (HeaterValue.SUPPLY_TEMPERATURE, 50),
    ],
)
def test_of_several(value: HeaterValue, shown: object) -> None:
    assert together(value, [ONE, OTHER]) == shown
    # One that is unknown makes the whole unknown.
    assert together(value, [ONE, HeaterShown()]) is None
    assert together(value, []) is None


def test_one_fault_is_a_fault() -> None:
    faulty = HeaterShown(fault=True)
    assert together(HeaterValue.FAULT, [HeaterShown(), faulty, ONE]) is True

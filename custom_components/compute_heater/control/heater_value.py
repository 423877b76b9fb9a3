"""What the building is told about heaters, one or several together."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ..heaters.model import PowerState


class HeaterValue(StrEnum):
    """What a point of the building can show of heaters."""

    HEAT_POWER = "heat_power"
    AVAILABLE_POWER = "available_power"
    """Heat that they could give."""
    POWER = "power"
    ENERGY = "energy"
    HEAT_ENERGY = "heat_energy"
    POWER_STATE = "power_state"
    FAULT = "fault"
    SUPPLY_TEMPERATURE = "supply_temperature"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaterShown:
    """One heater; W, kWh and °C, None is unknown."""

    heat_w: float | None = None
    available_w: float | None = None
    power_w: float | None = None
    energy_kwh: float | None = None
    heat_kwh: float | None = None
    state: PowerState | None = None
    fault: bool | None = None
    supply_c: float | None = None


def together(
    value: HeaterValue, heaters: Sequence[HeaterShown]
) -> float | bool | PowerState | None:
    """Return a value of all of them; None where one is unknown, or there are none.

    Powers and energies are sums, the state is the highest, the supply the hottest; one
    fault is a fault.
    """
    if not heaters:
        return None
    if value is HeaterValue.FAULT:
        faults = [each.fault for each in heaters]
        return True if True in faults else None if None in faults else False
    if value is HeaterValue.POWER_STATE:
        states = [each.state for each in heaters if each.state is not None]
        if len(states) < len(heaters):
            return None
        return max(states, key=lambda state: state.rank)
    numbers = [
        number for each in heaters if (number := _NUMBERS[value](each)) is not None
    ]
    if len(numbers) < len(heaters):
        return None
    return max(numbers) if value is HeaterValue.SUPPLY_TEMPERATURE else sum(numbers)


_NUMBERS: Mapping[HeaterValue, Callable[[HeaterShown], float | None]] = {
    HeaterValue.HEAT_POWER: lambda heater: heater.heat_w,
    HeaterValue.AVAILABLE_POWER: lambda heater: heater.available_w,
    HeaterValue.POWER: lambda heater: heater.power_w,
    HeaterValue.ENERGY: lambda heater: heater.energy_kwh,
    HeaterValue.HEAT_ENERGY: lambda heater: heater.heat_kwh,
    HeaterValue.SUPPLY_TEMPERATURE: lambda heater: heater.supply_c,
}

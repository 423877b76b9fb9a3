"""Numbers of parts and keys, from which object instances and registers come.

A part (the site, a heater, a consumer) has the number that was stored when it came up
first. A number is never given again, so that a part that goes moves no other.
"""

from collections.abc import Iterable, Mapping

from .points import SITE

KEY_NUMBERS = {
    "thermal_power": 1,
    "available_power": 2,
    "electrical_power": 3,
    "energy": 4,
    "heat_energy": 5,
    "heat_demand": 6,
    "temperature": 7,
    "state_of_charge": 8,
    "supply_temperature": 9,
    "return_temperature": 10,
    "flow": 11,
    "fault": 20,
    "enabled": 21,
    "commanded": 22,
    "power_state": 30,
    "reason": 40,
    "heartbeat": 50,
    "heat_request": 60,
    "power_request": 61,
    "supply_setpoint": 62,
    "enable": 63,
    "state_request": 64,
}
"""Of what a part offers; a key keeps its number for ever."""
PART_STRIDE = 100


def numbered(stored: Mapping[str, int], parts: Iterable[str]) -> dict[str, int]:
    """Return ``stored`` with numbers for the parts that have none; the site is 0."""
    numbers = {SITE: 0, **stored}
    for part in parts:
        if part not in numbers:
            numbers[part] = max(numbers.values()) + 1
    return numbers

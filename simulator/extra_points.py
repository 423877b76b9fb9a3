"""More measured values than a house has, as large controllers show them."""

from collections.abc import Callable
from functools import partial

from .bacnet_points import Input
from .house import House
from .modbus_map import Register

FIRST_INSTANCE = 1001
FIRST_REGISTER = 1000
REGISTERS_EACH = 2
MOST = 10_000
"""So many find room in the registers."""


def extra_inputs(count: int) -> dict[int, Input]:
    """Analog inputs by instance number."""
    return {
        FIRST_INSTANCE - 1 + number: Input(name=f"Extra {number}", read=_value(number))
        for number in range(1, count + 1)
    }


def extra_registers(count: int) -> dict[int, Register]:
    """Float32 input registers of the same values, by address, without gaps."""
    return {
        FIRST_REGISTER + REGISTERS_EACH * (number - 1): Register(
            read=_value(number), encoding="float32", scale=1.0
        )
        for number in range(1, count + 1)
    }


def _value(number: int) -> Callable[[House], float]:
    return partial(_read, number / 10)


def _read(offset: float, house: House) -> float:
    """Give each point a value of its own, all moving slowly."""
    return round(house.conditions.outdoor_c + offset, 1)

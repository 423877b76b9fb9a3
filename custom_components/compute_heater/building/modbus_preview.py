"""What registers hold, in every order of their bytes."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from modbus_connection import ModbusUnit

from .modbus_plan import Layout
from .modbus_point import ModbusPoint, WordOrder
from .points import Value


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """A point as it was read once."""

    point: ModbusPoint
    raw: tuple[int, ...] | None
    """None = the device does not serve it."""
    values: Mapping[WordOrder, Value | None]
    """What each order makes of it; only "abcd" for a bit."""


async def preview(
    unit_of: Callable[[int | None], ModbusUnit],
    points: Iterable[ModbusPoint],
    layout: Layout = Layout(),
) -> list[PreviewRow]:
    """Read the points once; raises LinkConnectionError, LinkProtocolError."""
    raise NotImplementedError

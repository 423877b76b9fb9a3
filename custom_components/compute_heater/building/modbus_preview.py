"""What registers hold, in every order of their bytes."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from modbus_connection import ModbusUnit

from .modbus import ModbusDevice
from .modbus_codec import decode
from .modbus_plan import Layout
from .modbus_point import DataType, ModbusPoint, WordOrder
from .modbus_unit import Raw
from .points import Value


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """A point as it was read once."""

    point: ModbusPoint
    raw: tuple[int, ...] | None
    """None = the device does not serve it."""
    values: Mapping[WordOrder, Value | None]
    """What each order makes of it; only "abcd" for a bool. Empty without ``raw``."""


async def preview(
    unit_of: Callable[[int | None], ModbusUnit],
    points: Iterable[ModbusPoint],
    layout: Layout = Layout(),
) -> list[PreviewRow]:
    """Read the points once; raises LinkConnectionError, LinkProtocolError."""
    wanted = tuple(points)
    found = await ModbusDevice(unit_of, wanted, layout).read_raw(wanted)
    return [_row(point, found[point.key]) for point in wanted]


def _row(point: ModbusPoint, raw: Raw | None) -> PreviewRow:
    if raw is None:
        return PreviewRow(point, None, {})
    is_bool = point.data_type is DataType.BOOL
    orders = (WordOrder.ABCD,) if is_bool else tuple(WordOrder)
    return PreviewRow(
        point,
        tuple(int(word) for word in raw),
        {order: decode(replace(point, word_order=order), raw) for order in orders},
    )

"""A Modbus device of the building, reached through a unit that is handed in."""

from collections.abc import Iterable

from modbus_connection import ModbusUnit

from .modbus_point import ModbusPoint
from .points import Value


class ModbusDevice:
    """Reads and writes the points of one Modbus unit."""

    reads: int
    """Read requests sent (for diagnostics)."""
    writes: int
    """Write requests sent (for diagnostics)."""

    def __init__(self, unit: ModbusUnit, points: Iterable[ModbusPoint]) -> None:
        """``unit`` stays its owner's; nothing is sent yet."""
        raise NotImplementedError

    async def read(
        self, points: Iterable[ModbusPoint] | None = None
    ) -> dict[str, Value | None]:
        """Values by key, all points by default; None where unknown or refused.

        Raises LinkConnectionError when the device does not answer.
        """
        raise NotImplementedError

    async def write(self, point: ModbusPoint, value: Value) -> Value | None:
        """Write a point and read it back; returns what the device holds then.

        Raises PointRefusedError (limits, type, refused by the device, not taken
        over), LinkConnectionError.
        """
        raise NotImplementedError

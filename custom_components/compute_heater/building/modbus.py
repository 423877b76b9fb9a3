"""A Modbus device of the building, reached through a unit that is handed in."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from modbus_connection import (
    ExceptionCode,
    GatewayPathUnavailableError,
    GatewayTargetError,
    ModbusConnectionError,
    ModbusError,
    ModbusExceptionError,
    ModbusTimeoutError,
    ModbusUnit,
)

from .modbus_codec import decode, encode
from .modbus_plan import Block, Layout, Place, plan
from .modbus_point import ModbusPoint, Space
from .points import LinkConnectionError, LinkProtocolError, PointRefusedError, Value
from .values import checked

RETRY_FIRST_S = 60.0
"""A refused point is asked for again after this time, doubled at each refusal: a
device may refuse while it starts. Dead registers end at once a day."""
RETRY_LAST_S = 86400.0
READ_BACK_PAUSES_S = (0.0, 0.3, 1.0)
"""Some controllers take a written value over with a delay."""

_LASTING = (
    ExceptionCode.ILLEGAL_DATA_ADDRESS,
    ExceptionCode.ILLEGAL_DATA_VALUE,
    ExceptionCode.SERVER_DEVICE_FAILURE,
)
"""What devices answer for addresses that they do not have."""


@dataclass(frozen=True, slots=True)
class _Refusal:
    """A point that the device does not serve."""

    until: float
    """Loop time at which it is asked for again."""
    hold: float


class ModbusDevice:
    """Reads and writes the points of one Modbus unit."""

    def __init__(
        self,
        unit_of: Callable[[int | None], ModbusUnit],
        points: Iterable[ModbusPoint],
        layout: Layout = Layout(),
    ) -> None:
        """Take units by number (None = the link's), which stay their owner's.

        Nothing is sent yet.
        """
        self.reads = 0
        """Read requests sent (for diagnostics)."""
        self.writes = 0
        """Write requests sent (for diagnostics)."""
        self._unit = unit_of(None)
        self._layout = layout
        self._points = tuple(points)
        self._refused: dict[ModbusPoint, _Refusal] = {}
        self._cuts: set[Place] = set()
        self._write_lock = asyncio.Lock()

    @property
    def refused(self) -> frozenset[str]:
        """Keys of the points that the device does not serve."""
        return frozenset(point.key for point in self._refused)

    async def read(
        self, points: Iterable[ModbusPoint] | None = None
    ) -> dict[str, Value | None]:
        """Values by key, all points by default; None where unknown or refused.

        Raises LinkConnectionError when the device does not answer,
        LinkProtocolError when its answer cannot be understood.
        """
        wanted = self._points if points is None else tuple(points)
        values: dict[str, Value | None] = dict.fromkeys(point.key for point in wanted)
        for block in self._blocks(wanted):
            found, _ = await self._read_block(block)
            values |= found
        return values

    async def write(self, point: ModbusPoint, value: Value) -> Value | None:
        """Write a point and read it back; returns what the device holds then.

        None where the register can only be written. Raises PointRefusedError
        (limits, type, refused by the device, not taken over), LinkConnectionError,
        LinkProtocolError.
        """
        words = encode(point, checked(point, value))
        intended = decode(point, words)
        async with self._write_lock:
            await self._send(point, words)
            held: Value | None = None
            for pause in READ_BACK_PAUSES_S:
                await asyncio.sleep(pause)
                try:
                    raw = await self._request(Block((point,)))
                except ModbusExceptionError:
                    return None
                held = decode(point, raw)
                if held == intended:
                    return held
        raise PointRefusedError(
            f"{point.name}: the device holds {held} after {intended} was written"
        )

    def _blocks(self, wanted: tuple[ModbusPoint, ...]) -> list[Block]:
        """Plan one request for all that answers, one each for what may again."""
        now = asyncio.get_running_loop().time()
        refused = [point for point in wanted if point in self._refused]
        due = [point for point in refused if self._refused[point].until <= now]
        served = [point for point in wanted if point not in self._refused]
        if refused and not served and not due:
            # Something must be asked, or a dead link would look alive.
            due = [min(refused, key=lambda point: self._refused[point].until)]
        cuts = self._cuts | {
            (point.space, address)
            for point in self._refused
            for address in (point.address, point.end)
        }
        return plan(served, cuts) + [Block((point,)) for point in due]

    async def _read_block(self, block: Block) -> tuple[dict[str, Value | None], bool]:
        """Read a block, or what of it is served; True when it went in one piece."""
        nothing: dict[str, Value | None] = dict.fromkeys(
            point.key for point in block.points
        )
        try:
            raw = await self._request(block)
        except ModbusExceptionError as err:
            if err.exception_code == ExceptionCode.ILLEGAL_FUNCTION:
                for point in block.points:
                    self._refuse(point)
                return nothing, False
            if err.exception_code not in _LASTING:
                return nothing, False
        else:
            values: dict[str, Value | None] = {}
            for point in block.points:
                self._refused.pop(point, None)
                start = point.address - block.address
                values[point.key] = decode(
                    point, raw[start : start + point.data_type.words]
                )
            return values, True
        if len(block.points) == 1:
            self._refuse(block.points[0])
            return nothing, False
        left, right = block.halves()
        left_values, left_whole = await self._read_block(left)
        right_values, right_whole = await self._read_block(right)
        if left_whole and right_whole:
            # Each half answers, only both together do not: a hole lies between.
            self._cuts.add((right.space, right.address))
        return left_values | right_values, False

    def _refuse(self, point: ModbusPoint) -> None:
        known = self._refused.get(point)
        hold = RETRY_FIRST_S if known is None else min(2 * known.hold, RETRY_LAST_S)
        until = asyncio.get_running_loop().time() + hold
        self._refused[point] = _Refusal(until, hold)

    async def _request(self, block: Block) -> Sequence[int | bool]:
        """Send one read; lets ModbusExceptionError through."""
        unit = self._unit
        request: Awaitable[Sequence[int | bool]]
        match block.space:
            case Space.COIL:
                request = unit.read_coils(block.address, block.count)
            case Space.DISCRETE:
                request = unit.read_discrete_inputs(block.address, block.count)
            case Space.INPUT:
                request = unit.read_input_registers(block.address, block.count)
            case Space.HOLDING:
                request = unit.read_holding_registers(block.address, block.count)
        self.reads += 1
        raw: Sequence[int | bool] = await _translated(request)
        if len(raw) < block.count:
            raise LinkProtocolError(f"{len(raw)} instead of {block.count} values")
        return raw

    async def _send(self, point: ModbusPoint, words: list[int]) -> None:
        self.writes += 1
        if point.space is Space.COIL:
            request = self._unit.write_coil(point.address, bool(words[0]))
        elif len(words) == 1:
            request = self._unit.write_register(point.address, words[0])
        else:
            request = self._unit.write_registers(point.address, words)
        try:
            await _translated(request)
        except ModbusExceptionError as err:
            raise PointRefusedError(f"{point.name}: {err}") from err


async def _translated[T](request: Awaitable[T]) -> T:
    """Await a request; all but an exception response becomes a LinkError."""
    try:
        return await request
    except (GatewayTargetError, GatewayPathUnavailableError) as err:
        raise LinkConnectionError(f"no answer behind the gateway: {err}") from err
    except ModbusExceptionError:
        raise
    except (ModbusConnectionError, ModbusTimeoutError, OSError) as err:
        raise LinkConnectionError(str(err) or type(err).__name__) from err
    except ModbusError as err:
        raise LinkProtocolError(str(err) or type(err).__name__) from err

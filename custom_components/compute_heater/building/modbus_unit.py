"""Reads the points of one Modbus unit in few requests, around what it refuses."""

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass, replace

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

from .modbus_plan import Block, Layout, Place, plan
from .modbus_point import ModbusPoint, Space
from .points import LinkConnectionError, LinkProtocolError, PointRefusedError

RETRY_FIRST_S = 60.0
"""A refused point is asked for again after this time, doubled at each refusal: a
device may refuse while it starts. Dead registers end at once a day."""
RETRY_LAST_S = 86400.0
REQUEST_LIMIT_S = 30.0
"""A device that keeps saying it is busy is asked again and again below us; this ends
it. Other users of the connection may take their share of the time first."""

SHORT_SPAN = 16
"""Whoever does not answer to so few registers does not answer at all."""

_LASTING = (
    ExceptionCode.ILLEGAL_DATA_ADDRESS,
    ExceptionCode.ILLEGAL_DATA_VALUE,
    ExceptionCode.SERVER_DEVICE_FAILURE,
)
"""What devices answer for addresses that they do not have."""

type Raw = tuple[int | bool, ...]
"""The registers or bits of a point."""


@dataclass(frozen=True, slots=True)
class _Refusal:
    """A point that the device does not serve."""

    until: float
    """Loop time at which it is asked for again."""
    hold: float


class UnitRegisters:
    """The registers of one unit: raw reading and writing."""

    def __init__(self, unit: ModbusUnit, layout: Layout) -> None:
        """Take a unit, which stays its owner's; nothing is sent yet."""
        self.reads = 0
        self.writes = 0
        self._unit = unit
        self._layout = layout
        self._longest = SHORT_SPAN
        """Registers that the unit has given in one answer."""
        self._refused: dict[ModbusPoint, _Refusal] = {}
        self._cuts: set[Place] = set()
        self._plans: dict[
            tuple[int, ...], tuple[tuple[ModbusPoint, ...], list[Block]]
        ] = {}
        """Poll groups come again and again with the same points; by their identities,
        with the points, for as long as they are kept no others have these."""
        if layout.spacing_s:
            unit.set_message_spacing(layout.spacing_s)

    @property
    def refused(self) -> frozenset[str]:
        """Keys of the points that the device does not serve."""
        return frozenset(point.key for point in self._refused)

    async def read(self, wanted: Sequence[ModbusPoint]) -> dict[str, Raw | None]:
        """Return registers by key, None where the device does not serve them.

        Raises LinkConnectionError, LinkProtocolError.
        """
        found: dict[str, Raw | None] = dict.fromkeys(point.key for point in wanted)
        for block in self._blocks(wanted):
            try:
                values, _ = await self._read_block(block)
            except LinkConnectionError:
                if not await self._is_too_long(block):
                    raise
                return await self.read(wanted)
            found |= values
        return found

    async def read_one(self, point: ModbusPoint) -> Raw | None:
        """Read a point whatever was refused before; None when it is refused now."""
        try:
            return tuple(await self._request(Block((point,))))
        except ModbusExceptionError:
            return None

    async def write(self, point: ModbusPoint, words: list[int]) -> None:
        """Write registers or a bit.

        Raises PointRefusedError, LinkConnectionError, LinkProtocolError.
        """
        unit, address = self._unit, point.address
        single = len(words) == 1 and not point.write_multiple
        if point.space is Space.COIL and single:
            request = unit.write_coil(address, bool(words[0]))
        elif point.space is Space.COIL:
            request = unit.write_coils(address, [bool(word) for word in words])
        elif single:
            request = unit.write_register(address, words[0])
        else:
            request = unit.write_registers(address, words)
        self.writes += 1
        try:
            await _translated(request)
        except ModbusExceptionError as err:
            raise PointRefusedError(f"{point.name}: {err}") from err

    def _blocks(self, wanted: Iterable[ModbusPoint]) -> list[Block]:
        """Plan one request for all that answers, one each for what may again."""
        if not self._refused:
            return self._planned(tuple(wanted))
        now = asyncio.get_running_loop().time()
        served = tuple(point for point in wanted if point not in self._refused)
        refused = [point for point in wanted if point in self._refused]
        due = [point for point in refused if self._refused[point].until <= now]
        if refused and not served and not due:
            # Something must be asked, or a dead link would look alive.
            due = [min(refused, key=lambda point: self._refused[point].until)]
        return self._planned(served) + [Block((point,)) for point in due]

    def _planned(self, served: tuple[ModbusPoint, ...]) -> list[Block]:
        # Points are many fields to hash; these very objects come again.
        name = tuple(map(id, served))
        if (known := self._plans.get(name)) is None:
            cuts = self._cuts | {
                (point.space, address)
                for point in self._refused
                for address in (point.address, point.end)
            }
            known = self._plans[name] = served, plan(served, cuts, self._layout)
        return known[1]

    async def _read_block(self, block: Block) -> tuple[dict[str, Raw | None], bool]:
        """Read a block, or what of it is served; True when it went in one piece."""
        nothing: dict[str, Raw | None] = dict.fromkeys(
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
            found: dict[str, Raw | None] = {}
            self._longest = max(self._longest, block.count)
            for point in block.points:
                self._accept(point)
                start = point.address - block.address
                found[point.key] = tuple(raw[start : start + point.data_type.words])
            return found, True
        if len(block.points) == 1:
            self._refuse(block.points[0])
            return nothing, False
        left, right = block.halves()
        left_found, left_whole = await self._read_block(left)
        right_found, right_whole = await self._read_block(right)
        if left_whole and right_whole:
            # Each half answers, only both together do not: a hole lies between.
            self._cuts.add((right.space, right.address))
            self._plans.clear()
        return left_found | right_found, False

    async def _is_too_long(self, block: Block) -> bool:
        """Tell a unit that is away from one that is silent when asked for too much.

        The latter is asked for half as much from now on. Raises LinkConnectionError.
        """
        if block.count <= self._longest:
            return False
        await self.read_one(block.points[0])
        self._layout = replace(self._layout, max_span=block.count // 2)
        self._plans.clear()
        return True

    def _refuse(self, point: ModbusPoint) -> None:
        known = self._refused.get(point)
        hold = RETRY_FIRST_S if known is None else min(2 * known.hold, RETRY_LAST_S)
        until = asyncio.get_running_loop().time() + hold
        self._refused[point] = _Refusal(until, hold)
        if known is None:
            self._plans.clear()

    def _accept(self, point: ModbusPoint) -> None:
        if self._refused.pop(point, None) is not None:
            self._plans.clear()

    async def _request(self, block: Block) -> Sequence[int | bool]:
        """Send one read; lets ModbusExceptionError through."""
        unit, address, count = self._unit, block.address, block.count
        request: Awaitable[Sequence[int | bool]]
        match block.space:
            case Space.COIL:
                request = unit.read_coils(address, count)
            case Space.DISCRETE:
                request = unit.read_discrete_inputs(address, count)
            case Space.INPUT:
                request = unit.read_input_registers(address, count)
            case Space.HOLDING:
                request = unit.read_holding_registers(address, count)
        self.reads += 1
        raw: Sequence[int | bool] = await _translated(request)
        if len(raw) < count:
            raise LinkProtocolError(f"{len(raw)} instead of {count} values")
        return raw


async def _translated[T](request: Awaitable[T]) -> T:
    """Await a request; all but an exception response becomes a LinkError."""
    try:
        async with asyncio.timeout(REQUEST_LIMIT_S):
            return await request
    except (GatewayTargetError, GatewayPathUnavailableError) as err:
        raise LinkConnectionError(f"no answer behind the gateway: {err}") from err
    except ModbusExceptionError:
        raise
    except (ModbusConnectionError, ModbusTimeoutError, OSError) as err:
        raise LinkConnectionError(str(err) or type(err).__name__) from err
    except ModbusError as err:
        raise LinkProtocolError(str(err) or type(err).__name__) from err

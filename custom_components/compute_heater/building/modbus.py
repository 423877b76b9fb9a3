"""A Modbus device of the building, reached through units that are handed in."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
import math

from modbus_connection import ModbusUnit

from .modbus_codec import decode, decode_written, encode
from .modbus_plan import Layout
from .modbus_point import ModbusPoint
from .modbus_unit import Raw, UnitRegisters
from .points import (
    LinkConnectionError,
    LinkError,
    LinkProtocolError,
    PointRefusedError,
    Value,
)
from .values import checked

READ_BACK_PAUSES_S = (0.0, 0.3, 1.0)
"""Some controllers take a written value over with a delay."""
SILENCE_FIRST_S = 30.0
"""A unit that is silent while others answer is left alone for this time, doubled at
each further silence: every question to it holds up the line for a whole time-out."""
SILENCE_LAST_S = 300.0


@dataclass(frozen=True, slots=True)
class _Silence:
    """A unit that does not answer, unlike others of the link."""

    until: float
    """Loop time at which it is asked again."""
    hold: float


class ModbusDevice:
    """Reads and writes the points of one Modbus device, which may be several units."""

    def __init__(
        self,
        unit_of: Callable[[int | None], ModbusUnit],
        points: Iterable[ModbusPoint],
        layout: Layout = Layout(),
    ) -> None:
        """Take units by number (None = the link's), which stay their owner's.

        Nothing is sent yet.
        """
        self._unit_of = unit_of
        self._points = tuple(points)
        self._layout = layout
        self._units: dict[int | None, UnitRegisters] = {}
        self._silences: dict[int | None, _Silence] = {}
        self._write_lock = asyncio.Lock()

    @property
    def reads(self) -> int:
        """Read requests sent (for diagnostics)."""
        return sum(unit.reads for unit in self._units.values())

    @property
    def writes(self) -> int:
        """Write requests sent (for diagnostics)."""
        return sum(unit.writes for unit in self._units.values())

    @property
    def refused(self) -> frozenset[str]:
        """Keys of the points that the device does not serve."""
        return frozenset().union(*(unit.refused for unit in self._units.values()))

    @property
    def silent(self) -> frozenset[int | None]:
        """Units that do not answer although others of the link do."""
        return frozenset(self._silences)

    async def read(
        self, points: Iterable[ModbusPoint] | None = None
    ) -> dict[str, Value | None]:
        """Values by key, all points by default.

        None where unknown, refused, or of a unit that is silent while another one
        answers. Raises LinkConnectionError when nobody answers, LinkProtocolError
        when no answer can be understood.
        """
        wanted = self._points if points is None else tuple(points)
        found = await self.read_raw(wanted)
        return {
            point.key: None if raw is None else decode(point, raw)
            for point in wanted
            for raw in (found[point.key],)
        }

    async def read_raw(self, wanted: Iterable[ModbusPoint]) -> dict[str, Raw | None]:
        """Return registers or bits by key; the rest is as in ``read``."""
        by_unit: dict[int | None, list[ModbusPoint]] = {}
        for point in wanted:
            by_unit.setdefault(point.unit_id, []).append(point)
        found: dict[str, Raw | None] = {
            point.key: None for points in by_unit.values() for point in points
        }
        now = asyncio.get_running_loop().time()
        failures: dict[int | None, LinkError] = {}
        answered = False
        for number, points in by_unit.items():
            silence = self._silences.get(number)
            if silence is not None and now < silence.until:
                continue
            try:
                found |= await self._unit(number).read(points)
            except (LinkConnectionError, LinkProtocolError) as err:
                failures[number] = err
            else:
                answered = True
                self._silences.pop(number, None)
        if failures and not answered and not await self._another_answers(by_unit):
            # The whole link is down: nothing to hold against one unit.
            self._silences.clear()
            raise next(iter(failures.values()))
        for number in failures:
            self._note_silence(number)
        return found

    async def write(self, point: ModbusPoint, value: Value) -> Value | None:
        """Write a point and read it back; returns what the device holds then.

        None where the register can only be written. Raises PointRefusedError
        (limits, type, refused by the device, not taken over), LinkConnectionError,
        LinkProtocolError; ``command_stays`` of the error tells whether the value may
        be in the device all the same.
        """
        return await self._put(point, checked(point, value))

    async def restore(self, point: ModbusPoint, value: Value) -> Value | None:
        """Write back what a point held before, and read it back.

        Neither the limits nor the tick of the point count: the device held this value
        before. Raises as ``write`` does.
        """
        if not point.space.is_writable:
            raise PointRefusedError(f"{point.name} cannot be written")
        free = replace(
            point, writable=True, minimum=-math.inf, maximum=math.inf, states=()
        )
        return await self._put(point, checked(free, value))

    async def _put(self, point: ModbusPoint, value: Value) -> Value | None:
        words = encode(point, value)
        if (intended := decode_written(point, words)) is None:
            raise PointRefusedError(
                f"{point.name}: {value:g} would mean that the value is not known"
            )
        unit = self._unit(point.unit_id)
        held: Value | None = None
        async with self._write_lock:
            try:
                await unit.write(point, words)
                await asyncio.sleep(self._layout.settle_s)
                for pause in READ_BACK_PAUSES_S:
                    await asyncio.sleep(pause)
                    if (raw := await unit.read_one(point)) is None:
                        return None
                    if (held := decode(point, raw)) == intended:
                        return held
            except (LinkConnectionError, LinkProtocolError) as err:
                # The request may have arrived although no answer did.
                err.command_stays = True
                raise
        # The device may have limited the value, or take it over later.
        raise PointRefusedError(
            f"{point.name}: the device holds {held} after {intended} was written",
            command_stays=True,
        )

    def _unit(self, number: int | None) -> UnitRegisters:
        if (unit := self._units.get(number)) is None:
            unit = UnitRegisters(self._unit_of(number), self._layout)
            self._units[number] = unit
        return unit

    async def _another_answers(self, asked: Iterable[int | None]) -> bool:
        """Tell a silent unit from a dead link by a unit that was not asked."""
        out = {*asked, *self._silences}
        other = next(
            (point for point in self._points if point.unit_id not in out), None
        )
        if other is None:
            return False
        try:
            await self._unit(other.unit_id).read_one(other)
        except LinkConnectionError, LinkProtocolError:
            return False
        return True

    def _note_silence(self, number: int | None) -> None:
        known = self._silences.get(number)
        hold = SILENCE_FIRST_S if known is None else min(2 * known.hold, SILENCE_LAST_S)
        until = asyncio.get_running_loop().time() + hold
        self._silences[number] = _Silence(until, hold)

"""Commands points and tells what became of it."""

import asyncio
from collections.abc import Awaitable, Callable

from .bacnet_apdu import WRITE_PROPERTY, PropertyError, Ref, null, write_property
from .bacnet_browse import sound_value
from .bacnet_objects import PRESENT_VALUE, PRIORITIES, PRIORITY_ARRAY, decode, encode
from .bacnet_point import BacnetPoint
from .bacnet_read import Found, PropertyReader
from .bacnet_stack import BacnetRefusal
from .points import LinkConnectionError, LinkProtocolError, PointRefusedError, Value
from .values import same_real

READ_BACK_PAUSES_S = (0.0, 0.3, 1.0)
"""Some controllers take a written value over in their next cycle."""

type Request = Callable[[int, bytes], Awaitable[bytes]]


class PointWriter:
    """Writes to one device, one point after the other."""

    def __init__(self, reader: PropertyReader, request: Request) -> None:
        self.writes = 0
        """Requests sent."""
        self._reader = reader
        self._request = request
        self._lock = asyncio.Lock()

    async def command(self, point: BacnetPoint, value: Value) -> Value | None:
        """Command an object with a priority array; returns what it makes of it.

        Raises PointRefusedError, LinkConnectionError, LinkProtocolError.
        """
        encoded = _encoded(point, value)
        async with self._lock:
            try:
                await self._send(point, encoded, point.priority)
                return await self._commanded(point)
            except (LinkConnectionError, LinkProtocolError) as err:
                # The request may have arrived although no answer did.
                err.command_stays = True
                raise

    async def set(self, point: BacnetPoint, value: Value) -> Value | None:
        """Write to an object without priorities and wait until it holds the value.

        Raises PointRefusedError, LinkConnectionError, LinkProtocolError.
        """
        encoded = _encoded(point, value)
        async with self._lock:
            try:
                await self._send(point, encoded, None)
                return await self._taken_over(point, value)
            except (LinkConnectionError, LinkProtocolError) as err:
                err.command_stays = True
                raise

    async def relinquish(self, point: BacnetPoint) -> Value | None:
        """Give up our command; returns the value that holds then.

        Raises PointRefusedError, LinkConnectionError, LinkProtocolError.
        """
        async with self._lock:
            await self._send(point, null(), point.priority)
            present, slot = await self._present_and_slot(point)
        if slot != (None,):
            raise PointRefusedError(
                f"{point.name}: the controller keeps the command at {point.priority}",
                command_stays=True,
            )
        return present

    async def _commanded(self, point: BacnetPoint) -> Value | None:
        """Tell what became of our command; raises PointRefusedError."""
        present, slot = await self._present_and_slot(point)
        match slot:
            case PropertyError():
                raise PointRefusedError(
                    f"{point.name} has lost its priority array: the value was written "
                    "for good",
                    command_stays=True,
                )
            case (stored,) if stored is not None:
                held = decode(point.object_kind, stored)
            case _:
                raise PointRefusedError(
                    f"{point.name}: the controller acknowledges the command, but does "
                    "not keep it"
                )
        if _same(present, held):
            return present
        array = Ref(point.object_id, PRIORITY_ARRAY)
        slots = (await self._reader.read([array]))[array]
        if isinstance(slots, tuple):
            for number, entry in enumerate(slots[: point.priority - 1], 1):
                if entry is not None:
                    who = f" ({PRIORITIES[number]})" if number in PRIORITIES else ""
                    raise PointRefusedError(
                        f"{point.name}: priority {number}{who} holds {present}; our "
                        f"command at {point.priority} waits below it",
                        command_stays=True,
                    )
        # Ours is the highest: the present value follows in the controller's cycle.
        return held

    async def _taken_over(self, point: BacnetPoint, value: Value) -> Value | None:
        """Wait until a value without priorities is there; raises PointRefusedError."""
        reference = Ref(point.object_id, PRESENT_VALUE)
        present: Value | None = None
        for pause in READ_BACK_PAUSES_S:
            await asyncio.sleep(pause)
            present = self._present(point, await self._reader.read([reference]))
            if _same(present, value):
                return present
        raise PointRefusedError(
            f"{point.name} holds {present} after {value} was written"
        )

    async def _present_and_slot(self, point: BacnetPoint) -> tuple[Value | None, Found]:
        slot = Ref(point.object_id, PRIORITY_ARRAY, point.priority)
        found = await self._reader.read([Ref(point.object_id, PRESENT_VALUE), slot])
        return self._present(point, found), found[slot]

    @staticmethod
    def _present(point: BacnetPoint, found: dict[Ref, Found]) -> Value | None:
        # Whether it is to be believed is the next reading's question.
        return sound_value(
            {ref: one for ref, one in found.items() if ref.property == PRESENT_VALUE},
            point.object_id,
            point.object_kind,
        )

    async def _send(
        self, point: BacnetPoint, encoded: bytes, priority: int | None
    ) -> None:
        request = write_property(Ref(point.object_id, PRESENT_VALUE), encoded, priority)
        self.writes += 1
        try:
            await self._request(WRITE_PROPERTY, request)
        except BacnetRefusal as refusal:
            raise PointRefusedError(f"{point.name}: {refusal}") from refusal


def _encoded(point: BacnetPoint, value: Value) -> bytes:
    try:
        return encode(point.object_kind, value)
    except OverflowError as err:
        raise PointRefusedError(f"{point.name} cannot hold {value:g}") from err


def _same(left: Value | None, right: Value | None) -> bool:
    if left is None or right is None:
        return left is right
    return same_real(left, right)

"""A BACnet controller of the building."""

import asyncio
from collections.abc import Iterable
from ipaddress import IPv4Address
import itertools

from bacpypes3.pdu import Address

from .bacnet_apdu import (
    WRITE_PROPERTY,
    ObjectId,
    PropertyError,
    Ref,
    null,
    write_property,
)
from .bacnet_browse import BacnetIdentity, find_points, read_identity, sound_value
from .bacnet_cov import CovSubscription, ValuesCallback
from .bacnet_objects import (
    ANY_INSTANCE,
    DEVICE,
    OBJECT_IDENTIFIER,
    PRESENT_VALUE,
    PRIORITIES,
    PRIORITY_ARRAY,
    RELIABILITY,
    STATUS_FLAGS,
    UNKNOWN_PROPERTY,
    decode,
    encode,
)
from .bacnet_point import BacnetPoint, FoundPoint
from .bacnet_read import Found, PropertyReader
from .bacnet_stack import BacnetRefusal, BacnetStack
from .points import (
    LinkAddressError,
    LinkConnectionError,
    LinkProtocolError,
    PointRefusedError,
    Value,
)
from .values import checked, same_real

__all__ = [
    "BacnetDevice",
    "BacnetIdentity",
    "BacnetPoint",
    "BacnetStack",
    "CovSubscription",
    "FoundPoint",
    "ValuesCallback",
]

OWN_MAX_APDU = 1476
_CAUTIOUS_APDU = 480
"""Assumed of a device until it has told."""
READ_BACK_PAUSES_S = (0.0, 0.3, 1.0)
"""Some controllers take a written value over in their next cycle."""


class BacnetDevice:
    """One controller, reached through a stack."""

    def __init__(
        self, stack: BacnetStack, address: str, instance: int | None = None
    ) -> None:
        """Take "ip", "ip:port" or "network:mac" behind a router.

        ``instance`` is the device instance expected there, None = whichever answers.
        Raises LinkAddressError when the address is malformed.
        """
        self.reads = 0
        """Requests sent for reading and subscribing (for diagnostics)."""
        self.writes = 0
        """Write requests sent (for diagnostics)."""
        self.identity: BacnetIdentity | None = None
        """Set by the first identify() that succeeds."""
        self.instance = instance
        self._stack = stack
        self._address = _parsed(address)
        self._reader = PropertyReader(self._send, _CAUTIOUS_APDU)
        self._absent: set[Ref] = set()
        """Properties that an object does not have, not asked for again."""
        self._moment = itertools.count(1)
        self._reports: dict[ObjectId, tuple[int, Value | None]] = {}
        """What was reported last by change of value, and when."""
        self._subscriptions: set[CovSubscription] = set()
        self._is_away = False
        self._write_lock = asyncio.Lock()

    async def identify(self) -> BacnetIdentity:
        """Ask who answers at the address.

        Raises LinkConnectionError, or LinkProtocolError when another device answers
        than the expected one.
        """
        instance = await self._ask_instance()
        if self.instance not in (None, instance):
            raise LinkProtocolError(
                f"device {instance} answers at {self._address}, not {self.instance}"
            )
        identity = await read_identity(
            PropertyReader(self._send, _CAUTIOUS_APDU), instance
        )
        self.instance = instance
        self._reader = PropertyReader(self._send, min(OWN_MAX_APDU, identity.max_apdu))
        self._absent.clear()
        self.identity = identity
        return identity

    async def browse(self) -> list[FoundPoint]:
        """List every object that can become a point. Raises LinkError."""
        identity = await self.identify()
        # A reader of its own: long texts would teach the polling one wrong sizes.
        reader = PropertyReader(self._send, min(OWN_MAX_APDU, identity.max_apdu))
        return await find_points(reader, identity.instance)

    async def read(self, points: Iterable[BacnetPoint]) -> dict[str, Value | None]:
        """Present values by key; None where unknown, faulty or out of service.

        Raises LinkConnectionError when the device does not answer, LinkProtocolError
        when another device does or an answer is malformed.
        """
        if self.identity is None:
            await self.identify()
        wanted = tuple(points)
        refs = [
            ref
            for point in wanted
            for number in (PRESENT_VALUE, STATUS_FLAGS, RELIABILITY)
            if (ref := Ref(point.object_id, number)) not in self._absent
        ]
        begin = next(self._moment)
        found = await self._reader.read(refs)
        self._absent |= {
            ref
            for ref, one in found.items()
            if isinstance(one, PropertyError)
            and one.code == UNKNOWN_PROPERTY
            and ref.property != PRESENT_VALUE
        }
        values: dict[str, Value | None] = {}
        for point in wanted:
            when, reported = self._reports.get(point.object_id, (0, None))
            # What was reported meanwhile is newer than what was read.
            values[point.key] = (
                reported
                if when > begin
                else sound_value(found, point.object_id, point.object_kind)
            )
        return values

    async def write(
        self,
        point: BacnetPoint,
        value: Value,
        *,
        restore: Value | None = None,
    ) -> Value | None:
        """Command a point and read it back; returns what the controller made of it.

        That may be rounded or limited by the controller. An object without priority
        array is written only when ``restore``, the value to put back one day, is
        known. Raises PointRefusedError, LinkConnectionError, LinkProtocolError;
        ``command_stays`` of the error tells whether there is something to release.
        """
        value = checked(point, value)
        if not point.commandable and restore is None:
            raise PointRefusedError(
                f"{point.name} has no priority array: a command could not be given up"
            )
        try:
            encoded = encode(point.object_kind, value)
        except OverflowError as err:
            raise PointRefusedError(f"{point.name} cannot hold {value:g}") from err
        async with self._write_lock:
            try:
                if point.commandable:
                    await self._send_write(point, encoded, point.priority)
                    return await self._commanded(point)
                await self._send_write(point, encoded, None)
                return await self._taken_over(point, value)
            except (LinkConnectionError, LinkProtocolError) as err:
                # The request may have arrived although no answer did.
                err.command_stays = True
                raise

    async def relinquish(self, point: BacnetPoint) -> Value | None:
        """Give up our command at its priority; returns the value that holds then.

        Works for points that are no longer ticked as writable, too. Raises
        PointRefusedError when the point has no priority array or the controller
        keeps the command, LinkConnectionError, LinkProtocolError.
        """
        if not point.commandable:
            raise PointRefusedError(f"{point.name} has no priority array")
        async with self._write_lock:
            await self._send_write(point, null(), point.priority)
            present, slot = await self._present_and_slot(point)
        if slot != (None,):
            raise PointRefusedError(
                f"{point.name}: the controller keeps the command at {point.priority}",
                command_stays=True,
            )
        return present

    def subscribe(
        self, points: Iterable[BacnetPoint], callback: ValuesCallback
    ) -> CovSubscription:
        """Be told of changes at once (COV) until ``close`` of what is returned.

        Returns immediately; subscribing, renewal and recovery run in a task. Keep
        polling slowly: a lost notification is repeated only at the next renewal.
        Raises LinkConnectionError when the stack is not running.
        """
        subscription = CovSubscription(
            self._stack,
            self._address,
            points,
            callback,
            send=self._send,
            read=self.read,
            reported=self._note_report,
            closed=self._subscriptions.discard,
        )
        self._subscriptions.add(subscription)
        return subscription

    def _note_report(self, target: ObjectId, value: Value | None) -> None:
        self._reports[target] = next(self._moment), value

    async def _ask_instance(self) -> int:
        anyone = Ref(ObjectId(DEVICE, ANY_INSTANCE), OBJECT_IDENTIFIER)
        match (await self._reader.read([anyone]))[anyone]:
            case (ObjectId(type=8, instance=instance),):
                return instance
        # Older devices do not know this question, but the one that all know is
        # answered by broadcast, which may not reach us.
        told = await self._stack.who_is(self._address)
        if told is not None:
            return told
        if self.instance is not None:
            return self.instance
        raise LinkProtocolError(f"{self._address} does not tell its instance")

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

    async def _send_write(
        self, point: BacnetPoint, encoded: bytes, priority: int | None
    ) -> None:
        request = write_property(Ref(point.object_id, PRESENT_VALUE), encoded, priority)
        self.writes += 1
        try:
            await self._request(WRITE_PROPERTY, request)
        except BacnetRefusal as refusal:
            raise PointRefusedError(f"{point.name}: {refusal}") from refusal

    async def _send(self, service: int, content: bytes) -> bytes:
        self.reads += 1
        return await self._request(service, content)

    async def _request(self, service: int, content: bytes) -> bytes:
        """Send, and notice when the device was away and is back."""
        try:
            answer = await self._stack.request(self._address, service, content)
        except LinkConnectionError:
            self._is_away = True
            raise
        if self._is_away:
            self._is_away = False
            for subscription in self._subscriptions:
                subscription.renew()
        return answer


def _parsed(address: str) -> Address:
    """Parse an address, without what the library takes for a broadcast or ourselves."""
    address = address.strip()
    host, _, rest = address.partition(":")
    try:
        if "." in host:
            IPv4Address(host)
            usable = not rest or 0 < int(rest) < 65536
        else:
            usable = 0 < int(host) < 65535
        parsed = Address(address)
    except ValueError as err:
        raise LinkAddressError(f"{address!r} is not a BACnet address") from err
    is_ip = parsed.is_localstation and "." in host
    if not usable or not (is_ip or parsed.is_remotestation):
        raise LinkAddressError(f"{address!r} is not the address of one device")
    return parsed


def _same(left: Value | None, right: Value | None) -> bool:
    if left is None or right is None:
        return left is right
    return same_real(left, right)

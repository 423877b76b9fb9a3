"""A BACnet controller of the building."""

import asyncio
from collections.abc import Iterable
import itertools
import math

from .bacnet_address import address_text, device_address
from .bacnet_apdu import ObjectId, PropertyError, Ref
from .bacnet_browse import (
    BacnetIdentity,
    find_points,
    object_name,
    points_of,
    read_identity,
    sound_value,
)
from .bacnet_cov import CovSubscription, ValuesCallback
from .bacnet_list import completed
from .bacnet_names import ObjectNames
from .bacnet_objects import (
    ANY_INSTANCE,
    DEVICE,
    OBJECT_IDENTIFIER,
    OBJECT_NAME,
    PRESENT_VALUE,
    RELIABILITY,
    STATUS_FLAGS,
    UNKNOWN_OBJECT,
    UNKNOWN_PROPERTY,
)
from .bacnet_point import BacnetPoint, FoundPoint
from .bacnet_read import Found, PropertyReader
from .bacnet_stack import BacnetStack
from .bacnet_write import PointWriter
from .points import (
    LinkConnectionError,
    LinkError,
    LinkProtocolError,
    PointKind,
    PointRefusedError,
    Value,
)
from .values import checked

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
IDENTITY_VALID_S = 300.0
"""So seldom is asked whether it is still the same device with the same objects."""
_CAUTIOUS_APDU = 480
"""Assumed of a device until it has told."""


class BacnetDevice:
    """One controller, reached through a stack."""

    def __init__(
        self,
        stack: BacnetStack,
        address: str,
        instance: int | None = None,
        *,
        known: BacnetIdentity | None = None,
    ) -> None:
        """Take "ip", "ip:port" or "network:mac" behind a router.

        ``instance`` is the device instance expected there, None = whichever answers;
        ``known`` what the device told when its points were browsed. Raises
        LinkAddressError when the address is malformed.
        """
        self.reads = 0
        """Requests sent for reading and subscribing (for diagnostics)."""
        self.identity: BacnetIdentity | None = None
        """What the device told last."""
        self.instance = instance
        self._stack = stack
        self._address = device_address(address)
        self.address = address_text(self._address)
        """Where the device is expected: "ip:port" or "network:mac"."""
        self._reader = PropertyReader(self._send, _CAUTIOUS_APDU)
        self._writer = PointWriter(self._reader, self._request)
        self._absent: set[Ref] = set()
        """Properties that an object does not have, not asked for again."""
        self._names = ObjectNames(known.database_revision if known else None)
        self._missing: set[str] = set()
        self._identified_at_s: float | None = None
        """None = the device was away since."""
        self._identify_lock = asyncio.Lock()
        self._failure: LinkError | None = None
        """Of the last attempt to identify."""
        self._moment = itertools.count(1)
        self._reports: dict[ObjectId, tuple[int, Value | None]] = {}
        """What was reported last by change of value, and when."""
        self._subscriptions: set[CovSubscription] = set()
        self._is_away = False

    @property
    def writes(self) -> int:
        """Write requests sent (for diagnostics)."""
        return self._writer.writes

    @property
    def missing(self) -> frozenset[str]:
        """Keys of points whose object the device did not know when it was read last."""
        return frozenset(self._missing)

    @property
    def changed(self) -> frozenset[str]:
        """Keys of points whose object has another name than when it was browsed.

        They read as None and cannot be written: the controller was programmed anew,
        and something else may be there now.
        """
        return frozenset(self._names.changed)

    async def identify(self) -> BacnetIdentity:
        """Ask who answers at the address.

        Raises LinkConnectionError, or LinkProtocolError when another device answers
        than the expected one.
        """
        identity = await self._ask_identity()
        is_back = self._identified_at_s is None
        if identity != self.identity:
            self._reader.start_anew(min(OWN_MAX_APDU, identity.max_apdu))
            self._absent.clear()
            self._names.doubt(identity.database_revision)
        elif is_back and identity.database_revision is None:
            self._names.doubt(None)
        self.instance = identity.instance
        self.identity = identity
        self._identified_at_s = asyncio.get_running_loop().time()
        return identity

    async def browse(self) -> list[FoundPoint]:
        """List every object that can become a point. Raises LinkError."""
        identity = await self.identify()
        return await find_points(self._browsing_reader(identity), identity.instance)

    async def describe(
        self, points: Iterable[BacnetPoint]
    ) -> tuple[list[FoundPoint], list[str]]:
        """Do the same for the objects of a list, and keep what the list tells.

        Name, role and limits are the list's where it has them, what it leaves open is
        read. Second come the keys of objects that do not exist. Raises LinkError.
        """
        reader = self._browsing_reader(await self.identify())
        wanted = tuple(points)
        found = {
            one.point.key: one
            for one in await points_of(reader, {point.object_id for point in wanted})
        }
        described = [
            FoundPoint(
                point=completed(point, found[point.key].point),
                value=found[point.key].value,
            )
            for point in wanted
            if point.key in found
        ]
        return described, [point.key for point in wanted if point.key not in found]

    async def locate(self, wait_s: float = 3.0) -> frozenset[str]:
        """Return the addresses where a device of our instance answers.

        More than one = two devices have the same instance; another one than
        ``address`` alone = it has moved. Raises LinkConnectionError while the stack
        is not running or the BBMD does not let us search.
        """
        if (instance := self.instance) is None:
            instance = (await self.identify()).instance
        found = await self._stack.discover(instance, instance, "*", wait_s)
        places = {one.address for one in found}
        if self.address not in places and await self._answers_as(instance):
            # Broadcasts do not reach everyone, and not every answer reaches us.
            places.add(self.address)
        return frozenset(places)

    async def read(self, points: Iterable[BacnetPoint]) -> dict[str, Value | None]:
        """Present values by key; None where unknown, faulty or out of service.

        Raises LinkConnectionError when the device does not answer, LinkProtocolError
        when another device does or an answer is malformed.
        """
        await self._be_sure()
        wanted = tuple(points)
        numbers = (PRESENT_VALUE, STATUS_FLAGS, RELIABILITY)
        refs = [
            ref
            for point in wanted
            for number in (
                (*numbers, OBJECT_NAME) if self._names.is_doubtful(point) else numbers
            )
            if (ref := Ref(point.object_id, number)) not in self._absent
        ]
        begin = next(self._moment)
        found = await self._reader.read(refs)
        self._absent |= {
            ref
            for ref, one in found.items()
            if isinstance(one, PropertyError)
            and one.code == UNKNOWN_PROPERTY
            and ref.property in (STATUS_FLAGS, RELIABILITY)
        }
        values: dict[str, Value | None] = {}
        for point in wanted:
            self._note_presence(point, found)
            when, reported = self._reports.get(point.object_id, (0, None))
            # What was reported meanwhile is newer than what was read.
            values[point.key] = self._trusted(
                point,
                reported
                if when > begin
                else sound_value(found, point.object_id, point.object_kind),
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
        await self._be_same(point)
        if point.commandable:
            return await self._writer.command(point, value)
        return await self._writer.set(point, value)

    async def relinquish(self, point: BacnetPoint) -> Value | None:
        """Give up our command at its priority; returns the value that holds then.

        Works for points that are no longer ticked as writable, too. Raises
        PointRefusedError when the point has no priority array or the controller
        keeps the command, LinkConnectionError, LinkProtocolError.
        """
        if not point.commandable:
            raise PointRefusedError(f"{point.name} has no priority array")
        await self._be_same(point)
        return await self._writer.relinquish(point)

    async def restore(self, point: BacnetPoint, value: Value) -> Value | None:
        """Put an old value back into an object without priority array; returns it.

        Works for points that are no longer ticked as writable, and whatever their
        limits are now. Raises PointRefusedError when the point has a priority array
        or the controller does not take the value, LinkConnectionError,
        LinkProtocolError.
        """
        if point.commandable:
            raise PointRefusedError(f"{point.name} has a priority array")
        is_binary = point.kind is PointKind.BINARY
        if isinstance(value, bool) is not is_binary or not math.isfinite(value):
            raise PointRefusedError(f"{point.name} cannot have held {value!r}")
        await self._be_same(point)
        return await self._writer.set(point, value)

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

    def _note_report(self, point: BacnetPoint, value: Value | None) -> Value | None:
        self._reports[point.object_id] = next(self._moment), value
        return self._trusted(point, value)

    def _browsing_reader(self, identity: BacnetIdentity) -> PropertyReader:
        # One of its own: long texts would teach the polling one wrong sizes.
        return PropertyReader(self._send, min(OWN_MAX_APDU, identity.max_apdu))

    async def _be_sure(self) -> None:
        """Ask again who is there when it may have become another one; raises LinkError.

        After an outage a device may have been programmed anew or exchanged.
        """
        failure = self._failure
        async with self._identify_lock:
            if self._failure and self._failure is not failure:
                # Whoever waits for the same answer need not run into a time-out, too.
                raise self._failure
            since = self._identified_at_s
            now = asyncio.get_running_loop().time()
            if since is not None and now - since <= IDENTITY_VALID_S:
                return
            try:
                await self.identify()
            except LinkError as err:
                self._failure = err
                raise
            self._failure = None

    async def _be_same(self, point: BacnetPoint) -> None:
        """Raise PointRefusedError when the object is not the one that was browsed."""
        await self._be_sure()
        if self._names.is_doubtful(point):
            ref = Ref(point.object_id, OBJECT_NAME)
            found = await self._reader.read([ref])
            self._names.note(point, object_name(found, point.object_id))
        if self._names.is_other(point):
            raise PointRefusedError(
                f"{point.name}: the controller was programmed anew and has another "
                f"object at {point.key} now"
            )

    def _note_presence(self, point: BacnetPoint, found: dict[Ref, Found]) -> None:
        match found[Ref(point.object_id, PRESENT_VALUE)]:
            case PropertyError(code=code):
                if code == UNKNOWN_OBJECT:
                    self._missing.add(point.key)
            case _:
                self._missing.discard(point.key)
        if self._names.is_doubtful(point):
            self._names.note(point, object_name(found, point.object_id))

    def _trusted(self, point: BacnetPoint, value: Value | None) -> Value | None:
        return None if self._names.is_other(point) else value

    async def _ask_identity(self) -> BacnetIdentity:
        reader = PropertyReader(self._send, _CAUTIOUS_APDU)
        if (expected := self.instance) is None:
            return await read_identity(reader, await self._ask_instance())
        try:
            return await read_identity(reader, expected)
        except LinkProtocolError:
            told = await self._ask_instance()
            if told == expected:
                raise
        raise LinkProtocolError(
            f"device {told} answers at {self._address}, not {expected}"
        )

    async def _ask_instance(self) -> int:
        match await self._device_object(ANY_INSTANCE):
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

    async def _answers_as(self, instance: int) -> bool:
        try:
            answer = await self._device_object(instance)
        except LinkError:
            return False
        return answer == (ObjectId(DEVICE, instance),)

    async def _device_object(self, instance: int) -> Found:
        ref = Ref(ObjectId(DEVICE, instance), OBJECT_IDENTIFIER)
        return (await self._reader.read([ref]))[ref]

    async def _send(self, service: int, content: bytes) -> bytes:
        self.reads += 1
        return await self._request(service, content)

    async def _request(self, service: int, content: bytes) -> bytes:
        """Send, and notice when the device was away and is back."""
        try:
            answer = await self._stack.request(self._address, service, content)
        except LinkConnectionError:
            self._is_away = True
            self._identified_at_s = None
            raise
        if self._is_away:
            self._is_away = False
            for subscription in self._subscriptions:
                subscription.renew()
        return answer

"""The services that controllers use on our objects (clauses 13 and 15)."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
import logging
from typing import Protocol

from bacpypes3.apdu import (
    AbortPDU,
    AbortReason,
    ComplexAckPDU,
    ErrorPDU,
    RejectPDU,
    RejectReason,
    SimpleAckPDU,
)

from ..building import bacnet_apdu as apdu
from ..building.bacnet_apdu import ObjectId, Parser, Primitive, Ref, Tag
from ..building.bacnet_host import Request
from ..building.bacnet_objects import ANY_INSTANCE, DEVICE, PRESENT_VALUE
from ..building.points import LinkProtocolError
from ..building.values import tidy_real
from .bacnet_cov import Subscriptions, Wish
from .bacnet_objects import Content, ServedObject
from .bacnet_refusal import NEVER_DONE, Failure, RequestError, TooLargeError, failure_of
from .gateway import Gateway, Write
from .guard import Guard, Refusal, RefusedError
from .points import OfferedKind
from .priority import LOWEST

_LOGGER = logging.getLogger(__name__)

PROTOCOL = "BACnet"
MAX_ANSWER = 40_000
"""Bytes; nobody asks for more at a time who means well."""
MAX_WRITES = 200
MAX_AT_WORK = 8
"""Large reads that may be in hand at a time."""

ALL = 8
OPTIONAL = 80
REQUIRED = 105
_REQUIRED = {
    28, 36, 44, 74, 75, 77, 79, 81, 84, 85, 87, 104, 111, 117, 431,
    10, 11, 12, 30, 62, 70, 73, 76, 96, 97, 98, 107, 112, 120, 121, 139, 155,
}  # fmt: skip
_TAGS = {
    OfferedKind.ANALOG: 4,
    OfferedKind.BINARY: 9,
    OfferedKind.MULTISTATE: 2,
}
"""Data types of commands."""


class Readable(Protocol):
    """An object of any kind."""

    @property
    def numbers(self) -> list[int]:
        """The properties that it has, without the list of them."""

    def read(self, number: int) -> Content | None:
        """Return a property; None: it has no such."""


class BacnetServer:
    """Answers requests."""

    def __init__(
        self,
        gateway: Gateway,
        guard: Guard,
        objects: Mapping[ObjectId, Readable],
        subscriptions: Subscriptions,
        respond: Callable[[object], Awaitable[None]],
        clock: Callable[[], float],
    ) -> None:
        """Serve ``objects``, which include the device."""
        self._gateway = gateway
        self._guard = guard
        self._objects = objects
        self._subscriptions = subscriptions
        self._respond = respond
        self._clock = clock
        self._at_work = 0
        self._device = next(one for one in objects if one.type == DEVICE)
        self._services = {
            apdu.READ_PROPERTY: self._read_property,
            apdu.READ_PROPERTY_MULTIPLE: self._read_property_multiple,
            apdu.WRITE_PROPERTY: self._write_property,
            apdu.WRITE_PROPERTY_MULTIPLE: self._write_property_multiple,
            apdu.SUBSCRIBE_COV: self._subscribe_cov,
            apdu.SUBSCRIBE_COV_PROPERTY: self._subscribe_cov_property,
        }

    async def answer(self, request: Request) -> None:
        """Do what is asked for and answer; never raises."""
        try:
            service = self._services.get(request.service)
            if service is None:
                self._never(request.peer, request.service, Refusal.NOT_WRITABLE)
                await self._reject(request, RejectReason.unrecognizedService)
            else:
                await service(request)
        except LinkProtocolError:
            await self._reject(request, RejectReason.invalidTag)
        except RequestError as err:
            await self._fail(request, _error(err.failure))
        except TooLargeError:
            reason = AbortReason.outOfResources
            await self._respond(AbortPDU(srv=True, reason=reason, context=request.apdu))
        except Exception:
            _LOGGER.exception("Request %s of %s", request.service, request.peer)
            await self._fail(request, _error(Failure.PROBLEM))

    def turned_away(self, peer: str, service: int, content: bytes) -> None:
        """Tell of what a stranger wanted to change, not more than once a request."""
        self._never(peer, service, Refusal.FOREIGN_PEER)
        try:
            match service:
                case apdu.WRITE_PROPERTY:
                    writes = [_one_write(content)]
                case apdu.WRITE_PROPERTY_MULTIPLE:
                    writes = _many_writes(content)
                case _:
                    return
        except LinkProtocolError, TooLargeError:
            return
        for ref, tags, priority in writes[:1]:
            self._refuse(ref, tags, priority, peer, Refusal.FOREIGN_PEER)

    def _never(self, peer: str, service: int, refusal: Refusal) -> None:
        """Tell of a service, if it is one that would change us."""
        if (name := NEVER_DONE.get(service)) is not None:
            self._gateway.refuse_service(
                name, peer=peer, protocol=PROTOCOL, refusal=refusal
            )

    async def _read_property(self, request: Request) -> None:
        parser = Parser(request.content)
        target = apdu.object_id(parser.expect_context(0))
        number = parser.unsigned(1)
        element = parser.optional(2)
        parser.end()
        target = self._meant(target)
        value = self._value(target, number, element)
        self._alive(request.peer, target)
        reference = apdu.context_object(0, target) + apdu.context_unsigned(1, number)
        if element is not None:
            reference += apdu.context_unsigned(2, element)
        await self._acknowledge(request, reference + apdu.enclosed(3, value))

    async def _read_property_multiple(self, request: Request) -> None:
        wanted = _wanted(request.content)
        if self._at_work >= MAX_AT_WORK:
            raise TooLargeError
        if not any(self._meant(target) in self._objects for target, _ in wanted):
            raise RequestError(Failure.UNKNOWN_OBJECT)
        self._at_work += 1
        try:
            answer = bytearray()
            for number, (target, refs) in enumerate(wanted):
                # Large requests must not hold up everything else.
                if number % 8 == 7:
                    await asyncio.sleep(0)
                target = self._meant(target)
                results = self._results(target, refs)
                answer += apdu.context_object(0, target) + apdu.enclosed(1, results)
                if len(answer) > MAX_ANSWER:
                    raise TooLargeError
                self._alive(request.peer, target)
        finally:
            self._at_work -= 1
        await self._acknowledge(request, bytes(answer))

    def _results(self, target: ObjectId, refs: list[tuple[int, int | None]]) -> bytes:
        """Encode what is read of one object."""
        found = bytearray()
        for number, element in refs:
            for each in self._numbers(target, number):
                found += apdu.context_unsigned(2, each)
                if element is not None:
                    found += apdu.context_unsigned(3, element)
                try:
                    found += apdu.enclosed(4, self._value(target, each, element))
                except RequestError as err:
                    found += apdu.enclosed(5, _error(err.failure))
            if len(found) > MAX_ANSWER:
                raise TooLargeError
        return bytes(found)

    def _numbers(self, target: ObjectId, number: int) -> list[int]:
        served = self._objects.get(target)
        if served is None:
            return [number]
        if number == ALL:
            return served.numbers
        if number not in (REQUIRED, OPTIONAL):
            return [number]
        wanted = number == REQUIRED
        return [one for one in served.numbers if (one in _REQUIRED) is wanted]

    async def _write_property(self, request: Request) -> None:
        ref, tags, priority = _one_write(request.content)
        write = self._write(ref, tags, priority, request.peer)
        try:
            self._take([write], request.peer)
        except RefusedError as err:
            raise RequestError(failure_of(err, priority)) from None
        await self._respond(SimpleAckPDU(context=request.apdu))

    async def _write_property_multiple(self, request: Request) -> None:
        writes = _many_writes(request.content)
        taken: list[Write] = []
        try:
            for ref, tags, priority in writes:
                taken.append(self._write(ref, tags, priority, request.peer))
            self._take(taken, request.peer)
        except RequestError as err:
            at, failure = len(taken), err.failure
        except RefusedError as err:
            at = [one.point_id for one in taken].index(err.point_id or "")
            failure = failure_of(err, taken[at].priority)
        else:
            await self._respond(SimpleAckPDU(context=request.apdu))
            return
        ref = writes[at][0]
        where = apdu.context_object(0, ref.object)
        where += apdu.context_unsigned(1, ref.property)
        if ref.element is not None:
            where += apdu.context_unsigned(2, ref.element)
        await self._fail(
            request, apdu.enclosed(0, _error(failure)) + apdu.enclosed(1, where)
        )

    def _take(self, writes: list[Write], peer: str) -> None:
        self._gateway.write(
            writes,
            peer=peer,
            protocol=PROTOCOL,
            now=self._clock(),
            guard=self._guard,
        )

    def _write(self, ref: Ref, tags: list[Tag], priority: int, peer: str) -> Write:
        """Return what is to be written; raises RequestError."""
        served = self._objects.get(self._meant(ref.object))
        failure = _objection(served, ref)
        if failure is None and not _is_fit(served, tags):
            failure = Failure.WRONG_TYPE
        if failure is not None:
            self._refuse(
                ref,
                tags,
                priority,
                peer,
                Refusal.WRONG_TYPE
                if failure is Failure.WRONG_TYPE
                else Refusal.NOT_WRITABLE,
            )
            raise RequestError(failure)
        assert isinstance(served, ServedObject)
        value = apdu.primitive(tags[0].number, tags[0].length, tags[0].content)
        return Write(
            point_id=served.point.point_id,
            value=_meaning(served.point.kind, value),
            priority=priority,
        )

    def _refuse(
        self, ref: Ref, tags: list[Tag], priority: int, peer: str, refusal: Refusal
    ) -> None:
        """Tell of what was not taken."""
        served = self._objects.get(self._meant(ref.object))
        point_id = served.point.point_id if isinstance(served, ServedObject) else ""
        write = Write(point_id=point_id, value=_loose(tags), priority=priority)
        with suppress(RefusedError):
            self._gateway.refuse([write], peer=peer, protocol=PROTOCOL, refusal=refusal)

    async def _subscribe_cov(self, request: Request) -> None:
        parser = Parser(request.content)
        await self._subscribe(request, parser, of_property=False)

    async def _subscribe_cov_property(self, request: Request) -> None:
        parser = Parser(request.content)
        await self._subscribe(request, parser, of_property=True)

    async def _subscribe(
        self, request: Request, parser: Parser, *, of_property: bool
    ) -> None:
        process = parser.unsigned(0)
        target = apdu.object_id(parser.expect_context(1))
        confirmed = parser.optional(2)
        lifetime_s = parser.optional(3)
        number: int | None = None
        increment: float | None = None
        if of_property:
            parser.expect_opening(4)
            number = parser.unsigned(0)
            element = parser.optional(1)
            parser.expect_closing(4)
            if parser.at_context(5):
                real = apdu.primitive(4, 4, parser.expect_context(5))
                increment = tidy_real(real) if isinstance(real, float) else None
                if increment is None or increment < 0:
                    raise LinkProtocolError("not an increment")
            if element is not None:
                raise RequestError(Failure.NO_ARRAY)
        parser.end()
        ends = confirmed is None and lifetime_s is None
        served = self._objects.get(self._meant(target))
        if ends:
            key = (str(request.source), process, target, number)
            self._subscriptions.cancel(key)
            await self._respond(SimpleAckPDU(context=request.apdu))
            return
        if confirmed is None:
            await self._reject(request, RejectReason.missingRequiredParameter)
            return
        if served is None:
            raise RequestError(Failure.UNKNOWN_OBJECT)
        if not isinstance(served, ServedObject):
            raise RequestError(Failure.NO_COV)
        if number is not None and served.read(number) is None:
            raise RequestError(Failure.UNKNOWN_PROPERTY)
        wish = Wish(
            peer=request.peer,
            address=request.source,
            process=process,
            target=served,
            number=number,
            increment=increment,
            confirmed=bool(confirmed),
        )
        self._subscriptions.subscribe(wish, lifetime_s or 0)
        self._alive(request.peer, target)
        await self._respond(SimpleAckPDU(context=request.apdu))
        self._subscriptions.report(wish.key)

    def _meant(self, target: ObjectId) -> ObjectId:
        return self._device if target == (DEVICE, ANY_INSTANCE) else target

    def _value(self, target: ObjectId, number: int, element: int | None) -> bytes:
        """Return a property or one element of it; raises RequestError."""
        if (served := self._objects.get(target)) is None:
            raise RequestError(Failure.UNKNOWN_OBJECT)
        if (content := served.read(number)) is None:
            raise RequestError(Failure.UNKNOWN_PROPERTY)
        if element is None:
            return content if isinstance(content, bytes) else b"".join(content)
        if isinstance(content, bytes):
            raise RequestError(Failure.NO_ARRAY)
        if element == 0:
            return apdu.unsigned(len(content))
        if element > len(content):
            raise RequestError(Failure.NO_SUCH_ELEMENT)
        return content[element - 1]

    def _alive(self, peer: str, target: ObjectId) -> None:
        served = self._objects.get(target)
        if isinstance(served, ServedObject) and served.point.is_command:
            self._gateway.alive(peer, self._clock(), served.point.point_id)

    async def _acknowledge(self, request: Request, content: bytes) -> None:
        answer = ComplexAckPDU(context=request.apdu)
        answer.put_data(content)
        await self._respond(answer)

    async def _fail(self, request: Request, content: bytes) -> None:
        answer = ErrorPDU(context=request.apdu)
        answer.put_data(content)
        await self._respond(answer)

    async def _reject(self, request: Request, reason: RejectReason) -> None:
        await self._respond(RejectPDU(reason=reason, context=request.apdu))


def _error(failure: Failure) -> bytes:
    error_class, code = failure.value
    return apdu.enumerated(error_class) + apdu.enumerated(code)


def _objection(served: Readable | None, ref: Ref) -> Failure | None:
    """Say why something can be written by nobody."""
    if served is None:
        return Failure.UNKNOWN_OBJECT
    if served.read(ref.property) is None:
        return Failure.UNKNOWN_PROPERTY
    if ref.property != PRESENT_VALUE or not isinstance(served, ServedObject):
        return Failure.READ_ONLY
    if ref.element is not None:
        return Failure.NO_ARRAY
    if not (served.point.is_command or served.point.is_heartbeat):
        return Failure.READ_ONLY
    return None


def _is_fit(served: Readable | None, tags: list[Tag]) -> bool:
    """Whether a value has the data type of a command, or is Null."""
    return (
        isinstance(served, ServedObject)
        and len(tags) == 1
        and tags[0].kind == "application"
        and tags[0].number in (0, _TAGS[served.point.kind])
    )


def _wanted(content: bytes) -> list[tuple[ObjectId, list[tuple[int, int | None]]]]:
    parser = Parser(content)
    wanted = []
    while not parser.at_end:
        target = apdu.object_id(parser.expect_context(0))
        parser.expect_opening(1)
        refs = []
        while not parser.at_closing(1):
            refs.append((parser.unsigned(0), parser.optional(1)))
        parser.expect_closing(1)
        wanted.append((target, refs))
    if not wanted:
        raise LinkProtocolError("nothing is asked for")
    return wanted


def _one_write(content: bytes) -> tuple[Ref, list[Tag], int]:
    parser = Parser(content)
    target = apdu.object_id(parser.expect_context(0))
    ref = Ref(target, parser.unsigned(1), parser.optional(2))
    tags = parser.enclosed(3)
    priority = parser.optional(4)
    parser.end()
    return ref, tags, LOWEST if priority is None else priority


def _many_writes(content: bytes) -> list[tuple[Ref, list[Tag], int]]:
    parser = Parser(content)
    writes = []
    while not parser.at_end:
        target = apdu.object_id(parser.expect_context(0))
        parser.expect_opening(1)
        while not parser.at_closing(1):
            ref = Ref(target, parser.unsigned(0), parser.optional(1))
            tags = parser.enclosed(2)
            priority = parser.optional(3)
            writes.append((ref, tags, LOWEST if priority is None else priority))
            if len(writes) > MAX_WRITES:
                raise TooLargeError
        parser.expect_closing(1)
    if not writes:
        raise LinkProtocolError("nothing is written")
    return writes


def _meaning(kind: OfferedKind, value: Primitive) -> object:
    """Make what a point is written of what was sent."""
    match kind, value:
        case OfferedKind.BINARY, 0 | 1:
            return bool(value)
        case OfferedKind.ANALOG, float():
            tidy = tidy_real(value)
            return value if tidy is None else tidy
    return value


def _loose(tags: list[Tag]) -> object:
    """Make something short to tell of a value that is not taken."""
    if len(tags) != 1 or tags[0].kind != "application":
        return None
    try:
        value = apdu.primitive(tags[0].number, tags[0].length, tags[0].content)
    except LinkProtocolError:
        return None
    return value if isinstance(value, bool | float) else str(value)[:40]

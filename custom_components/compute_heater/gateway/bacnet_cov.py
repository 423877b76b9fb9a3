"""Changes that we report to controllers that have subscribed (clause 13)."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
import logging

from bacpypes3.pdu import Address

from ..building import bacnet_apdu as apdu
from ..building.bacnet_apdu import ObjectId
from ..building.bacnet_objects import PRESENT_VALUE, RELIABILITY, STATUS_FLAGS
from ..building.points import LinkError
from .bacnet_objects import (
    CURRENT_COMMAND_PRIORITY,
    OUT_OF_SERVICE,
    Content,
    ServedObject,
)
from .bacnet_refusal import Failure, RequestError

_LOGGER = logging.getLogger(__name__)

MAX_OF_PEER = 512
MAX_ALL = 2048
"""Subscriptions for ever outlive those that made them, but there are only so many."""
MAX_FAILURES = 3
"""Confirmed reports in a row that were not acknowledged end a subscription."""
REPORTED = {
    PRESENT_VALUE,
    STATUS_FLAGS,
    RELIABILITY,
    OUT_OF_SERVICE,
    CURRENT_COMMAND_PRIORITY,
}
"""Properties that can be subscribed to by themselves."""

type Key = tuple[str, int, ObjectId, int | None]
"""Address, process number, object, and property where it is about one."""
type Send = Callable[[Address, bytes], None]
"""Sends an unconfirmed report."""
type Ask = Callable[[Address, bytes], Awaitable[object]]
"""Sends a confirmed one; raises LinkError where it is not acknowledged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a controller wants to be told."""

    peer: str
    address: Address
    process: int
    target: ServedObject
    number: int | None = None
    """A property by itself; None: the value, as the object sees fit."""
    increment: float | None = None
    """What the property must change by; None: as the object has it."""
    confirmed: bool = False

    @property
    def key(self) -> Key:
        """What tells it from others."""
        return str(self.address), self.process, self.target.identifier, self.number

    @property
    def property(self) -> int:
        """What is watched."""
        return PRESENT_VALUE if self.number is None else self.number


@dataclass(slots=True)
class _Subscription:
    wish: Wish
    ends: asyncio.TimerHandle | None
    """None: it lasts for ever."""
    told: tuple[float | Content, tuple[bool, ...]] | None = None
    """What was reported last."""
    is_dirty: bool = False
    """There is something newer than what is under way."""
    sending: asyncio.Task[None] | None = None
    failures: int = field(default=0)


class Subscriptions:
    """All subscriptions to our objects."""

    def __init__(self, instance: int, send: Send, ask: Ask) -> None:
        """Report as the device ``instance``."""
        self._device = ObjectId(8, instance)
        self._send = send
        self._ask = ask
        self._all: dict[Key, _Subscription] = {}
        self._of: dict[ObjectId, dict[Key, _Subscription]] = {}

    def __len__(self) -> int:
        return len(self._all)

    def subscribe(self, wish: Wish, lifetime_s: int) -> None:
        """Begin or renew; ``report`` makes the first report, after the answer.

        With a lifetime of 0 it lasts until it is cancelled. Raises RequestError where there
        are too many.
        """
        if wish.number is not None and (
            wish.number not in REPORTED or wish.target.read(wish.number) is None
        ):
            raise RequestError(Failure.NO_COV_PROPERTY)
        before = self._all.get(wish.key)
        if before is None:
            of_peer = sum(one.wish.peer == wish.peer for one in self._all.values())
            if of_peer >= MAX_OF_PEER or len(self._all) >= MAX_ALL:
                raise RequestError(Failure.NO_ROOM)
        elif before.ends is not None:
            before.ends.cancel()
        ends = None
        if lifetime_s:
            loop = asyncio.get_running_loop()
            ends = loop.call_later(lifetime_s, self.cancel, wish.key)
        if before is None:
            found = self._all[wish.key] = _Subscription(wish, ends)
            self._of.setdefault(wish.target.identifier, {})[wish.key] = found
        else:
            before.wish, before.ends, before.failures = wish, ends, 0

    def cancel(self, key: Key) -> None:
        """End a subscription, if there is one."""
        if (found := self._all.pop(key, None)) is None:
            return
        if found.ends is not None:
            found.ends.cancel()
        if found.sending is not None:
            found.sending.cancel()
        of_object = self._of[key[2]]
        del of_object[key]
        if not of_object:
            del self._of[key[2]]

    def close(self) -> None:
        """End all."""
        for key in list(self._all):
            self.cancel(key)

    def report(self, key: Key) -> None:
        """Report what is now, changed or not."""
        if (found := self._all.get(key)) is not None:
            self._report(found)

    def changed(self, objects: Iterable[ServedObject]) -> None:
        """Report objects that have changed enough, to whom it concerns."""
        for one in objects:
            for subscription in list(self._of.get(one.identifier, {}).values()):
                if _is_news(subscription):
                    self._report(subscription)

    def listed(self) -> bytes:
        """Encode Active_COV_Subscriptions."""
        now = asyncio.get_running_loop().time()
        return b"".join(
            _listed(one.wish, _left(one, now)) for one in self._all.values()
        )

    def _report(self, subscription: _Subscription) -> None:
        if not subscription.wish.confirmed:
            self._send(subscription.wish.address, self._content(subscription))
        elif subscription.sending is not None:
            subscription.is_dirty = True
        else:
            task = asyncio.create_task(self._confirmed(subscription))
            subscription.sending = task

    async def _confirmed(self, subscription: _Subscription) -> None:
        """Report until the controller has the newest, one report at a time."""
        key = subscription.wish.key
        try:
            while True:
                subscription.is_dirty = False
                try:
                    await self._ask(
                        subscription.wish.address, self._content(subscription)
                    )
                except LinkError as err:
                    subscription.failures += 1
                    _LOGGER.debug("Report to %s: %s", subscription.wish.address, err)
                else:
                    subscription.failures = 0
                if not subscription.is_dirty:
                    break
        finally:
            subscription.sending = None
        if subscription.failures >= MAX_FAILURES:
            self.cancel(key)

    def _content(self, subscription: _Subscription) -> bytes:
        """Encode a report; what it says counts as told."""
        wish = subscription.wish
        subscription.told = _state(wish)
        numbers = dict.fromkeys((wish.property, STATUS_FLAGS))
        left = _left(subscription, asyncio.get_running_loop().time())
        values = b"".join(
            apdu.context_unsigned(0, number)
            + apdu.enclosed(2, _joined(wish.target.read(number)))
            for number in numbers
        )
        return (
            apdu.context_unsigned(0, wish.process)
            + apdu.context_object(1, self._device)
            + apdu.context_object(2, wish.target.identifier)
            + apdu.context_unsigned(3, left)
            + apdu.enclosed(4, values)
        )


def _state(wish: Wish) -> tuple[float | Content, tuple[bool, ...]]:
    """Return what decides whether there is news."""
    value = wish.target.value
    if wish.property == PRESENT_VALUE and isinstance(value, float):
        return value, wish.target.flags
    return wish.target.read(wish.property) or b"", wish.target.flags


def _is_news(subscription: _Subscription) -> bool:
    if subscription.told is None:
        return True
    told, told_flags = subscription.told
    now, flags = _state(subscription.wish)
    if told_flags != flags:
        return True
    increment = subscription.wish.increment
    if increment is None:
        increment = subscription.wish.target.increment
    if increment is not None and isinstance(told, float) and isinstance(now, float):
        return now != told and abs(now - told) >= increment * (1 - 1e-6)
    return now != told


def _left(subscription: _Subscription, now: float) -> int:
    """Return the time remaining, which is 0 where there is no end to it."""
    if subscription.ends is None:
        return 0
    return max(1, int(subscription.ends.when() - now))


def _joined(content: Content | None) -> bytes:
    return b"".join(content) if isinstance(content, tuple) else content or b""


def _listed(wish: Wish, left_s: int) -> bytes:
    address = wish.address
    network = apdu.unsigned(address.addrNet or 0)
    recipient = apdu.enclosed(1, network + apdu.octets(bytes(address.addrAddr)))
    increment = wish.increment
    if increment is None:
        increment = wish.target.increment
    return (
        apdu.enclosed(
            0, apdu.enclosed(0, recipient) + apdu.context_unsigned(1, wish.process)
        )
        + apdu.enclosed(
            1,
            apdu.context_object(0, wish.target.identifier)
            + apdu.context_unsigned(1, wish.property),
        )
        + apdu.context(2, bytes([wish.confirmed]))
        + apdu.context_unsigned(3, left_s)
        + (
            b""
            if increment is None or wish.property != PRESENT_VALUE
            else apdu.context(4, apdu.real(increment)[1:])
        )
    )

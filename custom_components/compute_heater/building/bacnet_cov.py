"""Changes of value, reported by the controller itself.

The library's own subscription renews once, just before the end, and is dead in
silence when the device is away at that moment.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
import itertools
import logging

from bacpypes3.pdu import Address

from .bacnet_apdu import SUBSCRIBE_COV, ObjectId, Property, subscribe_cov
from .bacnet_app import IAm
from .bacnet_objects import PRESENT_VALUE, STATUS_FLAGS, decode, is_sound
from .bacnet_point import BacnetPoint
from .bacnet_read import Send, in_parallel
from .bacnet_stack import BacnetRefusal, BacnetStack
from .points import LinkError, Value

_LOGGER = logging.getLogger(__name__)

LIFETIME_S = 120
"""A subscription is renewed at half of it, and forgotten by the device after it."""
BACK_OFF_S = (2.0, 5.0, 15.0, 30.0)
"""Waits between attempts while the device does not answer; the last one repeats."""
QUIET_S = 2.0
"""An I-Am this soon after subscribing brings nothing new."""
CANCEL_TIMEOUT_S = 2.0

type ValuesCallback = Callable[[Mapping[str, Value | None]], None]
"""Takes the new values by point key, in the event loop."""
type Read = Callable[[Iterable[BacnetPoint]], Awaitable[dict[str, Value | None]]]


class CovSubscription:
    """A running subscription to some points of one device."""

    def __init__(
        self,
        stack: BacnetStack,
        address: Address,
        points: Iterable[BacnetPoint],
        callback: ValuesCallback,
        *,
        send: Send,
        read: Read,
        reported: Callable[[BacnetPoint, Value | None], Value | None],
        closed: Callable[[CovSubscription], None],
    ) -> None:
        """Start at once, in a task; must be called in the event loop."""
        self._stack = stack
        self._address = address
        self._points = {point.object_id: point for point in points}
        self._callback = callback
        self._send = send
        self._read = read
        self._reported = reported
        self._closed = closed
        self._active: set[ObjectId] = set()
        self._refused: set[ObjectId] = set()
        self._wake = asyncio.Event()
        self._app = stack.app
        handlers = self._app.cov_handlers
        self._process = next(n for n in itertools.count(1) if n not in handlers)
        handlers[self._process] = self._notified
        self._app.i_am_handlers.add(self._announced)
        self._subscribed_at = asyncio.get_running_loop().time()
        self._task = asyncio.create_task(self._run())

    @property
    def active(self) -> frozenset[str]:
        """Keys of the points that the controller reports by itself now."""
        return frozenset(self._points[target].key for target in self._active)

    def renew(self) -> None:
        """Subscribe anew now: the device was away and may have forgotten us."""
        self._refused.clear()
        self._wake.set()

    async def close(self) -> None:
        """Cancel at the device (best effort, within a few seconds) and stop."""
        self._task.cancel()
        await asyncio.wait({self._task})
        self._app.i_am_handlers.discard(self._announced)
        self._app.cov_handlers.pop(self._process, None)
        self._closed(self)
        with suppress(LinkError, TimeoutError):
            async with asyncio.timeout(CANCEL_TIMEOUT_S):
                await in_parallel(
                    self._subscribe(target, None) for target in tuple(self._active)
                )
        self._active.clear()

    async def _run(self) -> None:
        attempt = 0
        while True:
            self._wake.clear()
            try:
                await in_parallel(
                    self._subscribe(target, LIFETIME_S)
                    for target in self._points
                    if target not in self._refused
                )
                self._subscribed_at = asyncio.get_running_loop().time()
                # The first answer after an outage asks to renew what was just done.
                self._wake.clear()
                await self._refresh()
            except LinkError as err:
                _LOGGER.debug("Subscribing at %s: %s", self._address, err)
                self._active.clear()
                pause = min(BACK_OFF_S[attempt], LIFETIME_S / 2)
                attempt = min(attempt + 1, len(BACK_OFF_S) - 1)
            else:
                pause, attempt = LIFETIME_S / 2, 0
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wake.wait()

    async def _subscribe(self, target: ObjectId, lifetime_s: int | None) -> None:
        try:
            await self._send(
                SUBSCRIBE_COV, subscribe_cov(self._process, target, lifetime_s)
            )
        except BacnetRefusal as refusal:
            _LOGGER.debug("%s reports no %s: %s", self._address, target, refusal)
            self._active.discard(target)
            self._refused.add(target)
        else:
            self._active.add(target)

    async def _refresh(self) -> None:
        """Read once: some devices send the first notification too early or never."""
        if self._active:
            self._deliver(
                await self._read([self._points[target] for target in self._active])
            )

    def _notified(
        self, source: Address, target: ObjectId, values: dict[int, Property]
    ) -> None:
        point = self._points.get(target)
        if point is None or source != self._address:
            return
        match values.get(PRESENT_VALUE):
            case (present,):
                flags = next(iter(values.get(STATUS_FLAGS, ())), None)
                sound = is_sound(flags, None)
                value = decode(point.object_kind, present) if sound else None
                self._deliver({point.key: self._reported(point, value)})

    def _announced(self, answer: IAm) -> None:
        now = asyncio.get_running_loop().time()
        if answer.address == self._address and now - self._subscribed_at > QUIET_S:
            self.renew()

    def _deliver(self, values: Mapping[str, Value | None]) -> None:
        try:
            self._callback(values)
        except Exception:
            _LOGGER.exception("Taking over changed values failed")

"""Our place in a network beyond a router: a foreign device at its BBMD.

The library's own registration ends for good with one refusal, or when the BBMD is away
for longer than the time to live.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
import logging
from typing import Any

from bacpypes3.ipv4.bvll import RegisterForeignDevice, Result
from bacpypes3.ipv4.link import ForeignLinkLayer
from bacpypes3.pdu import IPv4Address

from .bacnet_address import bbmd_address
from .points import LinkAddressError

_LOGGER = logging.getLogger(__name__)

ANSWER_TIMEOUT_S = 2.0
RETRY_S = 5.0
"""Between attempts while the BBMD does not answer."""
RETRY_REFUSED_S = 60.0
_GRACE_S = 30.0
"""A BBMD forgets us so long after the time to live."""

_UNREGISTERED = -2
_ACCEPTED = 0
_ANSWERS = (_ACCEPTED, 0x30)
_BROADCAST_REFUSED = 0x60


@dataclass(frozen=True, slots=True)
class Bbmd:
    """A broadcast management device of another network, to register at."""

    address: str
    """ "ip" or "ip:port"."""
    ttl_s: int = 120

    @property
    def place(self) -> IPv4Address:
        """Where it is; raises LinkAddressError, also for a time to live out of range."""
        if not 0 < self.ttl_s < 65536:
            raise LinkAddressError(f"{self.ttl_s} s is no time to live of a BBMD")
        return bbmd_address(self.address)


class Registration(StrEnum):
    """How we stand with the BBMD."""

    PENDING = "pending"
    REGISTERED = "registered"
    REFUSED = "refused"
    NO_ANSWER = "no_answer"


class ForeignLink(ForeignLinkLayer):  # type: ignore[misc]
    """Broadcasts through a BBMD, and stays registered there until it is closed."""

    def __init__(self, address: IPv4Address, bbmd: Bbmd) -> None:
        """Bind and register in the background; must be called in the event loop."""
        super().__init__(address)
        self.bbmdAddress = bbmd.place
        self.bbmdTimeToLive = bbmd.ttl_s
        self.bbmdRegistrationStatus = _UNREGISTERED
        self.registration = Registration.PENDING
        self._decided = asyncio.Event()
        self._wake = asyncio.Event()
        self._answer: asyncio.Future[int] | None = None
        self._task = asyncio.create_task(self._keep_registered())

    async def registered(self, timeout_s: float) -> bool:
        """Wait for the BBMD's word; False = refused, or no answer in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._decided.wait()
        return self.registration is Registration.REGISTERED

    async def confirmation(self, lpdu: Any) -> None:
        """Take the BBMD's answers; the library handles the rest."""
        if not isinstance(lpdu, Result):
            await super().confirmation(lpdu)
            return
        if lpdu.pduSource != self.bbmdAddress:
            return
        code = int(lpdu.bvlciResultCode)
        if code == _BROADCAST_REFUSED:
            # It has started anew and does not know us any more.
            self._wake.set()
        elif code in _ANSWERS and self._answer and not self._answer.done():
            self._answer.set_result(code)

    def close(self) -> None:
        """Stop renewing; the BBMD forgets us after the time to live."""
        self._task.cancel()
        super().close()

    async def _keep_registered(self) -> None:
        loop = asyncio.get_running_loop()
        known_until = loop.time()
        while True:
            self._wake.clear()
            match await self._register():
                case 0:
                    known_until = loop.time() + self.bbmdTimeToLive + _GRACE_S
                    self._note(Registration.REGISTERED)
                    pause = self.bbmdTimeToLive / 2
                case None:
                    if loop.time() >= known_until:
                        self._note(Registration.NO_ANSWER)
                    pause = min(RETRY_S, self.bbmdTimeToLive / 2)
                case _:
                    self._note(Registration.REFUSED)
                    pause = RETRY_REFUSED_S
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wake.wait()

    async def _register(self) -> int | None:
        """Ask once; returns the result code, None = no answer."""
        self._answer = asyncio.get_running_loop().create_future()
        await self.request(
            RegisterForeignDevice(self.bbmdTimeToLive, destination=self.bbmdAddress)
        )
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                return await self._answer
        except TimeoutError:
            return None

    def _note(self, registration: Registration) -> None:
        is_registered = registration is Registration.REGISTERED
        # The library looks at these before it sends or takes a broadcast.
        self.bbmdRegistrationStatus = _ACCEPTED if is_registered else _UNREGISTERED
        if is_registered:
            self._registration_event.set()
        else:
            self._registration_event.clear()
        if registration is Registration.NO_ANSWER:
            self._decided.clear()
        else:
            self._decided.set()
        if registration is self.registration:
            return
        self.registration = registration
        if is_registered:
            _LOGGER.info("Registered at the BBMD %s", self.bbmdAddress)
        else:
            _LOGGER.warning("BBMD %s: %s", self.bbmdAddress, registration.value)

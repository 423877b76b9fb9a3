"""One work layer of a heater: what was commanded, what became of it, what is wrong."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
import logging
from math import inf

from .model import HeaterConnectionError, HeaterError, WorkDriver, WorkReading

_LOGGER = logging.getLogger(__name__)

WORK_S = 10.0
"""What one work layer may take for one thing: power must not wait for it for long."""
RETRY_S = 60.0
SHARE_TOLERANCE = 1e-3


@dataclass(slots=True)
class WorkLayer:
    """A work layer and what is known of it. Its methods note errors, they raise none."""

    work: WorkDriver
    wanted: float | None = None
    """Share commanded last; None: nothing yet."""
    held: float | None = None
    """What the layer made of it: one of whole nodes cannot have any share."""
    reading: WorkReading | None = None
    read_error: HeaterError | None = None
    command_error: HeaterError | None = None
    tried_at: float = -inf
    rests_alone: bool | None = None
    """When nobody commands it any more it rests: so it was when it last worked."""

    @property
    def share(self) -> float | None:
        """What is allowed now."""
        return self.reading.share if self.reading else None

    @property
    def holds(self) -> bool:
        """It is as it was commanded."""
        share = self.share
        if self.wanted is None or share is None:
            return self.wanted is None
        return any(
            each is not None and abs(share - each) <= SHARE_TOLERANCE
            for each in (self.wanted, self.held)
        )

    @property
    def falls(self) -> bool:
        """Less is wanted than it has."""
        if self.wanted is None:
            return False
        return self.wanted == 0 or (self.share is not None and self.wanted < self.share)

    @property
    def error(self) -> HeaterError | None:
        """What is wrong with it."""
        return self.read_error or self.command_error

    def want(self, share: float) -> None:
        """Note what is commanded."""
        if share != self.wanted:
            self.wanted = share
            self.held = self.command_error = None
            self.tried_at = -inf

    async def read(self) -> None:
        """Read it, or note why that failed."""
        self.reading = None
        try:
            async with _within(WORK_S):
                self.reading = await self.work.read()
        except HeaterError as err:
            self._note("read", err)
            self.read_error = err
        else:
            self.read_error = None
            if self.reading.share or self.rests_alone is None:
                # Of one that rests already it is not sure that it would do so by itself.
                self.rests_alone = self.reading.lapses_to == 0

    async def command(self) -> None:
        """Command what is wanted, or note why that failed."""
        assert self.wanted is not None
        self.tried_at = now()
        try:
            async with _within(WORK_S):
                await self.work.apply(self.wanted)
        except HeaterError as err:
            self._note("command", err)
            self.command_error = err
        else:
            self.command_error = None
            await self.read()
            self.held = self.share

    async def tend(self, *, at_once: bool) -> None:
        """Keep it as it was commanded; what failed is tried again now and then."""
        if self.reading is None:
            return
        if not self.holds:
            if at_once or now() - self.tried_at >= RETRY_S:
                await self.command()
            return
        self.command_error = None
        if self.reading.expires_in_s is not None:
            try:
                async with _within(WORK_S):
                    await self.work.keep()
            except HeaterError as err:
                self._note("renew", err)
                self.command_error = err

    def _note(self, what: str, err: HeaterError) -> None:
        _LOGGER.debug("%s of a work layer failed: %s", what, err)


def now() -> float:
    """Return the time of the loop, in s."""
    return asyncio.get_running_loop().time()


@asynccontextmanager
async def _within(seconds: float) -> AsyncGenerator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as err:
        raise HeaterConnectionError(f"no answer within {seconds:g} s") from err

"""A pool of workers and a plug, in memory: layers that do what they are told."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

from custom_components.compute_heater.heaters.model import (
    Capabilities,
    Command,
    HeaterConnectionError,
    HeaterRefusedError,
    Identity,
    Reading,
    WorkIdentity,
    WorkReading,
)


class WorkPool:
    """Workers that compute (a WorkDriver).

    ``watch`` is asked at every command what the rest of the heater looks like; the
    answers are in ``log`` with the shares. With ``lease_s`` a command lapses to a pause.
    """

    def __init__(
        self,
        watch: Callable[[], object] = lambda: None,
        *,
        share: float = 0.0,
        workers: int | None = None,
        can_share: bool = True,
        lease_s: float | None = None,
    ) -> None:
        """Start with ``share`` allowed; ``workers`` are whole, None: any share."""
        self._watch = watch
        self._share = share
        self._workers = workers
        self._can_share = can_share
        self._lease_s = lease_s
        self._expires_at: float | None = None
        self.log: list[tuple[float, object]] = []
        self.writes = 0
        self.kept = 0
        self.dead = False
        self.hangs = False
        self.deaf = False
        """Takes commands and does not do them."""
        self.suspended_reason: str | None = None
        self.closed = False

    @property
    def can_share(self) -> bool:
        return self._can_share

    @property
    def share(self) -> float:
        """What is allowed now."""
        if self._expires_at is not None and _now() >= self._expires_at:
            return 0.0
        return self._share

    @share.setter
    def share(self, share: float) -> None:
        self._share, self._expires_at = share, None

    async def connect(self) -> WorkIdentity:
        await self._answer()
        return WorkIdentity(name="Pool", cpus=self._workers)

    async def read(self) -> WorkReading:
        await self._answer()
        lapses = self._expires_at is not None and _now() < self._expires_at
        works = self.suspended_reason is None
        return WorkReading(
            share=self.share,
            busy_share=self.share if works else 0.0,
            running=self.share > 0 and works,
            suspended_reason=self.suspended_reason,
            has_work=True,
            expires_in_s=self._expires_at - _now()
            if lapses and self._expires_at is not None
            else None,
            lapses_to=0.0 if self._lease_s is not None else self.share,
        )

    async def apply(self, share: float) -> None:
        self.log.append((share, self._watch()))
        await self._answer()
        if self.deaf:
            raise HeaterRefusedError("not today")
        self.writes += 1
        workers = self._workers
        self._share = share if workers is None else round(share * workers) / workers
        if self._lease_s is not None and share > 0:
            self._expires_at = _now() + self._lease_s

    async def keep(self) -> None:
        await self._answer()
        self.kept += 1
        if self._expires_at is not None and self._lease_s is not None:
            self._expires_at = _now() + self._lease_s

    async def close(self) -> None:
        self.closed = True

    async def _answer(self) -> None:
        if self.hangs:
            await asyncio.Event().wait()
        if self.dead:
            raise HeaterConnectionError("the pool is dead")


@dataclass(slots=True)
class Plug:
    """A switch in front of a computer that takes no cap (a PowerDriver)."""

    on: bool = True
    writes: int = 0
    dead: bool = False
    changing: bool = False
    closed: bool = False

    async def connect(self) -> tuple[Identity, Capabilities]:
        self._answer()
        return Identity(uuid="plug", name="Plug"), Capabilities(
            can_switch=True, floor_w=None, max_w=None, modules=1, has_coolant=False
        )

    async def read(self) -> Reading:
        self._answer()
        reading = Reading(is_on=self.on, power_w=100.0 if self.on else 0.0)
        return replace(reading, is_changing=self.changing)

    async def apply(self, command: Command) -> None:
        self._answer()
        if command.power_limit_w is not None or not command.keep_cap:
            raise HeaterRefusedError("a plug takes no cap")
        if command.on != self.on:
            self.on = command.on
            self.writes += 1

    async def follow(self, on_event: Callable[[], None]) -> None:
        on_event()

    async def close(self) -> None:
        self.closed = True

    def _answer(self) -> None:
        if self.dead:
            raise HeaterConnectionError("the plug is dead")


def _now() -> float:
    return asyncio.get_running_loop().time()

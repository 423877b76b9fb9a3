"""Bounds on what clients of a server may use up."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

MOST = 32
"""Connections at once."""
BURST = 400.0
"""So many requests a peer may make at once …"""
PER_S = 200.0
"""… and so many a second for ever; further ones wait."""
_REMEMBERED = 1024


@dataclass(slots=True, eq=False)
class Connection:
    """One client."""

    peer: str
    task: asyncio.Task[None]
    used_at: float
    """When the last request came."""


class Connections:
    """All connections of a server; a new one may cost another its place.

    As the Modbus messaging guide wants it, a controller whose connections died without a
    word can always come back. The one to go is of whom has most of them, so that one peer
    cannot push others out.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self._all: list[Connection] = []

    @property
    def peers(self) -> list[str]:
        """The address of each."""
        return [each.peer for each in self._all]

    @contextmanager
    def opened(
        self, peer: str, writer: asyncio.StreamWriter, now: float
    ) -> Iterator[Connection]:
        """Count the connection of this task as long as the context lasts; close it then."""
        task = asyncio.current_task()
        assert task is not None
        if len(self._all) >= MOST:
            self._make_room()
        connection = Connection(peer, task, now)
        self._all.append(connection)
        try:
            yield connection
        finally:
            if connection in self._all:
                self._all.remove(connection)
            # Whoever does not read must not keep what was sent in our memory.
            writer.transport.abort()

    async def close(self) -> None:
        """Close all."""
        tasks = [each.task for each in self._all]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _make_room(self) -> None:
        counts = Counter(each.peer for each in self._all)
        most = max(counts.values())
        victim = min(
            (each for each in self._all if counts[each.peer] == most),
            key=lambda each: each.used_at,
        )
        self._all.remove(victim)
        victim.task.cancel()


class Budget:
    """How many requests each peer may still make."""

    def __init__(self) -> None:
        """Begin with a full budget for everybody."""
        self._spent: dict[str, tuple[float, float]] = {}
        """Of each peer: what is left, may be below zero, and when that was so."""

    def spend(self, peer: str, now: float, cost: float = 1) -> float:
        """Count a request; return for how many seconds it has to wait."""
        # Who is turned away for hours is not locked out for hours after that.
        left = max(self._left(peer, now) - cost, -BURST)
        if len(self._spent) >= _REMEMBERED:
            self._spent = {
                each: spent
                for each, spent in self._spent.items()
                if self._left(each, now) < BURST
            }
        self._spent[peer] = left, now
        return max(-left / PER_S, 0.0)

    def _left(self, peer: str, now: float) -> float:
        left, at = self._spent.get(peer, (BURST, now))
        return min(left + max(now - at, 0.0) * PER_S, BURST)

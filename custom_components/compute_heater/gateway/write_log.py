"""What is told of writes, so that a flood of them does not become a flood of words."""

from collections.abc import Callable
from dataclasses import dataclass, field

from .gateway import WriteEvent

FIRST_S = 60.0
"""Like writes within this time are told together …"""
LONGEST_S = 3600.0
"""… and within ever longer times up to this one, while they go on."""
MOST_OPEN = 60
"""So many kinds of writes are told apart at a time."""

type Tell = Callable[[WriteEvent, int], None]
"""Is told the latest of like writes, and how many there were."""


@dataclass(slots=True)
class _Open:
    """A time within which like writes are only counted."""

    until: float
    length_s: float = FIRST_S
    count: int = 0
    latest: WriteEvent | None = field(default=None)


class WriteLog:
    """Tells the first of like writes at once, and of the others how many there were.

    Times are seconds of a clock that nobody sets.
    """

    def __init__(self, tell: Tell) -> None:
        """Begin with nothing told."""
        self._tell = tell
        self._open: dict[object, _Open] = {}

    def take(self, event: WriteEvent, now: float) -> None:
        """Tell of a write, or count it."""
        key: object = (
            event.peer,
            event.point.point_id if event.point else None,
            # Anything can be written, also what cannot be a key.
            repr(event.value),
            event.priority,
            event.refusal,
            event.service,
        )
        if key not in self._open and len(self._open) >= MOST_OPEN:
            key = event.refusal
        if (seen := self._open.get(key)) is None:
            self._open[key] = _Open(until=now + FIRST_S)
            self._tell(event, 1)
            return
        seen.count += 1
        seen.latest = event

    def flush(self, now: float) -> None:
        """Tell what was counted where its time is over."""
        for key, seen in list(self._open.items()):
            if now < seen.until:
                continue
            if seen.latest is None:
                del self._open[key]
                continue
            self._tell(seen.latest, seen.count)
            seen.count, seen.latest = 0, None
            seen.length_s = min(2 * seen.length_s, LONGEST_S)
            seen.until = now + seen.length_s

    def close(self) -> None:
        """Tell everything that was counted."""
        for seen in self._open.values():
            if seen.latest is not None:
                self._tell(seen.latest, seen.count)
        self._open.clear()

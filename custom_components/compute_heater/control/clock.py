"""Counting time up, so that nothing stored depends on a clock."""

from collections.abc import Iterator, Mapping
from math import isfinite


class Clock:
    """Measures the time between calls; 0 at the first and when time runs backwards."""

    def __init__(self) -> None:
        self._last: float | None = None

    def elapsed_s(self, now: float) -> float:
        """Return the seconds since the last call."""
        elapsed = 0.0 if self._last is None else max(now - self._last, 0.0)
        self._last = now
        return elapsed


def seconds(value: object) -> float | None:
    """Return a stored duration; None if it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if isfinite(value) and value >= 0 else None


def entries(stored: object) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Yield the named parts of a stored memory that have the right form."""
    if isinstance(stored, Mapping):
        for name, part in stored.items():
            if isinstance(name, str) and isinstance(part, Mapping):
                yield name, part

"""Readings that come every few seconds, put together to quarters of an hour."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite

LONGEST_GAP_S = 1000.0
"""A caller that looks once a quarter is quick enough; longer silence ends the quarter."""
SHORTEST_H, LONGEST_H = 0.1, 0.5
KNOWN_SHARE = 0.9
QUARTER_S = 900


def known(value: float | None) -> float | None:
    """Treat what no sensor can mean (NaN, infinite) as unknown."""
    return value if value is not None and isfinite(value) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarter:
    """What happened between two times about 15 minutes apart; None is unknown."""

    start: datetime
    hours: float
    first: Mapping[str, float | None]
    """Values at the start."""
    last: Mapping[str, float | None]
    """Values at the end."""
    mean: Mapping[str, float | None]
    """Over the time between; None if more than a tenth of it is not known."""
    follows: bool
    """The quarter before ended where this one starts."""


class QuarterMeter:
    """Collects named values; a value holds until the next call."""

    def __init__(self) -> None:
        self._start: datetime | None = None
        self._first: dict[str, float | None] = {}
        self._now: datetime | None = None
        self._values: dict[str, float | None] = {}
        self._sums: dict[str, float] = {}
        self._known_s: dict[str, float] = {}
        self._follows = False

    def add(self, now: datetime, values: Mapping[str, float | None]) -> Quarter | None:
        """Take values; return a quarter if one has just ended.

        After a gap, or when the clock was set, a new quarter begins.
        """
        now = now.astimezone(UTC)
        clean = {name: known(value) for name, value in values.items()}
        if self._now is None or self._start is None:
            self._begin(now, clean, follows=False)
            return None
        elapsed_s = (now - self._now).total_seconds()
        if elapsed_s < 0 or elapsed_s > LONGEST_GAP_S:
            self._begin(now, clean, follows=False)
            return None
        for name, value in self._values.items():
            if value is not None:
                self._sums[name] = self._sums.get(name, 0.0) + value * elapsed_s
                self._known_s[name] = self._known_s.get(name, 0.0) + elapsed_s
        self._now, self._values = now, clean
        if _index(now) == _index(self._start):
            return None
        total_s = (now - self._start).total_seconds()
        quarter = Quarter(
            start=self._start,
            hours=total_s / 3600,
            first=self._first,
            last=clean,
            mean={name: self._mean(name, total_s) for name in clean},
            follows=self._follows,
        )
        sound = SHORTEST_H <= quarter.hours <= LONGEST_H
        self._begin(now, clean, follows=sound)
        return quarter if sound else None

    def _begin(
        self, now: datetime, values: dict[str, float | None], *, follows: bool
    ) -> None:
        self._start = self._now = now
        self._first = self._values = values
        self._sums, self._known_s = {}, {}
        self._follows = follows

    def _mean(self, name: str, total_s: float) -> float | None:
        known_s = self._known_s.get(name, 0.0)
        if known_s < KNOWN_SHARE * total_s or known_s <= 0:
            return None
        return self._sums[name] / known_s


def _index(time: datetime) -> int:
    return int(time.timestamp() // QUARTER_S)

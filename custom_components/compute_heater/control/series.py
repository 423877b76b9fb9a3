"""Values over time: a price, a temperature or a power that is known for some hours."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Self


@dataclass(frozen=True, slots=True)
class Piece:
    """One value from ``start`` until ``end``; both times are aware."""

    start: datetime
    end: datetime
    value: float


@dataclass(frozen=True, slots=True)
class Series:
    """A step function with gaps; nothing is known outside its pieces."""

    pieces: tuple[Piece, ...] = ()
    """In order, without overlap."""

    @classmethod
    def of(cls, pieces: Iterable[Piece]) -> Self:
        """Put pieces in order; drop what is not finite, empty or overlapped by a later one."""
        kept: list[Piece] = []
        # In UTC, for the difference of two local times forgets a change of the clocks.
        in_utc = (
            Piece(each.start.astimezone(UTC), each.end.astimezone(UTC), each.value)
            for each in pieces
        )
        for piece in sorted(in_utc, key=lambda each: each.start):
            if not isfinite(piece.value) or piece.end <= piece.start:
                continue
            if kept and kept[-1].end > piece.start:
                last = kept.pop()
                if last.start < piece.start:
                    kept.append(Piece(last.start, piece.start, last.value))
            kept.append(piece)
        return cls(tuple(kept))

    @classmethod
    def from_points(
        cls, points: Iterable[tuple[datetime, float]], last: timedelta
    ) -> Self:
        """Make a series of starts and values; each holds until the next, the last for ``last``."""
        ordered = sorted(points, key=lambda point: point[0])
        ends = [start for start, _ in ordered[1:]]
        if ordered:
            ends.append(ordered[-1][0] + last)
        return cls.of(
            Piece(start, end, value)
            for (start, value), end in zip(ordered, ends, strict=True)
        )

    def at(self, time: datetime) -> float | None:
        """Return the value at a time; None where it is not known."""
        index = bisect_right(self.pieces, time, key=lambda piece: piece.start) - 1
        if index < 0 or self.pieces[index].end <= time:
            return None
        return self.pieces[index].value

    def mean(self, start: datetime, end: datetime) -> float | None:
        """Return the mean over an interval in UTC; None if not half of it is known."""
        first = bisect_right(self.pieces, start, key=lambda piece: piece.start) - 1
        total = known_s = 0.0
        for piece in self.pieces[max(first, 0) :]:
            if piece.start >= end:
                break
            overlap_s = (min(piece.end, end) - max(piece.start, start)).total_seconds()
            if overlap_s > 0:
                total += piece.value * overlap_s
                known_s += overlap_s
        if known_s <= 0 or known_s < (end - start).total_seconds() / 2:
            return None
        return total / known_s

    @property
    def end(self) -> datetime | None:
        """Until when it is known; None if nothing is."""
        return self.pieces[-1].end if self.pieces else None

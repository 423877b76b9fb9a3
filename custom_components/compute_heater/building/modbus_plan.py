"""Few requests for many points."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from .modbus_point import ModbusPoint, Space

MAX_SPAN = 125
"""Registers in one request that the protocol allows; some devices take fewer."""
MAX_GAP = 16
"""Unwanted registers that are cheaper to read along than another request."""

type Place = tuple[Space, int]
"""A table and a wire address in it."""


@dataclass(frozen=True, slots=True)
class Range:
    """Addresses of a table that may be read together, and the gaps among them."""

    space: Space
    first: int
    last: int
    """Included."""

    def holds(self, point: ModbusPoint) -> bool:
        """Whether a point begins in the range."""
        return point.space is self.space and self.first <= point.address <= self.last


@dataclass(frozen=True, slots=True)
class Layout:
    """How a device wants to be asked."""

    max_span: int = MAX_SPAN
    """Registers or bits in one request."""
    max_gap: int = MAX_GAP
    """Unwanted registers that are read along; 0 where holes are refused."""
    ranges: tuple[Range, ...] = ()
    """No request crosses the border of a range. In a table that has ranges, gaps are
    read along only inside of them."""
    spacing_s: float = 0.0
    """Silence that the device wants between two requests."""
    settle_s: float = 0.0
    """Time that the device takes to show what was written."""

    def range_of(self, point: ModbusPoint) -> Range | None:
        """Return the range that a point begins in."""
        return next((one for one in self.ranges if one.holds(point)), None)

    def gap_of(self, space: Space, inside: Range | None) -> int:
        """Return how many unwanted registers may be read along."""
        ruled = any(one.space is space for one in self.ranges)
        return 0 if ruled and inside is None else self.max_gap


@dataclass(frozen=True, slots=True)
class Block:
    """One request and the points that it answers."""

    points: tuple[ModbusPoint, ...]
    """Sorted by address, all of one space."""

    @property
    def space(self) -> Space:
        """The table that is read."""
        return self.points[0].space

    @property
    def address(self) -> int:
        """The first address."""
        return self.points[0].address

    @property
    def count(self) -> int:
        """Number of registers or bits."""
        return max(point.end for point in self.points) - self.address

    def halves(self) -> tuple[Self, Self]:
        """Split in the middle of the points."""
        middle = len(self.points) // 2
        return type(self)(self.points[:middle]), type(self)(self.points[middle:])


def plan(
    points: Iterable[ModbusPoint],
    cuts: Iterable[Place] = (),
    layout: Layout = Layout(),
) -> list[Block]:
    """Group the points of one unit into blocks.

    A block never reaches from before a cut to its address or beyond: that is how an
    address which the device refuses stays out of it.
    """
    borders = sorted(cuts)
    blocks: list[Block] = []
    group: list[ModbusPoint] = []
    inside: Range | None = None
    end = 0
    for point in sorted(points, key=lambda point: (point.space, point.address)):
        begins_in = layout.range_of(point)
        if group and (
            point.space is not group[0].space
            or begins_in is not inside
            or point.address - end > layout.gap_of(point.space, inside)
            or max(end, point.end) - group[0].address > layout.max_span
            or any(
                (point.space, end - 1) < cut <= (point.space, point.address)
                for cut in borders
            )
        ):
            blocks.append(Block(tuple(group)))
            group = []
        end = max(end, point.end) if group else point.end
        inside = begins_in
        group.append(point)
    if group:
        blocks.append(Block(tuple(group)))
    return blocks

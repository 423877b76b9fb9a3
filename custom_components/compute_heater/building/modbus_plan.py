"""Few requests for many points."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from .modbus_point import ModbusPoint, Space

MAX_SPAN = 100
"""Registers in one request; the protocol allows 125, many devices fewer."""
MAX_GAP = 16
"""Unwanted registers that are cheaper to read along than another request."""

type Place = tuple[Space, int]
"""A table and a wire address in it."""


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


def plan(points: Iterable[ModbusPoint], cuts: Iterable[Place] = ()) -> list[Block]:
    """Group points into blocks.

    A block never reaches from before a cut to its address or beyond: that is how an
    address which the device refuses stays out of it.
    """
    borders = sorted(cuts)
    blocks: list[Block] = []
    group: list[ModbusPoint] = []
    end = 0
    for point in sorted(points, key=lambda point: (point.space, point.address)):
        if group and (
            point.space is not group[0].space
            or point.address - end > MAX_GAP
            or max(end, point.end) - group[0].address > MAX_SPAN
            or any(
                (point.space, end - 1) < cut <= (point.space, point.address)
                for cut in borders
            )
        ):
            blocks.append(Block(tuple(group)))
            group = []
        end = max(end, point.end) if group else point.end
        group.append(point)
    if group:
        blocks.append(Block(tuple(group)))
    return blocks

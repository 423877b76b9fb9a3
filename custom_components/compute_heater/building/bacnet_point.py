"""Points of BACnet controllers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from .points import Point, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class BacnetPoint(Point):
    """One BACnet object with a present value; ``key`` is "analog-value,3"."""

    object_type: str
    """As in the standard: "analog-value", "binary-input", "multi-state-value" …"""
    instance: int
    description: str | None = None
    commandable: bool = False
    """The object has a priority array: a command can be given and relinquished."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, without what holds the default."""
        raise NotImplementedError

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The reverse of to_dict; raises PointConfigError naming the field."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPoint:
    """A point as browsing found it, with its value at that moment.

    ``point.writable`` is False: the user ticks it (dataclasses.replace), and gives an
    analog point the limits that the controller does not tell.
    """

    point: BacnetPoint
    value: Value | None

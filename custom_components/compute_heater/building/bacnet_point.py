"""Points of BACnet controllers."""

from dataclasses import dataclass
from typing import Any, Self

from .bacnet_apdu import ObjectId
from .bacnet_objects import ANY_INSTANCE, BY_NAME, ObjectKind
from .point_fields import Fields, check, to_plain
from .points import Point, PointConfigError, Value

PRIORITY_HIGHEST = 9
"""Above are life safety, critical equipment, minimum times and manual operators."""
PRIORITY_LOWEST = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class BacnetPoint(Point):
    """One BACnet object with a present value; ``key`` is "analog-value,3"."""

    object_type: str
    """As in the standard: "analog-value", "binary-input", "multi-state-value" …"""
    instance: int
    description: str | None = None
    commandable: bool = False
    """The object has a priority array: a command can be given and relinquished."""
    object_name: str | None = None
    """How the object calls itself; after a change of the device's database it has to
    be the same still. None = not known."""
    priority: int = PRIORITY_LOWEST
    """That we command with."""

    @property
    def object_kind(self) -> ObjectKind:
        """What the standard says about objects of this type."""
        return BY_NAME[self.object_type]

    @property
    def object_id(self) -> ObjectId:
        """The object in the device."""
        return ObjectId(self.object_kind.number, self.instance)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, without what holds the default or follows from the type."""
        plain = to_plain(self)
        del plain["key"], plain["kind"]
        return plain

    @classmethod
    def from_dict(cls, data: object) -> Self:
        """Reverse to_dict; raises PointConfigError naming the field."""
        fields = Fields(data)
        object_type = fields.text("object_type")
        kind = BY_NAME.get(object_type or "")
        if object_type is None or kind is None:
            raise PointConfigError(
                "object_type", f"expected one of {', '.join(BY_NAME)}"
            )
        instance = fields.whole("instance", 0, ANY_INSTANCE - 1)
        key = f"{object_type},{instance}"
        point = cls(
            key=key,
            name=fields.text("name") or key,
            kind=kind.kind,
            object_type=object_type,
            instance=instance,
            description=fields.text("description"),
            commandable=fields.flag("commandable"),
            object_name=fields.text("object_name"),
            priority=fields.whole(
                "priority", PRIORITY_HIGHEST, PRIORITY_LOWEST, PRIORITY_LOWEST
            ),
            **fields.common(),
        )
        fields.done()
        check(point)
        return point


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPoint:
    """A point as browsing found it, with its value at that moment.

    ``point.writable`` is False: the user ticks it (dataclasses.replace), and gives an
    analog point the limits that the controller does not tell.
    """

    point: BacnetPoint
    value: Value | None

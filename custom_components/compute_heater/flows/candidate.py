"""Points that a dialogue offers, before the user has decided."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..building.bacnet_point import BacnetPoint
from ..building.modbus_point import ModbusPoint, WriteClass
from ..building.points import PointKind, Value
from .link_texts import LinkTexts

type AnyPoint = BacnetPoint | ModbusPoint

MOST_READ_BY_DEFAULT = 100
"""Of more points, only those with a role are ticked to begin with."""

# For controllers that do not tell the limits of a value.
_USUAL_LIMITS: Mapping[str | None, tuple[float, float]] = {
    "%": (0, 100),
    "°C": (5, 80),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate[PointT: AnyPoint]:
    """A point, what may be done with it, and what is ticked."""

    point: PointT
    """As it is read; not writable."""
    writable: PointT | None = None
    """As it is with write access; None where that cannot be given safely."""
    confirmed: bool = True
    """False: nobody has confirmed that writing does what it should."""
    value: Value | None = None
    is_read: bool = True
    """Ticked to begin with."""
    is_written: bool = False
    notes: Sequence[str] = ()
    """Keys of texts about writing that the label ends with."""

    def chosen(self, *, write: bool) -> PointT:
        """Return the point as it was ticked."""
        return self.writable if write and self.writable is not None else self.point


def with_limits[PointT: AnyPoint](point: PointT) -> PointT | None:
    """Return the point with write access; None where nothing bounds what is written."""
    if point.kind is PointKind.ANALOG and None in (point.minimum, point.maximum):
        if (limits := _USUAL_LIMITS.get(point.unit)) is None:
            return None
        point = replace(point, minimum=limits[0], maximum=limits[1])
    if (
        point.kind is PointKind.MULTISTATE
        and not point.states
        and None in (point.minimum, point.maximum)
    ):
        return None
    return replace(point, writable=True)


def keep_settings[PointT: AnyPoint](found: PointT, stored: PointT) -> PointT:
    """Return what was found with what the user had decided about it."""
    point = replace(
        found,
        name=stored.name,
        role=stored.role,
        group=stored.group,
        step=stored.step,
        dead_band=stored.dead_band,
        min_interval_s=stored.min_interval_s,
        lifetime_s=stored.lifetime_s,
    )
    if stored.writable:
        point = replace(point, minimum=stored.minimum, maximum=stored.maximum)
    if isinstance(point, BacnetPoint) and isinstance(stored, BacnetPoint):
        point = replace(point, priority=stored.priority)
    return point


def object_text(point: AnyPoint) -> str:
    """Return what the point is in its device."""
    if isinstance(point, BacnetPoint):
        return point.key
    unit = "" if point.unit_id is None else f"{point.unit_id}: "
    return f"{unit}{point.space} {point.address}"


def value_text(point: AnyPoint, value: Value | None, texts: LinkTexts) -> str:
    """Return a value as people read it, with its unit; a dash for unknown."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return texts.common("on" if value else "off")
    if point.states and 1 <= value <= len(point.states):
        return point.states[int(value) - 1]
    return " ".join(filter(None, (f"{value:g}", point.unit)))


def limits_text(point: AnyPoint) -> str:
    """Return between which values a point may be written; empty where it has states."""
    if point.minimum is None or point.maximum is None:
        return ""
    span = f"{point.minimum:g}…{point.maximum:g}"
    return " ".join(filter(None, (span, point.unit)))


def label[PointT: AnyPoint](
    candidate: Candidate[PointT], texts: LinkTexts, *, notes: bool
) -> str:
    """Return what tells a point from the others: name, object and value.

    ``notes`` about writing it may follow.
    """
    point = candidate.point
    shown = f"{point.name} ({object_text(point)}"
    if candidate.value is not None:
        shown += f": {value_text(point, candidate.value, texts)}"
    ends = (f" ({texts.common(note)})" for note in candidate.notes if notes)
    return f"{shown}){''.join(ends)}"


def write_notes(point: AnyPoint) -> tuple[str, ...]:
    """Return the keys of what is to be said about writing a point."""
    if isinstance(point, BacnetPoint):
        return () if point.commandable else ("note_restored",)
    if point.write_class is WriteClass.EEPROM:
        return ("note_stored_setting",)
    return ()

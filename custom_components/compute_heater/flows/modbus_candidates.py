"""What a Modbus controller offers, beside what was decided before."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..building.modbus_point import ModbusPoint
from ..building.points import Value
from ..building.profile import ProfilePoint
from .candidate import Candidate, keep_settings, with_limits, write_notes


def of_profile(
    offered: Sequence[ProfilePoint],
    points: Sequence[ModbusPoint],
    values: Mapping[str, Value | None],
    stored: Mapping[str, ModbusPoint],
) -> dict[str, Candidate[ModbusPoint]]:
    """Return a profile's points; ``points`` are the same in the user's language.

    Of a new controller, what most owners want and the device serves is ticked.
    """
    candidates: dict[str, Candidate[ModbusPoint]] = {}
    for one, fresh in zip(offered, points, strict=True):
        known = stored.get(fresh.key)
        point = fresh if known is None else keep_settings(fresh, known)
        writable = with_limits(point) if one.write is not None else None
        value = values[point.key]
        candidates[point.key] = Candidate(
            point=point,
            writable=writable,
            confirmed=one.write is None or not one.write.needs_confirmation,
            value=value,
            is_read=known is not None if stored else one.selected and value is not None,
            is_written=known is not None and known.writable,
            notes=write_notes(point) if writable else (),
        )
    return candidates


def of_list(
    stored: Mapping[str, ModbusPoint], values: Mapping[str, Value | None]
) -> dict[str, Candidate[ModbusPoint]]:
    """Return the points of an own list; what they do is its author's to know."""
    candidates: dict[str, Candidate[ModbusPoint]] = {}
    for key, known in stored.items():
        point = replace(known, writable=False)
        writable = with_limits(point) if point.space.is_writable else None
        candidates[key] = Candidate(
            point=point,
            writable=writable,
            value=values[key],
            is_written=known.writable,
            notes=write_notes(point) if writable else (),
        )
    return candidates

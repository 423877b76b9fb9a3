"""What a BACnet controller offers, beside what was decided before."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from ..building.bacnet_point import BacnetPoint, FoundPoint
from ..building.ede import EdeList
from .candidate import (
    MOST_READ_BY_DEFAULT,
    Candidate,
    keep_settings,
    with_limits,
    write_notes,
)
from .link_texts import LinkTexts


def offered_objects(
    found: Sequence[FoundPoint],
    missing: Iterable[str],
    stored: Mapping[str, BacnetPoint],
    wanted: EdeList | None,
    texts: LinkTexts,
) -> tuple[dict[str, Candidate[BacnetPoint]], list[str]]:
    """Return the points that can be ticked, and what is to be said about them.

    ``wanted`` is the user's own list, of which the objects in ``missing`` are not
    there; without one, what is ``stored`` and was not found is missing.
    """
    remarks: list[str] = []
    if wanted is not None:
        names = {point.key: point.name for point in wanted.points}
        gone = [names[key] for key in missing]
        remarks += wanted.problems
    else:
        keys = {one.point.key for one in found}
        gone = [point.name for key, point in stored.items() if key not in keys]
    if gone:
        remarks.append(texts.common("missing", names=texts.names(gone)))
    few = len(found) <= MOST_READ_BY_DEFAULT
    changed: list[str] = []
    candidates: dict[str, Candidate[BacnetPoint]] = {}
    for one in found:
        key, known = one.point.key, stored.get(one.point.key)
        read = known is not None or (not stored and (few or one.point.role is not None))
        if known and _is_other(known, one.point):
            changed.append(f"{known.name} → {one.point.object_name}")
            known = None
        candidates[key] = _candidate(one, known, listed=wanted is not None, read=read)
    if changed:
        remarks.append(texts.common("changed", names=texts.names(changed)))
    return candidates, remarks


def _is_other(stored: BacnetPoint, found: BacnetPoint) -> bool:
    """Whether the device has another object there than when the point was saved."""
    names = (stored.object_name, found.object_name)
    return None not in names and stored.object_name != found.object_name


def _candidate(
    found: FoundPoint, stored: BacnetPoint | None, *, listed: bool, read: bool
) -> Candidate[BacnetPoint]:
    """Return what can be done with an object, as it was decided before.

    ``listed``: the user's own list names the object; ``read``: it is ticked to begin
    with.
    """
    point = found.point
    if stored is not None:
        kept = keep_settings(point, stored)
        # A list that the user brings names its objects anew.
        point = replace(kept, name=point.name, role=point.role) if listed else kept
    writable = with_limits(point) if point.object_kind.is_output else None
    return Candidate(
        point=point,
        writable=writable,
        value=found.value,
        is_read=listed or read,
        is_written=stored is not None and stored.writable,
        notes=write_notes(point) if writable else (),
    )

"""Completes a point of a list by what the device tells of its object."""

import dataclasses
from typing import Any

from .bacnet_point import BacnetPoint
from .points import PointKind


def completed(listed: BacnetPoint, found: BacnetPoint) -> BacnetPoint:
    """Return the list's point with what the list leaves open.

    Whether it can be commanded, its unit and the number of its states are the device's
    word; the point is not writable until the user ticks it.
    """
    more: dict[str, Any] = {}
    if listed.name == listed.key:
        more["name"] = found.name
    for field in ("description", "role"):
        if getattr(listed, field) is None:
            more[field] = getattr(found, field)
    if found.unit is not None:
        more["unit"] = found.unit
    if found.kind is PointKind.MULTISTATE:
        if len(listed.states) != found.maximum:
            more["states"] = found.states
        more |= {"minimum": found.minimum, "maximum": found.maximum}
    elif found.kind is PointKind.ANALOG and None in (listed.minimum, listed.maximum):
        more |= _limits(listed, found)
    return dataclasses.replace(
        listed,
        writable=False,
        commandable=found.commandable,
        object_name=found.object_name,
        **more,
    )


def _limits(listed: BacnetPoint, found: BacnetPoint) -> dict[str, Any]:
    low = found.minimum if listed.minimum is None else listed.minimum
    high = found.maximum if listed.maximum is None else listed.maximum
    if low is not None and high is not None and low >= high:
        return {}
    return {"minimum": low, "maximum": high}

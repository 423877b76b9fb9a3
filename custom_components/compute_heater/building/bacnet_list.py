"""Completes a point of a list by what the device tells of its object."""

import dataclasses
from typing import Any

from .bacnet_point import BacnetPoint
from .points import PointKind
from .roles import suggest_role


def completed(listed: BacnetPoint, found: BacnetPoint) -> BacnetPoint:
    """Return the list's point with what the list leaves open.

    Whether it can be commanded, its unit and the number of its states are the device's
    word; the point is not writable until the user ticks it.
    """
    name = found.name if listed.name == listed.key else listed.name
    description = listed.description or found.description
    unit = found.unit or listed.unit
    role = listed.role or suggest_role(
        name, description, unit, found.kind, found.object_kind.is_output
    )
    return dataclasses.replace(
        listed,
        name=name,
        description=description,
        unit=unit,
        role=role or found.role,
        writable=False,
        commandable=found.commandable,
        object_name=found.object_name,
        **_range(listed, found),
    )


def _range(listed: BacnetPoint, found: BacnetPoint) -> dict[str, Any]:
    """Return limits, and states that are as many as the device has."""
    if found.kind is PointKind.MULTISTATE:
        fits = listed.states and len(listed.states) == found.maximum
        return {
            "states": listed.states if fits else found.states,
            "minimum": found.minimum,
            "maximum": found.maximum,
        }
    low = found.minimum if listed.minimum is None else listed.minimum
    high = found.maximum if listed.maximum is None else listed.maximum
    if low is not None and high is not None and low >= high:
        return {}
    return {"minimum": low, "maximum": high}

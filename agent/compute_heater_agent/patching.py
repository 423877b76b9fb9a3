"""PATCH bodies: every property is checked before any is changed."""

from collections.abc import Callable, Collection
from typing import Any

from .messages import Json, RedfishError, message

type Check = Callable[[Any, str, str], Json | None]
"""Judges a value; arguments value, property name, JSON pointer; None = fine."""
type Writable = dict[str, Check | Writable]


def number_between(low: float, high: float) -> Check:
    """Accept a number within the range."""

    def check(value: Any, name: str, pointer: str) -> Json | None:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return message("PropertyValueTypeError", value, name, pointer=pointer)
        if not low <= value <= high:
            return message("PropertyValueOutOfRange", value, name, pointer=pointer)
        return None

    return check


def whole_number_between(low: int, high: int) -> Check:
    """Accept a whole number within the range."""
    in_range = number_between(low, high)

    def check(value: Any, name: str, pointer: str) -> Json | None:
        if isinstance(value, float):
            return message("PropertyValueTypeError", value, name, pointer=pointer)
        return in_range(value, name, pointer)

    return check


def one_of(values: Collection[str]) -> Check:
    """Accept one of the words."""

    def check(value: Any, name: str, pointer: str) -> Json | None:
        if not isinstance(value, str):
            return message("PropertyValueTypeError", value, name, pointer=pointer)
        if value not in values:
            return message("PropertyValueNotInList", value, name, pointer=pointer)
        return None

    return check


def check_patch(body: Json, writable: Writable, current: Json) -> None:
    """Accept a body in which every property may be written as asked.

    Raises RedfishError 400 that names every property at fault.
    """
    if not body:
        raise RedfishError(400, message("EmptyJSON"))
    faults: list[Json] = []
    found = _check(body, writable, current, "#", faults)
    if faults:
        raise RedfishError(400, *faults)
    if not found:
        raise RedfishError(400, message("NoOperation"))


def _check(
    body: Json, writable: Writable, current: Json, pointer: str, faults: list[Json]
) -> bool:
    """Collect faults; return whether there is anything but annotations."""
    found = False
    for name, value in body.items():
        if "@" in name:
            continue
        here = f"{pointer}/{name}"
        rule = writable.get(name)
        known = current.get(name)
        if rule is None:
            fault = "PropertyNotWritable" if name in current else "PropertyUnknown"
            faults.append(message(fault, name, pointer=here))
        elif callable(rule):
            found = True
            fault_message = rule(value, name, here)
            if fault_message is not None:
                faults.append(fault_message)
        elif isinstance(value, dict) and isinstance(known, dict):
            found |= _check(value, rule, known, here, faults)
        else:
            faults.append(message("PropertyValueTypeError", value, name, pointer=here))
    return found

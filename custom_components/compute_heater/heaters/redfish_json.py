"""Tolerant access to Redfish JSON: what is missing, null or of a wrong type is None."""

from collections.abc import Mapping
from math import isfinite

type JsonObject = Mapping[str, object]


def obj(body: JsonObject, *path: str) -> JsonObject:
    """Return the object at ``path``, empty where there is none."""
    value: object = body
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def objects(body: JsonObject, *path: str) -> list[JsonObject]:
    """Return the objects of the array at ``path``; other members are left out."""
    value = obj(body, *path[:-1]).get(path[-1])
    if not isinstance(value, list):
        return []
    return [item for item in value if isinstance(item, Mapping)]


def number(body: JsonObject, *path: str) -> float | None:
    """Return the finite number at ``path``."""
    value = obj(body, *path[:-1]).get(path[-1])
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        result = float(value)
    except OverflowError:
        return None
    return result if isfinite(result) else None


def text(body: JsonObject, *path: str) -> str | None:
    """Return the non-empty string at ``path``."""
    value = obj(body, *path[:-1]).get(path[-1])
    return value.strip() or None if isinstance(value, str) else None


def texts(body: JsonObject, *path: str) -> list[str]:
    """Return the strings of the array at ``path``; other members are left out."""
    value = obj(body, *path[:-1]).get(path[-1])
    return (
        [item for item in value if isinstance(item, str)]
        if isinstance(value, list)
        else []
    )


def link(body: JsonObject, *path: str) -> str | None:
    """Return the ``@odata.id`` of the reference at ``path``, or of the body itself."""
    return text(obj(body, *path), "@odata.id")


def links(body: JsonObject, *path: str) -> list[str]:
    """Return the ``@odata.id`` of each reference in the array at ``path``."""
    return [uri for item in objects(body, *path) if (uri := link(item))]

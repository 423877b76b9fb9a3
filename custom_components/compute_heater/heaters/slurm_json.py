"""Numbers and errors as the versions of Slurm's REST interface write them."""

from collections.abc import Mapping

from .redfish_json import JsonObject, number as plain_number, objects, text

# What Slurm keeps in 32 bits where a number is not set, or has no end.
_NO_VALUE = 0xFFFFFFFE


def number(body: JsonObject, *path: str) -> float | None:
    """Return the number at ``path``; None where it is not set.

    Older versions write it plainly, newer ones as ``{set, infinite, number}``.
    """
    *parents, key = path
    at: object = body
    for parent in parents:
        at = at.get(parent) if isinstance(at, Mapping) else None
    value = at.get(key) if isinstance(at, Mapping) else None
    if isinstance(value, Mapping):
        if value.get("set") is not True or value.get("infinite") is True:
            return None
        return plain_number(value, "number")
    found = plain_number({key: value}, key)
    return None if found is None or found >= _NO_VALUE else found


def words(body: JsonObject, key: str) -> frozenset[str]:
    """Return a state and its flags, in capitals: a text in old versions, else a list."""
    value = body.get(key)
    items = value if isinstance(value, list) else [value]
    return frozenset(
        word.upper() for item in items if isinstance(item, str) for word in item.split()
    )


def fault(body: JsonObject) -> tuple[int, str] | None:
    """Return number and text of the first error that an answer tells of."""
    for error in objects(body, "errors"):
        code = int(plain_number(error, "error_number") or 0)
        said = text(error, "error") or text(error, "description")
        if code or (said and said != "No error"):
            return code, f"{said or 'error'} ({code})" if code else str(said)
    return None

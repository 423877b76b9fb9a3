"""Finds out who answers and which of its objects can become points."""

from collections.abc import Iterable
from dataclasses import dataclass
import math

from .bacnet_apdu import ObjectId, Primitive, PropertyError, Ref
from .bacnet_objects import (
    BY_NUMBER,
    DATABASE_REVISION,
    DESCRIPTION,
    DEVICE,
    FIRMWARE_REVISION,
    MAX_APDU_LENGTH_ACCEPTED,
    MAX_PRESENT_VALUE,
    MIN_PRESENT_VALUE,
    MODEL_NAME,
    NUMBER_OF_STATES,
    OBJECT_LIST,
    OBJECT_NAME,
    PRESENT_VALUE,
    PRIORITY_ARRAY,
    RELIABILITY,
    SEGMENTATION_SUPPORTED,
    STATE_TEXT,
    STATUS_FLAGS,
    UNITS,
    VENDOR_NAME,
    ObjectKind,
    decode,
    is_sound,
    unit_text,
)
from .bacnet_point import BacnetPoint, FoundPoint
from .bacnet_read import Found, PropertyReader
from .points import LinkProtocolError, PointKind, Value
from .roles import suggest_role

SEGMENTATION = ("both", "transmit", "receive", "none")
_SMALLEST_APDU = 50
_MOST_OBJECTS = 20_000
_NOT_LIMITED = 1e30
"""Controllers without limits tell the largest float there is."""

_COMMON = (OBJECT_NAME, DESCRIPTION, PRESENT_VALUE, STATUS_FLAGS, RELIABILITY)
_BY_KIND = {
    PointKind.ANALOG: (UNITS, MIN_PRESENT_VALUE, MAX_PRESENT_VALUE),
    PointKind.BINARY: (),
    PointKind.MULTISTATE: (NUMBER_OF_STATES, STATE_TEXT),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BacnetIdentity:
    """What the device object tells; a missing text is None."""

    instance: int
    name: str | None
    vendor: str | None
    model: str | None
    firmware: str | None
    max_apdu: int
    """Longest message in bytes that it takes and sends in one piece."""
    segmentation: str
    """ "both", "transmit", "receive" or "none"."""
    database_revision: int | None = None
    """Differs when objects came, went or were renamed; None = it does not tell."""


async def read_identity(reader: PropertyReader, instance: int) -> BacnetIdentity:
    """Read the device object.

    Raises LinkConnectionError, or LinkProtocolError when there is no such device.
    """
    properties = (
        OBJECT_NAME,
        VENDOR_NAME,
        MODEL_NAME,
        FIRMWARE_REVISION,
        MAX_APDU_LENGTH_ACCEPTED,
        SEGMENTATION_SUPPORTED,
        DATABASE_REVISION,
    )
    device = ObjectId(DEVICE, instance)
    found = await reader.read(Ref(device, number) for number in properties)
    max_apdu = _number(found, device, MAX_APDU_LENGTH_ACCEPTED)
    segmentation = _number(found, device, SEGMENTATION_SUPPORTED)
    revision = _number(found, device, DATABASE_REVISION)
    if max_apdu is None or segmentation is None or segmentation >= len(SEGMENTATION):
        raise LinkProtocolError(f"there is no BACnet device {instance}")
    return BacnetIdentity(
        instance=instance,
        name=_text(found, device, OBJECT_NAME),
        vendor=_text(found, device, VENDOR_NAME),
        model=_text(found, device, MODEL_NAME),
        firmware=_text(found, device, FIRMWARE_REVISION),
        max_apdu=max(_SMALLEST_APDU, int(max_apdu)),
        segmentation=SEGMENTATION[int(segmentation)],
        database_revision=None if revision is None else int(revision),
    )


async def find_points(reader: PropertyReader, instance: int) -> list[FoundPoint]:
    """Read the object list and what makes a point of each object that can be one."""
    targets = [
        target
        for target in await _object_list(reader, instance)
        if target.type in BY_NUMBER
    ]
    return await points_of(reader, targets)


async def points_of(
    reader: PropertyReader, targets: Iterable[ObjectId]
) -> list[FoundPoint]:
    """Read what makes a point of each object; those that do not exist are left out."""
    targets = list(targets)
    refs = [ref for target in targets for ref in _refs(target, BY_NUMBER[target.type])]
    found = await reader.read(refs)
    return [
        _found_point(found, target, BY_NUMBER[target.type])
        for target in targets
        # An object that went away meanwhile answers nothing at all.
        if isinstance(found[Ref(target, PRESENT_VALUE)], tuple)
    ]


async def _object_list(reader: PropertyReader, instance: int) -> list[ObjectId]:
    whole = Ref(ObjectId(DEVICE, instance), OBJECT_LIST)
    found = (await reader.read([whole]))[whole]
    if isinstance(found, PropertyError):
        # Too long for one answer of a device that cannot send several.
        length = whole._replace(element=0)
        match (await reader.read([length]))[length]:
            case (int(count),) if count <= _MOST_OBJECTS:
                pass
            case _:
                raise LinkProtocolError("the device does not tell its objects")
        elements = await reader.read(
            whole._replace(element=number) for number in range(1, count + 1)
        )
        found = tuple(
            value for ref in sorted(elements) for value in _values(elements[ref])
        )
    return list(dict.fromkeys(one for one in found if isinstance(one, ObjectId)))


def _refs(target: ObjectId, kind: ObjectKind) -> list[Ref]:
    refs = [Ref(target, number) for number in _COMMON + _BY_KIND[kind.kind]]
    if kind.is_output:
        # One element tells as much as all sixteen: is there a priority array?
        refs.append(Ref(target, PRIORITY_ARRAY, 1))
    return refs


def _found_point(
    found: dict[Ref, Found], target: ObjectId, kind: ObjectKind
) -> FoundPoint:
    key = f"{kind.name},{target.instance}"
    name = object_name(found, target)
    unit = _number(found, target, UNITS)
    low, high = _limits(found, target)
    states: tuple[str, ...] = ()
    if kind.kind is PointKind.MULTISTATE:
        count = _number(found, target, NUMBER_OF_STATES)
        low, high = (1.0, float(count)) if count else (None, None)
        texts = _values(found[Ref(target, STATE_TEXT)])
        if len(texts) == count and all(
            isinstance(text, str) and text for text in texts
        ):
            states = tuple(str(text) for text in texts)
    description = _text(found, target, DESCRIPTION)
    spelt = None if unit is None else unit_text(int(unit))
    point = BacnetPoint(
        key=key,
        name=name or key,
        kind=kind.kind,
        unit=spelt,
        minimum=low,
        maximum=high,
        states=states,
        object_type=kind.name,
        instance=target.instance,
        description=description,
        role=suggest_role(name or "", description, spelt, kind.kind, kind.is_output),
        commandable=isinstance(found.get(Ref(target, PRIORITY_ARRAY, 1)), tuple),
        object_name=name,
    )
    return FoundPoint(point=point, value=sound_value(found, target, kind))


def sound_value(
    found: dict[Ref, Found], target: ObjectId, kind: ObjectKind
) -> Value | None:
    """Return the present value, None where it is missing or not to be believed."""
    if not is_sound(
        _one(found, target, STATUS_FLAGS), _one(found, target, RELIABILITY)
    ):
        return None
    return decode(kind, _one(found, target, PRESENT_VALUE))


def object_name(found: dict[Ref, Found], target: ObjectId) -> str | None:
    """Return how an object calls itself; None where it does not tell."""
    return _text(found, target, OBJECT_NAME)


def _limits(
    found: dict[Ref, Found], target: ObjectId
) -> tuple[float | None, float | None]:
    low = _number(found, target, MIN_PRESENT_VALUE)
    high = _number(found, target, MAX_PRESENT_VALUE)
    if low is not None and not abs(low) < _NOT_LIMITED:
        low = None
    if high is not None and not abs(high) < _NOT_LIMITED:
        high = None
    if low is not None and high is not None and low >= high:
        return None, None
    return low, high


def _values(found: Found | None) -> tuple[Primitive, ...]:
    return found if isinstance(found, tuple) else ()


def _one(found: dict[Ref, Found], target: ObjectId, number: int) -> Primitive:
    values = _values(found.get(Ref(target, number)))
    return values[0] if len(values) == 1 else None


def _number(found: dict[Ref, Found], target: ObjectId, number: int) -> float | None:
    value = _one(found, target, number)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if math.isfinite(value) else None


def _text(found: dict[Ref, Found], target: ObjectId, number: int) -> str | None:
    value = _one(found, target, number)
    return value.strip() or None if isinstance(value, str) else None

"""Points as BACnet objects: types, instances, and properties as bytes (clause 12)."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import copysign, inf, nan
from zlib import crc32

from ..building import bacnet_apdu as apdu
from ..building.bacnet_apdu import ObjectId
from ..building.bacnet_objects import (
    DESCRIPTION,
    MAX_PRESENT_VALUE,
    MIN_PRESENT_VALUE,
    NUMBER_OF_STATES,
    OBJECT_IDENTIFIER,
    OBJECT_NAME,
    PRESENT_VALUE,
    PRIORITY_ARRAY,
    RELIABILITY,
    STATE_TEXT,
    STATUS_FLAGS,
    UNITS,
)
from .gateway import Gateway
from .numbering import KEY_NUMBERS, PART_STRIDE
from .points import OfferedKind, OfferedPoint, Value

ACTIVE_TEXT = 4
COV_INCREMENT = 22
EVENT_STATE = 36
INACTIVE_TEXT = 46
OBJECT_TYPE = 79
OUT_OF_SERVICE = 81
POLARITY = 84
RELINQUISH_DEFAULT = 104
PROPERTY_LIST = 371
CURRENT_COMMAND_PRIORITY = 431

NO_FAULT = 0
NO_SENSOR = 1
COMMUNICATION_FAILURE = 12
"""Reliability."""

_TYPES = {
    OfferedKind.ANALOG: (0, 2),
    OfferedKind.BINARY: (3, 5),
    OfferedKind.MULTISTATE: (13, 19),
    OfferedKind.TEXT: (40, 40),
}
"""Of objects that are read, and of those that are written."""
TYPE_NAMES = {
    0: "analog-input",
    2: "analog-value",
    3: "binary-input",
    5: "binary-value",
    13: "multi-state-input",
    19: "multi-state-value",
    40: "characterstring-value",
}
_UNITS = {"°C": 62, "kW": 48, "kWh": 19, "%": 98, "L/min": 88, None: 95}
_INCREMENTS = {"°C": 0.1, "kW": 0.05, "kWh": 0.1, "%": 1.0, "L/min": 0.1, None: 1.0}
"""What an analog value must change by, by its unit, to be reported."""
_LONGEST_TEXT = 500
_NOT_LISTED = {OBJECT_IDENTIFIER, OBJECT_NAME, OBJECT_TYPE}

type Content = bytes | tuple[bytes, ...]
"""A property, or the elements of one that is an array."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BacnetRow:
    """One object, for lists of points."""

    object_type: str
    """As the standard spells it, e.g. "analog-value"."""
    instance: int
    name: str
    description: str
    unit: str | None
    states: tuple[str, ...]
    writable: bool
    minimum: float | None
    maximum: float | None
    cov_increment: float | None
    """None where every change is reported."""
    point_id: str


def identifier(point: OfferedPoint, numbers: Mapping[str, int]) -> ObjectId:
    """Return the object of a point: 100 × number of the part + number of the key.

    Raises KeyError where the part has no number.
    """
    is_written = point.is_command or point.is_heartbeat
    kind = _TYPES[point.kind][is_written]
    return ObjectId(kind, numbers[point.part] * PART_STRIDE + KEY_NUMBERS[point.key])


def bacnet_rows(
    points: Iterable[OfferedPoint], numbers: Mapping[str, int]
) -> list[BacnetRow]:
    """List the objects of points, in the order of the object list."""
    return [
        BacnetRow(
            object_type=TYPE_NAMES[target.type],
            instance=target.instance,
            name=point.name,
            description=_description(point),
            unit=point.unit,
            states=point.states,
            writable=point.is_command or point.is_heartbeat,
            minimum=point.minimum,
            maximum=point.maximum,
            cov_increment=(
                _INCREMENTS[point.unit] if point.kind is OfferedKind.ANALOG else None
            ),
            point_id=point.point_id,
        )
        for target, point in sorted(
            ((identifier(point, numbers), point) for point in points),
            key=lambda one: one[0],
        )
    ]


def fingerprint(points: Iterable[OfferedPoint], numbers: Mapping[str, int]) -> int:
    """Return a number that changes when the database revision must rise."""
    rows = bacnet_rows(points, numbers)
    listed = [(row.object_type, row.instance, row.name) for row in rows]
    return crc32(repr(listed).encode())


class ServedObject:
    """One object that controllers read."""

    def __init__(self, point: OfferedPoint, target: ObjectId, gateway: Gateway) -> None:
        """Serve ``point`` as ``target``."""
        self.point = point
        self.identifier = target
        self.name = point.name
        self.increment = (
            _INCREMENTS[point.unit] if point.kind is OfferedKind.ANALOG else None
        )
        """What its value must change by to be reported; None: any change is."""
        self._gateway = gateway
        self._last: Value | None = None
        """The value that was known last."""
        self._properties: dict[int, Callable[[], Content]] = {}
        self._describe()

    @property
    def numbers(self) -> list[int]:
        """The properties that it has, without the list of them."""
        return list(self._properties)

    def read(self, number: int) -> Content | None:
        """Return a property; None: it has no such."""
        if number == PROPERTY_LIST:
            return listed(self._properties)
        found = self._properties.get(number)
        return None if found is None else found()

    @property
    def value(self) -> Value | None:
        """The value that is or was known last; None: it never was."""
        value = self._gateway.value(self.point.point_id)
        if value is not None:
            self._last = value
        return self._last

    @property
    def reliability(self) -> int:
        """Why the value may not be what it should be."""
        if self._gateway.is_lost(self.point.point_id):
            return COMMUNICATION_FAILURE
        if self._gateway.value(self.point.point_id) is None:
            return NO_SENSOR
        return NO_FAULT

    @property
    def is_out_of_service(self) -> bool:
        """Whether a command is not heeded, whatever it is."""
        return self.point.is_command and not self._gateway.heeded

    @property
    def flags(self) -> tuple[bool, bool, bool, bool]:
        """In alarm, fault, overridden, out of service."""
        return False, self.reliability != NO_FAULT, False, self.is_out_of_service

    def _describe(self) -> None:
        point = self.point
        self._fixed(OBJECT_IDENTIFIER, apdu.object_identifier(self.identifier))
        self._fixed(OBJECT_NAME, apdu.character_string(self.name))
        self._fixed(OBJECT_TYPE, apdu.enumerated(self.identifier.type))
        self._fixed(DESCRIPTION, apdu.character_string(_description(point)))
        self._properties |= {
            PRESENT_VALUE: lambda: self._encoded(self.value),
            STATUS_FLAGS: lambda: apdu.bit_string(self.flags),
            RELIABILITY: lambda: apdu.enumerated(self.reliability),
            OUT_OF_SERVICE: lambda: apdu.boolean(self.is_out_of_service),
        }
        self._fixed(EVENT_STATE, apdu.enumerated(0))
        match point.kind:
            case OfferedKind.ANALOG:
                assert self.increment is not None
                self._fixed(UNITS, apdu.enumerated(_UNITS[point.unit]))
                self._fixed(COV_INCREMENT, apdu.real(self.increment))
                if point.minimum is not None:
                    self._fixed(MIN_PRESENT_VALUE, _real(point.minimum))
                if point.maximum is not None:
                    self._fixed(MAX_PRESENT_VALUE, _real(point.maximum))
            case OfferedKind.BINARY:
                self._fixed(INACTIVE_TEXT, apdu.character_string("No"))
                self._fixed(ACTIVE_TEXT, apdu.character_string("Yes"))
                if not point.is_command:
                    self._fixed(POLARITY, apdu.enumerated(0))
            case OfferedKind.MULTISTATE:
                self._fixed(NUMBER_OF_STATES, apdu.unsigned(len(point.states)))
                texts = tuple(apdu.character_string(text) for text in point.states)
                self._fixed(STATE_TEXT, texts)
            case OfferedKind.TEXT:
                pass
        if point.is_command:
            self._properties |= {
                PRIORITY_ARRAY: self._slots,
                CURRENT_COMMAND_PRIORITY: self._level,
            }
            self._fixed(RELINQUISH_DEFAULT, self._encoded(point.default))

    def _fixed(self, number: int, content: Content) -> None:
        self._properties[number] = lambda: content

    def _slots(self) -> Content:
        commands = self._gateway.commands(self.point.point_id)
        assert commands is not None
        return tuple(
            apdu.null() if slot is None else self._encoded(slot.value)
            for slot in commands.slots
        )

    def _level(self) -> Content:
        commands = self._gateway.commands(self.point.point_id)
        assert commands is not None
        return apdu.null() if commands.level is None else apdu.unsigned(commands.level)

    def _encoded(self, value: Value | None) -> bytes:
        match self.point.kind:
            case OfferedKind.ANALOG:
                return _real(nan if value is None else float(value))
            case OfferedKind.BINARY:
                return apdu.enumerated(1 if value else 0)
            case OfferedKind.MULTISTATE:
                return apdu.unsigned(1 if value is None else int(value))
            case OfferedKind.TEXT:
                text = "" if value is None else str(value)
                return apdu.character_string(text[:_LONGEST_TEXT])


def listed(numbers: Iterable[int]) -> Content:
    """Return the property list of an object that has these properties."""
    return tuple(apdu.enumerated(one) for one in numbers if one not in _NOT_LISTED)


def _real(value: float) -> bytes:
    try:
        return apdu.real(value)
    except OverflowError:
        return apdu.real(copysign(inf, value))


def _description(point: OfferedPoint) -> str:
    if point.is_heartbeat:
        return "Write another value at least as often as the watchdog wants"
    if not point.is_command:
        return f"{point.name}, read only"
    return f"{point.name}, command"

"""What BACnet's objects and properties are to us (ASHRAE 135, clauses 12 and 21)."""

from dataclasses import dataclass

from bacpypes3.basetypes import EngineeringUnits

from . import bacnet_apdu as apdu
from .bacnet_apdu import ObjectId, Primitive
from .points import PointKind, Value
from .values import tidy_real

DEVICE = 8
ANY_INSTANCE = 4194303

DESCRIPTION = 28
FIRMWARE_REVISION = 44
MAX_APDU_LENGTH_ACCEPTED = 62
MAX_PRESENT_VALUE = 65
MIN_PRESENT_VALUE = 69
MODEL_NAME = 70
NUMBER_OF_STATES = 74
OBJECT_IDENTIFIER = 75
OBJECT_LIST = 76
OBJECT_NAME = 77
PRESENT_VALUE = 85
PRIORITY_ARRAY = 87
RELIABILITY = 103
SEGMENTATION_SUPPORTED = 107
STATE_TEXT = 110
STATUS_FLAGS = 111
UNITS = 117
VENDOR_NAME = 121
DATABASE_REVISION = 155

UNKNOWN_OBJECT = 31
UNKNOWN_PROPERTY = 32
"""Error codes."""

BYTES = {
    PRESENT_VALUE: 9,
    STATUS_FLAGS: 7,
    RELIABILITY: 9,
    UNITS: 7,
    MIN_PRESENT_VALUE: 9,
    MAX_PRESENT_VALUE: 9,
    NUMBER_OF_STATES: 7,
    PRIORITY_ARRAY: 12,
    OBJECT_LIST: 12,
    OBJECT_NAME: 40,
    DESCRIPTION: 50,
    STATE_TEXT: 80,
}
"""About what a property takes in an answer; of an array one element is meant."""
BYTES_OTHER = 30
BYTES_OBJECT = 7

PRIORITIES = {
    1: "manual life safety",
    2: "automatic life safety",
    5: "critical equipment control",
    6: "minimum on/off",
    8: "manual operator",
}


@dataclass(frozen=True, slots=True)
class ObjectKind:
    """A type of objects that can become points."""

    number: int
    name: str
    kind: PointKind
    tag: str = "real"
    """Data type of the present value."""
    is_output: bool = False
    """It can be commanded where it has a priority array."""


_KINDS = (
    ObjectKind(0, "analog-input", PointKind.ANALOG),
    ObjectKind(1, "analog-output", PointKind.ANALOG, is_output=True),
    ObjectKind(2, "analog-value", PointKind.ANALOG, is_output=True),
    ObjectKind(3, "binary-input", PointKind.BINARY, "enumerated"),
    ObjectKind(4, "binary-output", PointKind.BINARY, "enumerated", is_output=True),
    ObjectKind(5, "binary-value", PointKind.BINARY, "enumerated", is_output=True),
    ObjectKind(13, "multi-state-input", PointKind.MULTISTATE, "unsigned"),
    ObjectKind(
        14, "multi-state-output", PointKind.MULTISTATE, "unsigned", is_output=True
    ),
    ObjectKind(
        19, "multi-state-value", PointKind.MULTISTATE, "unsigned", is_output=True
    ),
    ObjectKind(45, "integer-value", PointKind.ANALOG, "integer", is_output=True),
    ObjectKind(46, "large-analog-value", PointKind.ANALOG, "double", is_output=True),
    ObjectKind(
        48, "positive-integer-value", PointKind.ANALOG, "unsigned", is_output=True
    ),
)
BY_NUMBER = {kind.number: kind for kind in _KINDS}
BY_NAME = {kind.name: kind for kind in _KINDS}

_UNITS = {
    2: "mA",
    3: "A",
    5: "V",
    16: "J",
    17: "kJ",
    18: "Wh",
    19: "kWh",
    27: "Hz",
    29: "%",
    37: "lx",
    47: "W",
    48: "kW",
    49: "MW",
    53: "Pa",
    54: "kPa",
    55: "bar",
    56: "psi",
    62: "°C",
    63: "K",
    64: "°F",
    70: "d",
    71: "h",
    72: "min",
    73: "s",
    74: "m/s",
    80: "m³",
    82: "L",
    87: "L/s",
    88: "L/min",
    89: "gal/min",
    96: "ppm",
    98: "%",
    104: "rpm",
    121: "K",
    124: "mV",
    126: "MJ",
    132: "mW",
    133: "hPa",
    134: "mbar",
    135: "m³/h",
    136: "L/h",
    146: "MWh",
}
_NO_UNITS = 95


def unit_text(number: int) -> str | None:
    """Spell an engineering unit as Home Assistant does, else as the standard does."""
    if number == _NO_UNITS:
        return None
    if (known := _UNITS.get(number)) is not None:
        return known
    text = str(EngineeringUnits(number))
    return None if text.isdigit() else text.replace("-", " ")


def encode(kind: ObjectKind, value: Value) -> bytes:
    """Encode a present value; raises OverflowError when it does not fit."""
    match kind.tag:
        case "enumerated":
            return apdu.enumerated(int(value))
        case "unsigned":
            return apdu.unsigned(round(value))
        case "integer":
            return apdu.integer(round(value))
        case "double":
            return apdu.double(value)
        case _:
            return apdu.real(value)


def decode(kind: ObjectKind, value: Primitive) -> Value | None:
    """Make a value of a present value; None for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return (
            value if isinstance(value, bool) and kind.kind is PointKind.BINARY else None
        )
    if kind.kind is PointKind.BINARY:
        return bool(value) if value in (0, 1) else None
    if kind.kind is PointKind.MULTISTATE:
        return float(value) if value >= 1 else None
    return tidy_real(value) if kind.tag == "real" else float(value)


def is_sound(flags: Primitive, reliability: Primitive) -> bool:
    """Tell whether a value may be believed.

    Not when the object is in fault or taken out of service (its value is then
    someone's setting), nor when its reliability is anything but 0.
    """
    if isinstance(flags, tuple) and not isinstance(flags, ObjectId) and len(flags) >= 4:
        _, fault, _, out_of_service = flags[:4]
        if fault or out_of_service:
            return False
    return not isinstance(reliability, int) or reliability == 0

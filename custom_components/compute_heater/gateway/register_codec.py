"""How values become registers, and registers commands."""

from collections.abc import Sequence
from dataclasses import dataclass
import math
import struct
from typing import Protocol

from ..building.values import tidy_real
from .points import OfferedKind, OfferedPoint, Value
from .register_layout import Register, RegisterType, Status

MAP_VERSION = 1
"""Rises when registers are added; none is ever moved or taken away."""
MAGIC = 0x4348
"""Two letters, CH, by which a controller finds out that it has the right device."""
NONE_16 = 0x8000
NONE_32 = 0xFFFFFFFF
_NONE_FLOAT = (0x7FC0, 0x0000)


class Image(Protocol):
    """Where values come from: the gateway."""

    @property
    def heeded(self) -> bool:
        """Whether the strategy has an ear for commands."""

    def value(self, point_id: str) -> Value | None:
        """Return the present value of a point; None: unknown."""

    def is_lost(self, point_id: str) -> bool:
        """Whether a command was given up because its master is silent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerState:
    """What the server says of itself."""

    heartbeat: int
    """Counts up."""
    watchdog_s: float
    """After so many seconds the commands of a silent controller are given up."""


@dataclass(frozen=True, slots=True)
class Command:
    """What a controller has written to one point."""

    point: OfferedPoint
    value: Value | None
    """As it was written, allowed or not; None: take the command back."""


def encode(register: Register, image: Image, server: ServerState) -> Sequence[int]:
    """Return what a register, or two, hold now."""
    match register.source:
        case OfferedPoint() as point:
            return _packed(register, image.value(point.point_id))
        case Status.MAGIC:
            return [MAGIC]
        case Status.VERSION:
            return [MAP_VERSION]
        case Status.HEARTBEAT:
            return [server.heartbeat % 0x10000]
        case Status.WATCHDOG:
            return [min(round(server.watchdog_s), 0xFFFF)]
        case Status.HEEDED:
            return [int(image.heeded)]
        case Status.KIND:
            return [register.kind]
        case Status.KNOWN:
            return [
                sum(
                    1 << bit
                    for bit, point in register.bits
                    if image.value(point.point_id) is not None
                )
            ]
        case Status.LOST:
            return [
                sum(
                    1 << bit
                    for bit, point in register.bits
                    if image.is_lost(point.point_id)
                )
            ]


def _packed(register: Register, value: Value | None) -> Sequence[int]:
    """Make registers of a value; those of "unknown" where it does not fit."""
    assert not isinstance(value, str)
    match register.data_type:
        case RegisterType.FLOAT32:
            try:
                packed = struct.pack(">f", math.nan if value is None else value)
            except OverflowError:
                return _NONE_FLOAT
            return struct.unpack(">HH", packed)
        case RegisterType.UINT32:
            raw = None if value is None else round(value * register.divisor)
            if raw is None or not 0 <= raw < NONE_32:
                raw = NONE_32
            return divmod(raw, 0x10000)
        case RegisterType.UINT16:
            return [NONE_16 if value is None else round(value)]
        case RegisterType.INT16:
            raw = None if value is None else round(value * register.divisor)
            if raw is None or not -NONE_16 < raw < NONE_16:
                raw = NONE_16
            return [raw % 0x10000]


def decode(register: Register, words: Sequence[int]) -> Command:
    """Make a command of all that is written to one holding register, or two."""
    point = register.source
    assert isinstance(point, OfferedPoint)
    match register.data_type:
        case RegisterType.FLOAT32:
            (real,) = struct.unpack(">f", struct.pack(">HH", *words))
            if math.isnan(real):
                return Command(point, None)
            # Infinity goes on to where it is refused.
            return Command(point, real if math.isinf(real) else tidy_real(real))
        case RegisterType.UINT16:
            return Command(point, float(words[0]))
    if words[0] == NONE_16:
        return Command(point, None)
    (number,) = struct.unpack(">h", struct.pack(">H", words[0]))
    if point.kind is OfferedKind.BINARY and number in (0, 1):
        return Command(point, bool(number))
    # Divided, not multiplied by 0.1, it is the very number that a limit is.
    return Command(point, number / register.divisor)

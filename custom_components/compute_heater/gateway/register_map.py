"""The Modbus registers of all points.

Each part has a block of 100 registers, the site the first one; a block's registers stay
where they are for ever, so that parts and points that are added move no other. What is
read is in input registers (function 4), what is commanded in holding registers (functions
3, 6 and 16). Numbers of two registers have the high word first. Analog points are there
twice: as a float and, for controllers that have none, as a scaled integer.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
import math
import struct
from typing import Protocol

from ..building.values import tidy_real
from .points import SITE, OfferedKind, OfferedPoint, Value

MAP_VERSION = 1
"""Rises when registers are added; none is ever moved or taken away."""
MAGIC = 0x4348
"""Two letters, CH, by which a controller finds out that it has the right device."""
BLOCK = 100
MOST_PARTS = 0x10000 // BLOCK - 1
NONE_16 = 0x8000
NONE_32 = 0xFFFFFFFF
_NONE_FLOAT = (0x7FC0, 0x0000)


class Space(StrEnum):
    """The two register tables."""

    INPUT = "input"
    HOLDING = "holding"


class RegisterType(StrEnum):
    """How a number is packed."""

    INT16 = "int16"
    UINT16 = "uint16"
    UINT32 = "uint32"
    FLOAT32 = "float32"

    @property
    def words(self) -> int:
        """How many registers it takes."""
        return 2 if self in (RegisterType.UINT32, RegisterType.FLOAT32) else 1


class Status(StrEnum):
    """What registers say that belong to no point."""

    MAGIC = "device"
    VERSION = "map version"
    HEARTBEAT = "heartbeat"
    WATCHDOG = "watchdog time"
    HEEDED = "commands are heeded"
    KIND = "kind of part"
    KNOWN = "known values"
    LOST = "commands given up"


class UnmappedError(Exception):
    """There is no such register, or not in this table."""


class PartialError(Exception):
    """Only one of two registers that are one number was written."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """One number, of one register or two."""

    space: Space
    address: int
    """Of the first register as it goes over the wire, from 0."""
    part: str
    data_type: RegisterType
    source: OfferedPoint | Status
    divisor: int = 1
    """The register holds the value times this."""
    bits: tuple[tuple[int, OfferedPoint], ...] = ()
    """What the bits of a status word are about, by their numbers."""
    kind: int = 0
    """What ``Status.KIND`` holds."""


@dataclass(frozen=True, slots=True)
class Command:
    """What a controller has written to one point."""

    point: OfferedPoint
    value: Value | None
    """As it was written, allowed or not; None: take the command back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MapRow:
    """One line of the documented map."""

    functions: str
    address: int
    registers: int
    part: str
    name: str
    data_type: RegisterType
    scale: float
    """The value is the register's content times this."""
    unit: str
    access: str
    """``r`` or ``rw``."""
    meaning: str
    """Of the numbers or bits, where there is more to say than a unit."""


class RegisterMap:
    """The registers of one site."""

    def __init__(
        self, points: Iterable[OfferedPoint], numbers: Mapping[str, int]
    ) -> None:
        """Map points; texts have no registers.

        ``numbers`` has the number, 1…654, of each part but the site; who calls must keep it,
        and never give the number of a removed part to another. Raises ValueError for a
        number that is out of range or given twice, KeyError where one is missing.
        """
        parts: dict[str, dict[str, OfferedPoint]] = {SITE: {}}
        for point in points:
            parts.setdefault(point.part, {})[point.key] = point
        blocks = {
            part: 0 if part == SITE else _checked_number(numbers[part])
            for part in parts
        }
        if len(set(blocks.values())) != len(blocks):
            raise ValueError("Two parts have the same number")
        self.registers = tuple(
            register
            for part, present in parts.items()
            for register in _block(part, blocks[part] * BLOCK, present)
        )
        self._tables: dict[Space, dict[int, Register]] = {space: {} for space in Space}
        for register in self.registers:
            for word in range(register.data_type.words):
                self._tables[register.space][register.address + word] = register

    def read(
        self, space: Space, address: int, count: int, image: Image, server: ServerState
    ) -> list[int]:
        """Return ``count`` registers from ``address``; raises UnmappedError."""
        found = self._at(space, address, count)
        words: list[int] = []
        for register in found:
            words += _encode(register, image, server)
        # A request may begin or end within a number of two registers.
        skipped = address - found[0].address
        return words[skipped : skipped + count]

    def points(self, space: Space, address: int, count: int) -> list[OfferedPoint]:
        """Return the points that registers belong to; raises UnmappedError."""
        return [
            register.source
            for register in self._at(space, address, count)
            if isinstance(register.source, OfferedPoint)
        ]

    def commands(self, address: int, words: Sequence[int]) -> list[Command]:
        """Make commands of what is written to holding registers from ``address``.

        Raises UnmappedError, and PartialError where half a number would be written. No
        point is commanded twice.
        """
        found = self._at(Space.HOLDING, address, len(words))
        end = found[-1].address + found[-1].data_type.words
        if found[0].address < address or end > address + len(words):
            raise PartialError
        commands = []
        for register in found:
            first = register.address - address
            content = words[first : first + register.data_type.words]
            commands.append(_decode(register, content))
        return commands

    def rows(self) -> list[MapRow]:
        """Return the whole map for people, by table and address."""
        return [
            _row(register)
            for space in Space
            for register in sorted(self.registers, key=lambda each: each.address)
            if register.space is space
        ]

    def _at(self, space: Space, address: int, count: int) -> list[Register]:
        table = self._tables[space]
        found: list[Register] = []
        for each in range(address, address + count):
            register = table.get(each)
            if register is None:
                raise UnmappedError
            if not found or found[-1] is not register:
                found.append(register)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """The block of one kind of part.

    What is added goes where nothing is yet, and to the end of a mapping: the bits of the
    status words are in the order of ``inputs`` and ``commands``.
    """

    kind: int
    statuses: Mapping[Status, int]
    inputs: Mapping[str, int]
    """Where binary and multi-state points are, and the floats of analog ones."""
    scaled: Mapping[str, int]
    """Where the scaled integers of analog points are."""
    commands: Mapping[str, int]
    scaled_commands: Mapping[str, int]
    power_divisor: int


_SITE = _Layout(
    kind=0,
    statuses={
        Status.MAGIC: 0,
        Status.VERSION: 1,
        Status.HEARTBEAT: 2,
        Status.WATCHDOG: 3,
        Status.HEEDED: 4,
        Status.KNOWN: 5,
        Status.LOST: 6,
    },
    inputs={
        "commanded": 7,
        "heat_demand": 8,
        "thermal_power": 10,
        "available_power": 12,
        "electrical_power": 14,
        "energy": 16,
        "heat_energy": 18,
    },
    scaled={
        "heat_demand": 20,
        "thermal_power": 21,
        "available_power": 22,
        "electrical_power": 23,
        "energy": 24,
        "heat_energy": 26,
    },
    commands={"heat_request": 2, "heartbeat": 1},
    scaled_commands={"heat_request": 10},
    # A site may have more than the 327 kW that hundredths would reach to.
    power_divisor=10,
)
_HEATER = _Layout(
    kind=1,
    statuses={Status.KIND: 0, Status.KNOWN: 1, Status.LOST: 2},
    inputs={
        "fault": 3,
        "enabled": 4,
        "power_state": 5,
        "supply_temperature": 6,
        "return_temperature": 8,
        "flow": 10,
        "thermal_power": 12,
        "available_power": 14,
        "electrical_power": 16,
        "energy": 18,
        "heat_energy": 20,
    },
    scaled={
        "supply_temperature": 22,
        "return_temperature": 23,
        "flow": 24,
        "thermal_power": 25,
        "available_power": 26,
        "electrical_power": 27,
        "energy": 28,
        "heat_energy": 30,
    },
    commands={
        "enable": 0,
        "state_request": 1,
        "power_request": 2,
        "supply_setpoint": 4,
    },
    scaled_commands={"power_request": 10, "supply_setpoint": 11},
    power_divisor=100,
)
_SINK = _Layout(
    kind=2,
    statuses={Status.KIND: 0, Status.KNOWN: 1},
    inputs={"temperature": 2, "heat_demand": 4, "state_of_charge": 6},
    scaled={"temperature": 8, "heat_demand": 9, "state_of_charge": 10},
    commands={},
    scaled_commands={},
    power_divisor=100,
)


def _checked_number(number: int) -> int:
    if not 1 <= number <= MOST_PARTS:
        raise ValueError(f"Part number {number} is not in 1…{MOST_PARTS}")
    return number


def _block(
    part: str, base: int, points: Mapping[str, OfferedPoint]
) -> Iterator[Register]:
    layout = _SITE if part == SITE else _HEATER if "power_state" in points else _SINK
    known = _bits_of(layout.inputs, points)
    lost = _bits_of(layout.commands, points)
    for status, offset in layout.statuses.items():
        yield Register(
            space=Space.INPUT,
            address=base + offset,
            part=part,
            data_type=RegisterType.UINT16,
            source=status,
            bits=known if status is Status.KNOWN else lost,
            kind=layout.kind,
        )
    for space, plain, scaled in (
        (Space.INPUT, layout.inputs, layout.scaled),
        (Space.HOLDING, layout.commands, layout.scaled_commands),
    ):
        for offsets, is_scaled in ((plain, False), (scaled, True)):
            for key, offset in offsets.items():
                if (point := points.get(key)) is not None:
                    yield _register(space, base + offset, point, layout, is_scaled)


def _bits_of(
    keys: Iterable[str], points: Mapping[str, OfferedPoint]
) -> tuple[tuple[int, OfferedPoint], ...]:
    """Give each point its bit; one that is missing here leaves its own free."""
    return tuple(
        (bit, points[key])
        for bit, key in enumerate(keys)
        if key in points and not points[key].is_heartbeat
    )


def _register(
    space: Space, address: int, point: OfferedPoint, layout: _Layout, is_scaled: bool
) -> Register:
    data_type, divisor = RegisterType.INT16, 1
    if is_scaled and point.unit == "kWh":
        data_type, divisor = RegisterType.UINT32, 10
    elif is_scaled:
        divisor = layout.power_divisor if point.unit == "kW" else 10
    elif point.is_heartbeat:
        data_type = RegisterType.UINT16
    elif point.kind is OfferedKind.ANALOG:
        data_type = RegisterType.FLOAT32
    return Register(
        space=space,
        address=address,
        part=point.part,
        data_type=data_type,
        source=point,
        divisor=divisor,
    )


def _encode(register: Register, image: Image, server: ServerState) -> Sequence[int]:
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


def _decode(register: Register, words: Sequence[int]) -> Command:
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


def _row(register: Register) -> MapRow:
    source = register.source
    is_command = register.space is Space.HOLDING
    if isinstance(source, OfferedPoint):
        name, unit, meaning = source.name, source.unit or "", _point_meaning(source)
    else:
        name, meaning = str(source), _status_meaning(source, register.bits)
        unit = "s" if source is Status.WATCHDOG else ""
    return MapRow(
        functions="3, 6, 16" if is_command else "4",
        address=register.address,
        registers=register.data_type.words,
        part=register.part,
        name=name,
        data_type=register.data_type,
        scale=1 / register.divisor,
        unit=unit,
        access="rw" if is_command else "r",
        meaning=meaning,
    )


def _point_meaning(point: OfferedPoint) -> str:
    if point.kind is OfferedKind.BINARY:
        return "0 no, 1 yes"
    if point.states:
        return ", ".join(f"{n} {state}" for n, state in enumerate(point.states, 1))
    if point.is_command or point.is_heartbeat:
        return f"{point.minimum:g}…{point.maximum:g}"
    return ""


def _status_meaning(status: Status, bits: Iterable[tuple[int, OfferedPoint]]) -> str:
    match status:
        case Status.MAGIC:
            return f"always {MAGIC}"
        case Status.HEARTBEAT:
            return "counts up once a second"
        case Status.HEEDED:
            return "0 no, 1 yes"
        case Status.KIND:
            return f"{_HEATER.kind} heater, {_SINK.kind} heat consumer"
        case Status.KNOWN | Status.LOST:
            return ", ".join(f"bit {n} {each.name}" for n, each in bits)
    return ""

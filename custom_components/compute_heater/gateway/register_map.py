"""The Modbus registers of all points.

Each part has a block of 100 registers, the site the first one; a block's registers stay
where they are for ever, so that parts and points that are added move no other. What is
read is in input registers (function 4), what is commanded in holding registers (functions
3, 6 and 16). Numbers of two registers have the high word first. Analog points are there
twice: as a float and, for controllers that have none, as a scaled integer.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .points import SITE, OfferedKind, OfferedPoint
from .register_codec import MAGIC, Command, Image, ServerState, decode, encode
from .register_layout import (
    HEATER_KIND,
    SINK_KIND,
    Register,
    RegisterType,
    Space,
    Status,
    block_of,
)

BLOCK = 100
MOST_PARTS = 0x10000 // BLOCK - 1


class UnmappedError(Exception):
    """There is no such register, or not in this table."""


class PartialError(Exception):
    """Only one of two registers that are one number was written."""


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
            for register in block_of(part, blocks[part] * BLOCK, present)
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
            words += encode(register, image, server)
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
            commands.append(decode(register, content))
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


def _checked_number(number: int) -> int:
    if not 1 <= number <= MOST_PARTS:
        raise ValueError(f"Part number {number} is not in 1…{MOST_PARTS}")
    return number


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
            return f"{HEATER_KIND} heater, {SINK_KIND} heat consumer"
        case Status.KNOWN | Status.LOST:
            return ", ".join(f"bit {n} {each.name}" for n, each in bits)
    return ""

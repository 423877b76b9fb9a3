"""Points of Modbus devices."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self, override

from .point_fields import Fields, check, to_plain
from .points import Point, PointConfigError, PointKind


class Space(StrEnum):
    """The four tables of a Modbus device."""

    COIL = "coil"
    DISCRETE = "discrete"
    INPUT = "input"
    HOLDING = "holding"

    @property
    def is_bits(self) -> bool:
        """One bit per address instead of a register of 16."""
        return self in (Space.COIL, Space.DISCRETE)

    @property
    def is_writable(self) -> bool:
        """The protocol knows a way to write it."""
        return self in (Space.COIL, Space.HOLDING)


class DataType(StrEnum):
    """What the registers hold."""

    BOOL = "bool"
    INT16 = "int16"
    UINT16 = "uint16"
    INT32 = "int32"
    UINT32 = "uint32"
    FLOAT32 = "float32"

    @property
    def words(self) -> int:
        """Registers that one value takes."""
        return 2 if self.value.endswith("32") else 1


class WordOrder(StrEnum):
    """Order of the bytes a (highest) to d on the wire; "abcd" is the standard."""

    ABCD = "abcd"
    CDAB = "cdab"
    BADC = "badc"
    DCBA = "dcba"


class WriteClass(StrEnum):
    """What becomes of a written value in the device."""

    VOLATILE = "volatile"
    """It holds until the device starts anew."""
    CYCLIC = "cyclic"
    """It lapses unless it is repeated."""
    EEPROM = "eeprom"
    """It is kept for good, in a memory that wears with every write."""


EEPROM_INTERVAL_S = 60.0
"""Least time between two writes to a memory that wears."""
SHORTEST_TTL_S = 20.0
"""A cyclic value is repeated at half of its time; we look after it every 10 s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModbusPoint(Point):
    """A coil, a discrete input or one or two registers.

    Value = raw × ``scale`` + ``offset``. A multi-state register that counts its
    states from 0 has offset 1.
    """

    space: Space
    address: int
    """As sent on the wire, from 0."""
    data_type: DataType
    word_order: WordOrder = WordOrder.ABCD
    scale: float = 1.0
    offset: float = 0.0
    sentinels: tuple[float, ...] = ()
    """Raw values that mean "not known", e.g. -32768 (or 32768) for int16."""
    unit_id: int | None = None
    """None = the link's."""
    write_class: WriteClass = WriteClass.VOLATILE
    ttl_s: float | None = None
    """How long a cyclic value lives in the device."""
    write_order: WordOrder | None = None
    """Where the device takes another order than it gives; None = the same."""
    write_multiple: bool = False
    """Written as if it were several (function 15 or 16) even when it is one."""

    @property
    @override
    def write_interval_s(self) -> float:
        """A memory that wears is spared, whatever is asked for."""
        if self.write_class is WriteClass.EEPROM:
            return max(self.min_interval_s, EEPROM_INTERVAL_S)
        return self.min_interval_s

    @property
    @override
    def holds_command(self) -> bool:
        """What is kept for good is a setting of the owner's."""
        return self.write_class is not WriteClass.EEPROM

    @property
    def end(self) -> int:
        """The address after the last one of the point."""
        return self.address + self.data_type.words

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, without what holds the default."""
        return to_plain(self)

    @classmethod
    def from_dict(cls, data: object) -> Self:
        """From a mapping as users write it; raises PointConfigError.

        Needed: ``space``, ``address`` and, in registers, ``data_type``. ``key``
        defaults to "holding-100", ``name`` to the key, ``kind`` to binary for bool,
        multistate where ``states`` are given, else analog.
        """
        fields = Fields(data)
        space = fields.choice("space", Space, None)
        address = fields.whole("address", 0, 65535)
        data_type = fields.choice(
            "data_type", DataType, DataType.BOOL if space.is_bits else None
        )
        key = fields.text("key") or f"{space}-{address}"
        common = fields.common()
        scale = fields.number("scale")
        offset = fields.number("offset")
        point = cls(
            key=key,
            name=fields.text("name") or key,
            kind=fields.choice(
                "kind", PointKind, _usual_kind(data_type, common["states"])
            ),
            space=space,
            address=address,
            data_type=data_type,
            word_order=fields.choice("word_order", WordOrder, WordOrder.ABCD),
            scale=1.0 if scale is None else scale,
            offset=0.0 if offset is None else offset,
            sentinels=fields.numbers("sentinels"),
            unit_id=fields.optional_whole("unit_id", 0, 255),
            write_class=fields.choice("write_class", WriteClass, WriteClass.VOLATILE),
            ttl_s=fields.number("ttl_s"),
            write_order=fields.optional_choice("write_order", WordOrder),
            write_multiple=fields.flag("write_multiple"),
            **common,
        )
        fields.done()
        _check(point)
        check(point)
        return point


def parse_points(items: Iterable[object]) -> list[ModbusPoint]:
    """Read a pasted list of points; raises PointConfigError.

    The text says which entry is wrong (from 1), also when a key is used twice.
    """
    points: list[ModbusPoint] = []
    keys: set[str] = set()
    for number, item in enumerate(items, 1):
        try:
            point = ModbusPoint.from_dict(item)
        except PointConfigError as err:
            raise PointConfigError(
                err.field, f"{err.problem} (entry {number})"
            ) from err
        if point.key in keys:
            raise PointConfigError("key", f"{point.key} is used twice (entry {number})")
        keys.add(point.key)
        points.append(point)
    return points


def _usual_kind(data_type: DataType, states: tuple[str, ...]) -> PointKind:
    if data_type is DataType.BOOL:
        return PointKind.BINARY
    return PointKind.MULTISTATE if states else PointKind.ANALOG


def _check(point: ModbusPoint) -> None:
    """Refuse what contradicts itself."""
    is_bool = point.data_type is DataType.BOOL
    if point.space.is_bits and not is_bool:
        raise PointConfigError("data_type", f"a {point.space} holds a bool")
    if is_bool is not (point.kind is PointKind.BINARY):
        raise PointConfigError("kind", f"{point.data_type} cannot be {point.kind}")
    if point.kind is PointKind.MULTISTATE and point.data_type is DataType.FLOAT32:
        raise PointConfigError("kind", "state numbers are integers, not float32")
    if point.end > 65536:
        raise PointConfigError("address", "the second register would be past 65535")
    if point.scale == 0 or (is_bool and point.scale != 1):
        raise PointConfigError("scale", "must not be 0, and a bool has none")
    if is_bool and point.offset != 0:
        raise PointConfigError("offset", "a bool has none")
    if (point.ttl_s is not None) is not (point.write_class is WriteClass.CYCLIC):
        raise PointConfigError("ttl_s", "goes with a cyclic point, and only with one")
    if point.ttl_s is not None and point.ttl_s < SHORTEST_TTL_S:
        raise PointConfigError("ttl_s", f"must be {SHORTEST_TTL_S:g} or more")
    if point.writable and not point.space.is_writable:
        raise PointConfigError("writable", f"nothing can be written to {point.space}")

"""Points of Modbus devices."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from .points import Point


class Space(StrEnum):
    """The four tables of a Modbus device."""

    COIL = "coil"
    DISCRETE = "discrete"
    INPUT = "input"
    HOLDING = "holding"


class DataType(StrEnum):
    """What the registers hold."""

    BOOL = "bool"
    INT16 = "int16"
    UINT16 = "uint16"
    INT32 = "int32"
    UINT32 = "uint32"
    FLOAT32 = "float32"


class WordOrder(StrEnum):
    """Order of the bytes a (highest) to d on the wire; "abcd" is the standard."""

    ABCD = "abcd"
    CDAB = "cdab"
    BADC = "badc"
    DCBA = "dcba"


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

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, without what holds the default."""
        raise NotImplementedError

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """From a mapping as users write it; raises PointConfigError.

        Needed: ``space``, ``address`` and, in registers, ``data_type``. ``key``
        defaults to "holding-100", ``name`` to the key, ``kind`` to binary for bool,
        multistate where ``states`` are given, else analog.
        """
        raise NotImplementedError


def parse_points(items: Iterable[object]) -> list[ModbusPoint]:
    """A pasted list of points; raises PointConfigError, also for a key used twice."""
    raise NotImplementedError

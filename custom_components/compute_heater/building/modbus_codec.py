"""Registers to values and back."""

from collections.abc import Sequence
from dataclasses import replace
import struct

from .modbus_point import DataType, ModbusPoint, WordOrder
from .points import PointRefusedError, Value
from .values import tidy_real

_INTEGERS = {
    DataType.INT16: ">h",
    DataType.UINT16: ">H",
    DataType.INT32: ">i",
    DataType.UINT32: ">I",
}


def decode(point: ModbusPoint, raw: Sequence[int | bool]) -> Value | None:
    """Make a value of what was read; None for NaN and for a sentinel."""
    if point.data_type is DataType.BOOL:
        return None if raw[0] in point.sentinels else bool(raw[0])
    packed = _pack(raw, point.word_order)
    if point.data_type is DataType.FLOAT32:
        (real,) = struct.unpack(">f", packed)
        number = tidy_real(real)
        if number is None or number in point.sentinels:
            return None
    else:
        (number,) = struct.unpack(_INTEGERS[point.data_type], packed)
        # A sentinel may be written as the signed number or as its bit pattern.
        if number in point.sentinels or int.from_bytes(packed) in point.sentinels:
            return None
    if point.scale == 1 and point.offset == 0:
        return float(number)
    # Ten decimals are more than any register carries; they hide 0.30000000000000004.
    return round(number * point.scale + point.offset, 10)


def encode(point: ModbusPoint, value: Value) -> list[int]:
    """Make the registers that are written; PointRefusedError when it does not fit."""
    if point.data_type is DataType.BOOL:
        return [int(value)]
    number = (value - point.offset) / point.scale
    try:
        if point.data_type is DataType.FLOAT32:
            packed = struct.pack(">f", number)
        else:
            packed = struct.pack(_INTEGERS[point.data_type], round(number))
    except (struct.error, OverflowError) as err:
        raise PointRefusedError(
            f"{point.name}: {value:g} does not fit into {point.data_type}"
        ) from err
    return _unpack(packed, point.write_order or point.word_order)


def decode_written(point: ModbusPoint, words: Sequence[int]) -> Value | None:
    """Make a value of what ``encode`` returned: rounded as the device will hold it."""
    order = point.write_order or point.word_order
    return decode(replace(point, word_order=order), words)


def _pack(words: Sequence[int], order: WordOrder) -> bytes:
    if order in (WordOrder.CDAB, WordOrder.DCBA):
        words = words[::-1]
    byte_order = "<" if order in (WordOrder.BADC, WordOrder.DCBA) else ">"
    return struct.pack(f"{byte_order}{len(words)}H", *words)


def _unpack(packed: bytes, order: WordOrder) -> list[int]:
    byte_order = "<H" if order in (WordOrder.BADC, WordOrder.DCBA) else ">H"
    words = [word for (word,) in struct.iter_unpack(byte_order, packed)]
    return words[::-1] if order in (WordOrder.CDAB, WordOrder.DCBA) else words

"""Descriptions of Modbus points, registers and the plan of requests."""

import dataclasses
import json
import math
import struct
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.compute_heater.building.modbus_codec import decode, encode
from custom_components.compute_heater.building.modbus_plan import (
    MAX_GAP,
    MAX_SPAN,
    Layout,
    Range,
    plan,
)
from custom_components.compute_heater.building.modbus_point import (
    DataType,
    ModbusPoint,
    Space,
    WordOrder,
    parse_points,
)
from custom_components.compute_heater.building.points import (
    PointConfigError,
    PointKind,
    PointRefusedError,
)
from custom_components.compute_heater.building.values import tidy_real

FULL: dict[str, Any] = {
    "key": "flow_set",
    "name": "Vorlauf Soll",
    "kind": "analog",
    "unit": "°C",
    "writable": True,
    "minimum": 20.0,
    "maximum": 65.0,
    "step": 0.5,
    "space": "holding",
    "address": 1694,
    "data_type": "float32",
    "word_order": "cdab",
    "scale": 2.0,
    "offset": 1.0,
    "sentinels": [-1.0, 255.0],
}


def test_description_goes_through_json_and_back() -> None:
    point = ModbusPoint.from_dict(FULL)
    assert point.to_dict() == FULL
    assert ModbusPoint.from_dict(json.loads(json.dumps(point.to_dict()))) == point


def test_short_description_is_enough() -> None:
    point = ModbusPoint.from_dict({"space": "Coil", "address": 7})
    assert (point.key, point.name, point.kind) == ("coil-7", "coil-7", PointKind.BINARY)
    assert ModbusPoint.from_dict(point.to_dict()) == point
    states = ModbusPoint.from_dict(
        {"space": "input", "address": 1, "data_type": "uint16", "states": ["a", "b"]}
    )
    assert states.kind is PointKind.MULTISTATE


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"space": None}, "space"),
        ({"space": "register"}, "space"),
        ({"address": None}, "address"),
        ({"address": -1}, "address"),
        ({"address": 65535}, "address"),
        ({"address": 1.5}, "address"),
        ({"address": "100"}, "address"),
        ({"data_type": None}, "data_type"),
        ({"data_type": "float64"}, "data_type"),
        ({"space": "coil"}, "data_type"),
        ({"word_order": "acbd"}, "word_order"),
        ({"scale": 0}, "scale"),
        ({"scale": "x"}, "scale"),
        ({"offset": True}, "offset"),
        ({"offset": math.nan}, "offset"),
        ({"sentinels": ["0x8000"]}, "sentinels"),
        ({"minimum": None}, "minimum"),
        ({"maximum": None}, "maximum"),
        ({"maximum": 20}, "maximum"),
        ({"step": 0}, "step"),
        ({"writable": "yes"}, "writable"),
        ({"space": "input"}, "writable"),
        ({"kind": "binary"}, "kind"),
        ({"kind": "multistate"}, "kind"),
        ({"name": ""}, "name"),
        ({"name": ["a"]}, "name"),
        ({"states": "on,off"}, "states"),
        ({"states": ["on", 1]}, "states"),
        ({"adress": 1}, "adress"),
    ],
)
def test_wrong_description_names_the_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(PointConfigError) as caught:
        ModbusPoint.from_dict(FULL | change)
    assert caught.value.field == field
    assert str(caught.value).startswith(f"{field}: ")


@pytest.mark.parametrize("field", ["scale", "offset"])
def test_bool_is_not_scaled(field: str) -> None:
    with pytest.raises(PointConfigError) as caught:
        ModbusPoint.from_dict({"space": "coil", "address": 1, field: 2})
    assert caught.value.field == field


def test_list_names_the_entry() -> None:
    coil = {"space": "coil", "address": 1}
    with pytest.raises(PointConfigError, match=r"used twice \(entry 2\)"):
        parse_points([coil, coil])
    with pytest.raises(PointConfigError, match=r"address: is missing \(entry 2\)"):
        parse_points([coil, {"space": "coil"}])
    with pytest.raises(PointConfigError, match=r"point: expected a mapping"):
        parse_points(["coil 1"])
    assert parse_points([]) == []


def point_of(data_type: DataType, order: WordOrder, **more: Any) -> ModbusPoint:
    fields = {"space": "holding", "address": 0, "data_type": data_type} | more
    return ModbusPoint.from_dict(fields | {"word_order": order})


@pytest.mark.parametrize(
    ("order", "words"),
    [
        (WordOrder.ABCD, [0x41AA, 0x6666]),
        (WordOrder.CDAB, [0x6666, 0x41AA]),
        (WordOrder.BADC, [0xAA41, 0x6666]),
        (WordOrder.DCBA, [0x6666, 0xAA41]),
    ],
)
def test_word_orders(order: WordOrder, words: list[int]) -> None:
    point = point_of(DataType.FLOAT32, order)
    assert decode(point, words) == 21.3
    assert encode(point, 21.3) == words


@given(
    number=st.integers(0, 0xFFFFFFFF),
    data_type=st.sampled_from([one for one in DataType if one is not DataType.BOOL]),
    order=st.sampled_from(WordOrder),
    scale=st.sampled_from([1.0, 0.1, 0.01, 0.5, -1.0, 10.0]),
    offset=st.sampled_from([0.0, 1.0, -40.0]),
)
def test_what_was_read_can_be_written(
    number: int, data_type: DataType, order: WordOrder, scale: float, offset: float
) -> None:
    """Every bit pattern of the integers survives; floats keep their number."""
    point = point_of(data_type, order, scale=scale, offset=offset)
    words = [number >> 16, number & 0xFFFF][-data_type.words :]
    value = decode(point, words)
    if data_type is not DataType.FLOAT32:
        assert value is not None
        assert encode(point, value) == words
    elif scale == 1 and offset == 0 and value is not None:
        assert encode(point, value) == words


@pytest.mark.parametrize(
    ("data_type", "words", "sentinels"),
    [
        (DataType.INT16, [0x8000], [-32768]),
        (DataType.INT16, [0x8000], [32768]),
        (DataType.UINT16, [0xFFFF], [65535]),
        (DataType.INT32, [0xFFFF, 0xFFFF], [-1]),
        (DataType.UINT32, [0xFFFF, 0xFFFF], [0xFFFFFFFF]),
        (DataType.FLOAT32, [0xBF80, 0], [-1]),
        (DataType.FLOAT32, [0x7FC0, 0], []),
        (DataType.FLOAT32, [0x7F80, 0], []),
        (DataType.BOOL, [255], [255]),
    ],
)
def test_unknown_is_none(
    data_type: DataType, words: list[int], sentinels: list[float]
) -> None:
    assert (
        decode(point_of(data_type, WordOrder.ABCD, sentinels=sentinels), words) is None
    )


@pytest.mark.parametrize(
    ("data_type", "value"),
    [
        (DataType.INT16, 32768.0),
        (DataType.UINT16, -1.0),
        (DataType.UINT32, 2.0**32),
        (DataType.FLOAT32, 1e39),
    ],
)
def test_value_that_does_not_fit_is_refused(data_type: DataType, value: float) -> None:
    with pytest.raises(PointRefusedError, match="does not fit"):
        encode(point_of(data_type, WordOrder.ABCD), value)


point_lists = st.lists(
    st.builds(
        lambda space, address, data_type: ModbusPoint(
            key=f"{space}-{address}-{data_type}",
            name="x",
            kind=PointKind.ANALOG,
            space=space,
            address=address,
            data_type=DataType.BOOL if space.is_bits else data_type,
        ),
        st.sampled_from(Space),
        st.integers(0, 600),
        st.sampled_from(DataType),
    ),
    max_size=80,
)


@given(points=point_lists, cuts=st.sets(st.integers(0, 600), max_size=4))
def test_plan_reads_every_point_once_and_keeps_the_limits(
    points: list[ModbusPoint], cuts: set[int]
) -> None:
    places = {(Space.HOLDING, address) for address in cuts}
    blocks = plan(points, places)
    planned = [point for block in blocks for point in block.points]
    assert sorted(planned, key=repr) == sorted(points, key=repr)
    for block in blocks:
        end = block.address + block.count
        assert {point.space for point in block.points} == {block.space}
        assert block.count <= MAX_SPAN
        assert all(
            block.address <= point.address < point.end <= end for point in block.points
        )
        reach = block.points[0].end
        for point in block.points[1:]:
            assert point.address - reach <= MAX_GAP
            if block.space is Space.HOLDING:
                assert not any(reach - 1 < cut <= point.address for cut in cuts)
            reach = max(reach, point.end)


layouts = st.builds(
    Layout,
    max_span=st.integers(2, 125),
    max_gap=st.integers(0, 40),
    ranges=st.lists(
        st.tuples(st.sampled_from(Space), st.integers(0, 11)), unique=True, max_size=8
    ).map(lambda tens: tuple(Range(space, 50 * n, 50 * n + 39) for space, n in tens)),
)


@given(points=point_lists, layout=layouts)
def test_plan_keeps_the_layout_of_the_device(
    points: list[ModbusPoint], layout: Layout
) -> None:
    blocks = plan(points, (), layout)
    planned = [point for block in blocks for point in block.points]
    assert sorted(planned, key=repr) == sorted(points, key=repr)
    for block in blocks:
        assert block.count <= layout.max_span
        ranges = {layout.range_of(point) for point in block.points}
        assert len(ranges) == 1, "a request crosses the border of a range"
        ruled = any(one.space is block.space for one in layout.ranges)
        gap = 0 if ruled and ranges == {None} else layout.max_gap
        reach = block.points[0].end
        for point in block.points[1:]:
            assert point.address - reach <= gap
            reach = max(reach, point.end)


def test_plan_is_as_short_as_it_can_be() -> None:
    """50 floats over 500 registers: 4 requests, not 50."""
    points = [
        ModbusPoint.from_dict(
            {"space": "holding", "address": 10 * n, "data_type": "float32"}
        )
        for n in range(50)
    ]
    assert [(block.address, block.count) for block in plan(points)] == [
        (0, 122),
        (130, 122),
        (260, 122),
        (390, 102),
    ]


def test_a_single_state_is_no_contradiction() -> None:
    single = {**FULL, "kind": "multistate", "data_type": "uint16"}
    single |= {"minimum": 1, "maximum": 1, "states": []}
    assert ModbusPoint.from_dict(single).maximum == 1
    with pytest.raises(PointConfigError, match="above the minimum"):
        ModbusPoint.from_dict({**single, "kind": "analog"})


def test_points_are_values() -> None:
    point = ModbusPoint.from_dict(FULL)
    assert dataclasses.replace(point, writable=False) != point
    assert hash(point) == hash(ModbusPoint.from_dict(FULL))


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_tidy_real_is_the_same_32_bit_float(value: float) -> None:
    tidy = tidy_real(value)
    assert tidy is not None
    assert struct.pack(">f", tidy) == struct.pack(">f", value)
    assert len(repr(tidy)) <= len(repr(value))


def test_tidy_real_of_numbers_that_people_write() -> None:
    for value in (21.3, 0.1, 48.55, 16777215.0, -40.0, 1e-3):
        (single,) = struct.unpack(">f", struct.pack(">f", value))
        assert tidy_real(single) == value
    (long,) = struct.unpack(">f", bytes.fromhex("c2ce6f44"))
    assert tidy_real(long) == -103.217316
    (largest,) = struct.unpack(">f", bytes.fromhex("7f7fffff"))
    assert tidy_real(largest) == 3.40282347e38

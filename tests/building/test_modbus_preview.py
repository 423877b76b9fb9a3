"""What registers hold, in all four orders."""

import pytest

from custom_components.compute_heater.building.modbus_plan import Layout
from custom_components.compute_heater.building.modbus_point import (
    WordOrder,
    parse_points,
)
from custom_components.compute_heater.building.modbus_preview import preview
from custom_components.compute_heater.building.points import LinkConnectionError

from .conftest import UnitOf, always
from .modbus_peer import ModbusPeer
from .ports import free_tcp_port

POINTS = parse_points(
    [
        {"key": "abcd", "space": "holding", "address": 10, "data_type": "float32"},
        {
            "key": "cdab", "space": "holding", "address": 12, "data_type": "float32",
            "word_order": "cdab",
        },
        {"key": "word", "space": "holding", "address": 15, "data_type": "uint16"},
        {"key": "coil", "space": "coil", "address": 3},
        {"key": "hole", "space": "holding", "address": 105, "data_type": "int16"},
    ]
)  # fmt: skip


async def test_all_four_orders_of_one_reading(
    modbus_peer: ModbusPeer, unit_of: UnitOf
) -> None:
    abcd, cdab, word, coil, hole = await preview(
        always(unit_of(modbus_peer.port)), POINTS
    )
    assert abcd.raw == (0x41AA, 0x6666)
    assert abcd.values[WordOrder.ABCD] == 21.3
    assert len({repr(value) for value in abcd.values.values()}) == 4
    assert cdab.values[WordOrder.CDAB] == -1.5
    assert cdab.values[WordOrder.ABCD] != -1.5
    assert word.values == {
        WordOrder.ABCD: 15, WordOrder.CDAB: 15,
        WordOrder.BADC: 15 << 8, WordOrder.DCBA: 15 << 8,
    }  # fmt: skip
    assert (coil.raw, coil.values) == ((1,), {WordOrder.ABCD: True})
    assert (hole.raw, hole.values) == (None, {})
    assert [row.point for row in (abcd, cdab, word, coil, hole)] == POINTS


async def test_layout_of_the_device_is_kept(
    modbus_peer: ModbusPeer, unit_of: UnitOf
) -> None:
    await preview(always(unit_of(modbus_peer.port)), POINTS[:3], Layout(max_span=2))
    assert [count for *_, count in modbus_peer.requests] == [2, 2, 1]


async def test_nobody_there(unit_of: UnitOf) -> None:
    with pytest.raises(LinkConnectionError):
        await preview(always(unit_of(free_tcp_port())), POINTS)

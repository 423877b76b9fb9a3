"""Modbus points against pymodbus."""

import asyncio

from modbus_connection import ModbusUnit
from pymodbus.constants import ExcCodes
import pytest

from custom_components.compute_heater.building import modbus_unit
from custom_components.compute_heater.building.modbus import ModbusDevice
from custom_components.compute_heater.building.modbus_point import (
    ModbusPoint,
    parse_points,
)
from custom_components.compute_heater.building.points import (
    LinkConnectionError,
    LinkProtocolError,
    PointRefusedError,
)

from .conftest import UnitOf, always
from .modbus_peer import ModbusPeer, serve_raw
from .ports import free_tcp_port


def holding(address: int, **more: object) -> ModbusPoint:
    return ModbusPoint.from_dict(
        {"space": "holding", "address": address, "data_type": "uint16", **more}
    )


SETPOINT = holding(
    20, name="Setpoint", data_type="int16", scale=0.1, unit="°C",
    writable=True, minimum=10, maximum=80,
)  # fmt: skip
POWER = holding(22, data_type="float32", writable=True, minimum=0, maximum=1e6)
PUMP = ModbusPoint.from_dict({"space": "coil", "address": 3, "writable": True})


async def test_every_space_and_type_in_few_requests(
    modbus_peer: ModbusPeer, unit_of: UnitOf
) -> None:
    points = parse_points(
        [
            {"space": "coil", "address": 0},
            {"space": "coil", "address": 1},
            {"space": "discrete", "address": 3},
            {"space": "input", "address": 1, "data_type": "int16", "scale": 0.5},
            {"space": "input", "address": 2, "data_type": "uint16"},
            {"space": "holding", "address": 10, "data_type": "float32"},
            {
                "space": "holding", "address": 12, "data_type": "float32",
                "word_order": "cdab",
            },
            {
                "space": "holding", "address": 14, "data_type": "int16",
                "sentinels": -32768,
            },
            {"space": "holding", "address": 15, "data_type": "uint32"},
            {
                "space": "holding", "address": 3, "data_type": "uint16", "offset": 1,
                "states": ["off", "eco", "normal", "boost"],
            },
            {"space": "holding", "address": 5, "data_type": "bool"},
        ]
    )  # fmt: skip
    device = ModbusDevice(always(unit_of(modbus_peer.port)), points)
    assert await device.read() == {
        "coil-0": True,
        "coil-1": False,
        "discrete-3": True,
        "input-1": -1.0,
        "input-2": 65533.0,
        "holding-10": 21.3,
        "holding-12": -1.5,
        "holding-14": None,
        "holding-15": float(15 << 16 | 16),
        "holding-3": 4.0,
        "holding-5": True,
    }
    assert device.reads == 4
    assert device.writes == 0
    assert await device.read(points[:2]) == {"coil-0": True, "coil-1": False}
    assert device.reads == 5


async def test_illegal_address_in_a_block_costs_only_that_point(
    modbus_peer: ModbusPeer, unit_of: UnitOf
) -> None:
    """One dead register among 100: 99 stay fresh, and it is not asked each time."""
    modbus_peer.dead = {47}
    points = [holding(address) for address in range(100)]
    device = ModbusDevice(always(unit_of(modbus_peer.port)), points)
    for _ in range(2):
        values = await device.read()
        assert values.pop("holding-47") is None
        assert values["holding-46"] == 46
        assert None not in values.values()
        assert len(values) == 99
    assert device.refused == {"holding-47"}
    modbus_peer.requests.clear()
    await device.read()
    assert [(start, count) for _, start, count in modbus_peer.requests] == [
        (0, 47),
        (48, 52),
    ]


async def test_hole_between_two_points_is_not_read_along(
    modbus_peer: ModbusPeer, unit_of: UnitOf
) -> None:
    points = [holding(99), holding(110), holding(111)]
    device = ModbusDevice(always(unit_of(modbus_peer.port)), points)
    for _ in range(2):
        values = await device.read()
        assert None not in values.values()
    assert device.refused == frozenset()
    modbus_peer.requests.clear()
    await device.read()
    assert len(modbus_peer.requests) == 2


async def test_refused_point_is_asked_again_later(
    modbus_peer: ModbusPeer, unit_of: UnitOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A device that refuses while it starts loses nothing for long."""
    monkeypatch.setattr(modbus_unit, "RETRY_FIRST_S", 0.02)
    modbus_peer.dead = set(range(100))
    points = [holding(1), holding(2)]
    device = ModbusDevice(always(unit_of(modbus_peer.port)), points)
    assert await device.read() == {"holding-1": None, "holding-2": None}
    before = device.reads
    await device.read()
    assert device.reads > before, "nothing was asked: a dead link would look alive"
    modbus_peer.dead.clear()
    await asyncio.sleep(0.1)
    assert await device.read() == {"holding-1": 1, "holding-2": 2}
    assert device.refused == frozenset()


async def test_held_back_point_is_not_asked_and_all_refused_asks_one(
    modbus_peer: ModbusPeer, unit_of: UnitOf
) -> None:
    modbus_peer.dead = {1, 2}
    points = [holding(1), holding(2)]
    device = ModbusDevice(always(unit_of(modbus_peer.port)), points)
    await device.read()
    before = device.reads
    assert await device.read() == {"holding-1": None, "holding-2": None}
    assert device.reads == before + 1


async def test_unknown_function_is_not_bisected(
    modbus_peer: ModbusPeer, unit_of: UnitOf
) -> None:
    modbus_peer.dead, modbus_peer.code = {1}, ExcCodes.ILLEGAL_FUNCTION
    device = ModbusDevice(
        always(unit_of(modbus_peer.port)), [holding(address) for address in range(50)]
    )
    assert set((await device.read()).values()) == {None}
    assert device.reads == 1


async def test_passing_trouble_is_over_at_the_next_reading(
    modbus_peer: ModbusPeer, unit_of: UnitOf
) -> None:
    modbus_peer.dead, modbus_peer.code = {1}, ExcCodes.MEMORY_PARITY_ERROR
    device = ModbusDevice(always(unit_of(modbus_peer.port)), [holding(1), holding(2)])
    assert await device.read() == {"holding-1": None, "holding-2": None}
    assert device.refused == frozenset()
    modbus_peer.dead.clear()
    assert await device.read() == {"holding-1": 1, "holding-2": 2}


async def test_missing_unit_behind_a_gateway(unit_of: UnitOf) -> None:
    async def answer(frame: bytes) -> bytes:
        return frame[:4] + b"\0\3" + frame[6:7] + bytes([frame[7] | 0x80, 0x0B])

    async with serve_raw(answer) as port:
        with pytest.raises(LinkConnectionError, match="gateway"):
            await ModbusDevice(always(unit_of(port)), [holding(1)]).read()


async def test_exception_code_that_nobody_knows(unit_of: UnitOf) -> None:
    async def answer(frame: bytes) -> bytes:
        return frame[:4] + b"\0\3" + frame[6:7] + bytes([frame[7] | 0x80, 0x77])

    async with serve_raw(answer) as port:
        device = ModbusDevice(always(unit_of(port)), [holding(1)])
        assert await device.read() == {"holding-1": None}
        assert device.refused == frozenset()


async def test_dead_port(unit_of: UnitOf) -> None:
    device = ModbusDevice(always(unit_of(free_tcp_port())), [holding(1), SETPOINT])
    with pytest.raises(LinkConnectionError):
        await device.read()
    with pytest.raises(LinkConnectionError):
        await device.write(SETPOINT, 45.0)


async def test_killed_and_back(modbus_peer: ModbusPeer, unit_of: UnitOf) -> None:
    device = ModbusDevice(always(unit_of(modbus_peer.port)), [holding(1)])
    assert await device.read() == {"holding-1": 1}
    await modbus_peer.stop()
    with pytest.raises(LinkConnectionError):
        await device.read()
    await modbus_peer.start()
    assert await device.read() == {"holding-1": 1}


async def test_hung_device(modbus_peer: ModbusPeer, unit_of: UnitOf) -> None:
    """It fails after one time-out, not one per block, and recovers by itself."""
    points = [holding(1), holding(50), holding(120)]
    device = ModbusDevice(always(unit_of(modbus_peer.port, timeout=0.3)), points)
    await device.read()
    before = device.reads
    modbus_peer.gate.clear()
    with pytest.raises(LinkConnectionError):
        await device.read()
    assert device.reads == before + 1
    modbus_peer.gate.set()
    assert (await device.read())["holding-120"] == 120


@pytest.mark.parametrize(
    "body",
    [b"\x03\x02\x00", b"\x03\x04\x00\x01\x00\x02", b"\x04\x02\x00\x01", b"\x7f"],
    ids=["truncated", "too long", "another function", "garbage"],
)
async def test_answer_that_makes_no_sense(unit_of: UnitOf, body: bytes) -> None:
    async def answer(frame: bytes) -> bytes:
        return frame[:4] + bytes([0, len(body) + 1]) + frame[6:7] + body

    async with serve_raw(answer) as port:
        device = ModbusDevice(always(unit_of(port, timeout=0.3)), [holding(1)])
        with pytest.raises((LinkProtocolError, LinkConnectionError)):
            await device.read()


async def test_answer_after_the_time_out_is_not_taken_for_the_next(
    modbus_peer: ModbusPeer, unit_of: UnitOf
) -> None:
    device = ModbusDevice(always(unit_of(modbus_peer.port, timeout=0.2)), [])
    modbus_peer.gate.clear()
    with pytest.raises(LinkConnectionError):
        await device.read([holding(7)])
    modbus_peer.gate.set()
    await asyncio.sleep(0.05)
    assert await device.read([holding(8)]) == {"holding-8": 8}


async def test_write_is_read_back(modbus_peer: ModbusPeer, unit_of: UnitOf) -> None:
    device = ModbusDevice(always(unit_of(modbus_peer.port)), [SETPOINT, POWER, PUMP])
    assert await device.write(SETPOINT, 45.56) == 45.6
    assert await device.write(SETPOINT, 46) == 46.0
    assert await device.write(POWER, 1234.5) == 1234.5
    assert await device.write(PUMP, False) is False
    assert await device.read() == {
        SETPOINT.key: 46.0,
        POWER.key: 1234.5,
        PUMP.key: False,
    }
    assert device.writes == 4
    functions = dict.fromkeys(function for function, *_ in modbus_peer.requests)
    assert [code for code in functions if code not in (1, 3)] == [6, 16, 5]


@pytest.mark.parametrize(
    ("point", "value", "message"),
    [
        (SETPOINT, 80.1, "10 to 80"),
        (SETPOINT, 9.9, "10 to 80"),
        (SETPOINT, float("nan"), "finite"),
        (SETPOINT, float("inf"), "finite"),
        (SETPOINT, True, "number"),
        (SETPOINT, "45", "number"),
        (PUMP, 1.0, "on or off"),
        (holding(20), 1.0, "may not be written"),
    ],
)
async def test_wrong_value_is_refused_before_it_is_sent(
    modbus_peer: ModbusPeer,
    unit_of: UnitOf,
    point: ModbusPoint,
    value: object,
    message: str,
) -> None:
    device = ModbusDevice(always(unit_of(modbus_peer.port)), [])
    with pytest.raises(PointRefusedError, match=message):
        await device.write(point, value)  # type: ignore[arg-type]
    assert modbus_peer.requests == []


async def test_write_that_the_device_refuses(
    modbus_peer: ModbusPeer, unit_of: UnitOf
) -> None:
    device = ModbusDevice(always(unit_of(modbus_peer.port)), [])
    read_only = holding(40, name="Fixed", writable=True, minimum=0, maximum=10)
    with pytest.raises(PointRefusedError, match="Fixed"):
        await device.write(read_only, 5)
    modest = holding(20, writable=True, minimum=0, maximum=60000)
    with pytest.raises(PointRefusedError):
        await device.write(modest, 900)


async def test_write_that_is_acknowledged_and_not_taken_over(
    modbus_peer: ModbusPeer, unit_of: UnitOf
) -> None:
    modbus_peer.frozen = {20}
    device = ModbusDevice(always(unit_of(modbus_peer.port)), [])
    with pytest.raises(PointRefusedError, match=r"holds 2\.0 after 45\.0"):
        await device.write(SETPOINT, 45)


async def test_register_that_can_only_be_written(
    modbus_peer: ModbusPeer, unit_of: UnitOf
) -> None:
    device = ModbusDevice(always(unit_of(modbus_peer.port)), [])
    modbus_peer.write_only = {20}
    assert await device.write(SETPOINT, 45) is None


async def test_short_answer_of_a_unit() -> None:
    class Short(ModbusUnit):
        async def read_holding_registers(self, address: int, count: int) -> list[int]:
            return [1] * (count - 1)

    with pytest.raises(LinkProtocolError, match="0 instead of 1"):
        await ModbusDevice(always(Short()), [holding(1)]).read()  # type: ignore[abstract]

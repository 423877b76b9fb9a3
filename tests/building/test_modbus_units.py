"""Several units on one link, and how each of them wants to be asked."""

from collections.abc import AsyncIterator, Callable

from modbus_connection import ModbusTcpParams, ModbusUnit
from modbus_connection.tmodbus import ModbusConnection, TmodbusUnit
import pytest

from custom_components.compute_heater.building import modbus
from custom_components.compute_heater.building.modbus import ModbusDevice
from custom_components.compute_heater.building.modbus_plan import Layout, Range
from custom_components.compute_heater.building.modbus_point import ModbusPoint, Space
from custom_components.compute_heater.building.points import (
    LinkConnectionError,
    PointRefusedError,
)

from .register_peer import RegisterPeer, Request

type UnitsOf = Callable[[int | None], ModbusUnit]


def point(unit: int | None, address: int, **more: object) -> ModbusPoint:
    return ModbusPoint.from_dict(
        {
            "key": f"{unit}-{address}", "space": "holding", "address": address,
            "data_type": "uint16", "unit_id": unit, **more,
        }
    )  # fmt: skip


PUMP = point(None, 3)
CIRCUIT = point(50, 3)
TANK = point(51, 3)


@pytest.fixture
async def peer() -> AsyncIterator[RegisterPeer]:
    """Units 40, 50 and 51 with registers 0 to 99 that tell their unit and address."""
    running = RegisterPeer(
        {
            (unit, space, address): 1000 * (unit - 40) + address
            for unit in (40, 50, 51)
            for space in (Space.HOLDING, Space.INPUT)
            for address in range(100)
        }
        | {(40, Space.COIL, address): 0 for address in range(4)}
    )
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
async def units_of(peer: RegisterPeer) -> AsyncIterator[UnitsOf]:
    """Units of one connection; 40 is the link's own."""
    connection = ModbusConnection(
        ModbusTcpParams(host="127.0.0.1", port=peer.port), timeout=0.2
    )
    yield lambda number: connection.for_unit(40 if number is None else number)
    await connection.close()


async def test_each_point_is_asked_of_its_unit(
    peer: RegisterPeer, units_of: UnitsOf
) -> None:
    points = [PUMP, CIRCUIT, TANK, point(51, 5)]
    device = ModbusDevice(units_of, points)
    assert await device.read() == {
        PUMP.key: 3, CIRCUIT.key: 10003, TANK.key: 11003, "51-5": 11005,
    }  # fmt: skip
    assert peer.requests == [
        Request(40, 3, 3, 1), Request(50, 3, 3, 1), Request(51, 3, 3, 3),
    ]  # fmt: skip
    assert device.reads == 3


async def test_a_silent_unit_does_not_stop_the_others(
    peer: RegisterPeer, units_of: UnitsOf
) -> None:
    """It costs one time-out, then it is left alone for a while."""
    peer.silent = {50}
    device = ModbusDevice(units_of, [CIRCUIT, point(50, 90), TANK, PUMP])
    for _ in range(3):
        values = await device.read()
        assert values[CIRCUIT.key] is None
        assert values["50-90"] is None
        assert (values[TANK.key], values[PUMP.key]) == (11003, 3)
    assert device.silent == {50}
    assert device.reads == 3 + 2 + 2
    with pytest.raises(LinkConnectionError):
        await device.write(point(50, 3, writable=True, minimum=0, maximum=9), 5)


async def test_a_silent_unit_that_comes_back_is_found(
    peer: RegisterPeer, units_of: UnitsOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(modbus, "SILENCE_FIRST_S", 0.0)
    peer.silent = {50}
    device = ModbusDevice(units_of, [CIRCUIT, TANK])
    await device.read()
    assert device.silent == {50}
    peer.silent = set()
    assert await device.read() == {CIRCUIT.key: 10003, TANK.key: 11003}
    assert device.silent == frozenset()


async def test_a_silent_unit_is_known_although_no_other_was_asked(
    peer: RegisterPeer, units_of: UnitsOf
) -> None:
    """Poll groups may hold the points of one unit only; a dead link is another thing."""
    peer.silent = {50}
    device = ModbusDevice(units_of, [CIRCUIT, TANK])
    assert await device.read([CIRCUIT]) == {CIRCUIT.key: None}
    assert device.silent == {50}
    peer.silent = {50, 51}
    with pytest.raises(LinkConnectionError):
        await device.read([TANK])
    both = ModbusDevice(units_of, [CIRCUIT, TANK])
    with pytest.raises(LinkConnectionError):
        await both.read([CIRCUIT])
    assert both.silent == frozenset()


async def test_a_dead_link_is_held_against_no_unit(
    peer: RegisterPeer, units_of: UnitsOf
) -> None:
    device = ModbusDevice(units_of, [CIRCUIT, TANK])
    await device.read()
    await peer.stop()
    with pytest.raises(LinkConnectionError):
        await device.read()
    assert device.silent == frozenset()
    await peer.start()
    assert await device.read() == {CIRCUIT.key: 10003, TANK.key: 11003}


async def test_what_one_unit_refuses_another_may_have(
    peer: RegisterPeer, units_of: UnitsOf
) -> None:
    here, there = point(50, 3), point(51, 300)
    device = ModbusDevice(units_of, [here, there, point(51, 20)])
    assert await device.read() == {"50-3": 10003, "51-300": None, "51-20": 11020}
    assert device.refused == {"51-300"}


async def test_layout_rules_what_is_read_together(
    peer: RegisterPeer, units_of: UnitsOf
) -> None:
    layout = Layout(max_span=10, ranges=(Range(Space.HOLDING, 10, 39),))
    addresses = [5, 7, 8, 10, 14, 19, 20, 39, 40]
    device = ModbusDevice(units_of, [point(None, a) for a in addresses], layout)
    values = await device.read()
    assert list(values.values()) == addresses
    assert [(request.address, request.count) for request in peer.requests] == [
        (5, 1),  # outside: no gap
        (7, 2),
        (10, 10),  # inside: gaps, up to the span
        (20, 1),
        (39, 1),
        (40, 1),  # beyond the border
    ]


async def test_plan_is_made_once_per_set_of_points(
    peer: RegisterPeer, units_of: UnitsOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = ModbusDevice(units_of, [])
    fast = [point(None, address) for address in range(10)]
    slow = [point(None, address) for address in (50, 300)]
    await device.read(slow)
    for points in (fast, slow):
        await device.read(points)
    plans = dict(device._units[None]._plans)
    for points in (fast, slow, list(fast)):
        await device.read(points)
    assert device._units[None]._plans == plans
    assert len(plans) == 2


async def test_device_that_wants_pauses(
    units_of: UnitsOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []
    monkeypatch.setattr(
        TmodbusUnit, "set_message_spacing", lambda _, pause: asked.append(pause)
    )
    quick = ModbusDevice(units_of, [PUMP])
    slow = ModbusDevice(units_of, [PUMP, CIRCUIT], Layout(spacing_s=0.05))
    for device in (quick, slow, slow):
        await device.read()
    assert asked == [0.05, 0.05], "once per unit"


@pytest.mark.parametrize(
    ("more", "function", "written"),
    [
        ({}, 6, (25,)),
        ({"write_multiple": True}, 16, (25,)),
        ({"data_type": "uint32"}, 16, (0, 25)),
        ({"data_type": "uint32", "write_order": "cdab"}, 16, (25, 0)),
    ],
)
async def test_function_and_order_of_a_write(
    peer: RegisterPeer,
    units_of: UnitsOf,
    more: dict[str, object],
    function: int,
    written: tuple[int, ...],
) -> None:
    target = point(51, 7, writable=True, minimum=0, maximum=99, **more)
    device = ModbusDevice(units_of, [target])
    if target.write_order is None:
        assert await device.write(target, 25) == 25
    else:
        # This peer gives words back as it took them, unlike the devices meant.
        with pytest.raises(PointRefusedError, match="after 25"):
            await device.write(target, 25)
    assert peer.written == [Request(51, function, 7, len(written), written)]


@pytest.mark.parametrize(("multiple", "function"), [(False, 5), (True, 15)])
async def test_coil_is_written_alone_or_as_one_of_several(
    peer: RegisterPeer, units_of: UnitsOf, multiple: bool, function: int
) -> None:
    coil = ModbusPoint.from_dict(
        {"space": "coil", "address": 2, "writable": True, "write_multiple": multiple}
    )
    device = ModbusDevice(units_of, [coil])
    assert await device.write(coil, True) is True
    assert [request.function for request in peer.written] == [function]


async def test_old_value_is_put_back_though_the_point_is_no_longer_ticked(
    peer: RegisterPeer, units_of: UnitsOf
) -> None:
    """Its limits are for commands of ours, not for what the device had before."""
    ticked = point(50, 20, writable=True, minimum=0, maximum=50)
    device = ModbusDevice(units_of, [ticked])
    before = (await device.read())[ticked.key]
    assert before == 10020
    assert await device.write(ticked, 45) == 45
    unticked = point(50, 20)
    assert await device.restore(unticked, before) == 10020
    assert (await device.read())[ticked.key] == 10020


@pytest.mark.parametrize(
    ("target", "value", "message"),
    [
        (point(50, 20), float("nan"), "finite"),
        (point(50, 20), True, "number"),
        (point(50, 20), 70000.0, "does not fit"),
        (point(50, 20, sentinels=[9]), 9.0, "not known"),
        (point(50, 20, space="input"), 1.0, "cannot be written"),
        (ModbusPoint.from_dict({"space": "coil", "address": 0}), 1.0, "on or off"),
    ],
)
async def test_what_cannot_have_been_there_is_not_put_back(
    peer: RegisterPeer,
    units_of: UnitsOf,
    target: ModbusPoint,
    value: float,
    message: str,
) -> None:
    device = ModbusDevice(units_of, [])
    with pytest.raises(PointRefusedError, match=message):
        await device.restore(target, value)
    assert peer.requests == []


async def test_unit_that_is_silent_when_asked_for_much_is_asked_for_less(
    peer: RegisterPeer, units_of: UnitsOf
) -> None:
    points = [point(50, address) for address in range(0, 100, 2)]
    peer.longest_answer = 30
    device = ModbusDevice(units_of, points)
    values = await device.read()
    assert values == {one.key: 10000 + one.address for one in points}
    peer.requests.clear()
    assert await device.read() == values
    assert [one.count for one in peer.requests] == [23, 23, 23, 23, 3]

    # Later silence is an outage, after which it is asked as before.
    peer.silent.add(50)
    with pytest.raises(LinkConnectionError):
        await device.read()
    peer.silent.clear()
    peer.requests.clear()
    assert await device.read() == values
    assert len(peer.requests) == 5

"""The running house: clock, status, own heater, and a clean end."""

import asyncio
from datetime import UTC, datetime
import random
import time

from aiohttp import ClientSession
from bac_py import Client
from pyModbusTCP.client import ModbusClient
import pytest

from compute_heater_agent.settings import RackSettings
from compute_heater_agent.simulated import ControlMode, Rack, ResetType
from simulator.running import RunningHouse, Settings, running_house

START = datetime(2026, 3, 1, 8, tzinfo=UTC)


async def test_time_passes_by_the_clock(ticking: RunningHouse) -> None:
    loop = asyncio.get_running_loop()
    begin, before_s = loop.time(), ticking.house.elapsed_s
    while ticking.house.elapsed_s < before_s + 2:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    passed_s = loop.time() - begin
    # Whole seconds: the first may have begun before we looked.
    assert ticking.house.elapsed_s - before_s <= passed_s + 1.1
    assert ticking.house.time > ticking.house.start


async def test_a_stall_is_caught_up() -> None:
    async with running_house(Settings(start=START, speed=20)) as running:
        await asyncio.sleep(0.2)
        before_s = running.house.elapsed_s
        time.sleep(0.5)  # noqa: ASYNC251 - the stall
        await asyncio.sleep(0.2)
        assert running.house.elapsed_s - before_s >= 10


async def test_fast_time_with_a_heater() -> None:
    rack = Rack(RackSettings())
    async with running_house(Settings(start=START, speed=600), heater=rack) as running:
        house = running.house
        house.commands.heat_pump_enable.own = False
        house.loop.valve_command_dhw = house.loop.pump_command = True
        for index in range(len(rack.modules)):
            rack.reset(index, ResetType.ON)
        rack.set_cap(set_point_w=2000, control_mode=ControlMode.AUTOMATIC)
        async with asyncio.timeout(20):
            while house.tank.top_c < 50:
                await asyncio.sleep(0.05)
                rack.renew_lease()
        assert running.heater_connected
        assert house.account.compute_j == pytest.approx(rack.heat_j)
        assert house.account.compute_j > 2e5
        assert house.supply_c == rack.supply_c
        # What the pipe shows is what flowed through it.
        flow_w_per_k = house.loop.flow_lpm / 60 * 0.990 * 4180
        assert flow_w_per_k * (house.supply_c - rack.return_c) == pytest.approx(
            rack.heat_w, rel=0.01
        )


async def test_status(running: RunningHouse) -> None:
    running.house.account.compute_j = 3.6e6
    async with (
        ClientSession() as session,
        session.get(running.addresses.status) as response,
    ):
        status = await response.json()
    assert status["compute_heat_kwh"] == pytest.approx(1)
    assert status["tank_top_c"] == pytest.approx(47.2, abs=0.1)
    assert status["room_c"] == pytest.approx(21.4, abs=0.1)
    assert status["comfort_violation_kh"] == 0
    assert status["backup_heat_kwh"] == status["backup_electricity_kwh"] == 0
    assert status["heater_connected"] is False
    assert {
        "bacnet_reads",
        "bacnet_writes",
        "modbus_reads",
        "modbus_writes",
    } <= status.keys()


async def test_the_same_ports_again() -> None:
    async with running_house() as first:
        addresses = first.addresses
    bacnet, modbus, pipe = (
        int(address.split(":")[1])
        for address in (addresses.bacnet, addresses.modbus, addresses.pipe)
    )
    settings = Settings(bacnet_port=bacnet, modbus_port=modbus, pipe_port=pipe)
    async with running_house(settings) as second:
        assert second.addresses.bacnet == addresses.bacnet
        assert second.addresses.modbus == addresses.modbus
        assert second.addresses.pipe == addresses.pipe
        async with running_house(settings) as third:
            assert third.addresses.bacnet != addresses.bacnet
            assert third.addresses.modbus != addresses.modbus
            assert third.addresses.pipe != addresses.pipe


async def test_a_bad_address_is_an_error_and_leaves_nothing() -> None:
    with pytest.raises(OSError, match="assign"):
        async with running_house(Settings(host="192.0.2.1")):
            pass


async def test_garbage_stops_nothing(
    ticking: RunningHouse, bacnet: Client, modbus: ModbusClient
) -> None:
    source = random.Random(1)
    loop = asyncio.get_running_loop()
    host, port = ticking.addresses.bacnet.split(":")
    transport, _ = await loop.create_datagram_endpoint(
        asyncio.DatagramProtocol, remote_addr=(host, int(port))
    )
    for start in (b"", b"\x81\x0a", b"\x81\x0a\x00\x11\x01\x04", b"\x81\x0b\x00\x0c"):
        for _ in range(25):
            transport.sendto(start + source.randbytes(source.randrange(40)))
        await asyncio.sleep(0.05)
    transport.close()
    host, port = ticking.addresses.modbus.split(":")
    for start in (b"", b"\x00\x01\x00\x00\x00\x06\x01", b"\x00\x01\x00\x00\xff\xff"):
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(start + source.randbytes(300))
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.close()
    elapsed_s = ticking.house.elapsed_s
    top_c = await bacnet.read(ticking.addresses.bacnet, "ai,1", "pv")
    assert top_c == pytest.approx(47.2, abs=0.1)
    assert await asyncio.to_thread(modbus.read_input_registers, 4, 1) == [472]
    ticking.advance(1)
    assert ticking.house.elapsed_s > elapsed_s
    assert not ticking.task.done()

"""The Modbus TCP device, seen by clients of other makes (pyModbusTCP, mbpoll)."""

import asyncio
from collections.abc import Callable
from functools import partial
import shutil
import struct
from typing import Any

from bac_py import Client
from pyModbusTCP.client import ModbusClient
import pytest

from simulator.running import RunningHouse
from simulator.weather import Conditions

ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE, NO_RESPONSE = 1, 2, 3, 11


async def ask(request: Callable[..., Any], *arguments: Any) -> Any:
    """Call the blocking client without stopping the house."""
    return await asyncio.to_thread(request, *arguments)


def signed(raw: int) -> float:
    return (raw - 0x10000 if raw >= 0x8000 else raw) / 10


async def test_input_registers(running: RunningHouse, modbus: ModbusClient) -> None:
    house = running.house
    house.tank.layers_c = [44.0, 43.0, 42.0, 41.0]
    house.conditions = Conditions(outdoor_c=-7.3, irradiance_w_m2=500)
    raw = await ask(modbus.read_input_registers, 0, 14)
    assert [signed(each) for each in raw[:12]] == [
        pytest.approx(value, abs=0.06)
        for value in (
            house.conditions.outdoor_c,
            house.heat_pump_supply_c,
            house.heat_pump_return_c,
            house.floor.buffer_c,
            house.tank.top_c,
            house.tank.bottom_c,
            house.floor.room_c,
            house.floor.supply_c,
            house.floor.return_c,
            house.supply_c,
            house.return_c,
            house.loop.flow_lpm,
        )
    ]
    assert raw[12] == house.heat_pump.status
    assert signed(raw[0]) == -7.3
    assert signed(raw[13]) == pytest.approx(house.price_per_kwh * 100, abs=0.06)


async def test_floats_have_the_high_word_first(
    running: RunningHouse, modbus: ModbusClient
) -> None:
    house = running.house
    house.account.compute_j = 12.5 * 3.6e6
    house.account.drawn_j = 3.25 * 3.6e6
    house.heat_pump.heat_j = 7.5 * 3.6e6
    house.heat_pump.electricity_j = 2.5 * 3.6e6
    raw = await ask(modbus.read_input_registers, 20, 16)
    values = struct.unpack(">8f", struct.pack(">16H", *raw))
    assert values == pytest.approx(
        (
            house.heat_pump.thermal_w / 1000,
            house.heat_pump.electrical_w / 1000,
            7.5,
            2.5,
            house.compute_power_w / 1000,
            12.5,
            3.25,
            house.pv_power_w / 1000,
        ),
        abs=1e-3,
    )
    assert await ask(modbus.read_input_registers, 31, 1) == [raw[11]]


async def test_holding_registers(running: RunningHouse, modbus: ModbusClient) -> None:
    commands = running.house.commands
    assert await ask(modbus.read_holding_registers, 0, 3) == [500, 210, 4]
    assert await ask(modbus.write_single_register, 0, 485)
    assert await ask(modbus.write_multiple_registers, 1, [225, 2])
    assert commands.dhw_setpoint_c.value == 48.5
    assert commands.room_setpoint_c.value == 22.5
    assert commands.mode.value == 2
    assert await ask(modbus.read_holding_registers, 0, 3) == [485, 225, 2]


async def test_setpoints_are_one_with_bacnet(
    running: RunningHouse, modbus: ModbusClient, bacnet: Client
) -> None:
    address = running.addresses.bacnet
    await ask(modbus.write_single_register, 0, 485)
    assert await bacnet.read(address, "av,1", "relinquish-default") == 48.5
    assert await bacnet.read(address, "av,1", "pv") == 48.5
    await bacnet.write(address, "av,1", "pv", 55.0, priority=8)
    assert running.house.commands.dhw_setpoint_c.value == 55
    # The register keeps what was written to it, so a client can verify its write.
    assert await ask(modbus.read_holding_registers, 0, 1) == [485]
    await ask(modbus.write_single_coil, 2, False)
    assert await bacnet.read(address, "bv,2", "pv") == 0


async def test_coils_move_pump_and_valve(
    running: RunningHouse, modbus: ModbusClient
) -> None:
    assert await ask(modbus.read_discrete_inputs, 0, 5) == [0, 0, 1, 0, 0]
    assert await ask(modbus.write_single_coil, 0, True)
    assert await ask(modbus.write_multiple_coils, 1, [True, False])
    assert await ask(modbus.read_coils, 0, 3) == [1, 1, 0]
    assert running.house.commands.heat_pump_enable.value is False
    running.advance(1)
    assert await ask(modbus.read_discrete_inputs, 0, 3) == [1, 0, 0]
    running.advance(5)
    assert await ask(modbus.read_discrete_inputs, 0, 5) == [1, 1, 0, 0, 0]
    assert await ask(modbus.read_input_registers, 11, 1) == [80]
    running.house.tank.layers_c = [72.0] * 4
    running.advance(5)
    assert await ask(modbus.read_discrete_inputs, 0, 5) == [1, 0, 1, 0, 1]


@pytest.mark.parametrize(
    ("request_of", "problem"),
    [
        (lambda c: partial(c.read_input_registers, 14, 1), ILLEGAL_ADDRESS),
        (lambda c: partial(c.read_input_registers, 10, 11), ILLEGAL_ADDRESS),
        (lambda c: partial(c.read_input_registers, 35, 2), ILLEGAL_ADDRESS),
        (lambda c: partial(c.read_holding_registers, 2, 2), ILLEGAL_ADDRESS),
        (lambda c: partial(c.read_coils, 0, 4), ILLEGAL_ADDRESS),
        (lambda c: partial(c.read_discrete_inputs, 5, 1), ILLEGAL_ADDRESS),
        (lambda c: partial(c.write_single_register, 3, 1), ILLEGAL_ADDRESS),
        (lambda c: partial(c.write_multiple_registers, 2, [4, 1]), ILLEGAL_ADDRESS),
        (lambda c: partial(c.write_single_coil, 3, True), ILLEGAL_ADDRESS),
        (lambda c: partial(c.write_single_register, 0, 299), ILLEGAL_VALUE),
        (lambda c: partial(c.write_single_register, 0, 651), ILLEGAL_VALUE),
        (lambda c: partial(c.write_single_register, 1, 0x8000), ILLEGAL_VALUE),
        (lambda c: partial(c.write_single_register, 2, 0), ILLEGAL_VALUE),
        (lambda c: partial(c.write_single_register, 2, 5), ILLEGAL_VALUE),
        (lambda c: partial(c.write_multiple_registers, 0, [480, 900]), ILLEGAL_VALUE),
        (
            lambda c: partial(c.write_read_multiple_registers, 0, [480], 0, 1),
            ILLEGAL_FUNCTION,
        ),
    ],
)
async def test_exceptions_change_nothing(
    running: RunningHouse,
    modbus: ModbusClient,
    request_of: Callable[[ModbusClient], Callable[[], object]],
    problem: int,
) -> None:
    assert not await ask(request_of(modbus))
    assert modbus.last_except == problem
    assert await ask(modbus.read_holding_registers, 0, 3) == [500, 210, 4]
    assert await ask(modbus.read_coils, 0, 3) == [0, 0, 1]
    assert running.counters.modbus_writes == 0
    assert running.counters.modbus_reads == 2


async def test_other_units_do_not_answer(
    running: RunningHouse, modbus: ModbusClient
) -> None:
    modbus.unit_id = 9
    assert await ask(modbus.read_input_registers, 0, 1) is None
    assert modbus.last_except == NO_RESPONSE


async def test_requests_are_counted(
    running: RunningHouse, modbus: ModbusClient
) -> None:
    await ask(modbus.read_input_registers, 0, 14)
    await ask(modbus.read_discrete_inputs, 0, 5)
    await ask(modbus.write_single_coil, 0, True)
    await ask(modbus.write_single_register, 1, 220)
    assert (running.counters.modbus_reads, running.counters.modbus_writes) == (2, 2)


@pytest.mark.skipif(shutil.which("mbpoll") is None, reason="mbpoll is not installed")
async def test_mbpoll_reads_a_float(running: RunningHouse) -> None:
    running.house.account.compute_j = 12.5 * 3.6e6
    host, port = running.addresses.modbus.split(":")
    options = [
        "-m",
        "tcp",
        "-a",
        "1",
        "-0",
        "-1",
        "-o",
        "2",
        "-B",
        "-t",
        "3:float",
        "-r",
        "30",
        "-c",
        "1",
    ]
    process = await asyncio.create_subprocess_exec(
        "mbpoll", *options, "-p", port, host, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(10):
        output, _ = await process.communicate()
    assert process.returncode == 0
    assert "12.5" in output.decode()

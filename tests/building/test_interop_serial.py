"""Modbus RTU over a serial line against pymodbus."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pymodbus.server import ModbusSerialServer
from pymodbus.simulator import DataType, SimData, SimDevice
import pytest

from custom_components.compute_heater.building.modbus_point import parse_points
from custom_components.compute_heater.building.points import LinkConnectionError

from .link_to import link_to
from .modbus_peer import float_registers
from .pty_pair import Line, serial_line

UNIT, BAUDRATE = 4, 19200
POINTS = parse_points(
    [
        {"key": "supply", "space": "holding", "address": 10, "data_type": "float32"},
        {
            "key": "setpoint", "space": "holding", "address": 90, "data_type": "int16",
            "scale": 0.1, "writable": True, "minimum": 10, "maximum": 80,
        },
        {"key": "none", "space": "holding", "address": 200, "data_type": "int16"},
    ]
)  # fmt: skip
FRESH = {"supply": 48.5, "setpoint": 9.0, "none": None}


@asynccontextmanager
async def serving(port: str) -> AsyncIterator[None]:
    registers = list(range(100))
    registers[10:12] = float_registers(48.5)
    device = SimDevice(
        UNIT, simdata=SimData(0, values=registers, datatype=DataType.UINT16)
    )
    server = ModbusSerialServer(device, port=port, baudrate=BAUDRATE)
    await server.serve_forever(background=True)
    try:
        yield
    finally:
        await server.shutdown()


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    with serial_line() as pair:
        async with serving(pair.ports[1]):
            yield pair


async def test_read_and_write(line: Line) -> None:
    settings = {
        "transport": "serial", "device": line.ports[0], "baudrate": BAUDRATE,
        "parity": "n", "unit_id": UNIT,
    }  # fmt: skip
    async with link_to(settings, POINTS) as device:
        assert await device.read() == FRESH
        assert await device.write(POINTS[1], 55.5) == 55.5
        assert await device.read() == FRESH | {"setpoint": 55.5}


async def test_line_that_is_cut_and_mended(line: Line) -> None:
    settings = {
        "transport": "serial", "device": line.ports[0], "baudrate": BAUDRATE,
        "unit_id": UNIT,
    }  # fmt: skip
    async with link_to(settings, POINTS, timeout=0.3) as device:
        assert await device.read() == FRESH
        line.is_cut = True
        for _ in range(2):
            with pytest.raises(LinkConnectionError):
                await device.read()
        line.is_cut = False
        assert await device.read() == FRESH


async def test_two_readers_share_the_line(line: Line) -> None:
    """Frames do not mix: the connection lets one request at a time onto the line."""
    settings = {
        "transport": "serial", "device": line.ports[0], "baudrate": BAUDRATE,
        "unit_id": UNIT,
    }  # fmt: skip
    async with link_to(settings, POINTS) as device:
        answers = await asyncio.gather(*(device.read() for _ in range(5)))
    assert answers == [FRESH] * 5


async def test_port_that_is_not_there() -> None:
    settings = {"transport": "serial", "device": "/dev/no-such-port"}
    async with link_to(settings, POINTS) as device:
        with pytest.raises(LinkConnectionError, match="no-such-port"):
            await device.read()

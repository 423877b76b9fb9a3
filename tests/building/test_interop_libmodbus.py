"""Modbus against libmodbus, the library in C that many controllers are built with."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
import dataclasses
from pathlib import Path
import shutil
import subprocess
from typing import Any

import pytest

from custom_components.compute_heater.building.modbus_point import (
    WordOrder,
    parse_points,
)
from custom_components.compute_heater.building.points import LinkConnectionError

from .link_to import link_to
from .ports import free_tcp_port
from .pty_pair import converter, serial_line

SOURCE = Path(__file__).with_name("libmodbus_server.c")
UNIT = 7
SETPOINT, SUPPLY, LEVEL, SINGLE, PUMP, *_ = POINTS = parse_points(
    [
        {
            "key": "setpoint", "space": "holding", "address": 20,
            "data_type": "int16", "scale": 0.1,
            "writable": True, "minimum": 10, "maximum": 80,
        },
        {
            "key": "supply", "space": "holding", "address": 10,
            "data_type": "float32", "word_order": "cdab",
        },
        {
            "key": "level", "space": "holding", "address": 24, "data_type": "float32",
            "writable": True, "minimum": -100, "maximum": 100,
        },
        {
            "key": "single", "space": "holding", "address": 30, "data_type": "int16",
            "writable": True, "minimum": -100, "maximum": 100, "write_multiple": True,
        },
        {"key": "pump", "space": "coil", "address": 3, "writable": True},
        {"key": "door", "space": "discrete", "address": 5},
        {
            "key": "outdoor", "space": "input", "address": 2,
            "data_type": "int16", "scale": 0.1,
        },
        {"key": "none", "space": "holding", "address": 60, "data_type": "int16"},
    ]
)  # fmt: skip
FRESH = {
    "setpoint": 41.5, "supply": 48.5, "level": 0.0, "single": 0.0,
    "pump": True, "door": True, "outdoor": -7.3, "none": None,
}  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compile the server."""
    if (compiler := shutil.which("gcc")) is None:
        pytest.skip("gcc is not installed")
    program = tmp_path_factory.mktemp("libmodbus") / "server"
    probe = ["-E", "-include", "modbus/modbus.h", "-x", "c", "/dev/null"]
    if subprocess.run([compiler, *probe], check=False, capture_output=True).returncode:
        pytest.skip("libmodbus-dev is not installed")
    subprocess.run(
        [compiler, "-Wall", "-Werror", "-o", program, SOURCE, "-lmodbus"], check=True
    )
    return program


@asynccontextmanager
async def running(server: Path, *arguments: str) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(
        server, *arguments, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(10):
            assert await process.stdout.readline() == b"READY\n"
        yield
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.fixture(params=["tcp", "serial", "rtu_over_tcp"])
async def link(
    request: pytest.FixtureRequest, server: Path
) -> AsyncIterator[dict[str, Any]]:
    """Run the server on a socket, on a serial line, and on one behind a converter."""
    if request.param == "tcp":
        port = free_tcp_port()
        async with running(server, "tcp", str(port)):
            yield {"transport": "tcp", "port": port, "unit_id": UNIT}
        return
    with serial_line() as line:
        ours, theirs = line.ports
        async with running(server, "rtu", theirs), converter(ours) as port:
            if request.param == "rtu_over_tcp":
                yield {"transport": "rtu_over_tcp", "port": port, "unit_id": UNIT}
                return
            yield {
                "transport": "serial", "device": ours, "baudrate": 19200,
                "unit_id": UNIT,
            }  # fmt: skip


async def test_read_and_write(link: dict[str, Any]) -> None:
    """Every table, every write function; an address that is none stays alone."""
    async with link_to(link, POINTS) as device:
        assert await device.read() == FRESH
        assert device.refused == {"none"}
        assert await device.write(SETPOINT, 55.5) == 55.5
        assert await device.write(LEVEL, -12.25) == -12.25
        assert await device.write(SINGLE, -40) == -40
        assert await device.write(PUMP, False) is False
        assert await device.read() == FRESH | {
            "setpoint": 55.5, "level": -12.25, "single": -40.0, "pump": False,
        }  # fmt: skip


async def test_one_of_the_four_orders_is_right(link: dict[str, Any]) -> None:
    """Which one is up to the library's version: 3.1.6 swaps the bytes of "abcd"."""
    points = [
        dataclasses.replace(SUPPLY, key=order, address=12, word_order=order)
        for order in WordOrder
    ]
    async with link_to(link, points) as device:
        values = await device.read()
    assert list(values.values()).count(20.0) == 1


async def test_a_silent_unit_on_the_same_line(server: Path) -> None:
    """It costs a time-out, and the line lives on."""
    with serial_line() as line:
        ours, theirs = line.ports
        settings = {"transport": "serial", "device": ours, "baudrate": 19200}
        async with running(server, "rtu", theirs):
            async with link_to(settings | {"unit_id": 9}, [SETPOINT], 0.2) as stranger:
                with pytest.raises(LinkConnectionError):
                    await stranger.read()
            async with link_to(settings | {"unit_id": UNIT}, [SETPOINT], 3) as device:
                with suppress(LinkConnectionError):
                    # libmodbus takes this question for the silent unit's answer, and
                    # then hears nothing until it has slept for half a second.
                    await device.read()
                assert await device.read() == {"setpoint": 41.5}


async def test_killed_and_back(server: Path) -> None:
    port = free_tcp_port()
    settings = {"transport": "tcp", "port": port, "unit_id": UNIT}
    async with link_to(settings, POINTS) as device:
        async with running(server, "tcp", str(port)):
            assert await device.write(SETPOINT, 60) == 60
        for _ in range(2):
            with pytest.raises(LinkConnectionError):
                await device.read()
        async with running(server, "tcp", str(port)):
            assert await device.read() == FRESH

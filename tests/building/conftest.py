"""Peers and links for the tests of the building links."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
import subprocess
import sys

from modbus_connection import ModbusTcpParams, ModbusUnit
from modbus_connection.tmodbus import ModbusConnection
import pytest

from custom_components.compute_heater.building import bacnet_stack, bacnet_write, modbus
from custom_components.compute_heater.building.bacnet import BacnetDevice
from custom_components.compute_heater.building.bacnet_stack import BacnetStack

from .bacnet_peer import BacnetPeer
from .modbus_peer import ModbusPeer
from .ports import free_udp_port

type UnitOf = Callable[..., ModbusUnit]


def always(unit: ModbusUnit) -> Callable[[int | None], ModbusUnit]:
    """Every number is this unit."""
    return lambda number: unit


@pytest.fixture
async def modbus_peer() -> AsyncIterator[ModbusPeer]:
    peer = ModbusPeer()
    await peer.start()
    yield peer
    peer.gate.set()
    await peer.stop()


@pytest.fixture
async def unit_of() -> AsyncIterator[UnitOf]:
    """Modbus units as Home Assistant hands them out: one connection per endpoint."""
    connections: list[ModbusConnection] = []

    def unit(port: int, number: int = 1, timeout: float = 2.0) -> ModbusUnit:
        params = ModbusTcpParams(host="127.0.0.1", port=port)
        connection = ModbusConnection(params, timeout=timeout)
        connections.append(connection)
        return connection.for_unit(number)

    yield unit
    for connection in connections:
        await connection.close()


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modbus, "READ_BACK_PAUSES_S", (0.0, 0.05, 0.05))
    monkeypatch.setattr(bacnet_write, "READ_BACK_PAUSES_S", (0.0, 0.05, 0.05))


@pytest.fixture(autouse=True)
def short_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a dead peer cost 0.8 s instead of 5."""
    monkeypatch.setattr(bacnet_stack, "APDU_TIMEOUT_MS", 400)


@pytest.fixture
async def stack() -> AsyncIterator[BacnetStack]:
    # The stacks of both sides make a task for every layer: with a trace for each of
    # them a test takes three times as long.
    asyncio.get_running_loop().set_debug(False)
    running = BacnetStack(f"127.0.0.1/8:{free_udp_port()}")
    await running.start()
    yield running
    await running.close()


@pytest.fixture
async def bacnet_peer() -> AsyncIterator[BacnetPeer]:
    peer = BacnetPeer()
    await peer.start()
    yield peer
    await peer.stop()


@pytest.fixture
def device(stack: BacnetStack, bacnet_peer: BacnetPeer) -> BacnetDevice:
    return BacnetDevice(stack, bacnet_peer.address)


@pytest.fixture
def bac_py() -> Iterator[str]:
    """Run the independent controller; its address."""
    port = free_udp_port()
    with subprocess.Popen(
        [sys.executable, "-m", "tests.building.bac_py_server", str(port)],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "READY\n"
        yield f"127.0.0.1:{port}"
        process.terminate()

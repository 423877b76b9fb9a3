"""Peers and links for the tests of the building links."""

from collections.abc import AsyncIterator, Callable

from modbus_connection import ModbusTcpParams, ModbusUnit
from modbus_connection.tmodbus import ModbusConnection
import pytest

from custom_components.compute_heater.building import modbus

from .modbus_peer import ModbusPeer

type UnitOf = Callable[..., ModbusUnit]


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

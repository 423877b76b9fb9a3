"""Modbus points through Home Assistant's shared link, and against pyModbusTCP."""

from collections.abc import Iterator

from modbus_connection import ModbusTcpParams
from pyModbusTCP.server import DataBank, ModbusServer
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.compute_heater.building.modbus import ModbusDevice
from custom_components.compute_heater.building.modbus_point import parse_points
from custom_components.compute_heater.building.points import LinkConnectionError
from homeassistant.components.modbus import async_get_unit
from homeassistant.components.modbus.connection import async_get_connection_info
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component

from .conftest import UnitOf, always
from .modbus_peer import ModbusPeer, float_registers
from .ports import free_tcp_port

POINTS = parse_points(
    [
        {
            "key": "setpoint", "space": "holding", "address": 20,
            "data_type": "int16", "scale": 0.1,
            "writable": True, "minimum": 10, "maximum": 80,
        },
        {"key": "supply", "space": "holding", "address": 10, "data_type": "float32"},
        {"key": "pump", "space": "coil", "address": 3, "writable": True},
    ]
)  # fmt: skip


async def test_shared_unit_of_home_assistant(
    hass: HomeAssistant, modbus_peer: ModbusPeer
) -> None:
    """Two entries share one connection; it is closed with the last of them."""
    assert await async_setup_component(hass, "modbus", {})
    params = ModbusTcpParams(host="127.0.0.1", port=modbus_peer.port)
    entries = [MockConfigEntry(domain="one"), MockConfigEntry(domain="two")]
    for entry in entries:
        entry.add_to_hass(hass)
    first, second = (
        ModbusDevice(always(async_get_unit(hass, entry, params, 1)), POINTS)
        for entry in entries
    )
    assert await first.write(POINTS[0], 55) == 55.0
    assert await second.read() == {"setpoint": 55.0, "supply": 21.3, "pump": True}
    assert len(async_get_connection_info(hass)) == 1
    await modbus_peer.stop()
    with pytest.raises(LinkConnectionError):
        await second.read()
    await modbus_peer.start()
    assert (await first.read())["supply"] == 21.3
    for entry in entries:
        await entry._async_process_on_unload(hass)
    await hass.async_block_till_done()
    assert async_get_connection_info(hass) == []


@pytest.fixture
def py_modbus_tcp() -> Iterator[ModbusServer]:
    bank = DataBank()
    server = ModbusServer("127.0.0.1", free_tcp_port(), no_block=True, data_bank=bank)
    server.start()
    bank.set_holding_registers(10, float_registers(48.5))
    bank.set_coils(3, [True])
    yield server
    server.stop()


async def test_py_modbus_tcp(py_modbus_tcp: ModbusServer, unit_of: UnitOf) -> None:
    device = ModbusDevice(always(unit_of(py_modbus_tcp.port)), POINTS)
    assert await device.read() == {"setpoint": 0.0, "supply": 48.5, "pump": True}
    assert await device.write(POINTS[0], 41.5) == 41.5
    assert await device.write(POINTS[2], False) is False
    assert py_modbus_tcp.data_bank.get_holding_registers(20) == [415]
    assert py_modbus_tcp.data_bank.get_coils(3) == [False]

"""Devices by the settings of a link, as the forms store them."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from modbus_connection.tmodbus import ModbusConnection

from custom_components.compute_heater.building.modbus import ModbusDevice
from custom_components.compute_heater.building.modbus_link import LinkSettings
from custom_components.compute_heater.building.modbus_point import ModbusPoint

from .conftest import always

HOST = "127.0.0.1"


@asynccontextmanager
async def link_to(
    settings: Mapping[str, Any], points: Iterable[ModbusPoint], timeout: float = 2.0
) -> AsyncIterator[ModbusDevice]:
    """Reach a device on loopback until the block ends."""
    link = LinkSettings.from_dict({"host": HOST, **settings})
    connection = ModbusConnection(link.params, timeout=timeout)
    try:
        yield ModbusDevice(always(connection.for_unit(link.unit_id)), points)
    finally:
        await connection.close()

"""The servers of the gateway, by their protocols."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, override

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.const import CONF_PORT
from homeassistant.core import HomeAssistant
from homeassistant.loader import async_get_loaded_integration

from .building.bacnet_stack import BacnetStack
from .const import (
    CONF_DEVICE_INSTANCE,
    CONF_INTERFACE,
    CONF_KIND,
    CONF_PRIORITY,
    CONF_TLS,
    CONF_UNIT_ID,
    DOMAIN,
    GATEWAY_BACNET,
)
from .drivers import async_acquire_stack, stacks
from .gateway.bacnet import BacnetDevice
from .gateway.bacnet_server import PROTOCOL as BACNET
from .gateway.gateway import Gateway
from .gateway.modbus import ModbusServer
from .gateway.modbus_tls import TlsSettings
from .gateway.priority import LOWEST
from .gateway.register_map import RegisterMap
from .gateway_server import GatewayServer
from .gateway_tls import async_tls_files, valid_until


def create_server(
    hass: HomeAssistant,
    entry: ConfigEntry,
    subentry: ConfigSubentry,
    numbers: Mapping[str, int],
    revision: int,
) -> GatewayServer:
    """Return the server of a subentry; nothing runs yet.

    ``numbers`` are those of the parts of the site, and ``revision`` is how often what is
    offered has changed.
    """
    if subentry.data[CONF_KIND] == GATEWAY_BACNET:
        return BacnetGatewayServer(hass, entry, subentry, numbers, revision)
    return ModbusGatewayServer(hass, entry, subentry, numbers)


class BacnetGatewayServer(GatewayServer):
    """Our BACnet device, on a stack that links may use as well."""

    model = "BACnet device"
    protocol = BACNET

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        subentry: ConfigSubentry,
        numbers: Mapping[str, int],
        revision: int,
    ) -> None:
        """Nothing runs before ``start``."""
        super().__init__(hass, entry, subentry)
        self._numbers = numbers
        self._revision = revision
        self._stack: BacnetStack | None = None
        self._device: BacnetDevice | None = None

    @override
    async def _async_start(self, gateway: Gateway) -> None:
        self._stack = await async_acquire_stack(self.hass, self.subentry.data)
        self._device = BacnetDevice(
            self._stack,
            gateway,
            instance=self.subentry.data[CONF_DEVICE_INSTANCE],
            name=self.subentry.title,
            numbers=self._numbers,
            clock=self.hass.loop.time,
            guard=self.guard,
            revision=self._revision,
            version=str(async_get_loaded_integration(self.hass, DOMAIN).version),
        )
        await self._device.start()

    @override
    async def _async_stop(self) -> None:
        device, self._device = self._device, None
        stack, self._stack = self._stack, None
        try:
            if device is not None:
                await device.stop()
        finally:
            if stack is not None:
                await stacks(self.hass).release(stack)

    @property
    @override
    def counters(self) -> dict[str, Any]:
        if self._device is None:
            return {}
        return {"subscriptions": self._device.subscriptions}


class ModbusGatewayServer(GatewayServer):
    """Our Modbus server."""

    model = "Modbus server"

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        subentry: ConfigSubentry,
        numbers: Mapping[str, int],
    ) -> None:
        """Nothing runs before ``start``."""
        super().__init__(hass, entry, subentry)
        self.protocol = "Modbus TLS" if CONF_TLS in subentry.data else "Modbus"
        self._numbers = numbers
        self._server: ModbusServer | None = None
        self._valid_until = (
            valid_until(subentry.data[CONF_TLS]) if CONF_TLS in subentry.data else None
        )

    @property
    @override
    def valid_until(self) -> datetime | None:
        return self._valid_until

    @override
    async def _async_start(self, gateway: Gateway) -> None:
        if (stored := self.subentry.data.get(CONF_TLS)) is None:
            self._server = self._made(gateway)
            await self._server.start()
            return
        async with async_tls_files(self.hass, stored) as files:
            self._server = self._made(gateway, files)
            await self._server.start()

    def _made(self, gateway: Gateway, tls: TlsSettings | None = None) -> ModbusServer:
        data = self.subentry.data
        return ModbusServer(
            gateway,
            self.guard,
            RegisterMap(gateway.points.values(), self._numbers),
            host=data[CONF_INTERFACE].partition("/")[0],
            port=data[CONF_PORT],
            unit_id=data[CONF_UNIT_ID],
            priority=data.get(CONF_PRIORITY, LOWEST),
            tls=tls,
            clock=self.hass.loop.time,
        )

    @override
    async def _async_stop(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            await server.stop()

    @property
    @override
    def counters(self) -> dict[str, Any]:
        if self._server is None:
            return {}
        return {
            "connections": len(self._server.peers),
            "strangers": self._server.strangers,
        }

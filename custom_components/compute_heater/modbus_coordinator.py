"""A Modbus device on the connection that Home Assistant shares."""

from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any, override

from modbus_connection import ModbusUnit

from homeassistant.components.modbus import async_get_temporary_unit, async_get_unit
from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError

from .building.modbus import ModbusDevice
from .building.modbus_link import LinkSettings, Transport
from .building.modbus_plan import Layout
from .building.modbus_point import ModbusPoint
from .building.points import LinkError, Value
from .building.profile import Profile
from .const import CONF_UNIT_ID, LOGGER
from .link_coordinator import LinkCoordinator, Make, Values

if TYPE_CHECKING:
    from .coordinator import ComputeHeaterConfigEntry

_TRANSPORTS = {
    Transport.TCP: "TCP",
    Transport.RTU_OVER_TCP: "RTU",
    Transport.SERIAL: "RTU",
    Transport.UDP: "UDP",
    Transport.TLS: "TLS",
}


class ModbusCoordinator(LinkCoordinator[ModbusPoint]):
    """Values of a Modbus device."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ComputeHeaterConfigEntry,
        subentry: ConfigSubentry,
        profile: Profile | None,
        *,
        lasting: bool = True,
    ) -> None:
        """Take the points from the subentry, and how to read them from the profile.

        ``lasting`` holds the connection until the entry is unloaded; else until the
        coordinator is closed, for what is only released.
        """
        super().__init__(hass, entry, subentry, ModbusPoint.from_dict)
        self._profile = profile
        self._lasting = lasting
        self._borrowed = AsyncExitStack()
        self._device: ModbusDevice | None = None

    @property
    @override
    def make(self) -> Make:
        if self._profile is None:
            transport = LinkSettings.from_dict(self.subentry.data).transport
            return Make(model=f"Modbus {_TRANSPORTS[transport]}")
        return Make(manufacturer=self._profile.manufacturer, model=self._profile.title)

    @property
    def yaml_endpoint(self) -> tuple[str, str] | tuple[str, str, int]:
        """How Home Assistant's own integration names a hub to the same device."""
        link = LinkSettings.from_dict(self.subentry.data)
        match link.transport:
            case Transport.SERIAL:
                return ("serial", link.device or "")
            case Transport.UDP:
                return ("udp", (link.host or "").lower(), link.port)
            case _:
                return ("tcp", (link.host or "").lower(), link.port)

    @property
    @override
    def counters(self) -> dict[str, Any]:
        if (device := self._device) is None:
            return {"reads": 0, "writes": 0}
        return {
            "reads": device.reads,
            "writes": device.writes,
            "refused": sorted(device.refused),
            "settings_written": self.ledger.settings_written,
        }

    async def _async_open(self) -> ModbusDevice:
        """Return the device; another user of it with other settings is an error."""
        self._refuse_if_closed()
        if self._device is None:
            own = self.subentry.data[CONF_UNIT_ID]
            numbers = {point.unit_id for point in self.points.values()}
            try:
                units = {
                    number: await self._async_unit(own if number is None else number)
                    for number in {None, *numbers}
                }
            except HomeAssistantError as err:
                raise LinkError(str(err)) from err
            self._device = ModbusDevice(
                units.__getitem__,
                self.points.values(),
                self._profile.layout if self._profile else Layout(),
            )
        return self._device

    async def _async_unit(self, number: int) -> ModbusUnit:
        link = LinkSettings.from_dict(self.subentry.data).params
        if self._lasting:
            return async_get_unit(self.hass, self.config_entry, link, number)
        return await self._borrowed.enter_async_context(
            async_get_temporary_unit(self.hass, link, number)
        )

    @override
    async def _async_read(self, points: Iterable[ModbusPoint]) -> Values:
        return await (await self._async_open()).read(points)

    @override
    def _needs_restore(self, point: ModbusPoint) -> bool:
        # A cyclic value lapses by itself, a setting stays.
        return point.ttl_s is None and super()._needs_restore(point)

    @override
    async def _async_write(
        self, point: ModbusPoint, value: Value, restore: Value | None
    ) -> Value | None:
        return await (await self._async_open()).write(point, value)

    @override
    async def _async_repeat(self) -> None:
        now = self.hass.loop.time()
        for key, command in tuple(self.ledger.commands.items()):
            point = self.points[key]
            if point.ttl_s is None or now - command.written_at < point.ttl_s / 2:
                continue
            try:
                await (await self._async_open()).write(point, command.value)
            except LinkError as err:
                LOGGER.debug("%s: could not repeat %s: %s", self.name, key, err)
                continue
            self.ledger.commands[key] = replace(command, written_at=now)

    @override
    async def _async_give_up(
        self, point: ModbusPoint, restore: Value | None
    ) -> Value | None:
        if restore is None:
            return None
        return await (await self._async_open()).restore(point, restore)

    @override
    async def async_close(self) -> None:
        await super().async_close()
        self._device = None
        await self._borrowed.aclose()

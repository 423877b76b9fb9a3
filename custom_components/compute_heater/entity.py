"""What all entities of a kind of device have in common."""

from typing import Any, override

from homeassistant.config_entries import ConfigSubentry
from homeassistant.const import CONF_URL, Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.device_registry import (
    ChildDeviceInfo,
    DeviceEntryType,
    DeviceInfo,
)
from homeassistant.helpers.entity import EntityDescription
from homeassistant.helpers.update_coordinator import (
    CoordinatorEntity,
    DataUpdateCoordinator,
)

from .building.points import Point, PointKind, Value
from .const import CONF_IDENTITY, DOMAIN
from .control.demand import SinkKind
from .coordinator import ComputeHeaterConfigEntry, Link
from .gateway_server import GatewayServer
from .heater_coordinator import HeaterCoordinator
from .heaters.model import ModuleReading
from .point_classes import category
from .site import SiteCoordinator
from .site_backup import BackupKind, SiteBackup
from .site_heater import SiteHeater
from .site_sink import SiteSink


def _site_device_id(entry: ComputeHeaterConfigEntry, coordinator: Any) -> str:
    """Return the id of the site's device, which is registered before all others."""
    return dr.async_get_device_id_by_identifier(
        coordinator.hass, (DOMAIN, entry.entry_id), config_entry_id=entry.entry_id
    )


class _Entity[CoordinatorT: DataUpdateCoordinator[Any]](
    CoordinatorEntity[CoordinatorT]
):
    _attr_has_entity_name = True


class SiteEntity(_Entity[SiteCoordinator]):
    """An entity of the site itself."""

    def __init__(
        self, entry: ComputeHeaterConfigEntry, description: EntityDescription
    ) -> None:
        """Belong to the site's device."""
        super().__init__(entry.runtime_data.site)
        self.entity_description = description
        self._attr_unique_id = f"{entry.entry_id}_{description.key}"
        self._attr_device_info = DeviceInfo(identifiers={(DOMAIN, entry.entry_id)})


def _heater_device(
    entry: ComputeHeaterConfigEntry, coordinator: HeaterCoordinator
) -> DeviceInfo:
    subentry = coordinator.subentry
    identity = subentry.data[CONF_IDENTITY]
    return DeviceInfo(
        identifiers={(DOMAIN, f"{entry.entry_id}_{subentry.subentry_id}")},
        name=subentry.title,
        manufacturer=identity["manufacturer"],
        model=identity["model"],
        serial_number=identity["serial_number"],
        sw_version=identity["firmware"],
        configuration_url=subentry.data.get(CONF_URL),
        via_device_id=_site_device_id(entry, coordinator),
    )


class HeaterEntity(_Entity[HeaterCoordinator]):
    """An entity of a compute heater."""

    def __init__(
        self,
        entry: ComputeHeaterConfigEntry,
        heater: SiteHeater,
        description: EntityDescription,
    ) -> None:
        """Belong to the heater's device."""
        super().__init__(heater.coordinator)
        self.heater = heater
        self.site = entry.runtime_data.site
        self.entity_description = description
        device_id = f"{entry.entry_id}_{heater.heater_id}"
        self._attr_unique_id = f"{device_id}_{description.key}"
        self._attr_device_info = _heater_device(entry, self.coordinator)

    @property
    @override
    def available(self) -> bool:
        return self.coordinator.available

    async def async_apply(self) -> None:
        """Take what a person set into account and wait until the heater has it."""
        self.site.tick()
        self.coordinator.async_update_listeners()
        await self.coordinator.config_entry.runtime_data.async_save()
        await self.coordinator.async_finish()


class ModuleEntity(_Entity[HeaterCoordinator]):
    """An entity of one module of a compute heater."""

    def __init__(
        self,
        entry: ComputeHeaterConfigEntry,
        coordinator: HeaterCoordinator,
        module: ModuleReading,
        description: EntityDescription,
    ) -> None:
        """Belong to a part of the heater's device."""
        super().__init__(coordinator)
        self.entity_description = description
        self._key = module.key
        heater_id = coordinator.subentry.subentry_id
        parent = dr.async_get(coordinator.hass).async_get_or_create_from_info(
            config_entry_id=entry.entry_id,
            config_subentry_id=heater_id,
            device_info=_heater_device(entry, coordinator),
        )
        device_id = module_device_id(entry.entry_id, heater_id, module.key)
        self._attr_unique_id = f"{device_id}_{description.key}"
        self._attr_device_info = ChildDeviceInfo(
            identifiers={(DOMAIN, device_id)},
            name=module.name,
            parent_device_id=parent.id,
        )

    @property
    def module(self) -> ModuleReading | None:
        """Return the module as it was last read; None while it cannot be."""
        found = (m for m in self.coordinator.data.modules or () if m.key == self._key)
        return next(found, None)

    @property
    @override
    def available(self) -> bool:
        return self.coordinator.available and self.module is not None


def module_device_id(entry_id: str, heater_id: str, key: str) -> str:
    """Return what identifies the device of a module."""
    return f"{entry_id}_{heater_id}_module_{key}"


class _PartEntity(_Entity[SiteCoordinator]):
    """An entity of a part of a site that has a device, but is no machine."""

    def __init__(
        self,
        entry: ComputeHeaterConfigEntry,
        part: ConfigSubentry,
        model: str,
        description: EntityDescription,
    ) -> None:
        super().__init__(entry.runtime_data.site)
        self.entity_description = description
        device_id = f"{entry.entry_id}_{part.subentry_id}"
        self._attr_unique_id = f"{device_id}_{description.key}"
        self._attr_device_info = DeviceInfo(
            identifiers={(DOMAIN, device_id)},
            name=part.title,
            manufacturer="Compute Heater",
            model=model,
            entry_type=DeviceEntryType.SERVICE,
            via_device_id=_site_device_id(entry, self.coordinator),
        )


_SINK_MODELS = {
    SinkKind.DHW: "Hot-water tank",
    SinkKind.FLOOR: "Floor heating",
    SinkKind.BUFFER: "Buffer tank",
    SinkKind.POOL: "Pool",
}


class SinkEntity(_PartEntity):
    """An entity of a heat consumer."""

    def __init__(
        self,
        entry: ComputeHeaterConfigEntry,
        sink: SiteSink,
        description: EntityDescription,
    ) -> None:
        """Belong to the consumer's device."""
        super().__init__(entry, sink.subentry, _SINK_MODELS[sink.kind], description)
        self.sink = sink

    @property
    def is_served(self) -> bool:
        """The consumer wants heat and its path is ready for it."""
        path = self.coordinator.path
        return (
            self.sink.demand.wanted
            and path is not None
            and self.sink.sink_id in path.ready
        )

    async def async_apply(self) -> None:
        """Take what a person set into account."""
        self.coordinator.tick()
        await self.coordinator.config_entry.runtime_data.async_save()


@callback
def async_drop_site_entity(
    hass: HomeAssistant,
    entry: ComputeHeaterConfigEntry,
    platform: Platform,
    description: EntityDescription,
) -> None:
    """Remove what a site showed before its owner removed what it is about."""
    _drop(hass, platform, f"{entry.entry_id}_{description.key}")


@callback
def async_drop_sink_entity(
    hass: HomeAssistant,
    entry: ComputeHeaterConfigEntry,
    sink: SiteSink,
    platform: Platform,
    description: EntityDescription,
) -> None:
    """Remove what a consumer showed before its owner changed its settings."""
    _drop(hass, platform, f"{entry.entry_id}_{sink.sink_id}_{description.key}")


@callback
def _drop(hass: HomeAssistant, platform: Platform, unique_id: str) -> None:
    registry = er.async_get(hass)
    if entity_id := registry.async_get_entity_id(platform, DOMAIN, unique_id):
        registry.async_remove(entity_id)


_BACKUP_MODELS = {
    BackupKind.HEAT_PUMP: "Heat pump",
    BackupKind.BOILER: "Boiler",
    BackupKind.IMMERSION_HEATER: "Immersion heater",
}


class BackupEntity(_PartEntity):
    """An entity of a backup."""

    def __init__(
        self,
        entry: ComputeHeaterConfigEntry,
        backup: SiteBackup,
        description: EntityDescription,
    ) -> None:
        """Belong to the backup's device."""
        super().__init__(
            entry, backup.subentry, _BACKUP_MODELS[backup.kind], description
        )
        self.backup = backup


class GatewayEntity(_PartEntity):
    """An entity of a gateway."""

    def __init__(
        self,
        entry: ComputeHeaterConfigEntry,
        server: GatewayServer,
        description: EntityDescription,
    ) -> None:
        """Belong to the gateway's device."""
        super().__init__(entry, server.subentry, server.model, description)
        self.server = server


def point_platform(point: Point) -> Platform:
    """Return the platform that shows a point."""
    match point.kind:
        case PointKind.BINARY:
            return Platform.SWITCH if point.writable else Platform.BINARY_SENSOR
        case PointKind.MULTISTATE if point.writable:
            return Platform.SELECT
        case PointKind.ANALOG if point.writable:
            return Platform.NUMBER
        case _:
            return Platform.SENSOR


class PointEntity(_Entity[Link]):
    """A point of a controller of the building."""

    def __init__(
        self,
        entry: ComputeHeaterConfigEntry,
        link: Link,
        point: Point,
    ) -> None:
        """Belong to the controller's device; the name is the controller's own."""
        super().__init__(link)
        self.point = point
        device_id = f"{entry.entry_id}_{link.subentry.subentry_id}"
        self._was_available: bool | None = None
        self._attr_name = point.name
        self._attr_entity_category = category(point)
        self._attr_unique_id = f"{device_id}_{point.key}"
        self._attr_device_info = DeviceInfo(
            identifiers={(DOMAIN, device_id)},
            name=link.subentry.title,
            manufacturer=link.make.manufacturer,
            model=link.make.model,
            sw_version=link.make.firmware,
            via_device_id=_site_device_id(entry, self.coordinator),
        )

    @property
    def present_value(self) -> Value | None:
        """Present value; None while it cannot be read."""
        return self.coordinator.data.get(self.point.key)

    @property
    @override
    def available(self) -> bool:
        return (
            super().available
            and self.coordinator.data is not None
            and self.present_value is not None
        )

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        # A link may have a thousand points, and most updates are about a few.
        available = self.available
        if (
            self.point.key in self.coordinator.fresh
            or available is not self._was_available
        ):
            self._was_available = available
            super()._handle_coordinator_update()

    @override
    async def async_update(self) -> None:
        if self.enabled:
            await self.coordinator.async_request_point(self.point.key)

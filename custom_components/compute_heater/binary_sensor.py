"""Binary sensors of heaters, consumers and the building."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import override

from homeassistant.components.binary_sensor import (
    BinarySensorDeviceClass,
    BinarySensorEntity,
    BinarySensorEntityDescription,
)
from homeassistant.const import EntityCategory, Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .building.points import Point
from .control.reasons import Reason
from .coordinator import ComputeHeaterConfigEntry, Link
from .entity import (
    BackupEntity,
    GatewayEntity,
    HeaterEntity,
    PointEntity,
    SinkEntity,
    SiteEntity,
    async_drop_sink_entity,
    async_drop_site_entity,
    point_platform,
)
from .gateway_server import Told
from .gateway_site import SiteGateway
from .heaters.model import Capabilities
from .one_by_one import one_by_one
from .point_classes import binary_class
from .site_heater import SiteHeater

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class HeaterBinarySensorDescription(BinarySensorEntityDescription):
    """Describe a binary sensor of a heater."""

    value_fn: Callable[[SiteHeater], bool | None]
    coolant_fields: tuple[str, ...] = ()
    """Only for heaters that can tell one of these fields of their reading."""
    needs_leak_detector: bool = False


def _overheating(heater: SiteHeater) -> bool | None:
    if Reason.OVER_TEMPERATURE in heater.verdict.reasons:
        return True
    return heater.coordinator.data.overheating


def _throttled(heater: SiteHeater) -> bool | None:
    if Reason.THROTTLED_BY_TEMPERATURE in heater.verdict.reasons:
        return True
    return heater.coordinator.data.throttled


DESCRIPTIONS: tuple[HeaterBinarySensorDescription, ...] = (
    HeaterBinarySensorDescription(
        key="problem",
        device_class=BinarySensorDeviceClass.PROBLEM,
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda heater: (
            True
            if heater.coordinator.command_error
            else heater.coordinator.data.problem
        ),
    ),
    HeaterBinarySensorDescription(
        key="overheating",
        translation_key="overheating",
        device_class=BinarySensorDeviceClass.PROBLEM,
        entity_category=EntityCategory.DIAGNOSTIC,
        coolant_fields=("coolant_c", "supply_c"),
        value_fn=_overheating,
    ),
    HeaterBinarySensorDescription(
        key="leak",
        translation_key="leak",
        device_class=BinarySensorDeviceClass.MOISTURE,
        entity_category=EntityCategory.DIAGNOSTIC,
        needs_leak_detector=True,
        value_fn=lambda heater: heater.coordinator.data.leak,
    ),
    HeaterBinarySensorDescription(
        key="throttled",
        translation_key="throttled",
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=_throttled,
    ),
)
DISINFECTION = BinarySensorEntityDescription(
    key="disinfection",
    translation_key="disinfection",
    device_class=BinarySensorDeviceClass.RUNNING,
)

HEAT_REQUESTED = BinarySensorEntityDescription(
    key="heat_requested", translation_key="heat_requested"
)


@dataclass(frozen=True, kw_only=True)
class BuildingBinarySensorDescription(BinarySensorEntityDescription):
    """Describe a binary sensor about the building's controllers."""

    value_fn: Callable[[SiteGateway], bool]


BUILDING: tuple[BuildingBinarySensorDescription, ...] = (
    BuildingBinarySensorDescription(
        key="building_in_command",
        translation_key="building_in_command",
        value_fn=lambda gateway: gateway.in_command,
    ),
    BuildingBinarySensorDescription(
        key="building_silent",
        translation_key="building_silent",
        device_class=BinarySensorDeviceClass.PROBLEM,
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda gateway: bool(gateway.silent_points),
    ),
)
SERVING = BinarySensorEntityDescription(
    key="serving",
    translation_key="serving",
    device_class=BinarySensorDeviceClass.RUNNING,
    entity_category=EntityCategory.DIAGNOSTIC,
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: ComputeHeaterConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the binary sensors of a site's parts."""
    runtime = entry.runtime_data
    async for heater_id, heater in one_by_one(runtime.site.heaters.items()):
        async_add_entities(
            (
                HeaterBinarySensor(entry, heater, each)
                for each in DESCRIPTIONS
                if _is_known_to(heater.coordinator.capabilities, each)
            ),
            config_subentry_id=heater_id,
        )
    for sink_id, sink in runtime.site.sinks.items():
        if sink.disinfection is not None:
            async_add_entities(
                [DisinfectionRunning(entry, sink, DISINFECTION)],
                config_subentry_id=sink_id,
            )
        else:
            async_drop_sink_entity(
                hass, entry, sink, Platform.BINARY_SENSOR, DISINFECTION
            )
    for backup_id, backup in runtime.site.backups.items():
        async_add_entities(
            [HeatRequested(entry, backup, HEAT_REQUESTED)],
            config_subentry_id=backup_id,
        )
    _add_gateway(hass, entry, async_add_entities)
    for link_id, link in runtime.links.items():
        async_add_entities(
            (
                PointBinarySensor(entry, link, point)
                for point in link.points.values()
                if point_platform(point) is Platform.BINARY_SENSOR
            ),
            config_subentry_id=link_id,
        )


@callback
def _add_gateway(
    hass: HomeAssistant,
    entry: ComputeHeaterConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    servers = entry.runtime_data.gateway.servers
    if servers:
        async_add_entities(BuildingBinarySensor(entry, each) for each in BUILDING)
    else:
        for each in BUILDING:
            async_drop_site_entity(hass, entry, Platform.BINARY_SENSOR, each)
    for subentry_id, server in servers.items():
        async_add_entities(
            [Serving(entry, server, SERVING)], config_subentry_id=subentry_id
        )


def _is_known_to(
    capabilities: Capabilities, description: HeaterBinarySensorDescription
) -> bool:
    if description.needs_leak_detector and not capabilities.has_leak_detector:
        return False
    fields = description.coolant_fields
    return not fields or any(map(capabilities.can_read, fields))


class HeaterBinarySensor(HeaterEntity, BinarySensorEntity):
    """A binary sensor of a heater."""

    entity_description: HeaterBinarySensorDescription

    @property
    @override
    def is_on(self) -> bool | None:
        return self.entity_description.value_fn(self.heater)


class DisinfectionRunning(SinkEntity, BinarySensorEntity):
    """A hot-water tank is being disinfected."""

    @property
    @override
    def is_on(self) -> bool:
        return self.sink.disinfection is not None and self.sink.disinfection.running


class HeatRequested(BackupEntity, BinarySensorEntity):
    """Heat of a backup is wanted; unknown while it is left to itself."""

    @property
    @override
    def is_on(self) -> bool | None:
        return self.backup.requested


class BuildingBinarySensor(SiteEntity, BinarySensorEntity):
    """Something about the building's controllers."""

    entity_description: BuildingBinarySensorDescription

    def __init__(
        self,
        entry: ComputeHeaterConfigEntry,
        description: BuildingBinarySensorDescription,
    ) -> None:
        """Ask the gateway."""
        super().__init__(entry, description)
        self._gateway = entry.runtime_data.gateway

    @property
    @override
    def is_on(self) -> bool:
        return self.entity_description.value_fn(self._gateway)


class Serving(GatewayEntity, BinarySensorEntity):
    """A server of the gateway runs."""

    @property
    @override
    def is_on(self) -> bool:
        return self.server.running

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        self.async_on_remove(self.server.listen(self._on_told))

    @callback
    def _on_told(self, told: Told | None) -> None:
        if told is None:
            self.async_write_ha_state()


class PointBinarySensor(PointEntity, BinarySensorEntity):
    """A binary point that is only read."""

    def __init__(
        self, entry: ComputeHeaterConfigEntry, link: Link, point: Point
    ) -> None:
        """Take the class from the point."""
        super().__init__(entry, link, point)
        self._attr_device_class = binary_class(point)

    @property
    @override
    def is_on(self) -> bool | None:
        return None if self.present_value is None else bool(self.present_value)

"""Switches: compute allowed, and binary points that may be written."""

from typing import Any, override

from homeassistant.components.switch import SwitchEntity, SwitchEntityDescription
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import ComputeHeaterConfigEntry
from .entity import HeaterEntity, PointEntity, point_platform
from .one_by_one import one_by_one

PARALLEL_UPDATES = 1

COMPUTE = SwitchEntityDescription(key="compute", translation_key="compute")


async def async_setup_entry(
    hass: HomeAssistant,
    entry: ComputeHeaterConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the switches of a site's parts."""
    runtime = entry.runtime_data
    async for heater_id, heater in one_by_one(runtime.site.heaters.items()):
        async_add_entities(
            [ComputeSwitch(entry, heater, COMPUTE)], config_subentry_id=heater_id
        )
    for link_id, link in runtime.links.items():
        async_add_entities(
            (
                PointSwitch(entry, link, point)
                for point in link.points.values()
                if point_platform(point) is Platform.SWITCH
            ),
            config_subentry_id=link_id,
        )


class ComputeSwitch(HeaterEntity, SwitchEntity):
    """Whether the heater may compute at all; off keeps it at standby at most."""

    @property
    @override
    def is_on(self) -> bool:
        return self.heater.controls.compute_allowed

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        self.heater.controls.compute_allowed = True
        await self.async_apply()

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        self.heater.controls.compute_allowed = False
        await self.async_apply()


class PointSwitch(PointEntity, SwitchEntity):
    """A binary point that may be written."""

    @property
    @override
    def is_on(self) -> bool | None:
        return None if self.present_value is None else bool(self.present_value)

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        await self.coordinator.async_write(self.point.key, True)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        await self.coordinator.async_write(self.point.key, False)

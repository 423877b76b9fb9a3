"""Numbers: the power limit, and analog points that may be written."""

from typing import override

from homeassistant.components.number import (
    NumberDeviceClass,
    NumberEntity,
    NumberEntityDescription,
    NumberMode,
)
from homeassistant.const import Platform, UnitOfPower
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .building.points import Point
from .coordinator import ComputeHeaterConfigEntry, Link
from .entity import HeaterEntity, PointEntity, point_platform
from .one_by_one import one_by_one
from .point_classes import number_class
from .site_heater import SiteHeater

PARALLEL_UPDATES = 1

POWER_LIMIT = NumberEntityDescription(
    key="power_limit",
    translation_key="power_limit",
    device_class=NumberDeviceClass.POWER,
    native_unit_of_measurement=UnitOfPower.WATT,
    native_step=10,
    mode=NumberMode.SLIDER,
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: ComputeHeaterConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the numbers of a site's parts."""
    runtime = entry.runtime_data
    async for heater_id, heater in one_by_one(runtime.site.heaters.items()):
        async_add_entities([PowerLimit(entry, heater)], config_subentry_id=heater_id)
    for link_id, link in runtime.links.items():
        async_add_entities(
            (
                PointNumber(entry, link, point)
                for point in link.points.values()
                if point_platform(point) is Platform.NUMBER
            ),
            config_subentry_id=link_id,
        )


class PowerLimit(HeaterEntity, NumberEntity):
    """The most that the heater may draw, whoever asks."""

    def __init__(self, entry: ComputeHeaterConfigEntry, heater: SiteHeater) -> None:
        """Range from standby to full power."""
        super().__init__(entry, heater, POWER_LIMIT)
        self._attr_native_min_value = heater.settings.floor_w
        self._attr_native_max_value = heater.settings.max_w

    @property
    @override
    def native_value(self) -> float:
        limit = self.heater.controls.power_limit_w
        return self.heater.settings.max_w if limit is None else limit

    @override
    async def async_set_native_value(self, value: float) -> None:
        self.heater.controls.power_limit_w = (
            None if value >= self.heater.settings.max_w else value
        )
        await self.async_apply()


class PointNumber(PointEntity, NumberEntity):
    """An analog point that may be written."""

    _attr_mode = NumberMode.BOX

    def __init__(
        self,
        entry: ComputeHeaterConfigEntry,
        link: Link,
        point: Point,
    ) -> None:
        """Take unit and limits from the point."""
        super().__init__(entry, link, point)
        self._attr_native_unit_of_measurement = point.unit
        self._attr_device_class = number_class(point)
        if point.minimum is not None:
            self._attr_native_min_value = point.minimum
        if point.maximum is not None:
            self._attr_native_max_value = point.maximum
        self._attr_native_step = point.step or 0.5

    @property
    @override
    def native_value(self) -> float | None:
        return None if self.present_value is None else float(self.present_value)

    @override
    async def async_set_native_value(self, value: float) -> None:
        await self.coordinator.async_write(self.point.key, value)

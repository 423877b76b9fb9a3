"""Selects: strategy, power state, and multi-state points that may be written."""

from typing import override

from homeassistant.components.select import SelectEntity, SelectEntityDescription
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .building.points import Point
from .control.site import Strategy
from .coordinator import ComputeHeaterConfigEntry, Link
from .entity import HeaterEntity, PointEntity, SiteEntity, point_platform
from .heaters.model import PowerState
from .one_by_one import one_by_one
from .site_heater import SiteHeater

PARALLEL_UPDATES = 1

STRATEGY = SelectEntityDescription(
    key="strategy",
    translation_key="strategy",
    options=[strategy.value for strategy in Strategy],
)
POWER_STATE = SelectEntityDescription(key="power_state", translation_key="power_state")


async def async_setup_entry(
    hass: HomeAssistant,
    entry: ComputeHeaterConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the selects of a site and its parts."""
    runtime = entry.runtime_data
    async_add_entities([StrategySelect(entry, STRATEGY)])
    async for heater_id, heater in one_by_one(runtime.site.heaters.items()):
        async_add_entities(
            [PowerStateSelect(entry, heater)], config_subentry_id=heater_id
        )
    for link_id, link in runtime.links.items():
        async_add_entities(
            (
                PointSelect(entry, link, point)
                for point in link.points.values()
                if point_platform(point) is Platform.SELECT
            ),
            config_subentry_id=link_id,
        )


class StrategySelect(SiteEntity, SelectEntity):
    """Who decides about the heat of heaters in auto."""

    @property
    @override
    def current_option(self) -> str:
        return self.coordinator.strategy

    @override
    async def async_select_option(self, option: str) -> None:
        self.coordinator.strategy = Strategy(option)
        self.coordinator.tick()
        await self.coordinator.config_entry.runtime_data.async_save()


class PowerStateSelect(HeaterEntity, SelectEntity):
    """What the heater shall be; choosing leaves auto."""

    def __init__(self, entry: ComputeHeaterConfigEntry, heater: SiteHeater) -> None:
        """Offer the states that the heater has."""
        super().__init__(entry, heater, POWER_STATE)
        self._attr_options = [
            state.value
            for state in PowerState
            if state is not PowerState.OFF or heater.coordinator.capabilities.can_switch
        ]

    @property
    @override
    def current_option(self) -> str | None:
        return self.heater.decision.state if self.heater.decision else None

    @override
    async def async_select_option(self, option: str) -> None:
        self.heater.set_manual_state(PowerState(option))
        await self.async_apply()


class PointSelect(PointEntity, SelectEntity):
    """A multi-state point that may be written."""

    def __init__(
        self,
        entry: ComputeHeaterConfigEntry,
        link: Link,
        point: Point,
    ) -> None:
        """Offer the states that the controller names."""
        super().__init__(entry, link, point)
        self._attr_options = list(point.states)

    @property
    @override
    def current_option(self) -> str | None:
        if self.present_value is None or not 1 <= int(self.present_value) <= len(
            self.point.states
        ):
            return None
        return self.point.states[int(self.present_value) - 1]

    @override
    async def async_select_option(self, option: str) -> None:
        number = self.point.states.index(option) + 1
        await self.coordinator.async_write(self.point.key, float(number))

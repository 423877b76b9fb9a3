"""Water heaters: hot-water tanks that compute heats."""

from typing import Any, override

from homeassistant.components.water_heater import (
    ATTR_OPERATION_MODE,
    WaterHeaterEntity,
    WaterHeaterEntityDescription,
    WaterHeaterEntityFeature,
)
from homeassistant.const import ATTR_TEMPERATURE, STATE_OFF, UnitOfTemperature
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .const import CONF_LIMIT_TEMPERATURE, DOMAIN
from .control.demand import SinkKind
from .coordinator import ComputeHeaterConfigEntry
from .entity import SinkEntity
from .site_sink import SiteSink

PARALLEL_UPDATES = 1

TANK = WaterHeaterEntityDescription(key="tank", translation_key="tank")
OPERATION_AUTO = "auto"


async def async_setup_entry(
    hass: HomeAssistant,
    entry: ComputeHeaterConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the hot-water tanks of a site."""
    for sink_id, sink in entry.runtime_data.site.sinks.items():
        if sink.kind is SinkKind.DHW:
            async_add_entities([Tank(entry, sink)], config_subentry_id=sink_id)


class Tank(SinkEntity, WaterHeaterEntity):
    """A hot-water tank: its temperature and what it shall be."""

    _attr_name = None
    _attr_native_temperature_unit = UnitOfTemperature.CELSIUS
    _attr_operation_list = [STATE_OFF, OPERATION_AUTO]
    _attr_supported_features = (
        WaterHeaterEntityFeature.TARGET_TEMPERATURE
        | WaterHeaterEntityFeature.OPERATION_MODE
        | WaterHeaterEntityFeature.ON_OFF
    )

    def __init__(self, entry: ComputeHeaterConfigEntry, sink: SiteSink) -> None:
        """Range up to just below the tank's limit."""
        super().__init__(entry, sink, TANK)
        self._attr_min_temp = 20.0
        self._attr_max_temp = min(sink.subentry.data[CONF_LIMIT_TEMPERATURE] - 1, 60.0)
        self._attr_target_temperature_step = 0.5

    @property
    @override
    def available(self) -> bool:
        return super().available and self.sink.temperature_c is not None

    @property
    @override
    def native_current_temperature(self) -> float | None:
        return self.sink.temperature_c

    @property
    @override
    def native_target_temperature(self) -> float:
        return self.sink.setpoint_c

    @property
    @override
    def current_operation(self) -> str:
        return OPERATION_AUTO if self.sink.enabled else STATE_OFF

    @override
    async def async_set_temperature(self, **kwargs: Any) -> None:
        target: float = kwargs[ATTR_TEMPERATURE]
        # Unlike climate, water_heater leaves the range to its entities.
        if not self.min_temp <= target <= self.max_temp:
            raise ServiceValidationError(
                translation_domain=DOMAIN,
                translation_key="target_out_of_range",
                translation_placeholders={
                    "target": f"{target:g}",
                    "minimum": f"{self.min_temp:g}",
                    "maximum": f"{self.max_temp:g}",
                },
            )
        if (mode := kwargs.get(ATTR_OPERATION_MODE)) is not None:
            await self.async_handle_set_operation_mode(mode)
        self.sink.setpoint_c = target
        await self.async_apply()

    @override
    async def async_set_operation_mode(self, operation_mode: str) -> None:
        self.sink.enabled = operation_mode != STATE_OFF
        await self.async_apply()

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        await self.async_set_operation_mode(OPERATION_AUTO)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        await self.async_set_operation_mode(STATE_OFF)

"""Climate entities: compute heaters, floor circuits, buffer tanks and pools."""

from typing import Any, override

from homeassistant.components.climate import (
    ATTR_HVAC_MODE,
    PRESET_BOOST,
    PRESET_ECO,
    PRESET_NONE,
    ClimateEntity,
    ClimateEntityDescription,
    ClimateEntityFeature,
    HVACAction,
    HVACMode,
)
from homeassistant.const import ATTR_TEMPERATURE, UnitOfTemperature
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .const import CONF_LIMIT_TEMPERATURE, CONF_THROTTLE_TEMPERATURE
from .control.demand import SinkKind
from .control.heater_control import Mode
from .control.power_state import measured_state
from .coordinator import ComputeHeaterConfigEntry
from .entity import HeaterEntity, SinkEntity
from .heaters.model import PowerState
from .one_by_one import one_by_one
from .site_heater import SiteHeater
from .site_sink import SiteSink

PARALLEL_UPDATES = 1

HEATER = ClimateEntityDescription(key="heater", translation_key="heater")
SINKS = {
    SinkKind.FLOOR: ClimateEntityDescription(key="floor", translation_key="floor"),
    SinkKind.BUFFER: ClimateEntityDescription(key="buffer", translation_key="buffer"),
    SinkKind.POOL: ClimateEntityDescription(key="pool", translation_key="pool"),
}

# Below this a heating loop is not of use.
_LOWEST_SUPPLY_C = 25.0
_SINK_RANGES_C = {
    SinkKind.FLOOR: (5.0, 30.0),
    SinkKind.BUFFER: (20.0, 80.0),
    SinkKind.POOL: (5.0, 40.0),
}
_MODES: dict[HVACMode, Mode] = {
    HVACMode.OFF: "off",
    HVACMode.AUTO: "auto",
    HVACMode.HEAT: "heat",
}
_PRESETS = {PRESET_ECO: PowerState.ECO, PRESET_BOOST: PowerState.FULL}


async def async_setup_entry(
    hass: HomeAssistant,
    entry: ComputeHeaterConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the climate entities of a site's parts."""
    site = entry.runtime_data.site
    async for heater_id, heater in one_by_one(site.heaters.items()):
        async_add_entities([HeaterClimate(entry, heater)], config_subentry_id=heater_id)
    for sink_id, sink in site.sinks.items():
        if sink.kind in SINKS:
            async_add_entities([SinkClimate(entry, sink)], config_subentry_id=sink_id)


class HeaterClimate(HeaterEntity, ClimateEntity):
    """A compute heater: off is standby, auto is dispatch, heat is by hand."""

    _attr_name = None
    _attr_native_temperature_unit = UnitOfTemperature.CELSIUS
    _attr_target_temperature_step = 0.5
    _attr_hvac_modes = [HVACMode.OFF, HVACMode.AUTO, HVACMode.HEAT]
    _attr_preset_modes = [PRESET_NONE, PRESET_ECO, PRESET_BOOST]
    _attr_supported_features = (
        ClimateEntityFeature.TARGET_TEMPERATURE
        | ClimateEntityFeature.PRESET_MODE
        | ClimateEntityFeature.TURN_ON
        | ClimateEntityFeature.TURN_OFF
    )

    def __init__(self, entry: ComputeHeaterConfigEntry, heater: SiteHeater) -> None:
        """Range up to where the heater is throttled."""
        super().__init__(entry, heater, HEATER)
        self._attr_min_temp = _LOWEST_SUPPLY_C
        self._attr_max_temp = heater.coordinator.subentry.data[
            CONF_THROTTLE_TEMPERATURE
        ]

    @property
    @override
    def native_current_temperature(self) -> float | None:
        return self.coordinator.data.supply_c

    @property
    @override
    def native_target_temperature(self) -> float:
        return self.heater.controls.target_c

    @property
    @override
    def hvac_mode(self) -> HVACMode:
        return HVACMode(self.heater.controls.mode)

    @property
    @override
    def hvac_action(self) -> HVACAction | None:
        """What the measured power says, whatever was asked for."""
        state = measured_state(self.coordinator.data, self.heater.settings)
        if state is None:
            return None
        if state in (PowerState.ECO, PowerState.FULL):
            return HVACAction.HEATING
        if self.heater.controls.mode == "off" or state is PowerState.OFF:
            return HVACAction.OFF
        return HVACAction.IDLE

    @property
    @override
    def preset_mode(self) -> str:
        state = self.heater.controls.manual_state
        return next((p for p, s in _PRESETS.items() if s is state), PRESET_NONE)

    @override
    async def async_set_hvac_mode(self, hvac_mode: HVACMode) -> None:
        self.heater.set_mode(_MODES[hvac_mode])
        await self.async_apply()

    @override
    async def async_turn_on(self) -> None:
        await self.async_set_hvac_mode(HVACMode.AUTO)

    @override
    async def async_turn_off(self) -> None:
        await self.async_set_hvac_mode(HVACMode.OFF)

    @override
    async def async_set_temperature(self, **kwargs: Any) -> None:
        if (mode := kwargs.get(ATTR_HVAC_MODE)) is not None:
            # Core does not check a mode that comes with a temperature.
            self._valid_mode_or_raise("hvac", mode, self.hvac_modes)
            self.heater.set_mode(_MODES[mode])
        if (target := kwargs.get(ATTR_TEMPERATURE)) is not None:
            self.heater.controls.target_c = target
        await self.async_apply()

    @override
    async def async_set_preset_mode(self, preset_mode: str) -> None:
        """Eco and boost are power states by hand; none holds the target by hand."""
        if (state := _PRESETS.get(preset_mode)) is not None:
            self.heater.set_manual_state(state)
        elif self.heater.controls.manual_state is not None:
            self.heater.set_mode("heat")
        await self.async_apply()


class SinkClimate(SinkEntity, ClimateEntity):
    """A floor circuit, a buffer tank or a pool: how warm it is and shall be."""

    _attr_name = None
    _attr_native_temperature_unit = UnitOfTemperature.CELSIUS
    _attr_target_temperature_step = 0.5
    _attr_hvac_modes = [HVACMode.OFF, HVACMode.HEAT]
    _attr_supported_features = (
        ClimateEntityFeature.TARGET_TEMPERATURE
        | ClimateEntityFeature.TURN_ON
        | ClimateEntityFeature.TURN_OFF
    )

    def __init__(self, entry: ComputeHeaterConfigEntry, sink: SiteSink) -> None:
        """Range up to just below the limit, where that is of what is shown."""
        super().__init__(entry, sink, SINKS[sink.kind])
        self._attr_min_temp, self._attr_max_temp = _SINK_RANGES_C[sink.kind]
        if sink.kind is not SinkKind.FLOOR:
            below_limit_c = sink.subentry.data[CONF_LIMIT_TEMPERATURE] - 1
            self._attr_max_temp = min(below_limit_c, self._attr_max_temp)

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
    def hvac_mode(self) -> HVACMode:
        return HVACMode.HEAT if self.sink.enabled else HVACMode.OFF

    @property
    @override
    def hvac_action(self) -> HVACAction:
        if not self.sink.enabled:
            return HVACAction.OFF
        return HVACAction.HEATING if self.is_served else HVACAction.IDLE

    @override
    async def async_set_hvac_mode(self, hvac_mode: HVACMode) -> None:
        self.sink.enabled = hvac_mode is HVACMode.HEAT
        await self.async_apply()

    @override
    async def async_turn_on(self) -> None:
        await self.async_set_hvac_mode(HVACMode.HEAT)

    @override
    async def async_turn_off(self) -> None:
        await self.async_set_hvac_mode(HVACMode.OFF)

    @override
    async def async_set_temperature(self, **kwargs: Any) -> None:
        if (mode := kwargs.get(ATTR_HVAC_MODE)) is not None:
            # Core does not check a mode that comes with a temperature.
            self._valid_mode_or_raise("hvac", mode, self.hvac_modes)
            self.sink.enabled = mode is HVACMode.HEAT
        if (target := kwargs.get(ATTR_TEMPERATURE)) is not None:
            self.sink.setpoint_c = target
        await self.async_apply()

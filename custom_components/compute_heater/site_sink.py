"""One heat consumer of a site: its sources, its demand and its path."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant, State, callback

from .const import (
    CONF_COMFORT_MINIMUM,
    CONF_DEMAND_ENTITY,
    CONF_FLOW_ENTITY,
    CONF_HYSTERESIS,
    CONF_KIND,
    CONF_LIMIT_TEMPERATURE,
    CONF_MAX_HEAT_POWER,
    CONF_OVERRUN_TIME,
    CONF_PATH,
    CONF_PUMP_ENTITY,
    CONF_SECOND_TEMPERATURE_ENTITY,
    CONF_SUPPLY_TEMPERATURE_ENTITY,
    CONF_TARGET_TEMPERATURE,
    CONF_TEMPERATURE_ENTITY,
    CONF_VALVE_ENTITY,
    CONF_VALVE_POSITION,
    CONF_VALVE_TRAVEL_TIME,
    CONF_VOLUME,
)
from .control.demand import (
    SinkController,
    SinkDemand,
    SinkKind,
    SinkReading,
    SinkSettings,
)
from .control.hydraulics import PathDemand, PathSettings
from .control.reasons import Reason
from .sources import Source, demand_fraction, flow, temperature

# Water: 4.186 kJ/(kg·K) at 1 kg/L.
_KWH_PER_LITRE_K = 4.186 / 3600

NOT_WANTED = SinkDemand(
    heat_w=0,
    wanted=False,
    accepts=False,
    energy_kwh=None,
    stored_kwh=None,
    charge_percent=None,
    hours_to_limit=None,
    reason=Reason.CLIMATE_OFF,
)


class SiteSink:
    """Reads one consumer's sources and says what heat it wants."""

    def __init__(self, hass: HomeAssistant, subentry: ConfigSubentry) -> None:
        """Take limits and entities from the subentry."""
        data = subentry.data
        self.subentry = subentry
        self.sink_id = subentry.subentry_id
        self.kind = SinkKind(data[CONF_KIND])
        self.enabled = True
        volume: float | None = data.get(CONF_VOLUME)
        max_heat_w = data[CONF_MAX_HEAT_POWER] * 1000
        self._controller = SinkController(
            SinkSettings(
                kind=self.kind,
                setpoint_c=data[CONF_TARGET_TEMPERATURE],
                hysteresis_k=data[CONF_HYSTERESIS],
                limit_c=data[CONF_LIMIT_TEMPERATURE],
                max_heat_w=max_heat_w,
                capacity_kwh_per_k=volume * _KWH_PER_LITRE_K if volume else None,
                comfort_min_c=data[CONF_COMFORT_MINIMUM],
            )
        )
        self.demand = NOT_WANTED
        second = data.get(CONF_SECOND_TEMPERATURE_ENTITY) or data.get(
            CONF_SUPPLY_TEMPERATURE_ENTITY
        )
        path = data[CONF_PATH]
        self._temperature = Source(hass, data[CONF_TEMPERATURE_ENTITY], temperature)
        self._second = Source(hass, second, temperature) if second else None
        self._demand = (
            Source(hass, data[CONF_DEMAND_ENTITY], demand_fraction(max_heat_w))
            if data.get(CONF_DEMAND_ENTITY)
            else None
        )
        self.flow = (
            Source(hass, path[CONF_FLOW_ENTITY], flow)
            if path.get(CONF_FLOW_ENTITY)
            else None
        )
        self.path = PathSettings(
            sink_id=self.sink_id,
            kind=self.kind,
            valve_id=path.get(CONF_VALVE_ENTITY),
            valve_open=path[CONF_VALVE_POSITION] == "on",
            pump_id=path.get(CONF_PUMP_ENTITY),
            has_flow_sensor=self.flow is not None,
            valve_travel_s=path[CONF_VALVE_TRAVEL_TIME],
            overrun_s=path[CONF_OVERRUN_TIME],
        )

    @property
    def sources(self) -> list[Source]:
        """Every entity that this consumer reads."""
        return [
            source
            for source in (self._temperature, self._second, self._demand, self.flow)
            if source is not None
        ]

    @property
    def entity_ids(self) -> list[str]:
        """Every entity that this consumer reads or drives."""
        driven = (self.path.valve_id, self.path.pump_id)
        return [
            *(source.entity_id for source in self.sources),
            *(entity_id for entity_id in driven if entity_id),
        ]

    @callback
    def take(self, entity_id: str, state: State | None) -> None:
        """Note a report of one of the sources."""
        for source in self.sources:
            if source.entity_id == entity_id:
                source.take(state)

    @property
    def temperature_c(self) -> float | None:
        """Controlling temperature: tank or room."""
        return self._temperature.number

    @property
    def is_known(self) -> bool:
        """The demand rests on a reading that can be relied on."""
        return self.demand.reason is not Reason.STALE_SENSOR

    @property
    def setpoint_c(self) -> float:
        """Wanted tank or room temperature."""
        return self._controller.settings.setpoint_c

    @setpoint_c.setter
    def setpoint_c(self, value: float) -> None:
        self._controller.settings = replace(self._controller.settings, setpoint_c=value)

    @callback
    def evaluate(self, now: float) -> PathDemand:
        """Work out the demand; also what the path needs to know of it."""
        demand = self._controller.evaluate(
            SinkReading(
                temperature_c=self._temperature.number,
                second_c=self._second.number if self._second else None,
                has_second=self._second is not None,
                demand_fraction=self._demand.number if self._demand else None,
                has_demand_point=self._demand is not None,
            ),
            now,
        )
        if not self.enabled:
            # Still measured, and still able to take heat that has nowhere else to go.
            demand = replace(demand, heat_w=0, wanted=False, reason=NOT_WANTED.reason)
        self.demand = demand
        return PathDemand(
            heat_w=demand.heat_w,
            accepts=demand.accepts,
            temperature_c=self._temperature.number,
        )

    @property
    def memory(self) -> dict[str, Any]:
        """What must survive a restart."""
        return {
            "enabled": self.enabled,
            "setpoint_c": self.setpoint_c,
            "controller": self._controller.memory,
            "intervals_s": {
                source.entity_id: source.intervals_s for source in self.sources
            },
        }

    def restore(self, memory: Mapping[str, Any]) -> None:
        """Take over what was stored."""
        if isinstance(enabled := memory.get("enabled"), bool):
            self.enabled = enabled
        if isinstance(setpoint := memory.get("setpoint_c"), int | float):
            self.setpoint_c = float(setpoint)
        self._controller.restore(memory.get("controller", {}))
        intervals = memory.get("intervals_s", {})
        for source in self.sources:
            source.intervals_s = [
                value
                for value in intervals.get(source.entity_id, ())
                if isinstance(value, int | float)
            ]

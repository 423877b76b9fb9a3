"""One heat consumer of a site: its sources, and what control makes of them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import time
from typing import Any

from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant, State, callback

from .const import (
    CONF_COMFORT_MINIMUM,
    CONF_CURVE_BASE,
    CONF_CURVE_SLOPE,
    CONF_DEMAND_ADDS,
    CONF_DEMAND_ENTITY,
    CONF_DISINFECTION,
    CONF_ENABLED,
    CONF_EVERY_DAYS,
    CONF_FLOW_ENTITY,
    CONF_HEAT_CURVE,
    CONF_HOLD_TIME,
    CONF_HYSTERESIS,
    CONF_KIND,
    CONF_LIMIT_TEMPERATURE,
    CONF_MAX_HEAT_POWER,
    CONF_OUTDOOR_ENTITY,
    CONF_OVERRUN_TIME,
    CONF_PATH,
    CONF_PUMP_ENTITY,
    CONF_SECOND_TEMPERATURE_ENTITY,
    CONF_SUPPLY_TEMPERATURE_ENTITY,
    CONF_TARGET_TEMPERATURE,
    CONF_TEMPERATURE,
    CONF_TEMPERATURE_ENTITY,
    CONF_VALVE_ENTITY,
    CONF_VALVE_POSITION,
    CONF_VALVE_TRAVEL_TIME,
    CONF_VOLUME,
    CONF_WINDOW_END,
    CONF_WINDOW_START,
)
from .control.demand import (
    SinkController,
    SinkDemand,
    SinkKind,
    SinkReading,
    SinkSettings,
)
from .control.description import SinkDescription
from .control.disinfection import Disinfection, DisinfectionSettings
from .control.heat_curve import HeatCurve
from .control.hydraulics import PathSettings
from .sources import Source, demand_fraction, flow, temperature

# Water: 4.186 kJ/(kg·K) at 1 kg/L.
_KWH_PER_LITRE_K = 4.186 / 3600


def sink_description(subentry: ConfigSubentry) -> SinkDescription:
    """Return limits and path from a consumer's subentry."""
    data = subentry.data
    kind = SinkKind(data[CONF_KIND])
    volume: float | None = data.get(CONF_VOLUME)
    path = data[CONF_PATH]
    return SinkDescription(
        settings=SinkSettings(
            kind=kind,
            setpoint_c=data[CONF_TARGET_TEMPERATURE],
            hysteresis_k=data[CONF_HYSTERESIS],
            limit_c=data[CONF_LIMIT_TEMPERATURE],
            max_heat_w=data[CONF_MAX_HEAT_POWER] * 1000,
            capacity_kwh_per_k=volume * _KWH_PER_LITRE_K if volume else None,
            comfort_min_c=data[CONF_COMFORT_MINIMUM],
            demand_adds=data.get(CONF_DEMAND_ADDS, False),
            curve=_curve(data.get(CONF_HEAT_CURVE, {})),
        ),
        disinfection=_disinfection(data.get(CONF_DISINFECTION, {})),
        path=PathSettings(
            sink_id=subentry.subentry_id,
            kind=kind,
            valve_id=path.get(CONF_VALVE_ENTITY),
            valve_open=path[CONF_VALVE_POSITION] == "on",
            pump_id=path.get(CONF_PUMP_ENTITY),
            has_flow_sensor=bool(path.get(CONF_FLOW_ENTITY)),
            valve_travel_s=path[CONF_VALVE_TRAVEL_TIME],
            overrun_s=path[CONF_OVERRUN_TIME],
        ),
    )


def _curve(data: Mapping[str, Any]) -> HeatCurve | None:
    if not data.get(CONF_OUTDOOR_ENTITY):
        return None
    return HeatCurve(data[CONF_CURVE_BASE], data[CONF_CURVE_SLOPE])


def _disinfection(data: Mapping[str, Any]) -> DisinfectionSettings | None:
    if not data.get(CONF_ENABLED):
        return None
    return DisinfectionSettings(
        every_days=int(data[CONF_EVERY_DAYS]),
        window_start=time.fromisoformat(data[CONF_WINDOW_START]),
        window_end=time.fromisoformat(data[CONF_WINDOW_END]),
        temperature_c=data[CONF_TEMPERATURE],
        hold_s=data[CONF_HOLD_TIME] * 60,
    )


class SiteSink:
    """Reads one consumer's sources for control."""

    def __init__(
        self,
        hass: HomeAssistant,
        subentry: ConfigSubentry,
        description: SinkDescription,
        controller: SinkController,
        disinfection: Disinfection | None,
    ) -> None:
        """Take the entities from the subentry."""
        data = subentry.data
        self.subentry = subentry
        self.sink_id = subentry.subentry_id
        self.kind = description.settings.kind
        self.path = description.path
        self._controller = controller
        self.disinfection = disinfection
        """None where it is not wanted."""
        second = data.get(CONF_SECOND_TEMPERATURE_ENTITY) or data.get(
            CONF_SUPPLY_TEMPERATURE_ENTITY
        )
        path = data[CONF_PATH]
        self._temperature = Source(hass, data[CONF_TEMPERATURE_ENTITY], temperature)
        self._second = Source(hass, second, temperature) if second else None
        outdoor = data.get(CONF_HEAT_CURVE, {}).get(CONF_OUTDOOR_ENTITY)
        self._outdoor = Source(hass, outdoor, temperature) if outdoor else None
        self._demand = (
            Source(
                hass,
                data[CONF_DEMAND_ENTITY],
                demand_fraction(description.settings.max_heat_w),
            )
            if data.get(CONF_DEMAND_ENTITY)
            else None
        )
        self.flow = (
            Source(hass, path[CONF_FLOW_ENTITY], flow)
            if path.get(CONF_FLOW_ENTITY)
            else None
        )

    @property
    def sources(self) -> list[Source]:
        """Every entity that this consumer reads."""
        return [
            source
            for source in (
                self._temperature,
                self._second,
                self._outdoor,
                self._demand,
                self.flow,
            )
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
        """Controlling temperature: tank, room or pool."""
        return self._temperature.number

    @property
    def has_curve(self) -> bool:
        """It follows a heat curve."""
        return self._outdoor is not None

    @property
    def demand(self) -> SinkDemand:
        """What it wants."""
        return self._controller.demand

    @property
    def is_known(self) -> bool:
        """The demand rests on a reading that can be relied on."""
        return self._controller.is_known

    @property
    def enabled(self) -> bool:
        """Its owner lets it want heat."""
        return self._controller.enabled

    @enabled.setter
    def enabled(self, value: bool) -> None:
        self._controller.enabled = value

    @property
    def setpoint_c(self) -> float:
        """Wanted tank, room or pool temperature."""
        return self._controller.settings.setpoint_c

    @setpoint_c.setter
    def setpoint_c(self, value: float) -> None:
        self._controller.settings = replace(self._controller.settings, setpoint_c=value)

    @callback
    def read(self) -> SinkReading:
        """Return what its sources say now."""
        return SinkReading(
            temperature_c=self._temperature.number,
            second_c=self._second.number if self._second else None,
            has_second=self._second is not None,
            outdoor_c=self._outdoor.number if self._outdoor else None,
            demand_fraction=self._demand.number if self._demand else None,
            has_demand_point=self._demand is not None,
        )

    @property
    def memory(self) -> dict[str, Any]:
        """What must survive a restart of the sources."""
        return {
            "intervals_s": {
                source.entity_id: source.intervals_s for source in self.sources
            },
        }

    def restore(self, memory: Mapping[str, Any]) -> None:
        """Take over what was stored of the sources."""
        intervals = memory.get("intervals_s", {})
        for source in self.sources:
            source.intervals_s = [
                value
                for value in intervals.get(source.entity_id, ())
                if isinstance(value, int | float)
            ]

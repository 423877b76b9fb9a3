"""The forms of heat consumers: their fields, defaults, and what contradicts."""

from collections.abc import Mapping
from datetime import time, timedelta
from typing import Any

import probatio

from homeassistant.const import CONF_NAME
from homeassistant.data_entry_flow import section
from homeassistant.helpers.selector import (
    BooleanSelector,
    EntitySelector,
    EntitySelectorConfig,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectSelector,
    SelectSelectorConfig,
    TextSelector,
    TimeSelector,
)
from homeassistant.util import dt as dt_util

from ..const import (
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
from ..control.daily_window import DailyWindow
from ..control.demand import SinkKind

_TEMPERATURE = EntitySelector(
    EntitySelectorConfig(
        filter=[
            {"domain": ["sensor"], "device_class": ["temperature"]},
            {"domain": ["number", "input_number"]},
        ]
    )
)
_DEMAND = EntitySelector(
    EntitySelectorConfig(filter=[{"domain": ["sensor", "number", "input_number"]}])
)
_VALVE = EntitySelector(
    EntitySelectorConfig(filter=[{"domain": ["switch", "valve", "input_boolean"]}])
)
_PUMP = EntitySelector(
    EntitySelectorConfig(filter=[{"domain": ["switch", "input_boolean"]}])
)
_FLOW = EntitySelector(
    EntitySelectorConfig(
        filter=[{"domain": ["sensor"], "device_class": ["volume_flow_rate"]}]
    )
)
_POSITION = SelectSelector(
    SelectSelectorConfig(options=["on", "off"], translation_key="valve_position")
)

# A tank needs time to get hot before it can be held.
_HEATING_TIME = timedelta(hours=1)
# Control heats 2 K beyond the temperature, and the limit must not be reached.
_BELOW_LIMIT_K = 3.0


def _box(
    minimum: float, maximum: float, unit: str | None, step: float = 0.5
) -> NumberSelector:
    config = NumberSelectorConfig(
        min=minimum, max=maximum, step=step, mode=NumberSelectorMode.BOX
    )
    if unit is not None:
        config["unit_of_measurement"] = unit
    return NumberSelector(config)


_PATH_DEFAULTS: dict[str, Any] = {CONF_VALVE_TRAVEL_TIME: 60, CONF_OVERRUN_TIME: 120}

DEFAULTS: dict[SinkKind, dict[str, Any]] = {
    SinkKind.DHW: {
        CONF_VOLUME: 200,
        CONF_TARGET_TEMPERATURE: 50,
        CONF_HYSTERESIS: 4,
        CONF_LIMIT_TEMPERATURE: 65,
        CONF_COMFORT_MINIMUM: 42,
        CONF_MAX_HEAT_POWER: 3,
        CONF_PATH: {**_PATH_DEFAULTS, CONF_VALVE_POSITION: "on"},
    },
    SinkKind.FLOOR: {
        CONF_TARGET_TEMPERATURE: 21,
        CONF_HYSTERESIS: 0.5,
        CONF_LIMIT_TEMPERATURE: 45,
        CONF_COMFORT_MINIMUM: 19.5,
        CONF_MAX_HEAT_POWER: 3,
        CONF_PATH: {**_PATH_DEFAULTS, CONF_VALVE_POSITION: "off"},
    },
    SinkKind.BUFFER: {
        CONF_VOLUME: 500,
        CONF_TARGET_TEMPERATURE: 45,
        CONF_HYSTERESIS: 5,
        CONF_LIMIT_TEMPERATURE: 80,
        CONF_COMFORT_MINIMUM: 35,
        CONF_MAX_HEAT_POWER: 3,
        CONF_PATH: {**_PATH_DEFAULTS, CONF_VALVE_POSITION: "off"},
    },
    SinkKind.POOL: {
        CONF_VOLUME: 30_000,
        CONF_TARGET_TEMPERATURE: 27,
        CONF_HYSTERESIS: 1,
        CONF_LIMIT_TEMPERATURE: 32,
        CONF_COMFORT_MINIMUM: 22,
        CONF_MAX_HEAT_POWER: 3,
        CONF_PATH: {**_PATH_DEFAULTS, CONF_VALVE_POSITION: "off"},
    },
}
_CURVES = {SinkKind.FLOOR: (22, 0.4), SinkKind.BUFFER: (25, 0.6)}
_TARGETS = {
    SinkKind.DHW: _box(20, 60, "°C"),
    SinkKind.FLOOR: _box(5, 30, "°C"),
    SinkKind.BUFFER: _box(20, 80, "°C"),
    SinkKind.POOL: _box(5, 40, "°C"),
}
_LIMITS = {
    SinkKind.DHW: _box(30, 85, "°C"),
    SinkKind.FLOOR: _box(25, 60, "°C"),
    SinkKind.BUFFER: _box(25, 95, "°C"),
    SinkKind.POOL: _box(10, 45, "°C"),
}


def sink_schema(kind: SinkKind, *, new: bool) -> probatio.Schema:
    """Return the form of a kind; an old one leaves its target to its entity."""
    fields: dict[Any, Any] = {
        probatio.Required(CONF_NAME): TextSelector(),
        probatio.Required(CONF_TEMPERATURE_ENTITY): _TEMPERATURE,
    }
    if kind.is_tank:
        fields[probatio.Optional(CONF_SECOND_TEMPERATURE_ENTITY)] = _TEMPERATURE
    if kind is SinkKind.FLOOR:
        fields[probatio.Optional(CONF_SUPPLY_TEMPERATURE_ENTITY)] = _TEMPERATURE
    else:
        largest = 1_000_000 if kind is SinkKind.POOL else 20_000
        fields[probatio.Required(CONF_VOLUME)] = _box(5, largest, "L", 1)
    if new:
        fields[probatio.Required(CONF_TARGET_TEMPERATURE)] = _TARGETS[kind]
    fields |= {
        probatio.Required(CONF_HYSTERESIS): _box(0.1, 15, "K", 0.1),
        probatio.Required(CONF_LIMIT_TEMPERATURE): _LIMITS[kind],
        probatio.Required(CONF_COMFORT_MINIMUM): _box(5, 60, "°C"),
        probatio.Required(CONF_MAX_HEAT_POWER): _box(0.1, 100, "kW", 0.1),
        probatio.Optional(CONF_DEMAND_ENTITY): _DEMAND,
        probatio.Optional(CONF_DEMAND_ADDS): BooleanSelector(),
    }
    if kind in _CURVES:
        fields[probatio.Optional(CONF_HEAT_CURVE)] = _curve_section(*_CURVES[kind])
    if kind is SinkKind.DHW:
        fields[probatio.Optional(CONF_DISINFECTION)] = _disinfection_section()
    fields[probatio.Required(CONF_PATH)] = _path_section()
    return probatio.Schema(fields)


def _curve_section(base_c: float, slope: float) -> section:
    return section(
        probatio.Schema(
            {
                probatio.Optional(CONF_OUTDOOR_ENTITY): _TEMPERATURE,
                probatio.Required(CONF_CURVE_BASE, default=base_c): _box(15, 60, "°C"),
                probatio.Required(CONF_CURVE_SLOPE, default=slope): _box(
                    0, 4, None, 0.05
                ),
            }
        ),
        {"collapsed": True},
    )


def _disinfection_section() -> section:
    return section(
        probatio.Schema(
            {
                probatio.Required(CONF_ENABLED, default=False): BooleanSelector(),
                probatio.Required(CONF_EVERY_DAYS, default=7): _box(1, 30, "d", 1),
                probatio.Required(
                    CONF_WINDOW_START, default="01:00:00"
                ): TimeSelector(),
                probatio.Required(CONF_WINDOW_END, default="05:00:00"): TimeSelector(),
                probatio.Required(CONF_TEMPERATURE, default=60): _box(55, 75, "°C"),
                probatio.Required(CONF_HOLD_TIME, default=60): _box(1, 600, "min", 1),
            }
        ),
        {"collapsed": True},
    )


def _path_section() -> section:
    return section(
        probatio.Schema(
            {
                probatio.Optional(CONF_VALVE_ENTITY): _VALVE,
                probatio.Required(CONF_VALVE_POSITION, default="on"): _POSITION,
                probatio.Required(CONF_VALVE_TRAVEL_TIME, default=60): _box(
                    0, 600, "s", 1
                ),
                probatio.Optional(CONF_PUMP_ENTITY): _PUMP,
                probatio.Optional(CONF_FLOW_ENTITY): _FLOW,
                probatio.Required(CONF_OVERRUN_TIME, default=120): _box(
                    0, 3600, "s", 1
                ),
            }
        ),
        {"collapsed": True},
    )


def check_sink(
    kind: SinkKind, values: Mapping[str, Any], target_c: float
) -> dict[str, str]:
    """Return the errors of values that contradict each other."""
    errors: dict[str, str] = {}
    if values[CONF_COMFORT_MINIMUM] >= target_c:
        errors[CONF_COMFORT_MINIMUM] = "comfort_not_below_target"
    if kind is not SinkKind.FLOOR and values[CONF_LIMIT_TEMPERATURE] <= target_c:
        errors[CONF_LIMIT_TEMPERATURE] = "limit_not_above_target"
    # Home Assistant shows no errors inside of sections.
    path = values[CONF_PATH]
    if path.get(CONF_VALVE_ENTITY) and path.get(CONF_VALVE_ENTITY) == path.get(
        CONF_PUMP_ENTITY
    ):
        errors["base"] = "valve_is_pump"
    if (
        kind is SinkKind.FLOOR
        and values.get(CONF_HEAT_CURVE, {}).get(CONF_OUTDOOR_ENTITY)
        and not values.get(CONF_SUPPLY_TEMPERATURE_ENTITY)
    ):
        errors["base"] = "curve_needs_supply"
    return errors | _check_disinfection(values)


def _check_disinfection(values: Mapping[str, Any]) -> dict[str, str]:
    errors: dict[str, str] = {}
    schedule = values.get(CONF_DISINFECTION, {})
    if not schedule.get(CONF_ENABLED):
        return errors
    window = DailyWindow(
        time.fromisoformat(schedule[CONF_WINDOW_START]),
        time.fromisoformat(schedule[CONF_WINDOW_END]),
        dt_util.get_default_time_zone(),
    )
    if window.length < timedelta(minutes=schedule[CONF_HOLD_TIME]) + _HEATING_TIME:
        errors["base"] = "window_too_short"
    if values[CONF_LIMIT_TEMPERATURE] - schedule[CONF_TEMPERATURE] < _BELOW_LIMIT_K:
        errors[CONF_LIMIT_TEMPERATURE] = "limit_not_above_disinfection"
    return errors

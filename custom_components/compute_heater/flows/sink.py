"""Add or change a heat consumer: a hot-water tank or a floor circuit."""

from collections.abc import Mapping
from typing import Any

import probatio

from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    ConfigEntryState,
    ConfigSubentryFlow,
    SubentryFlowResult,
)
from homeassistant.const import CONF_NAME
from homeassistant.data_entry_flow import section
from homeassistant.helpers.selector import (
    EntitySelector,
    EntitySelectorConfig,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectSelector,
    SelectSelectorConfig,
    TextSelector,
)

from ..building.points import Role
from ..const import (
    CONF_CAPABILITIES,
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
    SUBENTRY_HEATER,
)
from ..control.demand import SinkKind
from .link_entities import entity_of_role, is_stored_setting, point_entities

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


def _box(
    minimum: float, maximum: float, unit: str, step: float = 0.5
) -> NumberSelector:
    return NumberSelector(
        NumberSelectorConfig(
            min=minimum,
            max=maximum,
            step=step,
            mode=NumberSelectorMode.BOX,
            unit_of_measurement=unit,
        )
    )


_PATH_DEFAULTS: dict[str, Any] = {CONF_VALVE_TRAVEL_TIME: 60, CONF_OVERRUN_TIME: 120}

_DEFAULTS: dict[SinkKind, dict[str, Any]] = {
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
}


_TEMPERATURE_ROLES = {
    SinkKind.DHW: Role.DHW_TEMPERATURE,
    SinkKind.FLOOR: Role.ROOM_TEMPERATURE,
}


class SinkSubentryFlow(ConfigSubentryFlow):
    """Choose the kind, then its temperatures, its limits and the way of the heat."""

    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Choose the kind of consumer."""
        return self.async_show_menu(step_id="user", menu_options=["dhw", "floor"])

    async def async_step_dhw(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for a hot-water tank."""
        return await self._async_step_sink(SinkKind.DHW, "dhw", user_input)

    async def async_step_floor(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for a floor-heating circuit."""
        return await self._async_step_sink(SinkKind.FLOOR, "floor", user_input)

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Change a consumer; its target temperature stays with its entity."""
        kind = SinkKind(self._get_reconfigure_subentry().data[CONF_KIND])
        step = self.async_step_dhw if kind is SinkKind.DHW else self.async_step_floor
        return await step(user_input)

    async def _async_step_sink(
        self, kind: SinkKind, step_id: str, user_input: dict[str, Any] | None
    ) -> SubentryFlowResult:
        errors: dict[str, str] = {}
        new = self.source != SOURCE_RECONFIGURE
        if user_input is not None:
            errors = _check(kind, user_input, self._target_c(user_input))
            if not errors and self._wears_memory(user_input[CONF_PATH]):
                errors["base"] = "eeprom_point"
            if not errors and not self._can_prove_flow(user_input[CONF_PATH]):
                errors["base"] = "flow_cannot_be_proven"
            if not errors:
                data = {**user_input, CONF_KIND: kind.value}
                title = data.pop(CONF_NAME)
                if new:
                    return self.async_create_entry(title=title, data=data)
                subentry = self._get_reconfigure_subentry()
                data[CONF_TARGET_TEMPERATURE] = subentry.data[CONF_TARGET_TEMPERATURE]
                return self.async_update_and_abort(
                    self._get_entry(), subentry, title=title, data=data
                )
        suggested: Mapping[str, Any]
        if user_input is not None:
            suggested = user_input
        elif new:
            suggested = self._suggested(kind)
        else:
            subentry = self._get_reconfigure_subentry()
            suggested = {**subentry.data, CONF_NAME: subentry.title}
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(
                _schema(kind, new=new), suggested
            ),
            errors=errors,
        )

    def _suggested(self, kind: SinkKind) -> Mapping[str, Any]:
        """Return the defaults, with the entities whose roles leave no doubt."""
        points = list(point_entities(self.hass, self._get_entry()))
        temperature = _TEMPERATURE_ROLES[kind]
        entities = {
            CONF_TEMPERATURE_ENTITY: entity_of_role(
                points, temperature, "sensor", "temperature"
            ),
            CONF_DEMAND_ENTITY: entity_of_role(points, Role.HEAT_DEMAND, "sensor"),
        }
        path = {
            CONF_PUMP_ENTITY: entity_of_role(points, Role.PUMP, "switch"),
            CONF_VALVE_ENTITY: entity_of_role(points, Role.VALVE, "switch"),
            CONF_FLOW_ENTITY: entity_of_role(
                points, Role.FLOW, "sensor", "volume_flow_rate"
            ),
        }
        return {
            **_DEFAULTS[kind],
            **{key: found for key, found in entities.items() if found},
            CONF_PATH: {
                **_DEFAULTS[kind][CONF_PATH],
                **{key: found for key, found in path.items() if found},
            },
        }

    def _wears_memory(self, path: Mapping[str, Any]) -> bool:
        """Whether control would write to a memory that wears with every write."""
        return any(
            is_stored_setting(self.hass, path[key])
            for key in (CONF_PUMP_ENTITY, CONF_VALVE_ENTITY)
            if path.get(key)
        )

    def _can_prove_flow(self, path: Mapping[str, Any]) -> bool:
        """Whether a pump that runs can be told from one that does not."""
        heaters = list(self._get_entry().get_subentries_of_type(SUBENTRY_HEATER))
        return (
            not path.get(CONF_PUMP_ENTITY)
            or bool(path.get(CONF_FLOW_ENTITY))
            or not heaters
            or any(h.data[CONF_CAPABILITIES]["has_coolant"] for h in heaters)
        )

    def _target_c(self, values: Mapping[str, Any]) -> float:
        """Return what is typed, or for a known consumer what its entity has."""
        if self.source != SOURCE_RECONFIGURE:
            return float(values[CONF_TARGET_TEMPERATURE])
        entry, subentry = self._get_entry(), self._get_reconfigure_subentry()
        if entry.state is ConfigEntryState.LOADED:
            sinks = entry.runtime_data.site.sinks
            return float(sinks[subentry.subentry_id].setpoint_c)
        return float(subentry.data[CONF_TARGET_TEMPERATURE])


def _schema(kind: SinkKind, *, new: bool) -> probatio.Schema:
    fields: dict[Any, Any] = {
        probatio.Required(CONF_NAME): TextSelector(),
        probatio.Required(CONF_TEMPERATURE_ENTITY): _TEMPERATURE,
    }
    if kind is SinkKind.DHW:
        fields[probatio.Optional(CONF_SECOND_TEMPERATURE_ENTITY)] = _TEMPERATURE
        fields[probatio.Required(CONF_VOLUME)] = _box(5, 20_000, "L", 1)
        target, limit = _box(20, 60, "°C"), _box(30, 85, "°C")
    else:
        fields[probatio.Optional(CONF_SUPPLY_TEMPERATURE_ENTITY)] = _TEMPERATURE
        target, limit = _box(5, 30, "°C"), _box(25, 60, "°C")
    if new:
        fields[probatio.Required(CONF_TARGET_TEMPERATURE)] = target
    fields |= {
        probatio.Required(CONF_HYSTERESIS): _box(0.1, 15, "K", 0.1),
        probatio.Required(CONF_LIMIT_TEMPERATURE): limit,
        probatio.Required(CONF_COMFORT_MINIMUM): _box(5, 60, "°C"),
        probatio.Required(CONF_MAX_HEAT_POWER): _box(0.1, 100, "kW", 0.1),
        probatio.Optional(CONF_DEMAND_ENTITY): _DEMAND,
        probatio.Required(CONF_PATH): section(
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
        ),
    }
    return probatio.Schema(fields)


def _check(
    kind: SinkKind, values: Mapping[str, Any], target_c: float
) -> dict[str, str]:
    """Return the errors of values that contradict each other."""
    errors: dict[str, str] = {}
    if values[CONF_COMFORT_MINIMUM] >= target_c:
        errors[CONF_COMFORT_MINIMUM] = "comfort_not_below_target"
    if kind is SinkKind.DHW and values[CONF_LIMIT_TEMPERATURE] <= target_c:
        errors[CONF_LIMIT_TEMPERATURE] = "limit_not_above_target"
    path = values[CONF_PATH]
    if path.get(CONF_VALVE_ENTITY) and path.get(CONF_VALVE_ENTITY) == path.get(
        CONF_PUMP_ENTITY
    ):
        errors["base"] = "valve_is_pump"
    return errors

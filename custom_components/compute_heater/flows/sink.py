"""Add or change a heat consumer: a tank, a floor circuit or a pool."""

from collections.abc import Mapping
from typing import Any

from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    ConfigEntryState,
    ConfigSubentryFlow,
    SubentryFlowResult,
)
from homeassistant.const import CONF_NAME

from ..building.points import Role
from ..const import (
    CONF_CAPABILITIES,
    CONF_DEMAND_ENTITY,
    CONF_FLOW_ENTITY,
    CONF_KIND,
    CONF_PATH,
    CONF_PUMP_ENTITY,
    CONF_TARGET_TEMPERATURE,
    CONF_TEMPERATURE_ENTITY,
    CONF_VALVE_ENTITY,
    SUBENTRY_HEATER,
)
from ..control.demand import SinkKind
from .link_entities import entity_of_role, is_stored_setting, point_entities
from .sink_form import DEFAULTS, check_sink, sink_schema

_TEMPERATURE_ROLES = {
    SinkKind.DHW: Role.DHW_TEMPERATURE,
    SinkKind.FLOOR: Role.ROOM_TEMPERATURE,
    SinkKind.BUFFER: Role.BUFFER_TEMPERATURE,
}


class SinkSubentryFlow(ConfigSubentryFlow):
    """Choose the kind, then its temperatures, its limits and the way of the heat."""

    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Choose the kind of consumer."""
        return self.async_show_menu(step_id="user", menu_options=[*SinkKind])

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

    async def async_step_buffer(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for a buffer tank."""
        return await self._async_step_sink(SinkKind.BUFFER, "buffer", user_input)

    async def async_step_pool(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for a pool."""
        return await self._async_step_sink(SinkKind.POOL, "pool", user_input)

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Change a consumer; its target temperature stays with its entity."""
        kind = SinkKind(self._get_reconfigure_subentry().data[CONF_KIND])
        return await self._async_step_sink(kind, kind.value, user_input)

    async def _async_step_sink(
        self, kind: SinkKind, step_id: str, user_input: dict[str, Any] | None
    ) -> SubentryFlowResult:
        errors: dict[str, str] = {}
        new = self.source != SOURCE_RECONFIGURE
        if user_input is not None:
            errors = check_sink(kind, user_input, self._target_c(user_input))
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
                sink_schema(kind, new=new), suggested
            ),
            errors=errors,
        )

    def _suggested(self, kind: SinkKind) -> Mapping[str, Any]:
        """Return the defaults, with the entities whose roles leave no doubt."""
        points = list(point_entities(self.hass, self._get_entry()))
        role = _TEMPERATURE_ROLES.get(kind)
        entities = {
            CONF_TEMPERATURE_ENTITY: role
            and entity_of_role(points, role, "sensor", "temperature"),
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
            **DEFAULTS[kind],
            **{key: found for key, found in entities.items() if found},
            CONF_PATH: {
                **DEFAULTS[kind][CONF_PATH],
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

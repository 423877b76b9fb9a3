"""Add or change a backup: the usual source of heat, and how it is asked for it."""

from collections.abc import Mapping
from typing import Any, Literal

import probatio

from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    ConfigEntry,
    ConfigSubentryFlow,
    SubentryFlowResult,
)
from homeassistant.const import CONF_NAME
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import section
from homeassistant.helpers.selector import (
    BooleanSelector,
    EntitySelector,
    EntitySelectorConfig,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    TextSelector,
)

from ..const import (
    CONF_CONSUMERS,
    CONF_COP,
    CONF_COP_PER_K,
    CONF_EFFICIENCY,
    CONF_FUEL_PRICE,
    CONF_HEAT_ENTITY,
    CONF_KIND,
    CONF_MAX_HEAT_POWER,
    CONF_MAX_TEMPERATURE,
    CONF_MAY_SWITCH_OFF,
    CONF_REQUEST,
    CONF_REST_TEMPERATURE,
    CONF_SETPOINT_ENTITY,
    CONF_SWITCH_ENTITY,
    CONF_WANTED_TEMPERATURE,
    SUBENTRY_SINK,
)
from ..site_backup import BackupKind
from .link_entities import is_stored_setting

# Below it pipes and rooms are in danger of frost.
_FROST_C = 8.0

_HEAT = EntitySelector(
    EntitySelectorConfig(filter=[{"domain": ["sensor"], "device_class": ["power"]}])
)
_SWITCH = EntitySelector(
    EntitySelectorConfig(filter=[{"domain": ["switch", "input_boolean"]}])
)
_SETPOINT = EntitySelector(
    EntitySelectorConfig(
        filter=[{"domain": ["climate", "water_heater", "number", "input_number"]}]
    )
)


_DEFAULTS: Mapping[BackupKind, Mapping[str, Any]] = {
    BackupKind.HEAT_PUMP: {
        CONF_MAX_HEAT_POWER: 8,
        CONF_MAX_TEMPERATURE: 55,
        CONF_COP: 3.5,
        CONF_COP_PER_K: 0.08,
    },
    BackupKind.BOILER: {
        CONF_MAX_HEAT_POWER: 15,
        CONF_MAX_TEMPERATURE: 75,
        CONF_EFFICIENCY: 90,
        CONF_FUEL_PRICE: 0.12,
    },
    BackupKind.IMMERSION_HEATER: {CONF_MAX_HEAT_POWER: 3, CONF_MAX_TEMPERATURE: 75},
}
_REQUEST = {
    CONF_MAY_SWITCH_OFF: False,
    CONF_WANTED_TEMPERATURE: 50,
    CONF_REST_TEMPERATURE: 40,
}


class BackupSubentryFlow(ConfigSubentryFlow):
    """Choose the kind, then what it heats, what that costs and how to ask for it."""

    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Choose the kind of backup."""
        if not _consumers(self._get_entry()):
            return self.async_abort(reason="no_consumers")
        return self.async_show_menu(step_id="user", menu_options=[*BackupKind])

    async def async_step_heat_pump(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for a heat pump."""
        return await self._async_step_backup(
            BackupKind.HEAT_PUMP, "heat_pump", user_input
        )

    async def async_step_boiler(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for a boiler."""
        return await self._async_step_backup(BackupKind.BOILER, "boiler", user_input)

    async def async_step_immersion_heater(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for an immersion heater."""
        return await self._async_step_backup(
            BackupKind.IMMERSION_HEATER, "immersion_heater", user_input
        )

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Change a backup."""
        kind = BackupKind(self._get_reconfigure_subentry().data[CONF_KIND])
        return await self._async_step_backup(kind, kind.value, user_input)

    async def _async_step_backup(
        self, kind: BackupKind, step_id: str, user_input: dict[str, Any] | None
    ) -> SubentryFlowResult:
        errors: dict[str, str] = {}
        new = self.source != SOURCE_RECONFIGURE
        if user_input is not None:
            errors = _check(self.hass, user_input)
            if not errors:
                data = {**user_input, CONF_KIND: kind.value}
                title = data.pop(CONF_NAME)
                if new:
                    return self.async_create_entry(title=title, data=data)
                return self.async_update_and_abort(
                    self._get_entry(),
                    self._get_reconfigure_subentry(),
                    title=title,
                    data=data,
                )
        suggested: Mapping[str, Any]
        if user_input is not None:
            suggested = user_input
        elif new:
            suggested = {
                **_DEFAULTS[kind],
                CONF_CONSUMERS: list(_consumers(self._get_entry())),
                CONF_REQUEST: _REQUEST,
            }
        else:
            subentry = self._get_reconfigure_subentry()
            known = _consumers(self._get_entry())
            suggested = {
                **subentry.data,
                CONF_NAME: subentry.title,
                # One that was removed cannot be chosen any more.
                CONF_CONSUMERS: [
                    each for each in subentry.data[CONF_CONSUMERS] if each in known
                ],
            }
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(
                _schema(self.hass, kind, _consumers(self._get_entry())), suggested
            ),
            errors=errors,
        )


def _consumers(entry: ConfigEntry) -> dict[str, str]:
    """Return names of the site's heat consumers, by their ids."""
    return {
        sink.subentry_id: sink.title
        for sink in entry.get_subentries_of_type(SUBENTRY_SINK)
    }


def _schema(
    hass: HomeAssistant, kind: BackupKind, consumers: Mapping[str, str]
) -> probatio.Schema:
    options = [
        SelectOptionDict(value=key, label=title) for key, title in consumers.items()
    ]
    fields: dict[Any, Any] = {
        probatio.Required(CONF_NAME): TextSelector(),
        probatio.Required(CONF_CONSUMERS): SelectSelector(
            SelectSelectorConfig(options=options, multiple=True)
        ),
        probatio.Required(CONF_MAX_HEAT_POWER): _box(0.1, 1000, "kW", 0.1),
        probatio.Required(CONF_MAX_TEMPERATURE): _box(20, 95, "°C", 0.5),
    }
    if kind is BackupKind.HEAT_PUMP:
        fields[probatio.Required(CONF_COP)] = _box(1, 10, None, 0.1)
        fields[probatio.Required(CONF_COP_PER_K)] = _box(0, 0.5, None, 0.01)
    if kind is BackupKind.BOILER:
        fields[probatio.Required(CONF_EFFICIENCY)] = _box(10, 110, "%", 1)
        fields[probatio.Required(CONF_FUEL_PRICE)] = _box(
            0, 10, f"{hass.config.currency}/kWh", "any"
        )
    fields[probatio.Optional(CONF_HEAT_ENTITY)] = _HEAT
    fields[probatio.Required(CONF_REQUEST)] = section(
        probatio.Schema(
            {
                probatio.Optional(CONF_SWITCH_ENTITY): _SWITCH,
                probatio.Required(CONF_MAY_SWITCH_OFF): BooleanSelector(),
                probatio.Optional(CONF_SETPOINT_ENTITY): _SETPOINT,
                probatio.Required(CONF_WANTED_TEMPERATURE): _box(10, 90, "°C", 0.5),
                probatio.Required(CONF_REST_TEMPERATURE): _box(_FROST_C, 90, "°C", 0.5),
            }
        )
    )
    return probatio.Schema(fields)


def _box(
    minimum: float, maximum: float, unit: str | None, step: float | Literal["any"]
) -> NumberSelector:
    config = NumberSelectorConfig(
        min=minimum, max=maximum, step=step, mode=NumberSelectorMode.BOX
    )
    if unit is not None:
        config["unit_of_measurement"] = unit
    return NumberSelector(config)


def _check(hass: HomeAssistant, values: Mapping[str, Any]) -> dict[str, str]:
    """Return the errors of values that make no sense, or would do harm."""
    errors: dict[str, str] = {}
    request = values[CONF_REQUEST]
    if not values[CONF_CONSUMERS]:
        errors[CONF_CONSUMERS] = "heats_nothing"
    # Home Assistant shows no errors inside of sections.
    elif (
        request.get(CONF_SETPOINT_ENTITY)
        and request[CONF_REST_TEMPERATURE] >= request[CONF_WANTED_TEMPERATURE]
    ):
        errors["base"] = "rest_not_below_wanted"
    elif any(
        is_stored_setting(hass, request[key])
        for key in (CONF_SWITCH_ENTITY, CONF_SETPOINT_ENTITY)
        if request.get(key)
    ):
        errors["base"] = "backup_stored_setting"
    return errors

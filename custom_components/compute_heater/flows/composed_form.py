"""What the dialogue asks of a heater that is put together from entities, and checks."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import probatio

from homeassistant.const import CONF_NAME
from homeassistant.core import HomeAssistant, callback
from homeassistant.data_entry_flow import section
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.selector import (
    BooleanSelector,
    EntitySelector,
    EntitySelectorConfig,
    EntityWithDeviceFilterSelectorConfig,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectSelector,
    SelectSelectorConfig,
    TextSelector,
)

from ..const import (
    CONF_ALARM,
    CONF_COOLANT,
    CONF_CUTS_MAINS,
    CONF_ENERGY,
    CONF_ENTITIES,
    CONF_FLOW,
    CONF_LOAD_THRESHOLD,
    CONF_MEASUREMENTS,
    CONF_MODE_SELECT,
    CONF_MODES,
    CONF_POWER,
    CONF_POWER_LIMIT,
    CONF_POWER_SWITCH,
    CONF_RAMP,
    CONF_RATED_POWER,
    CONF_RETURN,
    CONF_SUPPLY,
    CONF_SWITCH_TIME,
    CONF_SWITCHING,
    CONF_UNLOAD_TIME,
    DOMAIN,
    SUBENTRY_BACNET,
    SUBENTRY_HEATER,
    SUBENTRY_MODBUS,
)
from ..entity_port import HassEntityPort
from ..heaters.composed_limit import limit_scale
from ..heaters.model import HeaterProtocolError, PowerState
from .link_entities import is_stored_setting

STEERING = (CONF_POWER_SWITCH, CONF_POWER_LIMIT, CONF_MODE_SELECT)
_MEASUREMENTS = {
    CONF_POWER: "power",
    CONF_ENERGY: "energy",
    CONF_SUPPLY: "temperature",
    CONF_RETURN: "temperature",
    CONF_COOLANT: "temperature",
    CONF_FLOW: "volume_flow_rate",
}
_DEFAULTS = {
    CONF_CUTS_MAINS: True,
    CONF_SWITCHING: {
        CONF_LOAD_THRESHOLD: 25,
        CONF_UNLOAD_TIME: 120,
        CONF_SWITCH_TIME: 20,
    },
}


def _entity(*domains: str) -> EntitySelector:
    return EntitySelector(EntitySelectorConfig(filter=[{"domain": list(domains)}]))


def _sensor(device_class: str) -> EntitySelector:
    filters: list[EntityWithDeviceFilterSelectorConfig] = [
        {"domain": ["sensor"], "device_class": [device_class]},
        {"domain": ["number", "input_number"]},
    ]
    return EntitySelector(EntitySelectorConfig(filter=filters))


def _box(minimum: float, maximum: float, unit: str) -> NumberSelector:
    return NumberSelector(
        NumberSelectorConfig(
            min=minimum,
            max=maximum,
            step=1,
            mode=NumberSelectorMode.BOX,
            unit_of_measurement=unit,
        )
    )


def composed_schema() -> probatio.Schema:
    """Return the fields of all roles that an entity can have."""
    measurements: dict[Any, Any] = {
        probatio.Optional(role): _sensor(device_class)
        for role, device_class in _MEASUREMENTS.items()
    }
    measurements[probatio.Optional(CONF_ALARM)] = _entity("binary_sensor")
    switching: dict[Any, Any] = {
        probatio.Required(CONF_LOAD_THRESHOLD): _box(1, 90, "%"),
        probatio.Required(CONF_UNLOAD_TIME): _box(10, 3600, "s"),
        probatio.Required(CONF_SWITCH_TIME): _box(5, 900, "s"),
        probatio.Optional(CONF_RAMP): _box(0, 10_000, "W/s"),
    }
    return probatio.Schema(
        {
            probatio.Required(CONF_NAME): TextSelector(),
            probatio.Optional(CONF_POWER_SWITCH): _entity("switch", "input_boolean"),
            probatio.Required(CONF_CUTS_MAINS): BooleanSelector(),
            probatio.Optional(CONF_POWER_LIMIT): _entity("number", "input_number"),
            probatio.Optional(CONF_RATED_POWER): _box(1, 100_000, "W"),
            probatio.Optional(CONF_MODE_SELECT): _entity("select", "input_select"),
            probatio.Required(CONF_MEASUREMENTS): section(
                probatio.Schema(measurements), {"collapsed": False}
            ),
            probatio.Required(CONF_SWITCHING): section(
                probatio.Schema(switching), {"collapsed": True}
            ),
        }
    )


def modes_schema(options: Iterable[str]) -> probatio.Schema:
    """Return the fields that say which mode stands for which power state."""
    selector = SelectSelector(SelectSelectorConfig(options=list(options)))
    return probatio.Schema(
        {probatio.Optional(state.value): selector for state in PowerState}
    )


def composed_suggestions(data: Mapping[str, Any] | None, title: str) -> dict[str, Any]:
    """Return what the form begins with: the defaults, or what a heater has."""
    if data is None:
        return _DEFAULTS
    entities = data[CONF_ENTITIES]
    return {
        CONF_NAME: title,
        **{role: entities[role] for role in STEERING if role in entities},
        **{
            key: data[key] for key in (CONF_CUTS_MAINS, CONF_RATED_POWER) if key in data
        },
        CONF_MEASUREMENTS: {
            role: entity for role, entity in entities.items() if role not in STEERING
        },
        CONF_SWITCHING: {
            key: data[key]
            for key in (
                *(CONF_LOAD_THRESHOLD, CONF_UNLOAD_TIME),
                *(CONF_SWITCH_TIME, CONF_RAMP),
            )
            if key in data
        },
    }


def composed_data(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is stored of the form."""
    steering = {role: values[role] for role in STEERING if values.get(role)}
    data: dict[str, Any] = {
        CONF_ENTITIES: steering | values[CONF_MEASUREMENTS],
        CONF_CUTS_MAINS: values[CONF_CUTS_MAINS] and CONF_POWER_SWITCH in steering,
        **values[CONF_SWITCHING],
    }
    if values.get(CONF_RATED_POWER):
        data[CONF_RATED_POWER] = values[CONF_RATED_POWER]
    return data


@callback
def check_composed(
    hass: HomeAssistant, values: Mapping[str, Any], heater_id: str | None
) -> dict[str, str]:
    """Return what is wrong with the entities of a heater, by field."""
    errors: dict[str, str] = {}
    port, used = HassEntityPort(hass), set(_used_entities(hass, heater_id))
    steering = {role: values[role] for role in STEERING if values.get(role)}
    if not steering:
        errors["base"] = "nothing_steers"
    for entity_id in values[CONF_MEASUREMENTS].values():
        if port.state(entity_id) is None:
            errors["base"] = "unknown_sensor"
    for role, entity_id in steering.items():
        if port.state(entity_id) is None:
            errors[role] = "unknown_entity"
        elif entity_id in used:
            errors[role] = "entity_in_use"
        elif _is_ours(hass, entity_id):
            errors[role] = "own_entity"
        elif is_stored_setting(hass, entity_id):
            errors[role] = "wears_memory"
    if (limit := steering.get(CONF_POWER_LIMIT)) and CONF_POWER_LIMIT not in errors:
        state, rated_w = port.state(limit), values.get(CONF_RATED_POWER)
        assert state is not None
        try:
            limit_scale(limit, state, rated_w)
        except HeaterProtocolError:
            if state.unit == "%" and not rated_w:
                errors[CONF_RATED_POWER] = "rated_power_missing"
            else:
                errors[CONF_POWER_LIMIT] = "not_a_power_limit"
    if (select := steering.get(CONF_MODE_SELECT)) and CONF_MODE_SELECT not in errors:
        state = port.state(select)
        assert state is not None
        if not state.options:
            errors[CONF_MODE_SELECT] = "no_modes"
    cuts_mains = values[CONF_CUTS_MAINS] and values.get(CONF_POWER_SWITCH)
    if not errors and cuts_mains and CONF_POWER not in values[CONF_MEASUREMENTS]:
        errors["base"] = "mains_without_power_sensor"
    return errors


def check_modes(data: Mapping[str, Any], modes: Mapping[str, str]) -> dict[str, str]:
    """Return what is wrong with the meaning of modes."""
    errors: dict[str, str] = {}
    entities = data[CONF_ENTITIES]
    if not modes:
        errors["base"] = "no_mode_chosen"
    elif len(set(modes.values())) < len(modes):
        errors["base"] = "mode_chosen_twice"
    elif CONF_POWER_LIMIT not in entities:
        if not {PowerState.ECO, PowerState.FULL} & modes.keys():
            errors["base"] = "no_working_mode"
        elif CONF_POWER_SWITCH not in entities and not (
            {PowerState.OFF, PowerState.STANDBY} & modes.keys()
        ):
            errors["base"] = "no_resting_mode"
    return errors


def unloads_itself(data: Mapping[str, Any]) -> bool:
    """Whether something lowers the load before the supply is cut."""
    return (
        not data[CONF_CUTS_MAINS]
        or CONF_POWER_LIMIT in data[CONF_ENTITIES]
        or bool({PowerState.OFF, PowerState.STANDBY} & data[CONF_MODES].keys())
    )


@callback
def maker_of(
    hass: HomeAssistant, entities: Mapping[str, str]
) -> tuple[str | None, str | None]:
    """Return manufacturer and model of the device that is steered."""
    registry = er.async_get(hass)
    for role in STEERING:
        entity = registry.async_get(entities.get(role, ""))
        device_id = entity.device_id if entity else None
        device = dr.async_get(hass).async_get(device_id) if device_id else None
        if isinstance(device, dr.DeviceEntry):
            return device.manufacturer, device.model
    return None, None


def _used_entities(hass: HomeAssistant, heater_id: str | None) -> Iterator[str]:
    """Return what steers the other heaters."""
    for entry in hass.config_entries.async_entries(DOMAIN):
        for heater in entry.get_subentries_of_type(SUBENTRY_HEATER):
            if heater.subentry_id != heater_id:
                entities = heater.data.get(CONF_ENTITIES, {})
                yield from (entities[role] for role in STEERING if role in entities)


def _is_ours(hass: HomeAssistant, entity_id: str) -> bool:
    """Whether it is what control itself shows, and no point of the building."""
    entity = er.async_get(hass).async_get(entity_id)
    if entity is None or entity.platform != DOMAIN:
        return False
    entry = hass.config_entries.async_get_entry(entity.config_entry_id or "")
    part = entry and entry.subentries.get(entity.config_subentry_id or "")
    return not part or part.subentry_type not in (SUBENTRY_BACNET, SUBENTRY_MODBUS)

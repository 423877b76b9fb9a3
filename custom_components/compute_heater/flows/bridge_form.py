"""The forms of bridges: their fields, defaults, and what contradicts."""

from collections.abc import Mapping
from math import isfinite
from typing import Any, Literal

import probatio

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import (
    ATTR_UNIT_OF_MEASUREMENT,
    CONF_NAME,
    CONF_UNIT_OF_MEASUREMENT,
    PERCENTAGE,
    UnitOfElectricPotential,
)
from homeassistant.core import HomeAssistant, split_entity_id
from homeassistant.data_entry_flow import section
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.selector import (
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

from ..bridge_output import NUMBERS, SELECTS, SWITCHES, async_point, output_targets
from ..bridge_settings import SG_NAMES, BridgeKind, Fallback
from ..const import (
    CONF_BROKEN_BELOW,
    CONF_DEAD_BAND,
    CONF_ECO_FROM,
    CONF_FACTOR,
    CONF_FALLBACK,
    CONF_FIRST_CONTACT,
    CONF_FULL_FROM,
    CONF_HEATERS,
    CONF_HOLD_TIME,
    CONF_HYSTERESIS,
    CONF_MAX_HEAT_POWER,
    CONF_MIN_INTERVAL,
    CONF_ON_FROM,
    CONF_POWER,
    CONF_RECOMMENDED_STATE,
    CONF_REPORTS_WITHIN,
    CONF_SECOND_CONTACT,
    CONF_SG_STATES,
    CONF_SIGNAL,
    CONF_SIGNAL_FULL,
    CONF_SIGNAL_ZERO,
    CONF_SILENCE,
    CONF_SOURCE_ENTITY,
    CONF_STATE,
    CONF_STATE_VALUES,
    CONF_TABLE,
    CONF_TARGET_ENTITY,
    CONF_VALUE,
    DOMAIN,
    SUBENTRY_HEATER,
)
from ..control.heater_value import HeaterValue
from ..heaters.model import PowerState
from .link_entities import is_stored_setting
from .link_errors import FormError

_NUMBER = EntitySelector(
    EntitySelectorConfig(filter=[{"domain": ["sensor", "number", "input_number"]}])
)
_CONTACT = EntitySelector(
    EntitySelectorConfig(
        filter=[{"domain": ["binary_sensor", "switch", "input_boolean"]}]
    )
)
_STATES = EntitySelector(
    EntitySelectorConfig(
        filter=[
            {"domain": ["sensor", "select", "input_select", "number", "input_number"]}
        ]
    )
)
_TARGET = EntitySelector(
    EntitySelectorConfig(filter=[{"domain": [*NUMBERS, *SELECTS, *SWITCHES]}])
)
_STATE = SelectSelector(
    SelectSelectorConfig(
        options=[PowerState.ECO, PowerState.FULL], translation_key="asked_state"
    )
)
_SILENCE = {CONF_HOLD_TIME: 5, CONF_FALLBACK: Fallback.STANDBY.value}
_LINE = {CONF_ON_FROM: 5, CONF_HYSTERESIS: 2}

DEFAULTS: Mapping[BridgeKind, Mapping[str, Any]] = {
    BridgeKind.DEMAND_STATE: {
        CONF_TABLE: {CONF_ECO_FROM: 5, CONF_FULL_FROM: 60, CONF_HYSTERESIS: 2},
        CONF_SILENCE: _SILENCE,
    },
    BridgeKind.DEMAND_POWER: {CONF_TABLE: _LINE, CONF_SILENCE: _SILENCE},
    BridgeKind.DEMAND_HEAT: {CONF_TABLE: _LINE, CONF_SILENCE: _SILENCE},
    BridgeKind.SG_CONTACTS: {
        CONF_RECOMMENDED_STATE: PowerState.ECO.value,
        CONF_SILENCE: _SILENCE,
    },
    BridgeKind.SG_STATES: {
        CONF_SG_STATES: {
            name: str(state) for state, name in enumerate(SG_NAMES, start=1)
        },
        CONF_RECOMMENDED_STATE: PowerState.ECO.value,
        CONF_SILENCE: _SILENCE,
    },
    BridgeKind.REQUEST: {
        CONF_STATE: PowerState.FULL.value,
        CONF_SILENCE: _SILENCE,
    },
    BridgeKind.OUTPUT: {
        CONF_FACTOR: 1,
        CONF_DEAD_BAND: 0,
        CONF_MIN_INTERVAL: 10,
        CONF_STATE_VALUES: {state.value: str(state.rank) for state in PowerState},
    },
}


def heater_names(entry: ConfigEntry) -> dict[str, str]:
    """Return names of the site's heaters, by their ids."""
    return {
        heater.subentry_id: heater.title
        for heater in entry.get_subentries_of_type(SUBENTRY_HEATER)
    }


def bridge_schema(kind: BridgeKind, heaters: Mapping[str, str]) -> probatio.Schema:
    """Return the form of a kind of bridge."""
    fields: dict[Any, Any] = {probatio.Required(CONF_NAME): TextSelector()}
    which = SelectSelector(
        SelectSelectorConfig(
            options=[
                SelectOptionDict(value=key, label=title)
                for key, title in heaters.items()
            ],
            multiple=True,
        )
    )
    if kind is BridgeKind.OUTPUT:
        fields[probatio.Required(CONF_VALUE)] = SelectSelector(
            SelectSelectorConfig(options=[*HeaterValue], translation_key="heater_value")
        )
        fields[probatio.Optional(CONF_HEATERS)] = which
        return probatio.Schema(fields | _output_fields())
    if kind is BridgeKind.SG_CONTACTS:
        fields[probatio.Required(CONF_FIRST_CONTACT)] = _CONTACT
        fields[probatio.Required(CONF_SECOND_CONTACT)] = _CONTACT
    else:
        fields[probatio.Required(CONF_SOURCE_ENTITY)] = (
            _NUMBER
            if kind.is_of_numbers
            else _STATES
            if kind is BridgeKind.SG_STATES
            else _CONTACT
        )
    if kind is not BridgeKind.DEMAND_HEAT:
        fields[probatio.Optional(CONF_HEATERS)] = which
    fields |= _kind_fields(kind)
    fields[probatio.Required(CONF_SILENCE)] = section(
        probatio.Schema(
            {
                probatio.Required(CONF_HOLD_TIME): _box(0, 1440, "min", 0.5),
                probatio.Required(CONF_FALLBACK): SelectSelector(
                    SelectSelectorConfig(
                        options=[*Fallback], translation_key="bridge_fallback"
                    )
                ),
                probatio.Optional(CONF_REPORTS_WITHIN): _box(0.5, 1440, "min", 0.5),
            }
        ),
        {"collapsed": True},
    )
    return probatio.Schema(fields)


def _kind_fields(kind: BridgeKind) -> dict[Any, Any]:
    match kind:
        case BridgeKind.DEMAND_STATE:
            return _demand_fields(CONF_ECO_FROM, CONF_FULL_FROM)
        case BridgeKind.DEMAND_POWER:
            return _demand_fields(CONF_ON_FROM)
        case BridgeKind.DEMAND_HEAT:
            heat = probatio.Required(CONF_MAX_HEAT_POWER)
            return {heat: _box(0.1, 10000, "kW", 0.1)} | _demand_fields(CONF_ON_FROM)
        case BridgeKind.SG_CONTACTS:
            return {probatio.Required(CONF_RECOMMENDED_STATE): _STATE}
        case BridgeKind.SG_STATES:
            names = {probatio.Optional(name): TextSelector() for name in SG_NAMES}
            return {
                probatio.Required(CONF_SG_STATES): section(probatio.Schema(names)),
                probatio.Required(CONF_RECOMMENDED_STATE): _STATE,
            }
        case _:
            return {
                probatio.Required(CONF_STATE): _STATE,
                probatio.Optional(CONF_POWER): _box(1, 1_000_000, "W", 1),
            }


def _demand_fields(*begins: str) -> dict[Any, Any]:
    table: dict[Any, Any] = {
        probatio.Required(begin): _box(0.1, 100, "%", 0.1) for begin in begins
    }
    table[probatio.Required(CONF_HYSTERESIS)] = _box(0, 50, "%", 0.1)
    return {
        probatio.Required(CONF_TABLE): section(probatio.Schema(table)),
        probatio.Required(CONF_SIGNAL): section(
            probatio.Schema(
                {
                    probatio.Optional(CONF_SIGNAL_ZERO): _box(-1e6, 1e6, None, "any"),
                    probatio.Optional(CONF_SIGNAL_FULL): _box(-1e6, 1e6, None, "any"),
                    probatio.Optional(CONF_BROKEN_BELOW): _box(-1e6, 1e6, None, "any"),
                }
            ),
            {"collapsed": True},
        ),
    }


def _output_fields() -> dict[Any, Any]:
    return {
        probatio.Required(CONF_TARGET_ENTITY): _TARGET,
        probatio.Required(CONF_FACTOR): _box(-1e6, 1e6, None, "any"),
        probatio.Required(CONF_DEAD_BAND): _box(0, 1e6, None, "any"),
        probatio.Required(CONF_MIN_INTERVAL): _box(1, 86400, "s", 1),
        probatio.Required(CONF_STATE_VALUES): section(
            probatio.Schema(
                {probatio.Required(state.value): TextSelector() for state in PowerState}
            ),
            {"collapsed": True},
        ),
    }


def _box(
    minimum: float, maximum: float, unit: str | None, step: float | Literal["any"]
) -> NumberSelector:
    config = NumberSelectorConfig(
        min=minimum, max=maximum, step=step, mode=NumberSelectorMode.BOX
    )
    if unit is not None:
        config["unit_of_measurement"] = unit
    return NumberSelector(config)


def bridge_data(
    hass: HomeAssistant,
    entry: ConfigEntry,
    kind: BridgeKind,
    values: Mapping[str, Any],
    own_id: str | None,
) -> dict[str, Any]:
    """Return what is to be stored of a form; raises FormError.

    ``own_id`` is the subentry that is changed.
    """
    data = {**values}
    if kind is BridgeKind.OUTPUT:
        _check_target(hass, entry, data, own_id)
    if kind.is_of_numbers:
        data[CONF_SIGNAL] = _signal(hass, data)
        _check_table(data[CONF_TABLE])
    if (
        kind is BridgeKind.SG_CONTACTS
        and data[CONF_FIRST_CONTACT] == data[CONF_SECOND_CONTACT]
    ):
        raise FormError({CONF_SECOND_CONTACT: "same_contact"})
    if kind is BridgeKind.SG_STATES:
        _check_names(hass, data)
    return data


def _signal(hass: HomeAssistant, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the range of a signal, by its unit where the owner left it open."""
    signal: dict[str, Any] = {**data[CONF_SIGNAL]}
    state = hass.states.get(data[CONF_SOURCE_ENTITY])
    unit = state.attributes.get(ATTR_UNIT_OF_MEASUREMENT) if state else None
    if CONF_SIGNAL_ZERO not in signal or CONF_SIGNAL_FULL not in signal:
        usual = {
            None: 100.0,
            PERCENTAGE: 100.0,
            UnitOfElectricPotential.VOLT: 10.0,
            UnitOfElectricPotential.MILLIVOLT: 10000.0,
        }
        if unit not in usual:
            raise FormError({"base": "no_signal_range"}, str(unit))
        signal = {CONF_SIGNAL_ZERO: 0.0, CONF_SIGNAL_FULL: usual[unit]} | signal
    # Home Assistant shows no errors inside of sections.
    zero, full = signal[CONF_SIGNAL_ZERO], signal[CONF_SIGNAL_FULL]
    if zero == full:
        raise FormError({"base": "empty_signal_range"})
    if signal.get(CONF_BROKEN_BELOW, min(zero, full)) > min(zero, full):
        raise FormError({"base": "broken_in_range"})
    # The range means nothing in another unit.
    return signal if unit is None else signal | {CONF_UNIT_OF_MEASUREMENT: unit}


def _check_table(table: Mapping[str, float]) -> None:
    first = table.get(CONF_ECO_FROM, table.get(CONF_ON_FROM, 0.0))
    if table.get(CONF_FULL_FROM, first) < first:
        raise FormError({"base": "full_below_eco"})
    if table[CONF_HYSTERESIS] >= first:
        # It would never be left: no demand is 0 %.
        raise FormError({"base": "hysteresis_too_wide"})


def _check_names(hass: HomeAssistant, data: Mapping[str, Any]) -> None:
    names = [name.strip().casefold() for name in data[CONF_SG_STATES].values() if name]
    if not names:
        raise FormError({"base": "no_states"})
    if len(set(names)) < len(names):
        raise FormError({"base": "same_states"})
    state = hass.states.get(data[CONF_SOURCE_ENTITY])
    options = state.attributes.get("options") if state else None
    known = [str(option).strip().casefold() for option in options or ()]
    if unknown := [name for name in names if known and name not in known]:
        raise FormError({"base": "not_a_state"}, ", ".join(unknown))


def _check_target(
    hass: HomeAssistant,
    entry: ConfigEntry,
    data: Mapping[str, Any],
    own_id: str | None,
) -> None:
    target: str = data[CONF_TARGET_ENTITY]
    domain = split_entity_id(target)[0]
    value = HeaterValue(data[CONF_VALUE])
    takes = (
        (*NUMBERS, *SWITCHES)
        if value is HeaterValue.FAULT
        else (*NUMBERS, *SELECTS)
        if value is HeaterValue.POWER_STATE
        else NUMBERS
    )
    if domain not in takes:
        raise FormError({CONF_TARGET_ENTITY: "wrong_target"})
    registered = er.async_get(hass).async_get(target)
    if (
        registered is not None
        and registered.platform == DOMAIN
        and async_point(hass, target) is None
    ):
        raise FormError({CONF_TARGET_ENTITY: "not_a_point"})
    if is_stored_setting(hass, target):
        raise FormError({CONF_TARGET_ENTITY: "bridge_stored_setting"})
    others = (each for key, each in entry.subentries.items() if key != own_id)
    if target in output_targets(others):
        raise FormError({CONF_TARGET_ENTITY: "target_taken"})
    if value is HeaterValue.POWER_STATE:
        _check_state_values(hass, target, data[CONF_STATE_VALUES].values())


def _check_state_values(hass: HomeAssistant, target: str, names: Any) -> None:
    if split_entity_id(target)[0] in NUMBERS:
        if wrong := [name for name in names if not _is_number(name)]:
            raise FormError({"base": "not_a_number"}, ", ".join(wrong))
        return
    state = hass.states.get(target)
    options = state.attributes.get("options") if state else None
    if options and (wrong := [name for name in names if name not in options]):
        raise FormError({"base": "not_a_state"}, ", ".join(wrong))


def _is_number(text: str) -> bool:
    try:
        return isfinite(float(text))
    except ValueError:
        return False

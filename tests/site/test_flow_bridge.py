"""Adding and changing bridges, with a look at what they would do."""

from typing import Any

import pytest

from compute_heater_agent.service import RunningAgent
from custom_components.compute_heater.const import SUBENTRY_BRIDGE
from homeassistant.config_entries import ConfigEntry, ConfigEntryDisabler
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import translation
from homeassistant.setup import async_setup_component
from simulator.running import RunningHouse

from .bridge_parts import KINDS, add_bridge, add_heater
from .conftest import still_agent
from .dialogue import (
    answer,
    begin,
    expect_abort,
    expect_form,
    expect_menu,
    leave,
    suggested,
    texts,
)
from .plant import Plant, add_subentry, choose_strategy, entity_id, modbus_steps
from .test_link_commands import SETPOINT

VOLTS = {"unit_of_measurement": "V"}
SILENCE = {"hold_time": 5, "fallback": "standby"}
NAMES = {"lock": "1", "normal": "2", "recommended": "3", "forced": "4"}
STATES = {"off": "0", "standby": "1", "eco": "2", "full": "3"}


@pytest.fixture
async def heater_id(
    hass: HomeAssistant, site: ConfigEntry, lone_agent: RunningAgent
) -> str:
    """Add a heater of 300 to 3000 W."""
    return await add_heater(hass, site, lone_agent)


@pytest.fixture(autouse=True)
async def helpers(hass: HomeAssistant) -> None:
    """Set up what stands for the building, in its states."""
    numbers: dict[str, Any] = {
        "shown": {"min": 0, "max": 5000, "initial": 7, "unit_of_measurement": "W"}
    }
    assert await async_setup_component(hass, "input_number", {"input_number": numbers})
    selects = {"mode": {"options": ["Off", "Idle", "Low", "High"]}}
    assert await async_setup_component(hass, "input_select", {"input_select": selects})
    switches: dict[str, Any] = {"fault": {}, "one": {}, "two": {}}
    assert await async_setup_component(
        hass, "input_boolean", {"input_boolean": switches}
    )
    hass.states.async_set("sensor.demand", "70", {"unit_of_measurement": "%"})
    hass.states.async_set("sensor.volts", "6.5", VOLTS)


async def form_of(hass: HomeAssistant, site: ConfigEntry, kind: str) -> Any:
    """Open the dialogue that adds a bridge, and choose its kind."""
    result = await begin(hass, site, SUBENTRY_BRIDGE)
    expect_menu(result, "user", *KINDS)
    result = await answer(hass, result, {"next_step_id": kind})
    expect_form(result, kind)
    return result


def lines(result: Any) -> list[str]:
    """Return what the check shows."""
    expect_menu(result, "check", "save", "refresh", "change")
    shown: str = result["description_placeholders"]["preview"]
    return [line.removeprefix("- ") for line in shown.splitlines()]


def the_bridge(site: ConfigEntry) -> Any:
    """Return the subentry of the only bridge."""
    (found,) = site.get_subentries_of_type(SUBENTRY_BRIDGE)
    return found


async def test_there_has_to_be_a_heater(hass: HomeAssistant, site: ConfigEntry) -> None:
    expect_abort(await begin(hass, site, SUBENTRY_BRIDGE), "no_heaters")


async def test_the_site_has_to_run(
    hass: HomeAssistant, site: ConfigEntry, heater_id: str
) -> None:
    """The check looks at what runs."""
    bridge_id = await add_bridge(
        hass, site, "demand_state", source_entity="sensor.demand"
    )
    result = await form_of(hass, site, "demand_state")
    await hass.config_entries.async_set_disabled_by(
        site.entry_id, ConfigEntryDisabler.USER
    )
    values = {**suggested(result), "name": "A", "source_entity": "sensor.demand"}
    expect_abort(await answer(hass, result, values), "not_loaded")
    expect_abort(await begin(hass, site, SUBENTRY_BRIDGE), "not_loaded")
    expect_abort(await begin(hass, site, SUBENTRY_BRIDGE, bridge_id), "not_loaded")


@pytest.mark.parametrize(
    ("kind", "values", "stored"),
    [
        (
            "demand_state",
            {"source_entity": "sensor.demand"},
            {
                "table": {"eco_from": 5, "full_from": 60, "hysteresis": 2},
                "signal": {
                    "signal_zero": 0,
                    "signal_full": 100,
                    "unit_of_measurement": "%",
                },
            },
        ),
        (
            "demand_power",
            {"source_entity": "sensor.volts"},
            {
                "table": {"on_from": 5, "hysteresis": 2},
                "signal": {
                    "signal_zero": 0,
                    "signal_full": 10,
                    "unit_of_measurement": "V",
                },
            },
        ),
        (
            "demand_heat",
            {"source_entity": "sensor.demand", "max_heat_power": 2.5},
            {
                "table": {"on_from": 5, "hysteresis": 2},
                "signal": {
                    "signal_zero": 0,
                    "signal_full": 100,
                    "unit_of_measurement": "%",
                },
            },
        ),
        (
            "sg_contacts",
            {
                "first_contact": "input_boolean.one",
                "second_contact": "input_boolean.two",
            },
            {"recommended_state": "eco"},
        ),
        (
            "sg_states",
            {"source_entity": "sensor.demand"},
            {"sg_states": NAMES, "recommended_state": "eco"},
        ),
        ("request", {"source_entity": "input_boolean.one"}, {"state": "full"}),
    ],
)
async def test_each_kind_with_its_defaults(
    hass: HomeAssistant,
    site: ConfigEntry,
    heater_id: str,
    kind: str,
    values: dict[str, Any],
    stored: dict[str, Any],
) -> None:
    result = await form_of(hass, site, kind)
    result = await answer(hass, result, {**suggested(result), "name": "BMS", **values})
    result = await answer(hass, result, {"next_step_id": "save"})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert the_bridge(site).title == "BMS"
    assert the_bridge(site).data == {
        "kind": kind,
        "silence": SILENCE,
        **values,
        **stored,
    }


async def test_output_with_its_defaults(
    hass: HomeAssistant, site: ConfigEntry, heater_id: str
) -> None:
    values = {"value": "heat_power", "target_entity": "input_number.shown"}
    await add_bridge(hass, site, "output", **values)
    assert the_bridge(site).data == {
        "kind": "output",
        "factor": 1,
        "dead_band": 0,
        "min_interval": 10,
        "state_values": STATES,
        **values,
    }


async def test_the_check_follows_the_source(
    hass: HomeAssistant, site: ConfigEntry, heater_id: str
) -> None:
    """It is the code that runs later, with the values of this moment."""
    result = await form_of(hass, site, "demand_state")
    values = {**suggested(result), "name": "BMS", "source_entity": "sensor.volts"}
    values["signal"] = {"signal_zero": 2, "signal_full": 10, "broken_below": 1}
    result = await answer(hass, result, values)
    strategy = texts()["common"]["not_heeded"]
    assert lines(result) == [
        "volts shows: 6.5 V",
        "This means a demand of 56.2 %.",
        "Rack: asked for Eco, 1500 W",
        strategy,
    ]
    hass.states.async_set("sensor.volts", "10", VOLTS)
    await choose_strategy(hass, site, "building_demand")
    result = await answer(hass, result, {"next_step_id": "refresh"})
    assert lines(result) == [
        "volts shows: 10 V",
        "This means a demand of 100.0 %.",
        "Rack: asked for Full, 3000 W",
    ]
    hass.states.async_set("sensor.volts", "0.4", VOLTS)
    result = await answer(hass, result, {"next_step_id": "refresh"})
    assert lines(result) == [
        "volts shows: 0.4 V",
        "It counts as silent: the last request goes on for 5 min.",
    ]
    hass.states.async_set("sensor.volts", "unavailable")
    result = await answer(hass, result, {"next_step_id": "refresh"})
    assert lines(result)[0] == "volts shows nothing that can be used now."
    # Back to the form, which is as it was filled in.
    result = await answer(hass, result, {"next_step_id": "change"})
    expect_form(result, "demand_state")
    assert suggested(result) == values
    leave(hass, result)
    assert not list(site.get_subentries_of_type(SUBENTRY_BRIDGE))


@pytest.mark.parametrize(
    ("kind", "values", "states", "shown"),
    [
        (
            "demand_power",
            {"source_entity": "sensor.demand"},
            {"sensor.demand": "50"},
            ["This means a demand of 50.0 %.", "Rack: asked for Eco, 1650 W"],
        ),
        (
            "demand_heat",
            {"source_entity": "sensor.demand", "max_heat_power": 4},
            {"sensor.demand": "50"},
            ["This means a demand of 50.0 %.", "All heaters together: 2000 W of heat"],
        ),
        (
            "sg_states",
            {"source_entity": "sensor.demand"},
            {"sensor.demand": "1"},
            ["Rack: no more than standby"],
        ),
        (
            "sg_states",
            {"source_entity": "sensor.demand"},
            {"sensor.demand": "2.0"},
            ["Nothing is asked for: the demand of the consumers decides."],
        ),
        (
            "request",
            {"source_entity": "input_boolean.one", "power": 2000},
            {"input_boolean.one": "on"},
            ["Rack: asked for Eco, 2000 W"],
        ),
    ],
)
async def test_what_the_check_says(
    hass: HomeAssistant,
    site: ConfigEntry,
    heater_id: str,
    kind: str,
    values: dict[str, Any],
    states: dict[str, str],
    shown: list[str],
) -> None:
    await choose_strategy(hass, site, "building_demand")
    for entity, state in states.items():
        hass.states.async_set(entity, state)
    result = await form_of(hass, site, kind)
    result = await answer(hass, result, {**suggested(result), "name": "A", **values})
    ((source, value),) = states.items()
    assert lines(result) == [f"{hass.states.get(source).name} shows: {value}", *shown]


@pytest.mark.parametrize(
    ("value", "target", "shown"),
    [
        (
            "available_power",
            "input_number.shown",
            ["shown shows: 7.0 W", "It would be set to: 3000 W"],
        ),
        (
            "power_state",
            "input_select.mode",
            ["mode shows: Off", "It would be set to: Idle"],
        ),
        (
            "fault",
            "input_boolean.fault",
            ["fault shows: off", "It would be set to: off"],
        ),
    ],
)
async def test_what_the_check_says_of_an_output(
    hass: HomeAssistant,
    site: ConfigEntry,
    heater_id: str,
    value: str,
    target: str,
    shown: list[str],
) -> None:
    result = await form_of(hass, site, "output")
    values = {
        **suggested(result),
        "name": "A",
        "value": value,
        "target_entity": target,
        "state_values": {"off": "Off", "standby": "Idle", "eco": "Low", "full": "High"},
    }
    assert lines(await answer(hass, result, values)) == shown


async def test_the_check_of_an_output_without_a_value(
    hass: HomeAssistant, site: ConfigEntry
) -> None:
    """An unknown value is not written, and a target that is not there shows nothing."""
    async with still_agent() as agent:
        heater_id = await add_heater(hass, site, agent)
    await site.runtime_data.heaters[heater_id].async_refresh()
    result = await form_of(hass, site, "output")
    values = {**suggested(result), "name": "A", "value": "heat_power"}
    result = await answer(
        hass, result, {**values, "target_entity": "input_number.shown"}
    )
    assert lines(result)[1:] == [texts()["common"]["writes_nothing"]]
    leave(hass, result)
    result = await form_of(hass, site, "output")
    result = await answer(hass, result, {**values, "target_entity": "number.gone"})
    assert lines(result) == ["number.gone shows nothing that can be used now."]


@pytest.mark.parametrize(
    ("kind", "values", "errors"),
    [
        (
            "demand_state",
            {"source_entity": "sensor.kw"},
            {"base": "no_signal_range"},
        ),
        (
            "demand_state",
            {"signal": {"signal_zero": 100}},
            {"base": "empty_signal_range"},
        ),
        (
            "demand_state",
            {"signal": {"broken_below": 1}},
            {"base": "broken_in_range"},
        ),
        (
            "demand_state",
            {"table": {"eco_from": 50, "full_from": 40, "hysteresis": 2}},
            {"base": "full_below_eco"},
        ),
        (
            "demand_state",
            {"table": {"eco_from": 5, "full_from": 60, "hysteresis": 5}},
            {"base": "hysteresis_too_wide"},
        ),
        (
            "demand_power",
            {"table": {"on_from": 5, "hysteresis": 5}},
            {"base": "hysteresis_too_wide"},
        ),
        (
            "sg_contacts",
            {"second_contact": "input_boolean.one"},
            {"second_contact": "same_contact"},
        ),
        ("sg_states", {"sg_states": {}}, {"base": "no_states"}),
        (
            "sg_states",
            {"sg_states": {"lock": "a", "normal": "A"}},
            {"base": "same_states"},
        ),
        (
            "sg_states",
            {"source_entity": "input_select.mode", "sg_states": {"lock": "No"}},
            {"base": "not_a_state"},
        ),
        (
            "output",
            {"target_entity": "input_select.mode"},
            {"target_entity": "wrong_target"},
        ),
        (
            "output",
            {"value": "fault", "target_entity": "input_select.mode"},
            {"target_entity": "wrong_target"},
        ),
        (
            "output",
            {"value": "power_state", "target_entity": "input_boolean.fault"},
            {"target_entity": "wrong_target"},
        ),
        (
            "output",
            {"value": "power_state", "target_entity": "input_select.mode"},
            {"base": "not_a_state"},
        ),
        (
            "output",
            {"value": "power_state", "state_values": {**STATES, "eco": "Low"}},
            {"base": "not_a_number"},
        ),
    ],
)
async def test_errors_and_recovery(
    hass: HomeAssistant,
    site: ConfigEntry,
    heater_id: str,
    kind: str,
    values: dict[str, Any],
    errors: dict[str, str],
) -> None:
    hass.states.async_set("sensor.kw", "3", {"unit_of_measurement": "kW"})
    good: dict[str, Any] = {
        "sg_contacts": {
            "first_contact": "input_boolean.one",
            "second_contact": "input_boolean.two",
        },
        "output": {"value": "heat_power", "target_entity": "input_number.shown"},
    }.get(kind, {"source_entity": "sensor.demand"})
    result = await form_of(hass, site, kind)
    good = {**suggested(result), "name": "A", **good}
    result = await answer(hass, result, {**good, **values})
    expect_form(result, kind, **errors)
    assert suggested(result) == {**good, **values}
    lines(await answer(hass, result, good))


async def test_where_an_output_may_not_write(
    hass: HomeAssistant, site: ConfigEntry, heater_id: str, house: RunningHouse
) -> None:
    """Neither to our own settings, nor where it wears, nor where another writes."""
    setting = SETPOINT | {"key": "setting", "write_class": "eeprom"}
    link_id = await add_subentry(hass, site, "modbus", *modbus_steps(house, [setting]))
    result = await form_of(hass, site, "output")
    values = {**suggested(result), "name": "A", "value": "heat_power"}
    for target, error in (
        (entity_id(hass, site, heater_id, "power_limit", "number"), "not_a_point"),
        (entity_id(hass, site, link_id, "setting", "number"), "bridge_stored_setting"),
    ):
        result = await answer(hass, result, {**values, "target_entity": target})
        expect_form(result, "output", target_entity=error)
    leave(hass, result)
    target = "input_number.shown"
    first = await add_bridge(
        hass, site, "output", value="heat_power", target_entity=target
    )
    result = await form_of(hass, site, "output")
    result = await answer(hass, result, {**values, "target_entity": target})
    expect_form(result, "output", target_entity="target_taken")
    leave(hass, result)
    # That is no other: the bridge itself may keep it.
    result = await begin(hass, site, SUBENTRY_BRIDGE, first)
    lines(await answer(hass, result, suggested(result)))


async def test_reconfigure(hass: HomeAssistant, plant: Plant) -> None:
    """What was filled in is there again; a heater that is gone is chosen no more."""
    hass.states.async_set("sensor.demand", "70", {"unit_of_measurement": "%"})
    bridge_id = await add_bridge(
        hass,
        plant.entry,
        "demand_state",
        source_entity="sensor.demand",
        heaters=[plant.heater_id],
    )
    before = plant.entry.subentries[bridge_id].data
    assert before["heaters"] == [plant.heater_id]
    result = await begin(hass, plant.entry, SUBENTRY_BRIDGE, bridge_id)
    expect_form(result, "demand_state")
    values = suggested(result)
    assert values == {
        **{key: value for key, value in before.items() if key != "kind"},
        "signal": {"signal_zero": 0, "signal_full": 100},
        "name": "demand_state",
    }
    values["table"]["full_from"] = 80
    result = await answer(hass, result, {**values, "name": "BMS"})
    result = await answer(hass, result, {"next_step_id": "save"})
    expect_abort(result, "reconfigure_successful")
    bridge = plant.entry.subentries[bridge_id]
    assert bridge.title == "BMS"
    assert bridge.data["table"]["full_from"] == 80
    hass.config_entries.async_remove_subentry(plant.entry, plant.heater_id)
    await hass.async_block_till_done()
    result = await begin(hass, plant.entry, SUBENTRY_BRIDGE, bridge_id)
    assert suggested(result)["heaters"] == []


async def test_the_check_speaks_german(
    hass: HomeAssistant, site: ConfigEntry, heater_id: str
) -> None:
    hass.config.language = "de"
    await translation.async_get_translations(hass, "de", "common", {"compute_heater"})
    result = await form_of(hass, site, "demand_state")
    values = {**suggested(result), "name": "GLT", "source_entity": "sensor.demand"}
    result = await answer(hass, result, values)
    assert lines(result)[:3] == [
        "demand zeigt: 70 %",
        "Das bedeutet eine Anforderung von 70.0 %.",
        "Rack: gefordert Voll, 3000 W",
    ]

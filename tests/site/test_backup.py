"""The usual source of heat is asked for it, and left to itself without us."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    async_fire_time_changed,
    async_mock_service,
)

from custom_components.compute_heater.const import DOMAIN, SAVE_INTERVAL
from custom_components.compute_heater.diagnostics import (
    async_get_config_entry_diagnostics,
)
from custom_components.compute_heater.site_backup import SiteBackup
from homeassistant.config_entries import ConfigEntry, ConfigEntryDisabler
from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import (
    device_registry as dr,
    entity_registry as er,
    issue_registry as ir,
)
from homeassistant.setup import async_setup_component

from .plant import add_subentry, entity_id
from .test_flow_backup import REQUEST, TANK

SWITCH, SETPOINT = "input_boolean.backup", "input_number.backup"
CELSIUS = {"unit_of_measurement": "°C"}
WARM, COLD = 50, 41


@pytest.fixture(autouse=True)
async def helpers(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
    """Set up what stands for the backup's inputs, and a tank that is warm."""
    numbers = {"backup": {"min": 0, "max": 90, "initial": 45}}
    assert await async_setup_component(hass, "input_number", {"input_number": numbers})
    switches: dict[str, Any] = {"input_boolean": {"backup": {}}}
    assert await async_setup_component(hass, "input_boolean", switches)
    hass.states.async_set("sensor.tank", str(WARM), CELSIUS)


async def add(
    hass: HomeAssistant, site: ConfigEntry, *consumers: str, **values: Any
) -> str:
    """Add a tank, and a boiler that heats it and is asked as ``values`` say."""
    tank_id = await add_subentry(hass, site, "sink", {"next_step_id": "dhw"}, TANK)
    heat = values.pop("heat_entity", None)
    boiler = {
        "name": "Boiler",
        "consumers": [tank_id, *consumers],
        "max_heat_power": 15,
        "max_temperature": 75,
        "efficiency": 90,
        "fuel_price": 0.12,
        "request": {**REQUEST, **values},
        **({"heat_entity": heat} if heat else {}),
    }
    return await add_subentry(hass, site, "backup", {"next_step_id": "boiler"}, boiler)


def backup_of(site: ConfigEntry) -> SiteBackup:
    """Return the only backup as it runs."""
    (found,) = site.runtime_data.site.backups.values()
    assert isinstance(found, SiteBackup)
    return found


async def tank(hass: HomeAssistant, celsius: float) -> None:
    """Let the tank have a temperature, and the site act on it."""
    hass.states.async_set("sensor.tank", str(celsius), CELSIUS)
    await hass.async_block_till_done(wait_background_tasks=False)
    await settle(hass)


async def settle(hass: HomeAssistant) -> None:
    """Wait until what was begun is done."""
    for entry in hass.config_entries.async_loaded_entries(DOMAIN):
        for backup in entry.runtime_data.site.backups.values():
            if (task := backup._task) is not None:
                await task
    await hass.async_block_till_done(wait_background_tasks=False)


async def pass_time(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, seconds: float
) -> None:
    """Let time pass."""
    freezer.tick(timedelta(seconds=seconds))
    async_fire_time_changed(hass)
    await hass.async_block_till_done(wait_background_tasks=False)
    await settle(hass)


async def strategy(hass: HomeAssistant, site: ConfigEntry, option: str) -> None:
    """Choose a strategy."""
    select = entity_id(hass, site, "", "strategy", "select")
    await hass.services.async_call(
        "select",
        "select_option",
        {"entity_id": select, "option": option},
        blocking=True,
    )
    await settle(hass)


def state(hass: HomeAssistant, entity: str) -> str:
    """Return the state of an entity."""
    found = hass.states.get(entity)
    assert found is not None
    return found.state


async def test_set_point_by_need(
    hass: HomeAssistant, site: ConfigEntry, freezer: FrozenDateTimeFactory
) -> None:
    await add(hass, site, setpoint_entity=SETPOINT)
    await settle(hass)
    assert state(hass, SETPOINT) == "40.0"
    await tank(hass, COLD)
    assert state(hass, SETPOINT) == "50.0"
    await tank(hass, WARM)
    # Burners and compressors are not started for minutes.
    assert state(hass, SETPOINT) == "50.0"
    await pass_time(hass, freezer, 590)
    assert state(hass, SETPOINT) == "50.0"
    await pass_time(hass, freezer, 15)
    assert state(hass, SETPOINT) == "40.0"
    await strategy(hass, site, "off")
    assert state(hass, SETPOINT) == "50.0"
    # Then it belongs to its owner.
    await set_number(hass, 55)
    await pass_time(hass, freezer, 60)
    assert state(hass, SETPOINT) == "55.0"


async def set_number(hass: HomeAssistant, value: float) -> None:
    """Change the set point as a person."""
    await hass.services.async_call(
        "input_number",
        "set_value",
        {"entity_id": SETPOINT, "value": value},
        blocking=True,
    )
    await settle(hass)


async def turn(hass: HomeAssistant, position: str) -> None:
    """Turn the switch as a person."""
    await hass.services.async_call(
        "input_boolean", f"turn_{position}", {"entity_id": SWITCH}, blocking=True
    )
    await settle(hass)


async def test_request_by_a_switch(
    hass: HomeAssistant, site: ConfigEntry, freezer: FrozenDateTimeFactory
) -> None:
    await add(hass, site, switch_entity=SWITCH)
    await tank(hass, COLD)
    assert state(hass, SWITCH) == "on"
    await tank(hass, WARM)
    await pass_time(hass, freezer, 605)
    assert state(hass, SWITCH) == "off"
    # What its owner has switched on stays on, needed or not.
    await turn(hass, "on")
    await pass_time(hass, freezer, 60)
    assert state(hass, SWITCH) == "on"
    await tank(hass, COLD)
    await tank(hass, WARM)
    await pass_time(hass, freezer, 605)
    assert state(hass, SWITCH) == "on"
    await strategy(hass, site, "off")
    assert state(hass, SWITCH) == "on"


async def test_a_backup_that_may_be_switched_off(
    hass: HomeAssistant, site: ConfigEntry, freezer: FrozenDateTimeFactory
) -> None:
    await turn(hass, "on")
    await add(hass, site, switch_entity=SWITCH, may_switch_off=True)
    await settle(hass)
    assert state(hass, SWITCH) == "off"
    await tank(hass, COLD)
    assert state(hass, SWITCH) == "on"
    await tank(hass, WARM)
    await pass_time(hass, freezer, 605)
    assert state(hass, SWITCH) == "off"
    await strategy(hass, site, "off")
    assert state(hass, SWITCH) == "on"


async def test_what_is_not_known_is_left_to_it(
    hass: HomeAssistant, site: ConfigEntry, freezer: FrozenDateTimeFactory
) -> None:
    """Without the tank's temperature nobody can say that it needs no heat."""
    hass.states.async_set("sensor.tank", "unavailable")
    await add(hass, site, setpoint_entity=SETPOINT)
    await settle(hass)
    assert backup_of(site).requested is None
    assert state(hass, SETPOINT) == "45.0"
    await tank(hass, WARM)
    assert state(hass, SETPOINT) == "40.0"
    hass.states.async_set("sensor.tank", "unavailable")
    # It is believed for a minute, and then ten more are given to come back.
    await pass_time(hass, freezer, 61)
    await pass_time(hass, freezer, 590)
    assert state(hass, SETPOINT) == "40.0"
    await pass_time(hass, freezer, 15)
    assert state(hass, SETPOINT) == "50.0"
    await tank(hass, WARM)
    assert state(hass, SETPOINT) == "40.0"


@pytest.mark.parametrize("end", ["stop", "disable", "remove", "remove backup"])
async def test_without_us_it_heats(
    hass: HomeAssistant, site: ConfigEntry, freezer: FrozenDateTimeFactory, end: str
) -> None:
    backup_id = await add(
        hass, site, switch_entity=SWITCH, may_switch_off=True, setpoint_entity=SETPOINT
    )
    await turn(hass, "on")
    await pass_time(hass, freezer, 35)
    assert (state(hass, SWITCH), state(hass, SETPOINT)) == ("off", "40.0")
    match end:
        case "stop":
            for job in hass._shutdown_jobs:
                await hass.async_run_hass_job(job.job, *job.args)  # type: ignore[misc]
            hass.bus.async_fire(EVENT_HOMEASSISTANT_STOP)
        case "disable":
            await hass.config_entries.async_set_disabled_by(
                site.entry_id, ConfigEntryDisabler.USER
            )
        case "remove":
            await hass.config_entries.async_remove(site.entry_id)
        case _:
            hass.config_entries.async_remove_subentry(site, backup_id)
    await hass.async_block_till_done(wait_background_tasks=False)
    assert (state(hass, SWITCH), state(hass, SETPOINT)) == ("on", "50.0")


async def test_a_reload_does_not_show(
    hass: HomeAssistant, site: ConfigEntry, freezer: FrozenDateTimeFactory
) -> None:
    await add(hass, site, switch_entity=SWITCH, setpoint_entity=SETPOINT)
    await tank(hass, COLD)
    before = [hass.states.get(each) for each in (SWITCH, SETPOINT)]
    assert await hass.config_entries.async_reload(site.entry_id)
    await tank(hass, WARM)
    assert [hass.states.get(each) for each in (SWITCH, SETPOINT)] == before
    assert backup_of(site).requested
    # The request that was made before ends all the same.
    await pass_time(hass, freezer, 605)
    assert (state(hass, SWITCH), state(hass, SETPOINT)) == ("off", "40.0")


async def test_a_crash_leaves_a_note(
    hass: HomeAssistant, site: ConfigEntry, hass_storage: Mapping[str, Any]
) -> None:
    """What we change is stored before it is changed, so that it is put back later."""
    stored: list[Any] = []

    async def note(_call: Any) -> None:
        memory = hass_storage[f"{DOMAIN}.{site.entry_id}"]["data"]
        stored.append(list(memory["backups"].values()))

    hass.services.async_register("climate", "set_temperature", note)
    hass.states.async_set("climate.boiler", "heat", {"temperature": 45})
    await add(hass, site, setpoint_entity="climate.boiler")
    await settle(hass)
    assert stored == [[{"held": ["climate.boiler"], "requested": False}]]


@pytest.mark.parametrize("domain", ["climate", "water_heater"])
async def test_thermostats(hass: HomeAssistant, site: ConfigEntry, domain: str) -> None:
    calls = async_mock_service(hass, domain, "set_temperature")
    hass.states.async_set(f"{domain}.boiler", "heat", {"temperature": 45})
    await add(hass, site, setpoint_entity=f"{domain}.boiler")
    await tank(hass, COLD)
    (lowered, raised) = calls
    assert lowered.data == {"entity_id": f"{domain}.boiler", "temperature": 40}
    assert raised.data == {"entity_id": f"{domain}.boiler", "temperature": 50}


async def test_a_call_that_fails_is_tried_again(
    hass: HomeAssistant,
    site: ConfigEntry,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    calls = []

    async def fail(call: Any) -> None:
        calls.append(call)
        raise HomeAssistantError("stuck")

    hass.services.async_register("climate", "set_temperature", fail)
    hass.states.async_set("climate.boiler", "heat", {"temperature": 45})
    await add(hass, site, setpoint_entity="climate.boiler")
    await settle(hass)
    assert len(calls) == 1
    await pass_time(hass, freezer, 10)
    assert len(calls) == 1
    await pass_time(hass, freezer, 25)
    assert len(calls) == 2
    assert caplog.text.count("Boiler was not asked") == 1
    # Nobody is asked who is not there.
    hass.states.async_set("climate.boiler", "unavailable")
    await pass_time(hass, freezer, 35)
    assert len(calls) == 2


async def test_measured_heat(
    hass: HomeAssistant, site: ConfigEntry, freezer: FrozenDateTimeFactory
) -> None:
    """It goes to whom it was asked for; where that is not known nobody has it for sure."""
    hass.states.async_set("sensor.heat", "6", {"unit_of_measurement": "kW"})
    await add(hass, site, heat_entity="sensor.heat")
    (tank_id,) = site.runtime_data.site.sinks
    assert backup_of(site).read() == {tank_id: 6000}
    second_id = await add_subentry(
        hass, site, "sink", {"next_step_id": "dhw"}, {**TANK, "name": "Second"}
    )
    backup = backup_of(site)
    hass.config_entries.async_update_subentry(
        site,
        backup.subentry,
        data={**backup.subentry.data, "consumers": [tank_id, second_id]},
    )
    await hass.async_block_till_done(wait_background_tasks=False)
    backup = backup_of(site)
    assert backup.read() == {tank_id: None, second_id: None}
    backup.carry_out({tank_id: 1000.0, second_id: 3000.0})
    assert backup.read() == {tank_id: 1500, second_id: 4500}
    hass.states.async_set("sensor.heat", "0", {"unit_of_measurement": "kW"})
    await hass.async_block_till_done(wait_background_tasks=False)
    assert backup.read() == {tank_id: 0, second_id: 0}
    hass.states.async_set("sensor.heat", "unavailable")
    await pass_time(hass, freezer, 61)
    assert backup.read() == {tank_id: None, second_id: None}


async def test_its_device_and_entity(
    hass: HomeAssistant, site: ConfigEntry, freezer: FrozenDateTimeFactory
) -> None:
    backup_id = await add(hass, site)
    entity = entity_id(hass, site, backup_id, "heat_requested", "binary_sensor")
    assert state(hass, entity) == "off"
    await tank(hass, COLD)
    assert state(hass, entity) == "on"
    await strategy(hass, site, "off")
    assert state(hass, entity) == "unknown"
    device_id = er.async_get(hass).entities[entity].device_id
    assert device_id is not None
    device = dr.async_get(hass).async_get(device_id)
    assert device is not None
    assert (device.name, device.model) == ("Boiler", "Boiler")
    assert device.config_subentry_id == backup_id


async def test_missing_entities_are_told(
    hass: HomeAssistant, site: ConfigEntry, freezer: FrozenDateTimeFactory
) -> None:
    backup_id = await add(
        hass, site, setpoint_entity=SETPOINT, switch_entity="switch.gone"
    )
    await pass_time(hass, freezer, SAVE_INTERVAL.total_seconds())
    issue_id = f"backup_entities_{backup_id}"
    told = ir.async_get(hass).async_get_issue(DOMAIN, issue_id)
    assert told is not None
    assert told.translation_placeholders == {
        "backup": "Boiler",
        "entities": "switch.gone",
    }
    hass.config_entries.async_remove_subentry(site, backup_id)
    await hass.async_block_till_done(wait_background_tasks=False)
    assert ir.async_get(hass).async_get_issue(DOMAIN, issue_id) is None


async def test_diagnostics(
    hass: HomeAssistant, site: ConfigEntry, freezer: FrozenDateTimeFactory
) -> None:
    backup_id = await add(hass, site)
    data = await async_get_config_entry_diagnostics(hass, site)
    assert data["backups"] == {backup_id: {"requested": False, "heat_w": None}}
    assert data["site"]["plan"] == {"steps": []}

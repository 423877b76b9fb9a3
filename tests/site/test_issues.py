"""What the owner is told to repair, and what repairs itself."""

import asyncio

from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.compute_heater.const import DOMAIN, SAVE_INTERVAL
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er, issue_registry as ir
from homeassistant.util import dt as dt_util

from .conftest import agent_process, until
from .dialogue import expect_abort
from .helpers import (
    LIMIT,
    POWER,
    SETTINGS,
    compose,
    composed_form,
    register,
    set_up_helpers,
)
from .plant import HEATER_SETTINGS, PASSWORD, USER, Plant, add_site, add_subentry
from .test_link_issues import fix


def issue(hass: HomeAssistant, key: str, subentry_id: str) -> ir.IssueEntry | None:
    return ir.async_get(hass).async_get_issue(DOMAIN, f"{key}_{subentry_id}")


async def test_missing_entities(hass: HomeAssistant, plant: Plant) -> None:
    """A consumer whose sensor is gone says so, until it is back."""
    hass.config_entries.async_remove_subentry(plant.entry, plant.bacnet_id)
    await hass.async_block_till_done()
    assert issue(hass, "missing_entities", plant.dhw_id) is None
    async_fire_time_changed(hass, dt_util.utcnow() + SAVE_INTERVAL, fire_all=True)
    await hass.async_block_till_done()
    told = issue(hass, "missing_entities", plant.dhw_id)
    assert told is not None
    assert told.translation_placeholders is not None
    assert told.translation_placeholders["consumer"] == "Hot water"
    assert "dhw_tank_top" in told.translation_placeholders["entities"]
    hass.config_entries.async_remove_subentry(plant.entry, plant.dhw_id)
    await hass.async_block_till_done()
    assert issue(hass, "missing_entities", plant.dhw_id) is None


async def test_missing_entities_of_a_heater(
    hass: HomeAssistant, site: ConfigEntry
) -> None:
    """It is told, leads to the dialogue of the heater, and goes when they are back."""
    await set_up_helpers(hass)
    switch = register(hass, "switch", "oven")
    hass.states.async_set(switch, "off")
    form = composed_form(power_switch=switch, power_limit=LIMIT)
    made = await compose(hass, site, form, SETTINGS)

    async def look() -> ir.IssueEntry | None:
        async_fire_time_changed(hass, dt_util.utcnow() + SAVE_INTERVAL, fire_all=True)
        await hass.async_block_till_done()
        return issue(hass, "heater_entities", made.heater_id)

    assert await look() is None
    # Its integration has not loaded: nobody has to do anything.
    hass.states.async_remove(switch)
    assert await look() is None
    er.async_get(hass).async_remove(switch)
    hass.states.async_remove(POWER)
    told = await look()
    assert told is not None
    assert told.translation_placeholders == {
        "heater": "Miner",
        "entities": f"{switch}, {POWER}",
    }

    result = await fix(hass, told)
    kind, flow_id = result["next_flow"]
    assert kind == "config_subentries_flow"
    flow = hass.config_entries.subentries.async_get(flow_id)
    assert flow["step_id"] == "composed"
    assert flow["context"]["subentry_id"] == made.heater_id
    hass.config_entries.subentries.async_abort(flow_id)

    assert await look() is not None
    hass.states.async_set(switch, "off")
    hass.states.async_set(POWER, "0", {"unit_of_measurement": "W"})
    assert await look() is None

    hass.states.async_remove(POWER)
    told = await look()
    assert told is not None
    manager = hass.data["repairs"]["flow_manager"]
    ask = await manager.async_init(DOMAIN, context={"issue_id": told.issue_id})
    hass.config_entries.async_remove_subentry(site, made.heater_id)
    late = await manager.async_configure(ask["flow_id"], {})
    expect_abort(late, "part_removed")
    await hass.async_block_till_done()
    assert issue(hass, "heater_entities", made.heater_id) is None


async def test_renamed_entity_is_followed(hass: HomeAssistant, plant: Plant) -> None:
    """Renaming the tank's sensor changes nothing but its name."""
    old = plant.entity_id(plant.bacnet_id, "analog-input,1", "sensor")
    valve = plant.entity_id(plant.modbus_id, "valve", "switch")
    registry = er.async_get(hass)
    registry.async_update_entity(old, new_entity_id="sensor.boiler_top")
    registry.async_update_entity(valve, new_entity_id="switch.diverter")
    await hass.async_block_till_done()
    assert plant.entry.state is ConfigEntryState.LOADED
    data = plant.entry.subentries[plant.dhw_id].data
    assert data["temperature_entity"] == "sensor.boiler_top"
    assert data["path"]["valve_entity"] == "switch.diverter"
    plant.house.house.tank.draw(4)
    await until(lambda: plant.cap_w is None)


async def test_renames_during_a_reload(hass: HomeAssistant, plant: Plant) -> None:
    """Many renames in a row are all followed, by the running site too."""
    path = plant.entry.subentries[plant.dhw_id].data["path"]
    names = [path["pump_entity"], path["valve_entity"], path["flow_entity"]]
    registry = er.async_get(hass)
    before = plant.entry.runtime_data
    for round_number in range(4):
        for index, name in enumerate(names):
            names[index] = f"{name.partition('.')[0]}.renamed_{index}_{round_number}"
            registry.async_update_entity(name, new_entity_id=names[index])
            await asyncio.sleep(0.03)
    await hass.async_block_till_done()
    assert plant.entry.state is ConfigEntryState.LOADED
    assert plant.entry.runtime_data is not before
    for sink_id in (plant.dhw_id, plant.floor_id):
        path = plant.entry.subentries[sink_id].data["path"]
        assert [path[f"{what}_entity"] for what in ("pump", "valve", "flow")] == names
    sink = plant.entry.runtime_data.site.sinks[plant.dhw_id]
    assert set(names) <= set(sink.entity_ids)


async def test_changed_certificate(hass: HomeAssistant, free_port: int) -> None:
    """A heater with another certificate is not spoken to, and the owner is told."""
    identity = ("--tls-self-signed", "--uuid", "6f5902ac-0000-4000-8000-000000000001")
    entry = await add_site(hass)
    async with agent_process(free_port, *identity):
        heater_id = await add_subentry(
            hass,
            entry,
            "heater",
            {
                "url": f"https://127.0.0.1:{free_port}",
                "username": USER,
                "password": PASSWORD,
            },
            {},
            HEATER_SETTINGS,
        )
        coordinator = entry.runtime_data.heaters[heater_id]
        assert coordinator.available
    async with agent_process(free_port, *identity):
        await until(
            lambda: issue(hass, "certificate_changed", heater_id) is not None, within=60
        )
        assert not coordinator.available
        assert await hass.config_entries.async_unload(entry.entry_id)
    assert issue(hass, "certificate_changed", heater_id) is None

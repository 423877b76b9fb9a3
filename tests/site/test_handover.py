"""Reload, removal, disabling, stop and restart: what the plant may notice of them."""

from typing import Any

import pytest

from compute_heater_agent.service import RunningAgent
from custom_components.compute_heater.store import DATA_HANDOVER
from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    ConfigEntryDisabler,
    ConfigEntryState,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType

from .conftest import until
from .plant import Plant, add_subentry, dhw_step


async def full_power(plant: Plant) -> None:
    """Draw hot water until the heater runs at full power."""
    plant.house.house.tank.draw(4)
    await until(lambda: plant.cap_w is None and plant.agent.rack.power_w > 2500)


def priority_16(plant: Plant, setting: str) -> Any:
    """Return what our priority holds in the house."""
    return getattr(plant.house.house.commands, setting).override


async def test_changing_consumers_leaves_the_heater_alone(
    hass: HomeAssistant, plant: Plant, agent: RunningAgent
) -> None:
    """Add, rename and remove a consumer at full power: nothing is written."""
    setpoint = plant.entity_id(plant.bacnet_id, "analog-value,1", "number")
    await hass.services.async_call(
        "number", "set_value", {"entity_id": setpoint, "value": 52}, blocking=True
    )
    await full_power(plant)
    happened: list[Any] = []
    stop_listening = agent.rack.listen(happened.append)
    energy = float(plant.state(plant.heater_id, "energy", "sensor"))
    modbus_writes = plant.house.counters.modbus_writes
    bacnet_writes = plant.house.counters.bacnet_writes

    passive = dhw_step(
        plant.entity_id(plant.bacnet_id, "analog-input,1", "sensor"), "", "", ""
    )
    passive["path"] = {
        "valve_position": "on",
        "valve_travel_time": 1,
        "overrun_time": 5,
    }
    added = await add_subentry(
        hass, plant.entry, "sink", {"next_step_id": "dhw"}, passive
    )
    assert agent.rack.power_limit_w is None

    manager = hass.config_entries.subentries
    flow = await manager.async_init(
        (plant.entry.entry_id, "sink"),
        context={"source": SOURCE_RECONFIGURE, "subentry_id": added},
    )
    renamed = {key: v for key, v in passive.items() if key != "target_temperature"}
    result = await manager.async_configure(
        flow["flow_id"], {**renamed, "name": "Second tank"}
    )
    assert result["type"] is FlowResultType.ABORT
    await hass.async_block_till_done()
    assert plant.entry.subentries[added].title == "Second tank"

    hass.config_entries.async_remove_subentry(plant.entry, added)
    await hass.async_block_till_done()
    assert plant.entry.state is ConfigEntryState.LOADED

    await until(lambda: plant.state(plant.heater_id, "power_state", "select") == "full")
    stop_listening()
    assert happened == []
    assert agent.rack.power_limit_w is None
    assert plant.house.counters.modbus_writes == modbus_writes
    assert plant.house.counters.bacnet_writes == bacnet_writes
    assert priority_16(plant, "dhw_setpoint_c") == 52
    after = float(plant.state(plant.heater_id, "energy", "sensor"))
    assert energy <= after < energy + 0.02


async def test_removed_parts_are_released(hass: HomeAssistant, plant: Plant) -> None:
    """A removed link takes its commands back; a removed heater goes to standby."""
    setpoint = plant.entity_id(plant.bacnet_id, "analog-value,1", "number")
    await hass.services.async_call(
        "number", "set_value", {"entity_id": setpoint, "value": 52}, blocking=True
    )
    await full_power(plant)
    assert priority_16(plant, "dhw_setpoint_c") == 52
    hass.config_entries.async_remove_subentry(plant.entry, plant.bacnet_id)
    await hass.async_block_till_done()
    assert priority_16(plant, "dhw_setpoint_c") is None
    hass.config_entries.async_remove_subentry(plant.entry, plant.heater_id)
    await hass.async_block_till_done()
    assert plant.cap_w == 300


@pytest.mark.parametrize("how", ["disable", "remove", "stop"])
async def test_release(hass: HomeAssistant, plant: Plant, how: str) -> None:
    """Disabling, removing and stopping leave nothing of ours in the plant."""
    setpoint = plant.entity_id(plant.bacnet_id, "analog-value,1", "number")
    await hass.services.async_call(
        "number", "set_value", {"entity_id": setpoint, "value": 52}, blocking=True
    )
    await full_power(plant)
    if how == "disable":
        await hass.config_entries.async_set_disabled_by(
            plant.entry.entry_id, ConfigEntryDisabler.USER
        )
    elif how == "remove":
        await hass.config_entries.async_remove(plant.entry.entry_id)
    else:
        await hass.async_stop(force=True)
    assert priority_16(plant, "dhw_setpoint_c") is None
    assert plant.cap_w == 300


async def test_state_survives_a_restart(
    hass: HomeAssistant,
    plant: Plant,
    hass_storage: dict[str, Any],
) -> None:
    """What people set, and the counters, come back from the store."""
    climate = plant.entity_id(plant.heater_id, "heater", "climate")
    tank = plant.entity_id(plant.dhw_id, "tank", "water_heater")
    limit = plant.entity_id(plant.heater_id, "power_limit", "number")
    await hass.services.async_call(
        "number", "set_value", {"entity_id": limit, "value": 1200}, blocking=True
    )
    await hass.services.async_call(
        "water_heater",
        "set_temperature",
        {"entity_id": tank, "temperature": 53},
        blocking=True,
    )
    await hass.services.async_call(
        "climate",
        "set_preset_mode",
        {"entity_id": climate, "preset_mode": "eco"},
        blocking=True,
    )
    await until(lambda: plant.cap_w == 1200)
    assert await hass.config_entries.async_unload(plant.entry.entry_id)
    # A restart has no handover, only the store.
    hass.data[DATA_HANDOVER].clear()
    assert f"compute_heater.{plant.entry.entry_id}" in hass_storage
    assert await hass.config_entries.async_setup(plant.entry.entry_id)
    await hass.async_block_till_done()
    assert plant.state(plant.heater_id, "power_limit", "number") == "1200.0"
    assert plant.state(plant.heater_id, "heater", "climate") == "heat"
    assert plant.state(plant.heater_id, "power_state", "select") == "eco"
    state = hass.states.get(tank)
    assert state is not None
    assert state.attributes["temperature"] == 53
    assert plant.cap_w == 1200


async def test_a_command_is_stored_before_it_is_written(
    hass: HomeAssistant, plant: Plant, hass_storage: dict[str, Any]
) -> None:
    """After a crash in mid-write, the command can still be taken back."""
    link = plant.entry.runtime_data.links[plant.bacnet_id]
    stored: list[list[str]] = []
    write = link._async_write

    async def look_then_write(point: Any, value: Any, restore: Any) -> Any:
        memory = hass_storage[f"compute_heater.{plant.entry.entry_id}"]["data"]
        stored.append(sorted(memory["links"][plant.bacnet_id]["commands"]))
        return await write(point, value, restore)

    link._async_write = look_then_write
    await link.async_write("analog-value,1", 51.0)
    assert stored == [["analog-value,1"]]


async def test_a_point_that_may_no_longer_be_written_is_released(
    hass: HomeAssistant, plant: Plant
) -> None:
    """Taking the tick off a point takes our command back, and only that."""
    setpoint = plant.entity_id(plant.bacnet_id, "analog-value,1", "number")
    await hass.services.async_call(
        "number", "set_value", {"entity_id": setpoint, "value": 52}, blocking=True
    )
    subentry = plant.entry.subentries[plant.bacnet_id]
    points = [
        {key: value for key, value in row.items() if key != "writable"}
        for row in subentry.data["points"]
    ]
    hass.config_entries.async_update_subentry(
        plant.entry, subentry, data={**subentry.data, "points": points}
    )
    await hass.async_block_till_done()
    assert plant.entry.state is ConfigEntryState.LOADED
    assert priority_16(plant, "dhw_setpoint_c") is None
    assert float(plant.state(plant.bacnet_id, "analog-value,1", "sensor")) == 50
    assert hass.states.get(setpoint) is None

"""Closed links stay closed, and no pump is left running."""

import asyncio
from typing import Any

import pytest

from custom_components.compute_heater.bacnet_coordinator import BacnetCoordinator
from homeassistant.config_entries import ConfigEntryDisabler
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError

from .conftest import until
from .plant import Plant
from .test_handover import full_power, priority_16


def bacnet_link(plant: Plant) -> BacnetCoordinator:
    link = plant.entry.runtime_data.links[plant.bacnet_id]
    assert isinstance(link, BacnetCoordinator)
    return link


async def test_a_late_write_does_not_open_a_closed_link(
    hass: HomeAssistant, still_plant: Plant
) -> None:
    """A write that is still being noted when the link closes is refused."""
    runtime = still_plant.entry.runtime_data
    link = bacnet_link(still_plant)
    save, noting, closed = runtime.async_save, asyncio.Event(), asyncio.Event()

    async def slow_save() -> None:
        noting.set()
        await closed.wait()
        await save()

    runtime.async_save = slow_save
    write = asyncio.create_task(link.async_write("analog-value,1", 52.0))
    await noting.wait()
    await link.async_close()
    closed.set()
    with pytest.raises(HomeAssistantError, match="closed"):
        await write
    assert link._stack is None
    runtime.async_save = save
    with pytest.raises(HomeAssistantError, match="closed"):
        await link.async_write("analog-value,1", 52.0)
    assert link.ledger.commands == {}


async def test_a_late_poll_does_not_subscribe_anew(
    hass: HomeAssistant, still_plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A poll that is under way when the link closes leaves nothing behind."""
    link = bacnet_link(still_plant)
    device = link._device
    assert device is not None
    read, reading, closed = device.read, asyncio.Event(), asyncio.Event()

    async def slow_read(*args: object) -> object:
        values = await read(*args)  # type: ignore[arg-type]
        reading.set()
        await closed.wait()
        return values

    monkeypatch.setattr(device, "read", slow_read)
    poll = asyncio.create_task(link.async_refresh())
    await reading.wait()
    await link.async_close()
    closed.set()
    await poll
    assert link._subscription is None
    assert link._stack is None


async def only_the_tank(hass: HomeAssistant, plant: Plant) -> None:
    """Leave the tank as the only user of the pump, at full power."""
    hass.config_entries.async_remove_subentry(plant.entry, plant.floor_id)
    await hass.async_block_till_done()
    await full_power(plant)
    await until(lambda: plant.house.house.loop.pump_command)


async def test_pump_of_a_removed_consumer(hass: HomeAssistant, plant: Plant) -> None:
    """It goes on for its overrun, over another reload, and stops then."""
    await only_the_tank(hass, plant)
    hass.config_entries.async_remove_subentry(plant.entry, plant.dhw_id)
    await hass.async_block_till_done()
    assert plant.house.house.loop.pump_command
    assert await hass.config_entries.async_reload(plant.entry.entry_id)
    await until(lambda: plant.cap_w == 300)
    await until(lambda: not plant.house.house.loop.pump_command)
    runtime = plant.entry.runtime_data
    await until(lambda: not runtime.running_down)


async def test_pump_that_another_consumer_uses(
    hass: HomeAssistant, plant: Plant
) -> None:
    """A pump that the tank needs goes on without the floor."""
    await full_power(plant)
    writes = plant.house.counters.modbus_writes
    hass.config_entries.async_remove_subentry(plant.entry, plant.floor_id)
    await hass.async_block_till_done()
    assert plant.entry.runtime_data.running_down == {}
    assert plant.house.counters.modbus_writes == writes


async def test_changed_pump(hass: HomeAssistant, plant: Plant) -> None:
    """A pump that was exchanged for another one does not stay on."""
    await only_the_tank(hass, plant)
    hass.states.async_set("input_boolean.other_pump", "on")
    subentry = plant.entry.subentries[plant.dhw_id]
    path = {**subentry.data["path"], "pump_entity": "input_boolean.other_pump"}
    hass.config_entries.async_update_subentry(
        plant.entry, subentry, data={**subentry.data, "path": path}
    )
    await hass.async_block_till_done()
    await until(lambda: not plant.house.house.loop.pump_command)


@pytest.mark.parametrize("how", ["disable", "remove", "stop"])
async def test_no_pump_outlives_the_site(
    hass: HomeAssistant, plant: Plant, how: str
) -> None:
    """Disabling, removing and stopping put the heater to standby and the pump off."""
    await full_power(plant)
    await until(lambda: plant.house.house.loop.pump_command)
    if how == "disable":
        await hass.config_entries.async_set_disabled_by(
            plant.entry.entry_id, ConfigEntryDisabler.USER
        )
    elif how == "remove":
        await hass.config_entries.async_remove(plant.entry.entry_id)
    else:
        await hass.async_stop(force=True)
    assert not plant.house.house.loop.pump_command
    assert plant.cap_w == 300


async def test_another_controller_is_released_from(
    hass: HomeAssistant, plant: Plant
) -> None:
    """Our command does not stay in the controller that the link had before."""
    setpoint = plant.entity_id(plant.bacnet_id, "analog-value,1", "number")
    await hass.services.async_call(
        "number", "set_value", {"entity_id": setpoint, "value": 52}, blocking=True
    )
    assert priority_16(plant, "dhw_setpoint_c") == 52
    subentry = plant.entry.subentries[plant.bacnet_id]
    hass.config_entries.async_update_subentry(
        plant.entry, subentry, data={**subentry.data, "device_instance": 4711}
    )
    await hass.async_block_till_done()
    assert priority_16(plant, "dhw_setpoint_c") is None
    assert bacnet_link(plant).ledger.commands == {}


async def test_a_part_that_hangs_does_not_hold_up_control(
    hass: HomeAssistant, plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reload waits a few seconds for first readings, and control begins."""
    read = BacnetCoordinator._async_read
    answers = asyncio.Event()

    async def hang(self: BacnetCoordinator, points: Any) -> Any:
        await answers.wait()
        return await read(self, points)

    monkeypatch.setattr(BacnetCoordinator, "_async_read", hang)
    monkeypatch.setattr("custom_components.compute_heater._FIRST_REFRESH_S", 0.1)
    async with asyncio.timeout(20):
        assert await hass.config_entries.async_reload(plant.entry.entry_id)
    assert plant.entry.runtime_data.site.path is not None
    assert bacnet_link(plant).data is None
    answers.set()
    await until(lambda: bacnet_link(plant).data is not None)

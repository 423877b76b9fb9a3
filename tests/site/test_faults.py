"""Parts that die, hang or are not there yet."""

import asyncio
from contextlib import AsyncExitStack
import logging
import signal
from typing import Any

import pytest

from compute_heater_agent.service import running_agent
from compute_heater_agent.settings import AgentSettings, RackSettings
from custom_components.compute_heater.store import DATA_HANDOVER
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from simulator.running import Settings, running_house

from .conftest import agent_process, until
from .plant import PASSWORD, USER, Plant, set_up_plant

OURS = "custom_components.compute_heater"


def our_records(
    caplog: pytest.LogCaptureFixture, level: int = logging.WARNING
) -> list[str]:
    """Return what we logged at this level or above."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith(OURS) and record.levelno >= level
    ]


@pytest.mark.parametrize("death", [signal.SIGKILL, signal.SIGSTOP])
async def test_heater_dies_and_comes_back(
    hass: HomeAssistant,
    caplog: pytest.LogCaptureFixture,
    free_port: int,
    death: signal.Signals,
) -> None:
    """Unavailable within two polls, one log line, recovery by itself."""
    async with AsyncExitStack() as stack:
        house = await stack.enter_async_context(running_house(Settings()))
        address = house.addresses.pipe
        process = await stack.enter_async_context(
            agent_process(free_port, "--pipe", address)
        )

        class Address:
            url = f"http://127.0.0.1:{free_port}"

        plant: Plant = await set_up_plant(hass, Address, house)  # type: ignore[arg-type]
        coordinator = plant.entry.runtime_data.heaters[plant.heater_id]
        house.house.tank.draw(4)
        await until(
            lambda: plant.state(plant.heater_id, "power_state", "sensor") == "full"
        )
        caplog.clear()

        polls = 0

        def count() -> None:
            nonlocal polls
            polls += 1

        coordinator.async_add_listener(count)
        process.send_signal(death)
        await until(
            lambda: plant.state(plant.heater_id, "power", "sensor") == "unavailable",
            within=40,
        )
        assert plant.state(plant.heater_id, "heater", "climate") == "unavailable"
        assert polls <= 2 * 3  # a poll tells its listeners at most thrice
        # The consumers go on without it.
        assert plant.state(plant.dhw_id, "tank", "water_heater") == "auto"
        await asyncio.sleep(6)
        assert len(our_records(caplog)) == 1, our_records(caplog)

        if death is signal.SIGSTOP:
            process.send_signal(signal.SIGCONT)
        else:
            await process.wait()
            await stack.enter_async_context(agent_process(free_port, "--pipe", address))
        await until(
            lambda: plant.state(plant.heater_id, "power_state", "sensor") == "full",
            within=60,
        )
        assert not [text for text in caplog.messages if "Traceback" in text]
        assert await hass.config_entries.async_unload(plant.entry.entry_id)


async def test_start_with_everything_down(
    hass: HomeAssistant, caplog: pytest.LogCaptureFixture
) -> None:
    """The site loads without heater and house, and takes both up when they come."""
    async with AsyncExitStack() as stack:
        house = await stack.enter_async_context(running_house(Settings()))
        settings = AgentSettings(
            user=USER, password=PASSWORD, rack=RackSettings(oil_c=50)
        )
        agent = await stack.enter_async_context(running_agent(settings))
        plant = await set_up_plant(hass, agent, house)
        assert await hass.config_entries.async_unload(plant.entry.entry_id)
        hass.data[DATA_HANDOVER].clear()
        ports = [
            int(address.rpartition(":")[2])
            for address in (house.addresses.bacnet, house.addresses.modbus, agent.url)
        ]

    assert await hass.config_entries.async_setup(plant.entry.entry_id)
    await hass.async_block_till_done()
    assert plant.entry.state is ConfigEntryState.LOADED
    assert plant.state(plant.heater_id, "power", "sensor") == "unavailable"
    assert plant.state(plant.bacnet_id, "analog-input,1", "sensor") == "unavailable"
    assert plant.state(plant.modbus_id, "pump", "switch") == "unavailable"
    assert plant.state(plant.dhw_id, "tank", "water_heater") == "unavailable"
    assert plant.state("", "strategy", "select") == "follow_demand"
    assert plant.state("", "reason", "sensor") == "stale_sensor"

    async with AsyncExitStack() as stack:
        await stack.enter_async_context(
            running_house(Settings(bacnet_port=ports[0], modbus_port=ports[1]))
        )
        await stack.enter_async_context(
            running_agent(
                AgentSettings(
                    user=USER, password=PASSWORD, port=ports[2], uuid=agent.uuid
                )
            )
        )
        await until(
            lambda: plant.state(plant.heater_id, "power", "sensor") != "unavailable"
        )
        await until(
            lambda: plant.state(plant.modbus_id, "pump", "switch") != "unavailable"
        )
        await until(
            lambda: plant.state(plant.dhw_id, "tank", "water_heater") == "auto",
            within=60,
        )
        assert await hass.config_entries.async_unload(plant.entry.entry_id)
    assert not our_records(caplog, logging.CRITICAL)
    assert not [text for text in caplog.messages if "Traceback" in text]


async def test_silent_tank_sensor_stops_the_heat(
    hass: HomeAssistant, plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the tank's temperature nothing is known, and nothing is heated."""
    plant.house.house.tank.draw(4)
    await until(lambda: plant.cap_w is None)
    source = plant.entry.runtime_data.site.sinks[plant.dhw_id]._temperature
    hass.states.async_set(source.entity_id, "unavailable")
    # A reload of another integration is bridged over …
    await asyncio.sleep(1)
    assert plant.cap_w is None
    # … a sensor that stays away is not.
    monkeypatch.setattr("custom_components.compute_heater.sources.HOLD_S", 0.0)
    plant.entry.runtime_data.links[plant.bacnet_id].update_interval = None
    hass.states.async_set(source.entity_id, "unavailable", force_update=True)
    await until(lambda: plant.cap_w == 300)
    assert plant.state(plant.heater_id, "reason", "sensor") == "stale_sensor"


async def test_another_writer_is_noticed(plant: Plant, hass: HomeAssistant) -> None:
    """A cap that someone else changes is set again; nobody else steers the heater."""
    plant.house.house.tank.draw(4)
    await until(lambda: plant.cap_w is None)
    plant.agent.rack.set_cap(set_point_w=500, control_mode=_automatic())
    await until(lambda: plant.cap_w is None)


def _automatic() -> Any:
    from compute_heater_agent.simulated import ControlMode

    return ControlMode.AUTOMATIC

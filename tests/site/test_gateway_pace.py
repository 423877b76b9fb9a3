"""Many controllers at a site's gateway, and one machine."""

from datetime import timedelta

import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from compute_heater_agent.service import RunningAgent
from custom_components.compute_heater.gateway import pace
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
from tests.gateway.bacnet_site import controller

from .conftest import until
from .gateway_parts import (
    CONTROLLER,
    POWER,
    SECOND,
    add_gateway,
    bacnet_answers,
    serving,
)
from .plant import add_heater, choose_strategy


async def served(
    hass: HomeAssistant, site: ConfigEntry, agent: RunningAgent
) -> tuple[str, str]:
    """Have the building decide by BACnet; return where, and the id of the heater."""
    heater_id = await add_heater(hass, site, agent)
    await choose_strategy(hass, site, "building_demand")
    answers = bacnet_answers()
    await add_gateway(hass, site, "bacnet", answers)
    await serving(site)
    return f"127.0.0.1:{answers['local_port']}", heater_id


async def test_several_controllers_do_not_hurry_a_machine(
    hass: HomeAssistant,
    site: ConfigEntry,
    lone_agent: RunningAgent,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each is heard, but the machine only so often; then it hears the newest."""
    monkeypatch.setattr(pace, "BURST", 1.0)
    monkeypatch.setattr(pace, "PER_S", 1 / 3600)
    at, heater_id = await served(hass, site, lone_agent)
    heater = site.runtime_data.site.heaters[heater_id]
    async with controller(CONTROLLER) as master, controller(SECOND) as second:
        await master.write(at, POWER, "present-value", 50.0, priority=12)
        await until(lambda: lone_agent.rack.power_limit_w == 1500)
        for percent in (60.0, 70.0, 90.0):
            await second.write(at, POWER, "present-value", percent, priority=8)
            await master.write(at, POWER, "present-value", percent - 5, priority=7)
            assert await second.read(at, POWER, "present-value") == percent - 5
        site.runtime_data.site.tick()
        assert heater.decision is not None and heater.decision.power_w == 1500
        await master.write(at, POWER, "present-value", None, priority=7)
        monkeypatch.setattr(pace, "PER_S", 1e6)
        async_fire_time_changed(hass, dt_util.utcnow() + timedelta(hours=1))
        await until(lambda: lone_agent.rack.power_limit_w == 2700)


async def test_a_reload_does_not_wait(
    hass: HomeAssistant,
    site: ConfigEntry,
    lone_agent: RunningAgent,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was held back is taken over with the other commands."""
    monkeypatch.setattr(pace, "BURST", 1.0)
    monkeypatch.setattr(pace, "PER_S", 1 / 3600)
    at, _ = await served(hass, site, lone_agent)
    async with controller(CONTROLLER) as master:
        await master.write(at, POWER, "present-value", 50.0)
        await until(lambda: lone_agent.rack.power_limit_w == 1500)
        await master.write(at, POWER, "present-value", 90.0)
    assert await hass.config_entries.async_reload(site.entry_id)
    await until(lambda: lone_agent.rack.power_limit_w == 2700)

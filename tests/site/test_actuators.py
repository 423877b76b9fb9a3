"""Valves and pumps of any integration, driven through their entities."""

import asyncio
import logging

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_mock_service,
)

from custom_components.compute_heater.actuators import Actuators
from custom_components.compute_heater.const import DOMAIN
from custom_components.compute_heater.pumps import (
    async_switch_off,
    async_switch_off_unloaded,
)
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_real_helper_follows(hass: HomeAssistant) -> None:
    """An input_boolean stands for any switch; people may not take it over."""
    assert await async_setup_component(
        hass, "input_boolean", {"input_boolean": {"p": {}}}
    )
    actuators = Actuators(hass)
    pump = "input_boolean.p"
    assert actuators.states([pump, "switch.none"]) == {pump: False, "switch.none": None}
    actuators.drive({pump: True, "switch.none": True}, insist=True)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert actuators.states([pump]) == {pump: True}
    await async_switch_off(hass, [pump, "switch.none"])
    assert actuators.states([pump]) == {pump: False}


@pytest.mark.parametrize(
    ("position", "service"), [(True, "open_valve"), (False, "close_valve")]
)
async def test_valves_open_and_close(
    hass: HomeAssistant, position: bool, service: str
) -> None:
    calls = async_mock_service(hass, "valve", service)
    actuators = Actuators(hass)
    for state in ("unavailable", "opening", "closing"):
        hass.states.async_set("valve.v", state)
        actuators.drive({"valve.v": position}, insist=True)
    await settle()
    assert calls == []
    hass.states.async_set("valve.v", "unknown")
    actuators.drive({"valve.v": position}, insist=True)
    await settle()
    assert [call.data["entity_id"] for call in calls] == ["valve.v"]
    # Once asked for, it has time to move.
    actuators.drive({"valve.v": position}, insist=True)
    await settle()
    assert len(calls) == 1


async def test_a_switch_that_fails_is_told_once(
    hass: HomeAssistant,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Tried again and again, told once; a stop is not told at all."""
    monkeypatch.setattr("custom_components.compute_heater.actuators._RETRY_S", 0.0)
    fails = True

    async def turn_on(call: ServiceCall) -> None:
        await asyncio.sleep(0)
        if fails:
            raise HomeAssistantError("stuck")
        hass.states.async_set("switch.pump", "on")

    hass.services.async_register("switch", "turn_on", turn_on)
    hass.services.async_register("switch", "turn_off", turn_on)
    hass.states.async_set("switch.pump", "off")
    actuators = Actuators(hass)

    def told() -> int:
        return sum(
            "switch.pump" in record.getMessage()
            for record in caplog.records
            if record.name.startswith("custom_components")
            and record.levelno == logging.WARNING
        )

    for _ in range(3):
        actuators.drive({"switch.pump": True}, insist=True)
        await settle()
    assert told() == 1
    fails = False
    actuators.drive({"switch.pump": True}, insist=True)
    await settle()
    assert actuators.states(["switch.pump"]) == {"switch.pump": True}
    fails = True
    await async_switch_off(hass, ["switch.pump"])
    assert told() == 2
    hass.states.async_set("switch.pump", "off")
    actuators.drive({"switch.pump": True}, insist=True)
    actuators.stop()
    await settle()
    assert told() == 2


async def test_without_insisting_people_may_take_over(hass: HomeAssistant) -> None:
    """A position is asked for once while no strategy runs."""
    calls = async_mock_service(hass, "switch", "turn_on")
    hass.states.async_set("switch.pump", "off")
    actuators = Actuators(hass)
    for _ in range(3):
        actuators.drive({"switch.pump": True}, insist=False)
        await settle()
    assert len(calls) == 1


async def test_pumps_of_a_site_that_is_gone(hass: HomeAssistant) -> None:
    """Those of others go by their service; its own stop with its links."""
    calls = async_mock_service(hass, "switch", "turn_off")
    entry = MockConfigEntry(domain=DOMAIN)
    entry.add_to_hass(hass)
    er.async_get(hass).async_get_or_create(
        "switch", DOMAIN, "own", suggested_object_id="own", config_entry=entry
    )
    for own in ("switch.own", "switch.foreign"):
        hass.states.async_set(own, "on")
    pumps = dict.fromkeys(("switch.own", "switch.foreign", "switch.gone"), 5.0)
    await async_switch_off_unloaded(hass, entry, pumps)
    assert [call.data["entity_id"] for call in calls] == ["switch.foreign"]

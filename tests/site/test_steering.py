"""What a heater is sent, and what it is never sent, whatever it can do."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from custom_components.compute_heater.heater_coordinator import (
    HeaterCoordinator,
    _holds,
)
from custom_components.compute_heater.heaters.model import (
    Capabilities,
    Command,
    Reading,
)
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from tests.heaters import bmc, shapes

from .conftest import still_agent
from .dialogue import answer, begin_redfish, expect_form, without_work
from .plant import HEATER_SETTINGS, PASSWORD, USER, add_subentry, entity_id

DEMAND = "sensor.demand"
TANK: dict[str, Any] = {
    "name": "Tank",
    "temperature_entity": "sensor.tank",
    "demand_entity": DEMAND,
    "volume": 300,
    "target_temperature": 50,
    "hysteresis": 4,
    "limit_temperature": 65,
    "comfort_minimum": 40,
    "max_heat_power": 0.5,
    "path": {"valve_position": "on", "valve_travel_time": 1, "overrun_time": 5},
}
BMC_LOGIN = {"username": bmc.USER, "password": bmc.PASSWORD}


def resets(server: bmc.Bmc) -> list[str]:
    """List how modules were switched."""
    return [one.body["ResetType"] for one in server.requests("POST", "Reset")]


@asynccontextmanager
async def server_without_cap() -> AsyncIterator[bmc.Bmc]:
    """Run a server that tells no range of its cap; its owner has set one."""
    resources = shapes.legacy()
    control = resources[shapes.POWER]["PowerControl"][0]
    control["PowerLimit"]["LimitInWatts"] = 500
    async with bmc.running_bmc(bmc.Bmc(resources)) as server:
        yield server


async def select(
    hass: HomeAssistant, site: ConfigEntry, heater_id: str, option: str
) -> None:
    """Choose a power state."""
    entity = entity_id(hass, site, heater_id, "power_state", "select")
    await hass.services.async_call(
        "select",
        "select_option",
        {"entity_id": entity, "option": option},
        blocking=True,
    )


async def test_full_power_is_the_owners(hass: HomeAssistant, site: ConfigEntry) -> None:
    """A machine of 3000 W draws no more than the 2000 W that the owner calls full."""
    async with still_agent() as agent:
        login = {"url": agent.url, "username": USER, "password": PASSWORD}
        settings = HEATER_SETTINGS | {"full_power": 2000}
        heater_id = await add_subentry(hass, site, "heater", login, settings)
        agent.rack.bath.connect(return_c=38, flow_lpm=8)
        await select(hass, site, heater_id, "full")
        agent.rack.step(60, return_c=38, flow_lpm=8)
        assert agent.rack.power_w == pytest.approx(2000, abs=5)
        limit = entity_id(hass, site, heater_id, "power_limit", "number")
        for watts in (1000, 2000):
            await hass.services.async_call(
                "number",
                "set_value",
                {"entity_id": limit, "value": watts},
                blocking=True,
            )
            agent.rack.step(60, return_c=38, flow_lpm=8)
            assert agent.rack.power_w == pytest.approx(watts, abs=5)
        await hass.config_entries.async_unload(site.entry_id)


async def test_server_without_cap(hass: HomeAssistant, site: ConfigEntry) -> None:
    """It is on or off; the cap that its owner has set stays through all of it."""
    hass.states.async_set(
        "sensor.tank",
        "45",
        {"unit_of_measurement": "°C", "device_class": "temperature"},
    )

    def demand(percent: float) -> None:
        hass.states.async_set(DEMAND, str(percent), {"unit_of_measurement": "%"})

    demand(0)
    async with server_without_cap() as server:
        settings = HEATER_SETTINGS | {
            "standby_power": 90,
            "eco_power": 200,
            "full_power": 350,
        }
        login = {"url": server.url, **BMC_LOGIN}
        heater_id = await add_subentry(hass, site, "heater", login, settings)
        await add_subentry(hass, site, "sink", {"next_step_id": "dhw"}, TANK)

        async def settled() -> list[str]:
            heater = site.runtime_data.heaters[heater_id]
            for _ in range(2):
                await heater.async_finish()
                await heater.async_refresh()
            return resets(server)

        assert await settled() == ["GracefulShutdown"]
        demand(100)
        assert await settled() == ["GracefulShutdown", "On"]
        compute = entity_id(hass, site, heater_id, "compute", "switch")
        for service, expected in (("turn_off", "GracefulShutdown"), ("turn_on", "On")):
            await hass.services.async_call(
                "switch", service, {"entity_id": compute}, blocking=True
            )
            assert (await settled())[-1] == expected
        await select(hass, site, heater_id, "full")
        assert len(await settled()) == 4
        # The tank takes nothing more, so nothing may give off heat.
        hass.states.async_set("sensor.tank", "66", {"unit_of_measurement": "°C"})
        assert (await settled())[-1] == "GracefulShutdown"
        hass.states.async_set("sensor.tank", "45", {"unit_of_measurement": "°C"})
        assert (await settled())[-1] == "On"
        await site.runtime_data.heaters[heater_id].async_release()
        assert resets(server)[-1] == "GracefulShutdown"
        await hass.config_entries.async_unload(site.entry_id)
        assert server.requests("PATCH") == []


async def test_heater_that_cannot_be_steered(
    hass: HomeAssistant, site: ConfigEntry
) -> None:
    fixed = bmc.system("1")
    del fixed["Actions"]
    async with bmc.running_bmc(bmc.Bmc(bmc.service([fixed], {}))) as server:
        form = await begin_redfish(hass, site)
        form = await answer(hass, form, {"url": server.url, **BMC_LOGIN})
        form = await without_work(hass, form)
        expect_form(form, "redfish", base="cannot_be_steered")


async def test_release_of_a_heater_that_tells_no_state(
    hass: HomeAssistant, site: ConfigEntry
) -> None:
    resources = bmc.modern()
    del resources[f"{bmc.ROOT}/Systems/1"]["PowerState"]
    async with bmc.running_bmc(bmc.Bmc(resources)) as server:
        settings = HEATER_SETTINGS | {"eco_power": 600, "full_power": 1000}
        login = {"url": server.url, **BMC_LOGIN}
        heater_id = await add_subentry(hass, site, "heater", login, settings)
        heater = site.runtime_data.heaters[heater_id]
        assert heater.data.is_on is None
        await select(hass, site, heater_id, "full")
        assert heater.data.power_limit_w is None
        await heater.async_release()
        cap = server.resources[bmc.METRICS]["PowerLimitWatts"]
        assert (cap["SetPoint"], cap["ControlMode"]) == (300, "Automatic")
        await hass.config_entries.async_unload(site.entry_id)


@pytest.fixture
async def coordinator(
    hass: HomeAssistant, site: ConfigEntry
) -> AsyncIterator[HeaterCoordinator]:
    """Set up a heater whose time stands still."""
    async with still_agent() as agent:
        login = {"url": agent.url, "username": USER, "password": PASSWORD}
        heater_id = await add_subentry(hass, site, "heater", login, HEATER_SETTINGS)
        site.runtime_data.site.stop()
        yield site.runtime_data.heaters[heater_id]
        await hass.config_entries.async_unload(site.entry_id)


async def test_refused_for_ever(coordinator: HeaterCoordinator) -> None:
    """However often a command has failed, the next try has its time."""
    command = Command(on=True, power_limit_w=5000)
    coordinator.request(command)
    assert coordinator._worker is not None
    await coordinator._worker
    assert coordinator.command_error is not None
    assert coordinator._attempt is not None
    coordinator._attempt.count = 5000
    coordinator.request(command)
    coordinator._attempt.at -= 601
    coordinator.request(command)
    await coordinator._worker
    assert coordinator._attempt.count == 5001


async def test_cancelled_command_does_not_cancel_the_caller(
    coordinator: HeaterCoordinator,
) -> None:
    coordinator.request(Command(on=True, power_limit_w=1000))
    caller = asyncio.create_task(coordinator.async_finish())
    await asyncio.sleep(0)
    assert coordinator._worker is not None
    coordinator._worker.cancel()
    await caller


CAPPED = Capabilities(
    can_switch=True, floor_w=300, max_w=3000, modules=4, has_coolant=False
)
SWITCHED = Capabilities(
    can_switch=True, floor_w=None, max_w=3000, modules=4, has_coolant=False
)


@pytest.mark.parametrize(
    ("capabilities", "command", "reading", "holds"),
    [
        (CAPPED, Command(on=True), Reading(is_on=True), True),
        (CAPPED, Command(on=True), Reading(is_on=True, power_limit_w=3000), True),
        (CAPPED, Command(on=True), Reading(is_on=True, power_limit_w=2999), False),
        (
            CAPPED,
            Command(on=True, power_limit_w=900),
            Reading(is_on=None, power_limit_w=900),
            True,
        ),
        (
            CAPPED,
            Command(on=True, power_limit_w=900),
            Reading(is_on=None, power_limit_w=1200),
            False,
        ),
        (CAPPED, Command(on=True), Reading(is_on=False), False),
        (CAPPED, Command(on=False), Reading(is_on=None), False),
        (CAPPED, Command(on=False), Reading(is_on=False), True),
        (SWITCHED, Command(on=True), Reading(is_on=True, power_limit_w=1000), True),
        (SWITCHED, Command(on=False), Reading(is_on=True, power_limit_w=9), False),
    ],
)
def test_holds(
    capabilities: Capabilities, command: Command, reading: Reading, holds: bool
) -> None:
    """Nothing is sent again to a heater that is what was asked for."""
    assert _holds(command, reading, capabilities) is holds

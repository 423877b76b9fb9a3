"""Heaters whose power limit is refused, or taken and ignored; and slow ones."""

import asyncio
from typing import Any

from aiohttp import web
import pytest

from custom_components.compute_heater.const import DOMAIN, HEATER_INTERVAL_SHORTEST
from custom_components.compute_heater.control import limit_watch
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from tests.heaters.bmc import (
    METRICS,
    PASSWORD,
    ROOT,
    USER,
    Bmc,
    error,
    modern,
    running_bmc,
    system,
)

from .conftest import until
from .plant import HEATER_SETTINGS, add_subentry, entity_id

SETTINGS = HEATER_SETTINGS | {"eco_power": 600, "full_power": 1000}


async def add_heater(hass: HomeAssistant, site: ConfigEntry, bmc: Bmc) -> str:
    login = {"url": bmc.url, "username": USER, "password": PASSWORD}
    return await add_subentry(hass, site, "heater", login, SETTINGS)


async def test_ignored_limit_is_a_repair_issue_until_it_is_kept(
    hass: HomeAssistant, site: ConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limit_watch, "IGNORED_AFTER_S", 0.2)
    async with running_bmc(Bmc(resources=modern(system("1")))) as bmc:
        heater_id = await add_heater(hass, site, bmc)
        coordinator = site.runtime_data.heaters[heater_id]
        limit = bmc.resources[METRICS]["PowerLimitWatts"]
        # Nothing is wanted, so it is told to stand by; it draws 812.5 W all the same.
        await until(lambda: limit["SetPoint"] == 300)

        def issue() -> ir.IssueEntry | None:
            registry = ir.async_get(hass)
            return registry.async_get_issue(DOMAIN, f"limit_ignored_{heater_id}")

        await coordinator.async_refresh()
        await asyncio.sleep(0.25)
        await coordinator.async_refresh()
        told = issue()
        assert told is not None
        assert told.translation_placeholders == {"heater": "Rack server"}
        assert not told.is_fixable
        bmc.merge(METRICS, {"PowerWatts": {"Reading": 310}})
        await coordinator.async_refresh()
        assert issue() is None

        bmc.merge(METRICS, {"PowerWatts": {"Reading": 812.5}})
        await coordinator.async_refresh()
        await asyncio.sleep(0.25)
        await coordinator.async_refresh()
        assert issue() is not None
        assert await hass.config_entries.async_unload(site.entry_id)
        assert issue() is None, "what still holds is told again after a reload"


async def test_refused_limit_is_a_problem_and_told_once(
    hass: HomeAssistant, site: ConfigEntry, caplog: pytest.LogCaptureFixture
) -> None:
    async def refuse(_: web.Request) -> web.StreamResponse:
        return error(403, "InsufficientPrivilege", "A licence is needed.")

    async with running_bmc(Bmc(resources=modern(system("1")))) as bmc:
        bmc.front["PATCH", METRICS] = refuse
        heater_id = await add_heater(hass, site, bmc)
        problem = entity_id(hass, site, heater_id, "problem", "binary_sensor")
        await until(lambda: hass.states.is_state(problem, "on"))
        coordinator = site.runtime_data.heaters[heater_id]
        for _ in range(3):
            await coordinator.async_refresh()
        told = [each for each in caplog.messages if "A licence is needed" in each]
        assert len(told) == 1
        assert bmc.resources[f"{ROOT}/Systems/1"]["PowerState"] == "On"

        bmc.front.clear()
        limit: dict[str, Any] = bmc.resources[METRICS]["PowerLimitWatts"]
        await until(lambda: limit["SetPoint"] == 300, within=40)
        await until(lambda: hass.states.is_state(problem, "off"))
        assert await hass.config_entries.async_unload(site.entry_id)


async def test_slow_heater_is_polled_less_often(
    hass: HomeAssistant, site: ConfigEntry
) -> None:
    async def slow(_: web.Request) -> web.StreamResponse | None:
        await asyncio.sleep(0.6)
        return None

    async with running_bmc(Bmc(resources=modern(system("1")))) as bmc:
        heater_id = await add_heater(hass, site, bmc)
        coordinator = site.runtime_data.heaters[heater_id]
        await coordinator.async_refresh()
        assert coordinator.update_interval == HEATER_INTERVAL_SHORTEST
        bmc.front = {("GET", path): slow for path in bmc.resources}
        await coordinator.async_refresh()
        assert coordinator.last_update_success
        assert coordinator.update_interval is not None
        assert coordinator.update_interval > HEATER_INTERVAL_SHORTEST
        bmc.front.clear()
        assert await hass.config_entries.async_unload(site.entry_id)

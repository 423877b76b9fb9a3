"""A foreign Redfish service through Home Assistant: added, turned off and on, read."""

import asyncio
from pathlib import Path

import aiohttp

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from tests.heaters.sushy import SYSTEM, UUID, running_emulator

from .conftest import until
from .dialogue import answer, begin_redfish, expect_form, without_work
from .plant import HEATER_SETTINGS, entity_id

SETTINGS = HEATER_SETTINGS | {
    "standby_power": 90,
    "eco_power": 200,
    "full_power": 350,
}


async def test_set_up_on_off_status(
    hass: HomeAssistant, site: ConfigEntry, free_port: int, tmp_path: Path
) -> None:
    async with running_emulator(free_port, tmp_path) as url:
        form = await begin_redfish(hass, site)
        login = {"url": url, "username": "admin", "password": "password"}
        form = await without_work(hass, await answer(hass, form, login))
        expect_form(form, "settings")
        # It takes no cap and does not say what it can draw.
        assert form["description_placeholders"]["floor"] == "–"
        await answer(hass, form, SETTINGS)
        (subentry,) = site.subentries.values()
        heater_id = subentry.subentry_id
        assert subentry.data["identity"]["uuid"] == UUID
        assert subentry.data["identity"]["manufacturer"] == "Contoso"
        coordinator = site.runtime_data.heaters[heater_id]

        def of(key: str, domain: str) -> str:
            state = hass.states.get(entity_id(hass, site, heater_id, key, domain))
            assert state is not None
            return state.state

        async def choose(option: str) -> None:
            select = entity_id(hass, site, heater_id, "power_state", "select")
            await hass.services.async_call(
                "select",
                "select_option",
                {"entity_id": select, "option": option},
                blocking=True,
            )

        async def becomes(*, on: bool, shows: str) -> None:
            """Wait for the emulator itself, and for what is read from it."""
            async with aiohttp.ClientSession() as http:
                while True:
                    async with http.get(url + SYSTEM) as reply:
                        state = (await reply.json())["PowerState"]
                    if state == ("On" if on else "Off"):
                        break
                    await asyncio.sleep(0.2)
            await coordinator.async_refresh()
            await until(lambda: of("power_state", "sensor") == shows)
            assert coordinator.data.is_on is on

        await choose("off")
        await becomes(on=False, shows="off")
        # It tells no power, so no state of the ladder is made up for it.
        await choose("full")
        await becomes(on=True, shows="unknown")
        assert of("power", "sensor") == "unknown"
        await choose("off")
        await becomes(on=False, shows="off")
        assert coordinator.command_error is None
        await hass.config_entries.async_unload(site.entry_id)

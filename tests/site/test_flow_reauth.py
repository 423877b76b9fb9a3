"""A heater whose password was changed asks for the new one."""

from typing import Any
from uuid import uuid4

import pytest

from compute_heater_agent.settings import RackSettings
from custom_components.compute_heater.const import DOMAIN
from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant

from .conftest import still_agent, until
from .dialogue import check_texts, expect_abort, expect_form, suggested
from .plant import HEATER_SETTINGS, PASSWORD, USER, add_subentry, entity_id


def open_flows(hass: HomeAssistant, site: ConfigEntry) -> list[Any]:
    """Return the dialogues that ask for a password."""
    return list(site.async_get_active_flows(hass, {SOURCE_REAUTH}))


async def submit(hass: HomeAssistant, flow: Any, password: str) -> Any:
    """Answer with this password."""
    result = await hass.config_entries.flow.async_configure(
        flow["flow_id"], {"username": USER, "password": password}
    )
    check_texts(result, "config")
    await hass.async_block_till_done()
    return result


async def poll(hass: HomeAssistant, site: ConfigEntry, heater_id: str) -> None:
    """Let the next poll come now."""
    await site.runtime_data.heaters[heater_id].async_refresh()
    await hass.async_block_till_done()


def is_available(hass: HomeAssistant, site: ConfigEntry, heater_id: str) -> bool:
    """Tell whether the heater's power is known."""
    state = hass.states.get(entity_id(hass, site, heater_id, "power", "sensor"))
    assert state is not None
    return state.state != "unavailable"


async def add_heater(hass: HomeAssistant, site: ConfigEntry, url: str) -> str:
    """Add a heater with the usual password."""
    login = {"url": url, "username": USER, "password": PASSWORD}
    return await add_subentry(hass, site, "heater", login, HEATER_SETTINGS)


async def test_changed_password(
    hass: HomeAssistant,
    site: ConfigEntry,
    free_port: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings: dict[str, Any] = {"port": free_port, "uuid": str(uuid4())}
    async with still_agent(**settings) as agent:
        heater_id = await add_heater(hass, site, agent.url)
    async with still_agent(**settings, password="new one"):
        await poll(hass, site, heater_id)
        await poll(hass, site, heater_id)
        assert site.state is ConfigEntryState.LOADED
        assert not is_available(hass, site, heater_id)
        # Said once: that it does not answer, or that it refuses us.
        assert [each.levelname for each in caplog.records].count("ERROR") == 1

        (flow,) = open_flows(hass, site)
        assert flow["step_id"] == "reauth_confirm"
        form = await hass.config_entries.flow.async_configure(flow["flow_id"])
        expect_form(form, "reauth_confirm")
        check_texts(form, "config")
        result = await submit(hass, flow, "guess")
        expect_form(result, "reauth_confirm", base="invalid_auth")
        assert result["description_placeholders"]["heater"] == "Compute heater"
        assert suggested(result) == {"username": USER, "password": ""}
    result = await submit(hass, flow, "new one")
    expect_form(result, "reauth_confirm", base="cannot_connect")
    async with still_agent(port=free_port, password="new one"):
        result = await submit(hass, flow, "new one")
        expect_form(result, "reauth_confirm", base="other_heater")
    async with still_agent(**settings, password="new one"):
        result = await submit(hass, flow, "new one")
        expect_abort(result, "reauth_successful")
        assert site.subentries[heater_id].data["password"] == "new one"
        assert HEATER_SETTINGS.items() <= site.subentries[heater_id].data.items()
        assert not open_flows(hass, site)
        assert is_available(hass, site, heater_id)
        await hass.config_entries.async_unload(site.entry_id)


async def test_heater_removed_meanwhile(
    hass: HomeAssistant, site: ConfigEntry, free_port: int
) -> None:
    """Nothing is asked any more."""
    settings: dict[str, Any] = {"port": free_port, "uuid": str(uuid4())}
    async with still_agent(**settings) as agent:
        heater_id = await add_heater(hass, site, agent.url)
    async with still_agent(**settings, password="new one"):
        await poll(hass, site, heater_id)
        assert len(open_flows(hass, site)) == 1
        hass.config_entries.async_remove_subentry(site, heater_id)
        await hass.async_block_till_done()
        assert not open_flows(hass, site)
    late = await hass.config_entries.flow.async_init(
        DOMAIN,
        context={"source": SOURCE_REAUTH, "entry_id": site.entry_id},
        data={"subentry_id": heater_id},
    )
    expect_abort(late, "heater_removed")
    check_texts(late, "config")


async def test_two_heaters_ask_one_after_the_other(
    hass: HomeAssistant, site: ConfigEntry
) -> None:
    """Home Assistant has one such dialogue for a site at a time."""
    rack = RackSettings(modules=1)
    uuids = [str(uuid4()), str(uuid4())]
    async with (
        still_agent(rack, uuid=uuids[0]) as one,
        still_agent(rack, uuid=uuids[1]) as two,
    ):
        ports = [int(agent.url.rpartition(":")[2]) for agent in (one, two)]
        heaters = [await add_heater(hass, site, agent.url) for agent in (one, two)]
    async with (
        still_agent(rack, uuid=uuids[0], port=ports[0], password="new one"),
        still_agent(rack, uuid=uuids[1], port=ports[1], password="another"),
    ):
        for heater_id in heaters:
            await poll(hass, site, heater_id)
        for password, heater_id in zip(("new one", "another"), heaters, strict=True):
            await until(lambda: len(open_flows(hass, site)) == 1)
            (flow,) = open_flows(hass, site)
            assert flow["handler"] == DOMAIN
            result = await submit(hass, flow, password)
            expect_abort(result, "reauth_successful")
            assert is_available(hass, site, heater_id)
        assert not open_flows(hass, site)
        assert all(is_available(hass, site, heater_id) for heater_id in heaters)
        await hass.config_entries.async_unload(site.entry_id)

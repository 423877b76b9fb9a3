"""The dialogue that adds a compute heater, on real services."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from ssl import SSLError
from typing import Any
from uuid import uuid4

from aiohttp import web
import pytest

from compute_heater_agent.service import RunningAgent
from compute_heater_agent.settings import RackSettings
from custom_components.compute_heater.heaters.model import HeaterRefusedError
from custom_components.compute_heater.heaters.redfish import RedfishHeater
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from tests.heaters import bmc

from .conftest import still_agent
from .dialogue import (
    answer,
    begin,
    begin_redfish,
    expect_abort,
    expect_form,
    leave,
    suggested,
    without_work,
)
from .plant import HEATER_SETTINGS, PASSWORD, USER, add_site, add_subentry, entity_id


def login(url: str, **more: str) -> dict[str, str]:
    """Return the answers of the first form."""
    return {"url": url, "username": USER, "password": PASSWORD} | more


@asynccontextmanager
async def web_server(reply: web.Response) -> AsyncGenerator[str]:
    """Serve one and the same thing at every address."""

    async def handle(_request: web.Request) -> web.Response:
        return web.Response(body=reply.body, content_type=reply.content_type)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.fixture
def broken_handshakes(hass: HomeAssistant) -> None:
    """Let the client turn a certificate down: the server shares our loop and says so."""
    handler = hass.loop.get_exception_handler()
    assert handler is not None

    def heard(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if not isinstance(context.get("exception"), (ConnectionResetError, SSLError)):
            handler(loop, context)

    hass.loop.set_exception_handler(heard)


def power(hass: HomeAssistant, site: ConfigEntry, heater_id: str) -> str:
    """Return the state of the power sensor."""
    state = hass.states.get(entity_id(hass, site, heater_id, "power", "sensor"))
    assert state is not None
    return state.state


async def test_add_heater(
    hass: HomeAssistant, site: ConfigEntry, lone_agent: RunningAgent, free_port: int
) -> None:
    """Every mistake is named, and none spoils the dialogue."""
    form = await begin_redfish(hass, site)
    expect_form(form, "redfish")
    for url in ("ftp://127.0.0.1", "http://", "http://[1", "http://a:b", "   "):
        form = await answer(hass, form, login(url))
        expect_form(form, "redfish", url="invalid_url")
    assert suggested(form)["username"] == USER

    page = web.Response(text="<h1>Router</h1>", content_type="text/html")
    other = web.json_response({"Name": "Something else"})
    async with web_server(page) as router, web_server(other) as service:
        for url, error in (
            (f"http://127.0.0.1:{free_port}", "cannot_connect"),
            # Without a scheme it is HTTPS, which this heater does not speak.
            (lone_agent.url.removeprefix("http://"), "cannot_connect"),
            (router, "not_redfish"),
            (service, "not_redfish"),
        ):
            form = await answer(hass, form, login(url))
            expect_form(form, "redfish", base=error)
    form = await answer(hass, form, login(lone_agent.url, password="guess"))
    expect_form(form, "redfish", base="invalid_auth")

    form = await answer(hass, form, login(f" {lone_agent.url}/redfish/v1/ "))
    form = await without_work(hass, form)
    expect_form(form, "settings")
    assert form["description_placeholders"] == {
        "name": "Compute heater",
        "modules": "4",
        "floor": "300",
        "maximum": "3000",
    }
    assert suggested(form) == {
        "standby_power": 300,
        "eco_power": 1650,
        "full_power": 3000,
        "min_on_time": 600,
        "min_off_time": 600,
        "throttle_temperature": 60,
        "trip_temperature": 65,
        "off_powers_down": False,
        "limiter_confirmed": False,
    }
    for wrong, errors in (
        # One of the four modules at its lowest power.
        ({"standby_power": 74}, {"standby_power": "below_floor"}),
        ({"unattended_power": 299}, {"unattended_power": "below_standby"}),
        ({"eco_power": 300}, {"eco_power": "states_not_ascending"}),
        ({"full_power": 3001}, {"full_power": "above_maximum"}),
        ({"full_power": 1500}, {"eco_power": "states_not_ascending"}),
        ({"trip_temperature": 60}, {"trip_temperature": "trip_not_above_throttle"}),
        ({"limiter_confirmed": False}, {"limiter_confirmed": "limiter_not_confirmed"}),
        (
            {"standby_power": 0, "trip_temperature": 40},
            {
                "standby_power": "below_floor",
                "trip_temperature": "trip_not_above_throttle",
            },
        ),
    ):
        form = await answer(hass, form, HEATER_SETTINGS | wrong)
        expect_form(form, "settings", **errors)
        assert suggested(form) == HEATER_SETTINGS | wrong
    result = await answer(hass, form, HEATER_SETTINGS)
    assert result["type"] is FlowResultType.CREATE_ENTRY

    (subentry,) = site.subentries.values()
    assert subentry.title == "Compute heater"
    assert subentry.unique_id == lone_agent.uuid
    assert subentry.data["url"] == lone_agent.url
    assert subentry.data["fingerprint"] is None
    assert subentry.data["identity"]["uuid"] == lone_agent.uuid
    assert subentry.data["capabilities"]["max_w"] == 3000
    assert HEATER_SETTINGS.items() <= subentry.data.items()
    assert float(power(hass, site, subentry.subentry_id)) == pytest.approx(300)


async def test_known_heater_is_not_added_again(
    hass: HomeAssistant, site: ConfigEntry, lone_agent: RunningAgent
) -> None:
    """Neither to the same site nor to another one."""
    await add_subentry(hass, site, "heater", login(lone_agent.url), HEATER_SETTINGS)
    other = await add_site(hass, "Attic")
    for entry in (site, other):
        form = await begin_redfish(hass, entry)
        result = await answer(hass, form, login(lone_agent.url))
        expect_abort(result, "already_configured")
    assert len(site.subentries) == 1
    assert not other.subentries
    await hass.config_entries.async_unload(other.entry_id)


async def test_reconfigure(
    hass: HomeAssistant, site: ConfigEntry, lone_agent: RunningAgent
) -> None:
    """Address, password and settings can be changed, the heater itself cannot."""
    heater_id = await add_subentry(
        hass, site, "heater", login(lone_agent.url), HEATER_SETTINGS
    )
    async with (
        still_agent(name="Other", password="new one") as other,
        still_agent(uuid=lone_agent.uuid, password="new one") as moved,
    ):
        form = await begin(hass, site, "heater", heater_id)
        expect_form(form, "reconfigure")
        assert suggested(form)["url"] == lone_agent.url
        form = await answer(hass, form, login(other.url))
        expect_form(form, "reconfigure", base="invalid_auth")
        form = await answer(hass, form, login(other.url, password="new one"))
        expect_form(form, "reconfigure", base="other_heater")
        form = await answer(hass, form, login(moved.url, password="new one"))
        form = await without_work(hass, form)
        expect_form(form, "settings")
        assert suggested(form) == HEATER_SETTINGS
        result = await answer(hass, form, HEATER_SETTINGS | {"full_power": 2500})
        expect_abort(result, "reconfigure_successful")

        (subentry,) = site.subentries.values()
        assert subentry.unique_id == lone_agent.uuid
        assert subentry.data["url"] == moved.url
        assert subentry.data["password"] == "new one"
        assert subentry.data["full_power"] == 2500
        limit = entity_id(hass, site, heater_id, "power_limit", "number")
        state = hass.states.get(limit)
        assert state is not None
        assert state.attributes["max"] == 2500
        await hass.config_entries.async_unload(site.entry_id)


@pytest.mark.usefixtures("broken_handshakes")
async def test_self_signed_certificate(
    hass: HomeAssistant, site: ConfigEntry, free_port: int
) -> None:
    """It is pinned once seen; another one is noticed, shown and pinned in turn."""

    def shown(form: Any, fingerprint: str | None) -> None:
        expect_form(form, "certificate")
        pairs: str = form["description_placeholders"]["fingerprint"]
        assert pairs.count(":") == 31
        assert pairs == pairs.upper()
        assert pairs.replace(":", "").lower() == fingerprint

    settings: dict[str, Any] = {
        "tls_self_signed": True,
        "port": free_port,
        "uuid": str(uuid4()),
    }
    async with still_agent(**settings) as agent:
        form = await begin_redfish(hass, site)
        wrong = login(agent.url.removeprefix("https://"), password="guess")
        form = await answer(hass, form, wrong)
        shown(form, agent.fingerprint)
        form = await answer(hass, form, {})
        expect_form(form, "redfish", base="invalid_auth")
        form = await answer(hass, form, login(agent.url))
        shown(form, agent.fingerprint)
        form = await answer(hass, form, {})
        form = await without_work(hass, form)
        expect_form(form, "settings")
        await answer(hass, form, HEATER_SETTINGS)
        (subentry,) = site.subentries.values()
        assert subentry.data["fingerprint"] == agent.fingerprint
        heater_id = subentry.subentry_id
        assert float(power(hass, site, heater_id)) == pytest.approx(300)

        # The pin stays while the address stays.
        form = await begin(hass, site, "heater", heater_id)
        form = await answer(hass, form, login(agent.url))
        form = await without_work(hass, form)
        expect_form(form, "settings")
        leave(hass, form)

    async with still_agent(**settings) as agent:
        assert agent.fingerprint != subentry.data["fingerprint"]
        await site.runtime_data.heaters[heater_id].async_refresh()
        await hass.async_block_till_done()
        assert power(hass, site, heater_id) == "unavailable"
        form = await begin(hass, site, "heater", heater_id)
        form = await answer(hass, form, login(agent.url))
        shown(form, agent.fingerprint)
        form = await answer(hass, form, {})
        form = await without_work(hass, form)
        expect_form(form, "settings")
        await answer(hass, form, HEATER_SETTINGS)
        (subentry,) = site.subentries.values()
        assert subentry.data["fingerprint"] == agent.fingerprint
        assert float(power(hass, site, heater_id)) == pytest.approx(300)
        await hass.config_entries.async_unload(site.entry_id)


async def test_heater_without_power_cap(hass: HomeAssistant, site: ConfigEntry) -> None:
    """A plain server without a power limit can only be switched."""
    resources = bmc.service([bmc.system("1")], {})
    async with bmc.running_bmc(bmc.Bmc(resources)) as server:
        form = await begin_redfish(hass, site)
        credentials = {"username": bmc.USER, "password": bmc.PASSWORD}
        form = await answer(hass, form, {"url": server.url, **credentials})
        form = await without_work(hass, form)
        expect_form(form, "settings")
        assert form["description_placeholders"]["floor"] == "–"
        assert not {"standby_power", "eco_power", "full_power"} & set(suggested(form))
        settings = HEATER_SETTINGS | {
            "standby_power": 90,
            "eco_power": 200,
            "full_power": 350,
        }
        await answer(hass, form, settings)
        (subentry,) = site.subentries.values()
        assert subentry.data["capabilities"]["floor_w"] is None
        limit = entity_id(hass, site, subentry.subentry_id, "power_limit", "number")
        state = hass.states.get(limit)
        assert state is not None
        assert (state.attributes["min"], state.attributes["max"]) == (90, 350)
        await hass.config_entries.async_unload(site.entry_id)


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (HeaterRefusedError("no"), "cannot_connect"),
        (RuntimeError("a mistake of ours"), "unknown"),
    ],
)
async def test_what_no_service_should_do(
    hass: HomeAssistant,
    site: ConfigEntry,
    lone_agent: RunningAgent,
    *,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    shown: str,
) -> None:
    """Errors that no real service provokes end in the form too."""

    async def fail(_self: RedfishHeater) -> None:
        raise error

    form = await begin_redfish(hass, site)
    with monkeypatch.context() as patch:
        patch.setattr(RedfishHeater, "connect", fail)
        form = await answer(hass, form, login(lone_agent.url))
    expect_form(form, "redfish", base=shown)
    assert ("Unexpected error from a heater" in caplog.text) is (shown == "unknown")
    form = await answer(hass, form, login(lone_agent.url))
    form = await without_work(hass, form)
    expect_form(form, "settings")


async def test_maximum_between_two_watts(
    hass: HomeAssistant, site: ConfigEntry
) -> None:
    """Suggested settings are accepted, and more than the heater takes is not."""
    rack = RackSettings(max_w=999.6, idle_w=30.4, boot_s=0, drain_s=0)
    async with still_agent(rack) as agent:
        form = await begin_redfish(hass, site)
        form = await answer(hass, form, login(agent.url))
        form = await without_work(hass, form)
        expect_form(form, "settings")
        given = suggested(form) | {"limiter_confirmed": True}
        result = await answer(hass, form, given)
        assert result["type"] is FlowResultType.CREATE_ENTRY, result
        heater_id = next(iter(site.subentries))
        climate = entity_id(hass, site, heater_id, "heater", "climate")
        for preset in ("boost", "eco"):
            await hass.services.async_call(
                "climate",
                "set_preset_mode",
                {"entity_id": climate, "preset_mode": preset},
                blocking=True,
            )
        assert agent.rack.power_limit_w == given["eco_power"]
        await hass.services.async_call(
            "climate", "turn_off", {"entity_id": climate}, blocking=True
        )
        assert agent.rack.power_limit_w == given["standby_power"]
        await hass.config_entries.async_unload(site.entry_id)

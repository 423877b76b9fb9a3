"""Heaters that announce themselves: found, added to a site, and followed."""

from ipaddress import ip_address
from pathlib import Path
from typing import Any
from uuid import uuid4

from aiohttp import web
import pytest
from zeroconf.asyncio import AsyncZeroconf

from compute_heater_agent.announce import SERVICE_TYPE
from compute_heater_agent.service import RunningAgent
from compute_heater_agent.tls import _make_certificate
from custom_components.compute_heater.const import DOMAIN
from homeassistant.components.zeroconf.discovery import info_from_service
from homeassistant.config_entries import (
    SOURCE_IGNORE,
    SOURCE_ZEROCONF,
    ConfigEntry,
    ConfigEntryState,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers.service_info.zeroconf import ZeroconfServiceInfo
from homeassistant.loader import async_get_zeroconf
from tests.agent.test_announce import multicast
from tests.heaters import bmc

from .conftest import still_agent
from .dialogue import check_texts, expect_abort, expect_form, suggested
from .plant import HEATER_SETTINGS, PASSWORD, USER, add_site, add_subentry, entity_id
from .test_flow_heater import broken_handshakes, login

__all__ = ["broken_handshakes", "multicast"]

CREDENTIALS = {"username": USER, "password": PASSWORD}


def announcement(url: str, uuid: str, /, **more: Any) -> ZeroconfServiceInfo:
    """Return what Home Assistant makes of the announcement of an agent."""
    scheme, _, address = url.partition("://")
    host, _, port = address.rpartition(":")
    ip = ip_address(host.strip("[]"))
    properties = {
        "uuid": uuid,
        "name": "Attic",
        "path": "/redfish/v1/",
        "tls": "1" if scheme == "https" else "0",
    }
    return ZeroconfServiceInfo(
        ip_address=ip,
        ip_addresses=[ip],
        port=int(port),
        hostname=f"compute-heater-{uuid}.local.",
        type=SERVICE_TYPE,
        name=f"Attic.{SERVICE_TYPE}",
        properties={**properties, **more},
    )


async def announce(hass: HomeAssistant, info: ZeroconfServiceInfo) -> Any:
    """Let Home Assistant hear of a heater."""
    result = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_ZEROCONF}, data=info
    )
    if result.get("reason") != "already_in_progress":
        check_texts(result, "config")
    await hass.async_block_till_done()
    return result


async def answer(hass: HomeAssistant, result: Any, values: dict[str, Any]) -> Any:
    """Fill in the form that is shown."""
    result = await hass.config_entries.flow.async_configure(result["flow_id"], values)
    if result["type"] is not FlowResultType.CREATE_ENTRY:
        check_texts(result, "config")
    await hass.async_block_till_done()
    return result


def power(hass: HomeAssistant, site: ConfigEntry) -> str:
    """Return the state of the power sensor of the site's only heater."""
    (heater,) = site.get_subentries_of_type("heater")
    state = hass.states.get(
        entity_id(hass, site, heater.subentry_id, "power", "sensor")
    )
    assert state is not None
    return state.state


async def test_first_heater(hass: HomeAssistant, lone_agent: RunningAgent) -> None:
    """A site is made for it; mistakes can be mended."""
    info = announcement(lone_agent.url, lone_agent.uuid)
    form = await announce(hass, info)
    expect_form(form, "discovered")
    assert set(form["data_schema"].schema) == {"username", "password"}
    assert form["description_placeholders"] == {"name": "Attic", "url": lone_agent.url}
    (card,) = hass.config_entries.flow.async_progress()
    assert card["context"]["title_placeholders"] == {"name": "Attic"}
    expect_abort(await announce(hass, info), "already_in_progress")

    form = await answer(hass, form, {**CREDENTIALS, "password": "guess"})
    expect_form(form, "discovered", base="invalid_auth")
    assert suggested(form)["username"] == USER
    form = await answer(hass, form, CREDENTIALS)
    expect_form(form, "settings")
    assert suggested(form)["full_power"] == 3000
    form = await answer(hass, form, HEATER_SETTINGS | {"limiter_confirmed": False})
    expect_form(form, "settings", limiter_confirmed="limiter_not_confirmed")
    result = await answer(hass, form, HEATER_SETTINGS)

    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert "next_flow" not in result
    site = result["result"]
    assert site.state is ConfigEntryState.LOADED
    assert site.title == hass.config.location_name
    assert site.data == {"name": hass.config.location_name}
    assert site.unique_id is None
    (heater,) = site.subentries.values()
    assert (heater.title, heater.unique_id) == ("Compute heater", lone_agent.uuid)
    assert {"url": lone_agent.url, **CREDENTIALS, **HEATER_SETTINGS}.items() <= (
        heater.data.items()
    )
    assert heater.data["identity"]["uuid"] == lone_agent.uuid
    assert float(power(hass, site)) == pytest.approx(300)

    expect_abort(await announce(hass, info), "already_configured")
    assert not hass.config_entries.flow.async_progress()
    await hass.config_entries.async_unload(site.entry_id)


@pytest.mark.usefixtures("multicast")
async def test_real_announcement(hass: HomeAssistant) -> None:
    """What an agent sends is what Home Assistant understands."""
    other = AsyncZeroconf(interfaces=["127.0.0.1"])
    try:
        async with still_agent(announce=True, name="Attic no. 5") as agent:
            service = await other.async_get_service_info(
                SERVICE_TYPE, f"Attic no  5.{SERVICE_TYPE}"
            )
            assert service is not None
            info = info_from_service(service)
            assert info is not None
            form = await announce(hass, info)
            expect_form(form, "discovered")
            assert form["description_placeholders"] == {
                "name": "Attic no. 5",
                "url": agent.url,
            }
            form = await answer(hass, form, CREDENTIALS)
            expect_form(form, "settings")
    finally:
        await other.async_close()


async def test_heater_for_the_only_site(
    hass: HomeAssistant, site: ConfigEntry, lone_agent: RunningAgent
) -> None:
    form = await announce(hass, announcement(lone_agent.url, lone_agent.uuid))
    assert set(form["data_schema"].schema) == {"username", "password"}
    form = await answer(hass, form, CREDENTIALS)
    result = await answer(hass, form, HEATER_SETTINGS)
    expect_abort(result, "heater_added")
    assert result["description_placeholders"] == {
        "name": "Compute heater",
        "site": "Home",
    }
    assert hass.config_entries.async_entries(DOMAIN) == [site]
    assert float(power(hass, site)) == pytest.approx(300)


async def test_several_sites(
    hass: HomeAssistant, site: ConfigEntry, lone_agent: RunningAgent
) -> None:
    """One is chosen; if it goes meanwhile, another one."""
    other = await add_site(hass, "Cellar")
    third = await add_site(hass, "Shed")
    form = await announce(hass, announcement(lone_agent.url, lone_agent.uuid))
    options = form["data_schema"].schema["site"].config["options"]
    assert options == [
        {"value": each.entry_id, "label": each.title} for each in (site, other, third)
    ]
    form = await answer(hass, form, {**CREDENTIALS, "site": third.entry_id})
    expect_form(form, "settings")
    await hass.config_entries.async_remove(third.entry_id)
    form = await answer(hass, form, HEATER_SETTINGS)
    expect_form(form, "discovered")
    form = await answer(hass, form, {**CREDENTIALS, "site": other.entry_id})
    result = await answer(hass, form, HEATER_SETTINGS)
    expect_abort(result, "heater_added")
    assert not site.subentries
    assert float(power(hass, other)) == pytest.approx(300)
    await hass.config_entries.async_unload(other.entry_id)


@pytest.mark.usefixtures("broken_handshakes")
async def test_certificate_is_pinned(hass: HomeAssistant, site: ConfigEntry) -> None:
    async with still_agent(tls_self_signed=True) as agent:
        form = await announce(hass, announcement(agent.url, agent.uuid))
        form = await answer(hass, form, CREDENTIALS)
        expect_form(form, "certificate")
        form = await answer(hass, form, {})
        expect_form(form, "settings")
        expect_abort(await answer(hass, form, HEATER_SETTINGS), "heater_added")
        (heater,) = site.subentries.values()
        assert heater.data["fingerprint"] == agent.fingerprint
        assert float(power(hass, site)) == pytest.approx(300)
        await hass.config_entries.async_unload(site.entry_id)


async def test_another_heater_than_announced(
    hass: HomeAssistant, site: ConfigEntry, lone_agent: RunningAgent
) -> None:
    form = await announce(hass, announcement(lone_agent.url, str(uuid4())))
    form = await answer(hass, form, CREDENTIALS)
    expect_form(form, "discovered", base="other_heater")
    assert not site.subentries


@pytest.mark.parametrize(
    ("properties", "port"),
    [
        ({"uuid": None}, 8000),
        ({"uuid": ""}, 8000),
        ({"uuid": "the big one"}, 8000),
        ({}, None),
    ],
)
async def test_nonsense(
    hass: HomeAssistant, properties: dict[str, Any], port: int | None
) -> None:
    info = announcement("http://127.0.0.1:8000", str(uuid4()), **properties)
    info.port = port
    expect_abort(await announce(hass, info), "invalid_announcement")


@pytest.mark.parametrize(
    "url", ["https://[fd00::5]:8443", "http://192.0.2.7:8000", "https://192.0.2.7:8443"]
)
async def test_address(hass: HomeAssistant, url: str) -> None:
    """Nothing is sent there before the user says so."""
    uuid = str(uuid4())
    form = await announce(hass, announcement(url, uuid, name=None))
    assert form["description_placeholders"] == {"name": uuid, "url": url}


async def test_ignored(hass: HomeAssistant, lone_agent: RunningAgent) -> None:
    """An ignored heater is not shown again, and its entry is no site."""
    info = announcement(lone_agent.url, lone_agent.uuid)
    card = await announce(hass, info)
    await hass.config_entries.flow.async_init(
        DOMAIN,
        context={"source": SOURCE_IGNORE},
        data={"unique_id": lone_agent.uuid, "title": "Attic"},
    )
    assert not hass.config_entries.flow.async_progress()
    assert not hass.config_entries.subentries.async_progress()
    expect_abort(await announce(hass, info), "already_configured")

    card = await announce(hass, announcement(lone_agent.url, str(uuid4())))
    assert set(card["data_schema"].schema) == {"username", "password"}

    # It may still be added by hand, and is followed then.
    site = await add_site(hass)
    await add_subentry(hass, site, "heater", login(lone_agent.url), HEATER_SETTINGS)
    expect_abort(await announce(hass, info), "already_configured")
    await hass.config_entries.async_unload(site.entry_id)


async def test_added_by_hand_meanwhile(
    hass: HomeAssistant, site: ConfigEntry, lone_agent: RunningAgent
) -> None:
    """What was found needs no answer any more."""
    await announce(hass, announcement(lone_agent.url, lone_agent.uuid))
    other = await announce(hass, announcement("http://192.0.2.7:8000", str(uuid4())))
    await add_subentry(hass, site, "heater", login(lone_agent.url), HEATER_SETTINGS)
    (card,) = hass.config_entries.flow.async_progress()
    assert card["flow_id"] == other["flow_id"]


async def test_followed_to_a_new_address(
    hass: HomeAssistant, site: ConfigEntry
) -> None:
    """Only when it has left the old one, and only to where it really is."""
    settings: dict[str, Any] = {"uuid": str(uuid4())}

    async def hear(url: str) -> str:
        result = await announce(hass, announcement(url, settings["uuid"]))
        expect_abort(result, "already_configured")
        return str(heater.data["url"])

    async with still_agent(**settings) as first:
        await add_subentry(hass, site, "heater", login(first.url), HEATER_SETTINGS)
        (heater,) = site.subentries.values()
        async with still_agent(**settings) as second:
            assert await hear(first.url) == first.url
            # A second address of a heater that is still at the first one.
            assert await hear(second.url) == first.url
    async with still_agent() as stranger, still_agent(**settings) as moved:
        # Nobody there; somebody else there; the heater there.
        assert await hear(second.url) == first.url
        assert await hear(stranger.url) == first.url
        assert await hear(moved.url) == moved.url
        assert heater.data["password"] == PASSWORD
        assert HEATER_SETTINGS.items() <= heater.data.items()
        assert float(power(hass, site)) == pytest.approx(300)
        await hass.config_entries.async_unload(site.entry_id)


async def test_impostor_gets_no_credentials(
    hass: HomeAssistant, site: ConfigEntry
) -> None:
    """It asks for them, as a service may that opens its root to nobody."""
    async with still_agent() as agent:
        await add_subentry(hass, site, "heater", login(agent.url), HEATER_SETTINGS)
    (heater,) = site.subentries.values()

    async def refuse(_request: web.Request) -> web.Response:
        return bmc.error(401, "NoValidSession")

    server = bmc.Bmc({}, front={("GET", f"{bmc.ROOT}/"): refuse})
    async with bmc.running_bmc(server):
        url = server.url.replace("localhost", "127.0.0.1")
        await announce(hass, announcement(url, agent.uuid))
        assert [one.path for one in server.seen] == [f"{bmc.ROOT}/"]
        assert not {"Authorization", "X-Auth-Token"} & server.seen[0].headers.keys()
    assert heater.data["url"] == agent.url


@pytest.mark.usefixtures("broken_handshakes")
async def test_only_with_the_pinned_certificate(
    hass: HomeAssistant,
    site: ConfigEntry,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Neither with another one, nor without any."""
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    _make_certificate("127.0.0.1", certificate, key)
    uuid = str(uuid4())
    own: dict[str, Any] = {
        "uuid": uuid,
        "tls_certificate": certificate,
        "tls_key": key,
    }
    async with still_agent(**own) as first:
        await add_subentry(hass, site, "heater", login(first.url), {}, HEATER_SETTINGS)
    (heater,) = site.subentries.values()
    async with still_agent(uuid=uuid, tls_self_signed=True) as forged:
        await announce(hass, announcement(forged.url, uuid))
        assert heater.data["url"] == first.url
    async with still_agent(uuid=uuid) as plain:
        await announce(hass, announcement(plain.url, uuid))
        assert heater.data["url"] == first.url
        assert "announces itself without HTTPS" in caplog.text
    async with still_agent(**own) as moved:
        await announce(hass, announcement(moved.url, uuid))
        assert heater.data["url"] == moved.url
        assert heater.data["fingerprint"] == first.fingerprint
        assert float(power(hass, site)) == pytest.approx(300)
        await hass.config_entries.async_unload(site.entry_id)


async def test_removed_while_it_is_looked_for(
    hass: HomeAssistant, site: ConfigEntry
) -> None:
    async with still_agent() as agent:
        heater_id = await add_subentry(
            hass, site, "heater", login(agent.url), HEATER_SETTINGS
        )

    async def remove(_request: web.Request) -> web.Response:
        hass.config_entries.async_remove_subentry(site, heater_id)
        return web.json_response({"UUID": agent.uuid})

    server = bmc.Bmc({}, front={("GET", f"{bmc.ROOT}/"): remove})
    async with bmc.running_bmc(server):
        url = server.url.replace("localhost", "127.0.0.1")
        result = await announce(hass, announcement(url, agent.uuid))
    expect_abort(result, "already_configured")
    assert not site.subentries


async def test_manifest_asks_for_what_the_agent_announces(hass: HomeAssistant) -> None:
    assert [
        each["domain"] for each in (await async_get_zeroconf(hass))[SERVICE_TYPE]
    ] == [DOMAIN]

"""Heaters that are searched for, and heaters on outlets."""

from ipaddress import IPv4Address, IPv6Address

import pytest

from compute_heater_agent.service import RunningAgent
from homeassistant.components import network
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from tests.heaters import bmc
from tests.heaters.test_redfish_outlets import A1, A2, pdu, switches
from tests.heaters.test_redfish_search import reply, responder

from .conftest import until
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
from .plant import HEATER_SETTINGS, PASSWORD, USER, entity_id


@pytest.fixture
def on_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask from loopback only."""

    async def addresses(_: HomeAssistant) -> set[IPv4Address | IPv6Address]:
        return {IPv4Address("127.0.0.1"), IPv6Address("::1")}

    monkeypatch.setattr(network, "async_get_enabled_source_ips", addresses)


def announced(agent: RunningAgent, uuid: str | None = None) -> bytes:
    kind = "urn:dmtf-org:service:redfish-rest:1"
    return reply(f"{agent.url}/redfish/v1/", f"uuid:{uuid or agent.uuid}::{kind}")


@pytest.mark.usefixtures("on_loopback")
async def test_chosen_service_goes_on_as_if_it_was_typed(
    hass: HomeAssistant,
    site: ConfigEntry,
    lone_agent: RunningAgent,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with responder(
        monkeypatch, announced(lone_agent), reply("https://192.0.2.7")
    ):
        menu = await begin(hass, site, "heater")
        form = await answer(hass, menu, {"next_step_id": "search"})
        expect_form(form, "search")
        (field,) = form["data_schema"].schema.values()
        assert field.config["options"] == [lone_agent.url, "https://192.0.2.7"]
        form = await answer(hass, form, {"url": lone_agent.url})
        expect_form(form, "redfish")
        assert suggested(form)["url"] == lone_agent.url
        login = {"url": lone_agent.url, "username": USER, "password": PASSWORD}
        form = await without_work(hass, await answer(hass, form, login))
        made = await answer(hass, form, HEATER_SETTINGS)
        assert made["type"] is FlowResultType.CREATE_ENTRY

        # What is a heater already is not offered again.
        menu = await begin(hass, site, "heater")
        form = await answer(hass, menu, {"next_step_id": "search"})
        (field,) = form["data_schema"].schema.values()
        assert field.config["options"] == ["https://192.0.2.7"]
        leave(hass, form)


@pytest.mark.usefixtures("on_loopback")
async def test_without_an_answer_the_address_is_asked_for(
    hass: HomeAssistant, site: ConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with responder(monkeypatch, b"nonsense"):
        menu = await begin(hass, site, "heater")
        form = await answer(hass, menu, {"next_step_id": "search"})
    expect_form(form, "redfish", base="nothing_found")
    leave(hass, form)


async def test_outlets_of_a_distribution_unit(
    hass: HomeAssistant, site: ConfigEntry
) -> None:
    async with bmc.running_bmc(pdu()) as unit:
        login = {"url": unit.url, "username": bmc.USER, "password": bmc.PASSWORD}
        form = await answer(hass, await begin_redfish(hass, site), login)
        expect_form(form, "outlets")
        expect_form(
            await answer(hass, form, {"outlets": []}), "outlets", outlets="no_outlet"
        )
        form = await without_work(hass, await answer(hass, form, {"outlets": [A1, A2]}))
        levels = {"standby_power": 0, "eco_power": 400, "full_power": 800}
        made = await answer(hass, form, HEATER_SETTINGS | levels)
        assert made["type"] is FlowResultType.CREATE_ENTRY
        assert made["title"] == "Miner, Outlet A2"
        ((heater_id, heater),) = site.subentries.items()
        assert heater.data["outlets"] == [A1, A2]

        power = entity_id(hass, site, heater_id, "power", "sensor")
        await until(lambda: hass.states.is_state(power, "750.5"))
        # Nothing is wanted: it is off as soon as nothing is drawn any more.
        for path in (A1, A2):
            unit.merge(path, {"PowerWatts": {"Reading": 5}})
        await until(lambda: len(switches(unit)) == 2)
        assert {state for _, state in switches(unit)} == {"Off"}

        form = await begin(hass, site, "heater", heater_id)
        form = await answer(hass, form, login)
        form = await without_work(hass, form)
        done = await answer(hass, form, HEATER_SETTINGS | levels | {"eco_power": 500})
        expect_abort(done, "reconfigure_successful")
        assert site.subentries[heater_id].data["outlets"] == [A1, A2]
        assert await hass.config_entries.async_unload(site.entry_id)


async def test_service_without_anything_to_steer(
    hass: HomeAssistant, site: ConfigEntry
) -> None:
    unit = pdu()
    del unit.resources[f"{bmc.ROOT}/PowerEquipment"]
    async with bmc.running_bmc(unit):
        login = {"url": unit.url, "username": bmc.USER, "password": bmc.PASSWORD}
        form = await answer(hass, await begin_redfish(hass, site), login)
        form = await answer(hass, form, {"next_step_id": "no_work"})
        expect_form(form, "redfish", base="cannot_be_steered")
        leave(hass, form)

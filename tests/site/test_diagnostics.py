"""Diagnostics: everything that helps, and nothing that is secret."""

from collections.abc import Iterator
import json
from pathlib import Path
from typing import Any

import pytest

from compute_heater_agent.service import RunningAgent
from custom_components.compute_heater.diagnostics import (
    async_get_config_entry_diagnostics,
)
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.json import JSONEncoder
from tests.building.certificates import Authority
from tests.gateway.modbus_raw import RawClient
from tests.heaters import bmc

from .conftest import UUID, until
from .gateway_parts import CONTROLLER, POWER_REGISTER, add_gateway, modbus_answers
from .plant import HEATER_SETTINGS, PASSWORD, Plant, add_heater, add_subentry, entity_id
from .upload import upload


def strings(data: Any) -> Iterator[str]:
    """Return every text in it, keys too."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield key
            yield from strings(value)
    elif isinstance(data, list):
        for value in data:
            yield from strings(value)
    else:
        yield str(data)


async def downloaded(hass: HomeAssistant, entry: ConfigEntry) -> Any:
    """Return what is in the file that Home Assistant makes of it."""
    data = await async_get_config_entry_diagnostics(hass, entry)
    return json.loads(json.dumps(data, cls=JSONEncoder, allow_nan=False))


def assert_without(data: Any, *secrets: str) -> None:
    """Assert that no text holds one of the secrets, nor a part of it."""
    for text in strings(data):
        for secret in secrets:
            assert secret not in text, text


async def test_whole_plant(hass: HomeAssistant, still_plant: Plant) -> None:
    """Readings, decisions, sources and counts of a plant at rest."""
    plant = still_plant
    setpoint = plant.entity_id(plant.bacnet_id, "analog-value,1", "number")
    value = {"entity_id": setpoint, "value": 52}
    await hass.services.async_call("number", "set_value", value, blocking=True)
    data = await downloaded(hass, plant.entry)
    identity = plant.entry.subentries[plant.heater_id].data["identity"]
    assert identity["serial_number"]
    serial: str = identity["serial_number"]
    assert_without(data, PASSWORD, UUID, plant.agent.url, "127.0.0.1", serial)

    heater = data["heaters"][plant.heater_id]
    assert heater["available"] is True
    assert heater["reading"]["power_w"] == pytest.approx(300, abs=1)
    assert heater["reading"]["energy_kwh"] == pytest.approx(12.5)
    assert heater["decision"]["state"] == "standby"
    assert heater["decision"]["reason"] == "no_demand"
    assert heater["command_error"] == ""
    assert heater["writes"] == 0
    tank = data["sinks"][plant.dhw_id]
    source = tank["sources"][
        plant.entity_id(plant.bacnet_id, "analog-input,1", "sensor")
    ]
    assert source["value"] == pytest.approx(47.2, abs=0.01)
    assert source["age_s"] >= 0
    assert tank["demand"]["wanted"] is False
    link = data["links"][plant.bacnet_id]
    assert link["commands"]["analog-value,1"]["value"] == 52
    assert link["values"]["analog-value,1"] == 52
    assert link["writes"] == 1
    assert link["reads"] > 0
    assert data["site"]["data"]["reason"] == "no_demand"
    assert data["site"]["path"]["ready"] == []
    assert data["site"]["memory"]["strategy"] == "follow_demand"
    kinds = {each["type"] for each in data["subentries"].values()}
    assert kinds == {"heater", "bacnet", "modbus", "sink"}


async def test_error_that_names_the_address(
    hass: HomeAssistant, site: ConfigEntry
) -> None:
    """What went wrong is told, but not where the heater is.

    This machine has no events, so that its end shows in a command.
    """
    async with bmc.running_bmc(bmc.Bmc(bmc.modern())) as server:
        login = {"username": bmc.USER, "password": bmc.PASSWORD}
        settings = {"standby_power": 300, "eco_power": 600, "full_power": 1000}
        heater_id = await add_subentry(
            hass,
            site,
            "heater",
            {"url": server.url, **login},
            HEATER_SETTINGS | settings,
        )
        select = entity_id(hass, site, heater_id, "power_state", "select")
        await site.runtime_data.heaters[heater_id].async_finish()
        assert server.resources[bmc.METRICS]["PowerLimitWatts"]["SetPoint"] == 300
    with pytest.raises(HomeAssistantError):
        await hass.services.async_call(
            "select",
            "select_option",
            {"entity_id": select, "option": "eco"},
            blocking=True,
        )
    data = await downloaded(hass, site)
    heater = data["heaters"][heater_id]
    assert heater["available"] is False
    assert "Cannot connect" in heater["command_error"]
    uuid = site.subentries[heater_id].unique_id
    assert uuid
    assert_without(data, bmc.USER, bmc.PASSWORD, uuid, "SN1", "127.0.0.1")


async def test_empty_site(hass: HomeAssistant, site: ConfigEntry) -> None:
    data = await downloaded(hass, site)
    assert data["heaters"] == data["sinks"] == data["links"] == {}
    assert data["site"]["data"]["heat_w"] == 0


async def test_gateway(
    hass: HomeAssistant, site: ConfigEntry, lone_agent: RunningAgent
) -> None:
    """What is commanded is told, but not by whom."""
    heater_id = await add_heater(hass, site, lone_agent)
    answers = modbus_answers()
    gateway_id = await add_gateway(hass, site, "modbus", answers)
    (server,) = site.runtime_data.gateway.servers.values()
    await until(lambda: server.running)
    client = await RawClient.open(answers["port"], CONTROLLER)
    assert await client.write(POWER_REGISTER, 500) == 0
    data = await downloaded(hass, site)
    assert_without(data, CONTROLLER, "127.0.0.1")
    gateway = data["gateway"]
    assert gateway["numbers"] == {"site": 0, heater_id: 1}
    assert gateway["commands"] == {
        f"{heater_id}/power_request": {"value": 50.0, "priority": 16}
    }
    assert gateway["given_up"] == []
    assert gateway["servers"] == {
        gateway_id: {"running": True, "connections": 1, "strangers": 0}
    }


@pytest.mark.usefixtures("socket_enabled")
async def test_key_of_the_gateway(
    hass: HomeAssistant, hass_client: Any, site: ConfigEntry, tmp_path: Path
) -> None:
    """Whoever has the key could pretend to be the gateway."""
    authority = Authority(tmp_path)
    certificate, key = authority.issue("gateway", "127.0.0.1")
    files = {
        "certificate": certificate,
        "private_key": key,
        "client_ca": authority.file,
    }
    ids = {
        name: await upload(hass_client, file.read_bytes())
        for name, file in files.items()
    }
    answers = modbus_answers(tls=True)
    await add_subentry(
        hass,
        site,
        "gateway",
        {"next_step_id": "modbus"},
        answers,
        {**ids, "roles": ["Operator"]},
    )
    data = await downloaded(hass, site)
    (subentry,) = data["subentries"].values()
    assert subentry["data"]["tls"]["roles"] == ["Operator"]
    assert_without(data, "BEGIN", CONTROLLER, "127.0.0.1")

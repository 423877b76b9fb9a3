"""What is left of a gateway that goes: nothing."""

import socket

import pytest

from compute_heater_agent.service import RunningAgent
from custom_components.compute_heater import gateway_server
from custom_components.compute_heater.gateway.bacnet import BacnetDevice
from custom_components.compute_heater.gateway.gateway import Write
from custom_components.compute_heater.gateway.modbus import ModbusServer
from homeassistant.config_entries import ConfigEntry, ConfigEntryDisabler
from homeassistant.core import HomeAssistant
from homeassistant.helpers import (
    device_registry as dr,
    entity_registry as er,
    issue_registry as ir,
)
from simulator.running import RunningHouse
from tests.gateway.bacnet_site import controller
from tests.gateway.modbus_raw import RawClient

from .conftest import until
from .dialogue import answer, expect_abort, expect_form
from .gateway_parts import (
    CONTROLLER,
    INSTANCE,
    SECOND,
    STATE,
    STATES,
    add_gateway,
    bacnet_answers,
    modbus_answers,
    serving,
)
from .plant import (
    add_heater,
    add_site,
    add_subentry,
    bacnet_steps,
    choose_strategy,
    entity_id,
)
from .test_link_issues import fix

HOST = "127.0.0.1"


def issues(registry: ir.IssueRegistry) -> set[str]:
    """Return what is told of gateways."""
    return {
        issue.translation_key
        for issue in registry.issues.values()
        if issue.active and (issue.translation_key or "").startswith("gateway")
    }


def silence(hass: HomeAssistant, site: ConfigEntry, gateway_id: str) -> None:
    """Have a controller command the site, and then show no life."""
    gateway = site.runtime_data.gateway
    gateway.core.write(
        [Write(point_id="site/heat_request", value=0.0)],
        peer=CONTROLLER,
        protocol="BACnet",
        now=hass.loop.time(),
        guard=gateway.servers[gateway_id].guard,
    )
    gateway.core.expire(hass.loop.time() + 300)


async def test_a_bacnet_device_that_goes(
    hass: HomeAssistant,
    site: ConfigEntry,
    house: RunningHouse,
    lone_agent: RunningAgent,
    entity_registry: er.EntityRegistry,
    device_registry: dr.DeviceRegistry,
) -> None:
    """Its commands end; another site's link at its port goes on, and then frees it."""
    await add_heater(hass, site, lone_agent)
    await choose_strategy(hass, site, "building_demand")
    steps = bacnet_steps(house)
    port = steps[1]["local"]["local_port"]
    other = await add_site(hass, "Next door")
    link_id = await add_subentry(hass, other, "bacnet", *steps)
    answers = bacnet_answers(local_port=port)
    gateway_id = await add_gateway(hass, site, "bacnet", answers)
    await serving(site)
    async with controller(CONTROLLER) as master:
        at = f"{HOST}:{port}"
        await master.write(at, STATE, "present-value", STATES["full"], priority=8)
        await until(lambda: lone_agent.rack.power_limit_w is None)
        hass.config_entries.async_remove_subentry(site, gateway_id)
        await hass.async_block_till_done()
        await until(lambda: lone_agent.rack.power_limit_w == 300)
        with pytest.raises(Exception, match="(?i)unknown"):
            await master.read(at, f"device,{INSTANCE}", "object-name")
    demand = entity_id(hass, other, link_id, "analog-value,3", "sensor")
    house.house.commands.heat_demand_percent.own = 77
    house.publish()
    await until(lambda: hass.states.is_state(demand, "77.0"))
    owned = er.async_entries_for_config_entry(entity_registry, site.entry_id)
    assert not [each for each in owned if each.config_subentry_id == gateway_id]
    devices = dr.async_entries_for_config_entry(device_registry, site.entry_id)
    assert not [each for each in devices if gateway_id in str(each.identifiers)]
    assert await hass.config_entries.async_unload(other.entry_id)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind((HOST, port))


@pytest.mark.parametrize("how", ["remove", "disable", "remove site"])
async def test_nothing_is_left_to_repair(
    hass: HomeAssistant,
    site: ConfigEntry,
    issue_registry: ir.IssueRegistry,
    how: str,
) -> None:
    """Neither of a server that cannot run nor of a controller that fell silent."""
    silent = await add_gateway(hass, site, "bacnet", bacnet_answers())
    answers = modbus_answers(peers=[SECOND])
    failed = await add_gateway(hass, site, "modbus", answers)
    await serving(site)
    assert await hass.config_entries.async_unload(site.entry_id)
    with socket.create_server((HOST, answers["port"])):
        assert await hass.config_entries.async_setup(site.entry_id)
        silence(hass, site, silent)
        await until(
            lambda: issues(issue_registry) == {"gateway_failed", "gateway_silent"}
        )
        match how:
            case "remove":
                # Who is left never heard of the controller that fell silent.
                hass.config_entries.async_remove_subentry(site, silent)
                await hass.async_block_till_done()
                await until(lambda: issues(issue_registry) == {"gateway_failed"})
                hass.config_entries.async_remove_subentry(site, failed)
                await hass.async_block_till_done()
            case "disable":
                await hass.config_entries.async_set_disabled_by(
                    site.entry_id, ConfigEntryDisabler.USER
                )
            case "remove site":
                await hass.config_entries.async_remove(site.entry_id)
        assert not issues(issue_registry)


async def test_repair_leads_to_the_dialogue(
    hass: HomeAssistant, site: ConfigEntry, issue_registry: ir.IssueRegistry
) -> None:
    """There another port can be chosen."""
    answers = modbus_answers()
    gateway_id = await add_gateway(hass, site, "modbus", answers)
    await serving(site)
    assert await hass.config_entries.async_unload(site.entry_id)
    with socket.create_server((HOST, answers["port"])):
        assert await hass.config_entries.async_setup(site.entry_id)
        await until(lambda: issues(issue_registry) == {"gateway_failed"})
        issue = issue_registry.async_get_issue(
            "compute_heater", f"gateway_failed_{gateway_id}"
        )
        assert issue is not None
        result = await fix(hass, issue)
        _, flow_id = result["next_flow"]
        form = {"flow_id": flow_id, "handler": (site.entry_id, "gateway")}
        result = await answer(hass, form, answers)
        expect_form(result, "modbus", base="cannot_listen")
        result = await answer(hass, result, modbus_answers())
        expect_abort(result, "reconfigure_successful")
        await serving(site)
    assert not issues(issue_registry)


async def test_what_nobody_expects_is_tried_again(
    hass: HomeAssistant, site: ConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stack of others may raise anything; the site runs on, and the port is asked anew."""
    started = ModbusServer.start
    failures = [KeyError("of others")]

    async def start(server: ModbusServer) -> None:
        if failures:
            raise failures.pop()
        await started(server)

    monkeypatch.setattr(ModbusServer, "start", start)
    monkeypatch.setattr(gateway_server, "FIRST_RETRY_S", 0.2)
    await add_gateway(hass, site, "modbus", modbus_answers())
    await serving(site)
    assert not failures


async def test_one_that_cannot_be_closed_keeps_nobody_up(
    hass: HomeAssistant, site: ConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The heaters are released all the same, and the other gateway's port is free."""
    await add_gateway(hass, site, "bacnet", bacnet_answers())
    answers = modbus_answers()
    await add_gateway(hass, site, "modbus", answers)
    await serving(site)
    stopped = BacnetDevice.stop

    async def stop(device: BacnetDevice) -> None:
        await stopped(device)
        raise KeyError("of others")

    monkeypatch.setattr(BacnetDevice, "stop", stop)
    assert await hass.config_entries.async_unload(site.entry_id)
    with pytest.raises(ConnectionRefusedError):
        await RawClient.open(answers["port"], CONTROLLER)

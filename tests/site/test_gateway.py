"""Controllers of the building at a site's gateway, down to the machine."""

from collections.abc import AsyncIterator
import json
from pathlib import Path
import re
import socket
from typing import Any

from bac_py import Client
import pytest
from pytest_homeassistant_custom_component.common import async_mock_service

from compute_heater_agent.service import RunningAgent
from custom_components.compute_heater import gateway_server
from custom_components.compute_heater.building.ede import parse_ede
from custom_components.compute_heater.gateway.gateway import Write
from custom_components.compute_heater.gateway_events import EVENT_BUILDING
from custom_components.compute_heater.logbook import message
from custom_components.compute_heater.store import DATA_HANDOVER
from homeassistant.config_entries import (
    ConfigEntry,
    ConfigEntryDisabler,
    ConfigEntryState,
)
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import entity_registry as er, issue_registry as ir
from homeassistant.setup import async_setup_component
from homeassistant.util.yaml import parse_yaml
from tests.gateway.bacnet_site import controller
from tests.gateway.modbus_raw import RawClient

from .conftest import still_agent, until
from .dialogue import answer, begin
from .gateway_parts import (
    CONTROLLER,
    ENABLE,
    ENABLE_REGISTER,
    POWER,
    POWER_REGISTER,
    SECOND,
    STATE,
    STATE_REGISTER,
    STATES,
    STRANGER,
    add_gateway,
    bacnet_answers,
    heard,
    modbus_answers,
)
from .plant import add_heater, choose_strategy, entity_id


@pytest.fixture
async def heater_id(
    hass: HomeAssistant, site: ConfigEntry, lone_agent: RunningAgent
) -> str:
    """Add a heater, and let the building decide."""
    heater_id = await add_heater(hass, site, lone_agent)
    await choose_strategy(hass, site, "building_demand")
    await until(lambda: lone_agent.rack.power_limit_w == 300)
    return heater_id


@pytest.fixture
async def bacnet(hass: HomeAssistant, site: ConfigEntry, heater_id: str) -> str:
    """Add the BACnet device; return where it is."""
    answers = bacnet_answers()
    await add_gateway(hass, site, "bacnet", answers)
    await until(lambda: is_serving(site))
    return f"127.0.0.1:{answers['local_port']}"


@pytest.fixture
async def modbus(hass: HomeAssistant, site: ConfigEntry, heater_id: str) -> int:
    """Add the Modbus server; return its port."""
    answers = modbus_answers()
    await add_gateway(hass, site, "modbus", answers)
    await until(lambda: is_serving(site))
    return int(answers["port"])


@pytest.fixture
async def master() -> AsyncIterator[Client]:
    """Run a controller that may command."""
    async with controller(CONTROLLER) as client:
        yield client


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try a server that does not start again at once."""
    monkeypatch.setattr(gateway_server, "FIRST_RETRY_S", 0.05)


def is_serving(site: ConfigEntry) -> bool:
    servers = site.runtime_data.gateway.servers.values()
    return all(server.running for server in servers)


def shown(hass: HomeAssistant, entity: str) -> str:
    state = hass.states.get(entity)
    assert state is not None
    return state.state


async def test_a_priority_write_reaches_the_machine(
    hass: HomeAssistant,
    site: ConfigEntry,
    lone_agent: RunningAgent,
    bacnet: str,
    master: Client,
) -> None:
    """The highest priority counts; with the last one gone the strategy decides."""
    rack = lone_agent.rack
    in_command = entity_id(hass, site, "", "building_in_command", "binary_sensor")
    assert shown(hass, in_command) == "off"
    await master.write(bacnet, POWER, "present-value", 50.0, priority=12)
    await until(lambda: rack.power_limit_w == 1500)
    assert shown(hass, in_command) == "on"
    await master.write(bacnet, STATE, "present-value", STATES["full"], priority=8)
    await until(lambda: rack.power_limit_w is None)
    await master.write(bacnet, STATE, "present-value", None, priority=8)
    await until(lambda: rack.power_limit_w == 1500)
    await master.write(bacnet, POWER, "present-value", None, priority=12)
    await until(lambda: rack.power_limit_w == 300)
    assert shown(hass, in_command) == "off"


async def test_registers_reach_the_machine(
    lone_agent: RunningAgent, modbus: int
) -> None:
    client = await RawClient.open(modbus, CONTROLLER)
    assert await client.write(STATE_REGISTER, STATES["eco"]) == 0
    await until(lambda: lone_agent.rack.power_limit_w == 1500)
    assert await client.write(POWER_REGISTER, 1001) == 3
    assert await client.write(STATE_REGISTER, 0x8000) == 0
    await until(lambda: lone_agent.rack.power_limit_w == 300)


async def test_both_protocols_command_the_same_points(
    hass: HomeAssistant,
    site: ConfigEntry,
    lone_agent: RunningAgent,
    bacnet: str,
    master: Client,
) -> None:
    answers = modbus_answers(peers=[SECOND])
    await add_gateway(hass, site, "modbus", answers)
    await until(lambda: is_serving(site))
    client = await RawClient.open(answers["port"], SECOND)
    assert await client.write(POWER_REGISTER, 500) == 0
    await until(lambda: lone_agent.rack.power_limit_w == 1500)
    slots = await master.read(bacnet, POWER, "priority-array")
    assert slots == [None] * 15 + [50]
    await master.write(bacnet, POWER, "present-value", 80.0, priority=10)
    await until(lambda: lone_agent.rack.power_limit_w == 2400)
    assert await client.read(3, POWER_REGISTER, 1) == [800]


async def test_commands_do_nothing_with_another_strategy(
    hass: HomeAssistant,
    site: ConfigEntry,
    lone_agent: RunningAgent,
    bacnet: str,
    master: Client,
) -> None:
    """They are kept, and marked as out of service."""
    await choose_strategy(hass, site, "follow_demand")
    await master.write(bacnet, STATE, "present-value", STATES["full"], priority=8)
    await site.runtime_data.heaters[
        next(iter(site.runtime_data.heaters))
    ].async_finish()
    assert lone_agent.rack.power_limit_w == 300
    gateway = site.runtime_data.gateway
    await until(lambda: not gateway.core.heeded)
    assert await master.read(bacnet, STATE, "out-of-service") in (1, True)
    in_command = entity_id(hass, site, "", "building_in_command", "binary_sensor")
    assert shown(hass, in_command) == "off"
    await choose_strategy(hass, site, "building_minimum")
    await until(lambda: lone_agent.rack.power_limit_w is None)


async def test_the_building_gets_no_more_than_is_allowed(
    hass: HomeAssistant,
    site: ConfigEntry,
    heater_id: str,
    lone_agent: RunningAgent,
    bacnet: str,
    master: Client,
) -> None:
    """The owner's limit and the compute switch stand above; the reason says so."""
    limit = entity_id(hass, site, heater_id, "power_limit", "number")
    await hass.services.async_call(
        "number", "set_value", {"entity_id": limit, "value": 1000}, blocking=True
    )
    await master.write(bacnet, POWER, "present-value", 100.0, priority=1)
    await until(lambda: lone_agent.rack.power_limit_w == 1000)
    reason = entity_id(hass, site, heater_id, "reason", "sensor")
    assert shown(hass, reason) == "power_limit"
    switch = entity_id(hass, site, heater_id, "compute", "switch")
    await hass.services.async_call(
        "switch", "turn_off", {"entity_id": switch}, blocking=True
    )
    await until(lambda: lone_agent.rack.power_limit_w == 300)
    gateway = site.runtime_data.gateway.core
    await until(lambda: gateway.value(f"{heater_id}/enabled") is False)
    assert (
        await master.read(bacnet, "csv,140", "present-value")
        == "Compute is not allowed"
    )
    assert await master.read(bacnet, "ai,102", "present-value") == 0


async def test_readings(hass: HomeAssistant, site: ConfigEntry, master: Client) -> None:
    """What is unknown is unknown, and a heater that is gone is a fault."""
    answers = bacnet_answers()
    at = f"127.0.0.1:{answers['local_port']}"
    async with still_agent() as agent:
        heater_id = await add_heater(hass, site, agent)
        await choose_strategy(hass, site, "building_demand")
        await add_gateway(hass, site, "bacnet", answers)
        await until(lambda: is_serving(site))
        gateway = site.runtime_data.gateway.core
        await until(lambda: gateway.value(f"{heater_id}/power_state") == 2)
        assert gateway.value(f"{heater_id}/fault") is False
        assert await master.read(at, "msi,130", "present-value") == 2
        assert await master.read(at, "ai,102", "present-value") == 3
        assert await master.read(at, "ai,2", "present-value") == 3
    await site.runtime_data.heaters[heater_id].async_refresh()
    await until(lambda: gateway.value(f"{heater_id}/fault") is True)
    assert gateway.value(f"{heater_id}/electrical_power") is None
    assert gateway.value("site/electrical_power") is None
    assert gateway.value("site/available_power") == 0
    assert await master.read(at, "ai,103", "reliability") == 1


async def test_silence(
    hass: HomeAssistant,
    site: ConfigEntry,
    lone_agent: RunningAgent,
    heater_id: str,
    issue_registry: ir.IssueRegistry,
) -> None:
    """Commands of a silent controller are given up; all is well when it is back."""
    answers = bacnet_answers(watchdog=10)
    gateway_id = await add_gateway(hass, site, "bacnet", answers)
    await until(lambda: is_serving(site))
    told = heard(hass)
    at = f"127.0.0.1:{answers['local_port']}"
    gateway = site.runtime_data.gateway
    silent = entity_id(hass, site, "", "building_silent", "binary_sensor")
    event = entity_id(hass, site, gateway_id, "command", "event")
    issue = f"gateway_silent_{site.entry_id}"
    async with controller(CONTROLLER) as master:
        await master.write(at, STATE, "present-value", STATES["full"], priority=8)
        await until(lambda: lone_agent.rack.power_limit_w is None)
        gateway.core.expire(hass.loop.time() + 9.0)
        assert gateway.in_command
        gateway.core.expire(hass.loop.time() + 10.0)
        await until(lambda: lone_agent.rack.power_limit_w == 300)
        assert shown(hass, silent) == "on"
        assert [each["kind"] for each in told] == ["accepted", "silent"]
        assert told[1]["peer"] == CONTROLLER
        state = hass.states.get(event)
        assert state is not None
        assert state.attributes["event_type"] == "silent"
        assert issue_registry.async_get_issue("compute_heater", issue)
        assert await master.read(at, STATE, "reliability") == 12
        await master.write(at, STATE, "present-value", STATES["eco"], priority=8)
        await until(lambda: lone_agent.rack.power_limit_w == 1500)
    assert shown(hass, silent) == "off"
    assert issue_registry.async_get_issue("compute_heater", issue) is None


async def test_the_watchdog_runs_by_itself(
    hass: HomeAssistant, site: ConfigEntry, lone_agent: RunningAgent, bacnet: str
) -> None:
    """Every second it is looked who is silent."""
    core = site.runtime_data.gateway.core
    core.write(
        [Write(point_id="site/heat_request", value=3.0)],
        peer=CONTROLLER,
        protocol="BACnet",
        # Long ago, by the clock that nobody sets.
        now=hass.loop.time() - 299.5,
        guard=next(iter(site.runtime_data.gateway.servers.values())).guard,
    )
    await until(lambda: core.is_lost("site/heat_request"))


async def test_a_reload_goes_on(
    hass: HomeAssistant,
    site: ConfigEntry,
    lone_agent: RunningAgent,
    bacnet: str,
    master: Client,
) -> None:
    """Commands and watchdogs outlast it, and the machine notices nothing."""
    await master.write(bacnet, STATE, "present-value", STATES["full"], priority=8)
    await until(lambda: lone_agent.rack.power_limit_w is None)
    happened: list[Any] = []
    lone_agent.rack.listen(happened.append)
    before = site.runtime_data.gateway.core
    assert await hass.config_entries.async_reload(site.entry_id)
    await until(lambda: is_serving(site))
    gateway = site.runtime_data.gateway
    assert gateway.core is not before
    assert gateway.in_command
    for heater in site.runtime_data.heaters.values():
        await heater.async_finish()
    assert happened == []
    assert await master.read(bacnet, STATE, "present-value") == STATES["full"]
    gateway.core.expire(hass.loop.time() + 300)
    await until(lambda: lone_agent.rack.power_limit_w == 300)


async def test_a_restart_forgets_commands(
    hass: HomeAssistant,
    site: ConfigEntry,
    lone_agent: RunningAgent,
    bacnet: str,
    master: Client,
) -> None:
    await master.write(bacnet, STATE, "present-value", STATES["full"], priority=8)
    await until(lambda: lone_agent.rack.power_limit_w is None)
    revision = await master.read(bacnet, "device,4711", "database-revision")
    assert await hass.config_entries.async_unload(site.entry_id)
    hass.data[DATA_HANDOVER].clear()
    assert await hass.config_entries.async_setup(site.entry_id)
    await until(lambda: is_serving(site))
    assert not site.runtime_data.gateway.in_command
    await until(lambda: lone_agent.rack.power_limit_w == 300)
    assert await master.read(bacnet, "device,4711", "database-revision") == revision


async def test_a_removed_gateway_commands_nothing(
    hass: HomeAssistant,
    site: ConfigEntry,
    lone_agent: RunningAgent,
    modbus: int,
    entity_registry: er.EntityRegistry,
) -> None:
    client = await RawClient.open(modbus, CONTROLLER)
    assert await client.write(STATE_REGISTER, STATES["full"]) == 0
    await until(lambda: lone_agent.rack.power_limit_w is None)
    entity_id(hass, site, "", "building_silent", "binary_sensor")
    (gateway_id,) = site.runtime_data.gateway.servers
    hass.config_entries.async_remove_subentry(site, gateway_id)
    await hass.async_block_till_done()
    await until(lambda: lone_agent.rack.power_limit_w == 300)
    assert await client.ended() == b""
    with pytest.raises(ConnectionRefusedError):
        await RawClient.open(modbus, CONTROLLER)
    left = er.async_entries_for_config_entry(entity_registry, site.entry_id)
    assert not [each for each in left if "building" in each.unique_id]


async def test_a_peer_that_may_no_longer_command_is_not_heard(
    hass: HomeAssistant, site: ConfigEntry, lone_agent: RunningAgent, modbus: int
) -> None:
    """Its commands end when it is taken off the list, or all may only read."""
    client = await RawClient.open(modbus, CONTROLLER)
    assert await client.write(STATE_REGISTER, STATES["full"]) == 0
    await until(lambda: lone_agent.rack.power_limit_w is None)
    (gateway_id,) = site.runtime_data.gateway.servers
    changed = modbus_answers(port=modbus, peers=[SECOND])
    await answer(hass, await begin(hass, site, "gateway", gateway_id), changed)
    await until(lambda: lone_agent.rack.power_limit_w == 300)
    await until(lambda: is_serving(site))
    client = await RawClient.open(modbus, SECOND)
    assert await client.write(STATE_REGISTER, STATES["full"]) == 0
    await until(lambda: lone_agent.rack.power_limit_w is None)
    for key in ("watchdog", "priority"):
        del changed[key]
    changed["commands"] = False
    await answer(hass, await begin(hass, site, "gateway", gateway_id), changed)
    await until(lambda: lone_agent.rack.power_limit_w == 300)
    await until(lambda: is_serving(site))
    client = await RawClient.open(modbus, SECOND)
    assert await client.write(STATE_REGISTER, STATES["full"]) == 2
    assert await client.write(1, 7) == 0


@pytest.mark.parametrize("how", ["disable", "stop"])
async def test_nobody_serves_what_does_not_run(
    hass: HomeAssistant,
    site: ConfigEntry,
    lone_agent: RunningAgent,
    modbus: int,
    how: str,
) -> None:
    client = await RawClient.open(modbus, CONTROLLER)
    assert await client.write(STATE_REGISTER, STATES["full"]) == 0
    await until(lambda: lone_agent.rack.power_limit_w is None)
    if how == "disable":
        await hass.config_entries.async_set_disabled_by(
            site.entry_id, ConfigEntryDisabler.USER
        )
    else:
        await hass.async_stop(force=True)
    assert lone_agent.rack.power_limit_w == 300
    assert await client.ended() == b""


async def test_a_taken_port(
    hass: HomeAssistant,
    site: ConfigEntry,
    modbus: int,
    impatient: None,
    issue_registry: ir.IssueRegistry,
) -> None:
    """The site runs without the server, says so, and tries again."""
    (gateway_id,) = site.runtime_data.gateway.servers
    issue = f"gateway_failed_{gateway_id}"
    assert await hass.config_entries.async_unload(site.entry_id)
    with socket.create_server(("127.0.0.1", modbus)):
        assert await hass.config_entries.async_setup(site.entry_id)
        await hass.async_block_till_done()
        assert site.state is ConfigEntryState.LOADED
        (server,) = site.runtime_data.gateway.servers.values()
        await until(lambda: server.error is not None)
        serving = entity_id(hass, site, gateway_id, "serving", "binary_sensor")
        assert shown(hass, serving) == "off"
        found = issue_registry.async_get_issue("compute_heater", issue)
        assert found is not None
        assert found.is_fixable
    await until(lambda: is_serving(site))
    assert shown(hass, serving) == "on"
    assert issue_registry.async_get_issue("compute_heater", issue) is None


async def test_writes_are_told(
    hass: HomeAssistant, site: ConfigEntry, bacnet: str, master: Client
) -> None:
    """With peer, point, value and priority, or why not; strangers too."""
    told = heard(hass)
    await master.write(bacnet, STATE, "present-value", STATES["eco"], priority=8)
    with pytest.raises(Exception, match="(?i)range"):
        await master.write(bacnet, POWER, "present-value", 101.0, priority=8)
    async with controller(STRANGER) as stranger:
        with pytest.raises(Exception, match="No response"):
            await stranger.write(bacnet, ENABLE, "present-value", 0, priority=8)
    heater = next(iter(site.runtime_data.site.heaters.values()))
    title = heater.coordinator.subentry.title
    accepted, refused, foreign = told
    assert accepted == {
        "config_entry_id": site.entry_id,
        "gateway": "Boiler house",
        "kind": "accepted",
        "peer": CONTROLLER,
        "protocol": "BACnet",
        "point": f"{title} power state request",
        "value": "Eco",
        "unit": None,
        "priority": 8,
        "refusal": None,
        "service": None,
        "count": 1,
    }
    assert (refused["kind"], refused["value"], refused["unit"], refused["refusal"]) == (
        "refused",
        101.0,
        "%",
        "out_of_range",
    )
    assert (foreign["peer"], foreign["refusal"]) == (STRANGER, "foreign_peer")


async def test_services_that_would_change_the_device_are_told(
    hass: HomeAssistant, site: ConfigEntry, bacnet: str, master: Client
) -> None:
    """By name, once for a flood of them; what is written is told besides."""
    told = heard(hass)
    for _ in range(30):
        with pytest.raises(Exception, match="(?i)reject"):
            await master.reinitialize_device(bacnet, "coldstart")
    await master.write(bacnet, STATE, "present-value", STATES["eco"], priority=8)
    async with controller(STRANGER) as stranger:
        with pytest.raises(Exception, match="No response"):
            await stranger.reinitialize_device(bacnet, "coldstart")
    (server,) = site.runtime_data.gateway.servers.values()
    server.flush(hass.loop.time() + 61)
    refused, accepted, foreign, flood = told
    assert refused == {
        "config_entry_id": site.entry_id,
        "gateway": "Boiler house",
        "kind": "refused",
        "peer": CONTROLLER,
        "protocol": "BACnet",
        "point": None,
        "value": None,
        "unit": None,
        "priority": None,
        "refusal": "not_writable",
        "service": "ReinitializeDevice",
        "count": 1,
    }
    assert accepted["kind"] == "accepted"
    assert (foreign["peer"], foreign["refusal"]) == (STRANGER, "foreign_peer")
    was_refused = "(BACnet) was refused: ReinitializeDevice"
    never, unknown = "cannot be done from outside", "is not on the list of controllers"
    assert [message(each) for each in (refused, foreign, flood)] == [
        f"{CONTROLLER} {was_refused} (this {never})",
        f"{STRANGER} {was_refused} (it {unknown})",
        f"{CONTROLLER} {was_refused}, 29 times (this {never})",
    ]


async def test_automation_of_the_documentation(
    hass: HomeAssistant,
    site: ConfigEntry,
    bacnet: str,
    master: Client,
    lone_agent: RunningAgent,
) -> None:
    """The example tells of what is refused, and of silence."""
    page = (Path(__file__).parents[2] / "docs" / "automations.md").read_text()
    blocks = re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (example,) = (parse_yaml(each) for each in blocks if EVENT_BUILDING in each)
    notices = async_mock_service(hass, "notify", "notify")
    assert await async_setup_component(hass, "automation", {"automation": example})
    await master.write(bacnet, STATE, "present-value", STATES["full"], priority=8)
    await until(lambda: lone_agent.rack.power_limit_w is None)
    with pytest.raises(Exception, match="(?i)range"):
        await master.write(bacnet, POWER, "present-value", 101.0, priority=8)
    await until(lambda: len(notices) == 1)
    with pytest.raises(Exception, match="(?i)reject"):
        await master.reinitialize_device(bacnet, "coldstart")
    await until(lambda: len(notices) == 2)
    site.runtime_data.gateway.core.expire(hass.loop.time() + 300)
    await until(lambda: len(notices) == 3)
    refused, service, silent = (notice.data for notice in notices)
    assert refused["title"] == "Boiler house"
    assert refused["message"].startswith(f"{CONTROLLER} may not set ")
    assert refused["message"].endswith(" power request to 101.0: out_of_range")
    assert service["message"] == (
        f"{CONTROLLER} may not ask for ReinitializeDevice: not_writable"
    )
    assert (
        silent["message"] == f"{CONTROLLER} shows no life. The site decides by itself."
    )


async def test_a_flood_is_told_in_few_words(
    hass: HomeAssistant, site: ConfigEntry, lone_agent: RunningAgent, modbus: int
) -> None:
    told = heard(hass)
    client = await RawClient.open(modbus, CONTROLLER)
    for _ in range(100):
        assert await client.write(POWER_REGISTER, 1001) == 3
    assert await client.write(ENABLE_REGISTER, 0) == 0
    assert [each["kind"] for each in told] == ["refused", "accepted"]
    (server,) = site.runtime_data.gateway.servers.values()
    server.flush(hass.loop.time() + 61)
    assert [each["count"] for each in told] == [1, 1, 99]


async def test_numbers_stay(
    hass: HomeAssistant, site: ConfigEntry, heater_id: str, bacnet: str
) -> None:
    """A heater that goes renumbers no other, and controllers are told of the change."""
    async with still_agent() as second, still_agent() as third:
        second_id = await add_heater(hass, site, second)
        gateway = site.runtime_data.gateway
        assert gateway.numbers == {"site": 0, heater_id: 1, second_id: 2}
        revision = gateway.memory["revision"]
        hass.config_entries.async_remove_subentry(site, heater_id)
        await hass.async_block_till_done()
        third_id = await add_heater(hass, site, third)
        gateway = site.runtime_data.gateway
        assert gateway.numbers[second_id] == 2
        assert gateway.numbers[third_id] == 3
        assert gateway.memory["revision"] == revision + 2
        await until(lambda: is_serving(site))
        async with controller(CONTROLLER) as master:
            name = await master.read(bacnet, "ai,209", "object-name")
            assert name.endswith("supply temperature")
            with pytest.raises(Exception, match="(?i)unknown"):
                await master.read(bacnet, "ai,109", "object-name")


async def test_the_lists(
    hass: HomeAssistant, site: ConfigEntry, bacnet: str, heater_id: str
) -> None:
    """What a planner gets is what controllers find, and what we would read ourselves."""
    await add_gateway(hass, site, "modbus", modbus_answers())
    found = await hass.services.async_call(
        "compute_heater", "get_gateway_points", {}, blocking=True, return_response=True
    )
    assert found is not None
    # It must get through to a script.
    json.dumps(found)
    objects, registers = found["bacnet"], found["modbus"]
    assert isinstance(objects, dict)
    assert isinstance(registers, dict)
    ede = parse_ede(objects["ede"], objects["ede_state_texts"])
    assert ede.instance == objects["device_instance"] == 4711
    # Texts are no points of ours.
    assert ede.problems == ["2 objects of other types were left out"]
    by_key = {point.key: point for point in ede.points}
    power = by_key["analog-value,161"]
    assert (power.unit, power.minimum, power.maximum) == ("%", 0, 100)
    assert by_key["multi-state-value,164"].states == (
        "Automatic",
        "Standby",
        "Eco",
        "Full",
    )
    assert {point.name for point in ede.points} < {
        row["name"] for row in objects["objects"]
    }
    rows = registers["registers"]
    assert len(registers["csv"].splitlines()) == len(rows) + 1
    assert {"address": 110, "access": "rw"}.items() <= next(
        row for row in rows if row["address"] == 110 and row["access"] == "rw"
    ).items()


async def test_no_lists_without_a_gateway(
    hass: HomeAssistant, site: ConfigEntry
) -> None:
    with pytest.raises(ServiceValidationError, match="no gateway"):
        await hass.services.async_call(
            "compute_heater",
            "get_gateway_points",
            {},
            blocking=True,
            return_response=True,
        )

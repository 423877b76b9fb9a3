"""Values of the building ask for heat, down to the machine; and what silence leads to."""

from collections.abc import Callable
from typing import Any

from bac_py import Client
import pytest

from compute_heater_agent.service import RunningAgent
from custom_components.compute_heater.control.building import (
    BuildingRequest,
    SiteRequest,
)
from custom_components.compute_heater.control.reasons import Reason
from custom_components.compute_heater.coordinator import Link
from custom_components.compute_heater.heaters.model import PowerState
from custom_components.compute_heater.store import DATA_HANDOVER
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
from simulator.running import RunningHouse

from .bridge_parts import add_bridge, add_heater, asked, decided
from .conftest import until
from .plant import add_subentry, bacnet_steps, choose_strategy, entity_id, modbus_steps
from .test_link_commands import MODE, PUMP
from .test_sources import Clock, clock

__all__ = ["clock"]

DEMAND, DEVICE = "input_number.demand", "av,3"
VALVE: dict[str, Any] = PUMP | {"key": "valve", "address": 1, "role": "valve"}
CONTACTS = [each | {"writable": False} for each in (PUMP, VALVE)]
HOLD = {"hold_time": 0.5}


@pytest.fixture
async def heater_id(
    hass: HomeAssistant, site: ConfigEntry, lone_agent: RunningAgent
) -> str:
    """Add a heater of 300 to 3000 W, and let the building decide."""
    heater_id = await add_heater(hass, site, lone_agent)
    await choose_strategy(hass, site, "building_demand")
    await until(lambda: lone_agent.rack.power_limit_w == 300)
    return heater_id


@pytest.fixture(autouse=True)
async def helpers(hass: HomeAssistant) -> None:
    """Set up what a person would turn in place of the building."""
    numbers = {
        "demand": {"min": 0, "max": 100, "initial": 0, "unit_of_measurement": "%"},
        "volts": {"min": 0, "max": 10, "initial": 0, "unit_of_measurement": "V"},
    }
    assert await async_setup_component(hass, "input_number", {"input_number": numbers})
    switches: dict[str, Any] = {"input_boolean": {"request": {"initial": False}}}
    assert await async_setup_component(hass, "input_boolean", switches)


@pytest.fixture
async def bacnet_id(
    hass: HomeAssistant, site: ConfigEntry, heater_id: str, house: RunningHouse
) -> str:
    """Add the house's BACnet device, whose heat demand stands still."""
    house.task.cancel()
    return await add_subentry(hass, site, "bacnet", *bacnet_steps(house))


@pytest.fixture
async def modbus_id(
    hass: HomeAssistant, site: ConfigEntry, heater_id: str, house: RunningHouse
) -> str:
    """Add the house's Modbus device, with two contacts and a mode."""
    house.task.cancel()
    points = [*CONTACTS, MODE | {"writable": False, "offset": 0}]
    return await add_subentry(hass, site, "modbus", *modbus_steps(house, points))


async def turn(hass: HomeAssistant, entity: str, value: float) -> None:
    """Set a number by hand."""
    data = {"entity_id": entity, "value": value}
    await hass.services.async_call("input_number", "set_value", data, blocking=True)


async def read(site: ConfigEntry, link_id: str) -> None:
    """Poll a link now."""
    link: Link = site.runtime_data.links[link_id]
    link._next_read_s.clear()
    await link.async_refresh()


def no_polls(site: ConfigEntry, link_id: str) -> None:
    """Let nothing come by a poll any more."""
    link: Link = site.runtime_data.links[link_id]
    never = float("inf")
    link._next_read_s = dict.fromkeys(link._next_read_s, never)
    link._heard_at_s = never


def is_silent(hass: HomeAssistant, bridge_id: str) -> bool:
    """Whether a repair issue tells of a silent source."""
    issues = ir.async_get(hass)
    return (
        issues.async_get_issue("compute_heater", f"bridge_silent_{bridge_id}")
        is not None
    )


def heard(agent: RunningAgent) -> list[Any]:
    """Return a list that each new power limit of the machine is added to."""
    limits: list[Any] = []
    agent.rack.listen(lambda _notice: limits.append(agent.rack.power_limit_w))
    return limits


async def test_demand_to_states(
    hass: HomeAssistant, site: ConfigEntry, heater_id: str, lone_agent: RunningAgent
) -> None:
    """By the table, with its hysteresis, and with the reason shown."""
    await add_bridge(hass, site, "demand_state", source_entity=DEMAND)
    limits = heard(lone_agent)
    await turn(hass, DEMAND, 30)
    await until(lambda: lone_agent.rack.power_limit_w == 1500)
    assert decided(site, heater_id) == ("eco", 1500, Reason.BUILDING_DEMAND)
    await turn(hass, DEMAND, 60)
    await until(lambda: lone_agent.rack.power_limit_w is None)
    await turn(hass, DEMAND, 58)
    assert decided(site, heater_id) == ("full", 3000, Reason.BUILDING_DEMAND)
    await turn(hass, DEMAND, 57.9)
    await until(lambda: lone_agent.rack.power_limit_w == 1500)
    await turn(hass, DEMAND, 0)
    await until(lambda: lone_agent.rack.power_limit_w == 300)
    assert decided(site, heater_id) == ("standby", 300, Reason.BUILDING_DEMAND)
    assert limits == [1500, None, 1500, 300]


async def test_demand_to_watts(
    hass: HomeAssistant, site: ConfigEntry, heater_id: str, lone_agent: RunningAgent
) -> None:
    """2 to 10 V; the wire breaks, and the last request goes on."""
    signal = {"signal_zero": 2, "signal_full": 10, "broken_below": 1}
    bridge_id = await add_bridge(
        hass, site, "demand_power", source_entity="input_number.volts", signal=signal
    )
    assert asked(site) == SiteRequest()
    await turn(hass, "input_number.volts", 6)
    await until(lambda: lone_agent.rack.power_limit_w == 1650)
    await turn(hass, "input_number.volts", 10)
    await until(lambda: lone_agent.rack.power_limit_w is None)
    await turn(hass, "input_number.volts", 0.3)
    assert decided(site, heater_id) == ("full", 3000, Reason.BUILDING_SILENT)
    assert not is_silent(hass, bridge_id)
    await turn(hass, "input_number.volts", 2)
    await until(lambda: lone_agent.rack.power_limit_w == 300)


async def test_demand_to_heat_of_the_site(
    hass: HomeAssistant, site: ConfigEntry, heater_id: str, lone_agent: RunningAgent
) -> None:
    await add_bridge(
        hass, site, "demand_heat", source_entity=DEMAND, max_heat_power=2.5
    )
    await turn(hass, DEMAND, 40)
    assert asked(site) == SiteRequest(heat_w=1000)
    await until(lambda: lone_agent.rack.power_limit_w == 1000)
    await turn(hass, DEMAND, 0)
    assert asked(site) == SiteRequest(heat_w=0)
    await until(lambda: lone_agent.rack.power_limit_w == 300)


@pytest.mark.parametrize(("power", "limit_w"), [({}, None), ({"power": 2000}, 2000)])
async def test_request_bit(
    hass: HomeAssistant,
    site: ConfigEntry,
    heater_id: str,
    lone_agent: RunningAgent,
    power: dict[str, float],
    limit_w: float | None,
) -> None:
    contact = {"entity_id": "input_boolean.request"}
    await add_bridge(
        hass, site, "request", source_entity="input_boolean.request", **power
    )
    await hass.services.async_call("input_boolean", "turn_on", contact, blocking=True)
    await until(lambda: lone_agent.rack.power_limit_w == limit_w)
    await hass.services.async_call("input_boolean", "turn_off", contact, blocking=True)
    await until(lambda: lone_agent.rack.power_limit_w == 300)


async def test_only_the_strategies_of_the_building_heed_it(
    hass: HomeAssistant, site: ConfigEntry, heater_id: str, lone_agent: RunningAgent
) -> None:
    await add_bridge(hass, site, "demand_state", source_entity=DEMAND)
    await turn(hass, DEMAND, 100)
    await until(lambda: lone_agent.rack.power_limit_w is None)
    await choose_strategy(hass, site, "follow_demand")
    await until(lambda: lone_agent.rack.power_limit_w == 300)
    await choose_strategy(hass, site, "building_demand")
    await until(lambda: lone_agent.rack.power_limit_w is None)


async def test_two_contacts_of_sg_ready(
    hass: HomeAssistant,
    site: ConfigEntry,
    heater_id: str,
    lone_agent: RunningAgent,
    house: RunningHouse,
    modbus_id: str,
) -> None:
    """From normal to forced and back; what shows in between is no lock."""
    first = entity_id(hass, site, modbus_id, "pump", "binary_sensor")
    second = entity_id(hass, site, modbus_id, "valve", "binary_sensor")
    loop = house.house.loop

    async def contacts(one: bool, two: bool) -> None:
        loop.pump_command, loop.valve_command_dhw = one, two
        await read(site, modbus_id)

    await contacts(False, False)
    await add_bridge(
        hass, site, "sg_contacts", first_contact=first, second_contact=second
    )
    assert asked(site) == SiteRequest()
    seen: list[SiteRequest] = []
    site.runtime_data.site.async_add_listener(lambda: seen.append(asked(site)))
    await contacts(True, True)
    await until(lambda: lone_agent.rack.power_limit_w is None)
    await contacts(False, False)
    await until(lambda: lone_agent.rack.power_limit_w == 300)
    full = SiteRequest(heaters={heater_id: BuildingRequest(state=PowerState.FULL)})
    assert [each for each in seen if each not in (SiteRequest(), full)] == []
    await contacts(False, True)
    await until(lambda: lone_agent.rack.power_limit_w == 1500)
    await contacts(True, False)
    lock = SiteRequest(heaters={heater_id: BuildingRequest(allowed=False)})
    await until(lambda: asked(site) == lock)


async def test_sg_ready_as_one_entity(
    hass: HomeAssistant,
    site: ConfigEntry,
    heater_id: str,
    lone_agent: RunningAgent,
    house: RunningHouse,
    modbus_id: str,
) -> None:
    """A register with states; the lock stands above what a person chose."""
    mode = entity_id(hass, site, modbus_id, "mode", "sensor")
    names = {"lock": "Off", "normal": "Auto", "recommended": "Heating", "forced": "DHW"}

    async def show(state: str) -> None:
        commands = house.house.commands
        texts: list[str] = MODE["states"]
        commands.mode.own = type(commands.mode.own)(texts.index(state) + 1)
        await read(site, modbus_id)

    await show("Auto")
    await add_bridge(hass, site, "sg_states", source_entity=mode, sg_states=names)
    await show("Heating")
    await until(lambda: lone_agent.rack.power_limit_w == 1500)
    await show("DHW")
    await until(lambda: lone_agent.rack.power_limit_w is None)
    await show("Auto")
    await until(lambda: lone_agent.rack.power_limit_w == 300)
    select = entity_id(hass, site, heater_id, "power_state", "select")
    data = {"entity_id": select, "option": "full"}
    await hass.services.async_call("select", "select_option", data, blocking=True)
    await until(lambda: lone_agent.rack.power_limit_w is None)
    await show("Off")
    await until(lambda: lone_agent.rack.power_limit_w == 300)
    assert decided(site, heater_id)[2] is Reason.BUILDING_LOCK


async def test_a_change_of_value_needs_no_poll(
    hass: HomeAssistant,
    site: ConfigEntry,
    lone_agent: RunningAgent,
    house: RunningHouse,
    bacnet_id: str,
    bacnet: Client,
) -> None:
    """From the controller's report straight to the machine."""
    source = entity_id(hass, site, bacnet_id, "analog-value,3", "sensor")
    await add_bridge(hass, site, "demand_state", source_entity=source)
    link: Link = site.runtime_data.links[bacnet_id]
    await until(lambda: "analog-value,3" in link.counters["reported"])
    no_polls(site, bacnet_id)
    reads = house.counters.bacnet_reads
    where = house.addresses.bacnet
    await bacnet.write(where, DEVICE, "present-value", 70.0, priority=8)
    await until(lambda: lone_agent.rack.power_limit_w is None)
    await bacnet.write(where, DEVICE, "present-value", 30.0, priority=8)
    await until(lambda: lone_agent.rack.power_limit_w == 1500)
    assert house.counters.bacnet_reads == reads


@pytest.mark.parametrize(
    ("fallback", "limit_w", "then"),
    [
        ("standby", 300, ("standby", 300, Reason.BUILDING_SILENT)),
        ("nothing", 300, ("standby", 300, Reason.NO_DEMAND)),
    ],
)
async def test_a_source_that_is_lost(
    hass: HomeAssistant,
    site: ConfigEntry,
    heater_id: str,
    lone_agent: RunningAgent,
    house: RunningHouse,
    modbus_id: str,
    clock: Clock,
    fallback: str,
    limit_w: float,
    then: tuple[str, float, Reason],
) -> None:
    """The controller goes away: its last request is held, and then falls back."""
    contact = entity_id(hass, site, modbus_id, "pump", "binary_sensor")
    silence = HOLD | {"fallback": fallback}
    bridge_id = await add_bridge(
        hass, site, "request", source_entity=contact, silence=silence
    )
    house.house.loop.pump_command = True
    await read(site, modbus_id)
    await until(lambda: lone_agent.rack.power_limit_w is None)
    limits = heard(lone_agent)
    host, port = house.addresses.modbus.split(":")
    await house._modbus.stop()
    await read(site, modbus_id)
    assert decided(site, heater_id) == ("full", 3000, Reason.BUILDING_SILENT)
    clock.ahead_s += 25
    assert await hass.config_entries.async_reload(site.entry_id)
    assert decided(site, heater_id) == ("full", 3000, Reason.BUILDING_SILENT)
    assert (limits, is_silent(hass, bridge_id)) == ([], False)
    clock.ahead_s += 6
    await until(lambda: lone_agent.rack.power_limit_w == limit_w)
    assert decided(site, heater_id) == then
    assert is_silent(hass, bridge_id)
    await house._modbus.start(host, int(port))
    await read(site, modbus_id)
    await until(lambda: lone_agent.rack.power_limit_w is None)
    assert decided(site, heater_id) == ("full", 3000, Reason.BUILDING_DEMAND)
    assert not is_silent(hass, bridge_id)


async def test_a_source_that_changes_its_unit(
    hass: HomeAssistant, site: ConfigEntry, heater_id: str
) -> None:
    """Its range was entered in V, and 1000 mV are not above it."""
    hass.states.async_set("sensor.volts", "1", {"unit_of_measurement": "V"})
    await add_bridge(hass, site, "demand_state", source_entity="sensor.volts")
    assert decided(site, heater_id) == ("eco", 1500, Reason.BUILDING_DEMAND)
    hass.states.async_set("sensor.volts", "1000", {"unit_of_measurement": "mV"})
    assert decided(site, heater_id) == ("eco", 1500, Reason.BUILDING_SILENT)
    hass.states.async_set("sensor.volts", "7", {"unit_of_measurement": "V"})
    assert decided(site, heater_id) == ("full", 3000, Reason.BUILDING_DEMAND)


async def test_a_source_that_has_to_report(
    hass: HomeAssistant,
    site: ConfigEntry,
    heater_id: str,
    clock: Clock,
) -> None:
    """Reports without a change keep it alive; without any it counts as lost."""

    def report() -> None:
        hass.states.async_set("sensor.demand", "80", {"unit_of_measurement": "%"})

    report()
    silence = {"hold_time": 0, "reports_within": 1}
    bridge_id = await add_bridge(
        hass, site, "demand_state", source_entity="sensor.demand", silence=silence
    )
    clock.ahead_s += 50
    report()
    clock.ahead_s += 50
    await hass.async_block_till_done()
    assert decided(site, heater_id) == ("full", 3000, Reason.BUILDING_DEMAND)
    clock.ahead_s += 11
    await until(lambda: is_silent(hass, bridge_id))
    assert decided(site, heater_id) == ("standby", 300, Reason.BUILDING_SILENT)
    report()
    assert decided(site, heater_id) == ("full", 3000, Reason.BUILDING_DEMAND)
    assert not is_silent(hass, bridge_id)


async def test_a_restart_invents_nothing(
    hass: HomeAssistant, site: ConfigEntry, heater_id: str, clock: Clock
) -> None:
    """What was asked for before it is forgotten, until the source tells it anew."""
    percent = {"unit_of_measurement": "%"}
    hass.states.async_set("sensor.demand", "100", percent)
    bridge_id = await add_bridge(
        hass, site, "demand_state", source_entity="sensor.demand", silence=HOLD
    )
    assert decided(site, heater_id)[0] == "full"
    hass.states.async_set("sensor.demand", "unavailable")
    assert decided(site, heater_id)[0] == "full"
    assert await hass.config_entries.async_unload(site.entry_id)
    hass.data[DATA_HANDOVER].clear()
    hass.states.async_remove("sensor.demand")
    assert await hass.config_entries.async_setup(site.entry_id)
    await hass.async_block_till_done()
    assert asked(site) == SiteRequest()
    clock.ahead_s += 31
    await until(lambda: is_silent(hass, bridge_id))
    assert decided(site, heater_id)[2] is Reason.BUILDING_SILENT
    hass.states.async_set("sensor.demand", "100", percent)
    assert decided(site, heater_id) == ("full", 3000, Reason.BUILDING_DEMAND)


async def test_a_reload_does_not_flicker(
    hass: HomeAssistant,
    site: ConfigEntry,
    heater_id: str,
    lone_agent: RunningAgent,
    bacnet_id: str,
    bacnet: Client,
    house: RunningHouse,
) -> None:
    """The machine hears nothing of it, and hysteresis goes on where it was."""
    source = entity_id(hass, site, bacnet_id, "analog-value,3", "sensor")
    await add_bridge(hass, site, "demand_state", source_entity=source)
    where = house.addresses.bacnet
    await bacnet.write(where, DEVICE, "present-value", 70.0, priority=8)
    await read(site, bacnet_id)
    await until(lambda: lone_agent.rack.power_limit_w is None)
    await bacnet.write(where, DEVICE, "present-value", 59.0, priority=8)
    await read(site, bacnet_id)
    limits = heard(lone_agent)
    assert await hass.config_entries.async_reload(site.entry_id)
    assert decided(site, heater_id) == ("full", 3000, Reason.BUILDING_DEMAND)
    assert limits == []


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
async def test_several_bridges(
    hass: HomeAssistant,
    site: ConfigEntry,
    heater_id: str,
    lone_agent: RunningAgent,
    order: tuple[int, int],
) -> None:
    """The one that asks for most is heard, and nobody once it is removed."""
    bridges = {}
    add: dict[int, Callable[[], Any]] = {
        1: lambda: add_bridge(hass, site, "demand_state", source_entity=DEMAND),
        2: lambda: add_bridge(
            hass, site, "request", source_entity="input_boolean.request", power=2000
        ),
    }
    for each in order:
        bridges[each] = await add[each]()
    contact = {"entity_id": "input_boolean.request"}
    await hass.services.async_call("input_boolean", "turn_on", contact, blocking=True)
    await until(lambda: lone_agent.rack.power_limit_w == 2000)
    await turn(hass, DEMAND, 30)
    assert decided(site, heater_id)[1] == 2000
    await turn(hass, DEMAND, 100)
    await until(lambda: lone_agent.rack.power_limit_w is None)
    hass.config_entries.async_remove_subentry(site, bridges[1])
    await until(lambda: lone_agent.rack.power_limit_w == 2000)
    hass.config_entries.async_remove_subentry(site, bridges[2])
    await until(lambda: lone_agent.rack.power_limit_w == 300)

"""Values of heaters go to points of the building: when they are written and released."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from compute_heater_agent.service import RunningAgent
from custom_components.compute_heater.coordinator import Link
from custom_components.compute_heater.store import DATA_HANDOVER
from homeassistant.config_entries import ConfigEntry, ConfigEntryDisabler
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from simulator.running import RunningHouse

from .bridge_parts import add_bridge, add_heater
from .conftest import still_agent, until
from .plant import add_site, add_subentry, bacnet_steps, entity_id, modbus_steps
from .test_link_commands import SETPOINT
from .test_sources import Clock, clock

__all__ = ["clock"]

PER_WATT = {"value": "available_power", "factor": 0.02, "min_interval": 1}
"""3000 W, which the heater can give, become a set point of 60 °C."""
OWN_C = 45.0


@pytest.fixture
async def heater_id(
    hass: HomeAssistant, site: ConfigEntry, lone_agent: RunningAgent
) -> str:
    """Add a heater of 300 to 3000 W."""
    return await add_heater(hass, site, lone_agent)


@pytest.fixture
async def still_house(house: RunningHouse) -> RunningHouse:
    """Stop the time of the house, whose tank has a set point of its own."""
    house.task.cancel()
    house.house.commands.dhw_setpoint_c.own = OWN_C
    house.publish()
    return house


@pytest.fixture
async def bacnet_id(
    hass: HomeAssistant, site: ConfigEntry, heater_id: str, still_house: RunningHouse
) -> str:
    """Add the house's BACnet device."""
    return await add_subentry(hass, site, "bacnet", *bacnet_steps(still_house))


@pytest.fixture
async def modbus_id(
    hass: HomeAssistant, site: ConfigEntry, heater_id: str, still_house: RunningHouse
) -> str:
    """Add the house's Modbus device; commands last for a minute."""
    points = [SETPOINT | {"lifetime_s": 60}]
    return await add_subentry(hass, site, "modbus", *modbus_steps(still_house, points))


@pytest.fixture
def bacnet_point(hass: HomeAssistant, site: ConfigEntry, bacnet_id: str) -> str:
    """Return the set point of the tank, by BACnet."""
    return entity_id(hass, site, bacnet_id, "analog-value,1", "number")


@pytest.fixture
def modbus_point(hass: HomeAssistant, site: ConfigEntry, modbus_id: str) -> str:
    """Return the set point of the tank, by Modbus."""
    return entity_id(hass, site, modbus_id, "setpoint", "number")


def commanded_c(house: RunningHouse) -> float | None:
    """Return what is commanded by BACnet."""
    override: float | None = house.house.commands.dhw_setpoint_c.override
    return override


def register_c(house: RunningHouse) -> float:
    """Return what the Modbus register holds."""
    return float(house.house.commands.dhw_setpoint_c.own)


async def limit(
    hass: HomeAssistant, site: ConfigEntry, heater_id: str, watts: float
) -> None:
    """Bound the heater's power, as its owner does."""
    number = entity_id(hass, site, heater_id, "power_limit", "number")
    data = {"entity_id": number, "value": watts}
    await hass.services.async_call("number", "set_value", data, blocking=True)


async def read(site: ConfigEntry, link_id: str) -> None:
    """Poll a link now."""
    link: Link = site.runtime_data.links[link_id]
    link._next_read_s.clear()
    await link.async_refresh()


async def settled(site: ConfigEntry) -> None:
    """Have all bridges look, and finish what they found to be due."""
    site.runtime_data.site.async_update_listeners()
    for bridge in site.runtime_data.bridges.values():
        if bridge._task is not None:
            await bridge._task


@asynccontextmanager
async def away(house: RunningHouse) -> AsyncIterator[None]:
    """Have the Modbus device gone for a while; it comes back with its own value."""
    host, port = house.addresses.modbus.split(":")
    await house._modbus.stop()
    yield
    house.house.commands.dhw_setpoint_c.own = OWN_C
    await house._modbus.start(host, int(port))


async def test_changes_are_written(
    hass: HomeAssistant,
    site: ConfigEntry,
    heater_id: str,
    still_house: RunningHouse,
    bacnet_point: str,
    clock: Clock,
) -> None:
    """Those beyond the dead band."""
    await add_bridge(
        hass, site, "output", target_entity=bacnet_point, dead_band=5, **PER_WATT
    )
    await until(lambda: commanded_c(still_house) == 60)
    clock.ahead_s += 6
    await limit(hass, site, heater_id, 2800)
    await settled(site)
    assert commanded_c(still_house) == 60
    await limit(hass, site, heater_id, 2000)
    await until(lambda: commanded_c(still_house) == 40)


async def test_no_more_often_than_wanted(
    hass: HomeAssistant,
    site: ConfigEntry,
    heater_id: str,
    still_house: RunningHouse,
    bacnet_point: str,
    clock: Clock,
) -> None:
    """When the interval is over, the latest value is written; a reload ends none."""
    values = PER_WATT | {"min_interval": 60}
    await add_bridge(hass, site, "output", target_entity=bacnet_point, **values)
    await until(lambda: commanded_c(still_house) == 60)
    clock.ahead_s += 40
    for watts in (2500, 2250):
        await limit(hass, site, heater_id, watts)
        await settled(site)
        assert commanded_c(still_house) == 60
    assert await hass.config_entries.async_reload(site.entry_id)
    await settled(site)
    assert commanded_c(still_house) == 60
    clock.ahead_s += 21
    await until(lambda: commanded_c(still_house) == 45)


async def test_renewed_before_it_lapses(
    hass: HomeAssistant,
    site: ConfigEntry,
    still_house: RunningHouse,
    modbus_id: str,
    modbus_point: str,
    clock: Clock,
) -> None:
    """At half its lifetime; what others wrote in the meantime is overwritten."""
    await add_bridge(hass, site, "output", target_entity=modbus_point, **PER_WATT)
    await until(lambda: register_c(still_house) == 60)
    ledger = site.runtime_data.links[modbus_id].ledger
    first = ledger.commands["setpoint"].until
    still_house.house.commands.dhw_setpoint_c.own = 33
    await read(site, modbus_id)
    clock.ahead_s += 20
    await settled(site)
    assert ledger.commands["setpoint"].until == first
    assert register_c(still_house) == 33
    clock.ahead_s += 15
    await until(lambda: register_c(still_house) == 60)
    assert ledger.commands["setpoint"].until > first


@pytest.mark.parametrize(
    "how", ["remove bridge", "retarget", "disable", "remove", "stop"]
)
async def test_released(
    hass: HomeAssistant,
    site: ConfigEntry,
    still_house: RunningHouse,
    bacnet_point: str,
    how: str,
) -> None:
    """Whatever ends a bridge puts back what was there before it, at other sites too."""
    other = await add_site(hass, "Next door")
    steps = modbus_steps(still_house, [SETPOINT])
    modbus_id = await add_subentry(hass, other, "modbus", *steps)
    modbus_point = entity_id(hass, other, modbus_id, "setpoint", "number")
    bridges = [
        await add_bridge(hass, site, "output", target_entity=point, **PER_WATT)
        for point in (bacnet_point, modbus_point)
    ]
    await until(lambda: (commanded_c(still_house), register_c(still_house)) == (60, 60))
    match how:
        case "remove bridge":
            for each in bridges:
                hass.config_entries.async_remove_subentry(site, each)
                await hass.async_block_till_done()
        case "retarget":
            for number, each in enumerate(bridges):
                bridge = site.subentries[each]
                target = {"target_entity": f"input_number.elsewhere_{number}"}
                hass.config_entries.async_update_subentry(
                    site, bridge, data={**bridge.data, **target}
                )
                await hass.async_block_till_done()
        case "disable":
            await hass.config_entries.async_set_disabled_by(
                site.entry_id, ConfigEntryDisabler.USER
            )
        case "remove":
            await hass.config_entries.async_remove(site.entry_id)
        case "stop":
            await hass.async_stop(force=True)
    assert (commanded_c(still_house), register_c(still_house)) == (None, OWN_C)
    await hass.config_entries.async_unload(other.entry_id)


async def test_released_once_the_controller_answers(
    hass: HomeAssistant,
    site: ConfigEntry,
    still_house: RunningHouse,
    modbus_id: str,
    modbus_point: str,
) -> None:
    """A bridge that is removed while its controller is away leaves nothing in force."""
    bridge_id = await add_bridge(
        hass, site, "output", target_entity=modbus_point, **PER_WATT
    )
    await until(lambda: register_c(still_house) == 60)
    async with away(still_house):
        hass.config_entries.async_remove_subentry(site, bridge_id)
        await hass.async_block_till_done()
        assert await hass.config_entries.async_reload(site.entry_id)
        await hass.async_block_till_done()
    # It was away from us only, and has forgotten nothing.
    still_house.house.commands.dhw_setpoint_c.own = 60.0
    still_house.publish()
    await read(site, modbus_id)
    assert register_c(still_house) == OWN_C
    assert site.runtime_data.links[modbus_id].ledger.commands == {}


@pytest.mark.parametrize("how", ["reload", "crash"])
async def test_goes_on(
    hass: HomeAssistant,
    site: ConfigEntry,
    still_house: RunningHouse,
    bacnet_id: str,
    bacnet_point: str,
    how: str,
) -> None:
    """After a reload, and also after a crash, the controller notices nothing."""
    await add_bridge(hass, site, "output", target_entity=bacnet_point, **PER_WATT)
    await until(lambda: commanded_c(still_house) == 60)
    writes = still_house.counters.bacnet_writes
    assert await hass.config_entries.async_unload(site.entry_id)
    if how == "crash":
        hass.data[DATA_HANDOVER].clear()
    assert await hass.config_entries.async_setup(site.entry_id)
    await hass.async_block_till_done()
    await read(site, bacnet_id)
    await settled(site)
    assert commanded_c(still_house) == 60
    assert still_house.counters.bacnet_writes == writes


async def test_what_is_unknown_is_taken_back(
    hass: HomeAssistant,
    site: ConfigEntry,
    still_house: RunningHouse,
    free_port: int,
    clock: Clock,
) -> None:
    """A heater that does not answer commands nothing, until it answers again."""
    async with still_agent(port=free_port) as agent:
        heater_id = await add_heater(hass, site, agent)
        bacnet_id = await add_subentry(hass, site, "bacnet", *bacnet_steps(still_house))
        point = entity_id(hass, site, bacnet_id, "analog-value,1", "number")
        values = PER_WATT | {"value": "power", "factor": 0.15}
        await add_bridge(hass, site, "output", target_entity=point, **values)
        await until(lambda: commanded_c(still_house) is not None)
        held = commanded_c(still_house)
    clock.ahead_s += 6
    heater = site.runtime_data.heaters[heater_id]
    await heater.async_refresh()
    await until(lambda: commanded_c(still_house) is None)
    async with still_agent(port=free_port):
        clock.ahead_s += 6
        await heater.async_refresh()
        await until(lambda: commanded_c(still_house) == held)


async def test_a_target_that_is_away(
    hass: HomeAssistant,
    site: ConfigEntry,
    heater_id: str,
    still_house: RunningHouse,
    modbus_id: str,
    modbus_point: str,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is told of once, and tried again."""
    await add_bridge(hass, site, "output", target_entity=modbus_point, **PER_WATT)
    await until(lambda: register_c(still_house) == 60)
    async with away(still_house):
        await limit(hass, site, heater_id, 2000)
        for _ in range(2):
            clock.ahead_s += 31
            await settled(site)
    clock.ahead_s += 31
    await until(lambda: register_c(still_house) == 40)
    assert caplog.text.count("was not written") == 1


async def test_a_target_that_comes_back(
    hass: HomeAssistant,
    site: ConfigEntry,
    still_house: RunningHouse,
    modbus_id: str,
    modbus_point: str,
    clock: Clock,
) -> None:
    """It is written to, for it may have forgotten what it was told."""
    await add_bridge(hass, site, "output", target_entity=modbus_point, **PER_WATT)
    await until(lambda: register_c(still_house) == 60)
    async with away(still_house):
        await read(site, modbus_id)
        await settled(site)
    clock.ahead_s += 6
    await read(site, modbus_id)
    await settled(site)
    assert register_c(still_house) == 60


@pytest.mark.parametrize(
    ("value", "target", "shown"),
    [
        ("available_power", "input_number.kilowatts", "3.0"),
        ("power_state", "input_number.number", "1.0"),
        ("power_state", "input_select.mode", "Idle"),
        ("fault", "input_boolean.fault", "off"),
        ("fault", "input_number.number", "0.0"),
    ],
)
async def test_other_entities(
    hass: HomeAssistant,
    site: ConfigEntry,
    heater_id: str,
    value: str,
    target: str,
    shown: str,
) -> None:
    """In the unit of the target; what it showed last stays when the bridge is gone."""
    numbers: dict[str, Any] = {
        "kilowatts": {"min": 0, "max": 10, "step": 0.1, "unit_of_measurement": "kW"},
        "number": {"min": -5, "max": 10, "initial": 7},
    }
    assert await async_setup_component(hass, "input_number", {"input_number": numbers})
    modes = {"mode": {"options": ["Off", "Idle", "Low", "High"]}}
    assert await async_setup_component(hass, "input_select", {"input_select": modes})
    switches = {"fault": {"initial": True}}
    assert await async_setup_component(
        hass, "input_boolean", {"input_boolean": switches}
    )
    names = (
        {"off": "Off", "standby": "Idle", "eco": "Low", "full": "High"}
        if target == "input_select.mode"
        else {}
    )
    bridge_id = await add_bridge(
        hass, site, "output", value=value, target_entity=target, state_values=names
    )

    def shows() -> str | None:
        state = hass.states.get(target)
        return None if state is None else state.state

    await until(lambda: shows() == shown)
    hass.config_entries.async_remove_subentry(site, bridge_id)
    await hass.async_block_till_done()
    assert shows() == shown

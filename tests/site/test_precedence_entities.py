"""Who decides, through Home Assistant's entities and down to the machine.

Safety > compute switch > climate mode, and the owner's power limit over all of it.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from compute_heater_agent.modules import ModuleState
from compute_heater_agent.settings import RackSettings
from compute_heater_agent.simulated import Rack
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant

from .conftest import still_agent
from .dialogue import answer, begin, expect_abort, without_work
from .plant import HEATER_SETTINGS, PASSWORD, USER, add_subentry, entity_id

DEMAND = "sensor.demand"
CELSIUS = {"unit_of_measurement": "°C", "device_class": "temperature"}
TANK: dict[str, Any] = {
    "name": "Tank",
    "temperature_entity": "sensor.tank",
    "demand_entity": DEMAND,
    "volume": 300,
    "target_temperature": 50,
    "hysteresis": 4,
    "limit_temperature": 65,
    "comfort_minimum": 40,
    "max_heat_power": 3,
    "path": {"valve_position": "on", "valve_travel_time": 1, "overrun_time": 5},
}
UNCAPPED = 3000.0
DRAWN_W = 1500.0
"""Measured all the time, so that holding the supply temperature begins there."""

OFF, STANDBY = 0.0, 300.0
COMPUTE = {"compute on": UNCAPPED, "compute off": STANDBY}
LIMITS = {"no limit": UNCAPPED, "1000 W": 1000.0, "300 W": 300.0}
OIL = {
    "cool": (50.0, UNCAPPED),
    # Half-way from the throttle temperature to the trip: half the way to standby.
    "throttled": (62.5, 1650.0),
    "tripped": (66.0, STANDBY),
    "much too hot": (71.0, OFF),
}
WISHES = {
    "climate off": STANDBY,
    "auto, full demand": 3000.0,
    "auto, half the demand": 1500.0,
    "auto, no demand": STANDBY,
    "auto, strategy off": STANDBY,
    "heat": DRAWN_W,
    "select off": OFF,
    "select standby": STANDBY,
    "select eco": 1500.0,
    "select full": 3000.0,
}
PERCENT = {
    "auto, full demand": 100,
    "auto, half the demand": 50,
    "auto, no demand": 0,
    "auto, strategy off": 100,
}


@dataclass
class Keyboard:
    """A person at the entities, and the machine that they are about."""

    hass: HomeAssistant
    site: ConfigEntry
    heater_id: str
    rack: Rack

    def entity_id(self, key: str, domain: str) -> str:
        """Return the id of one of the heater's entities."""
        return entity_id(self.hass, self.site, self.heater_id, key, domain)

    async def call(self, entity: str, service: str, **data: Any) -> None:
        """Call a service of an entity, and wait for its effect."""
        await self.hass.services.async_call(
            entity.partition(".")[0],
            service,
            {"entity_id": entity, **data},
            blocking=True,
        )

    async def mode(self, mode: str) -> None:
        """Choose a climate mode."""
        climate = self.entity_id("heater", "climate")
        await self.call(climate, "set_hvac_mode", hvac_mode=mode)

    async def compute(self, allowed: bool) -> None:
        """Switch compute."""
        switch = self.entity_id("compute", "switch")
        await self.call(switch, "turn_on" if allowed else "turn_off")

    async def limit(self, watts: float) -> None:
        """Set the power limit."""
        await self.call(
            self.entity_id("power_limit", "number"), "set_value", value=watts
        )

    async def strategy(self, option: str) -> None:
        """Choose the strategy of the site."""
        select = entity_id(self.hass, self.site, "", "strategy", "select")
        await self.call(select, "select_option", option=option)

    async def demand(self, percent: float) -> None:
        """Let the building ask for heat."""
        self.hass.states.async_set(DEMAND, str(percent), {"unit_of_measurement": "%"})
        await self.site.runtime_data.heaters[self.heater_id].async_finish()

    async def heat_up(self, oil_c: float) -> None:
        """Bring the oil to a temperature, and let it be read."""
        self.rack.bath.oil_c = oil_c
        await self.poll()

    async def poll(self) -> None:
        """Read the heater now, and have it follow."""
        heater = self.site.runtime_data.heaters[self.heater_id]
        await heater.async_refresh()
        await heater.async_finish()

    async def wish(self, name: str) -> None:
        """Bring about one of WISHES."""
        await self.strategy("off" if name.endswith("strategy off") else "follow_demand")
        await self.demand(PERCENT.get(name, 100))
        if name.startswith("select "):
            select = self.entity_id("power_state", "select")
            await self.call(select, "select_option", option=name.split()[1])
            assert self.state("heater", "climate") == "heat"
        elif name == "heat":
            # From off, so that it begins with the power that is measured.
            await self.mode("off")
            for module in self.rack.modules:
                module.power_w = DRAWN_W / len(self.rack.modules)
            await self.poll()
            await self.mode("heat")
        else:
            await self.mode("off" if name == "climate off" else "auto")
            # By way of standby, which waits for no dwell time.
            await self.demand(0)
            await self.demand(PERCENT.get(name, 100))

    def state(self, key: str, domain: str) -> str:
        """Return the state of one of the heater's entities."""
        state = self.hass.states.get(self.entity_id(key, domain))
        assert state is not None
        return state.state

    @property
    def told_w(self) -> float | None:
        """What the machine is told: a cap, OFF for all its modules off; None: unclear."""
        states = {module.state for module in self.rack.modules}
        if states == {ModuleState.OFF}:
            return OFF
        if states != {ModuleState.ON}:
            return None
        cap = self.rack.power_limit_w
        return UNCAPPED if cap is None else cap


@pytest.fixture
async def keyboard(hass: HomeAssistant, site: ConfigEntry) -> AsyncIterator[Keyboard]:
    """Set a heater and a consumer up, whose temperatures stand still.

    The agent's own protection is out of the way, or it would come first.
    """
    hass.states.async_set("sensor.tank", "45", CELSIUS)
    hass.states.async_set(DEMAND, "100", {"unit_of_measurement": "%"})
    rack = RackSettings(boot_s=0, drain_s=0, trip_c=90, oil_c=50)
    async with still_agent(rack) as agent:
        agent.rack.bath.connect(return_c=38, flow_lpm=8)
        login = {"url": agent.url, "username": USER, "password": PASSWORD}
        heater_id = await add_subentry(hass, site, "heater", login, HEATER_SETTINGS)
        await add_subentry(hass, site, "sink", {"next_step_id": "dhw"}, TANK)
        yield Keyboard(hass, site, heater_id, agent.rack)
        await hass.config_entries.async_unload(site.entry_id)


@pytest.mark.parametrize("oil", OIL)
async def test_table(keyboard: Keyboard, oil: str) -> None:
    """Each cell: the least of what is wished for and of every limit holds."""
    oil_c, by_safety = OIL[oil]
    await keyboard.heat_up(oil_c)
    for name, wished in WISHES.items():
        for switch, by_switch in COMPUTE.items():
            await keyboard.compute(switch == "compute on")
            for limit, by_owner in LIMITS.items():
                await keyboard.limit(by_owner)
                await keyboard.wish(name)
                expected = min(wished, by_switch, by_owner, by_safety)
                cell = f"{oil} / {name} / {switch} / {limit}"
                assert keyboard.told_w == pytest.approx(expected, abs=1), cell
                shown = keyboard.state("power_state", "select")
                assert shown == power_state(expected), cell


def power_state(watts: float) -> str:
    """Return the name of the state that a told power belongs to."""
    if watts in {OFF, STANDBY}:
        return "off" if watts == OFF else "standby"
    return "full" if watts == UNCAPPED else "eco"


async def test_reason(keyboard: Keyboard) -> None:
    """What holds the heater where it is can be read."""
    for wish, compute, limit, oil_c, reason in (
        ("auto, full demand", True, 3000, 50, "building_demand"),
        ("auto, half the demand", True, 3000, 50, "building_demand"),
        ("auto, full demand", True, 1000, 50, "power_limit"),
        ("auto, no demand", True, 3000, 50, "no_demand"),
        ("auto, strategy off", True, 3000, 50, "strategy_off"),
        ("climate off", True, 3000, 50, "climate_off"),
        ("select full", True, 3000, 50, "manual_state"),
        ("heat", True, 3000, 50, "holding_setpoint"),
        ("select full", True, 1000, 50, "power_limit"),
        ("select full", False, 1000, 50, "compute_off"),
        ("select full", False, 1000, 62.5, "compute_off"),
        ("select full", True, 3000, 62.5, "throttled_by_temperature"),
        ("select full", False, 1000, 66, "over_temperature"),
        ("select standby", True, 3000, 66, "manual_state"),
        ("climate off", True, 3000, 71, "over_temperature"),
    ):
        await keyboard.heat_up(oil_c)
        await keyboard.compute(compute)
        await keyboard.limit(limit)
        await keyboard.wish(wish)
        cell = (wish, compute, limit, oil_c)
        assert keyboard.state("reason", "sensor") == reason, cell
        hot = "on" if oil_c > 65 else "off"
        assert keyboard.state("overheating", "binary_sensor") == hot, cell
        throttled = "on" if oil_c == 62.5 else "off"
        assert keyboard.state("throttled", "binary_sensor") == throttled, cell


async def test_trip_stays_until_it_is_cool(keyboard: Keyboard) -> None:
    await keyboard.wish("select full")
    for oil_c, told_w in (
        (59, UNCAPPED),
        (64.9, STANDBY),
        (62.5, 1650),
        (65, STANDBY),
        (64, STANDBY),
        (60, STANDBY),
        (59.5, UNCAPPED),
        (70, OFF),
        (61, OFF),
        (59.5, UNCAPPED),
    ):
        await keyboard.heat_up(oil_c)
        assert keyboard.told_w == pytest.approx(told_w, abs=1), oil_c


async def test_off_that_powers_down(keyboard: Keyboard) -> None:
    """Only where the owner wants it so does "off" shut a machine down."""
    await keyboard.wish("climate off")
    assert keyboard.told_w == STANDBY
    hass, site = keyboard.hass, keyboard.site
    form = await begin(hass, site, "heater", keyboard.heater_id)
    data = site.subentries[keyboard.heater_id].data
    login = {key: data[key] for key in ("url", "username", "password")}
    form = await answer(hass, form, login)
    form = await without_work(hass, form)
    settings = HEATER_SETTINGS | {"off_powers_down": True}
    expect_abort(await answer(hass, form, settings), "reconfigure_successful")
    await keyboard.poll()
    assert keyboard.told_w == OFF
    await keyboard.compute(False)
    assert keyboard.told_w == OFF

    for name, wished in WISHES.items():
        for allowed, by_switch in ((True, UNCAPPED), (False, STANDBY)):
            await keyboard.compute(allowed)
            await keyboard.wish(name)
            expected = OFF if name == "climate off" else min(wished, by_switch)
            assert keyboard.told_w == pytest.approx(expected, abs=1), (name, allowed)
    await keyboard.compute(True)
    climate = keyboard.entity_id("heater", "climate")
    await keyboard.call(climate, "turn_off")
    assert keyboard.told_w == OFF
    await keyboard.demand(100)
    assert keyboard.told_w == OFF
    await keyboard.call(climate, "turn_on")
    assert keyboard.state("heater", "climate") == "auto"
    assert keyboard.told_w == UNCAPPED


async def test_modes_are_shown(keyboard: Keyboard) -> None:
    """Choosing a power state leaves auto visibly; choosing auto returns."""
    climate = keyboard.entity_id("heater", "climate")

    def shown() -> tuple[str, Any, str]:
        state = keyboard.hass.states.get(climate)
        assert state is not None
        select = keyboard.state("power_state", "select")
        return state.state, state.attributes["preset_mode"], select

    await keyboard.demand(0)
    assert shown() == ("auto", "none", "standby")
    await keyboard.wish("select eco")
    assert shown() == ("heat", "eco", "eco")
    await keyboard.call(climate, "set_preset_mode", preset_mode="boost")
    assert shown() == ("heat", "boost", "full")
    assert keyboard.told_w == UNCAPPED
    await keyboard.demand(0)
    await keyboard.mode("auto")
    assert shown() == ("auto", "none", "standby")
    assert keyboard.told_w == STANDBY
    # No preset to take back, so nothing changes.
    await keyboard.call(climate, "set_preset_mode", preset_mode="none")
    assert shown() == ("auto", "none", "standby")
    await keyboard.call(climate, "set_preset_mode", preset_mode="eco")
    await keyboard.call(climate, "set_preset_mode", preset_mode="none")
    assert shown()[:2] == ("heat", "none")
    await keyboard.wish("select off")
    assert shown() == ("heat", "none", "off")
    assert keyboard.told_w == OFF
    await keyboard.mode("off")
    # Off is standby, and it ends the power state that was chosen.
    assert shown() == ("off", "none", "standby")
    assert keyboard.told_w == STANDBY


async def test_heat_holds_the_target(
    keyboard: Keyboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too cold a supply raises the power, too hot a one lowers it; auto only lowers."""
    climate = keyboard.entity_id("heater", "climate")
    ahead_s, real = 0.0, keyboard.hass.loop.time
    monkeypatch.setattr(keyboard.hass.loop, "time", lambda: real() + ahead_s)

    async def target(supply_c: float) -> None:
        nonlocal ahead_s
        await keyboard.call(climate, "set_temperature", temperature=supply_c)
        for _ in range(10):
            ahead_s += 60
            keyboard.hass.states.async_set("sensor.tank", "45", CELSIUS)
            await keyboard.demand(100)
            await keyboard.poll()

    await keyboard.wish("heat")
    assert keyboard.told_w == DRAWN_W
    await target(60)
    assert keyboard.told_w == UNCAPPED
    await target(30)
    assert keyboard.told_w == STANDBY
    await keyboard.wish("auto, full demand")
    await target(30)
    assert keyboard.told_w == STANDBY
    assert keyboard.state("reason", "sensor") == "supply_limit"
    await target(60)
    assert keyboard.told_w == UNCAPPED
    await keyboard.demand(50)
    assert keyboard.told_w == pytest.approx(1500)


async def test_ripple_is_no_command(
    keyboard: Keyboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Power settles between two changes; start, stop and late jumps are not delayed."""
    ahead_s, real = 0.0, keyboard.hass.loop.time
    monkeypatch.setattr(keyboard.hass.loop, "time", lambda: real() + ahead_s)
    await keyboard.wish("auto, no demand")
    driver = keyboard.site.runtime_data.heaters[keyboard.heater_id].driver
    await keyboard.demand(40)
    assert keyboard.told_w == pytest.approx(1200)
    before = driver.writes
    for percent in (43, 37, 43, 37, 60):
        await keyboard.demand(percent)
    assert keyboard.told_w == pytest.approx(1200)
    assert driver.writes == before
    assert keyboard.state("reason", "sensor") == "level_dwell"
    ahead_s = 31
    await keyboard.demand(80)
    assert keyboard.told_w == pytest.approx(2400)
    await keyboard.demand(0)
    assert keyboard.told_w == STANDBY
    await keyboard.demand(50)
    assert keyboard.told_w == pytest.approx(1500)


async def test_lost_flow(keyboard: Keyboard, monkeypatch: pytest.MonkeyPatch) -> None:
    """A heater that works without water of its own goes to standby, and stays there."""
    ahead_s, real = 0.0, keyboard.hass.loop.time
    monkeypatch.setattr(keyboard.hass.loop, "time", lambda: real() + ahead_s)
    await keyboard.wish("heat")
    await keyboard.wish("select full")
    keyboard.rack.bath.connect(return_c=38, flow_lpm=0)
    await keyboard.poll()
    assert keyboard.told_w == UNCAPPED
    ahead_s = 21
    await keyboard.poll()
    assert keyboard.told_w == STANDBY
    assert keyboard.state("reason", "sensor") == "flow_lost"
    for module in keyboard.rack.modules:
        module.power_w = STANDBY / len(keyboard.rack.modules)
    ahead_s = 120
    await keyboard.poll()
    assert keyboard.told_w == STANDBY
    keyboard.rack.bath.connect(return_c=38, flow_lpm=8)
    await keyboard.poll()
    assert keyboard.told_w == UNCAPPED

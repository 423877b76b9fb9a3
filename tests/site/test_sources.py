"""Readings from any entity: their units, their age, and when they are not believed."""

from collections.abc import Callable
from datetime import timedelta
import time
from typing import Any

import pytest

from custom_components.compute_heater.sources import (
    HOLD_S,
    LONGEST_MAX_AGE_S,
    MIN_MAX_AGE_S,
    Source,
    demand_fraction,
    flow,
    switched,
    temperature,
)
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, State
from homeassistant.util import dt as dt_util

from .plant import add_subentry, entity_id

TANK = "sensor.tank"
CELSIUS = {"unit_of_measurement": "°C", "device_class": "temperature"}


class Clock:
    """Lets the loop's time jump, which reports are judged by."""

    def __init__(self, real: Callable[[], float]) -> None:
        self._real = real
        self.ahead_s = 0.0

    def __call__(self) -> float:
        return self._real() + self.ahead_s


@pytest.fixture
def clock(hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Take the loop's time over."""
    clock = Clock(hass.loop.time)
    monkeypatch.setattr(hass.loop, "time", clock)
    return clock


def report(hass: HomeAssistant, source: Source, value: str, **more: Any) -> None:
    """Report a value as the site passes it on."""
    hass.states.async_set(source.entity_id, value, CELSIUS | more)
    source.take(hass.states.get(source.entity_id))


@pytest.mark.parametrize(
    ("parse", "value", "unit", "expected"),
    [
        (temperature, "48.5", "°C", 48.5),
        (temperature, "122", "°F", 50),
        (temperature, "300", "K", 26.85),
        (temperature, "48.5", None, 48.5),
        (temperature, "48.5", "%", None),
        (temperature, "48.5", "degrees", None),
        (temperature, "warm", "°C", None),
        (temperature, "nan", "°C", None),
        (temperature, "inf", "°C", None),
        (temperature, "-1e300", "°C", None),
        (flow, "8", "L/min", 8),
        (flow, "0.6", "m³/h", 10),
        (flow, "8", None, 8),
        (flow, "8", "L", None),
        (demand_fraction(3000), "40", "%", 0.4),
        (demand_fraction(3000), "40", None, 0.4),
        (demand_fraction(3000), "1.5", "kW", 0.5),
        (demand_fraction(3000), "750", "W", 0.25),
        (demand_fraction(3000), "9", "kW", 1),
        (demand_fraction(3000), "-20", "%", 0),
        (demand_fraction(3000), "140", "%", 1),
        (demand_fraction(3000), "20", "°C", None),
        (demand_fraction(3000), "much", "%", None),
    ],
)
def test_units(
    parse: Callable[[State], float | None],
    value: str,
    unit: str | None,
    expected: float | None,
) -> None:
    attributes = {} if unit is None else {"unit_of_measurement": unit}
    found = parse(State(TANK, value, attributes))
    assert found == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("on", True),
        ("open", True),
        ("off", False),
        ("closed", False),
        ("opening", None),
        ("unavailable", None),
    ],
)
def test_positions(state: str, expected: bool | None) -> None:
    assert switched(State("valve.three_way", state)) is expected


async def test_nothing_reported_yet(hass: HomeAssistant) -> None:
    source = Source(hass, TANK, temperature)
    source.begin()
    assert (source.value, source.number, source.age_s) == (None, None, None)
    for state in (None, State(TANK, "unknown"), State(TANK, "unavailable")):
        source.take(state)
    source.take(State(TANK, "warm", CELSIUS))
    assert source.value is None
    report(hass, source, "48")
    assert source.number == 48


async def test_goes_stale(hass: HomeAssistant, clock: Clock) -> None:
    """Until its interval is known a source may be silent for a quarter of an hour."""
    source = Source(hass, TANK, temperature)
    report(hass, source, "48")
    clock.ahead_s = MIN_MAX_AGE_S - 1
    assert source.value == 48
    clock.ahead_s = MIN_MAX_AGE_S + 1
    assert source.value is None
    report(hass, source, "48")
    assert source.value == 48


@pytest.mark.parametrize(
    ("interval", "limit"),
    [(1, MIN_MAX_AGE_S), (60, MIN_MAX_AGE_S), (600, 3000), (7200, 14400)],
)
async def test_learns_how_often_it_reports(
    hass: HomeAssistant, clock: Clock, interval: float, limit: float
) -> None:
    """A probe that reports each second is stale sooner than one by the hour."""
    source = Source(hass, TANK, temperature)
    assert source.max_age_s == MIN_MAX_AGE_S
    for _ in range(3):
        report(hass, source, "48")
        clock.ahead_s += interval
    assert source.max_age_s == pytest.approx(limit, rel=0.01)
    clock.ahead_s += limit - interval - 2
    assert source.value == 48
    clock.ahead_s += 4 + 0.01 * limit
    assert source.value is None


async def test_reports_at_once_are_no_interval(
    hass: HomeAssistant, clock: Clock
) -> None:
    """State and attributes of one reading come as two reports."""
    source = Source(hass, TANK, temperature)
    for _ in range(20):
        report(hass, source, "48")
        report(hass, source, "48")
        clock.ahead_s += 600
    assert source.max_age_s == pytest.approx(3000, rel=0.01)


async def test_quick_changes_do_not_make_a_slow_source_stale(
    hass: HomeAssistant, clock: Clock
) -> None:
    """A sensor that reports on change is quick in a draw-off, and silent after it."""
    source = Source(hass, TANK, temperature)
    for _ in range(20):
        report(hass, source, "48")
        clock.ahead_s += 5
    clock.ahead_s += 600
    assert source.value == 48


@pytest.mark.parametrize("gone", ["unavailable", "unknown", None])
async def test_holds_a_short_absence(
    hass: HomeAssistant, clock: Clock, gone: str | None
) -> None:
    """Integrations reload and radios lose packets: the last reading holds a minute.

    It does so from the moment of going, however rarely the source reports.
    """
    source = Source(hass, TANK, temperature)
    report(hass, source, "48")
    clock.ahead_s += 300
    for _ in range(2):
        if gone is None:
            hass.states.async_remove(TANK)
            source.take(None)
        else:
            report(hass, source, gone)
        assert source.value == 48
        clock.ahead_s += HOLD_S / 2 - 1
    assert source.value == 48
    clock.ahead_s += 4
    assert source.value is None
    report(hass, source, "47")
    assert source.value == 47
    # But never longer than it would have been believed had it stayed.
    clock.ahead_s += source.max_age_s - 10
    report(hass, source, "unavailable")
    assert source.value == 47
    clock.ahead_s += 12
    assert source.value is None


async def test_set_by_people(hass: HomeAssistant, clock: Clock) -> None:
    """The age of a helper says nothing."""
    source = Source(hass, "input_number.demand", demand_fraction(3000))
    hass.states.async_set("input_number.demand", "40", {"unit_of_measurement": "%"})
    source.begin()
    clock.ahead_s = 30 * 24 * 3600
    assert source.value == 0.4


async def test_begins_with_the_age_that_is_there(
    hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was reported before we began is as old as it is."""
    hass.states.async_set(TANK, "48", CELSIUS)
    source = Source(hass, TANK, temperature)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 100)
    source.begin()
    assert source.age_s == pytest.approx(100, abs=5)
    assert source.value == 48
    monkeypatch.setattr(time, "time", lambda: now + MIN_MAX_AGE_S + 10)
    source.begin()
    assert source.value is None
    # A wall clock that was set back makes nothing younger than new.
    monkeypatch.setattr(time, "time", lambda: now - 3600)
    source.begin()
    assert source.age_s == pytest.approx(0, abs=5)


async def test_site_follows_its_sources(
    hass: HomeAssistant, site: ConfigEntry, clock: Clock
) -> None:
    """An unchanged temperature that is reported is fresh; one that is not is not."""
    hass.states.async_set(TANK, "113", CELSIUS | {"unit_of_measurement": "°F"})
    tank_id = await add_subentry(
        hass,
        site,
        "sink",
        {"next_step_id": "dhw"},
        {
            "name": "Tank",
            "temperature_entity": TANK,
            "volume": 100,
            "target_temperature": 50,
            "hysteresis": 4,
            "limit_temperature": 65,
            "comfort_minimum": 40,
            "max_heat_power": 3,
            "path": {
                "valve_position": "on",
                "valve_travel_time": 1,
                "overrun_time": 5,
            },
        },
    )
    tank = entity_id(hass, site, tank_id, "tank", "water_heater")
    demand = entity_id(hass, site, tank_id, "heat_demand", "sensor")

    async def shown() -> tuple[str, str]:
        site.runtime_data.site.tick()
        await hass.async_block_till_done()
        states = hass.states.get(tank), hass.states.get(demand)
        assert states[0] is not None
        assert states[1] is not None
        return states[0].state, states[1].state

    state = hass.states.get(tank)
    assert state is not None
    assert state.attributes["current_temperature"] == 45
    assert await shown() == ("auto", "3.0")
    for _ in range(3):
        clock.ahead_s += MIN_MAX_AGE_S - 60
        hass.states.async_set(TANK, "113", CELSIUS | {"unit_of_measurement": "°F"})
        await hass.async_block_till_done()
        assert await shown() == ("auto", "3.0")
    clock.ahead_s += LONGEST_MAX_AGE_S + 60
    assert await shown() == ("unavailable", "unknown")
    hass.states.async_set(TANK, "113", CELSIUS | {"unit_of_measurement": "°F"})
    await hass.async_block_till_done()
    assert await shown() == ("auto", "3.0")
    hass.states.async_set(TANK, "45", {"unit_of_measurement": "bar"})
    clock.ahead_s += LONGEST_MAX_AGE_S + 60
    assert await shown() == ("unavailable", "unknown")
    past = dt_util.utcnow() - timedelta(hours=5)
    hass.states.async_set(TANK, "45", CELSIUS, timestamp=past.timestamp())
    assert await hass.config_entries.async_reload(site.entry_id)
    assert await shown() == ("unavailable", "unknown")

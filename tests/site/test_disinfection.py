"""Thermal disinfection in Home Assistant: what it shows, tells and remembers."""

from datetime import datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.compute_heater.const import DOMAIN, SAVE_INTERVAL
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er, issue_registry as ir
from homeassistant.util import dt as dt_util

from .dialogue import answer, begin, expect_abort
from .plant import add_subentry, entity_id

CELSIUS = {"unit_of_measurement": "°C", "device_class": "temperature"}
SCHEDULE = {
    "enabled": True,
    "every_days": 7,
    "window_start": "01:00:00",
    "window_end": "05:00:00",
    "temperature": 60,
    "hold_time": 10,
}
TANK: dict[str, Any] = {
    "name": "Hot water",
    "temperature_entity": "sensor.tank",
    "volume": 300,
    "target_temperature": 50,
    "hysteresis": 4,
    "limit_temperature": 65,
    "comfort_minimum": 42,
    "max_heat_power": 3,
    "disinfection": SCHEDULE,
    "path": {"valve_position": "on", "valve_travel_time": 1, "overrun_time": 5},
}


class Night:
    """A site with a tank; time passes as the test says."""

    def __init__(
        self,
        hass: HomeAssistant,
        site: ConfigEntry,
        freezer: FrozenDateTimeFactory,
    ) -> None:
        self.hass = hass
        self.site = site
        self.sink_id = ""
        self._freezer = freezer

    async def begin(self, at: str, **more: Any) -> None:
        """Add the tank at a local time."""
        await self.hass.config.async_set_time_zone("Europe/Berlin")
        local = datetime.fromisoformat(at)
        self._freezer.move_to(local.replace(tzinfo=dt_util.get_default_time_zone()))
        self.show(50)
        self.sink_id = await add_subentry(
            self.hass, self.site, "sink", {"next_step_id": "dhw"}, TANK | more
        )

    def show(self, temperature_c: float | str) -> None:
        """Let the tank's sensor report."""
        value = str(temperature_c)
        # A report of the same value is a report.
        self.hass.states.async_set("sensor.tank", value, CELSIUS, force_update=True)

    async def pass_time(self, minutes: int, temperature_c: float | str) -> None:
        """Let minutes pass, with a report in each."""
        for _ in range(minutes):
            self._freezer.tick(60)
            self.show(temperature_c)
            await self.hass.async_block_till_done()

    async def pass_hours(self, hours: float) -> None:
        """Let hours pass in which the tank reports now and then."""
        for _ in range(round(hours * 4)):
            self._freezer.tick(900)
            self.show(50)
            await self.hass.async_block_till_done()

    def state(self, key: str, domain: str) -> str:
        """Return the state of one of the tank's entities."""
        state = self.hass.states.get(
            entity_id(self.hass, self.site, self.sink_id, key, domain)
        )
        assert state is not None
        return state.state

    @property
    def running(self) -> str:
        """What the binary sensor says."""
        return self.state("disinfection", "binary_sensor")

    @property
    def last(self) -> str:
        """What the sensor says."""
        return self.state("last_disinfection", "sensor")

    async def told(self) -> str | None:
        """Return the words of the repair issue."""
        self._freezer.tick(SAVE_INTERVAL)
        async_fire_time_changed(self.hass, dt_util.utcnow())
        await self.hass.async_block_till_done()
        issue_id = f"disinfection_overdue_{self.sink_id}"
        found = ir.async_get(self.hass).async_get_issue(DOMAIN, issue_id)
        return None if found is None else found.translation_key


@pytest.fixture
def tank(
    hass: HomeAssistant, site: ConfigEntry, freezer: FrozenDateTimeFactory
) -> Night:
    """Return a site whose tank is yet to come."""
    return Night(hass, site, freezer)


async def test_a_night(tank: Night) -> None:
    """It runs in its hours, is done when the sensor has shown it, and remembers."""
    await tank.begin("2026-01-06T00:50")
    assert (tank.running, tank.last) == ("off", "unknown")
    assert tank.state("heat_demand", "sensor") == "0.0"
    await tank.pass_time(11, 50)
    assert tank.running == "on"
    await tank.pass_time(10, 61)
    assert tank.last == "unknown"
    await tank.pass_time(2, 61)
    assert tank.running == "off"
    done = datetime.fromisoformat(tank.last)
    assert dt_util.utcnow() - done < timedelta(minutes=3)
    assert await tank.told() is None

    # Over a reload, and over a restart from what was stored.
    assert await tank.hass.config_entries.async_reload(tank.site.entry_id)
    assert tank.last == done.isoformat(timespec="seconds")
    await tank.pass_hours(6 * 24)
    assert tank.running == "off"
    await tank.pass_hours(24)
    assert tank.running == "on"


async def test_no_heater_and_no_backup_is_impossible(tank: Night) -> None:
    """It is told at once, is overdue in the morning, and goes when it was seen."""
    await tank.begin("2026-01-06T00:00")
    await tank.pass_time(1, 50)
    assert await tank.told() == "disinfection_impossible"
    await tank.pass_hours(5.5)
    assert await tank.told() == "disinfection_impossible"
    assert tank.last == "unknown"
    await tank.pass_time(12, 60)
    assert tank.last != "unknown"
    assert await tank.told() is None


async def test_a_silent_sensor_proves_nothing(tank: Night) -> None:
    await tank.begin("2026-01-06T01:00")
    await tank.pass_time(8, 61)
    await tank.pass_time(5, "unavailable")
    await tank.pass_time(8, 61)
    assert (tank.running, tank.last) == ("on", "unknown")


async def test_switched_off(tank: Night) -> None:
    """Without a schedule there is nothing of it; what was told goes with it."""
    await tank.begin("2026-01-06T01:00")
    await tank.pass_time(1, 50)
    assert await tank.told() is not None
    form = await begin(tank.hass, tank.site, "sink", tank.sink_id)
    changed = {k: v for k, v in TANK.items() if k != "target_temperature"}
    changed["disinfection"] = SCHEDULE | {"enabled": False}
    result = await answer(tank.hass, form, changed)
    expect_abort(result, "reconfigure_successful")
    assert await tank.told() is None
    assert {"disinfection", "last_disinfection"}.isdisjoint(
        each.translation_key
        for each in er.async_entries_for_config_entry(
            er.async_get(tank.hass), tank.site.entry_id
        )
    )

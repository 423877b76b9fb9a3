"""A heater of plain helpers: every power state, up and down, and every fault."""

import pytest

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant

from .helpers import LIMIT, SETTINGS, SWITCH, compose, composed_form, set_up_helpers


async def test_switch_and_limit(hass: HomeAssistant, site: ConfigEntry) -> None:
    """A miner that works from its lowest limit on, and else is off."""
    await set_up_helpers(hass)
    form = composed_form(power_switch=SWITCH, power_limit=LIMIT)
    house = await compose(hass, site, form, SETTINGS)
    assert house.of(SWITCH) == "off"
    assert house.coordinator.driver.writes == 0
    assert house.state("power_state", "select") == "off"

    for chosen, switch, limit, writes in (
        ("full", "on", 3000, 2),
        ("eco", "on", 1500, 1),
        ("standby", "off", 1000, 2),
        ("eco", "on", 1500, 2),
        ("off", "off", 1000, 2),
        ("off", "off", 1000, 0),
        ("full", "on", 3000, 2),
        ("full", "on", 3000, 0),
    ):
        before = house.coordinator.driver.writes
        await house.choose(chosen)
        assert house.of(SWITCH) == switch, chosen
        assert float(house.of(LIMIT)) == limit, chosen
        assert house.coordinator.driver.writes - before == writes, chosen
        await house.poll()
        assert house.coordinator.driver.writes - before == writes, chosen
        assert house.state("problem", "binary_sensor") == "off"

    await house.draw(2900)
    await house.poll()
    assert float(house.state("power", "sensor")) == pytest.approx(2900)
    assert house.state("power_state", "sensor") == "full"
    assert house.state("heater", "climate") == "heat"

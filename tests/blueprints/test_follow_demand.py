"""Follow the building's heat demand: levels, hysteresis, time at a level, loss."""

import pytest
from pytest_homeassistant_custom_component.common import async_mock_service

from homeassistant.core import HomeAssistant

from .conftest import Automate, Wait, complaints

SELECT, DEMAND = "select.heater_power_state", "sensor.heat_demand"


class Heater:
    """A power state that takes what it is told; the calls stop at this edge."""

    def __init__(self, hass: HomeAssistant) -> None:
        self._hass = hass
        self.calls = async_mock_service(hass, "select", "select_option")
        self.set("standby")

    def set(self, option: str) -> None:
        self._hass.states.async_set(SELECT, option)

    @property
    def option(self) -> str:
        """What it is after all calls so far."""
        for call in self.calls:
            assert call.data["entity_id"] == [SELECT]
            self.set(call.data["option"])
        self.calls.clear()
        state = self._hass.states.get(SELECT)
        assert state is not None
        return state.state


async def start(hass: HomeAssistant, automate: Automate, **inputs: float) -> Heater:
    """Start the automation on a heater at standby and no demand."""
    hass.states.async_set(DEMAND, "0")
    heater = Heater(hass)
    await automate(
        "follow_building_heat_demand.yaml",
        demand=DEMAND,
        power_state=SELECT,
        **inputs,
    )
    return heater


@pytest.fixture
async def heater(hass: HomeAssistant, automate: Automate) -> Heater:
    """Return a heater whose levels may change at once."""
    return await start(hass, automate, dwell=0)


async def demand(hass: HomeAssistant, value: float | str) -> None:
    hass.states.async_set(DEMAND, str(value))
    await hass.async_block_till_done()


async def test_levels_and_hysteresis(hass: HomeAssistant, heater: Heater) -> None:
    """Down at 5 and 60 %, up 3 % above them."""
    for value, expected in (
        (4.9, "standby"),
        (7.9, "standby"),
        (8, "eco"),
        (5, "eco"),
        (62.9, "eco"),
        (63, "full"),
        (60, "full"),
        (59.9, "eco"),
        (62, "eco"),
        (4.9, "standby"),
        (100, "full"),
        (0, "standby"),
    ):
        await demand(hass, value)
        assert heater.option == expected, value


async def test_full_demand_reaches_full(
    hass: HomeAssistant, automate: Automate
) -> None:
    heater = await start(hass, automate, dwell=0, full_from=100)
    await demand(hass, 99)
    assert heater.option == "eco"
    await demand(hass, 100)
    assert heater.option == "full"


async def test_minimum_time_at_a_level(
    hass: HomeAssistant, automate: Automate, wait: Wait
) -> None:
    """A restless demand moves the heater once; the last value is what it gets."""
    heater = await start(hass, automate, dwell=5)
    await wait(6)
    await demand(hass, 80)
    assert heater.option == "full"
    for value in (0, 80, 30, 0):
        await demand(hass, value)
        await wait(1)
        assert heater.option == "full"
    await wait(2)
    assert heater.option == "standby"


async def test_same_level_is_not_asked_for_again(
    hass: HomeAssistant, heater: Heater, wait: Wait
) -> None:
    await demand(hass, 80)
    assert heater.option == "full"
    await demand(hass, 81)
    await wait(10)
    assert not heater.calls


async def test_lost_demand(hass: HomeAssistant, heater: Heater, wait: Wait) -> None:
    """The heater holds for ten minutes, then goes to standby."""
    await demand(hass, 80)
    assert heater.option == "full"
    await demand(hass, "unavailable")
    await wait(9)
    assert heater.option == "full"
    await wait(2)
    assert heater.option == "standby"
    await demand(hass, 80)
    assert heater.option == "full"


@pytest.mark.parametrize("state", ["off", "unavailable", "unknown"])
async def test_a_heater_that_is_off_or_lost_is_left_alone(
    hass: HomeAssistant, heater: Heater, wait: Wait, state: str
) -> None:
    heater.set(state)
    await demand(hass, 80)
    await wait(3)
    assert not heater.calls


async def test_a_heater_that_comes_back(
    hass: HomeAssistant, heater: Heater, wait: Wait
) -> None:
    """What the building wanted meanwhile is made good."""
    heater.set("unavailable")
    await demand(hass, 80)
    await wait(3)
    heater.set("standby")
    await wait(1)
    assert heater.option == "full"


async def test_missing_entities_log_no_error(
    hass: HomeAssistant,
    heater: Heater,
    wait: Wait,
    caplog: pytest.LogCaptureFixture,
) -> None:
    hass.states.async_remove(DEMAND)
    hass.states.async_remove(SELECT)
    await wait(12)
    assert not heater.calls
    assert not complaints(caplog)

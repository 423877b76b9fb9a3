"""Hot-water boost from PV surplus: when the target moves, and when it does not."""

import pytest
from pytest_homeassistant_custom_component.common import async_mock_service

from homeassistant.core import CoreState, HomeAssistant, ServiceCall

from .conftest import AUTOMATION, Automate, Wait, complaints

TANK, SURPLUS = "water_heater.hot_water", "sensor.surplus"
NORMAL, BOOST = 50.0, 58.0


class Tank:
    """A water heater that takes what it is told; the calls stop at this edge."""

    def __init__(self, hass: HomeAssistant) -> None:
        self._hass = hass
        self.calls = async_mock_service(hass, "water_heater", "set_temperature")
        self.max_temp = 60.0
        self.set(NORMAL)

    def set(self, target: float) -> None:
        self._hass.states.async_set(
            TANK, "auto", {"temperature": target, "max_temp": self.max_temp}
        )

    def lose(self) -> None:
        self._hass.states.async_set(TANK, "unavailable", {})

    def obey(self) -> float:
        """Carry out the one call there was; return the new target."""
        (call,) = self.calls
        self.calls.clear()
        return self._take(call)

    def _take(self, call: ServiceCall) -> float:
        assert call.data["entity_id"] == [TANK]
        target = float(call.data["temperature"])
        self.set(target)
        return target


@pytest.fixture
async def tank(hass: HomeAssistant, automate: Automate) -> Tank:
    """Return a tank, with no surplus and the automation running."""
    hass.states.async_set(SURPLUS, "0")
    tank = Tank(hass)
    await automate(
        "dhw_boost_pv_surplus.yaml",
        tank=TANK,
        surplus_sensor=SURPLUS,
        surplus_start=1500,
        surplus_end=-200,
        patience=5,
        boost_temperature=BOOST,
        normal_temperature=NORMAL,
    )
    return tank


async def surplus(hass: HomeAssistant, value: float | str) -> None:
    hass.states.async_set(SURPLUS, str(value))
    await hass.async_block_till_done()


async def test_boost_begins_and_ends(
    hass: HomeAssistant, tank: Tank, wait: Wait
) -> None:
    await surplus(hass, 2000)
    await wait(4)
    assert not tank.calls
    await wait(2)
    assert tank.obey() == BOOST
    # The heater uses the surplus up: that alone ends nothing.
    await surplus(hass, 100)
    await wait(30)
    assert not tank.calls
    await surplus(hass, -500)
    await wait(4)
    assert not tank.calls
    await wait(2)
    assert tank.obey() == NORMAL


async def test_a_gap_in_the_clouds_changes_nothing(
    hass: HomeAssistant, tank: Tank, wait: Wait
) -> None:
    for _ in range(4):
        await surplus(hass, 2000)
        await wait(3)
        await surplus(hass, 0)
        await wait(3)
    assert not tank.calls


async def test_a_higher_target_is_left_alone(
    hass: HomeAssistant, tank: Tank, wait: Wait
) -> None:
    tank.set(59)
    await surplus(hass, 2000)
    await wait(6)
    assert not tank.calls


async def test_a_target_changed_by_hand_is_left_alone(
    hass: HomeAssistant, tank: Tank, wait: Wait
) -> None:
    await surplus(hass, 2000)
    await wait(6)
    assert tank.obey() == BOOST
    tank.set(54)
    await surplus(hass, -500)
    await wait(6)
    assert not tank.calls


async def test_no_more_than_the_tank_allows(
    hass: HomeAssistant, tank: Tank, wait: Wait
) -> None:
    tank.max_temp = 54.0
    tank.set(NORMAL)
    await surplus(hass, 2000)
    await wait(6)
    assert tank.obey() == 54.0
    await surplus(hass, -500)
    await wait(6)
    assert tank.obey() == NORMAL


async def test_a_lost_sensor_ends_the_boost(
    hass: HomeAssistant, tank: Tank, wait: Wait
) -> None:
    await surplus(hass, 2000)
    await wait(6)
    assert tank.obey() == BOOST
    await surplus(hass, "unavailable")
    await wait(4)
    assert not tank.calls
    await wait(2)
    assert tank.obey() == NORMAL


@pytest.mark.parametrize("nonsense", ["unknown", "unavailable", "sunny", ""])
async def test_nonsense_begins_nothing(
    hass: HomeAssistant, tank: Tank, wait: Wait, nonsense: str
) -> None:
    await surplus(hass, nonsense)
    await wait(6)
    assert not tank.calls


async def test_nothing_is_asked_of_a_lost_tank(
    hass: HomeAssistant, tank: Tank, wait: Wait, caplog: pytest.LogCaptureFixture
) -> None:
    """It is asked when it is back, if there still is surplus."""
    tank.lose()
    await surplus(hass, 2000)
    await wait(6)
    assert not tank.calls
    assert not complaints(caplog)
    tank.set(NORMAL)
    await hass.async_block_till_done()
    assert tank.obey() == BOOST


async def test_the_surplus_that_went_during_a_restart(
    hass: HomeAssistant, tank: Tank, wait: Wait
) -> None:
    """The tank remembers the boost, but the numeric trigger never sees the edge."""
    tank.set(BOOST)
    hass.states.async_set(SURPLUS, "-800")
    await hass.services.async_call(
        "automation", "turn_off", {"entity_id": AUTOMATION}, blocking=True
    )
    await hass.services.async_call(
        "automation", "turn_on", {"entity_id": AUTOMATION}, blocking=True
    )
    await wait(6)
    assert not tank.calls
    hass.bus.async_fire("automation_reloaded")
    await hass.async_block_till_done()
    assert tank.obey() == NORMAL


async def test_start_of_home_assistant(hass: HomeAssistant, automate: Automate) -> None:
    """Home Assistant starts in full sun."""
    hass.set_state(CoreState.not_running)
    tank = Tank(hass)
    hass.states.async_set(SURPLUS, "3000")
    await automate(
        "dhw_boost_pv_surplus.yaml",
        tank=TANK,
        surplus_sensor=SURPLUS,
        boost_temperature=BOOST,
    )
    await hass.async_start()
    await hass.async_block_till_done()
    assert tank.obey() == BOOST

"""All of control together on a toy plant: warm, never too hot, nothing lost."""

from dataclasses import replace

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.compute_heater.control.reasons import Reason
from custom_components.compute_heater.heaters.model import PowerState

from .plant import HEATER, SINKS, Plant


def state(plant: Plant) -> PowerState:
    """Return what the heater is told."""
    assert plant.decision is not None
    return plant.decision.state


def test_cold_tank_gets_warm_and_the_heater_comes_down() -> None:
    plant = Plant(room_c=22, outdoor_c=22)
    states = set()
    for _ in range(90):
        plant.run(60)
        states.add(state(plant))
    assert plant.tank_c > 49
    assert plant.delivered_j["tank"] > 1e6
    assert states >= {PowerState.FULL, PowerState.STANDBY}
    assert state(plant) is PowerState.STANDBY


def test_draw_off_raises_the_power_again() -> None:
    plant = Plant(tank_c=50, room_c=22)
    plant.run(600)
    assert state(plant) is PowerState.STANDBY
    plant.draw_w = 8000
    plant.run(240)
    plant.draw_w = 0
    assert state(plant) is PowerState.FULL


def test_room_and_tank_are_held_over_two_days() -> None:
    plant = Plant()
    room, tank = [], []
    for quarter in range(192):
        plant.draw_w = 5000 if quarter % 32 == 0 else 0
        plant.run(300)
        plant.draw_w = 0
        plant.run(600)
        if quarter > 48:
            room.append(plant.room_c)
            tank.append(plant.tank_c)
    assert 20 <= min(room) <= max(room) < 21.6
    assert min(tank) > 40
    assert max(tank) < 54


@pytest.mark.parametrize("mode", ["auto", "heat"])
def test_energy_is_neither_made_nor_lost(mode: str) -> None:
    plant = Plant()
    if mode == "heat":
        plant.wish = {"mode": "heat", "manual_state": PowerState.FULL}
    before = plant.stored_j
    plant.run(20_000)
    gained = plant.stored_j - before
    assert plant.electricity_j - plant.lost_j == pytest.approx(gained, rel=1e-6)


def test_manual_full_power_stops_at_the_tanks_limit() -> None:
    plant = Plant(room_c=22)
    plant.wish = {"mode": "heat", "manual_state": PowerState.FULL}
    plant.sinks.pop("floor")
    hottest = 0.0
    for _ in range(600):
        plant.run(30)
        hottest = max(hottest, plant.tank_c)
        if plant.tank_c >= SINKS["tank"].limit_c:
            break
    plant.run(60)
    assert hottest < SINKS["tank"].limit_c + 0.5
    assert plant.valve is False, "goes on to the floor"


def test_lost_flow_ends_in_standby_and_below_the_trip() -> None:
    plant = Plant()
    plant.run(900)
    assert state(plant) is PowerState.FULL
    plant.flow_blocked = True
    plant.run(15)
    assert state(plant) is PowerState.STANDBY
    assert Reason.FLOW_LOST in plant.verdict.reasons
    plant.run(3600)
    assert state(plant) is PowerState.STANDBY
    assert plant.bath_c < 65


def test_residual_heat_keeps_a_standby_heater_from_its_trip() -> None:
    plant = Plant(bath_c=49, tank_c=50, room_c=22, slab_c=23)
    plant.wish = {"mode": "off"}
    hottest = 0.0
    for _ in range(720):
        plant.run(60)
        hottest = max(hottest, plant.bath_c)
    assert hottest < 58
    assert plant.tank_c < SINKS["tank"].limit_c


def test_ladder_only_heater_keeps_comfort_too() -> None:
    plant = Plant(heater=replace(HEATER, can_cap=False))
    plant.run(12 * 3600)
    assert plant.room_c == pytest.approx(20.8, abs=0.7)
    assert plant.tank_c > 45


@given(
    history=st.lists(
        st.tuples(
            st.sampled_from([0.0, 0.0, 3000.0, 12000.0]),
            st.booleans(),
            st.sampled_from([True, True, True, False]),
            st.sampled_from(["auto", "auto", "heat", "off"]),
            st.floats(20, 70),
        ),
        min_size=1,
        max_size=12,
    ),
    start=st.floats(20, 59),
    can_cap=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_no_history_makes_tank_or_coolant_too_hot(
    history: list[tuple[float, bool, bool, str, float]], start: float, can_cap: bool
) -> None:
    plant = Plant(tank_c=start, heater=replace(HEATER, can_cap=can_cap))
    before = plant.stored_j
    for draw, blocked, sensor, mode, setpoint in history:
        plant.draw_w, plant.flow_blocked, plant.tank_sensor = draw, blocked, sensor
        plant.wish = {"mode": mode}
        if mode == "heat":
            plant.wish["manual_state"] = PowerState.FULL
        plant.controllers["tank"].settings = replace(SINKS["tank"], setpoint_c=setpoint)
        for _ in range(20):
            plant.run(60)
            assert plant.tank_c < SINKS["tank"].limit_c + 1
            assert plant.slab_c < SINKS["floor"].limit_c + 1
            assert plant.bath_c < plant.safety.trip_c + 3
    gained = plant.stored_j - before
    assert plant.electricity_j - plant.lost_j == pytest.approx(gained, abs=1000)

"""Heat in a tank with two sensors, followed against the simulator's layered tank."""

from dataclasses import replace
from itertools import pairwise
import random

from hypothesis import given, settings as hypothesis_settings, strategies as st
import pytest

from custom_components.compute_heater.control.stratified import LAYERS, StratifiedTank
from simulator.parameters import HOUSE
from simulator.tank import Tank

STEP_S = 60.0
CAPACITY_KWH_PER_K = 0.345
LOSS_KW_PER_K = 0.0022


def follower() -> StratifiedTank:
    return StratifiedTank(CAPACITY_KWH_PER_K, LOSS_KW_PER_K, 18.0)


def run_day(seed: int, expected_kw: float) -> tuple[list[float], float, float]:
    """Return errors of the mean in K, heat seen drawn and heat really drawn in kWh."""
    source = random.Random(seed)
    tank = Tank(replace(HOUSE.tank, start_c=52))
    estimate = follower()
    errors: list[float] = []
    seen = drawn_j = 0.0
    heating = False
    for minute in range(3 * 1440):
        hour = minute / 60 % 24
        if source.random() < (0.03 if 6 <= hour < 23 else 0.001):
            drawn_j += tank.draw(source.uniform(2, 25))
        middle = (tank.top_c + tank.bottom_c) / 2
        heating = middle < (53 if heating else 46)
        heat_kw = 2.8 if heating else 0.0
        tank.heat(heat_kw * 1000 * STEP_S)
        tank.rest(STEP_S)
        found = estimate.observe(
            60.0 * minute, tank.top_c, tank.bottom_c, heat_kw, expected_kw
        )
        seen += found or 0.0
        assert estimate.mean_c is not None
        errors.append(estimate.mean_c - tank.mean_c)
    return errors, seen, drawn_j / 3.6e6


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_mean_is_known_though_the_tank_is_in_layers(seed: int) -> None:
    errors, _, drawn = run_day(seed, expected_kw=0.4)
    rms = (sum(error**2 for error in errors) / len(errors)) ** 0.5
    assert drawn > 10
    assert rms < 1.0
    assert abs(sum(errors) / len(errors)) < 0.6


def test_two_sensors_alone_know_it_less_well() -> None:
    """What following is good for: the mean of both sensors jumps with the border."""
    tank = Tank(replace(HOUSE.tank, start_c=52))
    estimate = follower()
    estimate.observe(0, tank.top_c, tank.bottom_c, 0, 0)
    tank.draw(45)
    estimate.observe(60, tank.top_c, tank.bottom_c, 0, 0)
    assert estimate.mean_c is not None
    naive = abs((tank.top_c + tank.bottom_c) / 2 - tank.mean_c)
    assert abs(estimate.mean_c - tank.mean_c) < naive / 3


def test_what_is_drawn_is_seen_by_the_lower_sensor() -> None:
    _, seen, drawn = run_day(4, expected_kw=0.4)
    assert seen == pytest.approx(drawn, rel=0.3)


def test_one_sensor_is_a_mixed_tank() -> None:
    estimate = follower()
    assert estimate.observe(0, 50, None, 0, 0) is None
    assert estimate.mean_c == 50


def test_after_a_gap_it_begins_anew() -> None:
    estimate = follower()
    estimate.observe(0, 55, 55, 0, 0)
    assert estimate.observe(7200, 50, 20, 0, 0) is None
    assert estimate.mean_c == 35


def test_it_goes_on_after_a_restart() -> None:
    estimate = follower()
    estimate.observe(0, 55, 55, 0, 0)
    estimate.observe(60, 55, 40, 0, 0)
    other = follower()
    other.restore(estimate.memory)
    assert other.mean_c == estimate.mean_c
    other.restore({"layers_c": ["hot"], "follows_top": 7})
    assert other.mean_c == estimate.mean_c
    assert 0 <= other.follows_top <= 1


@hypothesis_settings(max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.floats(0, 4000),
            st.floats(5, 90),
            st.none() | st.floats(5, 90),
            st.floats(0, 10),
            st.floats(-1, 20),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_layers_stay_in_order_whatever_the_sensors_say(
    history: list[tuple[float, float, float | None, float, float]],
) -> None:
    estimate = follower()
    now = 0.0
    for elapsed, top, bottom, heat, expected in history:
        now += elapsed
        estimate.observe(now, top, bottom, heat, expected)
        assert estimate.layers_c is not None
        assert len(estimate.layers_c) == LAYERS
        assert all(-50 < layer < 150 for layer in estimate.layers_c)
        if bottom is None or bottom <= top:
            assert max(estimate.layers_c) <= top + 1e-6
            assert all(
                above >= below - 1e-6 for above, below in pairwise(estimate.layers_c)
            )

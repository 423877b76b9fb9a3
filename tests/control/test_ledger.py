"""Counters of energy: they never fall, and they neither invent nor lose energy."""

import json
from math import inf, nan

from hypothesis import given, strategies as st
import pytest

from custom_components.compute_heater.control.ledger import MAX_GAP_S, EnergyCounter


def followed(*readings: float) -> EnergyCounter:
    """Return a counter that has seen these readings of the device's meter."""
    counter = EnergyCounter()
    for reading in readings:
        counter.follow_meter(reading)
    return counter


def test_unknown_until_the_first_reading() -> None:
    counter = EnergyCounter()
    assert counter.total_kwh is None
    counter.integrate(None, 0)
    assert counter.total_kwh is None
    counter.integrate(500, 1)
    assert counter.total_kwh == 0


def test_meter_is_taken_over_and_followed() -> None:
    assert followed(4711.5).total_kwh == 4711.5
    assert followed(0).total_kwh == 0
    assert followed(4711.5, 4711.5, 4712).total_kwh == 4712


def test_meter_that_began_at_zero_again() -> None:
    """After a reset the meter counts what has flowed since."""
    assert followed(100, 0, 0.5).total_kwh == pytest.approx(100.5)
    assert followed(100, 0.25, 0.5).total_kwh == pytest.approx(100.5)
    assert followed(100, 3, 1, 2).total_kwh == pytest.approx(105)


def test_meter_that_lost_its_last_minutes() -> None:
    """Devices save their meter now and then: a crash sets it back a little.

    What they lost was counted already, and what they count from there on is new.
    """
    assert followed(5000, 4999.9).total_kwh == 5000
    assert followed(5000, 4999.9, 5000.2).total_kwh == pytest.approx(5000.3)


@pytest.mark.parametrize("nonsense", [nan, inf, -inf, -1.0])
def test_nonsense_is_not_a_reading(nonsense: float) -> None:
    assert followed(nonsense).total_kwh is None
    assert followed(10, nonsense).total_kwh == 10
    assert followed(10, nonsense, 11).total_kwh == 11
    counter = EnergyCounter()
    counter.integrate(1000, 0)
    counter.integrate(nonsense, 30)
    assert counter.total_kwh == pytest.approx(0, abs=1000 * 30 / 3.6e6)


def test_power_is_integrated() -> None:
    counter = EnergyCounter()
    for second in range(0, 3601, 60):
        counter.integrate(1500, second)
    assert counter.total_kwh == pytest.approx(1.5)
    counter = EnergyCounter()
    counter.integrate(0, 0)
    counter.integrate(3600, 100)
    assert counter.total_kwh == pytest.approx(3600 / 2 * 100 / 3.6e6)


def test_gaps_count_as_nothing() -> None:
    """Nobody knows what flowed while nobody looked."""
    counter = EnergyCounter()
    counter.integrate(3600, 0)
    counter.integrate(3600, MAX_GAP_S)
    known = counter.total_kwh
    assert known is not None
    assert known == pytest.approx(3600 * MAX_GAP_S / 3.6e6)
    counter.integrate(3600, 2 * MAX_GAP_S + 1)
    assert counter.total_kwh == known
    counter.integrate(None, 2 * MAX_GAP_S + 2)
    counter.integrate(3600, 2 * MAX_GAP_S + 3)
    assert counter.total_kwh == known
    counter.integrate(3600, 2 * MAX_GAP_S + 4)
    assert counter.total_kwh == pytest.approx(known + 3600 / 3.6e6)


def test_clock_that_stands_or_goes_back() -> None:
    counter = EnergyCounter()
    for now in (100, 100, 50):
        counter.integrate(3600, now)
    assert counter.total_kwh == 0
    counter.integrate(3600, 51)
    assert counter.total_kwh == pytest.approx(3600 / 3.6e6)


def test_meter_that_comes_and_goes() -> None:
    """Power fills in for the meter, which then does not count it once more."""
    counter = followed(10)
    counter.integrate(3600, 0)
    counter.integrate(3600, 100)
    assert counter.total_kwh == pytest.approx(10.1)
    counter.follow_meter(10.08)
    assert counter.total_kwh == pytest.approx(10.1)
    counter.follow_meter(10.18)
    assert counter.total_kwh == pytest.approx(10.2)
    # The meter has counted what flowed until now, the power is not to.
    counter.integrate(3600, 110)
    assert counter.total_kwh == pytest.approx(10.2)


def test_meter_that_appears_late() -> None:
    """What it counted before did not flow just now."""
    counter = EnergyCounter()
    counter.integrate(3600, 0)
    counter.integrate(3600, 100)
    counter.follow_meter(4711)
    assert counter.total_kwh == pytest.approx(0.1)
    counter.follow_meter(4712)
    assert counter.total_kwh == pytest.approx(1.1)


def test_memory_survives_a_restart() -> None:
    """What the meter counted while we were away is ours."""
    counter = followed(100, 101)
    memory = json.loads(json.dumps(counter.memory))
    after = EnergyCounter()
    after.restore(memory)
    assert after.total_kwh == 101
    after.follow_meter(103)
    assert after.total_kwh == 103
    after.restore(memory)
    after.follow_meter(0.5)
    assert after.total_kwh == 101.5


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"total_kwh": None, "meter_kwh": None},
        {"total_kwh": "12", "meter_kwh": [1]},
        {"total_kwh": nan, "meter_kwh": nan},
        {"total_kwh": True, "meter_kwh": False},
        {"total_kwh": -5, "meter_kwh": -5},
    ],
)
def test_broken_memory_is_ignored(broken: dict[str, object]) -> None:
    counter = EnergyCounter()
    counter.restore(broken)
    assert counter.total_kwh is None
    counter.follow_meter(7)
    assert counter.total_kwh == 7


numbers = st.floats(-1e9, 1e9) | st.floats(0, 100) | st.sampled_from([nan, inf, -inf])
steps = st.lists(
    st.tuples(st.just("meter"), numbers)
    | st.tuples(st.just("power"), st.none() | numbers)
    | st.tuples(st.just("wait"), st.floats(-10, 1000))
    | st.tuples(st.just("restart"), st.none()),
    max_size=40,
)


@given(steps)
def test_never_falls(steps: list[tuple[str, float | None]]) -> None:
    """Whatever meters, powers, clocks and restarts do."""
    counter, now, last = EnergyCounter(), 0.0, 0.0
    for what, value in steps:
        if what == "restart":
            memory = json.loads(json.dumps(counter.memory))
            counter = EnergyCounter()
            counter.restore(memory)
        elif what == "wait" and value is not None:
            now += value
        elif what == "power":
            counter.integrate(value, now)
        elif value is not None:
            counter.follow_meter(value)
        total = counter.total_kwh
        if total is None:
            assert last == 0
        else:
            assert last <= total < inf
            last = total


rising = st.lists(st.floats(0, 10), min_size=1, max_size=30)


@given(st.floats(0, 1e5), rising, st.sets(st.integers(0, 29)))
def test_meter_resets_lose_nothing(
    start: float, flows: list[float], resets: set[int]
) -> None:
    """Between two readings a meter may begin at zero; nothing is counted twice."""
    counter, meter, expected = followed(start), start, start
    for index, flow in enumerate(flows):
        # A reset shows as one when the meter falls by far.
        if index in resets and flow < 0.5 * meter:
            meter = 0.0
        meter += flow
        expected += flow
        counter.follow_meter(meter)
    assert counter.total_kwh == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(st.lists(st.tuples(st.floats(0, MAX_GAP_S), st.floats(0, 5000)), max_size=50))
def test_integral_is_between_its_bounds(course: list[tuple[float, float]]) -> None:
    """The mean power lies between the least and the greatest."""
    counter, now = EnergyCounter(), 0.0
    counter.integrate(1000, now)
    for seconds, watts in course:
        now += seconds
        counter.integrate(watts, now)
    assert counter.total_kwh is not None
    powers = [1000.0, *(watts for _, watts in course)]
    low, high = min(powers) * now / 3.6e6, max(powers) * now / 3.6e6
    assert low * (1 - 1e-6) - 1e-9 <= counter.total_kwh <= high * (1 + 1e-6) + 1e-9

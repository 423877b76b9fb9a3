"""Weather, tariff, PV and habits: pure functions of time and seed."""

from datetime import UTC, date, datetime, timedelta
import itertools

from hypothesis import given, settings, strategies as st
import pytest

from simulator.draw_off import FAMILY, drawn_l
from simulator.pv import pv_power_w
from simulator.tariff import day_ahead, price_at
from simulator.weather import Weather

START = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_year_of_weather() -> None:
    weather = Weather(1)
    hours = [weather.at(START + timedelta(hours=hour)) for hour in range(8760)]
    assert hours == [Weather(1).at(START + timedelta(hours=h)) for h in range(8760)]
    assert -15 < min(h.outdoor_c for h in hours) < 0
    assert 24 < max(h.outdoor_c for h in hours) < 38
    assert min(h.irradiance_w_m2 for h in hours) == 0
    assert 700 < max(h.irradiance_w_m2 for h in hours) < 1100
    # A roof yields about 1 MWh per kWp and year.
    yearly_kwh = sum(pv_power_w(1, h.irradiance_w_m2) for h in hours) / 1000
    assert 700 < yearly_kwh < 1300
    assert Weather(2).at(START) != Weather(1).at(START)


def test_prices_come_by_quarter_hours() -> None:
    day = date(2026, 6, 1)
    prices = day_ahead(day, 1)
    assert len(prices) == 96
    assert 0.1 < min(prices) < max(prices) < 0.5
    assert max(prices[72:84]) > prices[12]
    assert (
        len({price_at(datetime(2026, 6, 1, 9, minute), 1) for minute in range(15)}) == 1
    )
    assert price_at(datetime(2026, 6, 1, 9, 15), 1) == prices[37]
    assert day_ahead(day, 2) != prices


@settings(max_examples=100, deadline=None)
@given(
    cuts=st.lists(st.integers(1, 3 * 86400 - 1), max_size=20, unique=True),
    seed=st.integers(0, 50),
)
def test_habits_draw_the_same_in_any_steps(cuts: list[int], seed: int) -> None:
    edges = [0, *sorted(cuts), 3 * 86400]
    whole = drawn_l(FAMILY, seed, START, 3 * 86400)
    parts = sum(
        drawn_l(FAMILY, seed, START + timedelta(seconds=first), last - first)
        for first, last in itertools.pairwise(edges)
    )
    assert parts == pytest.approx(whole)
    assert 250 < whole < 700

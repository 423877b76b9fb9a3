"""What the house leaves of its own electricity."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
import json
from zoneinfo import ZoneInfo

from hypothesis import given, strategies as st
import pytest

from custom_components.compute_heater.control.house_load import HouseLoad
from custom_components.compute_heater.control.series import Piece, Series

ZONE = ZoneInfo("Europe/Berlin")
START = datetime(2026, 6, 1, 0, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def live(house: HouseLoad, days: int, heaters_w: float = 1500) -> datetime:
    """Let a house live: 300 W, and 2 kW from 18:00 to 20:00 UTC; 3 kW of sun at noon."""
    now = START
    while now < START + timedelta(days=days):
        load_w = 2000 if 18 <= now.hour < 20 else 300
        pv_w = 3000 if 10 <= now.hour < 14 else 0
        house.observe(
            now, grid_w=load_w + heaters_w - pv_w, pv_w=pv_w, heaters_w=heaters_w
        )
        now += timedelta(minutes=5)
    return now


def test_habits_are_learned_without_the_heaters() -> None:
    house = HouseLoad(3, ZONE)
    now = live(house, 10)
    evening = now.replace(hour=18)
    assert house.expected_w(evening, evening + HOUR) == pytest.approx(2000, rel=0.15)
    morning = now.replace(hour=8)
    assert house.expected_w(morning, morning + HOUR) == pytest.approx(300, rel=0.35)


def test_memory_survives_a_restart() -> None:
    house = HouseLoad(3, ZONE)
    now = live(house, 5)
    other = HouseLoad(3, ZONE)
    other.restore(json.loads(json.dumps(house.memory)))
    assert other.expected_w(now, now + HOUR) == pytest.approx(
        house.expected_w(now, now + HOUR), rel=1e-3
    )


def test_surplus_is_what_would_be_fed_in_without_heaters() -> None:
    house = HouseLoad(3, ZONE)
    assert house.surplus_w is None
    house.observe(START, grid_w=-500, pv_w=None, heaters_w=1500)
    assert house.surplus_w == 2000
    house.observe(START, grid_w=900, pv_w=None, heaters_w=300)
    assert house.surplus_w == 0


def test_a_passing_cloud_counts_little() -> None:
    house = HouseLoad(3, ZONE)
    house.observe(START, grid_w=-2000, pv_w=None, heaters_w=0)
    now = START + timedelta(seconds=30)
    house.observe(now, grid_w=0, pv_w=None, heaters_w=0)
    assert house.surplus_w == pytest.approx(2000 * 0.905, rel=0.01)
    house.observe(now + HOUR, grid_w=0, pv_w=None, heaters_w=0)
    assert house.surplus_w == pytest.approx(0, abs=1)


@pytest.mark.parametrize("unknown", ["grid_w", "heaters_w"])
def test_unknown_is_not_zero(unknown: str) -> None:
    house = HouseLoad(3, ZONE)
    values = {"grid_w": -2000.0, "pv_w": 2500.0, "heaters_w": 0.0}
    house.observe(START, **values)
    assert house.surplus_w == 2000
    house.observe(START + HOUR, **{**values, unknown: None})  # type: ignore[arg-type]
    assert house.surplus_w is None
    house.observe(START + HOUR, **{**values, unknown: float("nan")})
    assert house.surplus_w is None


def test_measured_now_and_forecast_later() -> None:
    house = HouseLoad(0, ZONE)
    pv = Series.of([Piece(START, START + 3 * HOUR, 1000)])
    now = START + timedelta(minutes=30)
    assert house.surplus(now, pv).at(now) == 1000
    house.observe(now, grid_w=-400, pv_w=None, heaters_w=0)
    surplus = house.surplus(now, pv)
    assert surplus.at(now) == 400
    assert surplus.at(START + HOUR) == 1000
    assert surplus.end == START + 3 * HOUR


def test_nothing_is_promised_without_a_forecast() -> None:
    house = HouseLoad(3, ZONE)
    assert house.surplus(START, Series()) == Series()
    house.observe(START, grid_w=-400, pv_w=None, heaters_w=0)
    surplus = house.surplus(START, Series())
    assert surplus.at(START) == 400
    assert surplus.at(START + HOUR) is None


@given(
    st.lists(
        st.tuples(
            st.floats(-5000, 5000), st.floats(0, 5000) | st.none(), st.floats(0, 4000)
        ),
        max_size=20,
    ),
    st.integers(0, 3600),
)
def test_surplus_is_never_negative(
    readings: list[tuple[float, float | None, float]], step_s: int
) -> None:
    house = HouseLoad(3, ZONE)
    now = START
    pv = Series.of([Piece(START, START + timedelta(days=2), 800)])
    for grid_w, pv_w, heaters_w in readings:
        house.observe(now, grid_w=grid_w, pv_w=pv_w, heaters_w=heaters_w)
        now += timedelta(seconds=step_s)
    pieces = house.surplus(now, pv).pieces
    assert all(piece.value >= 0 for piece in pieces)
    assert all(a.end <= b.start for a, b in pairwise(pieces))

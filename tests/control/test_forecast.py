"""What stands in for a forecast that is missing."""

from datetime import UTC, datetime, timedelta
import json
from math import isfinite, nan

from hypothesis import given, strategies as st
import pytest

from custom_components.compute_heater.control.forecast import (
    UNKNOWN_OUTDOOR_C,
    FilledForecasts,
    ForecastMemory,
    SiteForecasts,
)
from custom_components.compute_heater.control.series import Piece, Series
from custom_components.compute_heater.control.sun import (
    Place,
    from_clouds,
    on_window,
    usual_w_m2,
    window_w_m2,
)

NOW = datetime(2026, 1, 14, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
FREIBURG = Place(48.0, 7.85)


def bounds(start: datetime, count: int = 36) -> list[tuple[datetime, datetime]]:
    return [(start + k * HOUR, start + (k + 1) * HOUR) for k in range(count)]


def hourly(start: datetime, *values: float) -> Series:
    return Series.from_points(
        ((start + k * HOUR, value) for k, value in enumerate(values)), HOUR
    )


def remembered(
    *,
    price: list[float] | None = None,
    outdoor: list[float] | None = None,
    sun: list[float] | None = None,
    until: datetime = NOW,
) -> ForecastMemory:
    """Return a memory of the hours before ``until``."""
    memory = ForecastMemory()
    count = len(price or outdoor or sun or [])
    for quarter in range(4 * count):
        time = until - count * HOUR + quarter * HOUR / 4
        hour = quarter // 4
        memory.observe(
            time,
            SiteForecasts(
                price=Series()
                if price is None
                else Series.of([Piece(time, time + HOUR, price[hour])]),
                sun_w_m2=Series()
                if sun is None
                else Series.of([Piece(time, time + HOUR, sun[hour])]),
            ),
            outdoor_c=None if outdoor is None else outdoor[hour],
        )
    return memory


def filled(
    memory: ForecastMemory,
    forecasts: SiteForecasts | None = None,
    start: datetime = NOW,
) -> FilledForecasts:
    return memory.filled(forecasts or SiteForecasts(), bounds(start), price=0.3)


def test_what_is_known_is_taken() -> None:
    known = SiteForecasts(
        price=hourly(NOW, *range(36)),
        feed_in=hourly(NOW, *[0.08] * 36),
        outdoor_c=hourly(NOW, *range(36)),
        sun_w_m2=hourly(NOW, *range(36)),
        surplus_w=hourly(NOW, *range(36)),
        grid_limit_w=hourly(NOW, 4200, 4200),
    )
    found = filled(remembered(price=[9.0] * 48, outdoor=[9.0] * 48), known)
    assert found.price == tuple(range(36))
    assert found.outdoor_c == tuple(range(36))
    assert found.sun_w_m2 == tuple(range(36))
    assert found.surplus_kw == pytest.approx([k / 1000 for k in range(36)])
    assert found.grid_limit_kw == (4.2, 4.2, *[None] * 34)
    assert not found.guessed


def test_nothing_is_known_at_all() -> None:
    found = filled(ForecastMemory())
    assert found.price == (0.3,) * 36
    assert found.feed_in == (0.0,) * 36
    assert found.outdoor_c == (UNKNOWN_OUTDOOR_C,) * 36
    assert found.sun_w_m2 == (0.0,) * 36
    assert found.surplus_kw == (0.0,) * 36
    assert found.grid_limit_kw == (None,) * 36
    assert found.guessed["price"] == 1


def test_price_of_tomorrow_is_as_today() -> None:
    """In the morning tomorrow's prices are not out yet."""
    day = [float(hour) for hour in range(24)]
    memory = remembered(price=day[12:] + day[:12], until=NOW)
    forecasts = SiteForecasts(price=hourly(NOW, *day[12:]))
    found = filled(memory, forecasts)
    assert found.price[:12] == tuple(day[12:])
    assert found.price[12:] == tuple(day[:12] + day[12:])
    assert found.guessed == {
        "price": pytest.approx(24 / 36),
        "feed_in": 1,
        "outdoor_c": 1,
        "sun_w_m2": 1,
        "surplus_w": 1,
    }


def test_price_without_a_yesterday_is_the_mean_of_what_is_known() -> None:
    found = filled(ForecastMemory(), SiteForecasts(price=hourly(NOW, 0.1, 0.3)))
    assert found.price[:2] == (0.1, 0.3)
    assert found.price[2:] == pytest.approx([0.2] * 34)


def test_feed_in_stays_as_it_was() -> None:
    memory = ForecastMemory()
    memory.observe(NOW, SiteForecasts(feed_in=hourly(NOW, 0.08)))
    assert filled(memory).feed_in == (0.08,) * 36


def test_outdoors_as_yesterday_but_as_much_colder_as_it_is_now() -> None:
    memory = remembered(outdoor=[10.0] * 24)
    memory.observe(NOW, SiteForecasts(), outdoor_c=4.0)
    found = filled(memory)
    assert found.outdoor_c[0] == pytest.approx(4)
    assert found.outdoor_c[6] == pytest.approx(7)
    assert found.outdoor_c[12:23] == pytest.approx([10] * 11)


def test_outdoors_as_now_if_there_is_no_yesterday() -> None:
    memory = ForecastMemory()
    memory.observe(NOW, SiteForecasts(), outdoor_c=-3.0)
    assert filled(memory).outdoor_c == (-3.0,) * 36


def test_a_sensor_that_means_nothing_is_not_remembered() -> None:
    memory = ForecastMemory()
    memory.observe(NOW, SiteForecasts(), outdoor_c=nan, sun_w_m2=nan)
    assert filled(memory).outdoor_c == (UNKNOWN_OUTDOOR_C,) * 36


def test_sun_as_yesterday_or_as_usual() -> None:
    assert filled(remembered(sun=[100.0] * 24)).sun_w_m2 == (100.0,) * 36
    usual = filled(ForecastMemory(FREIBURG)).sun_w_m2
    assert usual[0] == usual_w_m2(FREIBURG, NOW + HOUR / 2) > 50
    assert usual[12] == 0


def test_a_week_is_remembered_and_no_more() -> None:
    memory = remembered(price=[1.0] * 24 * 9)
    later = NOW + 6 * DAY
    assert filled(memory, start=later).price == (1.0,) * 36
    stored = memory.memory["past"]
    assert isinstance(stored, dict)
    assert len(stored["price"]) <= 7 * 96 + 1


def test_a_clock_that_was_ahead_is_forgotten() -> None:
    memory = remembered(outdoor=[10.0] * 24)
    memory.observe(NOW + 700 * DAY, SiteForecasts(), outdoor_c=40.0)
    memory.observe(NOW, SiteForecasts(), outdoor_c=10.0)
    assert filled(memory).outdoor_c == (10.0,) * 36


def test_memory_survives_a_restart() -> None:
    memory = remembered(price=[float(k) for k in range(48)], outdoor=[2.0] * 48)
    memory.observe(NOW, SiteForecasts(feed_in=hourly(NOW, 0.07)), outdoor_c=3.0)
    again = ForecastMemory()
    again.restore(json.loads(json.dumps(memory.memory)))
    assert filled(again) == filled(memory)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["price", "outdoor_c", "x"]), inner)
    ),
    max_leaves=15,
)


@given(
    stored=st.dictionaries(
        st.sampled_from(["past", "feed_in", "outdoor_c"]), json_values
    ),
    times=st.lists(st.datetimes(datetime(1971, 1, 1), datetime(2199, 1, 1))),
    outdoor=st.none() | st.floats(),
)
def test_never_a_gap_whatever_happens(
    stored: dict[str, object], times: list[datetime], outdoor: float | None
) -> None:
    memory = ForecastMemory(FREIBURG)
    memory.restore(stored)
    for time in times:
        memory.observe(time.replace(tzinfo=UTC), SiteForecasts(), outdoor_c=outdoor)
    found = filled(memory)
    for values in (found.price, found.feed_in, found.outdoor_c, found.sun_w_m2):
        assert len(values) == 36
        assert all(isfinite(value) for value in values)


def test_windows_get_more_of_a_winter_sun() -> None:
    """Per light on the horizontal a south window gets several times more in December."""
    december = datetime(2026, 12, 21, 11, 30, tzinfo=UTC)
    july = datetime(2026, 7, 1, 11, 30, tzinfo=UTC)
    winter = window_w_m2(FREIBURG, december, 300) / 300
    summer = window_w_m2(FREIBURG, july, 850) / 850
    assert winter > 3.5 * summer
    assert window_w_m2(FREIBURG, december.replace(hour=23), 0) == 0


def test_clouds_dim_the_sun() -> None:
    day = [(NOW - 12 * HOUR + k * HOUR) for k in range(24)]
    clear = from_clouds(FREIBURG, Series.of(Piece(t, t + HOUR, 0) for t in day))
    grey = from_clouds(FREIBURG, Series.of(Piece(t, t + HOUR, 100) for t in day))
    noon_clear, noon_grey = clear.at(NOW), grey.at(NOW)
    assert noon_clear is not None and noon_grey is not None
    assert 500 < noon_clear < 1000
    assert noon_grey < noon_clear / 3
    assert clear.at(NOW - 10 * HOUR) == 0
    assert clear.end == grey.end == NOW + 12 * HOUR


def test_the_south_is_elsewhere_in_the_south() -> None:
    here = on_window(Place(-35, 0), hourly(NOW, 600)).at(NOW)
    there = on_window(Place(35, 0), hourly(NOW + 182 * DAY, 600)).at(NOW + 182 * DAY)
    assert here == pytest.approx(there, rel=0.1)

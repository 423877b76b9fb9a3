"""How fast a temperature falls."""

import pytest

from custom_components.compute_heater.control.trend import Trend


def follow(
    trend: Trend, rate: float, *, start: float, end: float, step: float = 60
) -> None:
    """Feed a temperature that falls at ``rate`` K/h from 50 °C at time 0."""
    now = start
    while now <= end:
        trend.add(now, 50 - rate * now / 3600)
        now += step


@pytest.mark.parametrize("step", [5, 60, 300])
def test_rate_of_fall(step: float) -> None:
    trend = Trend()
    follow(trend, 1.5, start=0, end=3600, step=step)
    assert trend.fall_k_per_h() == pytest.approx(1.5)


@pytest.mark.parametrize("rate", [0, -2, 0.01])
def test_steady_or_rising_is_no_fall(rate: float) -> None:
    trend = Trend()
    follow(trend, rate, start=0, end=3600)
    assert trend.fall_k_per_h() is None


def test_ten_minutes_are_enough_and_needed() -> None:
    trend = Trend()
    assert trend.fall_k_per_h() is None
    follow(trend, 1, start=7000, end=7540)
    assert trend.fall_k_per_h() is None
    follow(trend, 1, start=7600, end=7600)
    assert trend.fall_k_per_h() == pytest.approx(1)


def test_only_the_last_hour_counts() -> None:
    trend = Trend()
    follow(trend, 0, start=0, end=7200)
    for now in range(7260, 10_900, 60):
        trend.add(now, 50 - 3 * (now - 7260) / 3600)
    assert trend.fall_k_per_h() == pytest.approx(3)


@pytest.mark.parametrize("gap", [1900, -3000])
def test_long_silence_and_a_new_clock_begin_anew(gap: float) -> None:
    trend = Trend()
    follow(trend, 1, start=0, end=3600)
    trend.add(3600 + gap, 20)
    assert trend.fall_k_per_h() is None


def test_short_silence_does_not() -> None:
    trend = Trend()
    follow(trend, 1, start=0, end=3000)
    follow(trend, 1, start=4700, end=4700)
    assert trend.fall_k_per_h() == pytest.approx(1)

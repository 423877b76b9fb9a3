"""A heater that ignores its limit, and those that only seem to."""

import pytest

from custom_components.compute_heater.control.limit_watch import (
    IGNORED_AFTER_S,
    LimitWatch,
)

SOON, LATE = IGNORED_AFTER_S - 1, IGNORED_AFTER_S


def test_accused_after_its_time_and_acquitted_at_once() -> None:
    watch = LimitWatch()
    assert not watch.see(1000, 500, 0)
    assert not watch.see(1000, 500, SOON)
    assert watch.see(1000, 500, LATE)
    assert watch.see(None, 500, LATE + 1)
    assert not watch.see(500, 500, LATE + 2)
    assert not watch.see(1000, 500, LATE + 3)


@pytest.mark.parametrize(("power", "limit"), [(550, 500), (2200, 2000), (0, 500)])
def test_meters_differ(power: float, limit: float) -> None:
    watch = LimitWatch()
    watch.see(power, limit, 0)
    assert not watch.see(power, limit, 10 * LATE)


def test_without_a_limit_nothing_is_ignored() -> None:
    watch = LimitWatch()
    watch.see(1000, 500, 0)
    assert watch.see(1000, 500, LATE)
    assert not watch.see(1000, None, LATE + 1)
    assert not watch.see(1000, 500, LATE + 2)


def test_lower_limit_gets_its_time_again() -> None:
    watch = LimitWatch()
    watch.see(1000, 800, 0)
    assert not watch.see(1000, 600, SOON)
    assert not watch.see(1000, 600, LATE + 100)
    assert not watch.see(1000, 590, SOON + SOON)
    assert watch.see(1000, 590, SOON + LATE)


def test_unknown_power_counts_neither_way() -> None:
    watch = LimitWatch()
    watch.see(1000, 500, 0)
    assert not watch.see(None, 500, LATE + 5)
    assert watch.see(1000, 500, LATE + 6)

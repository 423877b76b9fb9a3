"""Hours of the day on people's clock."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, strategies as st
import pytest

from custom_components.compute_heater.control.daily_window import DailyWindow

BERLIN = ZoneInfo("Europe/Berlin")


def window(start: str, end: str) -> DailyWindow:
    return DailyWindow(time.fromisoformat(start), time.fromisoformat(end), BERLIN)


def at(text: str) -> datetime:
    """Return a moment on the clock of Berlin."""
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ("2026-01-10T01:59:59", None),
        ("2026-01-10T02:00", 10),
        ("2026-01-10T04:59:59", 10),
        ("2026-01-10T05:00", None),
    ],
)
def test_hours_of_a_night(moment: str, day: int | None) -> None:
    found = window("02:00", "05:00").at(at(moment))
    assert (found and found.day.day) == day


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ("2026-01-10T21:59", None),
        ("2026-01-10T22:00", 10),
        ("2026-01-11T03:59", 10),
        ("2026-01-11T04:00", None),
    ],
)
def test_hours_across_midnight_belong_to_the_evening(
    moment: str, day: int | None
) -> None:
    found = window("22:00", "04:00").at(at(moment))
    assert (found and found.day.day) == day


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_as_long_when_the_clocks_change(day: str) -> None:
    found = window("01:00", "05:00").on(date.fromisoformat(day))
    assert found.end - found.start == timedelta(hours=4)
    assert found.start.astimezone(BERLIN).hour == 1


times = st.times().map(lambda each: each.replace(microsecond=0, fold=0))


@given(
    times, times, st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1)),
    st.sampled_from(["Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "UTC"]),
)  # fmt: skip
def test_a_moment_lies_in_the_occurrence_that_is_found(
    start: time, end: time, naive: datetime, zone: str
) -> None:
    hours = DailyWindow(start, end, ZoneInfo(zone))
    moment = naive.replace(tzinfo=UTC)
    assert timedelta() < hours.length <= timedelta(days=1)
    found = hours.at(moment)
    if found is not None:
        assert found.start <= moment < found.end
        assert found == hours.on(found.day)
    # Of two days in a row one ends before or when the other begins, but for the clocks.
    today = hours.on(hours.local_day(moment))
    tomorrow = hours.on(today.day + timedelta(days=1))
    assert tomorrow.start - today.end >= -timedelta(hours=1)

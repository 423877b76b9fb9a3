"""The profile of hot water: learned, unbiased, and on the people's clock."""

from datetime import UTC, date, datetime, time, timedelta
import json
from math import inf, nan
import random
from zoneinfo import ZoneInfo

from hypothesis import given, strategies as st
import pytest

from custom_components.compute_heater.control.draw_off import (
    KEPT_DAYS,
    KWH_PER_PERSON_DAY,
    DrawOffProfile,
)

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = date(2026, 1, 5)
QUARTER = timedelta(minutes=15)


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(0), BERLIN).astimezone(UTC)


def live(
    profile: DrawOffProfile, first: date, days: int, habits: dict[int, float]
) -> None:
    """Let people draw so many kWh at these quarters of the local day, for some days."""
    moment, end = midnight(first), midnight(first + timedelta(days=days))
    while moment < end:
        local = moment.astimezone(BERLIN)
        slot = local.hour * 4 + local.minute // 15
        profile.record(moment, 0.25, habits.get(slot, 0.0))
        moment += QUARTER


def test_the_prior_is_what_persons_draw() -> None:
    profile = DrawOffProfile(4 * KWH_PER_PERSON_DAY, BERLIN)
    start = midnight(MONDAY)
    assert profile.expected(start, 24) == pytest.approx(7.4)
    assert profile.expected(start, 5) < 0.5
    assert profile.expected(start + timedelta(hours=6), 3) > 1.5
    assert (
        profile.quantile(start, 24, 0.1)
        < profile.expected(start, 24)
        < profile.quantile(start, 24, 0.9)
    )


def test_habits_are_learned() -> None:
    profile = DrawOffProfile(5, BERLIN)
    live(profile, MONDAY, 14, {7 * 4: 3.0, 19 * 4: 2.0})
    next_monday = midnight(MONDAY + timedelta(days=14))
    assert profile.expected(next_monday, 24) == pytest.approx(5, rel=0.02)
    assert profile.expected(next_monday + timedelta(hours=6), 2) == pytest.approx(
        3, rel=0.1
    )
    assert profile.expected(next_monday + timedelta(hours=10), 6) < 0.1
    assert profile.quantile(next_monday + timedelta(hours=6), 2, 0.9) == pytest.approx(
        3, rel=0.01
    )
    assert profile.days == 14


def test_the_whole_is_the_sum_of_its_parts() -> None:
    profile = DrawOffProfile(5, BERLIN)
    live(profile, MONDAY, 9, {7 * 4: 3.0, 19 * 4: 2.0})
    start = midnight(MONDAY + timedelta(days=9)) + timedelta(minutes=5)
    parts = sum(
        profile.expected(start + k * timedelta(minutes=20), 1 / 3) for k in range(72)
    )
    assert profile.expected(start, 24) == pytest.approx(parts)


def test_weekends_are_their_own_kind() -> None:
    profile = DrawOffProfile(5, BERLIN)
    for week in range(3):
        monday = MONDAY + timedelta(weeks=week)
        live(profile, monday, 5, {6 * 4: 4.0})
        live(profile, monday + timedelta(days=5), 2, {10 * 4: 6.0})
    workday = midnight(MONDAY + timedelta(weeks=3))
    saturday = midnight(MONDAY + timedelta(weeks=3, days=5))
    six, ten = timedelta(hours=5), timedelta(hours=9)
    assert profile.expected(workday + six, 2) > 3
    assert profile.expected(saturday + ten, 2) > 3
    assert profile.expected(saturday + six, 2) < profile.expected(workday + six, 2) / 2


def test_twice_as_much_is_noticed_within_a_fortnight() -> None:
    profile = DrawOffProfile(5, BERLIN)
    live(profile, MONDAY, 28, {7 * 4: 5.0})
    live(profile, MONDAY + timedelta(days=28), 14, {7 * 4: 10.0})
    after = midnight(MONDAY + timedelta(days=42))
    assert profile.expected(after, 24) > 7.5
    assert profile.quantile(after, 24, 0.9) == pytest.approx(10)


def test_quantiles_of_random_days() -> None:
    source = random.Random(1)
    profile = DrawOffProfile(5, BERLIN)
    for day in range(35):
        live(
            profile,
            MONDAY + timedelta(days=day),
            1,
            {28 + source.randrange(4): source.uniform(0, 4)},
        )
    after = midnight(MONDAY + timedelta(days=35))
    assert profile.expected(after, 24) == pytest.approx(2, rel=0.2)
    assert profile.quantile(after, 24, 0.9) == pytest.approx(3.6, rel=0.15)
    assert profile.quantile(after, 24, 0.5) == pytest.approx(2, rel=0.3)
    few = [profile.quantile(after, 12, q / 10) for q in range(11)]
    assert few == sorted(few)


@pytest.mark.parametrize("change", [date(2026, 3, 29), date(2026, 10, 25)])
def test_habits_go_by_the_clock_when_it_changes(change: date) -> None:
    profile = DrawOffProfile(5, BERLIN)
    live(profile, change - timedelta(days=13), 14, {7 * 4: 3.0})
    for day in (change, change + timedelta(days=1)):
        seven = datetime.combine(day, time(7), BERLIN)
        assert profile.expected(seven - 2 * QUARTER, 1.25) == pytest.approx(3, rel=0.1)
    hours = 23 if change.month == 3 else 25
    assert profile.expected(midnight(change), hours) == pytest.approx(3, rel=0.1)


@pytest.mark.parametrize("wrong", [date(2099, 1, 1), date(1971, 1, 1)])
def test_a_clock_that_was_wrong_for_a_while(wrong: date) -> None:
    profile = DrawOffProfile(5, BERLIN)
    live(profile, MONDAY, 14, {7 * 4: 3.0})
    live(profile, wrong, 1, dict.fromkeys(range(96), 5.0))
    live(profile, MONDAY + timedelta(days=14), 1, {7 * 4: 3.0})
    after = midnight(MONDAY + timedelta(days=15))
    assert profile.expected(after, 24) == pytest.approx(3, rel=0.1)
    assert profile.quantile(after, 24, 0.9) < 4
    live(profile, MONDAY + timedelta(days=15), KEPT_DAYS, {})
    stored = profile.memory["days"]
    assert isinstance(stored, dict)
    assert wrong.isoformat() not in stored


def test_no_more_days_than_needed_are_kept() -> None:
    profile = DrawOffProfile(5, BERLIN)
    live(profile, MONDAY, KEPT_DAYS + 10, {})
    assert profile.days == KEPT_DAYS
    assert len(json.dumps(profile.memory)) < 25_000


def test_memory_survives_a_restart() -> None:
    profile = DrawOffProfile(5, BERLIN)
    live(profile, MONDAY, 10, {7 * 4: 3.0, 80: 1.0})
    again = DrawOffProfile(5, BERLIN)
    again.restore(json.loads(json.dumps(profile.memory)))
    start = midnight(MONDAY + timedelta(days=10))
    for q in (0.5, 0.9):
        assert again.quantile(start, 5, q) == profile.quantile(start, 5, q)
    assert again.expected(start, 24) == profile.expected(start, 24)


@pytest.mark.parametrize("nonsense", [nan, inf, -inf, 1e6, 1e307])
def test_nonsense_is_not_recorded(nonsense: float) -> None:
    profile = DrawOffProfile(5, BERLIN)
    profile.record(midnight(MONDAY), 0.25, nonsense)
    assert profile.days == 0


anything = st.none() | st.booleans() | st.floats() | st.text(max_size=3)


@given(
    stored=st.dictionaries(
        st.sampled_from(["days", "x"]),
        anything
        | st.dictionaries(
            st.sampled_from(["2026-01-05", "2026-02-30", "?"]),
            anything
            | st.lists(anything, max_size=3)
            | st.lists(anything, min_size=96, max_size=96),
        ),
    ),
    records=st.lists(
        st.tuples(
            st.datetimes(datetime(1971, 1, 1), datetime(2199, 1, 1)),
            st.floats(),
            st.floats(),
        ),
        max_size=10,
    ),
    hours=st.floats(0, 48),
    q=st.floats(0, 1),
)
def test_always_a_sound_forecast(
    stored: dict[str, object],
    records: list[tuple[datetime, float, float]],
    hours: float,
    q: float,
) -> None:
    profile = DrawOffProfile(5, BERLIN)
    profile.restore(stored)
    for moment, length, kwh in records:
        profile.record(moment.replace(tzinfo=UTC), length, kwh)
    start = midnight(MONDAY)
    assert 0 <= profile.expected(start, hours) < inf
    assert 0 <= profile.quantile(start, hours, q) < inf
    json.dumps(profile.memory, allow_nan=False)

"""Thermal disinfection of a tank: its schedule, its proof, and who heats."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
import json
from math import nan
from zoneinfo import ZoneInfo

from hypothesis import given, strategies as st
import pytest

from custom_components.compute_heater.control.disinfection import (
    Disinfection,
    DisinfectionSettings,
    HeatMeans,
)

BERLIN = ZoneInfo("Europe/Berlin")
WEEKLY = DisinfectionSettings(
    every_days=7, window_start=time(1), window_end=time(5), hold_s=3600
)
BOTH = HeatMeans(compute_to_c=57, compute_most_c=57, backup_w=6000)
COMPUTE = HeatMeans(compute_to_c=57, compute_most_c=57)
BACKUP = HeatMeans(backup_w=6000)
CAPACITY = 0.35
STEP_S = 60.0


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)


@dataclass
class Tank:
    """A tank that loses heat, and what heats it while it is asked to."""

    disinfection: Disinfection
    now: datetime
    temperature_c: float = 50.0
    means: HeatMeans = BOTH
    compute_w: float = 3000.0
    enabled: bool = True
    time_s: float = 0.0
    backup_s: float = 0.0
    highest_c: float = 0.0
    log: list[tuple[datetime, float]] = field(default_factory=list)

    def step(self) -> None:
        """Let a minute pass."""
        what = self.disinfection
        what.update(
            self.now,
            self.time_s,
            self.temperature_c,
            self.means,
            capacity_kwh_per_k=CAPACITY,
            enabled=self.enabled,
        )
        heat_w = -60.0
        if what.raise_to_c is not None and self.temperature_c < what.raise_to_c:
            heat_w += self.compute_w
        if what.needs_backup:
            heat_w += self.means.backup_w
            self.backup_s += STEP_S
        self.temperature_c += heat_w / 1000 * STEP_S / 3600 / CAPACITY
        self.highest_c = max(self.highest_c, self.temperature_c)
        self.log.append((self.now, self.temperature_c))
        self.now += timedelta(seconds=STEP_S)
        self.time_s += STEP_S

    def run(self, until: str) -> None:
        """Let time pass until a moment on the clock of Berlin."""
        while self.now < berlin(until):
            self.step()


def tank(start: str, settings: DisinfectionSettings = WEEKLY, **more: object) -> Tank:
    return Tank(Disinfection(settings, BERLIN), berlin(start), **more)  # type: ignore[arg-type]


def done_on(what: Disinfection) -> str | None:
    return what.done_at and what.done_at.astimezone(BERLIN).date().isoformat()


def test_compute_preheats_and_the_backup_finishes() -> None:
    plant = tank("2026-01-05T20:00")
    plant.run("2026-01-06T01:00")
    assert not plant.disinfection.running
    plant.run("2026-01-06T01:30")
    assert plant.disinfection.running
    assert plant.backup_s == 0, "compute alone can heat so far"
    assert plant.temperature_c > 53
    plant.run("2026-01-06T05:00")
    assert done_on(plant.disinfection) == "2026-01-06"
    assert plant.backup_s > 0
    assert plant.highest_c < 63
    assert not plant.disinfection.overdue
    held = [at for at, c in plant.log if c >= 60]
    assert held[-1] - held[0] >= timedelta(hours=1)


def test_it_ends_as_soon_as_it_is_done() -> None:
    plant = tank("2026-01-06T00:00")
    while plant.disinfection.done_at is None:
        plant.step()
    plant.step()
    what = plant.disinfection
    assert (what.running, what.needs_backup, what.raise_to_c) == (False, False, None)
    assert what.done_at is not None
    assert what.done_at < berlin("2026-01-06T05:00")


def test_weekly_on_the_same_day() -> None:
    plant = tank("2026-01-05T20:00")
    days = set()
    while plant.now < berlin("2026-01-28T00:00"):
        plant.temperature_c = min(plant.temperature_c, 63)
        if plant.now.hour == 12:
            plant.temperature_c = 50  # drawn from
        plant.step()
        assert not plant.disinfection.overdue
        days.add(done_on(plant.disinfection))
    assert days == {None, "2026-01-06", "2026-01-13", "2026-01-20", "2026-01-27"}


def test_hours_across_midnight() -> None:
    settings = replace(WEEKLY, every_days=2, window_start=time(22), window_end=time(4))
    plant = tank("2026-01-05T12:00", settings)
    plant.run("2026-01-07T21:59")
    assert done_on(plant.disinfection) == "2026-01-06"
    assert not plant.disinfection.running
    plant.run("2026-01-07T22:02")
    assert plant.disinfection.running, "two days after the evening, not after the dawn"


def test_slow_compute_leaves_the_backup_just_enough_time() -> None:
    plant = tank("2026-01-06T00:00", compute_w=200)
    plant.run("2026-01-06T02:30")
    assert plant.backup_s == 0
    plant.run("2026-01-06T05:00")
    assert done_on(plant.disinfection) == "2026-01-06"


def test_backup_alone() -> None:
    plant = tank("2026-01-06T00:00", means=BACKUP)
    plant.run("2026-01-06T05:00")
    assert done_on(plant.disinfection) == "2026-01-06"


def test_overdue_when_the_hours_have_passed_and_tried_again_each_day() -> None:
    plant = tank("2026-01-05T20:00", means=replace(BOTH, backup_w=100))
    plant.run("2026-01-06T04:59")
    assert plant.disinfection.running
    assert not plant.disinfection.overdue
    plant.run("2026-01-06T05:02")
    what = plant.disinfection
    assert (what.running, what.overdue, what.done_at) == (False, True, None)
    plant.means = BOTH
    plant.temperature_c = 45
    plant.run("2026-01-07T01:02")
    assert what.running
    plant.run("2026-01-07T05:02")
    assert done_on(what) == "2026-01-07"
    assert not what.overdue


def test_impossible_is_told_at_once_and_never_done() -> None:
    plant = tank("2026-01-05T20:00", means=COMPUTE)
    plant.step()
    what = plant.disinfection
    assert (what.impossible, what.overdue) == (True, False)
    plant.run("2026-01-06T05:02")
    assert (what.impossible, what.overdue, what.done_at) == (True, True, None)
    assert 56 < plant.highest_c < 57.5, "but compute has done what it can"
    plant.means = BOTH
    plant.step()
    assert not what.impossible


def test_possible_for_hot_compute_alone() -> None:
    hot = HeatMeans(compute_to_c=67, compute_most_c=67)
    plant = tank("2026-01-05T20:00", means=hot)
    plant.run("2026-01-06T05:00")
    assert not plant.disinfection.impossible
    assert done_on(plant.disinfection) == "2026-01-06"
    assert plant.highest_c < 63


def test_heat_from_elsewhere_counts() -> None:
    plant = tank("2026-01-05T12:00", means=HeatMeans())
    plant.step()
    assert plant.disinfection.impossible
    for _ in range(62):
        plant.temperature_c = 61
        plant.step()
    assert done_on(plant.disinfection) == "2026-01-05"
    assert not plant.disinfection.impossible
    plant.run("2026-01-12T00:58")
    assert not plant.disinfection.impossible
    plant.run("2026-01-12T01:02")
    assert plant.disinfection.impossible
    assert not plant.disinfection.overdue
    plant.run("2026-01-12T05:02")
    assert plant.disinfection.overdue


def follow(
    temperatures: Iterator[float | None], step_s: float = 60, hold_s: float = 600
) -> Disinfection:
    """Show a schedule one temperature after the other."""
    what = Disinfection(replace(WEEKLY, hold_s=hold_s), BERLIN)
    now = berlin("2026-01-06T01:00")
    for index, temperature in enumerate(temperatures):
        time_s = index * step_s
        what.update(
            now + timedelta(seconds=time_s),
            time_s,
            temperature,
            HeatMeans(),
            capacity_kwh_per_k=None,
            enabled=True,
        )
    return what


@pytest.mark.parametrize("broken", [59.9, None, nan])
def test_any_break_begins_anew(broken: float | None) -> None:
    assert follow(iter([60.0] * 11)).done_at is not None
    assert follow(iter([60.0] * 10)).done_at is None
    assert follow(iter([*[60.0] * 10, broken, *[60.0] * 10])).done_at is None
    assert follow(iter([*[60.0] * 10, broken, *[60.0] * 11])).done_at is not None


def test_a_tank_that_stays_hot_is_never_overdue() -> None:
    plant = tank("2026-01-05T20:00", replace(WEEKLY, every_days=1), means=HeatMeans())
    while plant.now < berlin("2026-01-20T12:00"):
        plant.temperature_c = 62
        plant.step()
        assert not plant.disinfection.overdue


def test_what_nobody_watched_does_not_count() -> None:
    assert follow(iter([61.0] * 10), step_s=301).done_at is None
    assert follow(iter([61.0] * 10), step_s=300).done_at is not None


def test_nothing_runs_while_the_tank_is_off() -> None:
    plant = tank("2026-01-05T20:00", enabled=False)
    plant.run("2026-01-06T05:02")
    assert plant.highest_c < 50.1
    assert plant.disinfection.overdue


def test_no_backup_heats_blindly() -> None:
    what = follow(iter([None]))
    what.update(
        berlin("2026-01-06T04:00"), 60, None, BACKUP, capacity_kwh_per_k=None, enabled=True
    )  # fmt: skip
    assert what.running
    assert not what.needs_backup


def test_memory_survives_a_restart() -> None:
    before = tank("2026-01-05T20:00")
    before.run("2026-01-06T12:00")
    assert done_on(before.disinfection) == "2026-01-06"
    stored = json.loads(json.dumps(before.disinfection.memory))
    after = Disinfection(WEEKLY, BERLIN)
    after.restore(stored)
    assert after.done_at == before.disinfection.done_at is not None
    plant = Tank(after, berlin("2026-01-10T00:00"))
    plant.run("2026-01-10T03:00")
    assert not plant.disinfection.running


def test_hours_missed_while_nobody_ran_are_overdue() -> None:
    before = tank("2026-01-05T20:00")
    before.run("2026-01-05T21:00")
    after = Disinfection(WEEKLY, BERLIN)
    after.restore(before.disinfection.memory)
    plant = Tank(after, berlin("2026-01-06T08:00"))
    plant.step()
    assert after.overdue


@pytest.mark.parametrize(
    "memory",
    [{}, {"done_at": 7}, {"done_at": "soon"}, {"done_at": "2026-01-05T10:00"}, {"since": []}],
)  # fmt: skip
def test_broken_memory_is_no_memory(memory: dict[str, object]) -> None:
    what = Disinfection(WEEKLY, BERLIN)
    what.restore(memory)
    assert what.memory == {"since": None, "done_at": None}


def test_a_clock_that_was_wrong_is_not_believed() -> None:
    what = Disinfection(WEEKLY, BERLIN)
    what.restore({"done_at": "2036-01-01T00:00:00+00:00"})
    plant = Tank(what, berlin("2026-01-06T00:00"))
    plant.run("2026-01-06T01:02")
    assert what.running


def test_not_overdue_before_it_had_all_its_hours() -> None:
    """Switched on at three o'clock, it runs, but has until tomorrow."""
    plant = tank("2026-01-06T03:30", means=replace(BOTH, backup_w=500))
    plant.run("2026-01-06T05:30")
    assert plant.backup_s > 0
    assert not plant.disinfection.overdue


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_when_the_clocks_change(day: str) -> None:
    plant = tank(f"{day}T00:00")
    plant.run(f"{day}T06:30")
    assert done_on(plant.disinfection) == day
    assert not plant.disinfection.overdue


hours = st.integers(0, 47).map(lambda half: time(half // 2, 30 * (half % 2)))


@given(
    temperatures=st.lists(
        st.none() | st.floats(40, 70) | st.just(nan), min_size=1, max_size=80
    ),
    gaps_s=st.lists(
        st.sampled_from([5.0, 60.0, 300.0, 301.0, 3600.0, 40_000.0]), min_size=80, max_size=80
    ),
    means=st.sampled_from([BOTH, COMPUTE, BACKUP, HeatMeans()]),
    capacity=st.none() | st.floats(0.01, 5),
    settings=st.builds(
        DisinfectionSettings,
        every_days=st.integers(1, 30),
        window_start=hours,
        window_end=hours,
        temperature_c=st.floats(50, 70),
        hold_s=st.floats(60, 7200),
    ),
    jump_s=st.sampled_from([0.0, 0.0, -7200.0, 7200.0]),
)  # fmt: skip
def test_never_done_without_having_been_hot_for_so_long(
    temperatures: list[float | None],
    gaps_s: list[float],
    means: HeatMeans,
    capacity: float | None,
    settings: DisinfectionSettings,
    jump_s: float,
) -> None:
    """Whatever sensors and clocks do; and nothing heats outside its hours."""
    what = Disinfection(settings, BERLIN)
    now, time_s, hot_s = datetime(2026, 3, 28, 12, tzinfo=UTC), 0.0, 0.0
    was_hot = False
    for index, (temperature, gap_s) in enumerate(
        zip(temperatures, gaps_s, strict=False)
    ):
        before = what.done_at
        what.update(
            now, time_s, temperature, means, capacity_kwh_per_k=capacity, enabled=True
        )
        hot = temperature is not None and temperature >= settings.temperature_c
        gap_before_s = gaps_s[index - 1]
        counts = hot and was_hot and gap_before_s <= 300
        hot_s = hot_s + gap_before_s if counts else 0.0
        was_hot = hot
        if what.done_at is not None and what.done_at != before:
            assert hot_s >= settings.hold_s
        if what.needs_backup:
            assert what.running
            assert means.backup_w > 0
            assert temperature is not None
            assert temperature < settings.temperature_c + 2
        if what.raise_to_c is not None:
            assert what.running
            assert what.raise_to_c <= settings.temperature_c + 2
        if means == HeatMeans() and what.done_at is None:
            assert what.impossible
        now += timedelta(seconds=gap_s + (jump_s if index == 40 else 0))
        time_s += gap_s

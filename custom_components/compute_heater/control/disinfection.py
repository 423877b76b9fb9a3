"""Thermal disinfection of one hot-water tank: when it is due, and whether it is done."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from math import isfinite

from .clock import Clock
from .daily_window import DailyWindow, Occurrence

LIFT_K = 2.0
"""Heated so far above the temperature, so that it lasts."""
AGAIN_K = 0.5
"""A backup helps again when it is no more than this above it."""
SETTLED_K = 0.5
"""So close to the most that compute can do, it is done."""
LONGEST_GAP_S = 300.0
"""Nobody knows how hot the tank was in a longer gap."""
MARGIN = timedelta(minutes=15)
SLOWER = 1.2
"""A backup is taken for slower than it says by this factor."""
CLOCK_ERROR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class DisinfectionSettings:
    """A schedule, as its owner set it."""

    every_days: int
    window_start: time
    """On people's clock."""
    window_end: time
    temperature_c: float = 60.0
    hold_s: float = 3600.0
    """Without a break."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatMeans:
    """What could heat the tank."""

    compute_to_c: float | None = None
    """Tank temperature that heaters can reach now; None: none of them may heat."""
    compute_most_c: float | None = None
    """Likewise, of all heaters that there are."""
    backup_w: float = 0.0
    """Of the backups that can be hot enough."""


class Disinfection:
    """Follows the schedule of one tank; only what its sensors saw counts as done."""

    def __init__(self, settings: DisinfectionSettings, time_zone: tzinfo) -> None:
        """Begin with a tank that was never disinfected, as far as anybody knows."""
        self.settings = settings
        self.done_at: datetime | None = None
        self.running = False
        """It is due, and its hours have come."""
        self.raise_to_c: float | None = None
        """Compute shall heat the tank to here."""
        self.needs_backup = False
        """A backup shall heat the tank."""
        self.overdue = False
        """The hours in which it was due have passed without it."""
        self.impossible = False
        """It is due or was never done, and nothing here can do it."""
        self._since: datetime | None = None
        self._window = DailyWindow(
            settings.window_start, settings.window_end, time_zone
        )
        self._clock = Clock()
        self._was_hot = False
        self._held_s = 0.0
        self._counted = False
        self._finishing = False

    def update(
        self,
        now: datetime,
        time_s: float,
        temperature_c: float | None,
        means: HeatMeans,
        *,
        capacity_kwh_per_k: float | None,
        enabled: bool,
    ) -> None:
        """Follow the tank; ``time_s`` is a monotonic time in seconds.

        ``temperature_c`` is that of the coldest place that must get hot; None where it
        is not known. Nothing runs while the tank is not ``enabled``.
        """
        if temperature_c is not None and not isfinite(temperature_c):
            temperature_c = None
        self._check_clock(now)
        self._watch(now, time_s, temperature_c)
        due = self._due(now)
        self.overdue = now >= due.end
        able = means.backup_w > 0 or (
            means.compute_most_c is not None
            and means.compute_most_c >= self.settings.temperature_c
        )
        self.impossible = not able and (self.done_at is None or now >= due.start)
        occurrence = self._window.at(now)
        self.running = (
            enabled
            and occurrence is not None
            and (self.done_at is None or occurrence.day >= due.day)
        )
        if occurrence is None or not self.running:
            self.raise_to_c, self.needs_backup, self._finishing = None, False, False
            return
        heat_to_c = self.settings.temperature_c + LIFT_K
        self.raise_to_c = (
            None if means.compute_to_c is None else min(means.compute_to_c, heat_to_c)
        )
        self.needs_backup = (
            temperature_c is not None
            and means.backup_w > 0
            and self._backup_helps(
                temperature_c,
                left=occurrence.end - now,
                duration=self._duration(
                    heat_to_c - temperature_c, means.backup_w, capacity_kwh_per_k
                ),
            )
        )

    def _check_clock(self, now: datetime) -> None:
        """Forget what a clock that was wrong has noted."""
        if self._since is None or self._since > now:
            self._since = now
        if self.done_at is not None and self.done_at > now + CLOCK_ERROR:
            self.done_at = None

    def _watch(self, now: datetime, time_s: float, temperature_c: float | None) -> None:
        """Note how long the tank has been hot without a break."""
        elapsed_s = self._clock.elapsed_s(time_s)
        hot = temperature_c is not None and temperature_c >= self.settings.temperature_c
        if hot and self._was_hot and elapsed_s <= LONGEST_GAP_S:
            self._held_s += elapsed_s
        else:
            self._held_s, self._counted = 0.0, False
        self._was_hot = hot
        if self._held_s < self.settings.hold_s:
            return
        # A tank that stays hot is done again only when that is due, for the next time
        # is counted from the day on which it was heated.
        if not self._counted or now >= self._due(now).start:
            self.done_at = now
            self._counted = True

    def _due(self, now: datetime) -> Occurrence:
        """Return the hours in which it must be done next, or should have been."""
        window = self._window
        if self.done_at is None:
            since = self._since or now
            first = window.on(window.local_day(since))
            if first.start >= since:
                return first
            return window.on(first.day + timedelta(days=1))
        within = window.at(self.done_at)
        day: date = within.day if within else window.local_day(self.done_at)
        return window.on(day + timedelta(days=self.settings.every_days))

    def _duration(
        self, rise_k: float, backup_w: float, capacity_kwh_per_k: float | None
    ) -> timedelta:
        """Return how long a backup takes from here to the end."""
        hold = timedelta(seconds=self.settings.hold_s) + MARGIN
        if capacity_kwh_per_k is None:
            return max(hold, self._window.length / 2)
        hours = capacity_kwh_per_k * max(rise_k, 0.0) / (backup_w / 1000) * SLOWER
        return hold + timedelta(hours=min(hours, 24.0))

    def _backup_helps(
        self, temperature_c: float, *, left: timedelta, duration: timedelta
    ) -> bool:
        raise_to_c = self.raise_to_c
        if raise_to_c is None or temperature_c >= raise_to_c - SETTLED_K:
            self._finishing = True
        if left <= duration:
            self._finishing = True
        above_k = LIFT_K if self.needs_backup else AGAIN_K
        return self._finishing and temperature_c < self.settings.temperature_c + above_k

    @property
    def memory(self) -> dict[str, object]:
        """What must survive a restart, JSON-serialisable."""
        return {
            "since": self._since.isoformat() if self._since else None,
            "done_at": self.done_at.isoformat() if self.done_at else None,
        }

    def restore(self, memory: Mapping[str, object]) -> None:
        """Take over a stored memory; broken parts are ignored."""
        self._since = _moment(memory.get("since"))
        self.done_at = _moment(memory.get("done_at"))


def _moment(stored: object) -> datetime | None:
    """Return a stored time in UTC; None if it is none."""
    if not isinstance(stored, str):
        return None
    try:
        moment = datetime.fromisoformat(stored)
    except ValueError:
        return None
    return None if moment.tzinfo is None else moment.astimezone(UTC)

"""When people draw hot water: a profile learned from their own past days."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import pairwise
from math import exp2, isfinite

KWH_PER_PERSON_DAY = 1.85
SLOTS = 96
QUARTER = timedelta(minutes=15)
KEPT_DAYS = 35
HALF_LIFE_DAYS = 10.0
OTHER_TYPE = 0.3
"""What a workday says of a weekend, and the other way round."""
PRIOR_DAYS = 0.5
"""How many days the prior counts as."""
PRIOR_SPREAD = (0.3, 0.6, 0.9, 1.2, 2.0)
"""Days of the prior, against their mean."""
SHIFTS = (-1, 0, 1)
"""Quarters by which a habit may come earlier or later tomorrow."""
MOST_KW = 1000.0
"""More is no draw-off of any house but a fault of a meter or of a clock."""
HOURLY_SHARE = (
    *(1, 1, 1, 1, 1, 3, 10, 11, 6, 4, 3, 3),
    *(4, 3, 2, 2, 3, 5, 8, 9, 8, 6, 4, 2),
)
"""Of the prior, for each hour of the day."""

type Day = list[float | None]


class DrawOffProfile:
    """Heat drawn in kWh for each quarter of an hour of workdays and of weekends."""

    def __init__(self, kwh_per_day: float, zone: tzinfo) -> None:
        """Expect ``kwh_per_day`` until it is learned; ``zone`` is where people live."""
        self._zone = zone
        total = sum(HOURLY_SHARE)
        self._prior = [
            kwh_per_day * HOURLY_SHARE[k // 4] / total / 4 for k in range(SLOTS)
        ]
        self._days: dict[date, Day] = {}
        self._latest: date | None = None
        self._means: dict[bool, list[float]] = {}
        self._axis: dict[date, int] = {}
        """Where each day begins in ``_drawn``."""
        self._drawn: list[float] = []
        """All that was drawn until each slot, over all days."""

    @property
    def days(self) -> float:
        """How many days have been seen, in parts of them too."""
        return sum(
            sum(value is not None for value in day) / SLOTS
            for day in self._days.values()
        )

    def record(self, start: datetime, hours: float, kwh: float) -> None:
        """Note that so much was drawn in an interval; nonsense is ignored."""
        if not 0 < hours <= 1 or not isfinite(kwh) or kwh > MOST_KW * hours:
            return
        for day, slot, share in _slots(start, hours, self._zone):
            slots = self._days.setdefault(day, [None] * SLOTS)
            slots[slot] = (slots[slot] or 0.0) + max(kwh, 0.0) * share
            self._latest = day
        self._forget()

    def _forget(self) -> None:
        """Drop days that are far away: old, or noted while the clock was wrong."""
        while len(self._days) > KEPT_DAYS:
            del self._days[max(self._days, key=self._distance)]
        self._means.clear()
        self._axis.clear()
        self._drawn.clear()

    def _distance(self, day: date) -> int:
        return 0 if self._latest is None else abs((self._latest - day).days)

    def expected(self, start: datetime, hours: float) -> float:
        """Return the heat in kWh that will probably be drawn."""
        return sum(
            self._mean(day)[slot] * share * hours / 0.25
            for day, slot, share in _slots(start, hours, self._zone)
        )

    def quantile(self, start: datetime, hours: float, q: float) -> float:
        """Return the heat in kWh that is not exceeded with probability ``q`` (0…1)."""
        slots = list(_slots(start, hours, self._zone))
        if not slots:
            return 0.0
        first_day = slots[0][0]
        weekend = _is_weekend(first_day)
        begin = float(slots[0][1])
        length = max(hours * 4, 1e-9)
        expected_prior = sum(
            self._prior[slot] * share * length for _, slot, share in slots
        )
        samples = [
            (factor * expected_prior, PRIOR_DAYS / len(PRIOR_SPREAD))
            for factor in PRIOR_SPREAD
        ]
        # An interval within a slot is part of what is drawn in all of it.
        begin += _offset(start.astimezone(self._zone))
        drawn, axis = self._lay_out()
        for day, base in axis.items():
            weight = self._weight(day, weekend=weekend) / len(SHIFTS)
            for shift in SHIFTS:
                first = base + begin + shift
                kwh = _at(drawn, first + length) - _at(drawn, first)
                samples.append((kwh, weight))
        return _weighted_quantile(samples, q)

    def _mean(self, day: date) -> list[float]:
        return self._mean_of(weekend=_is_weekend(day))

    def _mean_of(self, *, weekend: bool) -> list[float]:
        if (found := self._means.get(weekend)) is None:
            found = self._means[weekend] = self._averaged(weekend=weekend)
        return found

    def _averaged(self, *, weekend: bool) -> list[float]:
        totals = [PRIOR_DAYS * value for value in self._prior]
        weights = [PRIOR_DAYS] * SLOTS
        for day, slots in self._days.items():
            weight = self._weight(day, weekend=weekend)
            for slot, value in enumerate(slots):
                if value is not None:
                    totals[slot] += weight * value
                    weights[slot] += weight
        means = [total / weight for total, weight in zip(totals, weights, strict=True)]
        # Habits are not on the minute.
        return [
            0.25 * means[slot - 1]
            + 0.5 * means[slot]
            + 0.25 * means[(slot + 1) % SLOTS]
            for slot in range(SLOTS)
        ]

    def _weight(self, day: date, *, weekend: bool) -> float:
        age = exp2(-self._distance(day) / HALF_LIFE_DAYS)
        return age * (1.0 if _is_weekend(day) == weekend else OTHER_TYPE)

    def _lay_out(self) -> tuple[list[float], dict[date, int]]:
        """Return what was drawn until each slot of all days, and where each begins.

        What is not known counts as usual; so does what is before and after.
        """
        if not self._drawn:
            self._drawn.append(0.0)
            following: date | None = None
            for day in sorted(self._days):
                if day != following:
                    self._append([None] * SLOTS, day)
                self._axis[day] = len(self._drawn) - 1
                self._append(self._days[day], day)
                following = day + timedelta(days=1)
            for _ in range(3):
                self._append([None] * SLOTS, following or date.min)
        return self._drawn, self._axis

    def _append(self, slots: Day, day: date) -> None:
        total = self._drawn[-1]
        for value, usual in zip(slots, self._mean(day), strict=True):
            total += usual if value is None else value
            self._drawn.append(total)

    @property
    def memory(self) -> dict[str, object]:
        """What must survive a restart, JSON-serialisable."""
        return {
            "days": {
                day.isoformat(): [
                    None if value is None else round(value, 4) for value in slots
                ]
                for day, slots in self._days.items()
            }
        }

    def restore(self, memory: Mapping[str, object]) -> None:
        """Take over a stored memory; broken parts are ignored."""
        stored = memory.get("days")
        if not isinstance(stored, Mapping):
            return
        for name, slots in stored.items():
            if (day := _day(name)) is None or not isinstance(slots, list):
                continue
            if len(slots) == SLOTS:
                self._days[day] = [_drawn(value) for value in slots]
        self._latest = max(self._days, default=None)
        self._forget()


def _slots(
    start: datetime, hours: float, zone: tzinfo
) -> Iterator[tuple[date, int, float]]:
    """Yield local day and slot of each part of an interval, and its share of it."""
    time = start.astimezone(UTC)
    end = time + timedelta(hours=hours)
    total_s = (end - time).total_seconds()
    while time < end:
        local = time.astimezone(zone)
        slot = (local.hour * 60 + local.minute) // 15
        into_s = (local.minute % 15) * 60 + local.second + local.microsecond / 1e6
        until = min(time + QUARTER - timedelta(seconds=into_s), end)
        yield local.date(), slot, (until - time).total_seconds() / total_s
        time = until


def _offset(local: datetime) -> float:
    return ((local.minute % 15) * 60 + local.second) / 900


def _is_weekend(day: date) -> bool:
    return day.weekday() >= 5


def _at(sums: list[float], slot: float) -> float:
    slot = min(max(slot, 0.0), len(sums) - 1.0)
    index = int(slot)
    rest = slot - index
    return sums[index] + (rest * (sums[index + 1] - sums[index]) if rest else 0.0)


def _weighted_quantile(samples: list[tuple[float, float]], q: float) -> float:
    samples.sort()
    total = sum(weight for _, weight in samples)
    wanted, passed = min(max(q, 0.0), 1.0) * total, 0.0
    for (value, weight), (following, _) in pairwise(samples):
        passed += weight
        if passed >= wanted:
            # Half way between two samples the step is taken.
            return value if passed > wanted else (value + following) / 2
    return samples[-1][0]


def _day(name: object) -> date | None:
    if not isinstance(name, str):
        return None
    try:
        return date.fromisoformat(name)
    except ValueError:
        return None


def _drawn(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= MOST_KW * 0.25 else None

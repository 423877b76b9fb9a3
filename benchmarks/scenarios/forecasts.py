"""What a house can know at a time: forecasts with errors, prices until tomorrow."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time, timedelta
import math
import random

from custom_components.compute_heater.control.series import Piece, Series

from .control import Forecasts
from .data import COLD_WATER_C, KWH_PER_L_K, QUARTER, TAP_C, ZONE, Year
from .scenario import FEED_IN_PER_KWH, Scenario

HORIZON = timedelta(hours=48)
HOUR = timedelta(hours=1)
PRICES_OUT = time(13)
"""From then on tomorrow's prices are known."""
OUTDOOR_K = (0.3, 2.0)
"""Standard deviation of the outdoor forecast now and two days ahead."""
SUN_SHARE = (0.10, 0.40)
"""The same for the logarithm of the light."""
COMMON = 0.9
"""How much of an error stays from one issue of the forecast to the next."""
PERIODS_H = (7.0, 19.0, 43.0)


class _Error:
    """A smooth error of every future hour, which grows with the lead time."""

    def __init__(self, name: str, seed: int, growth: tuple[float, float]) -> None:
        source = random.Random(f"{name} {seed}")
        self._name, self._seed = name, seed
        self._growth = growth
        self._phases = [source.uniform(0, math.tau) for _ in PERIODS_H]

    def at(self, issued: datetime, time: datetime) -> float:
        """Return the error that a forecast issued then makes for a time."""
        lead = max(0.0, (time - issued) / HORIZON)
        hour = time.timestamp() / 3600
        common = sum(
            math.sin(math.tau * hour / period + phase)
            for period, phase in zip(PERIODS_H, self._phases, strict=True)
        ) / math.sqrt(len(PERIODS_H) / 2)
        own = random.Random(f"{self._name} {self._seed} {issued.timestamp()}").gauss()
        small, great = self._growth
        size = small + (great - small) * math.sqrt(min(lead, 1.0))
        return size * (COMMON * common + math.sqrt(1 - COMMON**2) * own)


class Knowledge:
    """Forecasts of one scenario; every hour the weather services issue new ones."""

    def __init__(
        self, scenario: Scenario, year: Year, *, perfect: bool, seed: int = 1
    ) -> None:
        """``perfect``: the future itself, and what will be drawn."""
        self._scenario, self._year, self._perfect = scenario, year, perfect
        self._outdoor = _Error("outdoor", seed, OUTDOOR_K)
        self._sun = _Error("sun", seed, SUN_SHARE)
        self._issued: datetime | None = None
        self._known = Forecasts()

    def at(self, now: datetime) -> Forecasts:
        """Return what is known at a time."""
        issued = now.replace(minute=0, second=0, microsecond=0)
        if issued != self._issued:
            self._issued = issued
            self._known = self._issue(issued)
        return self._known

    def _issue(self, now: datetime) -> Forecasts:
        scenario, year = self._scenario, self._year
        end = now + HORIZON + HOUR
        step = QUARTER if self._perfect else HOUR

        def series(value: Callable[[datetime], float], until: datetime = end) -> Series:
            return Series.of(
                Piece(start, start + step, value(start))
                for start in _starts(now, until, step)
            )

        def light(values: Callable[[datetime], float]) -> Callable[[datetime], float]:
            if self._perfect:
                return values
            return lambda at: (
                _hour_mean(values, at)
                * math.exp(min(0.7, max(-1.5, self._sun.at(now, at))))
            )

        def outdoor(at: datetime) -> float:
            if self._perfect:
                return year.outdoor_c[year.index(at)]
            mean = _hour_mean(lambda time: year.outdoor_c[year.index(time)], at)
            return mean + self._outdoor.at(now, at)

        pv_w = light(lambda at: year.pv_w(at, scenario.pv_peak_kw))
        surplus = Series()
        if scenario.pv_peak_kw:
            surplus = series(lambda at: max(0.0, pv_w(at) - self._household_w(at)))
        constant = (Piece(now - HOUR, end, 0.0),)
        return Forecasts(
            price=self._prices(now, end),
            feed_in=_flat(constant, FEED_IN_PER_KWH),
            income_per_kwh=_flat(constant, scenario.income_per_kwh),
            outdoor_c=series(outdoor),
            global_w_m2=series(light(lambda at: year.global_w_m2[year.index(at)])),
            window_w_m2=series(light(lambda at: year.window_w_m2[year.index(at)])),
            surplus_w=surplus,
            draw_kwh_per_h=series(self._draw_kwh_per_h) if self._perfect else Series(),
        )

    def _prices(self, now: datetime, end: datetime) -> Series:
        if not self._perfect:
            local = now.astimezone(ZONE)
            days = 2 if local.time() >= PRICES_OUT else 1
            midnight = datetime.combine(local.date() + timedelta(days), time(), ZONE)
            end = midnight.astimezone(UTC)
        gap = self._scenario.price_gap
        if gap is not None and gap[0] <= now < gap[1] and not self._perfect:
            return Series()
        return Series.of(
            Piece(start, start + QUARTER, self._year.price(start))
            for start in _starts(now, end, QUARTER)
        )

    def _household_w(self, at: datetime) -> float:
        year = self._year
        if self._perfect:
            return year.household_w[year.clock_index(at)]
        # The mean of the last fortnight at that hour is what a house can know.
        past = [
            year.household_w[
                year.clock_index(at - timedelta(days=day, minutes=-15 * k))
            ]
            for day in range(3, 17)
            for k in range(4)
        ]
        return sum(past) / len(past)

    def _draw_kwh_per_h(self, at: datetime) -> float:
        lpm = self._year.draw_lpm[self._year.clock_index(at)]
        lpm *= self._scenario.draw_factor
        return lpm * 60 * KWH_PER_L_K * (TAP_C - COLD_WATER_C)


def _starts(start: datetime, end: datetime, step: timedelta) -> Iterator[datetime]:
    while start < end:
        yield start
        start += step


def _hour_mean(value: Callable[[datetime], float], start: datetime) -> float:
    return sum(value(start + k * QUARTER) for k in range(4)) / 4


def _flat(pieces: tuple[Piece, ...], value: float) -> Series:
    return Series.of(Piece(each.start, each.end, value) for each in pieces)

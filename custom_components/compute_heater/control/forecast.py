"""What is known of the hours to come, and what stands in for what is not known.

| Missing | In its place, first what is known |
|:--|:--|
| price | the same time yesterday, or up to a week ago; the mean of what is known; the price that is given as usual |
| feed-in price | the last that was known; what is given as usual |
| outdoor temperature | the same time yesterday, shifted to what is measured now; what is measured now; the last that was measured; 5 °C |
| sun | the same time yesterday, or up to a week ago; a sky as it is on average; none where the place is unknown |
| own surplus | none: nobody has promised any |
| limit of the grid | no limit |
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import isfinite

from .quarter import known
from .series import Series
from .sun import Place, usual_w_m2

QUARTER_S = 900
DAY_S = 86400
DAYS_BACK = 7
KEPT_S = DAYS_BACK * DAY_S
UNKNOWN_OUTDOOR_C = 5.0
SHIFT_FADES_H = 12.0
"""By then tomorrow is as yesterday was, however different today is now."""
REMEMBERED = ("price", "outdoor_c", "sun_w_m2")

type Bounds = Sequence[tuple[datetime, datetime]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteForecasts:
    """What is known of the hours to come; an empty series: nothing."""

    price: Series = field(default_factory=Series)
    """Of electricity from the grid, per kWh."""
    feed_in: Series = field(default_factory=Series)
    """What a kWh earns that is fed into the grid."""
    income_per_kwh: Series = field(default_factory=Series)
    """Earned by computing, per electricity."""
    outdoor_c: Series = field(default_factory=Series)
    sun_w_m2: Series = field(default_factory=Series)
    """On a vertical south window; `sun.py` gets there from other forecasts."""
    surplus_w: Series = field(default_factory=Series)
    """Own electricity that the rest of the house leaves."""
    grid_limit_w: Series = field(default_factory=Series)
    """The most that heaters and backups may draw from the grid."""
    draw_kw: Mapping[str, Series] = field(default_factory=dict)
    """Hot water of a sink that is known ahead; without it habits are learned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilledForecasts:
    """One value for every step, without a gap."""

    price: tuple[float, ...]
    feed_in: tuple[float, ...]
    outdoor_c: tuple[float, ...]
    sun_w_m2: tuple[float, ...]
    surplus_kw: tuple[float, ...]
    grid_limit_kw: tuple[float | None, ...]
    guessed: Mapping[str, float]
    """Of which forecasts something was missing, and in what share of the time."""


class ForecastMemory:
    """Remembers what was, for the hours that nobody forecasts."""

    def __init__(self, place: Place | None = None) -> None:
        """``place`` is where the sun shines, if that is known."""
        self._place = place
        self._past: dict[str, dict[int, float]] = {name: {} for name in REMEMBERED}
        self._feed_in: float | None = None
        self._outdoor_c: float | None = None
        """The last that was measured."""

    def observe(
        self,
        now: datetime,
        forecasts: SiteForecasts,
        *,
        outdoor_c: float | None = None,
        sun_w_m2: float | None = None,
    ) -> None:
        """Note what holds now; measured values say more than forecasts."""
        measured = known(outdoor_c)
        if measured is not None:
            self._outdoor_c = measured
        values = {
            "price": forecasts.price.at(now),
            "outdoor_c": forecasts.outdoor_c.at(now) if measured is None else measured,
            "sun_w_m2": forecasts.sun_w_m2.at(now)
            if known(sun_w_m2) is None
            else sun_w_m2,
        }
        slot = _slot(now)
        for name, value in values.items():
            past = self._past[name]
            if value is not None and past.get(slot) != value:
                past[slot] = value
                _trim(past, slot)
        feed_in = forecasts.feed_in.at(now)
        if feed_in is not None:
            self._feed_in = feed_in

    def usual_sun_w_m2(self, time: datetime) -> float | None:
        """Return the sun under an average sky; None where the place is unknown."""
        return None if self._place is None else usual_w_m2(self._place, time)

    def filled(
        self,
        forecasts: SiteForecasts,
        bounds: Bounds,
        *,
        price: float,
        feed_in: float = 0.0,
    ) -> FilledForecasts:
        """Return a value for each step from begin to end; the numbers are the usual ones."""
        guessed: dict[str, float] = {}
        known_prices = [piece.value for piece in forecasts.price.pieces]
        known_prices = known_prices or list(self._past["price"].values())
        usual_price = price
        if known_prices:
            usual_price = sum(known_prices) / len(known_prices)

        def each(name: str, series: Series) -> list[float | None]:
            values = [series.mean(begin, end) for begin, end in bounds]
            missing = sum(value is None for value in values)
            if missing:
                guessed[name] = missing / len(values)
            return values

        def with_past(
            name: str, series: Series, default: Callable[[datetime], float]
        ) -> tuple[float, ...]:
            found = []
            for value, (begin, end) in zip(each(name, series), bounds, strict=True):
                if value is None:
                    value = self._before(name, begin, end)
                if value is None:
                    value = default(begin + (end - begin) / 2)
                found.append(value)
            return tuple(found)

        def with_default(
            name: str, series: Series, default: float
        ) -> tuple[float, ...]:
            return tuple(_or(value, default) for value in each(name, series))

        return FilledForecasts(
            price=with_past("price", forecasts.price, lambda _: usual_price),
            feed_in=with_default(
                "feed_in", forecasts.feed_in, _or(self._feed_in, feed_in)
            ),
            outdoor_c=self._outdoor(each("outdoor_c", forecasts.outdoor_c), bounds),
            sun_w_m2=with_past(
                "sun_w_m2",
                forecasts.sun_w_m2,
                lambda time: self.usual_sun_w_m2(time) or 0.0,
            ),
            surplus_kw=tuple(
                max(value, 0.0) / 1000
                for value in with_default("surplus_w", forecasts.surplus_w, 0.0)
            ),
            grid_limit_kw=tuple(
                None if value is None else max(value, 0.0) / 1000
                for value in (
                    forecasts.grid_limit_w.mean(begin, end) for begin, end in bounds
                )
            ),
            guessed=guessed,
        )

    def _outdoor(
        self, values: Sequence[float | None], bounds: Bounds
    ) -> tuple[float, ...]:
        if not bounds:
            return ()
        start = bounds[0][0]
        past = self._past["outdoor_c"]
        before = self._before("outdoor_c", start, start + timedelta(minutes=15))
        now = past.get(_slot(start), self._outdoor_c)
        shift = 0.0 if before is None or now is None else now - before
        found = []
        for value, (begin, end) in zip(values, bounds, strict=True):
            if value is None:
                value = self._before("outdoor_c", begin, end)
                ahead_h = (begin - start).total_seconds() / 3600
                if value is None:
                    value = _or(now, UNKNOWN_OUTDOOR_C)
                else:
                    value += shift * max(1 - ahead_h / SHIFT_FADES_H, 0.0)
            found.append(value)
        return tuple(found)

    def _before(self, name: str, begin: datetime, end: datetime) -> float | None:
        """Return the mean at the same time of the latest day that is known."""
        past = self._past[name]
        first, last = _slot(begin), max(_slot(end - timedelta(seconds=1)), _slot(begin))
        for day in range(1, DAYS_BACK + 2):
            back = day * DAY_S // QUARTER_S
            values = [
                past[slot - back]
                for slot in range(first, last + 1)
                if slot - back in past
            ]
            if values:
                return sum(values) / len(values)
        return None

    @property
    def memory(self) -> dict[str, object]:
        """What must survive a restart, JSON-serialisable."""
        return {
            "past": {
                name: [[slot, round(value, 4)] for slot, value in past.items()]
                for name, past in self._past.items()
            },
            "feed_in": self._feed_in,
            "outdoor_c": self._outdoor_c,
        }

    def restore(self, memory: Mapping[str, object]) -> None:
        """Take over a stored memory; broken parts are ignored."""
        stored = memory.get("past")
        if isinstance(stored, Mapping):
            for name, past in self._past.items():
                if isinstance(pairs := stored.get(name), list):
                    past.update(pair for each in pairs if (pair := _pair(each)))
                    if past:
                        _trim(past, max(past))
        if (feed_in := _number(memory.get("feed_in"))) is not None:
            self._feed_in = feed_in
        if (outdoor_c := _number(memory.get("outdoor_c"))) is not None:
            self._outdoor_c = outdoor_c


def _slot(time: datetime) -> int:
    return int(time.astimezone(UTC).timestamp() // QUARTER_S)


def _trim(past: dict[int, float], newest: int) -> None:
    """Drop what is too old, and what was noted while the clock was ahead."""
    oldest = newest - KEPT_S // QUARTER_S
    for slot in [slot for slot in past if not oldest <= slot <= newest]:
        del past[slot]


def _or(value: float | None, default: float) -> float:
    return default if value is None else value


def _pair(stored: object) -> tuple[int, float] | None:
    if not isinstance(stored, list) or len(stored) != 2:
        return None
    slot, value = stored
    number = _number(value)
    if isinstance(slot, bool) or not isinstance(slot, int) or number is None:
        return None
    return slot, number


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if isfinite(value) else None

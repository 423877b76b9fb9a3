"""What electricity costs in the hours to come, by the entities of its owner."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from itertools import pairwise
from typing import Any, Self

from homeassistant.const import (
    ATTR_UNIT_OF_MEASUREMENT,
    STATE_UNAVAILABLE,
    STATE_UNKNOWN,
)
from homeassistant.core import HomeAssistant, State
from homeassistant.util import dt as dt_util

from ..const import (
    CONF_END,
    CONF_PRICE,
    CONF_PRICE_ENTITIES,
    CONF_PRICE_WINDOWS,
    CONF_START,
    CONF_SURCHARGE,
    CONF_TAX,
    CONF_WEEKDAYS,
    LOGGER,
)
from ..control.series import Piece, Series
from ..control.tariff import (
    TariffError,
    Window,
    from_attributes,
    time_of_use,
    unit_factor,
)
from ..sources import number
from .price_actions import price_action

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAYS_AHEAD = 3
_HOUR = timedelta(hours=1)


def series_of(state: State, now: datetime) -> Series:
    """Return the list of prices per kWh that a state holds; empty if it holds none.

    Raises TariffError for a unit in which no price of energy is given.
    """
    return from_attributes(
        state.attributes,
        unit=state.attributes.get(ATTR_UNIT_OF_MEASUREMENT),
        zone=dt_util.get_default_time_zone(),
        now=now,
    )


def price_now(state: State) -> float | None:
    """Return the price per kWh that a state is; None if it is no number.

    Raises TariffError for a unit in which no price of energy is given.
    """
    value = number(state)
    factor = unit_factor(state.attributes.get(ATTR_UNIT_OF_MEASUREMENT))
    return None if value is None else value * factor


def series_or_now(state: State | None, now: datetime, lasts: timedelta) -> Series:
    """Return the list of prices of a state, or else its number for some time."""
    if state is None:
        return Series()
    try:
        if (found := series_of(state, now)).pieces:
            return found
        value = price_now(state)
    except TariffError:
        return Series()
    return Series() if value is None else Series.of([Piece(now, now + lasts, value)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """What the owner pays besides, or instead of, a price of the market."""

    tax: float
    """Part of the market's price, for instance 0.19."""
    surcharge: float
    """Per kWh, at times for which no window says otherwise."""
    price: float
    """Per kWh without a market; likewise."""
    windows: tuple[Window, ...]
    """With a market their price is a surcharge."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what the owner entered."""
        return cls(
            tax=data[CONF_TAX] / 100,
            surcharge=data[CONF_SURCHARGE],
            price=data[CONF_PRICE],
            windows=tuple(map(window, data.get(CONF_PRICE_WINDOWS, ()))),
        )

    def alone(self, now: datetime) -> Series:
        """Return the prices without a market, for some days from today on."""
        start = dt_util.start_of_local_day(now.astimezone(self._zone))
        return time_of_use(
            self.windows,
            self.price,
            zone=self._zone,
            start=start,
            end=start + timedelta(days=_DAYS_AHEAD),
        )

    def on(self, market: Series) -> Series:
        """Return what the owner pays for prices of the market."""
        if market.end is None:
            return market
        extra = time_of_use(
            self.windows,
            self.surcharge,
            zone=self._zone,
            start=market.pieces[0].start,
            end=market.end,
        )
        return Series.of(
            Piece(part.start, part.end, part.value * (1 + self.tax) + added)
            for part in _parts(market, extra)
            if (added := extra.at(part.start)) is not None
        )

    @property
    def _zone(self) -> tzinfo:
        return dt_util.get_default_time_zone()


def window(data: Mapping[str, Any]) -> Window:
    """Return a window of time as its owner entered it."""
    weekdays: Sequence[str] = data.get(CONF_WEEKDAYS) or WEEKDAYS
    return Window(
        start=time.fromisoformat(data[CONF_START]),
        end=time.fromisoformat(data[CONF_END]),
        per_kwh=float(data[CONF_PRICE]),
        weekdays=frozenset(map(WEEKDAYS.index, weekdays)),
    )


def _parts(series: Series, other: Series) -> Iterator[Piece]:
    """Cut the pieces of a series where another one changes."""
    cuts = [piece.start for piece in other.pieces]
    for piece in series.pieces:
        within = [cut for cut in cuts if piece.start < cut < piece.end]
        for start, end in pairwise([piece.start, *within, piece.end]):
            yield Piece(start, end, piece.value)


class Prices:
    """Reads, or asks for, the prices of a site."""

    def __init__(self, hass: HomeAssistant, data: Mapping[str, Any]) -> None:
        """Take entities and tariff from the site's options."""
        self._hass = hass
        self._tariff = Tariff.from_dict(data)
        self.entity_ids: Sequence[str] = data.get(CONF_PRICE_ENTITIES, ())
        self._shown: dict[str, Series] = {}
        self._asked: dict[str, Series] = {}
        self._failing: set[str] = set()
        self._series = Series()
        self._day: date | None = None

    def take(self, entity_id: str, state: State | None, now: datetime) -> None:
        """Note a change of one of the entities."""
        if state is None or state.state in (STATE_UNAVAILABLE, STATE_UNKNOWN):
            # What was known of the hours to come still holds.
            return
        try:
            found = series_of(state, now)
            if not found.pieces and price_action(self._hass, entity_id) is None:
                found = self._one(price_now(state), now)
        except TariffError as err:
            self._tell(entity_id, str(err))
            return
        if found.pieces:
            self._shown[entity_id] = found
            self._put_together()

    @staticmethod
    def _one(price: float | None, now: datetime) -> Series:
        """Return the price of this hour, which is all that is known."""
        hour = now.replace(minute=0, second=0, microsecond=0)
        return (
            Series() if price is None else Series.of([Piece(hour, hour + _HOUR, price)])
        )

    @property
    def has_to_ask(self) -> bool:
        """An integration tells its prices only when it is asked, and has not told any."""
        return any(
            entity_id not in self._asked and price_action(self._hass, entity_id)
            for entity_id in self.entity_ids
        )

    async def async_ask(self) -> None:
        """Ask the integrations whose entities show only the present price."""
        for entity_id in self.entity_ids:
            if (found := price_action(self._hass, entity_id)) is None:
                continue
            action, entity = found
            try:
                series = await action.async_ask(self._hass, entity, dt_util.now())
            except Exception as err:  # noqa: BLE001 - other integrations raise anything
                self._tell(entity_id, str(err))
                continue
            self._failing.discard(entity_id)
            if series.pieces:
                self._asked[entity_id] = series
                self._put_together()

    def _tell(self, entity_id: str, error: str) -> None:
        if entity_id not in self._failing:
            LOGGER.warning("No prices from %s: %s", entity_id, error)
        self._failing.add(entity_id)

    def _put_together(self) -> None:
        self._series = self._tariff.on(_joined([self._shown, self._asked]))

    def series(self, now: datetime) -> Series:
        """Return what the owner pays per kWh, as far as it is known."""
        if not self.entity_ids:
            day = now.astimezone(dt_util.get_default_time_zone()).date()
            if day != self._day:
                self._day, self._series = day, self._tariff.alone(now)
        return self._series


def _joined(groups: Iterable[Mapping[str, Series]]) -> Series:
    return Series.of(
        piece
        for group in groups
        for series in group.values()
        for piece in series.pieces
    )

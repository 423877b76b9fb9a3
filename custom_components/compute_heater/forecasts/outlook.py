"""Everything that a site may know of the hours to come."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import (
    Event,
    EventStateChangedData,
    EventStateReportedData,
    HomeAssistant,
    State,
    callback,
    split_entity_id,
)
from homeassistant.helpers.event import (
    async_track_state_change_event,
    async_track_state_report_event,
    async_track_time_interval,
)
from homeassistant.helpers.start import async_at_started
from homeassistant.util import dt as dt_util

from ..const import (
    CONF_COMPUTE,
    CONF_FEED_IN_ENTITY,
    CONF_GRID_LIMIT_ENTITY,
    CONF_GRID_POWER_ENTITY,
    CONF_INCOME_ENTITY,
    CONF_OUTDOOR_ENTITY,
    CONF_OWN_ELECTRICITY,
    CONF_PERSONS,
    CONF_PRICES,
    CONF_PV_FORECASTS,
    CONF_PV_POWER_ENTITY,
    CONF_WEATHER,
    CONF_WEATHER_ENTITY,
)
from ..control.forecast import SiteForecasts
from ..control.house_load import HouseLoad
from ..control.series import Piece, Series
from ..sources import Source, power, temperature
from .options import site_options
from .prices import Prices, series_or_now
from .solar import SolarForecasts
from .weather import Weather

_ASK_INTERVAL = timedelta(minutes=30)
_ASK_TIMEOUT_S = 120.0
_AHEAD = timedelta(days=2)
"""What is known of now only, and changes slowly, is taken for these days."""
_DIMMED = timedelta(hours=2)
"""So long the grid's operator may limit us at a time (§ 14a EnWG); a fixed limit stays."""
_FRESH = timedelta(seconds=30)


class Outlook:
    """Collects forecasts, prices and own electricity from entities and integrations."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        """Take the entities from the site's options; nothing runs before ``start``."""
        self._hass = hass
        self._entry = entry
        options = site_options(entry)
        weather, own = options[CONF_WEATHER], options[CONF_OWN_ELECTRICITY]
        self._prices = Prices(hass, options[CONF_PRICES])
        self._feed_in_id: str | None = options[CONF_PRICES].get(CONF_FEED_IN_ENTITY)
        self._income_id: str | None = options[CONF_COMPUTE].get(CONF_INCOME_ENTITY)
        self._weather = (
            Weather(hass, weather[CONF_WEATHER_ENTITY])
            if weather.get(CONF_WEATHER_ENTITY)
            else None
        )
        self._solar = SolarForecasts(hass, own.get(CONF_PV_FORECASTS, ()))
        self._house = HouseLoad(weather[CONF_PERSONS], dt_util.get_default_time_zone())

        def source(
            entity_id: str | None, parse: Callable[[State], float | None]
        ) -> Source | None:
            return Source(hass, entity_id, parse) if entity_id else None

        self._outdoor = source(weather.get(CONF_OUTDOOR_ENTITY), temperature)
        self._grid = source(own.get(CONF_GRID_POWER_ENTITY), power)
        self._pv = source(own.get(CONF_PV_POWER_ENTITY), power)
        self._limit = source(own.get(CONF_GRID_LIMIT_ENTITY), power)
        self._money: dict[str, Series] = {}
        """Feed-in price and income, by entity."""
        self._forecasts = SiteForecasts()
        self._made_at: datetime | None = None
        self._due: set[Prices | SolarForecasts | Weather] = set()
        self._is_due = asyncio.Event()
        self._unsubscribe: list[Callable[[], None]] = []
        self._asking: asyncio.Task[None] | None = None

    @property
    def _sources(self) -> list[Source]:
        found = (self._outdoor, self._grid, self._pv, self._limit)
        return [source for source in found if source is not None]

    @property
    def _money_ids(self) -> list[str]:
        return [each for each in (self._feed_in_id, self._income_id) if each]

    @property
    def entity_ids(self) -> list[str]:
        """Every entity that is read."""
        return [
            *self._prices.entity_ids,
            *self._money_ids,
            *([self._weather.entity_id] if self._weather else []),
            *(source.entity_id for source in self._sources),
        ]

    @callback
    def start(self) -> None:
        """Begin to listen and to ask."""
        for source in self._sources:
            source.begin()
        now = dt_util.utcnow()
        for entity_id in (*self._prices.entity_ids, *self._money_ids):
            self._take_money(entity_id, self._hass.states.get(entity_id), now)
        if watched := self.entity_ids:
            self._unsubscribe += [
                async_track_state_change_event(self._hass, watched, self._on_change),
                async_track_state_report_event(self._hass, watched, self._on_report),
            ]
        self._unsubscribe += [
            async_track_time_interval(self._hass, self._ask_all, _ASK_INTERVAL),
            # Who is to answer may be set up after us.
            async_at_started(self._hass, self._ask_all),
        ]
        self._asking = self._entry.async_create_background_task(
            self._hass, self._async_ask(), f"{self._entry.title} forecasts"
        )

    @callback
    def stop(self) -> None:
        """Listen and ask no more; may be called twice."""
        while self._unsubscribe:
            self._unsubscribe.pop()()
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None

    @callback
    def _ask_all(self, _: object) -> None:
        self._ask(self._prices, self._solar, self._weather)

    def _ask(self, *parts: Prices | SolarForecasts | Weather | None) -> None:
        self._due.update(part for part in parts if part is not None)
        self._is_due.set()

    async def _async_ask(self) -> None:
        while True:
            await self._is_due.wait()
            self._is_due.clear()
            due, self._due = self._due, set()
            await asyncio.gather(*map(self._async_in_time, due))
            self._made_at = None

    @staticmethod
    async def _async_in_time(part: Prices | SolarForecasts | Weather) -> None:
        try:
            async with asyncio.timeout(_ASK_TIMEOUT_S):
                await part.async_ask()
        except TimeoutError:
            # It is asked again; what is known still holds.
            return

    @callback
    def _on_change(self, event: Event[EventStateChangedData]) -> None:
        entity_id, state = event.data["entity_id"], event.data["new_state"]
        self._take(entity_id, state)
        if entity_id in (*self._prices.entity_ids, *self._money_ids):
            self._take_money(entity_id, state, dt_util.utcnow())
            if self._prices.has_to_ask:
                self._ask(self._prices)
        if self._weather and entity_id == self._weather.entity_id:
            self._ask(self._weather)

    @callback
    def _on_report(self, event: Event[EventStateReportedData]) -> None:
        self._take(event.data["entity_id"], event.data["new_state"])

    def _take(self, entity_id: str, state: State | None) -> None:
        for source in self._sources:
            if source.entity_id == entity_id:
                source.take(state)
                if source is self._limit:
                    self._made_at = None

    def _take_money(self, entity_id: str, state: State | None, now: datetime) -> None:
        if entity_id in self._prices.entity_ids:
            self._prices.take(entity_id, state, now)
        if (
            entity_id in self._money_ids
            and (found := series_or_now(state, now, _AHEAD)).pieces
        ):
            self._money[entity_id] = found
        self._made_at = None

    @callback
    def read(self, now: datetime, heaters_w: float | None) -> SiteForecasts:
        """Return what is known now. ``heaters_w`` is what the heaters draw."""
        self._house.observe(
            now,
            grid_w=_number(self._grid),
            pv_w=_number(self._pv),
            heaters_w=heaters_w,
        )
        if self._made_at is None or not timedelta() <= now - self._made_at < _FRESH:
            self._made_at = now
            self._forecasts = self._make(now)
        return self._forecasts

    def _make(self, now: datetime) -> SiteForecasts:
        weather = self._weather
        return SiteForecasts(
            price=self._prices.series(now),
            feed_in=self._money.get(self._feed_in_id or "", Series()),
            income_per_kwh=self._money.get(self._income_id or "", Series()),
            outdoor_c=weather.outdoor_c if weather else Series(),
            sun_w_m2=weather.sun_w_m2 if weather else Series(),
            surplus_w=self._house.surplus(now, self._solar.power_w),
            grid_limit_w=self._grid_limit_w(now),
        )

    def _grid_limit_w(self, now: datetime) -> Series:
        limit_w = _number(self._limit)
        if self._limit is None or limit_w is None:
            return Series()
        domain = split_entity_id(self._limit.entity_id)[0]
        lasts = _DIMMED if domain == "sensor" else _AHEAD
        return Series.of([Piece(now, now + lasts, limit_w)])

    @property
    def outdoor_c(self) -> float | None:
        """Measured outdoors, or else what the weather entity says of now."""
        measured = _number(self._outdoor)
        if measured is None and self._weather is not None:
            return self._weather.temperature_c
        return measured

    @property
    def surplus_w(self) -> float | None:
        """Own electricity that is left over now; None while it is not measured."""
        return self._house.surplus_w

    @property
    def memory(self) -> dict[str, Any]:
        """What must survive a restart, JSON-serialisable."""
        return {
            "house": self._house.memory,
            "intervals_s": {
                source.entity_id: source.intervals_s for source in self._sources
            },
        }

    def restore(self, memory: Mapping[str, Any]) -> None:
        """Take over what was stored."""
        self._house.restore(memory.get("house", {}))
        intervals = memory.get("intervals_s", {})
        for source in self._sources:
            source.intervals_s = [
                value
                for value in intervals.get(source.entity_id, ())
                if isinstance(value, int | float)
            ]


def _number(source: Source | None) -> float | None:
    return None if source is None else source.number

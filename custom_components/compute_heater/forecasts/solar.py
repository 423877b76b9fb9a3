"""Own electricity of the hours to come, by the forecasts of the energy dashboard."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.loader import IntegrationNotFound, async_get_integration
from homeassistant.util import dt as dt_util

from ..const import LOGGER
from ..control.series import Piece, Series

_PLATFORM = "energy"
_HOUR = timedelta(hours=1)

type Forecast = Callable[[HomeAssistant, str], Awaitable[Mapping[str, Any] | None]]


async def async_solar_entries(hass: HomeAssistant) -> list[ConfigEntry]:
    """Return the config entries that forecast solar power."""
    forecasts: dict[str, Forecast | None] = {}
    found = []
    for entry in hass.config_entries.async_entries(include_ignore=False):
        if entry.domain not in forecasts:
            forecasts[entry.domain] = await _async_forecast(hass, entry.domain)
        if forecasts[entry.domain] is not None:
            found.append(entry)
    return found


async def _async_forecast(hass: HomeAssistant, domain: str) -> Forecast | None:
    try:
        integration = await async_get_integration(hass, domain)
        if not integration.platforms_exists((_PLATFORM,)):
            return None
        platform = await integration.async_get_platform(_PLATFORM)
    except (IntegrationNotFound, ImportError) as err:
        LOGGER.debug("%s: %s", domain, err)
        return None
    forecast: Forecast | None = getattr(platform, "async_get_solar_forecast", None)
    return forecast


class SolarForecasts:
    """Asks for the power of one or more PV systems, and adds them up."""

    def __init__(self, hass: HomeAssistant, entry_ids: Iterable[str]) -> None:
        """``entry_ids`` are config entries of forecasts."""
        self._hass = hass
        self._known: dict[str, Series] = dict.fromkeys(entry_ids, Series())
        self._failing: set[str] = set()
        self.power_w = Series()

    async def async_ask(self) -> None:
        """Ask anew; what was known stays when there is no answer."""
        for entry_id in self._known:
            try:
                series = await self._async_one(entry_id)
            except Exception as err:  # noqa: BLE001 - other integrations raise anything
                if entry_id not in self._failing:
                    LOGGER.warning("No forecast of solar power: %s", err)
                self._failing.add(entry_id)
                continue
            self._failing.discard(entry_id)
            if series.pieces:
                self._known[entry_id] = series
        self.power_w = _sum(list(self._known.values()))

    async def _async_one(self, entry_id: str) -> Series:
        entry = self._hass.config_entries.async_get_entry(entry_id)
        if entry is None or entry.state is not ConfigEntryState.LOADED:
            return Series()
        forecast = await _async_forecast(self._hass, entry.domain)
        answer = await forecast(self._hass, entry_id) if forecast else None
        return power_w((answer or {}).get("wh_hours"))


def power_w(wh_hours: object) -> Series:
    """Return power from the energy in Wh of periods, by their beginnings.

    A period lasts until the next one begins, but no longer than an hour.
    """
    if not isinstance(wh_hours, Mapping):
        return Series()
    points: list[tuple[datetime, float]] = []
    for start, energy_wh in wh_hours.items():
        time = dt_util.parse_datetime(str(start))
        if time is not None and isinstance(energy_wh, int | float):
            points.append((dt_util.as_utc(time), float(energy_wh)))
    points.sort()
    last = (points[-1][0] + _HOUR, 0.0) if points else None
    pieces = []
    for (start, energy_wh), (following, _) in pairwise(
        [*points, *([last] if last else [])]
    ):
        end = min(following, start + _HOUR)
        if (hours := (end - start) / _HOUR) > 0:
            pieces.append(Piece(start, end, energy_wh / hours))
    return Series.of(pieces)


def _sum(all_series: list[Series]) -> Series:
    if len(all_series) == 1:
        return all_series[0]
    starts = {piece.start for series in all_series for piece in series.pieces}
    ends = {piece.end for series in all_series for piece in series.pieces}
    pieces = []
    for start, end in pairwise(sorted(starts | ends)):
        values = [v for series in all_series if (v := series.at(start)) is not None]
        if values:
            pieces.append(Piece(start, end, sum(values)))
    return Series.of(pieces)

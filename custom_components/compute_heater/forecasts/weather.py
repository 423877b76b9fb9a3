"""Outdoor temperature and sun of the hours to come, by a weather entity."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from homeassistant.const import (
    ATTR_ENTITY_ID,
    STATE_UNAVAILABLE,
    STATE_UNKNOWN,
    UnitOfTemperature,
)
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
from homeassistant.util.unit_conversion import TemperatureConverter

from ..const import LOGGER
from ..control.series import Series
from ..control.sun import Place, from_clouds

_LAST = timedelta(hours=1)
_CLOUDS_PERCENT = {
    "sunny": 5,
    "clear-night": 5,
    "windy": 30,
    "partlycloudy": 45,
    "windy-variant": 70,
}
_CLOUDED_PERCENT = 95


class Weather:
    """Asks a weather entity for its hourly forecast."""

    def __init__(self, hass: HomeAssistant, entity_id: str) -> None:
        """Nothing is known before the first answer."""
        self._hass = hass
        self.entity_id = entity_id
        self.outdoor_c = Series()
        self.sun_w_m2 = Series()
        """On a vertical window to the south."""
        self._failing = False

    @property
    def temperature_c(self) -> float | None:
        """What it says of now."""
        state = self._hass.states.get(self.entity_id)
        if state is None or state.state in (STATE_UNAVAILABLE, STATE_UNKNOWN):
            return None
        return _celsius(state.attributes.get("temperature"), self._unit)

    @property
    def _unit(self) -> str:
        state = self._hass.states.get(self.entity_id)
        unit = None if state is None else state.attributes.get("temperature_unit")
        return unit or UnitOfTemperature.CELSIUS

    async def async_ask(self) -> None:
        """Ask anew; what was known stays when there is no answer."""
        try:
            response = await self._hass.services.async_call(
                "weather",
                "get_forecasts",
                {ATTR_ENTITY_ID: self.entity_id, "type": "hourly"},
                blocking=True,
                return_response=True,
            )
        except Exception as err:  # noqa: BLE001 - other integrations raise anything
            if not self._failing:
                LOGGER.warning("No forecast from %s: %s", self.entity_id, err)
            self._failing = True
            return
        self._failing = False
        rows = _rows(response, self.entity_id)
        outdoor_c = _series(
            rows, lambda row: _celsius(row.get("temperature"), self._unit)
        )
        if outdoor_c.pieces:
            self.outdoor_c = outdoor_c
        clouds = _series(rows, _clouds_percent)
        if clouds.pieces:
            config = self._hass.config
            place = Place(config.latitude, config.longitude)
            self.sun_w_m2 = from_clouds(place, clouds)


def _rows(response: Any, entity_id: str) -> list[Mapping[str, Any]]:
    forecast = (response or {}).get(entity_id, {}).get("forecast")
    return [row for row in forecast or () if isinstance(row, Mapping)]


def _series(rows: Iterable[Mapping[str, Any]], value: Any) -> Series:
    points: list[tuple[datetime, float]] = []
    for row in rows:
        time = dt_util.parse_datetime(str(row.get("datetime")))
        found: float | None = value(row)
        if time is not None and found is not None:
            points.append((dt_util.as_utc(time), found))
    return Series.from_points(points, _LAST)


def _celsius(value: Any, unit: str) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return TemperatureConverter.convert(value, unit, UnitOfTemperature.CELSIUS)


def _clouds_percent(row: Mapping[str, Any]) -> float | None:
    clouds = row.get("cloud_coverage")
    if isinstance(clouds, int | float) and not isinstance(clouds, bool):
        return float(clouds)
    condition = row.get("condition")
    if not isinstance(condition, str):
        return None
    return _CLOUDS_PERCENT.get(condition, _CLOUDED_PERCENT)

"""Weather as a pure function of time and seed: same seed, same weather."""

from dataclasses import dataclass
from datetime import datetime
import math
import random
from typing import Protocol

LATITUDE_DEG = 50.0
MEAN_C, SEASON_K = 9.5, 9.0
COLDEST_DAY, WARMEST_HOUR = 20, 15
SPELL_DAYS_K = ((3.7, 1.8), (7.3, 2.2), (17.0, 1.5))
"""Warm and cold spells: period in days, amplitude in K."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """Outdoor temperature in °C and sun on the roof and the windows in W/m²."""

    outdoor_c: float
    irradiance_w_m2: float


class WeatherSource(Protocol):
    """Any weather, such as a measured one."""

    def at(self, time: datetime) -> Conditions:
        """Return the conditions at a local time."""
        ...


class Weather:
    """A central European place."""

    def __init__(self, seed: int) -> None:
        source = random.Random(f"weather {seed}")
        self._phases = [
            source.uniform(0, math.tau) for _ in range(2 * len(SPELL_DAYS_K))
        ]

    def at(self, time: datetime) -> Conditions:
        """Return the conditions at a local time."""
        hour = time.hour + time.minute / 60 + time.second / 3600
        days = time.toordinal() + hour / 24
        day_of_year = time.timetuple().tm_yday + hour / 24
        count = len(SPELL_DAYS_K)
        spell_k = sum(
            kelvin * math.sin(math.tau * days / period + phase)
            for (period, kelvin), phase in zip(
                SPELL_DAYS_K, self._phases[:count], strict=True
            )
        )
        season = -math.cos(math.tau * (day_of_year - COLDEST_DAY) / 365.25)
        daily_k = (3.0 + 1.5 * season) * math.cos(math.tau * (hour - WARMEST_HOUR) / 24)
        clouds = 0.5 + 0.5 * math.prod(
            math.sin(math.tau * days / (period / 3) + phase)
            for (period, _), phase in zip(
                SPELL_DAYS_K[:2], self._phases[count : count + 2], strict=True
            )
        )
        return Conditions(
            outdoor_c=MEAN_C + SEASON_K * season + spell_k + daily_k,
            irradiance_w_m2=_clear_sky_w_m2(day_of_year, hour) * (1 - 0.75 * clouds),
        )


def _clear_sky_w_m2(day_of_year: float, hour: float) -> float:
    """Sun on a horizontal square metre under a clear sky (simple air-mass law)."""
    latitude = math.radians(LATITUDE_DEG)
    declination = math.radians(23.44) * math.sin(math.tau * (day_of_year - 81) / 365.25)
    height = math.sin(latitude) * math.sin(declination) + math.cos(latitude) * math.cos(
        declination
    ) * math.cos(math.tau * (hour - 12) / 24)
    return 1000 * height**1.2 if height > 0 else 0.0

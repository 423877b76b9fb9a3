"""When somebody draws hot water: a pure function of date and seed."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
import random


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """A draw-off that happens every day around ``hour``, in L and L/min from the tank."""

    hour: float
    litres: float
    flow_lpm: float
    scatter_h: float = 0.3


FAMILY = (
    Habit(hour=6.5, litres=28, flow_lpm=6),
    Habit(hour=7.0, litres=28, flow_lpm=6),
    Habit(hour=7.6, litres=6, flow_lpm=3),
    Habit(hour=9.5, litres=4, flow_lpm=3, scatter_h=0.8),
    Habit(hour=12.3, litres=10, flow_lpm=4),
    Habit(hour=15.5, litres=4, flow_lpm=3, scatter_h=1),
    Habit(hour=18.3, litres=14, flow_lpm=4),
    Habit(hour=19.5, litres=35, flow_lpm=7, scatter_h=0.6),
    Habit(hour=21.0, litres=20, flow_lpm=6, scatter_h=0.6),
    Habit(hour=22.3, litres=4, flow_lpm=3),
)
"""Four persons, some 150 L a day."""


@cache
def _draws(
    day: date, habits: tuple[Habit, ...], seed: int
) -> tuple[tuple[float, float, float], ...]:
    """Return the day's draw-offs as (start, end) in seconds after midnight and L/s."""
    source = random.Random(f"draw-off {seed} {day.isoformat()}")
    draws = []
    for habit in habits:
        litres = habit.litres * source.uniform(0.6, 1.4)
        start = 3600 * (habit.hour + source.uniform(-1, 1) * habit.scatter_h)
        flow = habit.flow_lpm / 60
        draws.append((start, start + litres / flow, flow))
    return tuple(draws)


def drawn_l(
    habits: tuple[Habit, ...], seed: int, start: datetime, dt_s: float
) -> float:
    """Return the litres that the habits draw within ``dt_s`` from a local time.

    Exact at any step width, so fast runs draw as much as slow ones.
    """
    if not habits:
        return 0.0
    litres = 0.0
    day = start.date()
    begin = (start - datetime.combine(day, time(), start.tzinfo)).total_seconds()
    while dt_s > 0:
        end = min(begin + dt_s, 86400.0)
        litres += sum(
            flow * max(0.0, min(end, last) - max(begin, first))
            for first, last, flow in _draws(day, habits, seed)
        )
        dt_s -= end - begin
        begin, day = 0.0, day + timedelta(days=1)
    return litres

"""Run a controller through a fortnight in fast time."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
import time

from simulator.floor import Floor
from simulator.tank import Tank

from .control import Controller
from .data import Year
from .forecasts import Knowledge
from .plant import Plant
from .scenario import FORTNIGHT, Scenario, year_of
from .score import Result, result_of

DECIDE_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Some time in a scenario."""

    start: datetime
    length: timedelta = FORTNIGHT


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What stands in for the simulator's; None: its own."""

    floor: Floor | None = None
    tank: Tank | None = None


def run(
    scenario: Scenario,
    year: Year,
    controller: Controller,
    *,
    perfect: bool = False,
    period: Period | None = None,
    parts: Parts | None = None,
    watch: Callable[[Plant], None] | None = None,
) -> Result:
    """Let a controller run the house of a scenario; ``watch`` sees every decision."""
    year = year_of(scenario, year)
    period = period or Period(start=scenario.start)
    parts = parts or Parts()
    plant = Plant(scenario, year, period.start, floor=parts.floor, tank=parts.tank)
    knowledge = Knowledge(scenario, year, perfect=perfect)
    control_s = slowest_s = 0.0
    end = period.start + period.length
    while plant.time < end:
        readings, forecasts = plant.read(), knowledge.at(plant.time)
        begin = time.perf_counter()
        command = controller.decide(plant.time, readings, forecasts)
        taken_s = time.perf_counter() - begin
        control_s += taken_s
        slowest_s = max(slowest_s, taken_s)
        plant.run(command, DECIDE_S)
        if watch is not None:
            watch(plant)
    return result_of(plant, period.length, control_s=control_s)

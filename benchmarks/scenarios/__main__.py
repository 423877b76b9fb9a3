"""Try controllers on fortnights: ``python -m benchmarks.scenarios --help``."""

import argparse
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
import sys

from custom_components.compute_heater.control.site import Strategy

from .baselines import PriceRule, Schedule, Thermostat
from .control import Controller
from .data import Year, load
from .ours import Ours
from .plot import Trace, picture
from .run import Period, run
from .scenario import FORTNIGHT, REPORTED, TUNING, Scenario

CONTROLLERS: Mapping[str, Callable[[Scenario], Controller]] = {
    "hysteresis": Thermostat,
    "schedule": Schedule,
    "price rule": PriceRule,
    "follow demand": lambda scenario: Ours(scenario, Strategy.FOLLOW_DEMAND),
    "optimise": lambda scenario: Ours(scenario, Strategy.OPTIMISE),
}

LEARN, DRAWN = timedelta(days=7), 3
"""A picture shows the last days of so long a time."""


def main(arguments: list[str] | None = None) -> int:
    """Run what was asked for, and print the figures."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scenarios", description=__doc__
    )
    parser.add_argument("--tuning", action="store_true", help="other fortnights")
    parser.add_argument("--season", action="append")
    parser.add_argument("--controller", action="append", choices=sorted(CONTROLLERS))
    parser.add_argument(
        "--days", type=int, default=FORTNIGHT.days, help="364 are a year"
    )
    parser.add_argument(
        "--picture", type=Path, metavar="SVG", help="draw some days instead"
    )
    options = parser.parse_args(arguments)
    year = load()
    for scenario in TUNING if options.tuning else REPORTED:
        if options.season and scenario.name not in options.season:
            continue
        if options.picture:
            options.picture.write_text(_drawn(scenario, year), "utf-8")
            continue
        for name in options.controller or CONTROLLERS:
            period = Period(start=scenario.start, length=timedelta(options.days))
            result = run(scenario, year, CONTROLLERS[name](scenario), period=period)
            details = ", ".join(
                f"{key} {value:.4g}" for key, value in result.details().items()
            )
            print(f"{scenario.name}, {name}: {result.net_cost:.2f} ({details})")
    return 0


def _drawn(scenario: Scenario, year: Year) -> str:
    """Return some days with thermostats and with *Optimise*, which has learned before."""
    period = Period(start=scenario.start, length=LEARN + timedelta(days=DRAWN))
    learning = Ours(scenario, Strategy.OPTIMISE)
    run(scenario, year, learning, period=Period(start=scenario.start - FORTNIGHT))
    optimise = Ours(scenario, Strategy.OPTIMISE, learning.site.state())
    traces = []
    for controller in (Thermostat(scenario), optimise):
        trace = Trace()
        run(scenario, year, controller, period=period, watch=trace.see)
        traces.append(trace.days(scenario.start + LEARN, DRAWN))
    return picture(year, *traces, heats_room=scenario.heats_room)


if __name__ == "__main__":
    sys.exit(main())

"""Try controllers on fortnights: ``python -m benchmarks.scenarios --help``."""

import argparse
from collections.abc import Callable, Mapping
import sys

from custom_components.compute_heater.control.site import Strategy

from .baselines import PriceRule, Schedule, Thermostat
from .control import Controller
from .data import load
from .ours import Ours
from .run import run
from .scenario import REPORTED, TUNING, Scenario

CONTROLLERS: Mapping[str, Callable[[Scenario], Controller]] = {
    "hysteresis": Thermostat,
    "schedule": Schedule,
    "price rule": PriceRule,
    "follow demand": lambda scenario: Ours(scenario, Strategy.FOLLOW_DEMAND),
    "optimise": lambda scenario: Ours(scenario, Strategy.OPTIMISE),
}


def main(arguments: list[str] | None = None) -> int:
    """Run what was asked for, and print the figures."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scenarios", description=__doc__
    )
    parser.add_argument("--tuning", action="store_true", help="other fortnights")
    parser.add_argument("--season", action="append")
    parser.add_argument("--controller", action="append", choices=sorted(CONTROLLERS))
    options = parser.parse_args(arguments)
    year = load()
    for scenario in TUNING if options.tuning else REPORTED:
        if options.season and scenario.name not in options.season:
            continue
        for name in options.controller or CONTROLLERS:
            result = run(scenario, year, CONTROLLERS[name](scenario))
            details = ", ".join(
                f"{key} {value:.4g}" for key, value in result.details().items()
            )
            print(f"{scenario.name}, {name}: {result.net_cost:.2f} ({details})")
    return 0


if __name__ == "__main__":
    sys.exit(main())

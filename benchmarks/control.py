"""What control earns: fortnights of a simulated house, each with several controllers."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
import statistics
import sys

from custom_components.compute_heater.control.site import Strategy

from .robustness import robustness
from .rows import Row, at_least, at_most, fact
from .scenarios.baselines import PriceRule, Schedule, Thermostat
from .scenarios.bound import bound
from .scenarios.control import Controller
from .scenarios.data import Year, load
from .scenarios.learned import Outcome, after_learning, with_ours
from .scenarios.run import run
from .scenarios.scenario import REPORTED, Scenario
from .scenarios.score import Result

BASELINES: Mapping[str, Callable[[Scenario], Controller]] = {
    "hysteresis": Thermostat,
    "schedule": Schedule,
    "price rule": PriceRule,
}
GAP_CLOSED = {"winter": 80.0, "spring": 85.0, "summer": 85.0}
"""Per cent of the cost between hysteresis and perfect foresight."""


def measure() -> Iterator[Row]:
    """Compare what a fortnight in winter, spring and summer costs with each controller.

    Net cost is electricity minus income of computing, corrected for the heat that is left
    in the house at the end (at the mean price). J adds 1 per K·h outside 20…23.5 °C, 0.05
    per litre drawn below 45 °C, 0.02 per start and 0.005 per change of level. *Optimise*
    has learned in the fortnight before and knows what a house can know; with *perfect
    foresight* the same controller knows the future. The bound is a linear program.
    """
    year = load()
    print(f"Weather, people and prices: {year.source}", file=sys.stderr)
    for scenario in REPORTED:
        yield from season(scenario, year)
    yield from below_zero(REPORTED[2], year)
    yield from robustness(REPORTED[0], year)


def season(scenario: Scenario, year: Year) -> Iterator[Row]:
    """Yield the rows of one scenario."""
    name = scenario.name
    baselines = {
        kind: run(scenario, year, make(scenario)) for kind, make in BASELINES.items()
    }
    follow = with_ours(scenario, year, Strategy.FOLLOW_DEMAND)
    optimise = after_learning(scenario, year)
    perfect = after_learning(scenario, year, perfect=True)
    results = {
        **baselines,
        "follow demand": follow.result,
        "optimise": optimise.result,
        "perfect foresight": perfect.result,
    }
    for kind, result in results.items():
        yield _cost(scenario, kind, result)
    yield fact(f"{name}, bound: net cost", bound(scenario, year), "€")
    yield from _targets(scenario, results)
    yield from _solver(name, optimise)


def below_zero(scenario: Scenario, year: Year) -> Iterator[Row]:
    """Yield the rows of a scenario whose prices fall far below zero on sunny noons.

    Without PV, whose surplus would be used first.
    """
    scenario = replace(
        scenario,
        name=f"{scenario.name}, prices below zero",
        negative_prices=True,
        pv_peak_kw=0.0,
    )
    results = {
        kind: run(scenario, year, make(scenario)) for kind, make in BASELINES.items()
    }
    best = min(results, key=lambda kind: results[kind].score)
    optimise = results["optimise"] = after_learning(scenario, year).result
    for kind, result in results.items():
        yield _cost(scenario, kind, result)
    yield fact(f"{scenario.name}, bound: net cost", bound(scenario, year), "€")
    yield at_most(
        f"{scenario.name}, optimise: J against {best}",
        optimise.score - results[best].score,
        "€",
        0,
    )


def _cost(scenario: Scenario, kind: str, result: Result) -> Row:
    name = f"{scenario.name}, {kind}: net cost"
    return fact(name, result.net_cost, "€", result.details())


def _targets(scenario: Scenario, results: Mapping[str, Result]) -> Iterator[Row]:
    name = scenario.name
    best, hysteresis = results["perfect foresight"], results["hysteresis"]
    result, follow = results["optimise"], results["follow demand"]
    yield at_most(
        f"{name}, optimise: litres short beyond perfect foresight",
        result.short_l - best.short_l,
        "L",
        0.005 * result.drawn_l,
    )
    if scenario.heats_room:
        yield at_most(
            f"{name}, optimise: room outside its band",
            result.cold_kh + result.warm_kh,
            "K·h",
            0.2,
        )
    gap = hysteresis.net_cost - best.net_cost
    yield at_least(
        f"{name}, optimise: gap to perfect foresight that is closed",
        100 * (hysteresis.net_cost - result.net_cost) / gap,
        "%",
        GAP_CLOSED[name],
    )
    yield at_most(
        f"{name}, optimise: J against the price rule",
        result.score - results["price rule"].score,
        "€",
        0,
    )
    yield at_most(f"{name}, optimise: starts", result.starts, "", 40)
    yield at_most(
        f"{name}, optimise: level changes a day", result.changes / result.days, "", 8
    )
    yield at_most(
        f"{name}, follow demand: cost against hysteresis",
        follow.net_cost - hysteresis.net_cost,
        "€",
        0,
    )
    yield at_most(
        f"{name}, follow demand: discomfort against hysteresis",
        follow.discomfort - hysteresis.discomfort,
        "€",
        0,
    )


def _solver(name: str, outcome: Outcome) -> Iterator[Row]:
    times = outcome.solve_s
    if len(times) < 2:
        return
    yield at_most(f"{name}, optimise: median solve", statistics.median(times), "s", 1)
    yield at_most(
        f"{name}, optimise: 95 % of solves within",
        statistics.quantiles(times, n=20)[-1],
        "s",
        5,
    )
    yield at_most(f"{name}, optimise: solves that failed", outcome.unsolved, "", 0)

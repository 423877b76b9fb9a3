"""Compare with EMHASS: the same plan, and a winter in the closed loop."""

from collections.abc import Iterator
import statistics

from ..child import ChildError
from ..packages import MissingPackagesError
from ..rows import Row, at_most, fact
from ..scenarios.data import Year, load
from ..scenarios.learned import after_learning
from ..scenarios.run import run
from ..scenarios.scenario import REPORTED
from .client import Emhass, running
from .controller import EmhassController
from .static import DAYS, WARM_UP, cost, ours, problem_at

GAP = 0.01
"""EMHASS's default; ours is the same."""
LIMIT_S = 45.0
AGAIN = 3


def measure() -> Iterator[Row]:
    """Plan the same two days as EMHASS does, and run a winter's fortnight with it.

    EMHASS gets the house's true parameters and a mean day of draw-off; ours has learned
    both. Its cold solve builds the problem, as every run with a heat topology does.
    """
    year = load()
    try:
        with running() as emhass:
            yield from _static(emhass, year)
            yield from _winter(emhass, year)
    except (MissingPackagesError, ChildError) as error:
        print(f"skipped: EMHASS ({error})")


def _static(emhass: Emhass, year: Year) -> Iterator[Row]:
    # Both load their libraries with the first problem.
    first = problem_at(WARM_UP, year)
    emhass.solve(first, gap=GAP)
    ours(first, LIMIT_S)
    for start in DAYS:
        problem = problem_at(start, year)
        theirs = emhass.solve(problem, gap=GAP, again=AGAIN)
        mine = ours(problem, LIMIT_S)
        name = f"48 h from {start:%d %B}"
        their_cost, my_cost = cost(problem, theirs), cost(problem, mine)
        yield fact(f"{name}: EMHASS's plan", their_cost, "€")
        yield at_most(
            f"{name}: our plan against it",
            100 * (my_cost - their_cost) / abs(their_cost),
            "%",
            0.5,
        )
        yield at_most(f"{name}: our solve", mine.cold_s, "s", theirs.cold_s)
        yield fact(f"{name}: EMHASS warm", statistics.median(theirs.warm_s), "s")


def _winter(emhass: Emhass, year: Year) -> Iterator[Row]:
    scenario = REPORTED[0]
    controller = EmhassController(scenario, year, emhass)
    theirs = run(scenario, year, controller)
    mine = after_learning(scenario, year).result
    for name, result in (("EMHASS", theirs), ("ours", mine)):
        yield fact(
            f"{scenario.name}, {name}: net cost",
            result.net_cost,
            "€",
            result.details(),
        )
    yield at_most(
        f"{scenario.name}: ours against EMHASS",
        mine.net_cost - theirs.net_cost,
        "€",
        0,
    )
    yield at_most(
        f"{scenario.name}: our discomfort against EMHASS's",
        mine.discomfort - theirs.discomfort,
        "€",
        0,
    )
    yield fact(
        f"{scenario.name}: EMHASS's median solve",
        statistics.median(controller.solve_s),
        "s",
        {"longest": max(controller.solve_s)},
    )

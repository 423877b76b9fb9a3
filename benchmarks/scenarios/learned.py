"""Our controller, new or after it has learned."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from custom_components.compute_heater.control.site import Strategy

from .data import Year
from .ours import Ours
from .run import Period, run
from .scenario import FORTNIGHT, Scenario
from .score import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A fortnight with our controller."""

    result: Result
    solve_s: Sequence[float]
    unsolved: int
    memory: Mapping[str, object]
    """What it knows at the end."""


def with_ours(
    scenario: Scenario,
    year: Year,
    strategy: Strategy,
    *,
    memory: Mapping[str, object] | None = None,
    perfect: bool = False,
    period: Period | None = None,
) -> Outcome:
    """Run our controller through a fortnight."""
    controller = Ours(scenario, strategy, memory)
    result = run(scenario, year, controller, perfect=perfect, period=period)
    return Outcome(
        result=result,
        solve_s=controller.solve_s,
        unsolved=controller.unsolved,
        memory=controller.site.state(),
    )


def after_learning(scenario: Scenario, year: Year, *, perfect: bool = False) -> Outcome:
    """Let the optimiser learn in the fortnight before, and run it."""
    before = Period(start=scenario.start - FORTNIGHT)
    learned = with_ours(
        scenario, year, Strategy.OPTIMISE, perfect=perfect, period=before
    )
    return with_ours(
        scenario, year, Strategy.OPTIMISE, perfect=perfect, memory=learned.memory
    )

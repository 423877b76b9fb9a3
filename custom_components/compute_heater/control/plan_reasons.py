"""Why a plan does what it does, in words."""

from collections.abc import Sequence

from .plan import PlanProblem
from .plan_heaters import HeaterRules
from .plan_outcome import Operation, Outcome
from .reasons import Reason


def step_reasons(
    problem: PlanProblem,
    rules: Sequence[HeaterRules],
    operation: Operation,
    result: Outcome,
) -> list[Reason]:
    """Return for each step what decides about the heaters."""
    return [Reason.FOLLOWING_DEMAND] * len(problem.hours)

"""What compute has to earn so that doing it is no loss: a site's ask price.

Electricity costs what the grid takes, or what feeding it in would bring; the heat of it
is worth what other heat would cost, wherever it can still be stored or used.
"""

from .plan import Plan, PlanFloor, PlanProblem, PlanStep
from .plan_value import KEPT, heat_value

FULL_K = 0.3
"""So close to its maximum a store counts as full."""


def ask_prices(problem: PlanProblem, plan: Plan) -> tuple[float, ...] | None:
    """Return the ask price per kWh of electricity in each step of a plan.

    None if the plan is not one of this problem. Below 0: the heat alone pays for more
    than the electricity, and compute may be given away.
    """
    if [step.start for step in plan.steps] != list(problem.starts())[:-1]:
        return None
    range_kw = sum(heater.levels_kw[-1] for heater in problem.heaters)
    if range_kw <= 0:
        return None
    efficiency = (
        sum(heater.efficiency * heater.levels_kw[-1] for heater in problem.heaters)
        / range_kw
    )
    worth = heat_value(problem) / KEPT
    thrown_away = -problem.dump_per_kwh if problem.dump_max_kw > 0 else 0.0
    return tuple(
        _electricity(problem, step, k)
        - efficiency * (worth if _takes_heat(problem, step, k) else thrown_away)
        for k, step in enumerate(plan.steps)
    )


def _electricity(problem: PlanProblem, step: PlanStep, k: int) -> float:
    """Return what the next kWh of electricity costs."""
    used_kw = sum(step.power_w.values()) / 1000
    own = problem.surplus_kw[k] > used_kw
    return problem.feed_in[k] if own else problem.price[k]


def _takes_heat(problem: PlanProblem, step: PlanStep, k: int) -> bool:
    """Whether a store or a room could take more heat than is planned for it."""
    for sink in problem.sinks:
        end_c = step.temperature_c.get(sink.sink_id)
        if end_c is None or end_c > sink.maximum_c[k] - FULL_K:
            continue
        if isinstance(sink, PlanFloor) and (
            step.slab_c.get(sink.sink_id, end_c) > sink.slab_max_c - FULL_K
        ):
            continue
        if step.heat_w.get(sink.sink_id, 0.0) < 1000 * sink.max_heat_kw - 1:
            return True
    return False

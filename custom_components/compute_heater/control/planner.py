"""Find the cheapest plan with HiGHS."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import monotonic

from .linear import Solver
from .plan import Plan, PlanProblem
from .plan_errors import PlannerError, SolverError, SolverMissingError
from .plan_heaters import HeaterRules, fitted, heater_rules
from .plan_model import PlanModel
from .plan_outcome import Operation, Outcome, outcome, plan_of
from .plan_reasons import step_reasons
from .rule_planner import by_rules

__all__ = ["PlannerError", "SolverError", "SolverMissingError", "solve"]

KEEP_COST = 0.02
"""A running plan is kept unless a new one is better by more than this."""
GAP = 0.002
"""Of the money that is turned over: how far from the best a plan may be."""
LEAST_GAP = 0.01
LP_LIMIT_S = 2.0
IMPROVE_S = 0.5
"""Longer than this a plan that runs already is not improved at once."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    operation: Operation
    result: Outcome

    @property
    def objective(self) -> float:
        return self.result.objective


def solve(
    problem: PlanProblem,
    *,
    incumbent: Plan | None = None,
    time_limit_s: float = 5.0,
    relaxed: bool = False,
) -> Plan:
    """Return a plan within 1 % of the best, or the best that is found in time.

    ``incumbent`` is the running plan: it is kept while nothing is clearly better.
    ``relaxed`` returns the bound's own plan, in which heaters run at powers and for times
    that they do not have. Takes up to ``time_limit_s``; any thread may call it.

    Raises ``SolverMissingError`` where HiGHS cannot be imported and ``SolverError``
    where it fails.
    """
    begin = monotonic()
    rules = heater_rules(problem)
    model = PlanModel(problem, rules)
    solver = model.linear.load()
    loose = solver.relaxed(time_limit_s)
    if loose.values is None:
        raise SolverError(f"HiGHS: {loose.status}")
    search = _Search(problem, rules, model, solver)
    bound = loose.bound
    ideal = search.candidate(loose.values, relaxed=True)
    if relaxed:
        # Blocks count only at full power; the solver counts shares of it.
        best = replace(ideal, result=replace(ideal.result, objective=bound))
    else:
        best, bound = search.best(ideal, bound, incumbent, begin + time_limit_s)
    return plan_of(
        problem,
        best.operation,
        best.result,
        step_reasons(problem, rules, best.operation, best.result),
        bound=bound,
        solve_s=monotonic() - begin,
    )


class _Search:
    """Looks for a plan with whole numbers."""

    def __init__(
        self,
        problem: PlanProblem,
        rules: Sequence[HeaterRules],
        model: PlanModel,
        solver: Solver,
    ) -> None:
        self._problem = problem
        self._rules = rules
        self._model = model
        self._solver = solver

    def candidate(self, values: list[float], *, relaxed: bool = False) -> _Candidate:
        operation = self._model.operation(values, relaxed=relaxed)
        result = outcome(self._problem, self._rules, operation)
        objective = result.objective + self._model.too_hot(values)
        return _Candidate(operation, replace(result, objective=objective))

    def with_heaters(self, heater_kw: Sequence[Sequence[float]]) -> _Candidate | None:
        """Return the best use of backups and stores with these heaters.

        None where their heat has nowhere to go.
        """
        solution = self._solver.relaxed(LP_LIMIT_S, self._model.fixed(heater_kw))
        return self.candidate(solution.values) if solution.values is not None else None

    def best(
        self,
        ideal: _Candidate,
        bound: float,
        incumbent: Plan | None,
        deadline: float,
    ) -> tuple[_Candidate, float]:
        """Return the best plan found until the deadline, and a bound."""
        running = self._running(incumbent, ideal) if incumbent else None
        if running is not None and running.objective <= bound + KEEP_COST:
            return running, bound
        best = self._first(ideal, running)
        gap = self._gap(ideal)
        if best.objective > bound + gap and self._model.linear.integers:
            left_s = deadline - monotonic()
            solution = self._solver.whole(
                left_s if running is None else min(left_s, IMPROVE_S),
                gap=gap,
                start=self._model.fixed(best.operation.heater_kw),
            )
            bound = max(bound, solution.bound)
            if solution.values is not None:
                new = self.candidate(solution.values)
                best = min(best, new, key=lambda each: each.objective)
        if running is not None and running.objective <= best.objective + KEEP_COST:
            best = running
        return best, bound

    def _first(self, ideal: _Candidate, running: _Candidate | None) -> _Candidate:
        """Return the best plan that is found without search."""
        ideal_kw = ideal.operation.heater_kw
        found = [self.with_heaters(self._fitted(ideal_kw, carry=True)), running]
        if running is None:
            ruled = by_rules(self._problem, self._rules)
            found.append(self.with_heaters(ruled.heater_kw))
        possible = [each for each in found if each is not None]
        if not possible:
            least = [
                [rule.least_kw(k) for k in range(len(self._problem.hours))]
                for rule in self._rules
            ]
            if (resting := self.with_heaters(self._fitted(least, carry=False))) is None:
                raise SolverError("HiGHS finds no plan even with idle heaters")
            return resting
        return min(possible, key=lambda each: each.objective)

    def _fitted(
        self, wanted_kw: Sequence[Sequence[float]], *, carry: bool
    ) -> list[list[float]]:
        return fitted(self._rules, self._problem, wanted_kw, carry=carry)

    def _gap(self, ideal: _Candidate) -> float:
        """Return what a better plan must be worth to look for it."""
        problem = self._problem
        turnover = sum(
            step_h
            * abs(problem.price[k])
            * sum(p[k] for p in ideal.operation.heater_kw)
            for k, step_h in enumerate(problem.hours)
        )
        return max(GAP * max(turnover, abs(sum(ideal.result.cost))), LEAST_GAP)

    def _running(self, plan: Plan, ideal: _Candidate) -> _Candidate | None:
        """Return the running plan on the new steps; where it ends the ideal goes on."""
        starts = self._problem.starts()
        wanted = []
        for heater, powers in zip(
            self._problem.heaters, ideal.operation.heater_kw, strict=True
        ):
            moved = []
            for k, power in enumerate(powers):
                step = plan.step_at(starts[k] + (starts[k + 1] - starts[k]) / 2)
                watts = step.power_w.get(heater.heater_id) if step else None
                moved.append(power if watts is None else watts / 1000)
            wanted.append(moved)
        return self.with_heaters(self._fitted(wanted, carry=False))

"""Why a plan does what it does: what binds the heaters in each step."""

from collections.abc import Sequence
from statistics import fmean

from .plan import PlanFloor, PlanProblem
from .plan_heaters import SLACK, HeaterRules, grid_room_kw
from .plan_outcome import (
    Operation,
    Outcome,
    State,
    block_income,
    electricity_kw,
    sink_after,
    sink_state,
)
from .reasons import Reason

SOON_H = 1.0
NEAR_KW = 0.05
MOSTLY = 0.8
CHEAP_SHARE = 0.4
"""Hours of the plan that count as cheap."""


def step_reasons(
    problem: PlanProblem,
    rules: Sequence[HeaterRules],
    operation: Operation,
    result: Outcome,
) -> list[Reason]:
    """Return for each step what decides about the heaters."""
    why = _Why(problem, rules, operation, result)
    return [why.reason(k) for k in range(len(problem.hours))]


class _Why:
    def __init__(
        self,
        problem: PlanProblem,
        rules: Sequence[HeaterRules],
        operation: Operation,
        result: Outcome,
    ) -> None:
        self._problem = problem
        self._rules = rules
        self._operation = operation
        self._result = result
        self._room_kw = grid_room_kw(problem)
        self._rate = [self._rate_at(k) for k in range(len(problem.hours))]
        self._booked = [
            block_income(problem, index, powers)
            for index, powers in enumerate(operation.heater_kw)
        ]
        ordered = sorted(self._rate)
        self._cheap = ordered[int(CHEAP_SHARE * (len(ordered) - 1))]

    def _rate_at(self, step: int) -> float:
        """Return what electricity for computing costs after its usual income."""
        problem = self._problem
        top = sum(heater.levels_kw[-1] for heater in problem.heaters)
        own = min(max(problem.surplus_kw[step], 0.0) / max(top, SLACK), 1.0)
        rate = own * problem.feed_in[step] + (1 - own) * problem.price[step]
        incomes = [
            heater.income_per_kwh[step] if heater.income_per_kwh else 0.0
            for heater in problem.heaters
        ]
        return rate - (fmean(incomes) if incomes else 0.0)

    def reason(self, step: int) -> Reason:
        """Return what decides in a step."""
        powers = [
            (rule, heater_kw[step])
            for rule, heater_kw in zip(
                self._rules, self._operation.heater_kw, strict=True
            )
        ]
        if working := [each for each in powers if each[0].works_at(each[1])]:
            return self._why_working(step, working)
        return self._why_idle(step, [rule for rule, _ in powers])

    def _why_working(
        self, step: int, working: Sequence[tuple[HeaterRules, float]]
    ) -> Reason:
        problem = self._problem
        drawn = electricity_kw(problem, self._operation, step)
        bound_to_work = [
            rule.heater.fixed or (step in rule.must_work and power <= rule.lowest_kw)
            for rule, power in working
        ]
        below_top = any(
            not rule.heater.fixed and power < rule.heater.levels_kw[-1] - SLACK
            for rule, power in working
        )
        findings = (
            (all(rule.heater.fixed for rule, _ in working), Reason.MANUAL_STATE),
            (all(bound_to_work), Reason.PLAN_MINIMUM_TIME),
            (any(each[step] > 0 for each in self._booked), Reason.PLAN_BLOCK),
            (self._operation.dump_kw[step] > NEAR_KW, Reason.PLAN_DUMP),
            (
                below_top and drawn > self._room_kw[step] - self._finest_kw(working),
                Reason.PLAN_GRID_LIMIT,
            ),
            (
                below_top and self._is_at_coolant_limit(step, working),
                Reason.PLAN_COOLANT_LIMIT,
            ),
            (
                problem.surplus_kw[step] > 0
                and problem.surplus_kw[step] >= MOSTLY * drawn,
                Reason.PLAN_SURPLUS,
            ),
            (self._rate[step] < 0, Reason.PLAN_INCOME),
            (self._keeps_comfort(step), Reason.PLAN_COMFORT),
            (self._rate[step] <= self._cheap + SLACK, Reason.PLAN_CHEAP),
        )
        return next(
            (reason for holds, reason in findings if holds), Reason.PLAN_PREHEAT
        )

    def _why_idle(self, step: int, rules: Sequence[HeaterRules]) -> Reason:
        free = self._room_kw[step] - electricity_kw(
            self._problem, self._operation, step
        )
        could = [rule for rule in rules if not rule.heater.fixed]
        findings = (
            (not could, Reason.PLAN_NOT_NEEDED),
            (all(not rule.levels_kw(step) for rule in could), Reason.POWER_LIMIT),
            (all(step in rule.must_idle for rule in could), Reason.PLAN_MINIMUM_TIME),
            (
                all(free < rule.lowest_kw - rule.heater.idle_kw for rule in could),
                Reason.PLAN_GRID_LIMIT,
            ),
            (bool(could) and self._is_full(step, could), Reason.PLAN_STORE_FULL),
            (self._is_too_hot(step, could), Reason.PLAN_COOLANT_LIMIT),
            (self._backup_helps(step), Reason.PLAN_BACKUP),
            (self._is_better_later(step), Reason.PLAN_DEAR),
        )
        return next(
            (reason for holds, reason in findings if holds), Reason.PLAN_NOT_NEEDED
        )

    def _finest_kw(self, working: Sequence[tuple[HeaterRules, float]]) -> float:
        """Return by how much one of the heaters could go up at least."""
        steps = [NEAR_KW]
        for rule, power in working:
            higher = [level for level in rule.heater.levels_kw if level > power + SLACK]
            if higher and not rule.heater.any_power and not rule.heater.fixed:
                steps.append(higher[0] - power)
        return max(steps)

    def _is_at_coolant_limit(
        self, step: int, working: Sequence[tuple[HeaterRules, float]]
    ) -> bool:
        """Whether no more heat goes over to the sinks that take it."""
        heat = [each[step] for each in self._operation.heat_kw]
        for rule, power in working:
            next_kw = rule.heater.efficiency * (
                power + self._finest_kw([(rule, power)])
            )
            limits = [
                self._handed_over_kw(rule, index, step)
                for index, given in enumerate(heat)
                if given > NEAR_KW
            ]
            if limits and next_kw > sum(limits):
                return True
        return False

    def _handed_over_kw(self, rule: HeaterRules, index: int, step: int) -> float:
        kappa, hottest_c = rule.heater.exchanger_kw_per_k, rule.heater.coolant_max_c
        if kappa is None or hottest_c is None:
            return float("inf")
        course = self._result.courses[index]
        warm = course.slab_c or course.temperature_c
        before_c = self._before(index, step)[1]
        return kappa * max(hottest_c - (before_c + warm[step]) / 2, 0.0)

    def _is_too_hot(self, step: int, rules: Sequence[HeaterRules]) -> bool:
        sinks = range(len(self._problem.sinks))
        return bool(sinks) and all(
            sum(self._handed_over_kw(rule, index, step) for index in sinks)
            < rule.heater.efficiency * rule.lowest_kw
            for rule in rules
        )

    def _keeps_comfort(self, step: int) -> bool:
        """Whether a sink that gets heat would soon be below its minimum without."""
        return any(
            heat[step] > NEAR_KW and self._would_get_cold(index, step)
            for index, heat in enumerate(self._operation.heat_kw)
        )

    def _would_get_cold(self, index: int, step: int) -> bool:
        sink, hours = self._result.courses[index].sink, self._problem.hours
        state, elapsed_h = self._before(index, step), 0.0
        for k in range(step, len(hours)):
            state = sink_after(sink, state, k, hours[k], 0.0)
            if state[0] < sink.minimum_c[k]:
                return True
            if (elapsed_h := elapsed_h + hours[k]) >= SOON_H:
                break
        return False

    def _before(self, index: int, step: int) -> State:
        """Return the temperatures of a sink when a step begins."""
        course = self._result.courses[index]
        if not step:
            return sink_state(course.sink)
        warm = course.slab_c or course.temperature_c
        return course.temperature_c[step - 1], warm[step - 1]

    def _is_full(self, step: int, rules: Sequence[HeaterRules]) -> bool:
        """Whether no sink has room for the heat of a heater at its lowest power."""
        least_kw = min(rule.heater.efficiency * rule.lowest_kw for rule in rules)
        courses = self._result.courses
        return bool(courses) and all(
            self._would_exceed(index, step, least_kw) for index in range(len(courses))
        )

    def _would_exceed(self, index: int, step: int, heat_kw: float) -> bool:
        sink, hours = self._result.courses[index].sink, self._problem.hours[step]
        before = self._before(index, step)
        room, slab = sink_after(sink, before, step, hours, heat_kw)
        return room > sink.maximum_c[step] or (
            isinstance(sink, PlanFloor) and slab > sink.slab_max_c
        )

    def _backup_helps(self, step: int) -> bool:
        return any(
            heat[step] > NEAR_KW
            for heats in self._operation.backup_kw
            for heat in heats
        )

    def _is_better_later(self, step: int) -> bool:
        """Whether a heater works later, at less cost."""
        return any(
            rule.works_at(powers[later]) and self._rate[later] < self._rate[step]
            for rule, powers in zip(self._rules, self._operation.heater_kw, strict=True)
            for later in range(step + 1, len(powers))
        )

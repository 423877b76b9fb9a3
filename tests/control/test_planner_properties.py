"""Whatever the problem: plans are possible, and what they say is true."""

from itertools import pairwise

from hypothesis import HealthCheck, given, settings
import pytest

from custom_components.compute_heater.control.plan import (
    Plan,
    PlanFloor,
    PlanHeater,
    PlanProblem,
    PlanTank,
)
from custom_components.compute_heater.control.planner import solve
from custom_components.compute_heater.control.rule_planner import plan_by_rules

from .plan_problems import problems

TOLERANCE = 1e-4
MANY = settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow]
)
QUICK_S = 2.0


def assert_possible(plan: Plan, problem: PlanProblem) -> None:
    """Heaters keep their levels, ceilings and minimum times."""
    assert [step.start for step in plan.steps] == list(problem.starts()[:-1])
    for index, heater in enumerate(problem.heaters):
        powers = [step.power_w[heater.heater_id] / 1000 for step in plan.steps]
        if heater.fixed:
            assert powers == pytest.approx([heater.power_kw] * len(powers))
            continue
        for k, power in enumerate(powers):
            assert_level(heater, power)
            if heater.ceiling_kw is not None:
                assert power <= max(heater.ceiling_kw[k], heater.idle_kw) + TOLERANCE
        assert_minimum_times(problem, index, [works(heater, power) for power in powers])


def works(heater: PlanHeater, power_kw: float) -> bool:
    return power_kw > heater.idle_kw + TOLERANCE


def assert_level(heater: PlanHeater, power_kw: float) -> None:
    if not works(heater, power_kw):
        assert power_kw == pytest.approx(heater.idle_kw)
    elif heater.any_power:
        low, high = heater.levels_kw[0], heater.levels_kw[-1]
        assert low - TOLERANCE <= power_kw <= high + TOLERANCE
    else:
        assert power_kw in [pytest.approx(level) for level in heater.levels_kw]


def assert_minimum_times(problem: PlanProblem, index: int, working: list[bool]) -> None:
    """Each run that begins and ends within the plan is long enough."""
    heater = problem.heaters[index]
    worked = heater.power_kw > (heater.idle_kw + heater.levels_kw[0]) / 2
    starts = [0.0]
    for hours in problem.hours:
        starts.append(starts[-1] + hours)
    changes = [
        (starts[k], now)
        for k, (before, now) in enumerate(pairwise([worked, *working]))
        if before != now
    ]
    for (begin, now), (end, _) in pairwise(changes):
        least = heater.min_on_h if now else heater.min_off_h
        assert end - begin >= least - TOLERANCE
    if changes and heater.in_mode_h is not None and not worked:
        # A step may be planned of which dispatch waits for less than a half.
        left_h = heater.min_off_h - heater.in_mode_h
        half_h = problem.hours[starts.index(changes[0][0])] / 2
        assert changes[0][0] + half_h >= left_h - TOLERANCE


def assert_energy_closes(plan: Plan, problem: PlanProblem) -> None:
    """Heat comes from somewhere, goes somewhere, and makes the temperatures it says."""
    for k, step in enumerate(plan.steps):
        made = idle = 0.0
        for heater in problem.heaters:
            power = step.power_w[heater.heater_id] / 1000
            made += heater.efficiency * power
            if not works(heater, power):
                idle += heater.efficiency * power
        given = (sum(step.heat_w.values()) + step.dump_w) / 1000
        assert given <= made + TOLERANCE
        if problem.sinks:
            assert given >= made - idle - TOLERANCE
        assert step.dump_w / 1000 <= problem.dump_max_kw + TOLERANCE
        for backup in problem.backups:
            heats = step.backup_w.get(backup.backup_id, {})
            assert sum(heats.values()) / 1000 <= backup.max_heat_kw + TOLERANCE
            assert heats.keys() <= set(backup.sinks)
        for sink in problem.sinks:
            heat_kw = step.heat_w[sink.sink_id] + sum(
                heats.get(sink.sink_id, 0.0) for heats in step.backup_w.values()
            )
            if isinstance(sink, PlanTank):
                assert_tank_closes(plan, sink, k, heat_kw / 1000)
            else:
                assert_floor_closes(plan, sink, k, heat_kw / 1000)


def assert_tank_closes(plan: Plan, tank: PlanTank, k: int, heat_kw: float) -> None:
    step = plan.steps[k]
    after = step.temperature_c[tank.sink_id]
    before = plan.steps[k - 1].temperature_c[tank.sink_id] if k else tank.temperature_c
    lost_kw = tank.loss_kw_per_k * (after - tank.ambient_c)
    assert tank.capacity_kwh_per_k * (after - before) == pytest.approx(
        step.hours * (heat_kw - lost_kw) - tank.draw_kwh[k], abs=TOLERANCE
    )


def assert_floor_closes(plan: Plan, floor: PlanFloor, k: int, heat_kw: float) -> None:
    step, name = plan.steps[k], floor.sink_id
    room, slab = floor.room_c, floor.slab_c
    if k:
        room, slab = (
            plan.steps[k - 1].temperature_c[name],
            plan.steps[k - 1].slab_c[name],
        )
    stored = floor.room_kwh_per_k * (step.temperature_c[name] - room)
    stored += floor.slab_kwh_per_k * (step.slab_c[name] - slab)
    lost_kw = floor.envelope_kw_per_k * (step.temperature_c[name] - floor.outdoor_c[k])
    assert stored == pytest.approx(
        step.hours * (heat_kw + floor.gain_kw[k] - lost_kw), abs=TOLERANCE
    )


def assert_grid_limit(plan: Plan, problem: PlanProblem) -> None:
    """Only what nobody can avoid may exceed it."""
    for k, limit in enumerate(problem.grid_limit_kw):
        if limit is None:
            continue
        step = plan.steps[k]
        drawn = sum(step.power_w.values()) / 1000
        for backup in problem.backups:
            heat_w = sum(step.backup_w.get(backup.backup_id, {}).values())
            drawn += heat_w / 1000 * backup.electricity_per_heat[k]
        least = sum(
            heater.power_kw if heater.fixed else heater.idle_kw
            for heater in problem.heaters
        )
        assert drawn <= max(limit + problem.surplus_kw[k], least) + TOLERANCE


@given(problem=problems())
@MANY
def test_solved_plan_is_possible_and_true(problem: PlanProblem) -> None:
    plan = solve(problem, time_limit_s=QUICK_S)
    assert_possible(plan, problem)
    assert_energy_closes(plan, problem)
    assert_grid_limit(plan, problem)
    assert plan.bound is not None
    assert plan.objective >= plan.bound - TOLERANCE


@given(problem=problems())
@MANY
def test_plan_by_rules_is_possible_and_costs_no_less_than_the_bound(
    problem: PlanProblem,
) -> None:
    plan = plan_by_rules(problem)
    assert_possible(plan, problem)
    assert_energy_closes(plan, problem)
    assert_grid_limit(plan, problem)
    relaxed = solve(problem, relaxed=True)
    assert relaxed.bound is not None
    # A heater that cannot stop heats above its coolant's limit, which costs the solver.
    if all(heater.exchanger_kw_per_k is None for heater in problem.heaters):
        assert plan.objective >= relaxed.bound - TOLERANCE


@given(problem=problems())
@MANY
def test_running_plan_goes_on_unless_another_is_clearly_better(
    problem: PlanProblem,
) -> None:
    first = solve(problem, time_limit_s=QUICK_S)
    again = solve(problem, incumbent=first, time_limit_s=QUICK_S)
    assert_possible(again, problem)
    assert again.objective <= first.objective + TOLERANCE
    if again.objective > first.objective - 0.02:
        assert [step.power_w for step in again.steps] == [
            pytest.approx(step.power_w) for step in first.steps
        ]

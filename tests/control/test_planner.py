"""Plans for a tank, a heater and an immersion heater: what they do, and why."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
import sys

import pytest

from custom_components.compute_heater.control.plan import (
    Block,
    Plan,
    PlanBackup,
    PlanHeater,
    PlanProblem,
    PlanTank,
)
from custom_components.compute_heater.control.plan_value import heat_value
from custom_components.compute_heater.control.planner import SolverMissingError, solve
from custom_components.compute_heater.control.reasons import Reason
from custom_components.compute_heater.control.rule_planner import plan_by_rules

STEPS = 12
START = datetime(2026, 1, 15, tzinfo=UTC)
HEATER = PlanHeater(
    heater_id="rack",
    idle_kw=0.05,
    levels_kw=(1.0, 2.0, 3.0),
    any_power=False,
    efficiency=0.95,
    power_kw=0.05,
    start_cost=0.01,
    change_cost=0.005,
    income_per_kwh=(0.05,) * STEPS,
)
TANK = PlanTank(
    sink_id="tank",
    temperature_c=50.0,
    capacity_kwh_per_k=0.349,
    loss_kw_per_k=0.0022,
    ambient_c=18.0,
    max_heat_kw=5.0,
    minimum_c=(47.0,) * STEPS,
    maximum_c=(57.0,) * STEPS,
    draw_kwh=(0.4,) * STEPS,
)
BACKUP = PlanBackup(
    backup_id="immersion",
    sinks=("tank",),
    max_heat_kw=6.0,
    per_kwh=(0.0,) * STEPS,
    electricity_per_heat=(1.0,) * STEPS,
)
PROBLEM = PlanProblem(
    start=START,
    hours=(1.0,) * STEPS,
    heaters=(HEATER,),
    sinks=(TANK,),
    backups=(BACKUP,),
    price=(0.3,) * 4 + (0.1,) * 2 + (0.4,) * 6,
    feed_in=(0.08,) * STEPS,
    surplus_kw=(0.0,) * STEPS,
)
FLAT = replace(PROBLEM, price=(0.3,) * STEPS)


def powers_kw(plan: Plan) -> list[float]:
    return [step.power_w["rack"] / 1000 for step in plan.steps]


@pytest.mark.parametrize("make", [solve, plan_by_rules])
def test_heat_is_made_while_it_is_cheap(
    make: Callable[[PlanProblem], Plan],
) -> None:
    plan = make(PROBLEM)
    powers = powers_kw(plan)
    assert sum(powers[4:6]) > 0.7 * sum(powers)
    assert plan.discomfort_kh["tank"] < 1e-6


def test_running_plan_is_kept_as_time_goes_on() -> None:
    first = solve(FLAT)
    later = replace(
        FLAT,
        start=START + timedelta(hours=1),
        sinks=(replace(TANK, temperature_c=first.steps[0].temperature_c["tank"]),),
        heaters=(replace(HEATER, power_kw=powers_kw(first)[0]),),
    )
    again = solve(later, incumbent=first)
    assert powers_kw(again)[: STEPS - 1] == pytest.approx(powers_kw(first)[1:])


def test_running_plan_is_left_for_a_clearly_better_one() -> None:
    first = solve(PROBLEM)
    turned = replace(PROBLEM, price=(0.1,) * 2 + (0.4,) * 10)
    again = solve(turned, incumbent=first)
    assert sum(powers_kw(again)[:2]) > sum(powers_kw(first)[:2])
    assert again.objective < solve(turned).objective + 0.03


@pytest.mark.parametrize("make", [solve, plan_by_rules])
@pytest.mark.parametrize(
    ("rested_h", "works"), [(0.9, True), (0.6, True), (0.4, False)]
)
def test_some_rest_does_not_cost_the_whole_step(
    make: Callable[[PlanProblem], Plan], rested_h: float, *, works: bool
) -> None:
    """It is planned if most of the step is free; dispatch waits for what is left."""
    cheap_now = replace(PROBLEM, price=(0.1,) + (0.6,) * 11)
    stopped = with_heater(cheap_now, in_mode_h=rested_h, min_off_h=1.0)
    assert (powers_kw(make(stopped))[0] > 0.5) is works


def test_more_hot_water_than_there_can_be_is_no_error() -> None:
    flood = replace(PROBLEM, sinks=(replace(TANK, draw_kwh=(40.0,) * STEPS),))
    for plan in (solve(flood), plan_by_rules(flood)):
        assert plan.discomfort_kh["tank"] > 100


def test_backup_does_not_buy_while_surplus_is_sold() -> None:
    """With a negative price it would pay to do both, if there were two meters."""
    both = replace(PROBLEM, price=(-0.1,) * STEPS, surplus_kw=(2.0,) * STEPS)
    plan = solve(both)
    cost = sum(step.cost for step in plan.steps)
    drawn = [
        power + sum(step.backup_w.get("immersion", {}).values()) / 1000
        for power, step in zip(powers_kw(plan), plan.steps, strict=True)
    ]
    assert cost == pytest.approx(
        sum(
            0.08 * min(kw, 2.0) - 0.1 * max(kw - 2.0, 0.0) - 0.05 * (power - 0.05)
            for kw, power in zip(drawn, powers_kw(plan), strict=True)
        ),
        abs=1e-3,
    )


def test_without_highs_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "highspy", None)
    with pytest.raises(SolverMissingError):
        solve(PROBLEM)


DEAR_LATER = replace(
    PROBLEM,
    price=(0.1,) * 6 + (0.3,) * 2 + (0.6,) * 4,
    heaters=(replace(HEATER, ceiling_kw=(0.0,) * 6 + (3.0,) * 6),),
    sinks=(replace(TANK, draw_kwh=(0.0,) * 6 + (0.4,) * 2 + (0.6,) * 4),),
    backups=(),
)


def with_heater(problem: PlanProblem, **changes: object) -> PlanProblem:
    return replace(problem, heaters=(replace(problem.heaters[0], **changes),))


WELL_PAID = with_heater(FLAT, income_per_kwh=(0.5,) * STEPS)


@pytest.mark.parametrize(
    ("problem", "reason"),
    [
        (PROBLEM, Reason.PLAN_CHEAP),
        (PROBLEM, Reason.PLAN_DEAR),
        (PROBLEM, Reason.PLAN_NOT_NEEDED),
        (
            replace(FLAT, surplus_kw=(0.0,) * 4 + (4.0,) * 3 + (0.0,) * 5),
            Reason.PLAN_SURPLUS,
        ),
        (WELL_PAID, Reason.PLAN_INCOME),
        (WELL_PAID, Reason.PLAN_STORE_FULL),
        (replace(WELL_PAID, dump_max_kw=3.0), Reason.PLAN_DUMP),
        (
            with_heater(
                FLAT,
                blocks=(
                    Block(
                        start=START,
                        end=START + timedelta(hours=9),
                        hours=2,
                        value_per_kwh=0.6,
                    ),
                ),
            ),
            Reason.PLAN_BLOCK,
        ),
        (replace(PROBLEM, grid_limit_kw=(1.2,) * STEPS), Reason.PLAN_GRID_LIMIT),
        (replace(PROBLEM, grid_limit_kw=(0.7,) * STEPS), Reason.PLAN_GRID_LIMIT),
        (
            with_heater(PROBLEM, coolant_max_c=60.0, exchanger_kw_per_k=0.12),
            Reason.PLAN_COOLANT_LIMIT,
        ),
        (
            with_heater(PROBLEM, coolant_max_c=49.0, exchanger_kw_per_k=0.1),
            Reason.PLAN_COOLANT_LIMIT,
        ),
        (
            with_heater(PROBLEM, power_kw=1.0, in_mode_h=0.1, min_on_h=1.0),
            Reason.PLAN_MINIMUM_TIME,
        ),
        (with_heater(PROBLEM, ceiling_kw=(0.5,) * STEPS), Reason.POWER_LIMIT),
        (with_heater(PROBLEM, fixed=True, power_kw=1.0), Reason.MANUAL_STATE),
        (with_heater(PROBLEM, income_per_kwh=()), Reason.PLAN_BACKUP),
        (
            replace(PROBLEM, backups=(), sinks=(replace(TANK, temperature_c=47.1),)),
            Reason.PLAN_COMFORT,
        ),
        (DEAR_LATER, Reason.PLAN_PREHEAT),
    ],
)
def test_steps_say_why(problem: PlanProblem, reason: Reason) -> None:
    assert reason in {step.reason for step in solve(problem).steps}


def test_heat_is_worth_what_the_next_kwh_would_cost() -> None:
    no_backup = replace(FLAT, backups=())
    assert heat_value(no_backup) == pytest.approx(0.9 * 0.25 / 0.95)


def test_heat_in_the_way_of_paid_computing_is_worth_less_than_nothing() -> None:
    paid = with_heater(replace(FLAT, backups=()), income_per_kwh=(0.5,) * STEPS)
    assert heat_value(paid) < 0
    # It may be thrown away for a little.
    assert heat_value(replace(paid, dump_max_kw=3.0, dump_per_kwh=0.01)) == (
        pytest.approx(-0.009)
    )

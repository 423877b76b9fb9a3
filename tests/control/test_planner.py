"""Plans by HiGHS."""

from datetime import UTC, datetime

from custom_components.compute_heater.control.plan import (
    PlanBackup,
    PlanHeater,
    PlanProblem,
    PlanTank,
)
from custom_components.compute_heater.control.planner import solve

STEPS = 12
HEATER = PlanHeater(
    heater_id="rack",
    idle_kw=0.05,
    levels_kw=(1.0, 2.0, 3.0),
    any_power=False,
    efficiency=0.95,
    power_kw=0.05,
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
    start=datetime(2026, 1, 15, tzinfo=UTC),
    hours=(1.0,) * STEPS,
    heaters=(HEATER,),
    sinks=(TANK,),
    backups=(BACKUP,),
    price=(0.3,) * 4 + (0.1,) * 2 + (0.4,) * 6,
    feed_in=(0.08,) * STEPS,
    surplus_kw=(0.0,) * STEPS,
)


def test_heat_is_made_while_it_is_cheap() -> None:
    plan = solve(PROBLEM)
    cheap = sum(step.power_w["rack"] for step in plan.steps[4:6])
    assert cheap > 0.7 * sum(step.power_w["rack"] for step in plan.steps)
    assert plan.discomfort_kh["tank"] < 1e-6

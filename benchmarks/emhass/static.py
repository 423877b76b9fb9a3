"""The same two days planned by EMHASS and by us."""

from datetime import UTC, datetime, timedelta

from custom_components.compute_heater.control.plan import (
    PlanBackup,
    PlanFloor,
    PlanHeater,
    PlanProblem,
    PlanTank,
)
from custom_components.compute_heater.control.planner import solve

from ..scenarios.data import COLD_WATER_C, KWH_PER_L_K, TAP_C, Year
from .client import HeatPlan, HeatProblem

STEP_MIN = 30
STEPS = 96
DAYS = (datetime(2023, 1, 15, tzinfo=UTC), datetime(2023, 12, 4, tzinfo=UTC))
WARM_UP = datetime(2023, 2, 1, tzinfo=UTC)
RIGID_KW_PER_K = 100.0
SMALL_KWH_PER_K = 0.01
"""A slab so small and so near to the room that both are one: EMHASS has no slab."""
HARD_PER_KH = 50.0
"""EMHASS's limits are hard."""


def problem_at(start: datetime, year: Year) -> HeatProblem:
    """Return a tank, a house, a heater of 3 kW that is on or off, and a backup."""
    times = [start + timedelta(minutes=STEP_MIN * k) for k in range(STEPS)]
    quarter = timedelta(minutes=15)

    def draw_kwh(time: datetime) -> float:
        litres = sum(
            15 * year.draw_lpm[year.clock_index(time + k * quarter)] for k in range(2)
        )
        return litres * KWH_PER_L_K * (TAP_C - COLD_WATER_C)

    return HeatProblem(
        start=start,
        step_min=STEP_MIN,
        price=[year.price(time) for time in times],
        income_per_kwh=0.12,
        outdoor_c=[year.outdoor_c[year.index(time)] for time in times],
        draw_kwh=[draw_kwh(time) for time in times],
        heater_kw=3.0,
        efficiency=0.95,
        backup_kw=6.0,
        tank_l=300,
        tank_c=50,
        tank_loss_kw=0.07,
        tank_min_c=47,
        tank_max_c=57,
        room_c=20.8,
        room_kwh_per_k=40 / 3.6,
        envelope_kw_per_k=0.15,
        room_min_c=20,
        room_max_c=23.5,
    )


def ours(problem: HeatProblem, time_limit_s: float) -> HeatPlan:
    """Return our plan for the same problem. Raises PlannerError."""
    count = len(problem.price)
    hours = problem.step_min / 60
    plan = solve(
        PlanProblem(
            start=problem.start,
            hours=(hours,) * count,
            heaters=(
                PlanHeater(
                    heater_id="compute",
                    idle_kw=0.0,
                    levels_kw=(problem.heater_kw,),
                    any_power=False,
                    efficiency=problem.efficiency,
                    power_kw=0.0,
                    income_per_kwh=(problem.income_per_kwh,) * count,
                ),
            ),
            sinks=(
                PlanTank(
                    sink_id="tank",
                    temperature_c=problem.tank_c,
                    capacity_kwh_per_k=problem.tank_l * KWH_PER_L_K,
                    loss_kw_per_k=0.0,
                    ambient_c=20.0,
                    max_heat_kw=20.0,
                    minimum_c=(problem.tank_min_c,) * count,
                    maximum_c=(problem.tank_max_c,) * count,
                    # A loss that does not depend on the temperature, as EMHASS has it.
                    draw_kwh=tuple(
                        each + problem.tank_loss_kw * hours for each in problem.draw_kwh
                    ),
                    discomfort_per_kh=HARD_PER_KH,
                ),
                PlanFloor(
                    sink_id="house",
                    room_c=problem.room_c,
                    slab_c=problem.room_c,
                    room_kwh_per_k=problem.room_kwh_per_k - SMALL_KWH_PER_K,
                    slab_kwh_per_k=SMALL_KWH_PER_K,
                    slab_room_kw_per_k=RIGID_KW_PER_K,
                    envelope_kw_per_k=problem.envelope_kw_per_k,
                    max_heat_kw=20.0,
                    outdoor_c=tuple(problem.outdoor_c),
                    gain_kw=(0.0,) * count,
                    minimum_c=(problem.room_min_c,) * count,
                    maximum_c=(problem.room_max_c,) * count,
                    discomfort_per_kh=HARD_PER_KH,
                ),
            ),
            backups=(
                PlanBackup(
                    backup_id="backup",
                    sinks=("tank", "house"),
                    max_heat_kw=problem.backup_kw,
                    per_kwh=(0.0,) * count,
                    electricity_per_heat=(1.0,) * count,
                ),
            ),
            price=tuple(problem.price),
            feed_in=(0.0,) * count,
            surplus_kw=(0.0,) * count,
            heat_value_per_kwh=0.0,
        ),
        time_limit_s=time_limit_s,
    )
    sinks = ("tank", "house")
    return HeatPlan(
        status="by us",
        power_kw={
            **{
                ("compute", sink): [
                    step.heat_w.get(sink, 0.0) / 1000 / problem.efficiency
                    for step in plan.steps
                ]
                for sink in sinks
            },
            **{
                ("backup", sink): [
                    step.backup_w.get("backup", {}).get(sink, 0.0) / 1000
                    for step in plan.steps
                ]
                for sink in sinks
            },
        },
        cold_s=plan.solve_s,
        warm_s=[],
    )


def cost(problem: HeatProblem, plan: HeatPlan) -> float:
    """Return what a plan costs in the same house, and what it leaves or lacks in heat.

    Followed step by step in EMHASS's own equations. Heat that is missing below a minimum
    on the way, or left above it at the end (EMHASS lets its last step go below), is worth
    what the heater's heat costs in the mean.
    """
    hours = problem.step_min / 60
    tank_c, room_c = problem.tank_c, problem.room_c
    tank_kwh_per_k = problem.tank_l * KWH_PER_L_K
    lowest_tank_c, lowest_room_c = tank_c, room_c
    total = 0.0
    for k, (price, net) in enumerate(
        zip(problem.price, problem.net_price, strict=True)
    ):
        heater_kw = [plan.power_kw["compute", sink][k] for sink in ("tank", "house")]
        backup_kw = [plan.power_kw["backup", sink][k] for sink in ("tank", "house")]
        total += hours * (sum(heater_kw) * net + sum(backup_kw) * price)
        heat_kw = [
            problem.efficiency * heater + backup
            for heater, backup in zip(heater_kw, backup_kw, strict=True)
        ]
        tank_c += (
            hours * (heat_kw[0] - problem.tank_loss_kw) - problem.draw_kwh[k]
        ) / tank_kwh_per_k
        lost_kw = problem.envelope_kw_per_k * (room_c - problem.outdoor_c[k])
        room_c += hours * (heat_kw[1] - lost_kw) / problem.room_kwh_per_k
        if k < len(problem.price) - 1:
            lowest_tank_c = min(lowest_tank_c, tank_c)
            lowest_room_c = min(lowest_room_c, room_c)
    missing_kwh = (
        max(0.0, problem.tank_min_c - lowest_tank_c) * tank_kwh_per_k
        + max(0.0, problem.room_min_c - lowest_room_c) * problem.room_kwh_per_k
    )
    left_kwh = (tank_c - problem.tank_min_c) * tank_kwh_per_k + (
        room_c - problem.room_min_c
    ) * problem.room_kwh_per_k
    worth = sum(problem.net_price) / len(problem.net_price) / problem.efficiency
    return total + worth * (missing_kwh - left_kwh)

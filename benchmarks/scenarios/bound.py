"""What a fortnight would cost at the least, with everything known beforehand."""

from collections.abc import Callable
from datetime import datetime, timedelta

from custom_components.compute_heater.control.plan import (
    Block,
    PlanBackup,
    PlanFloor,
    PlanHeater,
    PlanProblem,
    PlanTank,
)
from custom_components.compute_heater.control.planner import solve

from .data import COLD_WATER_C, KWH_PER_L_K, QUARTER, TAP_C, ZONE, Year
from .heater import EFFICIENCY
from .scenario import (
    BACKUP_W,
    FAN_SHARE,
    FEED_IN_PER_KWH,
    FORTNIGHT,
    HOUSE,
    ROOM_MAX_C,
    ROOM_MIN_C,
    TANK_MAX_C,
    THROTTLE_C,
    Scenario,
    year_of,
)

STEP = timedelta(hours=1)
J_PER_KWH = 3.6e6
SLOWEST_S = 600.0
TANK, FLOOR = "tank", "floor"
TANK_MIN_C = 30.0
"""A tank in layers may be that cold in the mean while its top is warm enough."""


def bound(scenario: Scenario, year: Year) -> float:
    """Return the net cost of the best plan by a linear program in steps of an hour.

    The plant's true parameters, weather, prices and draw-off; a tank of one temperature,
    any power of the heater at any time, and any part of a booked hour. Heat that is left
    counts as in the scores. Raises PlannerError.
    """
    problem = _problem(scenario, year_of(scenario, year))
    return solve(problem, time_limit_s=SLOWEST_S, relaxed=True).objective


def _problem(scenario: Scenario, year: Year) -> PlanProblem:
    starts = [scenario.start + STEP * k for k in range(FORTNIGHT // STEP)]

    def mean(
        values: Callable[[datetime], float], scale: float = 1.0
    ) -> tuple[float, ...]:
        return tuple(
            scale * sum(values(start + QUARTER * k) for k in range(4)) / 4
            for start in starts
        )

    price = mean(year.price)
    count = len(starts)
    per_lpm = 60 * KWH_PER_L_K * (TAP_C - COLD_WATER_C) * scenario.draw_factor

    def surplus_w(time: datetime) -> float:
        household_w = year.household_w[year.clock_index(time)]
        return max(0.0, year.pv_w(time, scenario.pv_peak_kw) - household_w)

    tank, floor = HOUSE.tank, HOUSE.floor
    capacity = tank.litres * KWH_PER_L_K
    sinks: list[PlanTank | PlanFloor] = [
        PlanTank(
            sink_id=TANK,
            temperature_c=tank.start_c,
            capacity_kwh_per_k=capacity,
            loss_kw_per_k=tank.loss_w_per_k / 1000,
            ambient_c=tank.ambient_c,
            max_heat_kw=BACKUP_W / 1000,
            minimum_c=(TANK_MIN_C,) * count,
            maximum_c=(TANK_MAX_C,) * count,
            draw_kwh=mean(lambda t: year.draw_lpm[year.clock_index(t)], per_lpm),
        )
    ]
    if scenario.heats_room:
        light = mean(lambda time: year.window_w_m2[year.index(time)], 1 / 1000)
        sinks.append(
            PlanFloor(
                sink_id=FLOOR,
                room_c=floor.room_start_c,
                slab_c=floor.screed_start_c,
                room_kwh_per_k=floor.room_j_per_k / J_PER_KWH,
                slab_kwh_per_k=floor.screed_j_per_k / J_PER_KWH,
                slab_room_kw_per_k=floor.screed_w_per_k / 1000,
                envelope_kw_per_k=floor.envelope_w_per_k / 1000,
                max_heat_kw=2 * BACKUP_W / 1000,
                outdoor_c=mean(lambda time: year.outdoor_c[year.index(time)]),
                gain_kw=tuple(
                    floor.internal_w / 1000 + floor.window_m2 * each for each in light
                ),
                minimum_c=(ROOM_MIN_C,) * count,
                maximum_c=(ROOM_MAX_C,) * count,
                discomfort_per_kh=10.0,
            )
        )
    return PlanProblem(
        start=scenario.start,
        hours=(1.0,) * count,
        heaters=(_heater(scenario, count),),
        sinks=tuple(sinks),
        backups=(
            PlanBackup(
                backup_id="backup",
                sinks=tuple(sink.sink_id for sink in sinks),
                max_heat_kw=BACKUP_W / 1000,
                per_kwh=(0.0,) * count,
                electricity_per_heat=(1.0,) * count,
            ),
        ),
        price=price,
        feed_in=(FEED_IN_PER_KWH,) * count,
        surplus_kw=mean(surplus_w, 1 / 1000),
        dump_max_kw=scenario.dump_w / 1000,
        dump_per_kwh=FAN_SHARE * FEED_IN_PER_KWH,
        heat_value_per_kwh=sum(price) / count / EFFICIENCY,
    )


def _heater(scenario: Scenario, count: int) -> PlanHeater:
    blocks = []
    if (booked := scenario.blocks) is not None:
        first = scenario.start.astimezone(ZONE)
        for day in range(FORTNIGHT.days + 1):
            midnight = first.replace(hour=0, minute=0) + timedelta(days=day)
            blocks.append(
                Block(
                    start=midnight.replace(hour=booked.first_hour),
                    end=midnight.replace(hour=booked.last_hour),
                    hours=booked.hours,
                    value_per_kwh=booked.value_per_kwh,
                )
            )
    levels = tuple(level / 1000 for level in scenario.levels_w)
    return PlanHeater(
        heater_id="heater",
        idle_kw=scenario.idle_w / 1000,
        levels_kw=levels,
        any_power=False,
        efficiency=EFFICIENCY,
        power_kw=scenario.idle_w / 1000,
        income_per_kwh=(scenario.income_per_kwh,) * count,
        blocks=tuple(blocks),
        coolant_max_c=THROTTLE_C,
    )

"""What comes of an operation: temperatures, cost and discomfort, and a plan of it.

The equations are those of the linear model: implicit (backward) Euler.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from .plan import Plan, PlanFloor, PlanProblem, PlanSink, PlanStep, PlanTank
from .plan_heaters import SLACK, HeaterRules
from .plan_value import sink_values
from .reasons import Reason

OVERLOAD_PER_KWH = 1.0
"""Heat of a heater that cannot stop, into a sink that takes no more."""

type State = tuple[float, float]
"""Comfort temperature, and that of what takes the heat: the same, or the slab."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What all parts do; kW in each step."""

    heater_kw: list[list[float]]
    """Electrical, of each heater."""
    heat_kw: list[list[float]]
    """From the heaters to each sink."""
    backup_kw: list[list[list[float]]]
    """Heat of each backup to each sink of the problem."""
    dump_kw: list[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How the temperature of one sink goes: at the end of each step."""

    sink: PlanSink
    temperature_c: list[float]
    slab_c: list[float]
    """Empty for a tank."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What comes of an operation."""

    courses: list[Course]
    cost: list[float]
    """Of each step: energy minus income."""
    objective: float
    discomfort_kh: dict[str, float]


def sink_state(sink: PlanSink) -> State:
    """Return the temperatures of a sink now."""
    if isinstance(sink, PlanTank):
        return sink.temperature_c, sink.temperature_c
    return sink.room_c, sink.slab_c


def sink_after(
    sink: PlanSink, state: State, step: int, hours: float, heat_kw: float
) -> State:
    """Return the temperatures of a sink at the end of a step."""
    if isinstance(sink, PlanTank):
        gain = hours * (heat_kw + sink.loss_kw_per_k * sink.ambient_c)
        temperature = (
            sink.capacity_kwh_per_k * state[0] + gain - sink.draw_kwh[step]
        ) / (sink.capacity_kwh_per_k + hours * sink.loss_kw_per_k)
        return temperature, temperature
    between = hours * sink.slab_room_kw_per_k
    envelope = hours * sink.envelope_kw_per_k
    a = sink.room_kwh_per_k + between + envelope
    b = sink.slab_kwh_per_k + between
    from_room = (
        sink.room_kwh_per_k * state[0]
        + envelope * sink.outdoor_c[step]
        + hours * sink.gain_kw[step]
    )
    from_slab = sink.slab_kwh_per_k * state[1] + hours * heat_kw
    room = (from_room * b + between * from_slab) / (a * b - between * between)
    return room, (from_slab + between * room) / b


def course(sink: PlanSink, hours: Sequence[float], heat_kw: Sequence[float]) -> Course:
    """Return how the temperatures of a sink go with some heat in each step."""
    state = sink_state(sink)
    states = [
        state := sink_after(sink, state, k, step_h, heat_kw[k])
        for k, step_h in enumerate(hours)
    ]
    return Course(
        sink=sink,
        temperature_c=[each[0] for each in states],
        slab_c=[each[1] for each in states] if isinstance(sink, PlanFloor) else [],
    )


def outcome(
    problem: PlanProblem, rules: Sequence[HeaterRules], operation: Operation
) -> Outcome:
    """Return what comes of an operation."""
    hours = problem.hours
    courses = [
        course(
            sink,
            hours,
            [
                heat + sum(backup[index][k] for backup in operation.backup_kw)
                for k, heat in enumerate(operation.heat_kw[index])
            ],
        )
        for index, sink in enumerate(problem.sinks)
    ]
    cost = _costs(problem, operation)
    discomfort = {each.sink.sink_id: _below(each, hours) for each in courses}
    objective = sum(cost) + _wear(rules, operation) + _overload(problem, operation)
    for each, value in zip(courses, sink_values(problem), strict=True):
        objective += each.sink.discomfort_per_kh * (
            discomfort[each.sink.sink_id] + _above(each, hours)
        )
        objective -= value * (stored_kwh(each) - stored_kwh(each, start=True))
    return Outcome(
        courses=courses, cost=cost, objective=objective, discomfort_kh=discomfort
    )


def stored_kwh(each: Course, *, start: bool = False) -> float:
    """Return the heat in a sink above 0 °C at the end, or at the start, of its course."""
    sink = each.sink
    if isinstance(sink, PlanTank):
        last = sink.temperature_c if start else each.temperature_c[-1]
        return sink.capacity_kwh_per_k * last
    room, slab = (
        (sink.room_c, sink.slab_c)
        if start
        else (each.temperature_c[-1], each.slab_c[-1])
    )
    return sink.room_kwh_per_k * room + sink.slab_kwh_per_k * slab


def _below(each: Course, hours: Sequence[float]) -> float:
    return sum(
        max(each.sink.minimum_c[k] - temperature, 0.0) * hours[k]
        for k, temperature in enumerate(each.temperature_c)
    )


def _above(each: Course, hours: Sequence[float]) -> float:
    sink = each.sink
    over = sum(
        max(temperature - sink.maximum_c[k], 0.0) * hours[k]
        for k, temperature in enumerate(each.temperature_c)
    )
    if isinstance(sink, PlanFloor):
        over += sum(
            max(slab - sink.slab_max_c, 0.0) * hours[k]
            for k, slab in enumerate(each.slab_c)
        )
    return over


def electricity_kw(problem: PlanProblem, operation: Operation, step: int) -> float:
    """Return what heaters and backups draw in a step."""
    return sum(powers[step] for powers in operation.heater_kw) + sum(
        backup.electricity_per_heat[step] * sum(heat[step] for heat in heats)
        for backup, heats in zip(problem.backups, operation.backup_kw, strict=True)
    )


def _costs(problem: PlanProblem, operation: Operation) -> list[float]:
    costs = []
    for k, step_h in enumerate(problem.hours):
        drawn = electricity_kw(problem, operation, k)
        own = min(drawn, max(problem.surplus_kw[k], 0.0))
        rate = problem.price[k] * (drawn - own) + problem.feed_in[k] * own
        rate += problem.dump_per_kwh * operation.dump_kw[k]
        for backup, heats in zip(problem.backups, operation.backup_kw, strict=True):
            rate += backup.per_kwh[k] * sum(heat[k] for heat in heats)
        for heater, powers in zip(problem.heaters, operation.heater_kw, strict=True):
            if heater.income_per_kwh:
                rate -= heater.income_per_kwh[k] * (powers[k] - heater.idle_kw)
        costs.append(rate * step_h)
    for index, powers in enumerate(operation.heater_kw):
        for k, earned in enumerate(block_income(problem, index, powers)):
            costs[k] -= earned
    return costs


def block_hours(problem: PlanProblem, heater: int, block: int) -> list[float]:
    """Return how many hours of a block's window lie in each step."""
    window = problem.heaters[heater].blocks[block]
    starts = problem.starts()
    return [
        max(
            (
                min(starts[k + 1], window.end) - max(starts[k], window.start)
            ).total_seconds()
            / 3600,
            0.0,
        )
        for k in range(len(problem.hours))
    ]


def block_income(
    problem: PlanProblem, index: int, powers_kw: Sequence[float]
) -> list[float]:
    """Return what booked blocks pay a heater in each step, above its usual income."""
    heater = problem.heaters[index]
    top = heater.levels_kw[-1]
    earned = [0.0] * len(problem.hours)
    free_h = [
        hours if power >= top - SLACK else 0.0
        for hours, power in zip(problem.hours, powers_kw, strict=True)
    ]
    order = sorted(
        range(len(heater.blocks)), key=lambda b: -heater.blocks[b].value_per_kwh
    )
    for b in order:
        block = heater.blocks[b]
        left_h = block.hours
        within = block_hours(problem, index, b)
        extra = [
            block.value_per_kwh
            - (heater.income_per_kwh[k] if heater.income_per_kwh else 0.0)
            for k in range(len(within))
        ]
        for k in sorted(range(len(within)), key=lambda k: -extra[k]):
            used = min(left_h, within[k], free_h[k])
            if used > 0 and extra[k] > 0:
                earned[k] += used * extra[k] * (top - heater.idle_kw)
                free_h[k] -= used
                left_h -= used
    return earned


def _overload(problem: PlanProblem, operation: Operation) -> float:
    """Return the price of heat that a sink has to take beyond its limit."""
    return OVERLOAD_PER_KWH * sum(
        max(heat - max(sink.max_heat_kw, 0.0), 0.0) * step_h
        for sink, heats in zip(problem.sinks, operation.heat_kw, strict=True)
        for heat, step_h in zip(heats, problem.hours, strict=True)
    )


def _wear(rules: Sequence[HeaterRules], operation: Operation) -> float:
    total = 0.0
    for rule, powers in zip(rules, operation.heater_kw, strict=True):
        heater = rule.heater
        if heater.fixed:
            continue
        before = rule.power_now_kw
        for power in powers:
            worked, works = rule.works_at(before), rule.works_at(power)
            if works and not worked:
                total += heater.start_cost
            elif works:
                total += heater.change_cost * change_share(rule, before, power)
            before = power
    return total


def change_share(rule: HeaterRules, before_kw: float, after_kw: float) -> float:
    """Return how much of a change of level it is; where any power may be, by size."""
    heater = rule.heater
    change = abs(after_kw - before_kw)
    if heater.any_power:
        reach = heater.levels_kw[-1] - heater.levels_kw[0]
        return change / reach if reach > SLACK else 0.0
    return float(change > SLACK)


def plan_of(
    problem: PlanProblem,
    operation: Operation,
    result: Outcome,
    reasons: Sequence[Reason],
    *,
    bound: float | None = None,
    by_rules: bool = False,
    solve_s: float = 0.0,
) -> Plan:
    """Return an operation and its outcome as a plan."""
    starts = problem.starts()
    ids = [sink.sink_id for sink in problem.sinks]
    steps = []
    for k, step_h in enumerate(problem.hours):
        backup_w = {
            backup.backup_id: {
                ids[s]: 1000 * heat[k]
                for s, heat in enumerate(heats)
                if heat[k] > SLACK
            }
            for backup, heats in zip(problem.backups, operation.backup_kw, strict=True)
        }
        steps.append(
            PlanStep(
                start=starts[k],
                hours=step_h,
                power_w={
                    heater.heater_id: 1000 * powers[k]
                    for heater, powers in zip(
                        problem.heaters, operation.heater_kw, strict=True
                    )
                },
                heat_w={
                    ids[s]: 1000 * heat[k] for s, heat in enumerate(operation.heat_kw)
                },
                backup_w={key: heats for key, heats in backup_w.items() if heats},
                dump_w=1000 * operation.dump_kw[k],
                temperature_c={
                    each.sink.sink_id: each.temperature_c[k] for each in result.courses
                },
                slab_c={
                    each.sink.sink_id: each.slab_c[k]
                    for each in result.courses
                    if each.slab_c
                },
                price=problem.price[k],
                cost=result.cost[k],
                reason=reasons[k],
            )
        )
    return Plan(
        made_at=problem.start,
        steps=tuple(steps),
        objective=result.objective,
        bound=bound,
        by_rules=by_rules,
        solve_s=solve_s,
        discomfort_kh=result.discomfort_kh,
    )

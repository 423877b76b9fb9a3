"""What heat is worth that is still stored when a plan ends."""

from itertools import accumulate

from .plan import PlanFloor, PlanProblem, PlanSink

KEPT = 0.9
"""Some of it is lost before it is needed."""
DAY_H = 24.0


def sink_values(problem: PlanProblem) -> list[float]:
    """Return the worth of 1 kWh in each sink at the end of the plan."""
    value = problem.heat_value_per_kwh
    if value is not None:
        return [value] * len(problem.sinks)
    value = heat_value(problem)
    return [
        # What warms a house that needs no heat is of no use to anybody.
        0.0
        if isinstance(sink, PlanFloor) and _need_kwh(problem, sink, last_h=DAY_H) <= 0
        else value
        for sink in problem.sinks
    ]


def heat_value(problem: PlanProblem) -> float:
    """Return what the next kWh of heat would cost once the need of the plan is covered.

    Heat that is stored replaces the dearest heat that will be needed: in summer that of a
    cheap hour, in winter that of the backup. Where computing earns more than it costs, heat
    comes for less than nothing and a full store is in the way: the worth is below 0, but
    no lower than the cost of throwing the heat away.
    """
    need = sum(_need_kwh(problem, sink) for sink in problem.sinks)
    offers: list[tuple[float, float]] = []
    for heater in problem.heaters:
        always_kw = heater.power_kw if heater.fixed else heater.idle_kw
        need -= heater.efficiency * always_kw * sum(problem.hours)
        range_kw = heater.levels_kw[-1] - heater.idle_kw
        if heater.fixed or range_kw <= 0 or heater.efficiency <= 0:
            continue
        for k, step_h in enumerate(problem.hours):
            own = min(max(problem.surplus_kw[k], 0.0) / range_kw, 1.0)
            cost = own * problem.feed_in[k] + (1 - own) * problem.price[k]
            if heater.income_per_kwh:
                cost -= heater.income_per_kwh[k]
            top = heater.ceiling_kw[k] if heater.ceiling_kw else heater.levels_kw[-1]
            heat = heater.efficiency * min(max(top - heater.idle_kw, 0.0), range_kw)
            offers.append((cost / heater.efficiency, heat * step_h))
    for backup in problem.backups:
        for k, step_h in enumerate(problem.hours):
            cost = backup.per_kwh[k] + backup.electricity_per_heat[k] * problem.price[k]
            offers.append((cost, backup.max_heat_kw * step_h))
    if need <= 0 or not offers:
        return 0.0
    offers.sort()
    covered = list(accumulate(amount for _, amount in offers))
    marginal = next(
        (
            cost
            for (cost, _), amount in zip(offers, covered, strict=True)
            if amount >= need
        ),
        offers[-1][0],
    )
    if problem.dump_max_kw > 0:
        marginal = max(marginal, -problem.dump_per_kwh)
    return KEPT * marginal


def _need_kwh(
    problem: PlanProblem, sink: PlanSink, *, last_h: float | None = None
) -> float:
    """Return the heat that keeps a sink at its minimum, over the whole plan or its end."""
    total = elapsed = 0.0
    begin = 0.0 if last_h is None else sum(problem.hours) - last_h
    for k, step_h in enumerate(problem.hours):
        elapsed += step_h
        if elapsed <= begin:
            continue
        if isinstance(sink, PlanFloor):
            lost_kw = sink.envelope_kw_per_k * (sink.minimum_c[k] - sink.outdoor_c[k])
            total += step_h * (lost_kw - sink.gain_kw[k])
        else:
            lost_kw = sink.loss_kw_per_k * (sink.minimum_c[k] - sink.ambient_c)
            total += step_h * max(lost_kw, 0.0) + sink.draw_kwh[k]
    return max(total, 0.0)

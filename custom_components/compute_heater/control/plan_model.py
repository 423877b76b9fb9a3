"""A plan's problem as a linear model with whole numbers, and the way back."""

from collections.abc import Sequence

from .heater_part import HeaterPart
from .linear import INFINITY, LinearModel, Terms
from .plan import PlanFloor, PlanProblem, PlanSink, PlanTank
from .plan_heaters import HeaterRules, grid_room_kw
from .plan_outcome import OVERLOAD_PER_KWH, Operation, block_income
from .plan_value import sink_values

TOO_HOT_PER_KH = 3.0
"""A sink that is hotter than a heater's coolant may become."""


class PlanModel:
    """The model of one problem. Comfort is soft, so that there is always a solution."""

    def __init__(self, problem: PlanProblem, rules: Sequence[HeaterRules]) -> None:
        """Build the model."""
        self.linear = LinearModel()
        self._problem = problem
        self._rules = rules
        self._steps = range(len(problem.hours))
        self.heaters = [
            HeaterPart(self.linear, problem, rule, index)
            for index, rule in enumerate(rules)
        ]
        self._sources = _sources(rules)
        self._heat = [[self._columns() for _ in problem.sinks] for _ in self._sources]
        """Of each source to each sink."""
        self._dump = [
            self._columns(problem.dump_per_kwh)
            for _ in (self._sources if problem.dump_max_kw > 0 else ())
        ]
        self._backup = [
            [
                [
                    self.linear.column(
                        cost=backup.per_kwh[k] * problem.hours[k],
                        upper=backup.max_heat_kw if sink.sink_id in backup.sinks else 0,
                    )
                    for k in self._steps
                ]
                for sink in problem.sinks
            ]
            for backup in problem.backups
        ]
        self._forced_kw = self._forced_heat()
        self._too_hot: list[int] = []
        for index, (sink, value) in enumerate(
            zip(problem.sinks, sink_values(problem), strict=True)
        ):
            self._add_sink(index, sink, value)
        if problem.sinks:
            self._add_balance()
        self._add_limits()
        self._add_money()

    def _columns(self, cost_per_h: float = 0.0) -> list[int]:
        return [
            self.linear.column(cost=cost_per_h * hours) for hours in self._problem.hours
        ]

    def _forced_heat(self) -> list[float]:
        """Return the heat in each step that no plan can avoid."""
        return [
            sum(
                rule.heater.efficiency * rule.least_kw(k)
                for rule in self._rules
                if rule.heater.fixed or k in rule.must_work
            )
            for k in self._steps
        ]

    def _to_sink(self, index: int, step: int) -> Terms:
        return [(sinks[index][step], 1.0) for sinks in self._heat]

    def _add_sink(self, index: int, sink: PlanSink, value: float) -> None:
        hours = self._problem.hours
        if isinstance(sink, PlanTank):
            states = [self._temperatures(sink.capacity_kwh_per_k, value)]
            self._add_tank(index, sink, states[0])
        else:
            states = [
                self._temperatures(sink.room_kwh_per_k, value),
                self._temperatures(sink.slab_kwh_per_k, value),
            ]
            self._add_floor(index, sink, states[0], states[1])
        for k in self._steps:
            price = sink.discomfort_per_kh * hours[k]
            comfort = states[0][k]
            below = self.linear.column(cost=price)
            self.linear.row([(comfort, 1.0), (below, 1.0)], lower=sink.minimum_c[k])
            limits = [(comfort, sink.maximum_c[k])]
            if isinstance(sink, PlanFloor):
                limits.append((states[1][k], sink.slab_max_c))
            for state, limit in limits:
                above = self.linear.column(cost=price)
                self.linear.row([(state, 1.0), (above, -1.0)], upper=limit)
            to_sink = self._to_sink(index, k)
            if (forced := self._forced_kw[k]) > 0:
                over = self.linear.column(
                    cost=OVERLOAD_PER_KWH * hours[k], upper=forced
                )
                to_sink = [*to_sink, (over, -1.0)]
            self.linear.row(to_sink, upper=max(sink.max_heat_kw, 0.0))
        self._add_coolant_limits(index, sink, states[-1])

    def _temperatures(self, kwh_per_k: float, value: float) -> list[int]:
        """Add a temperature at the end of each step; heat left at the end has a worth."""
        columns = [self.linear.column(lower=-INFINITY) for _ in self._steps]
        self.linear.cost[columns[-1]] = -value * kwh_per_k
        return columns

    def _add_tank(self, index: int, sink: PlanTank, states: Sequence[int]) -> None:
        capacity = sink.capacity_kwh_per_k
        self.linear.offset -= self.linear.cost[states[-1]] * sink.temperature_c
        for k, step_h in enumerate(self._problem.hours):
            known = step_h * sink.loss_kw_per_k * sink.ambient_c - sink.draw_kwh[k]
            if k == 0:
                known += capacity * sink.temperature_c
            self.linear.row(
                [
                    (states[k], capacity + step_h * sink.loss_kw_per_k),
                    *([(states[k - 1], -capacity)] if k else []),
                    *self._heat_terms(index, k, -step_h),
                ],
                lower=known,
                upper=known,
            )

    def _add_floor(
        self, index: int, sink: PlanFloor, rooms: Sequence[int], slabs: Sequence[int]
    ) -> None:
        linear = self.linear
        linear.offset -= linear.cost[rooms[-1]] * sink.room_c
        linear.offset -= linear.cost[slabs[-1]] * sink.slab_c
        for k, step_h in enumerate(self._problem.hours):
            between = step_h * sink.slab_room_kw_per_k
            envelope = step_h * sink.envelope_kw_per_k
            known = envelope * sink.outdoor_c[k] + step_h * sink.gain_kw[k]
            linear.row(
                [
                    (rooms[k], sink.room_kwh_per_k + between + envelope),
                    (slabs[k], -between),
                    *([(rooms[k - 1], -sink.room_kwh_per_k)] if k else []),
                ],
                lower=known + (0 if k else sink.room_kwh_per_k * sink.room_c),
                upper=known + (0 if k else sink.room_kwh_per_k * sink.room_c),
            )
            known = 0 if k else sink.slab_kwh_per_k * sink.slab_c
            linear.row(
                [
                    (slabs[k], sink.slab_kwh_per_k + between),
                    (rooms[k], -between),
                    *([(slabs[k - 1], -sink.slab_kwh_per_k)] if k else []),
                    *self._heat_terms(index, k, -step_h),
                ],
                lower=known,
                upper=known,
            )

    def _heat_terms(self, index: int, step: int, factor: float) -> Terms:
        return [
            (column, factor)
            for column, _ in [
                *self._to_sink(index, step),
                *((sinks[index][step], 1.0) for sinks in self._backup),
            ]
        ]

    def _add_coolant_limits(
        self, index: int, sink: PlanSink, states: Sequence[int]
    ) -> None:
        """Heat goes over only while the sink is colder than the coolant may become."""
        start_c = sink.temperature_c if isinstance(sink, PlanTank) else sink.slab_c
        for source, rules in enumerate(self._sources):
            heater = rules[0].heater
            kappa, hottest_c = heater.exchanger_kw_per_k, heater.coolant_max_c
            if kappa is None or hottest_c is None or heater.fixed:
                continue
            left_c = start_c
            for k, step_h in enumerate(self._problem.hours):
                column = self._heat[source][index][k]
                before_c = left_c
                left_c = _unheated_c(sink, left_c, k, step_h)
                if isinstance(sink, PlanTank):
                    left_c = max(left_c, sink.minimum_c[k])
                if (before_c + left_c) / 2 >= hottest_c and k not in rules[0].must_work:
                    self.linear.upper[column] = 0.0
                    continue
                too_hot = self.linear.column(cost=TOO_HOT_PER_KH * step_h)
                self._too_hot.append(too_hot)
                self.linear.row(
                    [
                        (column, 1.0),
                        (too_hot, -kappa),
                        (states[k], kappa / 2),
                        *([(states[k - 1], kappa / 2)] if k else []),
                    ],
                    upper=kappa * (hottest_c - (0.0 if k else start_c / 2)),
                )

    def _add_balance(self) -> None:
        """All heat of a source goes somewhere; only what it makes idle may be lost."""
        for source, rules in enumerate(self._sources):
            parts = [part for part in self.heaters if part.rule in rules]
            for k in self._steps:
                heat = [(columns[k], 1.0) for columns in self._heat[source]]
                if self._dump:
                    heat.append((self._dump[source][k], 1.0))
                made: list[tuple[int, float]] = []
                loss: list[tuple[int, float]] = []
                base = idle = 0.0
                for part in parts:
                    heater = part.rule.heater
                    always = heater.power_kw if heater.fixed else heater.idle_kw
                    base += heater.efficiency * always
                    idle += heater.efficiency * min(heater.idle_kw, always)
                    if heater.fixed and part.rule.works_now:
                        idle -= heater.efficiency * heater.idle_kw
                    made += [(c, -heater.efficiency * f) for c, f in part.above_idle[k]]
                    loss += [
                        (c, heater.efficiency * heater.idle_kw * f)
                        for c, f in part.working[k]
                    ]
                self.linear.row([*heat, *made], upper=base)
                self.linear.row(
                    [*heat, *made, *((c, -f) for c, f in loss)], lower=base - idle
                )

    def _add_limits(self) -> None:
        problem = self._problem
        for backup, sinks in zip(problem.backups, self._backup, strict=True):
            for k in self._steps:
                if len(sinks) > 1:
                    self.linear.row(
                        [(columns[k], 1.0) for columns in sinks],
                        upper=backup.max_heat_kw,
                    )
        if len(self._dump) > 0:
            for k in self._steps:
                self.linear.row(
                    [(columns[k], 1.0) for columns in self._dump],
                    upper=problem.dump_max_kw,
                )

    def _add_money(self) -> None:
        problem, linear = self._problem, self.linear
        room_kw = grid_room_kw(problem)
        always_kw = 0.0
        for index, rule in enumerate(self._rules):
            heater = rule.heater
            always_kw += heater.power_kw if heater.fixed else heater.idle_kw
            if heater.fixed:
                linear.offset -= self._fixed_income(index)
        for k, step_h in enumerate(problem.hours):
            surplus = max(problem.surplus_kw[k], 0.0)
            least = sum(rule.least_kw(k) for rule in self._rules)
            bought = linear.column(
                cost=problem.price[k] * step_h,
                # What has to run draws more than the limit, if need be.
                upper=max(room_kw[k], least) - surplus,
            )
            drawn: list[tuple[int, float]] = [(bought, -1.0)]
            for part in self.heaters:
                drawn += part.above_idle[k]
            most = sum(
                max(rule.heater.levels_kw[-1], rule.heater.power_kw)
                for rule in self._rules
            )
            for backup, sinks in zip(problem.backups, self._backup, strict=True):
                share = backup.electricity_per_heat[k]
                most += share * backup.max_heat_kw
                drawn += [(columns[k], share) for columns in sinks]
            if surplus > 0:
                own = linear.column(cost=problem.feed_in[k] * step_h, upper=surplus)
                drawn.append((own, -1.0))
                if problem.feed_in[k] > problem.price[k]:
                    # The meter sees only the difference: nobody buys while selling.
                    all_used = linear.column(upper=1.0, integer=True)
                    linear.row([(own, 1.0), (all_used, -surplus)], lower=0.0)
                    linear.row([(bought, 1.0), (all_used, -most)], upper=0.0)
            linear.row(drawn, lower=-always_kw, upper=-always_kw)

    def _fixed_income(self, index: int) -> float:
        """Return what a heater earns that runs by hand."""
        problem = self._problem
        heater = problem.heaters[index]
        powers = [heater.power_kw] * len(problem.hours)
        earned = sum(block_income(problem, index, powers))
        for step_h, income in zip(problem.hours, heater.income_per_kwh, strict=False):
            earned += step_h * income * (heater.power_kw - heater.idle_kw)
        return earned

    def operation(self, values: Sequence[float], *, relaxed: bool = False) -> Operation:
        """Return what a solution means."""

        def value(column: int) -> float:
            return max(values[column], 0.0)

        return Operation(
            heater_kw=[
                part.powers_kw(values, relaxed=relaxed) for part in self.heaters
            ],
            heat_kw=[
                [
                    sum(value(sinks[index][k]) for sinks in self._heat)
                    for k in self._steps
                ]
                for index in range(len(self._problem.sinks))
            ],
            backup_kw=[
                [[value(column) for column in columns] for columns in sinks]
                for sinks in self._backup
            ],
            dump_kw=[
                sum(value(columns[k]) for columns in self._dump) for k in self._steps
            ],
        )

    def too_hot(self, values: Sequence[float]) -> float:
        """Return the price of sinks hotter than the coolant, which no outcome knows."""
        return sum(
            self.linear.cost[column] * values[column] for column in self._too_hot
        )

    def fixed(self, heater_kw: Sequence[Sequence[float]]) -> dict[int, float]:
        """Return the columns of all heaters at these powers."""
        found: dict[int, float] = {}
        for part, powers in zip(self.heaters, heater_kw, strict=True):
            found |= part.fixed(powers)
        return found


def _sources(rules: Sequence[HeaterRules]) -> list[list[HeaterRules]]:
    """Return heaters whose heat need not be told apart together."""
    alone = [[rule] for rule in rules if rule.heater.exchanger_kw_per_k is not None]
    rest = [rule for rule in rules if rule.heater.exchanger_kw_per_k is None]
    return [*alone, rest] if rest else alone


def _unheated_c(
    sink: PlanSink, temperature_c: float, step: int, step_h: float
) -> float:
    """Return roughly to where it cools within a step."""
    if isinstance(sink, PlanTank):
        return (
            sink.capacity_kwh_per_k * temperature_c
            + step_h * sink.loss_kw_per_k * sink.ambient_c
            - sink.draw_kwh[step]
        ) / (sink.capacity_kwh_per_k + step_h * sink.loss_kw_per_k)
    between = step_h * sink.slab_room_kw_per_k
    return (sink.slab_kwh_per_k * temperature_c + between * sink.room_c) / (
        sink.slab_kwh_per_k + between
    )

"""Make a plan without a solver: the cheapest hours before comfort falls."""

from collections.abc import Sequence
from dataclasses import dataclass

from .plan import Plan, PlanFloor, PlanProblem, PlanSink
from .plan_heaters import HeaterRules, heater_rules, spare_kw
from .plan_outcome import Operation, block_hours, course, outcome, plan_of
from .plan_reasons import step_reasons
from .plan_value import sink_values
from .rule_operation import Wishes, carry_out

PORTION_KWH = 0.5
"""Heat is planned in portions of this."""
MARGIN_K = 0.2
"""The rules plan for a little more than the minimum."""
STORAGE_PER_H = 0.003
"""Share of its cost by which heat gets dearer per hour that it waits."""
LEAST_KW = 0.01


def plan_by_rules(problem: PlanProblem) -> Plan:
    """Return a decent plan of the same form as the solver's, in pure Python.

    Heat that keeps comfort comes from the cheapest hours before it is needed, of the
    heaters or of a backup, whichever costs less. Then heaters run wherever heat costs
    less than it will be worth, as far as it finds room, and for booked blocks.
    """
    rules = heater_rules(problem)
    operation = by_rules(problem, rules)
    result = outcome(problem, rules, operation)
    return plan_of(
        problem,
        operation,
        result,
        step_reasons(problem, rules, operation, result),
        by_rules=True,
    )


def by_rules(problem: PlanProblem, rules: Sequence[HeaterRules]) -> Operation:
    """Return what the rules would do."""
    rule_plan = _RulePlan(problem, rules)
    rule_plan.keep_comfort()
    rule_plan.earn()
    return carry_out(problem, rules, rule_plan.wishes)


@dataclass(frozen=True, slots=True)
class _Offer:
    """A source that could give heat in a step."""

    cost: float
    """Per kWh of heat."""
    step: int
    spare_kw: float
    heater: int | None
    backup: int | None


class _RulePlan:
    def __init__(self, problem: PlanProblem, rules: Sequence[HeaterRules]) -> None:
        self._problem = problem
        self._rules = rules
        self._spare_kw = spare_kw(rules, problem)
        self._drawn_kw = [
            sum(rule.least_kw(k) for rule in rules) for k in range(len(problem.hours))
        ]
        self._income = [self._incomes(index) for index in range(len(problem.heaters))]
        self.wishes = Wishes.none(problem)

    def _incomes(self, index: int) -> list[float]:
        """Return what a heater earns in each step, blocks in the cheapest hours included."""
        problem, heater = self._problem, self._problem.heaters[index]
        incomes = list(heater.income_per_kwh) or [0.0] * len(problem.hours)
        for b, block in enumerate(heater.blocks):
            within = block_hours(problem, index, b)
            left_h = block.hours
            order = sorted(range(len(within)), key=lambda k: self._power_cost(k, 0.0))
            for k in order:
                if within[k] > 0 and left_h > 0:
                    incomes[k] = max(incomes[k], block.value_per_kwh)
                    left_h -= within[k]
        return incomes

    def _power_cost(self, step: int, drawn_kw: float) -> float:
        problem = self._problem
        own = problem.surplus_kw[step] > drawn_kw
        return problem.feed_in[step] if own else problem.price[step]

    def keep_comfort(self) -> None:
        """Plan heat for every sink that would fall below its minimum."""
        order = sorted(
            range(len(self._problem.sinks)),
            key=lambda index: -self._problem.sinks[index].discomfort_per_kh,
        )
        for index in order:
            self._keep_comfort_of(index)

    def _keep_comfort_of(self, index: int) -> None:
        problem, sink = self._problem, self._problem.sinks[index]
        hopeless = -1
        # Every turn plans a portion or gives up a step.
        for _ in range(20 * len(problem.hours)):
            states = self._course(index)
            step = next(
                (
                    k
                    for k, (temperature, _) in enumerate(states)
                    if k > hopeless and temperature < sink.minimum_c[k] + MARGIN_K
                ),
                None,
            )
            if step is None:
                return
            offers = [
                offer
                for k in range(step + 1)
                if self._has_room(sink, states, k, step)
                for offer in self._offers(index, k, states)
            ]
            if not offers:
                hopeless = step
                continue
            starts = self._rules[0].starts_h if self._rules else [0.0] * (step + 1)
            self._take(
                index,
                min(
                    offers,
                    key=lambda each: (
                        each.cost
                        + STORAGE_PER_H
                        * abs(each.cost)
                        * (starts[step] - starts[each.step])
                    ),
                ),
            )

    def earn(self) -> None:
        """Plan heat that costs less than it is worth at the end."""
        values = sink_values(self._problem)
        last = len(self._problem.hours) - 1
        for index, sink in enumerate(self._problem.sinks):
            for _ in range(20 * len(self._problem.hours)):
                states = self._course(index)
                offers = [
                    offer
                    for k in range(last + 1)
                    if self._has_room(sink, states, k, last)
                    for offer in self._offers(index, k, states)
                    if offer.heater is not None and offer.cost < values[index]
                ]
                if not offers:
                    break
                self._take(index, min(offers, key=lambda each: each.cost))
        self._earn_by_dumping()

    def _earn_by_dumping(self) -> None:
        problem = self._problem
        if problem.dump_max_kw <= 0:
            return
        for index, rule in enumerate(self._rules):
            heater = rule.heater
            if heater.fixed:
                continue
            for k in range(len(problem.hours)):
                cost = self._power_cost(k, self._drawn_kw[k]) - self._income[index][k]
                if cost + heater.efficiency * problem.dump_per_kwh < 0:
                    self.wishes.heater_kw[index][k] = heater.levels_kw[-1]

    def _course(self, index: int) -> list[tuple[float, float]]:
        wishes = self.wishes
        heat = [
            given + sum(backup[index][k] for backup in wishes.backup_kw)
            for k, given in enumerate(wishes.heat_kw[index])
        ]
        found = course(self._problem.sinks[index], self._problem.hours, heat)
        slabs = found.slab_c or found.temperature_c
        return list(zip(found.temperature_c, slabs, strict=True))

    def _has_room(
        self,
        sink: PlanSink,
        states: Sequence[tuple[float, float]],
        begin: int,
        end: int,
    ) -> bool:
        """Whether a portion more in step ``begin`` stays below the maximum until ``end``."""
        if isinstance(sink, PlanFloor):
            rise = PORTION_KWH / (sink.room_kwh_per_k + sink.slab_kwh_per_k)
            slab_rise = PORTION_KWH / sink.slab_kwh_per_k
            return (
                all(
                    states[k][0] + rise <= sink.maximum_c[k]
                    for k in range(begin, end + 1)
                )
                and states[begin][1] + slab_rise <= sink.slab_max_c
            )
        rise = PORTION_KWH / sink.capacity_kwh_per_k
        # In the step in which it is needed a part of it is drawn at once.
        return (
            all(states[k][0] + rise <= sink.maximum_c[k] for k in range(begin, end))
            and states[end][0] < sink.maximum_c[end]
        )

    def _offers(
        self, index: int, step: int, states: Sequence[tuple[float, float]]
    ) -> list[_Offer]:
        problem, wishes = self._problem, self.wishes
        sink = problem.sinks[index]
        power_cost = self._power_cost(step, self._drawn_kw[step])
        offers = []
        room_kw = sink.max_heat_kw - wishes.heat_kw[index][step]
        for h, rule in enumerate(self._rules):
            heater = rule.heater
            if heater.fixed or heater.efficiency <= 0 or not rule.levels_kw(step):
                continue
            if step in rule.must_idle:
                continue
            top = min(rule.ceiling_kw[step], heater.levels_kw[-1])
            left_kw = (
                min(top - wishes.heater_kw[h][step], self._spare_kw[step])
                * heater.efficiency
            )
            spare = min(left_kw, room_kw)
            if (
                heater.exchanger_kw_per_k is not None
                and heater.coolant_max_c is not None
            ):
                hot = states[step][1]
                limit = heater.exchanger_kw_per_k * (heater.coolant_max_c - hot)
                given = heater.efficiency * wishes.heater_kw[h][step]
                spare = min(spare, limit - given)
            if spare > LEAST_KW:
                cost = (power_cost - self._income[h][step]) / heater.efficiency
                offers.append(_Offer(cost, step, spare, h, None))
        for b, backup in enumerate(problem.backups):
            if sink.sink_id not in backup.sinks:
                continue
            given = sum(heat[step] for heat in wishes.backup_kw[b])
            share = backup.electricity_per_heat[step]
            spare = backup.max_heat_kw - given
            if share > 0:
                spare = min(spare, self._spare_kw[step] / share)
            if spare > LEAST_KW:
                cost = backup.per_kwh[step] + share * power_cost
                offers.append(_Offer(cost, step, spare, None, b))
        return offers

    def _take(self, index: int, offer: _Offer) -> None:
        wishes, k = self.wishes, offer.step
        heat_kw = min(offer.spare_kw, PORTION_KWH / self._problem.hours[k])
        if offer.heater is not None:
            power = heat_kw / self._problem.heaters[offer.heater].efficiency
            wishes.heater_kw[offer.heater][k] += power
            wishes.heat_kw[index][k] += heat_kw
        elif offer.backup is not None:
            share = self._problem.backups[offer.backup].electricity_per_heat[k]
            power = heat_kw * share
            wishes.backup_kw[offer.backup][index][k] += heat_kw
        self._spare_kw[k] -= power
        self._drawn_kw[k] += power

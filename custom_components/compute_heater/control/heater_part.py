"""One heater in the linear model of a plan."""

from collections.abc import Sequence

from .linear import LinearModel, Terms
from .plan import PlanProblem
from .plan_heaters import SLACK, HeaterRules
from .plan_outcome import block_hours


class HeaterPart:
    """Columns and rows of a heater: levels, minimum times, starts, changes and blocks."""

    def __init__(
        self, linear: LinearModel, problem: PlanProblem, rule: HeaterRules, index: int
    ) -> None:
        """Add the heater with this ``index`` in ``problem`` to ``linear``."""
        self.rule = rule
        self.working: list[Terms] = []
        """Each step: 1 while it works."""
        self.above_idle: list[Terms] = []
        """Each step: its power above idle in kW."""
        self._linear = linear
        self._problem = problem
        self._booked: dict[int, list[tuple[int, float]]] = {}
        """Hours of each step that belong to blocks."""
        self._full: list[Terms] = []
        self._choices: list[list[int]] = []
        """Each step: at which level it works; with any power only whether it works."""
        self._reach: list[int] = []
        """Each step, with any power only: the power in kW."""
        steps = range(len(problem.hours))
        if rule.heater.fixed:
            self.working = self.above_idle = [[] for _ in steps]
            return
        booked = [
            block_hours(problem, index, block)
            for block in range(len(rule.heater.blocks))
        ]
        for k in steps:
            may_work = bool(rule.levels_kw(k)) and k not in rule.must_idle
            if self._any_power:
                self._add_range(k, may_work, any(block[k] for block in booked))
            else:
                self._add_levels(k, may_work)
            linear.row(self.working[k], lower=float(k in rule.must_work), upper=1.0)
        self._add_switching()
        for block, within in zip(rule.heater.blocks, booked, strict=True):
            self._add_block(block.hours, block.value_per_kwh, within)
        if len(booked) > 1:
            self._share_blocks()

    @property
    def _any_power(self) -> bool:
        heater = self.rule.heater
        return heater.any_power and len(heater.levels_kw) > 1

    def _earned(self, step: int) -> float:
        income = self.rule.heater.income_per_kwh
        return income[step] * self._problem.hours[step] if income else 0.0

    def _add_levels(self, step: int, may_work: bool) -> None:
        heater = self.rule.heater
        open_levels = self.rule.levels_kw(step) if may_work else ()
        columns = [
            self._linear.column(
                cost=-self._earned(step) * (level - heater.idle_kw),
                upper=float(level in open_levels),
                integer=level in open_levels,
            )
            for level in heater.levels_kw
        ]
        self._choices.append(columns)
        self.working.append([(column, 1.0) for column in columns])
        self.above_idle.append(
            [
                (column, level - heater.idle_kw)
                for column, level in zip(columns, heater.levels_kw, strict=True)
            ]
        )
        self._full.append([(columns[-1], 1.0)])

    def _add_range(self, step: int, may_work: bool, booked: bool) -> None:
        linear, heater = self._linear, self.rule.heater
        low, high = heater.levels_kw[0], heater.levels_kw[-1]
        top = max(min(high, self.rule.ceiling_kw[step]), low)
        works = linear.column(
            cost=self._earned(step) * heater.idle_kw,
            upper=float(may_work),
            integer=may_work,
        )
        power = linear.column(cost=-self._earned(step), upper=top)
        linear.row([(power, 1.0), (works, -low)], lower=0.0)
        linear.row([(power, 1.0), (works, -top)], upper=0.0)
        self._choices.append([works])
        self._reach.append(power)
        self.working.append([(works, 1.0)])
        self.above_idle.append([(power, 1.0), (works, -heater.idle_kw)])
        full: Terms = []
        if booked and may_work and top >= high - SLACK:
            column = linear.column(upper=1.0, integer=True)
            linear.row([(column, high), (power, -1.0)], upper=0.0)
            self._choices[-1].append(column)
            full = [(column, 1.0)]
        self._full.append(full)

    def _add_switching(self) -> None:
        linear, rule = self._linear, self.rule
        heater = rule.heater
        if not (
            heater.start_cost
            or heater.change_cost
            or heater.min_on_h
            or heater.min_off_h
        ):
            return
        starts = [
            linear.column(cost=heater.start_cost, upper=1.0) for _ in self.working
        ]
        stops = [linear.column(upper=1.0) for _ in self.working]
        for k, works in enumerate(self.working):
            before = self.working[k - 1] if k else ()
            linear.row(
                [
                    (starts[k], 1.0),
                    (stops[k], -1.0),
                    *((column, -factor) for column, factor in works),
                    *before,
                ],
                lower=0.0 if k else -float(rule.works_now),
                upper=0.0 if k else -float(rule.works_now),
            )
            # Whoever has started a while ago still works; who has stopped still does not.
            linear.row(
                [
                    *((starts[j], 1.0) for j in rule.since(k, heater.min_on_h)),
                    *((column, -factor) for column, factor in works),
                ],
                upper=0.0,
            )
            linear.row(
                [
                    *((stops[j], 1.0) for j in rule.since(k, heater.min_off_h)),
                    *works,
                ],
                upper=1.0,
            )
        if heater.change_cost and len(heater.levels_kw) > 1:
            self._add_changes(starts, stops)

    def _add_changes(self, starts: Sequence[int], stops: Sequence[int]) -> None:
        linear, rule = self._linear, self.rule
        heater = rule.heater
        for k in range(len(self.working)):
            changed = linear.column(cost=heater.change_cost)
            if self._any_power:
                span = heater.levels_kw[-1] - heater.levels_kw[0]
                now = rule.power_now_kw if rule.works_now else 0.0
                before = [(self._reach[k - 1], -1.0)] if k else []
                for sign, switch in ((1.0, starts[k]), (-1.0, stops[k])):
                    linear.row(
                        [
                            *(
                                (c, sign * f)
                                for c, f in [(self._reach[k], 1.0), *before]
                            ),
                            (changed, -span),
                            (switch, -heater.levels_kw[-1]),
                        ],
                        upper=0.0 if k else sign * now,
                    )
                continue
            entered = []
            for level, column in enumerate(self._choices[k]):
                enters = linear.column()
                entered.append((enters, 1.0))
                held_now = rule.works_now and (
                    heater.levels_kw[level] == rule.power_now_kw
                )
                before = [(self._choices[k - 1][level], -1.0)] if k else []
                linear.row(
                    [(column, 1.0), *before, (enters, -1.0)],
                    upper=0.0 if k else float(held_now),
                )
            linear.row([*entered, (changed, -1.0), (starts[k], -1.0)], upper=0.0)

    def _add_block(self, hours: float, value: float, within: Sequence[float]) -> None:
        heater = self.rule.heater
        power = heater.levels_kw[-1] - heater.idle_kw
        used: list[tuple[int, float]] = []
        for k, most in enumerate(within):
            income = heater.income_per_kwh[k] if heater.income_per_kwh else 0.0
            if most <= 0 or not self._full[k] or value <= income:
                continue
            column = self._linear.column(cost=(income - value) * power, upper=most)
            self._linear.row(
                [(column, 1.0), *((c, -most * f) for c, f in self._full[k])], upper=0.0
            )
            used.append((column, 1.0))
            self._booked.setdefault(k, []).append((column, 1.0))
        if used:
            self._linear.row(used, upper=hours)

    def _share_blocks(self) -> None:
        for k, columns in self._booked.items():
            if len(columns) > 1:
                self._linear.row(columns, upper=self._problem.hours[k])

    def powers_kw(self, values: Sequence[float], *, relaxed: bool) -> list[float]:
        """Return the power in each step from a solution."""
        rule = self.rule
        if rule.heater.fixed:
            return [rule.heater.power_kw] * len(self._problem.hours)
        found = []
        for k, terms in enumerate(self.above_idle):
            power = rule.heater.idle_kw + sum(
                values[column] * factor for column, factor in terms
            )
            if not relaxed:
                power = self._nearest(power, self._is_on(values, k))
            found.append(power)
        return found

    def _is_on(self, values: Sequence[float], step: int) -> bool:
        return sum(values[column] for column, _ in self.working[step]) > 0.5

    def _nearest(self, power_kw: float, works: bool) -> float:
        heater = self.rule.heater
        if not works:
            return heater.idle_kw
        if self._any_power:
            return min(max(power_kw, heater.levels_kw[0]), heater.levels_kw[-1])
        return min(heater.levels_kw, key=lambda level: abs(level - power_kw))

    def fixed(self, powers_kw: Sequence[float]) -> dict[int, float]:
        """Return the values of its columns at these powers."""
        heater = self.rule.heater
        values: dict[int, float] = {}
        if heater.fixed:
            return values
        for k, power in enumerate(powers_kw):
            works = self.rule.works_at(power)
            if self._any_power:
                values[self._choices[k][0]] = float(works)
                values[self._reach[k]] = power if works else 0.0
                for full in self._choices[k][1:]:
                    values[full] = float(power >= heater.levels_kw[-1] - SLACK)
                continue
            for level, column in zip(heater.levels_kw, self._choices[k], strict=True):
                values[column] = float(works and abs(level - power) < SLACK)
        return values

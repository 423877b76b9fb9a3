"""What a heater may do in each step of a plan, and how to make it do what was planned."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from .plan import PlanHeater, PlanProblem

INFINITY = float("inf")
SLACK = 1e-6
"""Of hours and kW, for rounding."""
STAY_SHARE = 0.04
"""Of full power: a level is left only for one that fits better by this."""
OWED_MAX_H = 0.5
"""Of full power: more than this is not made good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaterRules:
    """Minimum times and ceilings of one heater, as steps."""

    heater: PlanHeater
    works_now: bool
    must_work: frozenset[int]
    """Steps of which its minimum on time takes half or more."""
    must_idle: frozenset[int]
    """The same of its minimum off time."""
    ceiling_kw: tuple[float, ...]
    starts_h: tuple[float, ...]
    """When each step begins, since the start of the plan."""

    @property
    def lowest_kw(self) -> float:
        """Least power at which it works."""
        return self.heater.levels_kw[0]

    @property
    def power_now_kw(self) -> float:
        """What it draws now, as the nearest power that it may have."""
        heater = self.heater
        if heater.fixed:
            return heater.power_kw
        if not self.works_now:
            return heater.idle_kw
        if heater.any_power:
            return min(max(heater.power_kw, self.lowest_kw), heater.levels_kw[-1])
        return min(heater.levels_kw, key=lambda level: abs(level - heater.power_kw))

    def works_at(self, power_kw: float) -> bool:
        """Whether a power means that it works."""
        return power_kw > (self.heater.idle_kw + self.lowest_kw) / 2

    def levels_kw(self, step: int) -> tuple[float, ...]:
        """Return the powers below the ceiling at which it works."""
        top = self.ceiling_kw[step] + SLACK
        return tuple(level for level in self.heater.levels_kw if level <= top)

    def since(self, step: int, hours: float) -> range:
        """Return the steps up to this one that began less than ``hours`` before it."""
        first = step
        while first > 0 and self.starts_h[first - 1] > (
            self.starts_h[step] - hours + SLACK
        ):
            first -= 1
        return range(first, step + 1)

    def span(self, step: int, hours: float) -> range:
        """Return the steps from this one on that begin within ``hours``."""
        last = step + 1
        while last < len(self.starts_h) and self.starts_h[last] < (
            self.starts_h[step] + hours - SLACK
        ):
            last += 1
        return range(step, last)

    def within(self, spare_kw: Sequence[float]) -> list[float]:
        """Return its ceiling in each step if no more than that is left to draw."""
        return [
            min(top, spare_kw[k] + self.least_kw(k) + SLACK)
            for k, top in enumerate(self.ceiling_kw)
        ]

    def least_kw(self, step: int) -> float:
        """Return what it draws at least."""
        if self.heater.fixed:
            return self.heater.power_kw
        return self.lowest_kw if step in self.must_work else self.heater.idle_kw


def heater_rules(problem: PlanProblem) -> list[HeaterRules]:
    """Return the rules of all heaters; what they must draw keeps the grid limit if it can."""
    count = len(problem.hours)
    starts = tuple(accumulate(problem.hours[:-1], initial=0.0))[:count]
    free = [
        room
        - sum(
            heater.power_kw if heater.fixed else heater.idle_kw
            for heater in problem.heaters
        )
        for room in grid_room_kw(problem)
    ]
    found = []
    for heater in problem.heaters:
        works = heater.power_kw > (heater.idle_kw + heater.levels_kw[0]) / 2
        ceiling = heater.ceiling_kw or (heater.levels_kw[-1],) * count
        left = 0.0
        if heater.in_mode_h is not None and not heater.fixed:
            left = (heater.min_on_h if works else heater.min_off_h) - heater.in_mode_h
        # Some seconds of a quarter do not keep the plan from the rest of it: dispatch
        # waits for them.
        held = [k for k in range(count) if starts[k] + problem.hours[k] / 2 <= left]
        on: list[int] = []
        if works:
            extra = heater.levels_kw[0] - heater.idle_kw
            for k in held:
                if ceiling[k] + SLACK < heater.levels_kw[0] or free[k] < extra:
                    break
                free[k] -= extra
                on.append(k)
        found.append(
            HeaterRules(
                heater=heater,
                works_now=works,
                must_work=frozenset(on),
                must_idle=frozenset() if works else frozenset(held),
                ceiling_kw=tuple(ceiling),
                starts_h=starts,
            )
        )
    return found


def grid_room_kw(problem: PlanProblem) -> list[float]:
    """Return what may be drawn in each step: from the grid and of the own surplus."""
    return [
        INFINITY
        if not problem.grid_limit_kw or (limit := problem.grid_limit_kw[k]) is None
        else limit + max(problem.surplus_kw[k], 0.0)
        for k in range(len(problem.hours))
    ]


class HeaterFit:
    """Takes a heater from step to step at powers that it may have, near those wanted."""

    def __init__(self, rule: HeaterRules, *, carry: bool) -> None:
        """Begin at the first step.

        ``carry``: what one step gives too little is made good by the next.
        """
        self._rule = rule
        self._carry = carry
        self._power_kw = rule.power_now_kw
        self._works = rule.works_now
        self._owed_kwh = 0.0
        # What is left of a minimum time at the start is in must_work and must_idle.
        self._since_h = -INFINITY

    def must_work(self, step: int) -> bool:
        """Whether its minimum on time goes on in the next step."""
        rule = self._rule
        return step in rule.must_work or (
            self._works
            and rule.starts_h[step] - self._since_h < rule.heater.min_on_h - SLACK
        )

    def next_kw(
        self, step: int, hours: float, wanted_kw: float, ceiling_kw: Sequence[float]
    ) -> float:
        """Return the power in the next step; ``ceiling_kw`` is that of all steps."""
        rule, heater = self._rule, self._rule.heater
        if heater.fixed:
            return heater.power_kw
        target = wanted_kw + (self._owed_kwh / hours if self._carry else 0.0)
        options = self._working_kw(step, target, ceiling_kw)
        if not options or not self.must_work(step):
            options.append(heater.idle_kw)
        before, full_kw = self._power_kw, heater.levels_kw[-1]

        def distance(power_kw: float) -> float:
            stays = self._carry and abs(power_kw - before) < SLACK
            return abs(power_kw - target) - (STAY_SHARE * full_kw if stays else 0.0)

        power = min(options, key=distance)
        self._owed_kwh += (wanted_kw - power) * hours
        most_kwh = OWED_MAX_H * full_kw
        self._owed_kwh = min(max(self._owed_kwh, -most_kwh), most_kwh)
        if rule.works_at(power) != self._works:
            self._works, self._since_h = not self._works, rule.starts_h[step]
        self._power_kw = power
        return power

    def _working_kw(
        self, step: int, target_kw: float, ceiling_kw: Sequence[float]
    ) -> list[float]:
        rule, heater = self._rule, self._rule.heater
        top_kw = ceiling_kw[step] + SLACK
        if step in rule.must_idle or top_kw < rule.lowest_kw:
            return []
        if not self._works:
            rested_h = rule.starts_h[step] - self._since_h
            if rested_h < heater.min_off_h - SLACK or any(
                ceiling_kw[later] + SLACK < rule.lowest_kw
                for later in rule.span(step, heater.min_on_h)
            ):
                return []
        if heater.any_power:
            top_kw = max(min(heater.levels_kw[-1], ceiling_kw[step]), rule.lowest_kw)
            return [min(max(target_kw, rule.lowest_kw), top_kw)]
        return [level for level in heater.levels_kw if level <= top_kw]


def fitted(
    rules: Sequence[HeaterRules],
    problem: PlanProblem,
    wanted_kw: Sequence[Sequence[float]],
    *,
    carry: bool,
) -> list[list[float]]:
    """Return powers near those wanted, that keep levels, ceilings, grid limit and times."""
    free = spare_kw(rules, problem)
    powers = []
    for rule, wanted in zip(rules, wanted_kw, strict=True):
        fit = HeaterFit(rule, carry=carry)
        ceiling = rule.within(free)
        found = [
            fit.next_kw(k, step_h, wanted[k], ceiling)
            for k, step_h in enumerate(problem.hours)
        ]
        for k, power in enumerate(found):
            free[k] -= power - rule.least_kw(k)
        powers.append(found)
    return powers


def spare_kw(rules: Sequence[HeaterRules], problem: PlanProblem) -> list[float]:
    """Return what is left to draw in each step besides what heaters draw at least."""
    return [
        room - sum(rule.least_kw(k) for rule in rules)
        for k, room in enumerate(grid_room_kw(problem))
    ]

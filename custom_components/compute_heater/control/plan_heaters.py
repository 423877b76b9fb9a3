"""What a heater may do in each step of a plan, and how to make it do what was planned."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from .plan import PlanHeater, PlanProblem

SLACK = 1e-6
"""Of hours and kW, for rounding."""
STAY_KW = 0.15
"""A level is left only for one that fits better by this."""
OWED_MAX_KWH = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaterRules:
    """Minimum times and ceilings of one heater, as steps."""

    heater: PlanHeater
    works_now: bool
    must_work: frozenset[int]
    """Steps in which its minimum on time goes on."""
    must_idle: frozenset[int]
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
        held = [k for k in range(count) if starts[k] < left - SLACK]
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
        float("inf")
        if not problem.grid_limit_kw or (limit := problem.grid_limit_kw[k]) is None
        else limit + max(problem.surplus_kw[k], 0.0)
        for k in range(len(problem.hours))
    ]


def fitted(
    rules: Sequence[HeaterRules],
    problem: PlanProblem,
    wanted_kw: Sequence[Sequence[float]],
    *,
    carry: bool,
) -> list[list[float]]:
    """Return powers near those wanted, that keep levels, ceilings, grid limit and times.

    ``carry``: what one step gives too little is made good by the next.
    """
    room = grid_room_kw(problem)
    free = [room[k] - sum(rule.least_kw(k) for rule in rules) for k in range(len(room))]
    powers = []
    for rule, wanted in zip(rules, wanted_kw, strict=True):
        ceiling = [
            min(top, free[k] + rule.least_kw(k) + SLACK)
            for k, top in enumerate(rule.ceiling_kw)
        ]
        found = _fitted_one(rule, problem.hours, wanted, ceiling, carry=carry)
        for k, power in enumerate(found):
            free[k] -= power - rule.least_kw(k)
        powers.append(found)
    return powers


def _fitted_one(
    rule: HeaterRules,
    hours: Sequence[float],
    wanted_kw: Sequence[float],
    ceiling_kw: Sequence[float],
    *,
    carry: bool,
) -> list[float]:
    heater = rule.heater
    if heater.fixed:
        return [heater.power_kw] * len(hours)
    powers: list[float] = []
    power = rule.power_now_kw
    works, owed_kwh = rule.works_now, 0.0
    # The first steps are bound by must_work and must_idle.
    since_h = -1e9
    for k, step_h in enumerate(hours):
        target = wanted_kw[k] + (owed_kwh / step_h if carry else 0.0)
        levels = [level for level in heater.levels_kw if level <= ceiling_kw[k] + SLACK]
        may_work = bool(levels) and k not in rule.must_idle
        on_for = rule.starts_h[k] - since_h
        if may_work and not works:
            may_work = on_for >= heater.min_off_h - SLACK and all(
                ceiling_kw[j] + SLACK >= rule.lowest_kw
                for j in rule.span(k, heater.min_on_h)
            )
        may_idle = k not in rule.must_work and (
            not works or on_for >= heater.min_on_h - SLACK
        )
        options = list(levels) if may_work else []
        if may_work and heater.any_power:
            top = min(heater.levels_kw[-1], ceiling_kw[k])
            options = [min(max(target, rule.lowest_kw), max(top, rule.lowest_kw))]
        if may_idle or not options:
            options.append(heater.idle_kw)
        stay = power
        power = min(
            options,
            key=lambda each: (
                abs(each - target)
                - (STAY_KW if carry and abs(each - stay) < SLACK else 0.0)
            ),
        )
        if carry:
            owed_kwh += (wanted_kw[k] - power) * step_h
            owed_kwh = min(max(owed_kwh, -OWED_MAX_KWH), OWED_MAX_KWH)
        if rule.works_at(power) != works:
            works, since_h = not works, rule.starts_h[k]
        powers.append(power)
    return powers

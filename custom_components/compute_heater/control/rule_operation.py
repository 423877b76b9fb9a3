"""Carry out what the rules wish, step by step, with heaters that have levels and times."""

from collections.abc import Sequence
from dataclasses import dataclass

from .plan import PlanFloor, PlanProblem, PlanSink
from .plan_heaters import SLACK, HeaterFit, HeaterRules, grid_room_kw, spare_kw
from .plan_outcome import Operation, State, sink_after, sink_state

CATCH_UP_H = 2.0
"""A room below its minimum is warmed up within about this time."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """Heat and power in kW for each step."""

    heater_kw: list[list[float]]
    heat_kw: list[list[float]]
    """From heaters to each sink."""
    backup_kw: list[list[list[float]]]

    @classmethod
    def none(cls, problem: PlanProblem) -> Wishes:
        """Return heaters that idle."""
        steps = len(problem.hours)
        return cls(
            heater_kw=[[heater.idle_kw] * steps for heater in problem.heaters],
            heat_kw=[[0.0] * steps for _ in problem.sinks],
            backup_kw=[[[0.0] * steps for _ in problem.sinks] for _ in problem.backups],
        )


def carry_out(
    problem: PlanProblem, rules: Sequence[HeaterRules], wishes: Wishes
) -> Operation:
    """Return an operation near to the wishes, in which backups keep comfort."""
    steps = len(problem.hours)
    run = _Run(problem, rules, wishes)
    for k in range(steps):
        run.step(k)
    return run.operation


class _Run:
    def __init__(
        self, problem: PlanProblem, rules: Sequence[HeaterRules], wishes: Wishes
    ) -> None:
        self._problem = problem
        self._rules = rules
        self._wishes = wishes
        self._fits = [HeaterFit(rule, carry=True) for rule in rules]
        self._states: list[State] = [sink_state(sink) for sink in problem.sinks]
        self._spare_kw = spare_kw(rules, problem)
        self._room_kw = grid_room_kw(problem)
        self.operation = Operation(
            heater_kw=[[] for _ in rules],
            heat_kw=[[] for _ in problem.sinks],
            backup_kw=[[[] for _ in problem.sinks] for _ in problem.backups],
            dump_kw=[],
        )

    def step(self, k: int) -> None:
        """Add the next step."""
        problem = self._problem
        takes_kw = [self._takes_kw(s, k) for s in range(len(problem.sinks))]
        powers = self._powers(k, takes_kw)
        heat, dump = self._share_out(k, powers, takes_kw)
        backups = self._backups(k, powers, heat)
        for s, sink in enumerate(problem.sinks):
            self.operation.heat_kw[s].append(heat[s])
            for b, given in enumerate(backups):
                self.operation.backup_kw[b][s].append(given[s])
            total = heat[s] + sum(given[s] for given in backups)
            self._states[s] = sink_after(
                sink, self._states[s], k, problem.hours[k], total
            )
        self.operation.dump_kw.append(dump)

    def _takes_kw(self, index: int, k: int) -> float:
        """Return the heat that a sink takes without getting too hot."""
        sink, state = self._problem.sinks[index], self._states[index]
        cold, warm = self._response(sink, state, k)
        limits = [sink.max_heat_kw]
        if warm[0] > cold[0]:
            limits.append((sink.maximum_c[k] - cold[0]) / (warm[0] - cold[0]))
        if isinstance(sink, PlanFloor):
            limits.append((sink.slab_max_c - cold[1]) / (warm[1] - cold[1]))
        return max(min(limits), 0.0)

    def _response(self, sink: PlanSink, state: State, k: int) -> tuple[State, State]:
        """Return the temperatures after a step without heat, and with 1 kW."""
        hours = self._problem.hours[k]
        return (
            sink_after(sink, state, k, hours, 0.0),
            sink_after(sink, state, k, hours, 1.0),
        )

    def _handed_over_kw(self, rule: HeaterRules, index: int, k: int) -> float:
        """Return the most that a heater's coolant hands over to a sink."""
        kappa, hottest_c = rule.heater.exchanger_kw_per_k, rule.heater.coolant_max_c
        if kappa is None or hottest_c is None:
            return float("inf")
        state = self._states[index]
        cold, warm = self._response(self._problem.sinks[index], state, k)
        mean_c = (state[1] + cold[1]) / 2
        return max(
            kappa * (hottest_c - mean_c) / (1 + kappa * (warm[1] - cold[1]) / 2), 0.0
        )

    def _powers(self, k: int, takes_kw: Sequence[float]) -> list[float]:
        problem = self._problem
        left_kw = sum(takes_kw) + problem.dump_max_kw
        if not problem.sinks:
            left_kw = float("inf")
        powers = []
        for index, (rule, fit) in enumerate(zip(self._rules, self._fits, strict=True)):
            heater = rule.heater
            ceiling = rule.within(self._spare_kw)
            if not heater.fixed:
                way_kw = (
                    sum(
                        min(takes, self._handed_over_kw(rule, s, k))
                        for s, takes in enumerate(takes_kw)
                    )
                    + problem.dump_max_kw
                    if problem.sinks
                    else left_kw
                )
                room = max(min(left_kw, way_kw), 0.0) / max(heater.efficiency, SLACK)
                if fit.must_work(k):
                    room = max(room, rule.lowest_kw)
                ceiling[k] = min(ceiling[k], room)
            power = fit.next_kw(
                k, problem.hours[k], self._wishes.heater_kw[index][k], ceiling
            )
            self._spare_kw[k] -= power - rule.least_kw(k)
            if rule.works_at(power):
                left_kw -= heater.efficiency * power
            powers.append(power)
            self.operation.heater_kw[index].append(power)
        return powers

    def _share_out(
        self, k: int, powers: Sequence[float], takes_kw: Sequence[float]
    ) -> tuple[list[float], float]:
        """Return where the heat of the heaters goes: to sinks, and away."""
        problem = self._problem
        heat = [0.0] * len(problem.sinks)
        if not problem.sinks:
            return heat, 0.0
        dump = 0.0
        for rule, power in zip(self._rules, powers, strict=True):
            left = rule.heater.efficiency * power
            wished = sorted(
                range(len(heat)),
                key=lambda s: heat[s] - self._wishes.heat_kw[s][k],
            )
            # First as it was wished, then wherever there is room.
            for wish_only in (True, False):
                for s in wished:
                    most = min(takes_kw[s] - heat[s], self._handed_over_kw(rule, s, k))
                    if wish_only:
                        most = min(most, self._wishes.heat_kw[s][k] - heat[s])
                    if (given := min(most, left)) > 0:
                        heat[s] += given
                        left -= given
            if not rule.works_at(power):
                continue
            away = min(left, problem.dump_max_kw - dump)
            dump += away
            # What cannot stop has to warm somebody all the same.
            heat[0] += left - away
        return heat, dump

    def _backups(
        self, k: int, powers: Sequence[float], heat: Sequence[float]
    ) -> list[list[float]]:
        problem = self._problem
        free_kw = self._room_kw[k] - sum(powers)
        given = [[0.0] * len(problem.sinks) for _ in problem.backups]
        order = sorted(
            range(len(problem.sinks)),
            key=lambda index: -problem.sinks[index].discomfort_per_kh,
        )
        for s in order:
            planned = sum(backup[s][k] for backup in self._wishes.backup_kw)
            # What the heaters give more than was wished is made good here.
            missing = planned - max(heat[s] - self._wishes.heat_kw[s][k], 0.0)
            need = max(missing, self._need_kw(s, k) - heat[s])
            costs = [
                backup.per_kwh[k] + backup.electricity_per_heat[k] * problem.price[k]
                for backup in problem.backups
            ]
            for b in sorted(range(len(costs)), key=costs.__getitem__):
                backup = problem.backups[b]
                if problem.sinks[s].sink_id not in backup.sinks:
                    continue
                share = backup.electricity_per_heat[k]
                most = backup.max_heat_kw - sum(given[b])
                if share > 0:
                    most = min(most, free_kw / share)
                if (extra := min(need, most)) > 0:
                    given[b][s] += extra
                    need -= extra
                    free_kw -= share * extra
        return given

    def _need_kw(self, index: int, k: int) -> float:
        """Return the heat without which a sink falls below its minimum."""
        sink, state = self._problem.sinks[index], self._states[index]
        cold, warm = self._response(sink, state, k)
        if cold[0] >= sink.minimum_c[k]:
            return 0.0
        if isinstance(sink, PlanFloor):
            # The slab is slow: heat against the loss, and for what is missing.
            kwh_per_k = sink.room_kwh_per_k + sink.slab_kwh_per_k
            return max(
                sink.envelope_kw_per_k * (sink.minimum_c[k] - sink.outdoor_c[k])
                - sink.gain_kw[k]
                + kwh_per_k * (sink.minimum_c[k] - cold[0]) / CATCH_UP_H,
                0.0,
            )
        return (sink.minimum_c[k] - cold[0]) / (warm[0] - cold[0])

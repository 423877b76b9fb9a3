"""Plan ahead: when to plan anew, what to plan from, and what the plan wants now."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import isfinite

from .ask_price import ask_prices
from .plan import Block, Plan, PlanProblem
from .planner import PlannerError, SolverMissingError, solve
from .reasons import Reason
from .rule_planner import plan_by_rules
from .tracking import PlanTracker

REPLAN_EVERY = timedelta(minutes=15)
REPLAN_LEAST = timedelta(minutes=2)
"""Deviations make a new plan no more often than this."""
DEVIATION_K = 0.7
STALE = timedelta(hours=2)
"""An older plan says nothing any more; demand is followed instead."""


def plan_now(problem: PlanProblem, running: Plan | None) -> Plan | None:
    """Make a plan at once: by solver, or by rules where there is none."""
    try:
        return solve(problem, incumbent=running)
    except SolverMissingError:
        return plan_by_rules(problem)
    except PlannerError:
        return None


type Planner = Callable[[PlanProblem, Plan | None], Plan | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the plan wants now."""

    heat_w: Mapping[str, float]
    """For each sink."""
    power_w: Mapping[str, float]
    """Electrical, of each heater."""
    backup_w: Mapping[str, Mapping[str, float]]
    dump_w: float
    reason: Reason


class Optimiser:
    """Keeps a plan that fits what is known, and follows it."""

    def __init__(self, planner: Planner | None) -> None:
        """Plan by ``planner`` at once; None: the owner of the site plans in its own time."""
        self.plan: Plan | None = None
        self.problem: PlanProblem | None = None
        """Waits for the owner's planner."""
        self.ask_prices: tuple[float, ...] | None = None
        """What compute has to earn in each step of the plan, per kWh of electricity."""
        self.blocks: dict[str, tuple[Block, ...]] = {}
        """Booked compute of each heater, with the hours that are still to be done."""
        self._planner = planner
        self._tracker = PlanTracker()
        self._asked_at: datetime | None = None
        self._asked_for: object = None
        self._start_c: dict[str, float] = {}
        """Temperatures of the sinks when the plan was made."""

    @property
    def windows(self) -> object:
        """What is booked, without what of it is done: only compared."""
        return tuple(
            (heater_id, block.start, block.end, block.value_per_kwh)
            for heater_id, blocks in self.blocks.items()
            for block in blocks
        )

    def note_full(self, heater_id: str, now: datetime, hours: float) -> None:
        """Count time at full power to what is booked; forget what is over."""
        left: list[Block] = []
        for block in self.blocks.get(heater_id, ()):
            done = 0.0
            if block.start <= now < block.end:
                done = min(hours, block.hours)
                hours -= done
            if block.end > now and block.hours - done > 0:
                left.append(replace(block, hours=block.hours - done))
        self.blocks[heater_id] = tuple(left)

    def booked_value(self, heater_id: str, now: datetime) -> float | None:
        """Return what a kWh earns by a block with hours left, whose window is open."""
        return max(
            (
                block.value_per_kwh
                for block in self.blocks.get(heater_id, ())
                if block.start <= now < block.end
            ),
            default=None,
        )

    @property
    def blocks_memory(self) -> dict[str, object]:
        """What is booked, JSON-serialisable."""
        return {
            heater_id: [
                [
                    block.start.isoformat(),
                    block.end.isoformat(),
                    block.hours,
                    block.value_per_kwh,
                ]
                for block in blocks
            ]
            for heater_id, blocks in self.blocks.items()
        }

    def restore_blocks(self, memory: Mapping[str, object]) -> None:
        """Take over what was booked; broken parts are left out."""
        for heater_id, stored in memory.items():
            if isinstance(stored, list):
                self.blocks[heater_id] = tuple(
                    block for each in stored if (block := _block(each)) is not None
                )

    def ask_anew(self) -> None:
        """Make a new plan at the next step."""
        self._asked_at = None

    def is_due(
        self, now: datetime, temperatures_c: Mapping[str, float], circumstances: object
    ) -> bool:
        """Whether a new plan should be made.

        ``circumstances`` is whatever a plan depends on besides time and temperatures;
        it is only compared.
        """
        asked = self._asked_at
        if asked is None or now < asked or circumstances != self._asked_for:
            return True
        if _quarter(now) > _quarter(asked) or now - asked >= REPLAN_EVERY:
            return True
        return now - asked >= REPLAN_LEAST and self._deviates(now, temperatures_c)

    def _deviates(self, now: datetime, temperatures_c: Mapping[str, float]) -> bool:
        if self.plan is None or (step := self.plan.step_at(now)) is None:
            return False
        index = self.plan.steps.index(step)
        before = self.plan.steps[index - 1] if index else None
        for sink, temperature in temperatures_c.items():
            if (end := step.temperature_c.get(sink)) is None:
                continue
            begin = self._start_c.get(sink, end)
            if before is not None:
                begin = before.temperature_c.get(sink, end)
            if not (
                min(begin, end) - DEVIATION_K
                <= temperature
                <= max(begin, end) + DEVIATION_K
            ):
                return True
        return False

    def ask(
        self,
        now: datetime,
        problem: PlanProblem | None,
        temperatures_c: Mapping[str, float],
        circumstances: object,
    ) -> None:
        """Have a plan made for ``problem``; None: there is nothing to plan."""
        self._asked_at, self._asked_for = now, circumstances
        self._start_c = dict(temperatures_c)
        self.problem = problem
        if problem is None:
            self.adopt(None, None)
        elif self._planner is not None:
            self.adopt(self._planner(problem, self.plan), problem)

    def adopt(self, plan: Plan | None, problem: PlanProblem | None) -> None:
        """Follow the plan that was made for ``problem``; None: there is none.

        A problem that has come up meanwhile goes on waiting for its plan.
        """
        if self.problem is problem:
            self.problem = None
        self.ask_prices = (
            None if problem is None or plan is None else ask_prices(problem, plan)
        )
        self.plan = plan

    def wanted(
        self,
        now: datetime,
        now_s: float,
        *,
        accepting: Collection[str],
        exclusive: Collection[str],
        delivered_w: Mapping[str, float],
    ) -> Wanted | None:
        """Return what the plan wants now; None without a plan that still holds."""
        plan = self.plan
        if plan is None or now - plan.made_at > STALE:
            return None
        step = plan.step_at(now)
        heat_w = self._tracker.wanted_w(
            plan,
            now,
            now_s,
            accepting=accepting,
            exclusive=exclusive,
            delivered_w=delivered_w,
        )
        if step is None or heat_w is None:
            return None
        return Wanted(
            heat_w=heat_w,
            power_w=step.power_w,
            backup_w=step.backup_w,
            dump_w=step.dump_w,
            reason=step.reason,
        )


def _quarter(time: datetime) -> datetime:
    return time.replace(minute=time.minute - time.minute % 15, second=0, microsecond=0)


def _block(stored: object) -> Block | None:
    match stored:
        case [
            str(start),
            str(end),
            int() | float() as hours,
            int() | float() as value,
        ] if isfinite(hours) and isfinite(value) and hours > 0:
            pass
        case _:
            return None
    try:
        begin, finish = datetime.fromisoformat(start), datetime.fromisoformat(end)
    except ValueError:
        return None
    if begin.tzinfo is None or finish.tzinfo is None or finish <= begin:
        return None
    return Block(start=begin, end=finish, hours=hours, value_per_kwh=value)

"""What a plan is made from, and what it says.

Times are in UTC, heat and power in kW, energy in kWh, temperatures in °C, money in the
site's currency. A sequence named "each step" has one value for every step of the plan.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from .reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Compute that somebody has booked: ``hours`` of full power within a window."""

    start: datetime
    end: datetime
    hours: float
    value_per_kwh: float
    """Paid for the electricity of those hours, instead of the income of the step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanHeater:
    """One compute heater as the planner sees it; electrical powers."""

    heater_id: str
    idle_kw: float
    """Drawn whenever it does not work."""
    levels_kw: tuple[float, ...]
    """Powers at which it works, lowest first."""
    any_power: bool
    """It takes every power between the lowest and the highest level."""
    efficiency: float
    """Heat in the water per electricity drawn."""
    power_kw: float
    """Now."""
    in_mode_h: float | None = None
    """Since it began to work, or to idle; None: for ever."""
    min_on_h: float = 0.0
    min_off_h: float = 0.0
    start_cost: float = 0.0
    """Per start, for wear and lost work."""
    change_cost: float = 0.0
    """Per change of level while it works."""
    ceiling_kw: tuple[float, ...] | None = None
    """Each step: the most it may draw."""
    income_per_kwh: tuple[float, ...] = ()
    """Each step: earned by computing, per electricity above ``idle_kw``; empty: nothing."""
    blocks: tuple[Block, ...] = ()
    coolant_max_c: float | None = None
    exchanger_kw_per_k: float | None = None
    """Heat it can hand over per K between coolant and consumer; None: any."""
    fixed: bool = False
    """Runs by hand: its power stays what it is, and its heat has to go somewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanTank:
    """A store with one temperature: a hot-water tank, a buffer or a pool."""

    sink_id: str
    temperature_c: float
    """Mean, now."""
    capacity_kwh_per_k: float
    loss_kw_per_k: float
    ambient_c: float
    max_heat_kw: float
    """The most it takes from the heaters."""
    minimum_c: tuple[float, ...]
    """Each step: comfort, kept at its end where possible."""
    maximum_c: tuple[float, ...]
    """Each step."""
    draw_kwh: tuple[float, ...]
    """Each step: heat expected to be drawn."""
    discomfort_per_kh: float = 3.0
    """Price of each K·h below the minimum; higher ranks first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFloor:
    """A floor heating: slab and room."""

    sink_id: str
    room_c: float
    slab_c: float
    room_kwh_per_k: float
    slab_kwh_per_k: float
    slab_room_kw_per_k: float
    envelope_kw_per_k: float
    max_heat_kw: float
    outdoor_c: tuple[float, ...]
    """Each step."""
    gain_kw: tuple[float, ...]
    """Each step: sun, people and devices."""
    minimum_c: tuple[float, ...]
    """Each step: of the room."""
    maximum_c: tuple[float, ...]
    """Each step: of the room."""
    slab_max_c: float = 35.0
    discomfort_per_kh: float = 2.0


type PlanSink = PlanTank | PlanFloor


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanBackup:
    """The usual source of heat, and what its heat costs."""

    backup_id: str
    sinks: tuple[str, ...]
    max_heat_kw: float
    per_kwh: tuple[float, ...]
    """Each step: fuel and wear per heat, without electricity of the site."""
    electricity_per_heat: tuple[float, ...]
    """Each step: kWh of the site's electricity per kWh of heat (1/COP); 0 for fuel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanProblem:
    """Everything that a plan depends on. The steps follow each other without a gap."""

    start: datetime
    hours: tuple[float, ...]
    """Each step: its length; quarters of an hour first, then hours."""
    heaters: tuple[PlanHeater, ...]
    sinks: tuple[PlanSink, ...]
    backups: tuple[PlanBackup, ...] = ()
    price: tuple[float, ...]
    """Each step: per kWh from the grid."""
    feed_in: tuple[float, ...]
    """Each step: what surplus earns when it is not used, per kWh."""
    surplus_kw: tuple[float, ...]
    """Each step: own electricity (PV) that the rest of the house leaves."""
    grid_limit_kw: tuple[float | None, ...] = ()
    """Each step: the most that heaters and backups may draw from the grid; empty: any."""
    dump_max_kw: float = 0.0
    """Heat that may be thrown away; the owner's own limit."""
    dump_per_kwh: float = 0.0
    """What throwing away 1 kWh of heat costs: fans, and the owner's dislike."""
    heat_value_per_kwh: float | None = None
    """Worth of 1 kWh of heat stored at the end; None: from prices and income."""

    def starts(self) -> Sequence[datetime]:
        """Return when each step begins, and as the last entry when the plan ends."""
        times = [self.start]
        for hours in self.hours:
            times.append(times[-1] + timedelta(hours=hours))
        return times


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanStep:
    """What shall happen in one step, and what should come of it."""

    start: datetime
    hours: float
    power_w: Mapping[str, float]
    """Of each heater: electrical."""
    heat_w: Mapping[str, float]
    """To each sink, from the heaters."""
    backup_w: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Heat of each backup to each sink; only what is more than 0."""
    dump_w: float = 0.0
    temperature_c: Mapping[str, float]
    """Of each sink at the end of the step: tank (mean) or room."""
    slab_c: Mapping[str, float] = field(default_factory=dict)
    """Of each floor at the end of the step."""
    price: float
    cost: float
    """Electricity and fuel minus income and feed-in, against using nothing."""
    reason: Reason
    """What decides about the heaters in this step."""

    @property
    def end(self) -> datetime:
        """When the next step begins."""
        return self.start + timedelta(hours=self.hours)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the heaters shall do for a day or two."""

    made_at: datetime
    steps: tuple[PlanStep, ...]
    objective: float
    """Cost with discomfort, wear and the worth of stored heat, as it was minimised."""
    bound: float | None = None
    """No plan for this problem costs less; None where nobody knows (by rules)."""
    by_rules: bool = False
    solve_s: float = 0.0
    discomfort_kh: Mapping[str, float] = field(default_factory=dict)
    """Of each sink: K·h below its minimum."""

    def step_at(self, time: datetime) -> PlanStep | None:
        """Return the step in which a time lies; None outside the plan."""
        for step in self.steps:
            if step.start <= time < step.end:
                return step
        return None

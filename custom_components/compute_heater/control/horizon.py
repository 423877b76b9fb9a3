"""Put together what a plan is made from: the site as it is, its models and forecasts."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from .description import BackupDescription, SiteDescription
from .heater_control import HeaterController
from .plan import Block, PlanBackup, PlanHeater, PlanProblem, PlanSink

QUARTER = timedelta(minutes=15)
SHORTEST = timedelta(minutes=5)
FINE = timedelta(hours=4)
"""So far in quarters of an hour …"""
HORIZON = timedelta(hours=36)
"""… and in hours until here."""
NOMINAL_OUTDOOR_C = 7.0
"""At which the COP of a backup is given."""
LEAST_COP = 1.0
COARSE_STEPS = 8
"""A heater whose cap has no more steps than this is planned in those steps."""

COOLANT_MARGIN_K = 1.0
"""Plans stay so far below the temperature at which power is taken back."""


@dataclass(frozen=True, slots=True)
class Steps:
    """When the steps of a plan begin and how long they are."""

    start: datetime
    hours: tuple[float, ...]

    @classmethod
    def after(cls, now: datetime) -> Steps:
        """Return quarters from now on, then hours, on the clock."""
        start = now.replace(second=0, microsecond=0)
        first = start.replace(minute=start.minute - start.minute % 15) + QUARTER
        if first - start < SHORTEST:
            first += QUARTER
        bounds = [start, first]
        while bounds[-1] - start < FINE or bounds[-1].minute:
            bounds.append(bounds[-1] + QUARTER)
        while bounds[-1] - start < HORIZON:
            bounds.append(bounds[-1] + timedelta(hours=1))
        return cls(
            start,
            tuple(
                (end - begin).total_seconds() / 3600 for begin, end in pairwise(bounds)
            ),
        )

    def bounds(self) -> list[tuple[datetime, datetime]]:
        """Return begin and end of each step."""
        found = []
        begin = self.start
        for hours in self.hours:
            end = begin + timedelta(hours=hours)
            found.append((begin, end))
            begin = end
        return found


def plan_heater(
    heater: HeaterController,
    *,
    efficiency: float,
    exchanger_kw_per_k: float | None,
    income: Sequence[float],
    blocks: Iterable[Block],
    in_mode_h: float | None,
) -> PlanHeater | None:
    """Return a heater as the planner may use it; None where it may not."""
    description, settings = heater.description, heater.settings
    reading = heater.reading
    by_hand = heater.controls.mode == "heat"
    if reading is None or not (heater.may_be_planned or by_hand):
        return None
    power_w = reading.power_w or 0.0
    if not by_hand and heater.decision is not None:
        # What it draws lags behind what it was told.
        power_w = heater.decision.expected_w
    power_kw = power_w / 1000
    idle_kw = settings.standby_w / 1000
    ceiling_w = _lasting_ceiling_w(heater)
    levels = _levels_w(heater)
    if ceiling_w is not None:
        levels = tuple(level for level in levels if level <= ceiling_w + 0.5)
    if not by_hand and not levels:
        return None
    return PlanHeater(
        heater_id=settings.heater_id,
        idle_kw=idle_kw,
        levels_kw=tuple(level / 1000 for level in levels) or (power_kw,),
        any_power=settings.can_cap and not _is_coarse(heater),
        efficiency=efficiency,
        power_kw=power_kw,
        in_mode_h=in_mode_h,
        min_on_h=settings.min_on_s / 3600,
        min_off_h=settings.min_off_s / 3600,
        start_cost=description.start_cost,
        change_cost=description.change_cost,
        income_per_kwh=tuple(income),
        blocks=tuple(blocks),
        coolant_max_c=coolant_max_c(heater),
        exchanger_kw_per_k=exchanger_kw_per_k,
        fixed=by_hand,
    )


def coolant_max_c(heater: HeaterController) -> float:
    """Return how hot the coolant may become without power being taken back."""
    limits = (heater.controls.target_c, heater.description.safety.throttle_c)
    return min(limits) - COOLANT_MARGIN_K


def _lasting_ceiling_w(heater: HeaterController) -> float | None:
    """Return what its owner limits it to; a limit by temperature will pass."""
    limits = (heater.controls.power_limit_w, heater.settings.unattended_w)
    return min((each for each in limits if each is not None), default=None)


def _levels_w(heater: HeaterController) -> tuple[float, ...]:
    settings = heater.settings
    if not settings.can_cap:
        return settings.working_levels_w
    if _is_coarse(heater):
        count = round((settings.max_w - settings.lowest_working_w) / settings.step_w)
        return tuple(
            settings.lowest_working_w + k * settings.step_w for k in range(count + 1)
        )
    return (settings.lowest_working_w, settings.full_w)


def _is_coarse(heater: HeaterController) -> bool:
    settings = heater.settings
    return settings.can_cap and (
        settings.max_w - settings.lowest_working_w <= COARSE_STEPS * settings.step_w
    )


def plan_backup(
    backup: BackupDescription,
    outdoor_c: Sequence[float],
    sinks: Collection[str],
) -> PlanBackup:
    """Return what a backup's heat costs in each step."""
    cops = [
        None
        if backup.cop is None
        else max(
            backup.cop + backup.cop_per_k * (outdoor - NOMINAL_OUTDOOR_C), LEAST_COP
        )
        for outdoor in outdoor_c
    ]
    return PlanBackup(
        backup_id=backup.backup_id,
        sinks=tuple(sink for sink in backup.sinks if sink in sinks),
        max_heat_kw=backup.max_heat_w / 1000,
        per_kwh=(backup.fuel_per_kwh,) * len(cops),
        electricity_per_heat=tuple(0.0 if cop is None else 1 / cop for cop in cops),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """Prices and limits of each step, without a gap."""

    price: tuple[float, ...]
    feed_in: tuple[float, ...]
    surplus_kw: tuple[float, ...]
    grid_limit_kw: tuple[float | None, ...] = ()


def plan_problem(
    description: SiteDescription,
    steps: Steps,
    *,
    heaters: Iterable[PlanHeater],
    sinks: Iterable[PlanSink],
    backups: Iterable[PlanBackup],
    money: Money,
) -> PlanProblem:
    """Put the parts together."""
    return PlanProblem(
        start=steps.start,
        hours=steps.hours,
        heaters=tuple(heaters),
        sinks=tuple(sinks),
        backups=tuple(backups),
        price=money.price,
        feed_in=money.feed_in,
        surplus_kw=money.surplus_kw,
        grid_limit_kw=money.grid_limit_kw,
        dump_max_kw=description.dump_max_w / 1000,
        dump_per_kwh=description.dump_per_kwh,
    )

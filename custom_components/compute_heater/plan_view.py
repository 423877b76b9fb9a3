"""The plan of a site, as its sensors, its calendar and its actions show it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from homeassistant.util import dt as dt_util

from .control.plan import PlanStep
from .control.reasons import Reason

if TYPE_CHECKING:
    from .site import SiteCoordinator

# Above its standby power a heater computes.
_WORKS_W = 1.0


def steps_to_come(site: SiteCoordinator) -> list[PlanStep]:
    """Return the steps that are not over; none without a plan."""
    now = dt_util.utcnow()
    return [step for step in (site.plan.steps if site.plan else ()) if step.end > now]


def planned_power_w(site: SiteCoordinator) -> float | None:
    """Return what all heaters shall draw now."""
    step = site.plan.step_at(dt_util.utcnow()) if site.plan else None
    return None if step is None else sum(step.power_w.values())


def planned_cost(site: SiteCoordinator) -> float | None:
    """Return what the rest of the plan costs, less what it earns."""
    steps = steps_to_come(site)
    return sum(step.cost for step in steps) if steps else None


def next_compute(site: SiteCoordinator) -> datetime | None:
    """Return when heaters begin to compute, or have begun; None: not in this plan."""
    steps = steps_to_come(site)
    return next((step.start for step in steps if _works(site, step)), None)


def ask_price(site: SiteCoordinator) -> float | None:
    """Return what compute has to earn now per kWh of electricity."""
    plan, prices = site.plan, site.controller.optimiser.ask_prices
    step = plan.step_at(dt_util.utcnow()) if plan else None
    if plan is None or prices is None or step is None:
        return None
    return prices[plan.steps.index(step)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Compute without a break, for one reason."""

    steps: tuple[PlanStep, ...]

    @property
    def start(self) -> datetime:
        """When it begins."""
        return self.steps[0].start

    @property
    def end(self) -> datetime:
        """When it ends."""
        return self.steps[-1].end

    @property
    def reason(self) -> Reason:
        """Why."""
        return self.steps[0].reason

    @property
    def power_w(self) -> float:
        """Mean of all heaters together."""
        energy_wh = sum(sum(s.power_w.values()) * s.hours for s in self.steps)
        return energy_wh / sum(step.hours for step in self.steps)


def runs(site: SiteCoordinator) -> Iterator[Run]:
    """Yield when the heaters compute, from now on."""
    for group in _groups(site):
        if _works(site, group[0]):
            yield Run(steps=tuple(group))


def _groups(site: SiteCoordinator) -> Iterator[list[PlanStep]]:
    group: list[PlanStep] = []
    for step in steps_to_come(site):
        if group and (_works(site, step), step.reason) != (
            _works(site, group[0]),
            group[0].reason,
        ):
            yield group
            group = []
        group.append(step)
    if group:
        yield group


def _works(site: SiteCoordinator, step: PlanStep) -> bool:
    return any(
        power_w > site.heaters[heater_id].settings.standby_w + _WORKS_W
        for heater_id, power_w in step.power_w.items()
        if heater_id in site.heaters
    )


def names(site: SiteCoordinator) -> dict[str, str]:
    """Return how heaters, consumers and backups are called, each name once."""
    found: dict[str, str] = {}
    for subentry_id, subentry in site.config_entry.subentries.items():
        title = subentry.title
        if title in found.values():
            title = f"{title} ({subentry_id})"
        found[subentry_id] = title
    return found


def described(site: SiteCoordinator) -> dict[str, Any]:
    """Return the plan for scripts and templates; ``steps`` is empty without one."""
    plan, prices = site.plan, site.controller.optimiser.ask_prices
    if plan is None:
        return {"steps": []}
    called = names(site)

    def by_name(values: Mapping[str, float], digits: int = 0) -> dict[str, float]:
        return {
            called[key]: round(value, digits)
            for key, value in values.items()
            if key in called
        }

    now = dt_util.utcnow()
    return {
        "made_at": plan.made_at.isoformat(),
        "by_rules": plan.by_rules,
        "cost": round(planned_cost(site) or 0.0, 4),
        "steps": [
            {
                "start": step.start.isoformat(),
                "end": step.end.isoformat(),
                "reason": step.reason.value,
                "power": by_name(step.power_w),
                "heat": by_name(step.heat_w),
                "backup_heat": by_name(
                    {key: sum(each.values()) for key, each in step.backup_w.items()}
                ),
                "wasted_heat": round(step.dump_w),
                "temperature": by_name(step.temperature_c, 2),
                "price": round(step.price, 5),
                "ask_price": None if prices is None else round(prices[k], 5),
                "cost": round(step.cost, 5),
            }
            for k, step in enumerate(plan.steps)
            if step.end > now
        ],
    }

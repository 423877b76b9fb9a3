"""One heating plant under control: from readings and forecasts to what its parts do."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from math import inf

from .boosts import Boosts
from .building import SiteRequest, takers
from .clock import Clock, entries
from .comfort import ComfortGuard
from .demand import SinkController, SinkReading
from .description import SiteDescription
from .dispatch import Dispatcher
from .forecast import SiteForecasts
from .fullness import Fullness
from .heater_control import HeaterController, HeaterInput
from .hydraulics import PathController, PathDecision, PathDemand
from .merit import merit
from .models import SiteModels
from .optimiser import Optimiser, Planner, Wanted, plan_now
from .path_readings import path_readings
from .reasons import Reason
from .site_data import SiteDecision, SiteReadings
from .site_disinfection import SiteDisinfection
from .strategy import Strategy

__all__ = [
    "SiteController",
    "SiteDecision",
    "SiteDescription",
    "SiteReadings",
    "Strategy",
]

SILENT = HeaterInput(reading=None, age_s=None)
UNREAD = SinkReading(temperature_c=None)
FULL_SHARE = 0.95
"""Of full power: who draws it works as much as it can."""


class SiteController:
    """Demand, path, plan, safety, dispatch and precedence of one plant.

    ``step`` is called at every change, and at least every few seconds. It does no input
    or output, and waits for nothing but its ``planner``.
    """

    def __init__(
        self, description: SiteDescription, *, planner: Planner | None = plan_now
    ) -> None:
        """Control the plant that ``description`` is about.

        ``planner`` makes a plan at once. An owner that must not be held up passes None,
        looks for ``optimiser.problem`` after each step and brings the plan by ``adopt``.
        """
        self.description = description
        self.strategy = Strategy.FOLLOW_DEMAND
        self.heaters = {
            each.settings.heater_id: HeaterController(each)
            for each in description.heaters
        }
        self.sinks = {
            each.sink_id: SinkController(each.settings) for each in description.sinks
        }
        self.path: PathDecision | None = None
        self.optimiser = Optimiser(planner)
        self.models = SiteModels(description)
        self.disinfection = SiteDisinfection(description)
        self._guards = {sink_id: ComfortGuard() for sink_id in self.sinks}
        self._backup_w: Mapping[str, Mapping[str, float]] = {}
        self._dumped_w = 0.0
        self._boosts = Boosts()
        self._block_clock = Clock()
        self._exclusive = frozenset(
            one.sink_id
            for one in description.sinks
            for other in description.sinks
            if one.path.excludes(other.path)
        )
        self._fullness = {
            sink_id: Fullness(shares_valve=sink_id in self._exclusive)
            for sink_id in self.sinks
        }
        self._dispatcher = Dispatcher(each.settings for each in description.heaters)
        self._paths = PathController(
            (each.path for each in description.sinks),
            idle_heat_w=1.2 * sum(h.settings.floor_w for h in description.heaters),
        )

    def step(
        self,
        now: datetime,
        readings: SiteReadings,
        forecasts: SiteForecasts | None = None,
        *,
        monotonic_s: float | None = None,
    ) -> SiteDecision:
        """Decide on the latest readings.

        ``monotonic_s`` is a time in seconds that nobody sets; without it ``now`` counts.
        """
        time_s = now.timestamp() if monotonic_s is None else monotonic_s
        for heater_id, heater in self.heaters.items():
            heater.read(readings.heaters.get(heater_id, SILENT))
        active = self.strategy is not Strategy.OFF
        self.disinfection.update(
            now, time_s, self.sinks, readings.sinks, self.heaters, active=active
        )
        for sink_id, sink in self.sinks.items():
            sink.evaluate(readings.sinks.get(sink_id, UNREAD), time_s)
        needs = {
            sink_id: guard.update(
                self.sinks[sink_id],
                readings.sinks.get(sink_id, UNREAD).temperature_c,
                self.models.usable_k(sink_id, self.sinks[sink_id].comfort_min_c),
            )
            for sink_id, guard in self._guards.items()
        }
        forecasts = forecasts or SiteForecasts()
        self._learn(now, time_s, readings, forecasts)
        self._note_blocks(now, time_s)
        plan = self._plan(now, time_s, forecasts)
        building = readings.building if self.strategy.heeds_building else SiteRequest()
        wanted_w = self._wanted_w(now, plan, needs, building)
        building_w = takers(self._building_w(building), self.sinks)
        dump_w = plan.dump_w if plan is not None and readings.can_dump else 0.0
        self.path = path = self._paths.evaluate(
            {
                sink_id: PathDemand(
                    heat_w=max(wanted_w[sink_id], building_w[sink_id]),
                    accepts=sink.demand.accepts,
                    temperature_c=readings.sinks.get(sink_id, UNREAD).temperature_c,
                )
                for sink_id, sink in self.sinks.items()
            },
            path_readings(readings, self.heaters.values()),
            time_s,
            # Heat that is thrown away needs running water, too.
            by_hand=self.runs_by_hand or dump_w > 0,
        )
        reason = self._reason(path, plan, building)
        for heater_id, heater in self.heaters.items():
            # Without consumers the heat goes where the machine stands.
            heater.assess(
                path_ready=bool(path.ready) or not self.sinks,
                path_reason=reason,
                now=time_s,
                building=building.heaters.get(heater_id),
                building_is_minimum=self.strategy is Strategy.BUILDING_MINIMUM,
            )
        target_w = dump_w + sum(wanted_w[sink_id] for sink_id in path.ready)
        target_w *= self._nominal(plan)
        if plan is None and target_w > 0:
            target_w = max(target_w, self._booked_w(now, path.ready))
        target_w -= sum(heater.heat_for_building_w for heater in self.heaters.values())
        if building.heat_w is not None:
            taken_w = sum(building_w[sink_id] for sink_id in path.ready)
            asked_w = min(building.heat_w, taken_w if self.sinks else inf)
            target_w = max(target_w, asked_w)
        target_w = min(target_w, self._grid_limit_w(now, forecasts))
        # What people run by hand serves part of the demand already.
        target_w -= sum(heater.heat_by_hand_w for heater in self.heaters.values())
        results = self._dispatcher.dispatch(
            max(target_w, 0.0) if active else 0.0,
            {
                heater_id: limit
                for heater_id, heater in self.heaters.items()
                if (limit := heater.limit) is not None
            },
            time_s,
            merits=self._merits(now, forecasts),
            cause=self._cause(path, plan, building),
        )
        self._backup_w = self._backups(plan, needs) if active else {}
        self._dumped_w = dump_w
        return SiteDecision(
            heaters={
                heater_id: heater.decide(results.get(heater_id), strategy_active=active)
                for heater_id, heater in self.heaters.items()
            },
            valves=path.valves,
            pumps=path.pumps,
            demands={sink_id: sink.demand for sink_id, sink in self.sinks.items()},
            demand_w=sum(sink.demand.heat_w for sink in self.sinks.values())
            if all(sink.is_known for sink in self.sinks.values())
            else None,
            heat_w=self._heat_w,
            reason=reason,
            backup_w=self._backup_w,
            dump_w=dump_w,
        )

    def _learn(
        self,
        now: datetime,
        time_s: float,
        readings: SiteReadings,
        forecasts: SiteForecasts,
    ) -> None:
        """Let the models see what happened; they learn whatever the strategy is."""
        asked_w: dict[str, float] = {}
        for shares in self._backup_w.values():
            for sink_id, watts in shares.items():
                asked_w[sink_id] = asked_w.get(sink_id, 0.0) + watts
        outdoor_c, sun_w_m2 = readings.outdoor_c, readings.sun_w_m2
        if outdoor_c is None:
            outdoor_c = forecasts.outdoor_c.at(now)
        if sun_w_m2 is None:
            sun_w_m2 = forecasts.sun_w_m2.at(now)
        self.models.forecasts.observe(
            now, forecasts, outdoor_c=outdoor_c, sun_w_m2=sun_w_m2
        )
        if sun_w_m2 is None:
            sun_w_m2 = self.models.forecasts.usual_sun_w_m2(now)
        self.models.observe(
            now,
            time_s,
            readings.sinks,
            heaters={key: heater.reading for key, heater in self.heaters.items()},
            delivered_w=self._delivered_w(),
            backup_w={**asked_w, **readings.backup_w},
            outdoor_c=outdoor_c,
            sun_w_m2=sun_w_m2,
        )

    def _delivered_w(self) -> dict[str, float | None]:
        """Return the heat that each sink gets from the heaters now; None is unknown."""
        ready = self.path.ready if self.path else frozenset[str]()
        heat_w = self._heat_w
        if heat_w is None:
            return dict.fromkeys(self.sinks)
        heat_w = max(heat_w - self._dumped_w, 0.0)
        shares = {key: self.sinks[key].settings.max_heat_w for key in ready}
        total = sum(shares.values())
        return {
            key: heat_w * shares[key] / total if key in shares and total else 0.0
            for key in self.sinks
        }

    def _plan(
        self,
        now: datetime,
        time_s: float,
        forecasts: SiteForecasts,
    ) -> Wanted | None:
        """Return what the plan wants now; None where none is followed."""
        if not self.strategy.plans:
            return None
        optimiser = self.optimiser
        temperatures_c = self.models.temperatures_c
        circumstances = self._circumstances(now, forecasts)
        if optimiser.is_due(now, temperatures_c, circumstances):
            problem = self.models.problem(
                now,
                self.heaters,
                self.sinks,
                forecasts,
                optimiser.blocks,
                self._dispatcher.mode_h,
            )
            optimiser.ask(now, problem, temperatures_c, circumstances)
        delivered_w = {
            key: watts
            for key, watts in self._delivered_w().items()
            if watts is not None
        }
        return optimiser.wanted(
            now,
            time_s,
            accepting={
                key for key, sink in self.sinks.items() if self._may_store(key, sink)
            },
            exclusive=self._exclusive,
            delivered_w=delivered_w,
        )

    def _may_store(self, sink_id: str, sink: SinkController) -> bool:
        """Whether a sink may take heat ahead of its demand."""
        temperature_c = self.models.temperatures_c.get(sink_id)
        return (
            sink.enabled
            and sink.demand.accepts
            and temperature_c is not None
            and temperature_c < sink.store_max_c
            and not self._fullness[sink_id].update(
                temperature_c,
                self.models.max_heat_w(sink_id, self.heaters),
                least_w=self._least_heat_w,
                full_w=self._full_heat_w,
            )
        )

    @property
    def _full_heat_w(self) -> float:
        return sum(
            heater.settings.full_w * heater.settings.efficiency
            for heater in self.heaters.values()
        )

    @property
    def _least_heat_w(self) -> float:
        """Heat of the heater with the smallest least power."""
        return min(
            (
                each.settings.lowest_working_w * each.settings.efficiency
                for each in self.heaters.values()
            ),
            default=0.0,
        )

    def _circumstances(self, now: datetime, forecasts: SiteForecasts) -> object:
        """Return what a plan rests on, besides time and temperatures."""
        return (
            tuple(
                (key, heater.controls.mode, heater.may_be_planned)
                for key, heater in self.heaters.items()
            ),
            tuple(
                (key, sink.settings, sink.enabled) for key, sink in self.sinks.items()
            ),
            forecasts.price.end,
            forecasts.grid_limit_w.at(now),
            self.optimiser.windows,
        )

    def _grid_limit_w(self, now: datetime, forecasts: SiteForecasts) -> float:
        """Return the heat that may be made with what the grid and the own surplus give."""
        limit_w = forecasts.grid_limit_w.at(now)
        if limit_w is None:
            return inf
        own_w = max(forecasts.surplus_w.at(now) or 0.0, 0.0)
        worst = min(
            (each.settings.efficiency for each in self.heaters.values()), default=1.0
        )
        return (max(limit_w, 0.0) + own_w) * worst

    def _merits(self, now: datetime, forecasts: SiteForecasts) -> dict[str, float]:
        """Return what 1 kWh of heat from each heater earns, or costs, now."""
        price = forecasts.price.at(now)
        if price is None:
            price = self.description.usual_price
        found = {}
        for heater_id, heater in self.heaters.items():
            income = self.optimiser.booked_value(heater_id, now)
            if income is None:
                income = forecasts.income_per_kwh.at(now)
            if income is None:
                income = heater.description.income_per_kwh
            found[heater_id] = merit(
                income_per_kwh=income,
                price_per_kwh=price,
                efficiency=self.models.heaters[heater_id].model.efficiency,
            )
        return found

    def _nominal(self, plan: Wanted | None) -> float:
        """Return how dispatch reckons heat, against what the plan has learned of it.

        A level must stay the same level, though less of it arrives than its label says.
        """
        if plan is None:
            return 1.0
        planned_w = nominal_w = 0.0
        for heater_id, power_w in plan.power_w.items():
            model = self.models.heaters[heater_id].model
            planned_w += power_w * model.efficiency
            nominal_w += power_w * self.heaters[heater_id].settings.efficiency
        return nominal_w / planned_w if planned_w > 0 else 1.0

    def boost(self, sink_id: str, until: datetime | None) -> None:
        """Heat a sink to its set point at once, by all heaters; None: no more."""
        self._boosts.set(sink_id, until)

    def is_boosted(self, sink_id: str, now: datetime) -> bool:
        """Whether a sink is being heated because somebody asked for it."""
        return self._boosts.is_on(sink_id, now)

    def _building_w(self, building: SiteRequest) -> float:
        """Return all the heat that the building asks for."""
        asked_w = building.heat_w or 0.0
        for heater_id, request in building.heaters.items():
            if (heater := self.heaters.get(heater_id)) is not None:
                settings = heater.settings
                power_w = request.asked_w(settings) or 0.0
                if request.allowed and power_w > settings.standby_w:
                    asked_w += power_w * settings.efficiency
        return asked_w

    def _wanted_w(
        self,
        now: datetime,
        plan: Wanted | None,
        needs: Mapping[str, bool],
        building: SiteRequest,
    ) -> dict[str, float]:
        """Return the heat that each sink shall have from the heaters of our own accord."""
        if self.strategy is Strategy.OFF:
            return dict.fromkeys(self.sinks, 0.0)
        wanted_w: dict[str, float] = {}
        for key, sink in self.sinks.items():
            temperature_c = self.models.temperatures_c.get(key)
            if self._boosts.serves(key, now, temperature_c, sink.target_c):
                urgent = sink.enabled
            elif plan is None:
                replaced = (
                    self.strategy is Strategy.BUILDING_DEMAND
                    and building.heat_w is not None
                )
                if replaced and not self.disinfection.wants_heat(key, sink):
                    wanted_w[key] = 0.0
                else:
                    wanted_w[key] = sink.demand.heat_w
                continue
            else:
                urgent = needs[key] or self.disinfection.wants_heat(key, sink)
            if urgent and sink.demand.accepts:
                wanted_w[key] = sink.settings.max_heat_w
            else:
                planned_w = 0.0 if plan is None else plan.heat_w.get(key, 0.0)
                # More would only make the heater hot, and its power fall by itself.
                most_w = self.models.max_heat_w(key, self.heaters)
                wanted_w[key] = min(planned_w, most_w)
        return wanted_w

    def _booked_w(self, now: datetime, ready: Iterable[str]) -> float:
        """Return the heat of heaters with booked compute, which only counts at full power.

        Never more than the sinks take; none where nothing is booked for now.
        """
        booked = {
            heater_id
            for heater_id in self.heaters
            if self.optimiser.booked_value(heater_id, now) is not None
        }
        if not booked:
            return 0.0
        booked_w = sum(
            heater.settings.efficiency
            * (
                heater.settings.full_w
                if heater_id in booked
                else heater.settings.standby_w
            )
            for heater_id, heater in self.heaters.items()
        )
        return min(booked_w, sum(self.sinks[key].settings.max_heat_w for key in ready))

    def _note_blocks(self, now: datetime, time_s: float) -> None:
        """Count what heaters at full power deliver of the compute that is booked."""
        hours = self._block_clock.elapsed_s(time_s) / 3600
        for heater_id, heater in self.heaters.items():
            power_w = heater.reading.power_w if heater.reading else None
            full_w = FULL_SHARE * heater.settings.full_w
            is_full = power_w is not None and power_w >= full_w
            self.optimiser.note_full(heater_id, now, hours if is_full else 0.0)

    def _backups(
        self, plan: Wanted | None, needs: Mapping[str, bool]
    ) -> dict[str, dict[str, float]]:
        """Return what each backup gives: all it can where there is need, else as planned."""
        found: dict[str, dict[str, float]] = {}
        for backup in self.description.backups:
            left_w = backup.max_heat_w
            shares: dict[str, float] = {}
            planned = {} if plan is None else plan.backup_w.get(backup.backup_id, {})
            urgent = {
                key: needs.get(key, False) or self.disinfection.needs(key, backup)
                for key in backup.sinks
            }
            for sink_id in sorted(backup.sinks, key=lambda key: not urgent[key]):
                sink = self.sinks.get(sink_id)
                if sink is None or not sink.demand.accepts:
                    continue
                disinfects = self.disinfection.needs(sink_id, backup)
                if self._is_hot(sink_id, sink) and not disinfects:
                    continue
                watts = left_w if urgent[sink_id] else planned.get(sink_id, 0.0)
                watts = min(watts, left_w)
                if watts > 0:
                    shares[sink_id] = watts
                    left_w -= watts
            if shares:
                found[backup.backup_id] = shares
        return found

    def _is_hot(self, sink_id: str, sink: SinkController) -> bool:
        """Whether all that a backup reaches is hot, be the tank cold below that."""
        top_c = self.models.top_c(sink_id)
        return top_c is not None and top_c >= sink.store_max_c

    @property
    def runs_by_hand(self) -> bool:
        """Somebody runs a heater in manual mode."""
        return any(heater.runs_by_hand for heater in self.heaters.values())

    @property
    def _heat_w(self) -> float | None:
        heats = [
            heater.reading.heat_w if heater.reading else None
            for heater in self.heaters.values()
        ]
        if None in heats:
            return None
        return sum(heat for heat in heats if heat is not None)

    def _cause(
        self, path: PathDecision, plan: Wanted | None, building: SiteRequest
    ) -> Reason:
        """Return why heat is wanted, of the consumer that is served first, or why not."""
        planned_w = 0.0 if plan is None else sum(plan.heat_w.values())
        if building.heat_w is not None and (
            building.heat_w > planned_w
            or (plan is None and building.reason is Reason.BUILDING_SILENT)
        ):
            return building.reason
        if plan is not None:
            return plan.reason
        for ids in (path.ready, self.sinks):
            for sink_id, sink in self.sinks.items():
                if sink_id in ids and sink.demand.wanted:
                    return sink.demand.reason
        if any(not sink.is_known for sink in self.sinks.values()):
            return Reason.STALE_SENSOR
        return Reason.NO_DEMAND

    def _reason(
        self, path: PathDecision, plan: Wanted | None, building: SiteRequest
    ) -> Reason:
        if self.strategy is Strategy.OFF:
            return Reason.STRATEGY_OFF
        if path.reason not in (None, Reason.NO_DEMAND):
            return path.reason
        cause = self._cause(path, plan, building)
        if cause is Reason.NO_DEMAND and self._building_w(building) > 0:
            # Nobody else asks for what the building has its heaters do.
            return Reason.BUILDING_DEMAND
        return cause

    def state(self) -> dict[str, object]:
        """Return what must survive a restart, JSON-serialisable."""
        return {
            "strategy": self.strategy,
            "dispatch": self._dispatcher.memory,
            "paths": self._paths.memory,
            "heaters": {key: heater.memory for key, heater in self.heaters.items()},
            "sinks": {key: sink.memory for key, sink in self.sinks.items()},
            "models": self.models.memory,
            "blocks": self.optimiser.blocks_memory,
            "boosts": self._boosts.memory,
            "disinfection": self.disinfection.memory,
        }

    def restore(self, state: Mapping[str, object]) -> None:
        """Take over a stored state; what is broken or unknown is left out."""
        strategy = state.get("strategy")
        if isinstance(strategy, str) and strategy in tuple(Strategy):
            self.strategy = Strategy(strategy)
        self._dispatcher.restore(dict(_part(state, "dispatch")))
        self._paths.restore(dict(_part(state, "paths")))
        for key, memory in entries(state.get("heaters")):
            if (heater := self.heaters.get(key)) is not None:
                heater.restore(memory)
        self.models.restore(_part(state, "models"))
        self.optimiser.restore_blocks(_part(state, "blocks"))
        self._boosts.restore(_part(state, "boosts"), self.sinks)
        self.disinfection.restore(state.get("disinfection"))
        for key, memory in entries(state.get("sinks")):
            if (sink := self.sinks.get(key)) is not None:
                sink.restore(memory)


def _part(state: Mapping[str, object], name: str) -> Mapping[str, object]:
    part = state.get(name)
    return part if isinstance(part, Mapping) else {}

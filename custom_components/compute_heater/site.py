"""One site: from what the consumers want to what the heaters do."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import (
    Event,
    EventStateChangedData,
    EventStateReportedData,
    HomeAssistant,
    callback,
)
from homeassistant.helpers.event import (
    async_track_state_change_event,
    async_track_state_report_event,
    async_track_time_interval,
)
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator
from homeassistant.util import dt as dt_util

from .actuators import Actuators
from .const import CONF_DUMP, CONF_DUMP_ENTITY, LOGGER, TICK_INTERVAL
from .control.building import BuildingRequests, SiteRequest
from .control.hydraulics import PathDecision
from .control.plan import Plan
from .control.reasons import Reason
from .control.site import (
    SiteController,
    SiteDecision,
    SiteDescription,
    SiteReadings,
    Strategy,
)
from .forecasts.options import site_options, with_options
from .forecasts.outlook import Outlook
from .heater_coordinator import HeaterCoordinator
from .planning import Planning
from .site_backup import SiteBackup
from .site_heater import SiteHeater, heater_description
from .site_sink import SiteSink, sink_description

if TYPE_CHECKING:
    from .coordinator import ComputeHeaterConfigEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteData:
    """What a site shows."""

    demand_w: float | None
    """Heat that the consumers want now; None while one is unknown."""
    heat_w: float | None
    """Heat that the compute heaters give off now; None while one is unknown."""
    reason: Reason


class SiteCoordinator(DataUpdateCoordinator[SiteData]):
    """Re-evaluates control at every change and at least every few seconds."""

    config_entry: ComputeHeaterConfigEntry

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ComputeHeaterConfigEntry,
        heaters: Sequence[HeaterCoordinator],
        sinks: Sequence[ConfigSubentry],
        backups: Sequence[ConfigSubentry],
    ) -> None:
        """Put heaters and consumers together; nothing runs before ``start``."""
        super().__init__(
            hass, LOGGER, config_entry=entry, name=entry.title, always_update=False
        )
        self.backups = {
            subentry.subentry_id: SiteBackup(hass, entry, subentry)
            for subentry in backups
        }
        description = with_options(
            hass,
            entry,
            SiteDescription(
                heaters=tuple(heater_description(each) for each in heaters),
                sinks=tuple(sink_description(subentry) for subentry in sinks),
                backups=tuple(each.description for each in self.backups.values()),
                time_zone=dt_util.get_default_time_zone(),
            ),
        )
        # Plans are made beside the event loop.
        self.controller = controller = SiteController(description, planner=None)
        self.heaters = {
            each.subentry.subentry_id: SiteHeater(
                each, controller.heaters[each.subentry.subentry_id]
            )
            for each in heaters
        }
        self.sinks = {
            subentry.subentry_id: SiteSink(
                hass,
                subentry,
                each,
                controller.sinks[subentry.subentry_id],
                controller.disinfection.tanks.get(subentry.subentry_id),
            )
            for subentry, each in zip(sinks, description.sinks, strict=True)
        }
        self.outlook = Outlook(hass, entry)
        self._planning = Planning(hass, entry, controller.optimiser, self.tick)
        self._actuators = Actuators(hass)
        self.cooler_id: str | None = site_options(entry)[CONF_DUMP].get(
            CONF_DUMP_ENTITY
        )
        """What throws heat away."""
        self.cools = False
        self._requests = BuildingRequests()
        self._unsubscribe: list[Callable[[], None]] = []
        self._turn: asyncio.Handle | None = None
        """The next turn of the event loop, after one with a new reading."""
        self._more_read = False
        """There were other readings in the same turn."""
        self.data = SiteData(demand_w=0, heat_w=None, reason=Reason.NO_DEMAND)

    @property
    def strategy(self) -> Strategy:
        """Who decides about heaters in auto."""
        return self.controller.strategy

    @strategy.setter
    def strategy(self, strategy: Strategy) -> None:
        self.controller.strategy = strategy

    @property
    def plan(self) -> Plan | None:
        """The plan that is followed; None without one."""
        if not self.strategy.plans:
            return None
        return self.controller.optimiser.plan

    @callback
    def replan(self) -> None:
        """Make a new plan at once."""
        self.controller.optimiser.ask_anew()
        self.tick()

    @callback
    def ask(self, source: str, request: SiteRequest | None, *, rank: int) -> None:
        """Take what the building asks for through a bridge or gateway.

        Acts at once, or before ``start`` with the first decision.
        """
        if self._requests.put(source, request, rank=rank) and self._unsubscribe:
            self.tick()

    @property
    def path(self) -> PathDecision | None:
        """What valves and pumps shall do; None before the first decision."""
        return self.controller.path

    @property
    def _readers(self) -> list[SiteSink | SiteBackup]:
        return [*self.sinks.values(), *self.backups.values()]

    @callback
    def start(self) -> None:
        """Begin to control."""
        self.outlook.start()
        for reader in self._readers:
            for source in reader.sources:
                source.begin()
        watched = {
            source.entity_id for each in self._readers for source in each.sources
        }
        actuators = {
            actuator
            for sink in self.sinks.values()
            for actuator in (sink.path.valve_id, sink.path.pump_id)
            if actuator
        }
        self._unsubscribe = [
            async_track_state_change_event(
                self.hass, watched | actuators, self._on_change
            ),
            async_track_state_report_event(self.hass, watched, self._on_report),
            async_track_time_interval(self.hass, self._on_time, TICK_INTERVAL),
            *(
                heater.coordinator.async_add_listener(self._on_reading(heater))
                for heater in self.heaters.values()
            ),
        ]
        self.tick()

    @callback
    def stop(self) -> None:
        """Command nothing any more; may be called twice."""
        self._planning.stop()
        self.outlook.stop()
        self._actuators.stop()
        while self._unsubscribe:
            self._unsubscribe.pop()()
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None

    @callback
    def _on_change(self, event: Event[EventStateChangedData]) -> None:
        for each in self._readers:
            each.take(event.data["entity_id"], event.data["new_state"])
        self.tick()

    @callback
    def _on_report(self, event: Event[EventStateReportedData]) -> None:
        for each in self._readers:
            each.take(event.data["entity_id"], event.data["new_state"])

    @callback
    def _on_time(self, _now: datetime) -> None:
        self.tick()

    def _on_reading(self, heater: SiteHeater) -> Callable[[], None]:
        """Return a listener that hears new readings, not our own decisions."""
        coordinator = heater.coordinator
        seen = (coordinator.available, coordinator.read_at)

        @callback
        def listener() -> None:
            nonlocal seen
            state = (coordinator.available, coordinator.read_at)
            if state != seen:
                seen = state
                self._take_reading()

        return listener

    @callback
    def _take_reading(self) -> None:
        """Tick at once, and once more for all others that are read in the same turn."""
        if self._turn is not None:
            self._more_read = True
            return
        self._turn = self.hass.loop.call_soon(self._on_turn)
        self.tick()

    @callback
    def _on_turn(self) -> None:
        self._turn = None
        if self._more_read:
            self._more_read = False
            self._take_reading()

    @callback
    def tick(self) -> None:
        """Let control decide on what is known now, and have it carried out."""
        now = self.hass.loop.time()
        utc = dt_util.utcnow()
        forecasts = self.outlook.read(utc, self._power_w)
        decision = self.controller.step(
            utc, self._readings(now), forecasts, monotonic_s=now
        )
        self._planning.look()
        self._actuators.drive(
            {**decision.valves, **decision.pumps, **self._cooler(decision)},
            insist=self.strategy is not Strategy.OFF or self.controller.runs_by_hand,
        )
        for heater_id, each in decision.heaters.items():
            self.heaters[heater_id].carry_out(each)
        for backup_id, backup in self.backups.items():
            asked_w = decision.backup_w.get(backup_id, {})
            backup.carry_out(
                None if self.strategy is Strategy.OFF else asked_w,
                known=all(
                    self.sinks[sink_id].is_known
                    for sink_id in backup.description.sinks
                    if sink_id in self.sinks
                ),
            )
        # Consumers' entities show the demand, which is not in the site's data.
        self.data = SiteData(
            demand_w=decision.demand_w, heat_w=decision.heat_w, reason=decision.reason
        )
        self.async_update_listeners()

    def _cooler(self, decision: SiteDecision) -> dict[str, bool]:
        """Return what switches the cooler; without one the plant does it by itself."""
        if self.cooler_id is None:
            return {}
        self.cools = decision.dump_w > 0
        return {self.cooler_id: self.cools}

    def _readings(self, now: float) -> SiteReadings:
        sinks = self.sinks.values()
        return SiteReadings(
            heaters={key: heater.read(now) for key, heater in self.heaters.items()},
            sinks={key: sink.read() for key, sink in self.sinks.items()},
            valves=self._actuators.states(
                {sink.path.valve_id for sink in sinks if sink.path.valve_id}
            ),
            pumps=self._actuators.states(
                {sink.path.pump_id for sink in sinks if sink.path.pump_id}
            ),
            flows_lpm={
                sink.sink_id: sink.flow.number
                for sink in sinks
                if sink.flow is not None
            },
            outdoor_c=self.outlook.outdoor_c,
            can_dump=self.cooler_id is None
            or self._actuators.states([self.cooler_id])[self.cooler_id] is not None,
            building=self._requests.merged(
                {key: heater.settings for key, heater in self.heaters.items()}
            ),
            backup_w={
                sink_id: heat_w
                for backup in self.backups.values()
                for sink_id, heat_w in backup.read().items()
            },
        )

    @property
    def _power_w(self) -> float | None:
        """Electricity of all heaters; None while one of them is unknown."""
        powers = [
            heater.coordinator.data.power_w if heater.coordinator.available else None
            for heater in self.heaters.values()
        ]
        if None in powers:
            return None
        return sum(power for power in powers if power is not None)

    @property
    def memory(self) -> dict[str, Any]:
        """What must survive a restart."""
        return {
            **self.controller.state(),
            "devices": {
                key: heater.coordinator.memory for key, heater in self.heaters.items()
            },
            "sources": {key: sink.memory for key, sink in self.sinks.items()},
            "backups": {key: each.memory for key, each in self.backups.items()},
            "outlook": self.outlook.memory,
        }

    def restore(self, memory: Mapping[str, Any]) -> None:
        """Take over what was stored."""
        self.controller.restore(memory)
        for key, heater in self.heaters.items():
            heater.restore(memory.get("devices", {}).get(key, {}))
        for key, sink in self.sinks.items():
            sink.restore(memory.get("sources", {}).get(key, {}))
        for key, backup in self.backups.items():
            backup.restore(memory.get("backups", {}).get(key, {}))
        self.outlook.restore(memory.get("outlook", {}))

"""One site: from what the consumers want to what the heaters do."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

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

from .actuators import Actuators
from .const import LOGGER, TICK_INTERVAL
from .control.dispatch import Dispatcher
from .control.hydraulics import PathController, PathDecision, PathReadings
from .control.reasons import Reason
from .site_heater import SiteHeater
from .site_sink import SiteSink

if TYPE_CHECKING:
    from .coordinator import ComputeHeaterConfigEntry


class Strategy(StrEnum):
    """Who decides about the heat of heaters in auto."""

    OFF = "off"
    FOLLOW_DEMAND = "follow_demand"


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
        heaters: Sequence[SiteHeater],
        sinks: Sequence[SiteSink],
    ) -> None:
        """Put heaters and consumers together; nothing runs before ``start``."""
        super().__init__(
            hass, LOGGER, config_entry=entry, name=entry.title, always_update=False
        )
        self.heaters = {heater.heater_id: heater for heater in heaters}
        self.sinks = {sink.sink_id: sink for sink in sinks}
        self.strategy = Strategy.FOLLOW_DEMAND
        self.path: PathDecision | None = None
        self._dispatcher = Dispatcher(heater.settings for heater in heaters)
        self._paths = PathController(
            (sink.path for sink in sinks),
            idle_heat_w=1.2 * sum(heater.settings.floor_w for heater in heaters),
        )
        self._actuators = Actuators(hass)
        self._unsubscribe: list[Callable[[], None]] = []
        self.data = SiteData(demand_w=0, heat_w=None, reason=Reason.NO_DEMAND)

    @callback
    def start(self) -> None:
        """Begin to control."""
        for sink in self.sinks.values():
            for source in sink.sources:
                source.begin()
        watched = {
            source.entity_id for s in self.sinks.values() for source in s.sources
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
        self._actuators.stop()
        while self._unsubscribe:
            self._unsubscribe.pop()()

    @callback
    def _on_change(self, event: Event[EventStateChangedData]) -> None:
        for sink in self.sinks.values():
            sink.take(event.data["entity_id"], event.data["new_state"])
        self.tick()

    @callback
    def _on_report(self, event: Event[EventStateReportedData]) -> None:
        for sink in self.sinks.values():
            sink.take(event.data["entity_id"], event.data["new_state"])

    @callback
    def _on_time(self, _now: datetime) -> None:
        self.tick()

    def _on_reading(self, heater: SiteHeater) -> Callable[[], None]:
        """Return a listener that hears new readings, not our own decisions."""
        seen: object = None

        @callback
        def listener() -> None:
            nonlocal seen
            state = (heater.coordinator.available, heater.coordinator.read_at)
            if state != seen:
                seen = state
                self.tick()

        return listener

    @callback
    def tick(self) -> None:
        """Go once through demand, path, safety, dispatch and precedence."""
        now = self.hass.loop.time()
        demands = {sink.sink_id: sink.evaluate(now) for sink in self.sinks.values()}
        active = self.strategy is not Strategy.OFF
        by_hand = any(heater.runs_by_hand for heater in self.heaters.values())
        if not active:
            demands = {
                key: replace(demand, heat_w=0.0) for key, demand in demands.items()
            }
        self.path = self._paths.evaluate(
            demands, self._path_readings(), now, by_hand=by_hand
        )
        self._actuators.drive(
            {**self.path.valves, **self.path.pumps}, insist=active or by_hand
        )
        for heater in self.heaters.values():
            # Without consumers the heat goes where the machine stands.
            heater.assess(
                path_ready=bool(self.path.ready) or not self.sinks,
                path_reason=self._reason(),
                now=now,
            )
        target_w = sum(demands[sink_id].heat_w for sink_id in self.path.ready)
        # What people run by hand serves part of the demand already.
        target_w -= sum(heater.heat_by_hand_w for heater in self.heaters.values())
        results = self._dispatcher.dispatch(
            max(target_w, 0.0) if active else 0.0,
            {
                heater_id: limit
                for heater_id, heater in self.heaters.items()
                if (limit := heater.limit) is not None
            },
            now,
            cause=self._cause(),
        )
        for heater_id, heater in self.heaters.items():
            heater.decide(results.get(heater_id), strategy_active=active)
        self._publish()

    def _path_readings(self) -> PathReadings:
        readings = [
            heater.coordinator.data
            for heater in self.heaters.values()
            if heater.coordinator.available
        ]
        heats = [reading.heat_w for reading in readings]
        return PathReadings(
            valves=self._actuators.states(
                {s.path.valve_id for s in self.sinks.values() if s.path.valve_id}
            ),
            pumps=self._actuators.states(
                {s.path.pump_id for s in self.sinks.values() if s.path.pump_id}
            ),
            flows_lpm={
                sink.sink_id: sink.flow.number
                for sink in self.sinks.values()
                if sink.flow is not None
            },
            flow_lpm=_highest(reading.flow_lpm for reading in readings),
            delta_k=_highest(
                reading.supply_c - reading.return_c
                for reading in readings
                if reading.supply_c is not None
                and reading.return_c is not None
                # In a heater that stands still both say nothing of the circuit.
                and reading.flow_lpm != 0
            ),
            heat_w=None
            if not heats or None in heats
            else sum(heat for heat in heats if heat is not None),
            supply_c=_highest(
                value
                for reading in readings
                for value in (reading.supply_c, reading.coolant_c)
            ),
        )

    def _cause(self) -> Reason:
        """Return why heat is wanted, of the consumer that is served first, or why not."""
        assert self.path is not None
        for ids in (self.path.ready, self.sinks):
            for sink_id, sink in self.sinks.items():
                if sink_id in ids and sink.demand.wanted:
                    return sink.demand.reason
        if any(not sink.is_known for sink in self.sinks.values()):
            return Reason.STALE_SENSOR
        return Reason.NO_DEMAND

    def _reason(self) -> Reason:
        assert self.path is not None
        if self.strategy is Strategy.OFF:
            return Reason.STRATEGY_OFF
        if self.path.reason not in (None, Reason.NO_DEMAND):
            return self.path.reason
        return self._cause()

    @callback
    def _publish(self) -> None:
        heats = [
            heater.coordinator.data.heat_w if heater.coordinator.available else None
            for heater in self.heaters.values()
        ]
        # Consumers' entities show the demand, which is not in the site's data.
        self.data = SiteData(
            demand_w=sum(sink.demand.heat_w for sink in self.sinks.values())
            if all(sink.is_known for sink in self.sinks.values())
            else None,
            heat_w=None
            if None in heats
            else sum(heat for heat in heats if heat is not None),
            reason=self._reason(),
        )
        self.async_update_listeners()

    @property
    def memory(self) -> dict[str, Any]:
        """What must survive a restart."""
        return {
            "strategy": self.strategy,
            "dispatch": self._dispatcher.memory,
            "paths": self._paths.memory,
            "heaters": {key: heater.memory for key, heater in self.heaters.items()},
            "sinks": {key: sink.memory for key, sink in self.sinks.items()},
        }

    def restore(self, memory: Mapping[str, Any]) -> None:
        """Take over what was stored."""
        if (strategy := memory.get("strategy")) in tuple(Strategy):
            self.strategy = Strategy(strategy)
        self._dispatcher.restore(memory.get("dispatch", {}))
        self._paths.restore(memory.get("paths", {}))
        for key, heater in self.heaters.items():
            heater.restore(memory.get("heaters", {}).get(key, {}))
        for key, sink in self.sinks.items():
            sink.restore(memory.get("sinks", {}).get(key, {}))


def _highest(values: Any) -> float | None:
    """Return the highest known value; None where none is known."""
    return max((value for value in values if value is not None), default=None)

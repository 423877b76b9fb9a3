"""One heating plant under control: from readings and forecasts to what its parts do."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from .clock import entries
from .demand import SinkController, SinkDemand, SinkReading
from .description import SiteDescription
from .dispatch import Dispatcher
from .heater_control import HeaterController, HeaterInput
from .hydraulics import PathController, PathDecision, PathDemand, PathReadings
from .precedence import Decision
from .reasons import Reason

__all__ = ["SiteController", "SiteDecision", "SiteDescription", "SiteReadings"]

SILENT = HeaterInput(reading=None, age_s=None)
UNREAD = SinkReading(temperature_c=None)


class Strategy(StrEnum):
    """Who decides about the heat of heaters in auto."""

    OFF = "off"
    FOLLOW_DEMAND = "follow_demand"


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteReadings:
    """The latest of everything; what is missing or None is unknown, or too old."""

    heaters: Mapping[str, HeaterInput]
    sinks: Mapping[str, SinkReading] = field(default_factory=dict)
    valves: Mapping[str, bool | None] = field(default_factory=dict)
    pumps: Mapping[str, bool | None] = field(default_factory=dict)
    flows_lpm: Mapping[str, float | None] = field(default_factory=dict)
    """From the flow sensors of sinks, by the sinks' ids."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteDecision:
    """What every part shall do now."""

    heaters: Mapping[str, Decision]
    valves: Mapping[str, bool]
    """Positions to hold; a valve that is not named stays as it is."""
    pumps: Mapping[str, bool]
    demands: Mapping[str, SinkDemand]
    demand_w: float | None
    """Heat that the sinks want; None while one of them is unknown."""
    heat_w: float | None
    """Heat that the heaters give off; None while one of them is unknown."""
    reason: Reason


class SiteController:
    """Demand, path, safety, dispatch and precedence of one plant.

    ``step`` is called at every change, and at least every few seconds. It neither
    waits nor does any input or output.
    """

    def __init__(self, description: SiteDescription) -> None:
        """Control the plant that ``description`` is about."""
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
        self._dispatcher = Dispatcher(each.settings for each in description.heaters)
        self._paths = PathController(
            (each.path for each in description.sinks),
            idle_heat_w=1.2 * sum(h.settings.floor_w for h in description.heaters),
        )

    def step(
        self,
        now: datetime,
        readings: SiteReadings,
        *,
        monotonic_s: float | None = None,
    ) -> SiteDecision:
        """Decide on the latest readings.

        ``monotonic_s`` is a time in seconds that nobody sets; without it ``now`` counts.
        """
        time_s = now.timestamp() if monotonic_s is None else monotonic_s
        for heater_id, heater in self.heaters.items():
            heater.read(readings.heaters.get(heater_id, SILENT))
        for sink_id, sink in self.sinks.items():
            sink.evaluate(readings.sinks.get(sink_id, UNREAD), time_s)
        active = self.strategy is not Strategy.OFF
        wanted_w = {
            sink_id: sink.demand.heat_w if active else 0.0
            for sink_id, sink in self.sinks.items()
        }
        self.path = path = self._paths.evaluate(
            {
                sink_id: PathDemand(
                    heat_w=wanted_w[sink_id],
                    accepts=sink.demand.accepts,
                    temperature_c=readings.sinks.get(sink_id, UNREAD).temperature_c,
                )
                for sink_id, sink in self.sinks.items()
            },
            self._path_readings(readings),
            time_s,
            by_hand=self.runs_by_hand,
        )
        reason = self._reason(path)
        for heater in self.heaters.values():
            # Without consumers the heat goes where the machine stands.
            heater.assess(
                path_ready=bool(path.ready) or not self.sinks,
                path_reason=reason,
                now=time_s,
            )
        target_w = sum(wanted_w[sink_id] for sink_id in path.ready)
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
            cause=self._cause(path),
        )
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
        )

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

    def _path_readings(self, readings: SiteReadings) -> PathReadings:
        answers = [h.reading for h in self.heaters.values() if h.reading is not None]
        heats = [reading.heat_w for reading in answers]
        return PathReadings(
            valves=readings.valves,
            pumps=readings.pumps,
            flows_lpm=readings.flows_lpm,
            flow_lpm=_highest(reading.flow_lpm for reading in answers),
            delta_k=_highest(
                reading.supply_c - reading.return_c
                for reading in answers
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
                for reading in answers
                for value in (reading.supply_c, reading.coolant_c)
            ),
        )

    def _cause(self, path: PathDecision) -> Reason:
        """Return why heat is wanted, of the consumer that is served first, or why not."""
        for ids in (path.ready, self.sinks):
            for sink_id, sink in self.sinks.items():
                if sink_id in ids and sink.demand.wanted:
                    return sink.demand.reason
        if any(not sink.is_known for sink in self.sinks.values()):
            return Reason.STALE_SENSOR
        return Reason.NO_DEMAND

    def _reason(self, path: PathDecision) -> Reason:
        if self.strategy is Strategy.OFF:
            return Reason.STRATEGY_OFF
        if path.reason not in (None, Reason.NO_DEMAND):
            return path.reason
        return self._cause(path)

    def state(self) -> dict[str, object]:
        """Return what must survive a restart, JSON-serialisable."""
        return {
            "strategy": self.strategy,
            "dispatch": self._dispatcher.memory,
            "paths": self._paths.memory,
            "heaters": {key: heater.memory for key, heater in self.heaters.items()},
            "sinks": {key: sink.memory for key, sink in self.sinks.items()},
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
        for key, memory in entries(state.get("sinks")):
            if (sink := self.sinks.get(key)) is not None:
                sink.restore(memory)


def _highest(values: Iterable[float | None]) -> float | None:
    """Return the highest known value; None where none is known."""
    return max((value for value in values if value is not None), default=None)


def _part(state: Mapping[str, object], name: str) -> Mapping[str, object]:
    part = state.get(name)
    return part if isinstance(part, Mapping) else {}

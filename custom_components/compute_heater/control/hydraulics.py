"""The paths of the heat: valves and pumps between heaters and sinks."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .clock import Clock, entries
from .path import Path, PathReadings, PathSettings, Phase
from .reasons import Reason

__all__ = [
    "PathController",
    "PathDecision",
    "PathDemand",
    "PathReadings",
    "PathSettings",
]

RESIDUAL_RELEASE_K = 5.0
WARMER_K = 3.0
"""Residual heat only flows to a sink this much colder than the supply …"""
WARMER_STILL_K = 1.0
"""… and goes on while it is still this much colder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PathDemand:
    """What the path controller must know of one sink."""

    heat_w: float
    """Heat wanted; 0 if none."""
    accepts: bool
    """May take heat although it wants none (SinkDemand.accepts)."""
    temperature_c: float | None = None
    """Of the sink; residual heat only goes to a sink known to be colder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PathDecision:
    """What to do with the actuators, and who can be given heat."""

    valves: Mapping[str, bool]
    """Positions to hold; a valve that is not named stays as it is."""
    pumps: Mapping[str, bool]
    """Every pump of every path."""
    ready: frozenset[str]
    """Sinks that heat may flow to now; the heat target is the sum of *their* demands."""
    active: frozenset[str]
    """Sinks whose path is open, opening or running down."""
    reason: Reason | None
    """Why the path is not (yet) ready or runs without demand; None if all is well."""


class PathController:
    """Opens, proves and closes the paths; DHW goes before floor on shared valves."""

    def __init__(
        self,
        paths: Iterable[PathSettings],
        *,
        idle_heat_w: float = 100.0,
        residual_c: float = 50.0,
    ) -> None:
        """Steer ``paths``; of equal kind the one named first goes first.

        ``idle_heat_w`` is the heat that heaters in standby give off; below it the pump
        overrun begins to count. Above ``residual_c`` of supply temperature the pump
        runs though nobody wants heat.
        """
        ordered = sorted(paths, key=lambda path: path.kind.rank)
        self._passive = [path.sink_id for path in ordered if path.passive]
        self._paths = {path.sink_id: Path(path) for path in ordered if not path.passive}
        self._idle_heat_w = idle_heat_w
        self._residual_c = residual_c
        self._residual: str | None = None
        self._clock = Clock()

    def evaluate(
        self,
        demands: Mapping[str, PathDemand],
        readings: PathReadings,
        now: float,
        *,
        by_hand: bool = False,
    ) -> PathDecision:
        """Decide; ``by_hand``: a heater runs in manual mode, so open a path anyway."""
        elapsed_s = self._clock.elapsed_s(now)
        for path in self._paths.values():
            path.pass_time(elapsed_s, readings)
        accepting = {sink for sink, demand in demands.items() if demand.accepts}
        wanted = {sink for sink in accepting if demands[sink].heat_w > 0}
        passive = accepting & set(self._passive)
        chosen = self._choose(wanted)
        if by_hand and not chosen and not passive:
            chosen = self._choose(accepting)[:1]
        self._residual = (
            None
            if chosen or passive
            else self._residual_sink(demands, readings.supply_c)
        )
        if self._residual is not None:
            chosen = [self._paths[self._residual]]
        self._start(chosen, accepting)
        for path in self._paths.values():
            if path in chosen:
                donor_accepts = path.carried_from in accepting
                path.advance(readings, donor_accepts=donor_accepts)
            elif path.phase is not Phase.PAUSED and (
                path.settings.sink_id not in accepting
                or any(path.settings.excludes(other.settings) for other in chosen)
            ):
                path.enter(Phase.IDLE)
            else:
                path.run_down(elapsed_s, readings, self._idle_heat_w)
        return self._decision(chosen, wanted, passive, by_hand=by_hand)

    def _choose(self, wanted: set[str]) -> list[Path]:
        """Paths that can be open together, the most important first."""
        chosen: list[Path] = []
        for sink, path in self._paths.items():
            if (
                sink in wanted
                and path.phase is not Phase.PAUSED
                and not any(path.settings.excludes(other.settings) for other in chosen)
            ):
                chosen.append(path)
        return chosen

    def _residual_sink(
        self, demands: Mapping[str, PathDemand], supply_c: float | None
    ) -> str | None:
        """Where to send heat that nobody wants before it makes a heater trip."""
        if supply_c is None:
            return None
        for sink, path in self._paths.items():
            demand = demands.get(sink)
            going = sink == self._residual
            if (
                demand is not None
                and demand.accepts
                and demand.temperature_c is not None
                and path.phase is not Phase.PAUSED
                and (going or self._residual is None)
                and supply_c
                >= demand.temperature_c + (WARMER_STILL_K if going else WARMER_K)
                and supply_c > self._residual_c - (RESIDUAL_RELEASE_K if going else 0.0)
                # An overrun carries its heat off already.
                and (
                    going
                    or all(p.phase is not Phase.OVERRUN for p in self._paths.values())
                )
            ):
                return sink
        return None

    def _start(self, chosen: list[Path], accepting: set[str]) -> None:
        """Let a path that begins take over the flow of the one that it ends.

        The pump goes on and heat keeps flowing, at first still to the old sink.
        """
        for path in chosen:
            if path.phase is not Phase.IDLE:
                continue
            for donor in self._paths.values():
                if (
                    donor.ready
                    and donor.settings.sink_id in accepting
                    and donor.settings.excludes(path.settings)
                    and donor.settings.pump_id == path.settings.pump_id
                ):
                    path.carried_from = donor.settings.sink_id

    def _decision(
        self, chosen: list[Path], wanted: set[str], passive: set[str], *, by_hand: bool
    ) -> PathDecision:
        paths = self._paths
        pumps = dict.fromkeys(
            (p.settings.pump_id for p in paths.values() if p.settings.pump_id), False
        )
        valves: dict[str, bool] = {}
        for path in paths.values():
            if path.settings.pump_id and path.pump_on:
                pumps[path.settings.pump_id] = True
            if path.settings.valve_id and path.holds_valve:
                valves[path.settings.valve_id] = path.settings.valve_open
        active = {sink for sink, path in paths.items() if path.holds_valve}
        return PathDecision(
            valves=valves,
            pumps=pumps,
            ready=frozenset(passive | {s for s in active if paths[s].ready}),
            active=frozenset(active | (passive & wanted)),
            reason=self._reason(chosen, wanted, passive, by_hand=by_hand),
        )

    def _reason(
        self, chosen: list[Path], wanted: set[str], passive: set[str], *, by_hand: bool
    ) -> Reason | None:
        for sink, path in self._paths.items():
            if path.fault is not None and (sink in wanted or by_hand):
                return path.fault
        if any(not path.ready for path in chosen):
            return Reason.PATH_OPENING
        if self._residual is not None:
            return Reason.RESIDUAL_HEAT
        if chosen or passive & wanted or (by_hand and passive):
            return None
        if any(path.phase is Phase.OVERRUN for path in self._paths.values()):
            return Reason.COOLING_DOWN
        return Reason.NO_SINK if by_hand else Reason.NO_DEMAND

    @property
    def memory(self) -> dict[str, object]:
        """What must survive a reload or restart, JSON-serialisable (ages, no clock)."""
        return {
            "paths": {sink: path.as_dict() for sink, path in self._paths.items()},
            "residual": self._residual,
        }

    def restore(self, memory: Mapping[str, object]) -> None:
        """Take over a stored memory; sinks that no longer exist are ignored."""
        for sink, stored in entries(memory.get("paths")):
            if sink in self._paths:
                self._paths[sink].from_dict(stored)
        residual = memory.get("residual")
        if isinstance(residual, str) and residual in self._paths:
            self._residual = residual

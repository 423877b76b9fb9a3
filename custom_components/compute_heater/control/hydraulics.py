"""The path of the heat: valves and pumps between heaters and sinks."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .demand import SinkKind
from .reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class PathSettings:
    """How the heat gets to one sink. Without valve and pump the path is passive."""

    sink_id: str
    kind: SinkKind
    valve_id: str | None = None
    valve_open: bool = True
    """Position of the valve for this sink (a three-way valve has one sink on each)."""
    pump_id: str | None = None
    has_flow_sensor: bool = False
    valve_travel_s: float = 30.0
    flow_timeout_s: float = 60.0
    overrun_s: float = 120.0


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
class PathReadings:
    """Reported states; a missing key is unknown, as is None."""

    valves: Mapping[str, bool | None]
    pumps: Mapping[str, bool | None]
    flow_lpm: float | None = None
    """In the circuit between heaters and sinks."""
    delta_k: float | None = None
    """Supply minus return of that circuit."""
    heat_w: float | None = None
    """Heat the heaters still give off."""
    supply_c: float | None = None
    """Hottest known of the heaters' supply and coolant."""


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
        """Steer ``paths``.

        ``idle_heat_w`` is the heat that heaters in standby give off; below it the pump
        overrun begins to count. Above ``residual_c`` of supply temperature the pump
        runs though nobody wants heat.
        """

    def evaluate(
        self,
        demands: Mapping[str, PathDemand],
        readings: PathReadings,
        now: float,
        *,
        by_hand: bool = False,
    ) -> PathDecision:
        """Decide; ``by_hand``: a heater runs in manual mode, so open a path anyway."""
        raise NotImplementedError

    @property
    def memory(self) -> dict[str, object]:
        """What must survive a reload or restart, JSON-serialisable (ages, no clock)."""
        raise NotImplementedError

    def restore(self, memory: Mapping[str, object]) -> None:
        """Take over a stored memory; sinks that no longer exist are ignored."""
        raise NotImplementedError

"""The path of the heat to one sink: how it opens, proves its flow and runs down."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from .clock import seconds
from .demand import SinkKind
from .reasons import Reason

FLOW_MIN_LPM = 0.5
DELTA_MIN_K = 1.0
DELTA_MAX_K = 30.0
"""More than any running circuit has: the heated water stands."""
RETRY_S = 300.0
UNKNOWN_HEAT_S = 900.0
"""Extra overrun where nobody knows what the heaters still give off."""


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
    """Flow must be measured; otherwise, where it happens not to be, a plausible
    temperature difference must do."""
    valve_travel_s: float = 30.0
    flow_timeout_s: float = 60.0
    overrun_s: float = 120.0

    @property
    def passive(self) -> bool:
        """Nothing to actuate: heat flows by itself."""
        return self.valve_id is None and self.pump_id is None

    def excludes(self, other: PathSettings) -> bool:
        """Both need the same valve in opposite positions."""
        return (
            self.valve_id is not None
            and self.valve_id == other.valve_id
            and self.valve_open != other.valve_open
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PathReadings:
    """Reported states; a missing key is unknown, as is None."""

    valves: Mapping[str, bool | None]
    pumps: Mapping[str, bool | None]
    flow_lpm: float | None = None
    """In the common circuit between heaters and sinks."""
    flows_lpm: Mapping[str, float | None] = field(default_factory=dict)
    """From the flow sensors of single sinks, by their ids; they rank before."""
    delta_k: float | None = None
    """Supply minus return of that circuit."""
    heat_w: float | None = None
    """Heat the heaters still give off."""
    supply_c: float | None = None
    """Hottest known of the heaters' supply and coolant."""


class Phase(StrEnum):
    """Where a path is on its way up and down."""

    IDLE = "idle"
    OPENING = "opening"
    """The valve moves."""
    PROVING = "proving"
    """The pump runs, flow is not proven yet."""
    RUNNING = "running"
    OVERRUN = "overrun"
    """Nobody wants heat any more; the pump carries off what is left."""
    PAUSED = "paused"
    """Flow was lost or never came; tried again after a pause."""


class Path:
    """State machine of one path. Times are counted up, so they survive a restart."""

    def __init__(self, settings: PathSettings) -> None:
        self.settings = settings
        self.phase = Phase.IDLE
        self.phase_s = 0.0
        self.valve_s: float | None = None
        """Time the valve has been reported in position; None: it is not."""
        self.blind_s = 0.0
        """Time without a reading that is needed to see the flow."""
        self.quiet_s = 0.0
        """Time without heat to carry off."""
        self.fault: Reason | None = None
        self.sightless = False
        """It paused because no reading told of the flow; goes on when one does."""
        self.carried_from: str | None = None
        """Path whose flow this one takes over while the valve moves."""
        self.ready = False

    def enter(self, phase: Phase, fault: Reason | None = None) -> None:
        """Change the phase and start its time."""
        self.sightless = self.blind_s >= self.settings.flow_timeout_s
        self.phase, self.phase_s, self.blind_s, self.quiet_s = phase, 0.0, 0.0, 0.0
        self.fault = fault
        if phase is not Phase.OPENING:
            self.carried_from = None
        if phase in {Phase.IDLE, Phase.PAUSED}:
            self.valve_s = None
        self.ready = False

    @property
    def holds_valve(self) -> bool:
        """The valve must be in this path's position."""
        return self.phase not in {Phase.IDLE, Phase.PAUSED}

    @property
    def pump_on(self) -> bool:
        """The pump must run for this path."""
        match self.phase:
            case Phase.IDLE:
                return False
            case Phase.OPENING:
                return self.carried_from is not None
            case Phase.PAUSED:
                # The sensor may be wrong: carry heat off, but do not run dry for long.
                return self.phase_s < self.settings.overrun_s
            case _:
                return True

    def pass_time(self, elapsed_s: float, readings: PathReadings) -> None:
        """Let the clocks of the present phase run."""
        self.phase_s += elapsed_s
        if self.phase is Phase.PAUSED and (
            self.phase_s >= RETRY_S or (self.sightless and self._sees(readings))
        ):
            self.enter(Phase.IDLE)
        if not self._valve_there(readings):
            self.valve_s = None
        elif self.valve_s is None:
            self.valve_s = 0.0
        else:
            self.valve_s += elapsed_s
        blind = self._flow(readings) is None or self._valve(readings) is None
        self.blind_s = self.blind_s + elapsed_s if blind else 0.0

    def advance(self, readings: PathReadings, *, donor_accepts: bool) -> None:
        """Go on with an active path (wanted, or giving residual heat)."""
        if self.phase is Phase.IDLE:
            self.enter(Phase.OPENING)
            self.pass_time(0.0, readings)
        elif self.phase is Phase.OVERRUN:
            self.enter(Phase.RUNNING)
        if self.phase is Phase.OPENING:
            self._open(readings, donor_accepts=donor_accepts)
        if self.phase is Phase.PROVING:
            self._prove(readings)
        if self.phase is Phase.RUNNING:
            self._run(readings)

    def run_down(
        self, elapsed_s: float, readings: PathReadings, idle_heat_w: float
    ) -> None:
        """Go on with a path that nobody wants any more."""
        match self.phase:
            case Phase.OPENING if self.carried_from is None:
                self.enter(Phase.IDLE)
            case Phase.OPENING | Phase.PROVING | Phase.RUNNING:
                self.enter(Phase.OVERRUN)
                self.ready = self._flow(readings) is True
            case Phase.OVERRUN:
                self.ready = self._flow(readings) is True
                quiet = readings.heat_w is not None and readings.heat_w <= idle_heat_w
                blind = (
                    readings.heat_w is None
                    and self.phase_s >= UNKNOWN_HEAT_S + self.settings.overrun_s
                )
                self.quiet_s = self.quiet_s + elapsed_s if quiet else 0.0
                if blind or self.quiet_s >= self.settings.overrun_s:
                    self.enter(Phase.IDLE)
            case _:
                pass

    def as_dict(self) -> dict[str, object]:
        """Return what must survive, JSON-serialisable."""
        return {
            "phase": self.phase.value,
            "phase_s": self.phase_s,
            "valve_s": self.valve_s,
            "quiet_s": self.quiet_s,
            "sightless": self.sightless,
            "fault": None if self.fault is None else self.fault.value,
            "carried_from": self.carried_from,
        }

    def from_dict(self, stored: Mapping[str, object]) -> None:
        """Take it over; what is broken begins anew."""
        phase, fault = stored.get("phase"), stored.get("fault")
        donor = stored.get("carried_from")
        if not isinstance(phase, str) or phase not in tuple(Phase):
            return
        known = isinstance(fault, str) and fault in tuple(Reason)
        self.enter(Phase(phase), Reason(str(fault)) if known else None)
        self.phase_s = seconds(stored.get("phase_s")) or 0.0
        self.valve_s = seconds(stored.get("valve_s"))
        self.quiet_s = seconds(stored.get("quiet_s")) or 0.0
        self.sightless = stored.get("sightless") is True
        self.carried_from = donor if isinstance(donor, str) else None

    def _open(self, readings: PathReadings, *, donor_accepts: bool) -> None:
        settings = self.settings
        stuck = self.phase_s > settings.valve_travel_s + settings.flow_timeout_s
        if stuck or not donor_accepts or self._flow(readings) is not True:
            self.carried_from = None
        self.ready = carried = self.carried_from is not None
        if settings.valve_id is None or (
            self.valve_s is not None and self.valve_s >= settings.valve_travel_s
        ):
            self.enter(Phase.RUNNING if carried else Phase.PROVING)

    def _prove(self, readings: PathReadings) -> None:
        if not self._valve_there(readings):
            self.enter(Phase.OPENING)
            return
        flow = self._flow(readings)
        if flow and self._delta_shows_flow(readings):
            self.enter(Phase.RUNNING)
        elif self.phase_s >= self.settings.flow_timeout_s:
            self.enter(Phase.PAUSED, Reason.FLOW_NOT_PROVEN)
        else:
            # A temperature difference only comes with heat, so heat must come first;
            # the time-out bounds it, and the heater's own trip stands above it.
            self.ready = bool(flow) and not self._measures_flow(readings)

    def _run(self, readings: PathReadings) -> None:
        if self._valve(readings) is False:
            self.enter(Phase.OPENING)  # somebody else moved it: start over
            return
        if self._pump(readings) is False:
            self.enter(Phase.PROVING)
            return
        flow = self._flow(readings)
        if flow is False:
            self.enter(Phase.PAUSED, Reason.FLOW_LOST)
        elif self.blind_s >= self.settings.flow_timeout_s:
            self.enter(Phase.PAUSED, Reason.FLOW_NOT_PROVEN)
        else:
            self.ready = True

    def _valve(self, readings: PathReadings) -> bool | None:
        """Whether the valve is in position; None unknown, True without a valve."""
        if self.settings.valve_id is None:
            return True
        state = readings.valves.get(self.settings.valve_id)
        return None if state is None else state is self.settings.valve_open

    def _valve_there(self, readings: PathReadings) -> bool:
        return self._valve(readings) is True

    def _pump(self, readings: PathReadings) -> bool | None:
        if self.settings.pump_id is None:
            return True
        return readings.pumps.get(self.settings.pump_id)

    def _flow(self, readings: PathReadings) -> bool | None:
        """Whether the readings agree with flow; None: they do not tell."""
        if self._pump(readings) is False:
            return False
        if self._measures_flow(readings):
            flow = self._flow_lpm(readings)
            return None if flow is None else flow > FLOW_MIN_LPM
        if self._pump(readings) is None or readings.delta_k is None:
            return None
        return readings.delta_k <= DELTA_MAX_K

    def _sees(self, readings: PathReadings) -> bool:
        """Whether the readings could tell of flow if the pump ran."""
        measured = self._flow_lpm(readings) is not None
        by_delta = (
            not self.settings.has_flow_sensor
            and readings.delta_k is not None
            and self._pump(readings) is not None
        )
        return (measured or by_delta) and self._valve(readings) is not None

    def _flow_lpm(self, readings: PathReadings) -> float | None:
        return readings.flows_lpm.get(self.settings.sink_id, readings.flow_lpm)

    def _measures_flow(self, readings: PathReadings) -> bool:
        return self.settings.has_flow_sensor or self._flow_lpm(readings) is not None

    def _delta_shows_flow(self, readings: PathReadings) -> bool:
        if self._measures_flow(readings):
            return True
        return readings.delta_k is not None and readings.delta_k >= DELTA_MIN_K

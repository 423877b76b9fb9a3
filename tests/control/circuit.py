"""A small circuit that obeys path decisions: valves travel, pumps move water."""

from dataclasses import dataclass, field

from custom_components.compute_heater.control.demand import SinkKind
from custom_components.compute_heater.control.hydraulics import (
    PathController,
    PathDecision,
    PathDemand,
    PathReadings,
    PathSettings,
)

TANK = PathSettings(
    sink_id="tank",
    kind=SinkKind.DHW,
    valve_id="valve",
    valve_open=True,
    pump_id="pump",
    has_flow_sensor=True,
    valve_travel_s=20,
    flow_timeout_s=60,
    overrun_s=120,
)
FLOOR = PathSettings(
    sink_id="floor",
    kind=SinkKind.FLOOR,
    valve_id="valve",
    valve_open=False,
    pump_id="pump",
    has_flow_sensor=True,
    valve_travel_s=20,
    flow_timeout_s=60,
    overrun_s=120,
)


def wants(
    heat_w: float = 2000, temperature_c: float | None = 40, *, accepts: bool = True
) -> PathDemand:
    """Return a sink's demand."""
    return PathDemand(heat_w=heat_w, accepts=accepts, temperature_c=temperature_c)


@dataclass
class Circuit:
    """Steps controller and circuit together; faults are set by the test."""

    controller: PathController
    now: float = 500.0
    valves: dict[str, bool | None] = field(default_factory=dict)
    pumps: dict[str, bool | None] = field(default_factory=dict)
    heat_w: float | None = 50.0
    supply_c: float | None = 40.0
    delta_k: float | None = 5.0
    flows_lpm: dict[str, float | None] = field(default_factory=dict)
    blocked: bool = False
    """No water flows, whatever the pump does."""
    flow_known: bool = True
    stuck: bool = False
    """Valves do not move."""
    demands: dict[str, PathDemand] = field(default_factory=dict)
    by_hand: bool = False
    decision: PathDecision | None = None

    @property
    def flow_lpm(self) -> float:
        """Water that really flows."""
        return 8.0 if any(self.pumps.values()) and not self.blocked else 0.0

    def readings(self) -> PathReadings:
        """Return what the controller sees."""
        return PathReadings(
            valves=dict(self.valves),
            pumps=dict(self.pumps),
            flow_lpm=self.flow_lpm if self.flow_known else None,
            flows_lpm=dict(self.flows_lpm),
            delta_k=self.delta_k,
            heat_w=self.heat_w,
            supply_c=self.supply_c,
        )

    def step(self, after: float = 5.0) -> PathDecision:
        """Let time pass, decide, and let the actuators follow."""
        self.now += after
        decision = self.controller.evaluate(
            self.demands, self.readings(), self.now, by_hand=self.by_hand
        )
        if not self.stuck:
            self.valves.update(decision.valves)
        self.pumps.update(decision.pumps)
        self.decision = decision
        return decision

    def run(self, duration: float, after: float = 5.0) -> PathDecision:
        """Step for a while; return the last decision."""
        end = self.now + duration
        decision = self.step(after)
        while self.now < end:
            decision = self.step(after)
        return decision


def circuit(*paths: PathSettings, residual_c: float = 50) -> Circuit:
    """Return a circuit at rest, all valves off and unknown to the controller."""
    return Circuit(
        controller=PathController(paths, residual_c=residual_c),
        valves={p.valve_id: False for p in paths if p.valve_id},
        pumps={p.pump_id: False for p in paths if p.pump_id},
    )

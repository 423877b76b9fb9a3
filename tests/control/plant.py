"""A toy plant under the whole of control: coolant bath, tank, floor, valve, pump.

Nothing here is part of the product: it is what the closed-loop tests control, with
its own books of energy.
"""

from dataclasses import dataclass, field, replace

from custom_components.compute_heater.control.demand import (
    SinkController,
    SinkKind,
    SinkReading,
    SinkSettings,
)
from custom_components.compute_heater.control.dispatch import Dispatcher
from custom_components.compute_heater.control.hydraulics import (
    PathController,
    PathDemand,
    PathReadings,
)
from custom_components.compute_heater.control.ladder import HeaterSettings
from custom_components.compute_heater.control.precedence import (
    Decision,
    HeaterWish,
    decide,
    headroom,
)
from custom_components.compute_heater.control.safety import (
    SafetyInput,
    SafetyMemory,
    SafetySettings,
    SafetyVerdict,
    assess,
)
from custom_components.compute_heater.heaters.model import PowerState

from .circuit import FLOOR, TANK

_, STANDBY, ECO, FULL = PowerState
HEATER = HeaterSettings(
    heater_id="h",
    floor_w=150,
    max_w=3000,
    levels_w={STANDBY: 150, ECO: 1000, FULL: 3000},
    can_cap=True,
    min_on_s=300,
    min_off_s=300,
    dwell_s=60,
)
SINKS = {
    "tank": SinkSettings(
        kind=SinkKind.DHW,
        setpoint_c=50,
        hysteresis_k=4,
        limit_c=60,
        max_heat_w=3000,
        capacity_kwh_per_k=0.0696,
        comfort_min_c=42,
    ),
    "floor": SinkSettings(
        kind=SinkKind.FLOOR, setpoint_c=21, hysteresis_k=1, limit_c=40, max_heat_w=2000
    ),
}
BATH_J_PER_K, TANK_J_PER_K, SLAB_J_PER_K, ROOM_J_PER_K = 80e3, 251e3, 2e6, 3e6
EXCHANGER_W_PER_K = 400.0


@dataclass
class Plant:
    """State of the plant; temperatures in °C, powers in W, energies in J."""

    heater: HeaterSettings = HEATER
    sinks: dict[str, SinkSettings] = field(default_factory=lambda: dict(SINKS))
    now: float = 0.0
    bath_c: float = 35.0
    tank_c: float = 44.0
    slab_c: float = 24.0
    room_c: float = 20.0
    outdoor_c: float = 5.0
    power_w: float = 150.0
    heat_w: float = 0.0
    valve: bool = False
    pump: bool = False
    draw_w: float = 0.0
    flow_blocked: bool = False
    tank_sensor: bool = True
    wish: dict[str, object] = field(default_factory=lambda: {"mode": "auto"})
    electricity_j: float = 0.0
    delivered_j: dict[str, float] = field(
        default_factory=lambda: {"tank": 0.0, "floor": 0.0}
    )
    lost_j: float = 0.0
    changes: int = 0
    decision: Decision | None = None
    verdict: SafetyVerdict = field(default_factory=SafetyVerdict)

    def __post_init__(self) -> None:
        self.controllers = {k: SinkController(v) for k, v in self.sinks.items()}
        self.paths = PathController([TANK, FLOOR], idle_heat_w=200)
        self.dispatcher = Dispatcher([self.heater])
        self.safety = SafetySettings(
            floor_w=self.heater.floor_w, max_w=self.heater.max_w
        )
        self.memory = SafetyMemory()

    def control(self) -> Decision:
        """Run control once on what the sensors see."""
        tank_seen = self.tank_c if self.tank_sensor else None
        readings = {
            "tank": SinkReading(temperature_c=tank_seen),
            "floor": SinkReading(
                temperature_c=self.room_c, second_c=self.slab_c, has_second=True
            ),
        }
        demands = {
            sink: controller.evaluate(readings[sink], self.now)
            for sink, controller in self.controllers.items()
        }
        seen = {"tank": tank_seen, "floor": self.slab_c}
        path = self.paths.evaluate(
            {
                sink: PathDemand(
                    heat_w=d.heat_w, accepts=d.accepts, temperature_c=seen[sink]
                )
                for sink, d in demands.items()
            },
            PathReadings(
                valves={"valve": self.valve},
                pumps={"pump": self.pump},
                flow_lpm=8.0 if self.flowing else 0.0,
                heat_w=self.heat_w,
                supply_c=self.bath_c,
            ),
            self.now,
            by_hand=self.wish["mode"] == "heat",
        )
        self.verdict, self.memory = assess(
            self.safety,
            SafetyInput(
                coolant_c=self.bath_c,
                supply_c=None,
                ages={"coolant": 1.0},
                path_ready=bool(path.ready),
                path_reason=path.reason,
            ),
            self.memory,
            self.now,
        )
        wish = HeaterWish(
            settings=self.heater,
            safety=self.verdict,
            **self.wish,  # type: ignore[arg-type]
        )
        target = sum(demands[sink].heat_w for sink in path.ready)
        results = self.dispatcher.dispatch(target, {"h": headroom(wish)}, self.now)
        decision = decide(replace(wish, dispatch=results["h"]))
        if self.decision is not None and decision.state is not self.decision.state:
            self.changes += 1
        self.decision = decision
        self.valve = path.valves.get("valve", self.valve)
        self.pump = path.pumps["pump"]
        return decision

    @property
    def flowing(self) -> bool:
        """Water flows."""
        return self.pump and not self.flow_blocked

    @property
    def stored_j(self) -> float:
        """Energy in the plant above 0 °C."""
        return (
            BATH_J_PER_K * self.bath_c
            + TANK_J_PER_K * self.tank_c
            + SLAB_J_PER_K * self.slab_c
            + ROOM_J_PER_K * self.room_c
        )

    def pass_time(self, seconds: float) -> None:
        """Let the physics run in steps of a second."""
        assert self.decision is not None
        for _ in range(int(seconds)):
            wanted = self.decision.expected_w
            self.power_w += (wanted - self.power_w) / 8
            sink_c = self.tank_c if self.valve else self.slab_c
            self.heat_w = (
                EXCHANGER_W_PER_K * (self.bath_c - sink_c) if self.flowing else 0.0
            )
            draw = self.draw_w if self.tank_c > 15 else 0.0
            tank_loss = 2.0 * (self.tank_c - 18) + draw
            to_room = 250.0 * (self.slab_c - self.room_c)
            room_loss = 100.0 * (self.room_c - self.outdoor_c)
            to_tank = self.heat_w if self.valve else 0.0
            to_slab = self.heat_w - to_tank
            self.bath_c += (self.power_w - self.heat_w) / BATH_J_PER_K
            self.tank_c += (to_tank - tank_loss) / TANK_J_PER_K
            self.slab_c += (to_slab - to_room) / SLAB_J_PER_K
            self.room_c += (to_room - room_loss) / ROOM_J_PER_K
            self.electricity_j += self.power_w
            self.delivered_j["tank"] += to_tank
            self.delivered_j["floor"] += to_slab
            self.lost_j += tank_loss + room_loss
            self.now += 1

    def run(self, seconds: float, interval: float = 15.0) -> None:
        """Control and physics in turn."""
        end = self.now + seconds
        while self.now < end:
            self.control()
            self.pass_time(interval)

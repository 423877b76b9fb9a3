"""What control costs: one tick of a site with 1, 10 and 50 heaters."""

from collections.abc import Sequence
import math
import time

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
    PathSettings,
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
    assess,
)
from custom_components.compute_heater.heaters.model import PowerState

from .rows import Row, at_most

TICK_S = 5.0
"""The integration works control out at least this often."""
WARM_UP_TICKS, TICKS, ROUNDS = 20, 120, 5
PERIOD_S = 600.0
"""Room and tank swing, so that heaters go up and down."""
FLOOR_W, ECO_W, FULL_W = 300.0, 1500.0, 3000.0


class Site:
    """All of control for some heaters, a tank and a floor circuit; no input, no output."""

    def __init__(self, heaters: int) -> None:
        """Put ``heaters`` equal ones together."""
        self.now = 0.0
        self.decisions: list[Decision] = []
        levels = {
            PowerState.STANDBY: FLOOR_W,
            PowerState.ECO: ECO_W,
            PowerState.FULL: FULL_W,
        }
        self._heaters = [
            HeaterSettings(
                heater_id=f"heater {number}",
                floor_w=FLOOR_W,
                max_w=FULL_W,
                levels_w=levels,
                can_cap=True,
                min_on_s=60,
                min_off_s=60,
            )
            for number in range(heaters)
        ]
        self._memories = [SafetyMemory() for _ in self._heaters]
        self._safety = SafetySettings(floor_w=FLOOR_W, max_w=FULL_W)
        self._dispatcher = Dispatcher(self._heaters)
        heat_w = 0.5 * FULL_W * heaters
        self._sinks = {
            "tank": SinkController(
                SinkSettings(
                    kind=SinkKind.DHW,
                    setpoint_c=50,
                    hysteresis_k=4,
                    limit_c=65,
                    max_heat_w=heat_w,
                    capacity_kwh_per_k=0.3,
                    comfort_min_c=42,
                )
            ),
            "floor": SinkController(
                SinkSettings(
                    kind=SinkKind.FLOOR,
                    setpoint_c=21,
                    hysteresis_k=1,
                    limit_c=45,
                    max_heat_w=heat_w,
                    comfort_min_c=19,
                )
            ),
        }
        self._paths = PathController(
            [
                PathSettings(
                    sink_id=sink_id,
                    kind=sink.settings.kind,
                    pump_id=f"pump of the {sink_id}",
                    has_flow_sensor=True,
                )
                for sink_id, sink in self._sinks.items()
            ]
        )

    def tick(self) -> None:
        """Go once through demand, paths, safety, dispatch and precedence."""
        self.now += TICK_S
        now = self.now
        wave = math.sin(math.tau * now / PERIOD_S)
        readings = {
            "tank": SinkReading(temperature_c=47 + 4 * wave),
            "floor": SinkReading(
                temperature_c=20.6 + 0.8 * wave, second_c=35, has_second=True
            ),
        }
        demands = {
            key: sink.evaluate(readings[key], now) for key, sink in self._sinks.items()
        }
        path = self._paths.evaluate(
            {
                key: PathDemand(
                    heat_w=demand.heat_w,
                    accepts=demand.accepts,
                    temperature_c=readings[key].temperature_c,
                )
                for key, demand in demands.items()
            },
            PathReadings(
                valves={},
                pumps={f"pump of the {key}": True for key in self._sinks},
                flow_lpm=8,
                heat_w=1000,
                supply_c=50,
            ),
            now,
        )
        wishes = []
        for number, settings in enumerate(self._heaters):
            verdict, self._memories[number] = assess(
                self._safety,
                SafetyInput(
                    coolant_c=50 + 5 * wave,
                    supply_c=48,
                    ages={"coolant": 1.0, "supply": 1.0},
                    path_ready=bool(path.ready),
                    path_reason=path.reason,
                ),
                self._memories[number],
                now,
            )
            wishes.append(HeaterWish(settings=settings, mode="auto", safety=verdict))
        results = self._dispatcher.dispatch(
            sum(demands[key].heat_w for key in path.ready),
            {wish.settings.heater_id: headroom(wish) for wish in wishes},
            now,
        )
        self.decisions = [
            decide(
                HeaterWish(
                    settings=wish.settings,
                    mode=wish.mode,
                    safety=wish.safety,
                    dispatch=results[wish.settings.heater_id],
                )
            )
            for wish in wishes
        ]


def tick_ms(heaters: int) -> float:
    """Return the CPU time of one tick in ms: the best of some rounds, which no other job disturbs."""
    site = Site(heaters)
    for _ in range(WARM_UP_TICKS):
        site.tick()
    rounds = []
    for _ in range(ROUNDS):
        started = time.process_time()
        for _ in range(TICKS):
            site.tick()
        rounds.append((time.process_time() - started) / TICKS)
    return 1000 * min(rounds)


def measure() -> Sequence[Row]:
    """CPU time of one tick of control, and how it grows with the number of heaters."""
    one, ten, fifty = (tick_ms(heaters) for heaters in (1, 10, 50))
    return [
        at_most("tick with 1 heater", one, "ms", 1),
        at_most("tick with 10 heaters", ten, "ms", 5),
        at_most("tick with 50 heaters", fifty, "ms", 25),
        at_most("50 heaters against 10 (linear is 5)", fifty / ten, "×", 7.5),
        at_most("share of a CPU, 50 heaters", fifty / TICK_S / 10, "%", 0.5),
    ]

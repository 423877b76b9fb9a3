"""The heat pump: backup with a controller of its own.

It charges the DHW tank to its own, lower set point and heats the floor by a heat curve,
so the house stays comfortable when no compute heat comes.
"""

from dataclasses import dataclass
from enum import IntEnum

from .commands import Mode
from .thermal import J_PER_KWH, flow_w_per_k

KELVIN = 273.15
CARNOT_SHARE = 0.45
FROST_C = 8.0
"""Below this the room is heated whatever is switched off."""
SINK_LIMIT_C = 62.0
"""The compressor cannot condense against anything hotter."""
DHW_HYSTERESIS_K = 2.0
CURVE_HYSTERESIS_K = 3.0
ROOM_HYSTERESIS_K = 0.3
CURVE_BASE_C, CURVE_SLOPE = 26.0, 0.5
"""Heat curve: supply at 20 °C outdoors, and K more per K colder."""


class Status(IntEnum):
    """What the heat pump does; the numbers are those of the Modbus map."""

    OFF = 0
    HEATING = 1
    DHW = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatPumpParameters:
    """``thermal_w`` at 2 °C outdoors; ``dhw_setpoint_c`` is its own, for backup."""

    thermal_w: float
    dhw_setpoint_c: float
    flow_lpm: float = 20.0
    min_run_s: float = 180.0
    min_pause_s: float = 180.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What the controller sees."""

    outdoor_c: float
    room_c: float
    buffer_c: float
    tank_c: float
    """At the heat pump's sensor, half way up."""
    tank_bottom_c: float
    room_setpoint_c: float
    dhw_setpoint_c: float
    mode: Mode
    enabled: bool


class HeatPump:
    """On/off compressor with DHW priority, minimum run and pause."""

    def __init__(self, parameters: HeatPumpParameters) -> None:
        self.parameters = parameters
        self.status = Status.OFF
        self.thermal_w = 0.0
        self.electrical_w = 0.0
        self.heat_j = 0.0
        self.electricity_j = 0.0
        self.starts = 0
        self._in_state_s = parameters.min_pause_s
        self._wants_dhw = False
        self._wants_room = False
        self._wants_buffer = False

    @property
    def running(self) -> bool:
        """The compressor runs."""
        return self.status is not Status.OFF

    def supply_c(self, sink_c: float) -> float:
        """Outflow of the heat pump into a sink of this temperature."""
        return sink_c + self.thermal_w / flow_w_per_k(self.parameters.flow_lpm)

    def step(self, dt_s: float, now: Situation) -> float:
        """Decide, run for ``dt_s`` and return the heat given off in J."""
        self._in_state_s += dt_s
        wanted = self._wanted(now)
        if self._may_change(wanted, now):
            if self.running != (wanted is not Status.OFF):
                self._in_state_s = 0.0
                self.starts += wanted is not Status.OFF
            self.status = wanted
        if not self.running:
            self.thermal_w = self.electrical_w = 0.0
            return 0.0
        sink_c = now.tank_bottom_c if self.status is Status.DHW else now.buffer_c
        colder = min(1.3, max(0.5, 1 + 0.02 * (now.outdoor_c - 2)))
        self.thermal_w = self.parameters.thermal_w * colder
        self.electrical_w = self.thermal_w / _cop(sink_c, now.outdoor_c)
        self.heat_j += self.thermal_w * dt_s
        self.electricity_j += self.electrical_w * dt_s
        return self.thermal_w * dt_s

    @property
    def heat_kwh(self) -> float:
        """Its heat meter."""
        return self.heat_j / J_PER_KWH

    @property
    def electricity_kwh(self) -> float:
        """Its electricity meter."""
        return self.electricity_j / J_PER_KWH

    def _may_change(self, wanted: Status, now: Situation) -> bool:
        if wanted is self.status:
            return False
        if not self.running:
            return self._in_state_s >= self.parameters.min_pause_s
        if wanted is not Status.OFF:
            return True
        return not now.enabled or self._in_state_s >= self.parameters.min_run_s

    def _wanted(self, now: Situation) -> Status:
        if now.room_c < FROST_C and now.buffer_c < SINK_LIMIT_C:
            return Status.HEATING
        setpoint_c = min(self.parameters.dhw_setpoint_c, now.dhw_setpoint_c)
        self._wants_dhw = _two_point(
            self._wants_dhw, now.tank_c, setpoint_c - DHW_HYSTERESIS_K, setpoint_c
        )
        self._wants_room = _two_point(
            self._wants_room,
            now.room_c,
            now.room_setpoint_c - ROOM_HYSTERESIS_K,
            now.room_setpoint_c,
        )
        curve_c = CURVE_BASE_C + CURVE_SLOPE * (20 - now.outdoor_c)
        self._wants_buffer = _two_point(
            self._wants_buffer,
            now.buffer_c,
            curve_c - CURVE_HYSTERESIS_K,
            curve_c + CURVE_HYSTERESIS_K,
        )
        if not now.enabled:
            return Status.OFF
        if self._wants_dhw and now.mode in (Mode.DHW, Mode.AUTO):
            return Status.DHW
        heating = now.mode in (Mode.HEATING, Mode.AUTO)
        if heating and self._wants_room and self._wants_buffer:
            return Status.HEATING
        return Status.OFF


def _two_point(on: bool, value: float, low: float, high: float) -> bool:
    """Two-point controller: on below ``low``, off from ``high``."""
    return value < (high if on else low)


def _cop(sink_c: float, outdoor_c: float) -> float:
    """Coefficient of performance from Carnot's with 5 K at either exchanger."""
    hot = sink_c + 5 + KELVIN
    lift = max(10.0, sink_c - outdoor_c + 10)
    return min(6.0, max(1.5, CARNOT_SHARE * hot / lift))

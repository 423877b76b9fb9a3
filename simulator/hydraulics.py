"""The charging loop of the compute heater: pump, three-way valve, local protection.

The valve leads to the DHW tank (position 1) or to the floor heating (position 0). The
protection is the plant's own and asks nobody: it holds with every client gone.
"""

from dataclasses import dataclass

from .thermal import effectiveness, flow_w_per_k

TANK_LIMIT_C, TANK_RELEASE_C = 70.0, 67.0
SUPPLY_LIMIT_C, SUPPLY_RELEASE_C = 60.0, 55.0
HOLD_S = 60.0
"""The protection stays at least so long: the floor cools the water at once, and the
valve would run to and fro."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopParameters:
    """Flow in L/min; times in s for the whole way."""

    flow_lpm: float = 8.0
    pump_ramp_s: float = 3.0
    valve_travel_s: float = 5.0


class ChargingLoop:
    """What the pump and the valve do, and which commands they have."""

    def __init__(self, parameters: LoopParameters) -> None:
        self.parameters = parameters
        self.pump_command = False
        self.valve_command_dhw = False
        self.flow_lpm = 0.0
        self.valve_position = 0.0
        self._hold_s = 0.0

    @property
    def protecting(self) -> bool:
        """The protection overrides both commands."""
        return self._hold_s > 0

    @property
    def pump_running(self) -> bool:
        """Water moves."""
        return self.flow_lpm > 0

    @property
    def valve_at_dhw(self) -> bool:
        """Limit switch at the tank's end."""
        return self.valve_position >= 1

    @property
    def valve_at_floor(self) -> bool:
        """Limit switch at the floor's end."""
        return self.valve_position <= 0

    def step(
        self, dt_s: float, tank_top_c: float, heater_supply_c: float | None
    ) -> None:
        """Move pump and valve for ``dt_s``; the protection overrides both commands."""
        self._protect(dt_s, tank_top_c, heater_supply_c)
        pump = self.pump_command or self.protecting
        to_dhw = self.valve_command_dhw and not self.protecting

        p = self.parameters
        ramp = p.flow_lpm * dt_s / p.pump_ramp_s
        self.flow_lpm = _towards(self.flow_lpm, p.flow_lpm if pump else 0.0, ramp)
        self.valve_position = _towards(
            self.valve_position, 1.0 if to_dhw else 0.0, dt_s / p.valve_travel_s
        )

    def _protect(
        self, dt_s: float, tank_top_c: float, heater_supply_c: float | None
    ) -> None:
        tank_limit_c, supply_limit_c = TANK_LIMIT_C, SUPPLY_LIMIT_C
        if self.protecting:
            tank_limit_c, supply_limit_c = TANK_RELEASE_C, SUPPLY_RELEASE_C
        too_hot = tank_top_c > tank_limit_c or (
            heater_supply_c is not None and heater_supply_c > supply_limit_c
        )
        self._hold_s = HOLD_S if too_hot else max(0.0, self._hold_s - dt_s)

    def return_c(
        self, power_w: float, tank_bottom_c: float, coil_w_per_k: float, header_c: float
    ) -> float:
        """Temperature of the water that flows back to the heater.

        The tank is charged through a coil, so its return is warmer than the tank by
        what the coil needs; the header of the floor heating takes the water directly.
        """
        capacity_flow = flow_w_per_k(self.flow_lpm)
        part = effectiveness(coil_w_per_k, capacity_flow)
        approach_k = power_w / capacity_flow * (1 / part - 1) if part else 0.0
        return (
            self.valve_position * (tank_bottom_c + max(0.0, approach_k))
            + (1 - self.valve_position) * header_c
        )


def _towards(value: float, goal: float, way: float) -> float:
    """Move ``value`` by at most ``way``; the last bit of rounding counts as arrived."""
    if abs(goal - value) <= way * (1 + 1e-9):
        return goal
    return value + (way if goal > value else -way)

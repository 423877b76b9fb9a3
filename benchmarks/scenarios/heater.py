"""A compute heater: oil bath and exchanger of the simulated rack, at fixed powers."""

from math import expm1

from compute_heater_agent.bath import OilBath
from compute_heater_agent.settings import RackSettings

from .scenario import THROTTLE_C, TRIP_C

EFFICIENCY = 0.95
"""Heat that arrives in the house per electricity."""
INTO_THE_BATH = 0.965
"""The rest heats the room of the power supply; with the bath's own loss 95 % arrive."""
RESPONSE_S = 20.0
TRIP_RELEASE_C = 55.0


class BathHeater:
    """Takes a power, draws it soon, and protects itself whatever it is told."""

    def __init__(self, idle_w: float, levels_w: tuple[float, ...]) -> None:
        self.idle_w = idle_w
        self.levels_w = levels_w
        self.share = 1.0
        """What the machine really gives of a level."""
        self.wanted_w = idle_w
        self.power_w = idle_w
        self.heat_w = 0.0
        self.energy_j = 0.0
        self.heat_j = 0.0
        self.tripped = False
        self.trips = 0
        self.starts = 0
        self.changes = 0
        """Of the level while it works."""
        self._bath = OilBath(
            RackSettings(max_w=INTO_THE_BATH * levels_w[-1], idle_w=idle_w / 8)
        )

    @property
    def coolant_c(self) -> float:
        """Hottest coolant."""
        return self._bath.oil_c

    @property
    def supply_c(self) -> float:
        """Hot outflow."""
        return self._bath.supply_c

    @property
    def working(self) -> bool:
        """It computes, as far as it was told."""
        return self.wanted_w > self.idle_w

    def command(self, power_w: float) -> None:
        """Take the highest level that is not above ``power_w``, or idle."""
        fitting = [level for level in self.levels_w if level <= power_w + 1]
        wanted_w = max(fitting, default=self.idle_w)
        if wanted_w == self.wanted_w:
            return
        if self.wanted_w == self.idle_w:
            self.starts += 1
        elif wanted_w != self.idle_w:
            self.changes += 1
        self.wanted_w = wanted_w

    def step(self, dt_s: float, return_c: float, flow_lpm: float) -> float:
        """Let time pass; return the heat handed over in J."""
        self._protect()
        target_w = self.idle_w + self._allowed() * self.share * (
            self.wanted_w - self.idle_w
        )
        follows = -expm1(-dt_s / RESPONSE_S)
        self.power_w += (target_w - self.power_w) * follows
        self._bath.connect(return_c, flow_lpm)
        exchange = self._bath.step(dt_s, INTO_THE_BATH * self.power_w)
        self.energy_j += self.power_w * dt_s
        self.heat_j += exchange.heat_j
        self.heat_w = exchange.heat_j / dt_s
        return exchange.heat_j

    def _protect(self) -> None:
        if self.coolant_c >= TRIP_C and not self.tripped:
            self.tripped = True
            self.trips += 1
        elif self.coolant_c < TRIP_RELEASE_C:
            self.tripped = False

    def _allowed(self) -> float:
        """Share of the power above idle that the coolant allows."""
        if self.tripped:
            return 0.0
        share = (TRIP_C - self.coolant_c) / (TRIP_C - THROTTLE_C)
        return min(max(share, 0.0), 1.0)

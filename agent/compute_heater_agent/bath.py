"""Oil bath and plate heat exchanger: the thermal half of the simulated rack.

The oil is one well mixed mass. Within a step power, inflow and flow are constant, so
its temperature is the exact solution of a first-order equation, and heat handed over
and heat lost are exact integrals: energy in = heat + loss + change of stored energy.
"""

from dataclasses import dataclass
from math import exp, expm1

from .settings import RackSettings

WATER_KG_PER_L = 0.990
WATER_KJ_PER_KG_K = 4.18
OIL_KG_PER_L = 0.83
OIL_KJ_PER_KG_K = 2.0

# Sized for the nominal rack of 3 kW: 25 s per kelvin without cooling, 2 % case loss
# at 55 °C oil in a room of 20 °C, about 7 K between oil and inflow at 8 L/min.
_OIL_J_PER_K = 75_000.0
_CASE_LOSS_W_PER_K = 60.0 / 35.0
_EXCHANGER_W_PER_K = 1500.0
_OIL_FLOW_LPM = 24.0
_LEAST_FLOW_LPM = 0.001
"""Less is standing water."""


def flow_capacity(flow_lpm: float, kg_per_l: float, kj_per_kg_k: float) -> float:
    """Heat capacity flow in W/K of a flow in L/min."""
    return flow_lpm / 60 * kg_per_l * kj_per_kg_k * 1000


def effectiveness(ua: float, hot: float, cold: float) -> float:
    """Share of the largest possible heat that a counterflow exchanger hands over.

    ``ua``, ``hot`` and ``cold`` in W/K (ε-NTU method).
    """
    smaller, larger = min(hot, cold), max(hot, cold)
    ntu, ratio = ua / smaller, smaller / larger
    if ratio > 0.9999:
        return ntu / (1 + ntu)
    remaining = exp(-ntu * (1 - ratio))
    return (1 - remaining) / (1 - ratio * remaining)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What happened in one step, in J."""

    heat_j: float
    loss_j: float


class OilBath:
    """The oil that the modules are immersed in, cooled by the house's heating water.

    A thermostatic bypass keeps water that is hotter than the oil out of the exchanger,
    so heat never flows back from the house.
    """

    def __init__(self, settings: RackSettings) -> None:
        self.oil_c = settings.oil_c
        self.return_c = settings.oil_c
        self.flow_lpm = 0.0
        self.oil_flow_lpm = _OIL_FLOW_LPM * settings.scale
        self._start_c = settings.oil_c
        self._ambient_c = settings.ambient_c
        self._capacity = _OIL_J_PER_K * settings.scale
        self._loss = _CASE_LOSS_W_PER_K * settings.scale
        self._ua = _EXCHANGER_W_PER_K * settings.scale
        self._oil_flow = flow_capacity(self.oil_flow_lpm, OIL_KG_PER_L, OIL_KJ_PER_KG_K)
        self._transfer = 0.0

    @property
    def heat_w(self) -> float:
        """Heat handed to the heating water now."""
        return self._transfer * max(self.oil_c - self.return_c, 0.0)

    @property
    def supply_c(self) -> float:
        """Hot outflow to the house; standing water takes the temperature of the oil."""
        if self.flow_lpm <= 0:
            return self.oil_c
        return self.return_c + self.heat_w / self._water_flow

    @property
    def oil_cold_c(self) -> float:
        """Oil on its way back from the exchanger into the bath."""
        return self.oil_c - self.heat_w / self._oil_flow

    @property
    def stored_j(self) -> float:
        """Heat in the oil relative to the start."""
        return (self.oil_c - self._start_c) * self._capacity

    @property
    def _water_flow(self) -> float:
        return flow_capacity(self.flow_lpm, WATER_KG_PER_L, WATER_KJ_PER_KG_K)

    def connect(self, return_c: float, flow_lpm: float) -> None:
        """Set what the house sends: inflow in °C, flow in L/min."""
        if (return_c, flow_lpm) == (self.return_c, self.flow_lpm):
            return  # spares the exponentials in most steps
        self.return_c = return_c
        self.flow_lpm = flow_lpm if flow_lpm >= _LEAST_FLOW_LPM else 0.0
        self._transfer = 0.0
        if self.flow_lpm > 0:
            water = self._water_flow
            self._transfer = effectiveness(self._ua, self._oil_flow, water) * min(
                self._oil_flow, water
            )

    def step(self, dt_s: float, power_w: float) -> Exchange:
        """Let ``power_w`` of electricity become heat for ``dt_s`` seconds."""
        transfer = self._transfer if self.oil_c > self.return_c else 0.0
        conductance = self._loss + transfer
        balance_c = (
            power_w + self._loss * self._ambient_c + transfer * self.return_c
        ) / conductance
        decay = conductance / self._capacity * dt_s
        # Mean oil temperature over the step; expm1 keeps short steps exact.
        mean_c = balance_c - (self.oil_c - balance_c) * expm1(-decay) / decay
        heat_j = max(transfer * (mean_c - self.return_c) * dt_s, 0.0)
        loss_j = self._loss * (mean_c - self._ambient_c) * dt_s
        self.oil_c += (power_w * dt_s - heat_j - loss_j) / self._capacity
        return Exchange(heat_j=heat_j, loss_j=loss_j)

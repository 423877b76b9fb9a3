"""How tank, floor and heater answer to heat: models with few parameters.

Heat in kW, capacities in kWh/K, conductances in kW/K, temperatures in °C, time in h.
Steps are backward Euler, as in the planner: stable at any length.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

WATER_KWH_PER_L_K = 0.001163
ROOM_TEMPERATURE_C = 20.0
CELLAR_C = 18.0

ROOM_KWH_PER_M2_K = 0.055
"""Air, furniture, and what of the walls takes part within a day."""
SLAB_KWH_PER_M2_K = 0.036
"""65 mm of screed."""
SLAB_ROOM_KW_PER_M2_K = 0.007
SUN_M2_PER_M2 = 0.035
"""Windows that the sun shines through, per heated area."""
INTERNAL_KW_PER_M2 = 0.0023
"""People and their devices."""


class BuildingStandard(StrEnum):
    """How well a building holds its heat."""

    PASSIVE = "passive"
    NEW = "new"
    RENOVATED = "renovated"
    OLD = "old"


ENVELOPE_KW_PER_M2_K = {
    BuildingStandard.PASSIVE: 0.0004,
    BuildingStandard.NEW: 0.0009,
    BuildingStandard.RENOVATED: 0.0013,
    BuildingStandard.OLD: 0.0022,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TankModel:
    """A store with one temperature: its mean."""

    capacity_kwh_per_k: float
    loss_kw_per_k: float
    ambient_c: float = CELLAR_C

    @classmethod
    def of_volume(cls, litres: float, ambient_c: float = CELLAR_C) -> Self:
        """Return a usual tank: losses at the lower end of energy class C."""
        return cls(
            capacity_kwh_per_k=litres * WATER_KWH_PER_L_K,
            loss_kw_per_k=(16.66 + 8.33 * litres**0.4) / 45 / 1000,
            ambient_c=ambient_c,
        )

    def step(
        self, mean_c: float, heat_kw: float, hours: float, draw_kwh: float = 0.0
    ) -> float:
        """Return the mean temperature after ``hours``."""
        inertia = self.capacity_kwh_per_k / hours
        net_kw = heat_kw - draw_kwh / hours + self.loss_kw_per_k * self.ambient_c
        return (inertia * mean_c + net_kw) / (inertia + self.loss_kw_per_k)

    def predict(
        self, mean_c: float, steps: Iterable[tuple[float, float, float]]
    ) -> list[float]:
        """Return the temperature after each step of (hours, heat kW, draw kWh)."""
        found = []
        for hours, heat_kw, draw_kwh in steps:
            mean_c = self.step(mean_c, heat_kw, hours, draw_kwh)
            found.append(mean_c)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorModel:
    """A floor heating: a slab that is heated, and a room above it."""

    room_kwh_per_k: float
    slab_kwh_per_k: float
    slab_room_kw_per_k: float
    envelope_kw_per_k: float
    """From the room to the outdoors."""
    sun_m2: float
    """Heat in kW per kW/m² of sun on a vertical south window."""
    internal_kw: float
    """From people and devices, always."""

    @classmethod
    def of_area(
        cls,
        area_m2: float,
        standard: BuildingStandard = BuildingStandard.RENOVATED,
        *,
        heat_load_kw: float | None = None,
        design_outdoor_c: float = -12.0,
    ) -> Self:
        """Return a usual building of that heated area.

        A known heat load (kW at ``design_outdoor_c``) says more than the standard.
        """
        envelope = ENVELOPE_KW_PER_M2_K[standard] * area_m2
        if heat_load_kw is not None:
            envelope = heat_load_kw / (ROOM_TEMPERATURE_C - design_outdoor_c)
        return cls(
            room_kwh_per_k=ROOM_KWH_PER_M2_K * area_m2,
            slab_kwh_per_k=SLAB_KWH_PER_M2_K * area_m2,
            slab_room_kw_per_k=SLAB_ROOM_KW_PER_M2_K * area_m2,
            envelope_kw_per_k=envelope,
            sun_m2=SUN_M2_PER_M2 * area_m2,
            internal_kw=INTERNAL_KW_PER_M2 * area_m2,
        )

    def gain_kw(self, sun_w_m2: float) -> float:
        """Return the heat from sun, people and devices."""
        return self.internal_kw + self.sun_m2 * sun_w_m2 / 1000

    def step(
        self,
        room_c: float,
        slab_c: float,
        *,
        heat_kw: float,
        outdoor_c: float,
        gain_kw: float,
        hours: float,
    ) -> tuple[float, float]:
        """Return the temperatures of room and slab after ``hours``."""
        coupling = self.slab_room_kw_per_k
        room_inertia, slab_inertia = (
            self.room_kwh_per_k / hours,
            self.slab_kwh_per_k / hours,
        )
        room_all = room_inertia + coupling + self.envelope_kw_per_k
        slab_all = slab_inertia + coupling
        room_kw = room_inertia * room_c + self.envelope_kw_per_k * outdoor_c + gain_kw
        slab_kw = slab_inertia * slab_c + heat_kw
        determinant = room_all * slab_all - coupling**2
        return (
            (room_kw * slab_all + coupling * slab_kw) / determinant,
            (slab_kw * room_all + coupling * room_kw) / determinant,
        )

    def predict(
        self,
        room_c: float,
        slab_c: float,
        steps: Iterable[tuple[float, float, float, float]],
    ) -> list[tuple[float, float]]:
        """Return room and slab after each step of (hours, heat kW, outdoors °C, gain kW)."""
        found = []
        for hours, heat_kw, outdoor_c, gain_kw in steps:
            room_c, slab_c = self.step(
                room_c,
                slab_c,
                heat_kw=heat_kw,
                outdoor_c=outdoor_c,
                gain_kw=gain_kw,
                hours=hours,
            )
            found.append((room_c, slab_c))
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaterModel:
    """What of a heater's electricity becomes useful, and how hot it gets."""

    efficiency: float = 0.95
    """Heat in the water per electricity."""
    exchanger_kw_per_k: float | None = None
    """Heat per K between coolant and consumer; None: not known, so no limit."""

    def heat_kw(self, power_kw: float) -> float:
        """Return the heat at a steady power."""
        return self.efficiency * power_kw

    def max_heat_kw(self, coolant_max_c: float, sink_c: float) -> float | None:
        """Return the most heat a consumer takes while the coolant is at its limit."""
        if self.exchanger_kw_per_k is None:
            return None
        return max(self.exchanger_kw_per_k * (coolant_max_c - sink_c), 0.0)

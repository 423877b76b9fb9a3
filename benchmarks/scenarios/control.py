"""What a controller sees and says, whoever it is."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from custom_components.compute_heater.control.series import Series

NOTHING = Series()


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """What is measured; °C and W. The slab shows itself only by the floor's water."""

    tank_top_c: float
    tank_bottom_c: float
    room_c: float
    floor_supply_c: float
    floor_return_c: float
    supply_c: float
    return_c: float
    coolant_c: float
    flow_lpm: float
    power_w: float
    """Electricity of the heater."""
    heat_w: float
    """Heat meter of the heater's loop."""
    outdoor_c: float
    valve_at_tank: bool | None
    """Where the three-way valve stands; None: on its way."""
    surplus_w: float
    """PV that the rest of the house leaves now."""

    @property
    def tank_c(self) -> float:
        """Mean of the two sensors."""
        return (self.tank_top_c + self.tank_bottom_c) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecasts:
    """What is thought to come; each series begins now or before."""

    price: Series = NOTHING
    feed_in: Series = NOTHING
    income_per_kwh: Series = NOTHING
    outdoor_c: Series = NOTHING
    global_w_m2: Series = NOTHING
    """Light on the horizontal: what weather services tell."""
    window_w_m2: Series = NOTHING
    """Light on a window to the south."""
    surplus_w: Series = NOTHING
    draw_kwh_per_h: Series = NOTHING
    """Known with perfect foresight only; else empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What shall be done until the next one; W."""

    power_w: float = 0.0
    """Of the heater; its own levels decide."""
    to_tank: bool = False
    """Where the three-way valve stands."""
    pump: bool = False
    backup_tank_w: float = 0.0
    backup_floor_w: float = 0.0
    dump_w: float = 0.0


class Controller(Protocol):
    """Anything that runs the house."""

    def decide(
        self, now: datetime, readings: Readings, forecasts: Forecasts
    ) -> Command:
        """Return what shall be done."""
        ...

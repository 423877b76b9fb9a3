"""The list of the house's BACnet points."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .commands import RANGES, Commands, Mode, Setting
from .house import House


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """An analog or binary input; the instance number is its place in the list."""

    name: str
    read: Callable[[House], float | bool]
    unit: str = "degreesCelsius"
    increment: float = 0.1
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """A commandable value."""

    name: str
    setting: Callable[[Commands], Setting[Any]]
    unit: str = "degreesCelsius"
    increment: float = 0.1
    limits: tuple[float, float] = (0.0, 0.0)
    description: str = ""


ANALOG_INPUTS = (
    Input(name="DHW tank top", read=lambda h: h.tank.top_c),
    Input(name="DHW tank bottom", read=lambda h: h.tank.bottom_c),
    Input(name="Floor supply temperature", read=lambda h: h.floor.supply_c),
    Input(name="Floor return temperature", read=lambda h: h.floor.return_c),
    Input(name="Room temperature", read=lambda h: h.floor.room_c, increment=0.05),
    Input(name="Outdoor temperature", read=lambda h: h.conditions.outdoor_c),
    Input(name="Screed temperature", read=lambda h: h.floor.screed_c),
    Input(name="Buffer temperature", read=lambda h: h.floor.buffer_c),
    Input(name="Charging loop supply temperature", read=lambda h: h.supply_c),
    Input(name="Charging loop return temperature", read=lambda h: h.return_c),
    Input(
        name="Charging loop flow",
        read=lambda h: h.loop.flow_lpm,
        unit="litersPerMinute",
    ),
    Input(
        name="Compute heat power",
        read=lambda h: h.compute_power_w / 1000,
        unit="kilowatts",
        increment=0.05,
    ),
    Input(name="PV power", read=lambda h: h.pv_power_w, unit="watts", increment=20),
    Input(
        name="Electricity price",
        read=lambda h: h.price_per_kwh,
        unit="noUnits",
        increment=0.0001,
        description="currency per kWh, changes every quarter of an hour",
    ),
    Input(
        name="Heat pump thermal power",
        read=lambda h: h.heat_pump.thermal_w / 1000,
        unit="kilowatts",
        increment=0.05,
    ),
    Input(
        name="Heat pump electrical power",
        read=lambda h: h.heat_pump.electrical_w / 1000,
        unit="kilowatts",
        increment=0.05,
    ),
)

BINARY_INPUTS = (
    Input(name="DHW request", read=lambda h: h.dhw_request),
    Input(name="Heat pump running", read=lambda h: h.heat_pump.running),
    Input(name="Charging pump running", read=lambda h: h.loop.pump_running),
)

ANALOG_VALUES = (
    Output(
        name="DHW setpoint",
        setting=lambda c: c.dhw_setpoint_c,
        limits=RANGES["dhw_setpoint_c"],
    ),
    Output(
        name="Room setpoint",
        setting=lambda c: c.room_setpoint_c,
        limits=RANGES["room_setpoint_c"],
    ),
    Output(
        name="Heat demand",
        setting=lambda c: c.heat_demand_percent,
        unit="percent",
        increment=1.0,
        limits=RANGES["heat_demand_percent"],
        description="relinquished: what the house's controller asks for",
    ),
    Output(
        name="Tap flow",
        setting=lambda c: c.tap_lpm,
        unit="litersPerMinute",
        limits=RANGES["tap_lpm"],
        description="draw-off beside the habits of the people",
    ),
)

BINARY_VALUES = (
    Output(
        name="Compute heating enable",
        setting=lambda c: c.compute_enable,
        description="the building's release for compute heat",
    ),
    Output(name="Heat pump enable", setting=lambda c: c.heat_pump_enable),
)

MULTI_STATE_VALUES = (Output(name="Operating mode", setting=lambda c: c.mode),)

MODE_TEXTS = tuple({Mode.DHW: "DHW"}.get(mode, mode.name.capitalize()) for mode in Mode)
"""State texts, state 1 first."""

"""Sensors of the rack, and excerpts of them for other resources."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from ..heater import Heater
from ..messages import Json
from ..resource import Resource, collection, entity, number
from ..simulated import Rack
from .chassis import RACK, status

SENSORS = f"{RACK}/Sensors"
_J_PER_KWH = 3.6e6


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sensor:
    name: str
    reading_type: str
    units: str
    context: str
    digits: int
    read: Callable[[Rack], float]


_SENSORS = {
    "Power": _Sensor(
        name="Electrical power",
        reading_type="Power",
        units="W",
        context="Chassis",
        digits=2,
        read=lambda rack: rack.power_w,
    ),
    "Energy": _Sensor(
        name="Electricity used",
        reading_type="EnergykWh",
        units="kW.h",
        context="Chassis",
        digits=6,
        read=lambda rack: rack.energy_j / _J_PER_KWH,
    ),
    "Load": _Sensor(
        name="Load",
        reading_type="Percent",
        units="%",
        context="Chassis",
        digits=2,
        read=lambda rack: rack.load_percent,
    ),
    "Coolant": _Sensor(
        name="Hottest coolant",
        reading_type="Temperature",
        units="Cel",
        context="LiquidOutlet",
        digits=3,
        read=lambda rack: rack.oil_c,
    ),
    "HeatPower": _Sensor(
        name="Heat to the heating water",
        reading_type="Heat",
        units="kW",
        context="CoolingSubsystem",
        digits=4,
        read=lambda rack: rack.heat_w / 1000,
    ),
    "HeatDelivered": _Sensor(
        name="Heat delivered to the heating water",
        reading_type="EnergykWh",
        units="kW.h",
        context="CoolingSubsystem",
        digits=6,
        read=lambda rack: rack.heat_j / _J_PER_KWH,
    ),
}


def excerpt(rack: Rack, name: str) -> Json:
    """Return the reading of a sensor with its source, as other resources show it."""
    sensor = _SENSORS[name]
    return {
        "Reading": number(sensor.read(rack), sensor.digits),
        "DataSourceUri": f"{SENSORS}/{name}",
    }


def resources(heater: Heater) -> dict[str, Resource]:
    """Return the collection and each sensor."""
    found = {
        SENSORS: Resource(
            get=lambda: collection(SENSORS, "SensorCollection", "Sensors", _SENSORS)
        )
    }
    for name in _SENSORS:
        found[f"{SENSORS}/{name}"] = Resource(get=partial(_show, heater.rack, name))
    return found


def _show(rack: Rack, name: str) -> Json:
    sensor = _SENSORS[name]
    body = entity(
        f"{SENSORS}/{name}",
        "Sensor",
        name,
        sensor.name,
        ReadingType=sensor.reading_type,
        ReadingUnits=sensor.units,
        PhysicalContext=sensor.context,
        Reading=number(sensor.read(rack), sensor.digits),
        Status={"State": "Enabled", "Health": "OK"},
    )
    if name == "Coolant":
        body["Status"] = status(rack)
        body["Thresholds"] = {
            "UpperCaution": _threshold(rack.guard.caution_c),
            "UpperCritical": _threshold(rack.guard.trip_c),
        }
    if sensor.reading_type == "EnergykWh":
        body["LifetimeReading"] = body["Reading"]
    return body


def _threshold(celsius: float) -> Json:
    # A threshold's "Reading" is a setting, but the ETag may well leave it out: it
    # never changes while the agent runs.
    return {"Reading": number(celsius), "Activation": "Increasing"}

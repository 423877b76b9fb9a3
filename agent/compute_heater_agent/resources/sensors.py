"""Sensors of the rack, and excerpts of them for other resources."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from ..heater import Heater
from ..machine import Machine
from ..messages import Json
from ..resource import Resource, collection, entity, number, optional_number
from .health import RACK, status

SENSORS = f"{RACK}/Sensors"
_J_PER_KWH = 3.6e6
_FROM_POWER = {"Power", "Energy", "Load"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sensor:
    name: str
    reading_type: str
    units: str
    context: str
    digits: int
    read: Callable[[Machine], float | None]


_SENSORS = {
    "Power": _Sensor(
        name="Electrical power",
        reading_type="Power",
        units="W",
        context="Chassis",
        digits=2,
        read=lambda machine: machine.power_w,
    ),
    "Energy": _Sensor(
        name="Electricity used",
        reading_type="EnergykWh",
        units="kW.h",
        context="Chassis",
        digits=6,
        read=lambda machine: machine.energy_j / _J_PER_KWH,
    ),
    "Load": _Sensor(
        name="Load",
        reading_type="Percent",
        units="%",
        context="Chassis",
        digits=2,
        read=lambda machine: machine.load_percent,
    ),
    "Coolant": _Sensor(
        name="Hottest coolant",
        reading_type="Temperature",
        units="Cel",
        context="LiquidOutlet",
        digits=3,
        read=lambda machine: machine.coolant_c,
    ),
    "HeatPower": _Sensor(
        name="Heat to the heating water",
        reading_type="Heat",
        units="kW",
        context="CoolingSubsystem",
        digits=4,
        read=lambda machine: _kilo(machine.heat_w),
    ),
    "HeatDelivered": _Sensor(
        name="Heat delivered to the heating water",
        reading_type="EnergykWh",
        units="kW.h",
        context="CoolingSubsystem",
        digits=6,
        read=lambda machine: machine.heat_j / _J_PER_KWH,
    ),
}


def sensors_of(machine: Machine) -> dict[str, _Sensor]:
    """Return the sensors that the machine has, by their Id."""
    missing: set[str] = set()
    if not machine.has_temperature:
        missing.add("Coolant")
    if not machine.has_heat_meter:
        missing |= {"HeatPower", "HeatDelivered"}
    return {name: sensor for name, sensor in _SENSORS.items() if name not in missing}


def excerpt(machine: Machine, name: str) -> Json:
    """Return the reading of a sensor with its source, as other resources show it."""
    sensor = _SENSORS[name]
    return {
        "Reading": optional_number(sensor.read(machine), sensor.digits),
        "DataSourceUri": f"{SENSORS}/{name}",
    }


def resources(heater: Heater) -> dict[str, Resource]:
    """Return the collection and each sensor."""
    machine = heater.machine
    names = list(sensors_of(machine))
    found = {
        SENSORS: Resource(
            get=lambda: collection(SENSORS, "SensorCollection", "Sensors", names)
        )
    }
    for name in names:
        found[f"{SENSORS}/{name}"] = Resource(get=partial(_show, machine, name))
    return found


def _show(machine: Machine, name: str) -> Json:
    sensor = _SENSORS[name]
    body = entity(
        f"{SENSORS}/{name}",
        "Sensor",
        name,
        sensor.name,
        ReadingType=sensor.reading_type,
        ReadingUnits=sensor.units,
        PhysicalContext=sensor.context,
        Reading=optional_number(sensor.read(machine), sensor.digits),
        Status={"State": "Enabled", "Health": "OK"},
    )
    what = machine.description
    if name in _FROM_POWER and what.power_source is not None:
        body["Implementation"] = what.power_source
    if name in _FROM_POWER and what.power_remark is not None:
        body["Description"] = what.power_remark
    if name == "Coolant":
        body["Status"] = status(machine)
        if machine.guard is not None:
            body["Thresholds"] = {
                "UpperCaution": _threshold(machine.guard.caution_c),
                "UpperCritical": _threshold(machine.guard.trip_c),
            }
    if sensor.reading_type == "EnergykWh":
        body["LifetimeReading"] = body["Reading"]
    return body


def _kilo(value: float | None) -> float | None:
    return None if value is None else value / 1000


def _threshold(celsius: float) -> Json:
    # A threshold's "Reading" is a setting, but the ETag may well leave it out: it
    # never changes while the agent runs.
    return {"Reading": number(celsius), "Activation": "Increasing"}

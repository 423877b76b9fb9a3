"""Sensors of the machine, and excerpts of them for other resources."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from ..heater import Heater
from ..machine import Machine
from ..messages import Json
from ..resource import Resource, collection, entity, link, number, optional_number
from .health import RACK, status
from .processors import processor_id, processor_path

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
    of: str | None = None
    """URI of the part that is measured, where it is not the machine."""


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
    "Work": _Sensor(
        name="CPU time that the work uses",
        reading_type="Percent",
        units="%",
        context="CPU",
        digits=2,
        read=lambda machine: _percent(machine.work_use),
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
    if not machine.has_work_use:
        missing.add("Work")
    if not machine.has_temperature:
        missing.add("Coolant")
    if not machine.has_heat_meter:
        missing |= {"HeatPower", "HeatDelivered"}
    found = {name: sensor for name, sensor in _SENSORS.items() if name not in missing}
    for index in _warm_processors(machine):
        found[processor_id(index)] = _Sensor(
            name=f"Temperature of processor {index + 1}",
            reading_type="Temperature",
            units="Cel",
            context="CPU",
            digits=3,
            read=partial(_processor_c, index),
            of=processor_path(index),
        )
    return found


def excerpt(machine: Machine, name: str) -> Json:
    """Return the reading of a sensor with its source, as other resources show it."""
    sensor = sensors_of(machine)[name]
    return {
        "Reading": optional_number(sensor.read(machine), sensor.digits),
        "DataSourceUri": f"{SENSORS}/{name}",
    }


def processor_readings(machine: Machine) -> list[Json]:
    """Return the temperatures of the processors for ThermalMetrics."""
    return [
        excerpt(machine, processor_id(index))
        | {"DeviceName": f"Processor {index + 1}", "PhysicalContext": "CPU"}
        for index in _warm_processors(machine)
    ]


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
    sensor = sensors_of(machine)[name]
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
    if sensor.of is not None:
        body["RelatedItem"] = [link(sensor.of)]
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


def _warm_processors(machine: Machine) -> list[int]:
    """Return the processors whose temperature is read, counted from 0."""
    processors = () if machine.computer is None else machine.computer.processors
    return [index for index, each in enumerate(processors) if each.has_temperature]


def _processor_c(index: int, machine: Machine) -> float | None:
    return machine.processor_c(index)


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _kilo(value: float | None) -> float | None:
    return None if value is None else value / 1000


def _threshold(celsius: float) -> Json:
    # A threshold's "Reading" is a setting, but the ETag may well leave it out: it
    # never changes while the agent runs.
    return {"Reading": number(celsius), "Activation": "Increasing"}

"""Which classes of Home Assistant a point's unit and role stand for."""

from collections.abc import Mapping

from homeassistant.components.binary_sensor import BinarySensorDeviceClass
from homeassistant.components.number import NumberDeviceClass
from homeassistant.components.sensor import SensorDeviceClass, SensorStateClass
from homeassistant.const import EntityCategory

from .building.points import Point, Role

_BY_UNIT: Mapping[str, SensorDeviceClass] = {
    unit: device_class
    for device_class, units in {
        SensorDeviceClass.CURRENT: ("A", "mA"),
        SensorDeviceClass.DURATION: ("s", "min", "h", "d"),
        SensorDeviceClass.ENERGY: ("J", "kJ", "MJ", "GJ", "Wh", "kWh", "MWh"),
        SensorDeviceClass.FREQUENCY: ("Hz",),
        SensorDeviceClass.ILLUMINANCE: ("lx",),
        SensorDeviceClass.POWER: ("mW", "W", "kW", "MW"),
        SensorDeviceClass.PRESSURE: ("Pa", "hPa", "kPa", "mbar", "bar", "psi"),
        SensorDeviceClass.SPEED: ("m/s",),
        SensorDeviceClass.TEMPERATURE: ("°C", "°F"),
        SensorDeviceClass.TEMPERATURE_DELTA: ("K",),
        SensorDeviceClass.VOLTAGE: ("V", "mV"),
        SensorDeviceClass.VOLUME: ("L", "m³"),
        SensorDeviceClass.VOLUME_FLOW_RATE: ("L/min", "L/h", "L/s", "m³/h", "gal/min"),
    }.items()
    for unit in units
}
_BY_ROLE = {
    Role.FAULT: BinarySensorDeviceClass.PROBLEM,
    Role.PUMP: BinarySensorDeviceClass.RUNNING,
    Role.VALVE: BinarySensorDeviceClass.OPENING,
}


def sensor_class(point: Point) -> SensorDeviceClass | None:
    """Return the class of a sensor that shows a number."""
    return _BY_UNIT.get(point.unit or "")


def state_class(point: Point) -> SensorStateClass:
    """Return the state class of a sensor that shows a number."""
    if sensor_class(point) is SensorDeviceClass.ENERGY:
        return SensorStateClass.TOTAL_INCREASING
    return SensorStateClass.MEASUREMENT


def number_class(point: Point) -> NumberDeviceClass | None:
    """Return the class of a number."""
    device_class = sensor_class(point)
    return None if device_class is None else NumberDeviceClass(device_class.value)


def binary_class(point: Point) -> BinarySensorDeviceClass | None:
    """Return the class of a binary sensor."""
    return _BY_ROLE.get(point.role) if point.role else None


def category(point: Point) -> EntityCategory | None:
    """Return the category: what is set once and stays is configuration."""
    if point.writable and not point.holds_command:
        return EntityCategory.CONFIG
    return EntityCategory.DIAGNOSTIC if point.role is Role.FAULT else None

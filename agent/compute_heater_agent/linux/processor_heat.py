"""Which of the kernel's temperature sensors is the one of a processor package."""

from collections.abc import Sequence

from .sensors import KernelSensor

_NAMES = (
    "hwmon:coretemp:Package id {package}",
    # AMD's Tctl may be shifted for the fans' sake; Tdie, where it is told, is not.
    "hwmon:k10temp:Tdie{again}",
    "hwmon:k10temp:Tctl{again}",
    "thermal:x86_pkg_temp{again}",
    "thermal:cpu-thermal{again}",
    "thermal:cpu_thermal{again}",
    "hwmon:cpu_thermal:temp1{again}",
)


def processor_sensors(
    sensors: dict[str, KernelSensor], packages: Sequence[int | None]
) -> tuple[KernelSensor | None, ...]:
    """Return the temperature sensor of each package; None where none is known."""
    return tuple(
        _sensor_of(sensors, package, index) for index, package in enumerate(packages)
    )


def _sensor_of(
    sensors: dict[str, KernelSensor], package: int | None, index: int
) -> KernelSensor | None:
    again = f"#{index + 1}" if index else ""
    for pattern in _NAMES:
        name = pattern.format(package=package or 0, again=again)
        if (sensor := sensors.get(name)) is not None and sensor.is_temperature:
            return sensor
    return None

"""The rack as a chassis with its power and thermal subsystems."""

from ..heater import Heater
from ..messages import Json
from ..resource import (
    ROOT,
    Resource,
    collection,
    entity,
    link,
    number,
    optional_number,
    without_unknown,
)
from .health import COOLANT, RACK, TANK, status
from .sensors import processor_readings
from .systems import system_path

CHASSIS = f"{ROOT}/Chassis"


def resources(heater: Heater) -> dict[str, Resource]:
    """Return the chassis collection, the rack and its subsystems."""
    machine = heater.machine
    what = machine.description
    power_range = machine.power_range
    cooled = machine.cooling is not None

    def show_rack() -> Json:
        return entity(
            RACK,
            "Chassis",
            "Rack",
            heater.name,
            ChassisType=what.chassis_type,
            **without_unknown(Manufacturer=what.manufacturer),
            Model=what.model,
            SerialNumber=heater.serial_number("Rack"),
            PowerState="On",
            MinPowerWatts=number(power_range.floor_w),
            MaxPowerWatts=number(power_range.max_w),
            Status=status(machine),
            EnvironmentMetrics=link(f"{RACK}/EnvironmentMetrics"),
            Controls=link(f"{RACK}/Controls"),
            Sensors=link(f"{RACK}/Sensors"),
            PowerSubsystem=link(f"{RACK}/PowerSubsystem"),
            ThermalSubsystem=link(f"{RACK}/ThermalSubsystem"),
            Links={
                "ComputerSystems": [
                    link(system_path(index)) for index in range(len(machine.modules))
                ],
                **({"CoolingUnits": [link(TANK)]} if cooled else {}),
                "ManagedBy": [link(f"{ROOT}/Managers/Agent")],
            },
        )

    def show_power_subsystem() -> Json:
        return entity(
            f"{RACK}/PowerSubsystem",
            "PowerSubsystem",
            "PowerSubsystem",
            "Power supply of the rack",
            CapacityWatts=number(power_range.max_w),
            Allocation={
                "RequestedWatts": number(power_range.max_w),
                "AllocatedWatts": number(machine.effective_limit_w),
            },
            Status={"State": "Enabled", "Health": "OK"},
        )

    def show_thermal_subsystem() -> Json:
        return entity(
            f"{RACK}/ThermalSubsystem",
            "ThermalSubsystem",
            "ThermalSubsystem",
            "Cooling of the rack",
            ThermalMetrics=link(f"{RACK}/ThermalSubsystem/ThermalMetrics"),
            Status=status(machine),
        )

    def show_thermal_metrics() -> Json:
        listed = processor_readings(machine)
        readings: Json = {"TemperatureReadingsCelsius": listed} if listed else {}
        if machine.has_temperature:
            reading = {
                "Reading": optional_number(machine.coolant_c),
                "DataSourceUri": COOLANT,
            }
            readings = {
                "TemperatureSummaryCelsius": {"Internal": reading},
                "TemperatureReadingsCelsius": [
                    {**reading, "DeviceName": "Coolant"},
                    *listed,
                ],
            }
        return entity(
            f"{RACK}/ThermalSubsystem/ThermalMetrics",
            "ThermalMetrics",
            "ThermalMetrics",
            "Temperatures of the rack",
            **readings,
        )

    return {
        CHASSIS: Resource(
            get=lambda: collection(CHASSIS, "ChassisCollection", "Chassis", ["Rack"])
        ),
        RACK: Resource(get=show_rack),
        f"{RACK}/PowerSubsystem": Resource(get=show_power_subsystem),
        f"{RACK}/ThermalSubsystem": Resource(get=show_thermal_subsystem),
        f"{RACK}/ThermalSubsystem/ThermalMetrics": Resource(get=show_thermal_metrics),
    }

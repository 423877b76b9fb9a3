"""The rack as a chassis with its power and thermal subsystems."""

from ..heater import MANUFACTURER, MODEL, Heater
from ..messages import ENVIRONMENTAL, Json
from ..resource import ROOT, Resource, collection, entity, link, number
from ..simulated import Rack
from .systems import system_path

CHASSIS = f"{ROOT}/Chassis"
RACK = f"{CHASSIS}/Rack"
TANK = f"{ROOT}/ThermalEquipment/ImmersionUnits/Tank"


def status(rack: Rack) -> Json:
    """Health of the rack; the condition names why it holds its power down itself."""
    guard = rack.guard
    if guard.tripped:
        health, name, threshold_c = "Critical", "Critical", guard.trip_c
        action = "modules are shut down"
    elif guard.throttled:
        health, name, threshold_c = "Warning", "Caution", guard.caution_c
        action = "power is lowered"
    else:
        return {"State": "Enabled", "Health": "OK"}
    arguments = [str(number(rack.oil_c, 1)), str(number(threshold_c))]
    identifier = f"{ENVIRONMENTAL}.TemperatureAboveUpper{name}Threshold"
    return {
        "State": "Enabled",
        "Health": health,
        "Conditions": [
            {
                "MessageId": identifier,
                "Message": f"The coolant came above {threshold_c:g} °C: {action}.",
                "MessageArgs": ["Coolant", *arguments],
                "Severity": health,
                "OriginOfCondition": link(f"{RACK}/Sensors/Coolant"),
            }
        ],
    }


def resources(heater: Heater) -> dict[str, Resource]:
    """Return the chassis collection, the rack and its subsystems."""
    rack = heater.rack

    def show_rack() -> Json:
        return entity(
            RACK,
            "Chassis",
            "Rack",
            heater.name,
            ChassisType="ImmersionTank",
            Manufacturer=MANUFACTURER,
            Model=MODEL,
            SerialNumber=heater.serial_number("Rack"),
            PowerState="On",
            MinPowerWatts=number(rack.settings.floor_w),
            MaxPowerWatts=number(rack.settings.max_w),
            Status=status(rack),
            EnvironmentMetrics=link(f"{RACK}/EnvironmentMetrics"),
            Controls=link(f"{RACK}/Controls"),
            Sensors=link(f"{RACK}/Sensors"),
            PowerSubsystem=link(f"{RACK}/PowerSubsystem"),
            ThermalSubsystem=link(f"{RACK}/ThermalSubsystem"),
            Links={
                "ComputerSystems": [
                    link(system_path(index)) for index in range(len(rack.modules))
                ],
                "CoolingUnits": [link(TANK)],
                "ManagedBy": [link(f"{ROOT}/Managers/Agent")],
            },
        )

    def show_power_subsystem() -> Json:
        return entity(
            f"{RACK}/PowerSubsystem",
            "PowerSubsystem",
            "PowerSubsystem",
            "Power supply of the rack",
            CapacityWatts=number(rack.settings.max_w),
            Allocation={
                "RequestedWatts": number(rack.settings.max_w),
                "AllocatedWatts": number(rack.effective_limit_w),
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
            Status=status(rack),
        )

    def show_thermal_metrics() -> Json:
        return entity(
            f"{RACK}/ThermalSubsystem/ThermalMetrics",
            "ThermalMetrics",
            "ThermalMetrics",
            "Temperatures of the rack",
            TemperatureSummaryCelsius={
                "Internal": {
                    "Reading": number(rack.oil_c),
                    "DataSourceUri": f"{RACK}/Sensors/Coolant",
                }
            },
            TemperatureReadingsCelsius=[
                {
                    "Reading": number(rack.oil_c),
                    "DeviceName": "Coolant",
                    "DataSourceUri": f"{RACK}/Sensors/Coolant",
                }
            ],
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

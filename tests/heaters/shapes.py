"""Shapes of Redfish services for the tests."""

from typing import Any

from .bmc import METRICS, ROOT, Json, collection, modern, service, system

CHASSIS = f"{ROOT}/Chassis/1"
POWER = f"{CHASSIS}/Power"
CONTROLS = f"{CHASSIS}/Controls"
THERMAL = f"{ROOT}/ThermalEquipment"
UNIT = f"{THERMAL}/CDUs/1"
HEAT_METER = f"{CHASSIS}/Sensors/HeatDelivered"


def ref(path: str) -> Json:
    return {"@odata.id": path}


def full() -> dict[str, Json]:
    """Make a heater that shows everything."""
    found = modern(
        system("1", BootProgress={"LastState": "OSRunning"}),
        system("2", "Off"),
        ThermalEquipment=ref(THERMAL),
        Managers=ref(f"{ROOT}/Managers"),
    )
    chassis = found[CHASSIS]
    chassis.update(Manufacturer="Contoso", Sensors=ref(f"{CHASSIS}/Sensors"))
    found[METRICS].update(
        EnergykWh={"Reading": 2.5, "LifetimeReading": 40.25},
        TemperatureCelsius={"Reading": 51.5, "DataSourceUri": f"{CHASSIS}/Sensors/Oil"},
        PowerLoadPercent={"Reading": 81},
    )
    found[METRICS]["PowerLimitWatts"]["ControlMode"] = "Automatic"
    found[f"{CHASSIS}/Sensors"] = collection(
        f"{CHASSIS}/Sensors", f"{CHASSIS}/Sensors/Oil", HEAT_METER
    )
    found[f"{CHASSIS}/Sensors/Oil"] = {"Thresholds": {"UpperCritical": {"Reading": 60}}}
    found[HEAT_METER] = {"ReadingType": "EnergykWh", "Reading": 33.5}
    found[THERMAL] = {
        "CDUs": ref(f"{THERMAL}/CDUs"),
        "ImmersionUnits": ref(f"{THERMAL}/None"),
    }
    found[f"{THERMAL}/CDUs"] = collection(f"{THERMAL}/CDUs", UNIT)
    found[UNIT] = {
        "@odata.id": UNIT,
        "PrimaryCoolantConnectors": ref(f"{UNIT}/Primary"),
        "SecondaryCoolantConnectors": ref(f"{UNIT}/Secondary"),
    }
    found[f"{UNIT}/Primary"] = collection(f"{UNIT}/Primary", f"{UNIT}/Primary/1")
    found[f"{UNIT}/Secondary"] = collection(f"{UNIT}/Secondary", f"{UNIT}/Secondary/1")
    found[f"{UNIT}/Primary/1"] = {
        "SupplyTemperatureCelsius": {"Reading": 35.5},
        "ReturnTemperatureCelsius": {"Reading": 45.25},
        "FlowLitersPerMinute": {"Reading": 8.5},
        "HeatRemovedkW": {"Reading": 5.76},
    }
    found[f"{UNIT}/Secondary/1"] = {"ReturnTemperatureCelsius": {"Reading": 52.75}}
    found[f"{ROOT}/Managers"] = collection(f"{ROOT}/Managers", f"{ROOT}/Managers/BMC")
    found[f"{ROOT}/Managers/BMC"] = {"FirmwareVersion": "2.18"}
    return found


def legacy(**chassis: Any) -> dict[str, Json]:
    found = service([system("1")], {"Power": ref(POWER), **chassis})
    found[POWER] = {
        "@odata.id": POWER,
        "PowerControl": [
            {
                "PowerConsumedWatts": 344,
                "PowerCapacityWatts": 800,
                "PowerLimit": {"LimitInWatts": None, "LimitException": "NoAction"},
            }
        ],
    }
    return found

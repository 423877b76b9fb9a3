"""Services as makers shape them, cut down to what a heater needs.

Put together from their public documents and tools (named at each), with made-up serial
numbers and round watts; where a value was published, it is that.
"""

from typing import Any

from .bmc import METRICS, ROOT, Json, collection, modern, service, system
from .shapes import ref

CHASSIS = f"{ROOT}/Chassis/1"
POWER = f"{CHASSIS}/Power"
CONTROLS = f"{CHASSIS}/Controls"
ATTRIBUTES = f"{ROOT}/Managers/iDRAC.Embedded.1/Oem/Dell/DellAttributes"
ZONE_LIMIT = f"{POWER}/AccPowerService/PowerLimit"
ZONE_ACTION = f"{ZONE_LIMIT}/Actions/HpeServerAccPowerLimit.ConfigurePowerLimit"


def _power(*, vendor: str, limit: Json | None, **control: Any) -> dict[str, Json]:
    found = service(
        [system("1", Manufacturer=vendor)],
        {"Power": ref(POWER), "Manufacturer": vendor},
        Vendor=vendor,
    )
    limited = {} if limit is None else {"PowerLimit": limit}
    found[POWER] = {"@odata.id": POWER, "PowerControl": [{**control, **limited}]}
    return found


def openbmc() -> dict[str, Json]:
    """bmcweb: the metrics hold the cap, with a stale set point; Power refuses it."""
    found = modern(system("1"), Vendor=None, Product="OpenBMC server")
    found[CHASSIS]["Power"] = ref(POWER)
    found[METRICS]["PowerLimitWatts"].update(
        SetPoint=990, AllowableMin=2700, AllowableMax=3584, DefaultSetPoint=3584
    )
    found[POWER] = {
        "@odata.id": POWER,
        "PowerControl": [{"PowerLimit": {"LimitInWatts": None}}],
    }
    return found


def dell() -> dict[str, Json]:
    """IDRAC 9: the old Power; thresholds only among attributes (a published export)."""
    found = _power(
        vendor="Dell Inc.",
        limit={
            "CorrectionInMs": 0,
            "LimitException": "HardPowerOff",
            "LimitInWatts": None,
        },
        PowerConsumedWatts=278,
        PowerCapacityWatts=900,
        PowerMetrics={"MinConsumedWatts": 260, "MaxConsumedWatts": 520},
    )
    manager = f"{ROOT}/Managers/iDRAC.Embedded.1"
    found[CHASSIS]["Links"]["ManagedBy"] = [ref(manager)]
    pages = [
        f"{ATTRIBUTES}/{name}" for name in ("iDRAC.Embedded.1", "System.Embedded.1")
    ]
    found[manager] = {
        "FirmwareVersion": "7.00",
        "Links": {"Oem": {"Dell": {"DellAttributes": [ref(page) for page in pages]}}},
    }
    found[pages[0]] = {"Attributes": {"Info.1.Type": "16G"}}
    found[pages[1]] = {
        "Attributes": {
            "ServerPwr.1.ActivePowerCapVal": 278,
            "ServerPwr.1.PowerCapMaxThres": 836,
            "ServerPwr.1.PowerCapMinThres": 501,
            "ServerPwr.1.PowerCapSetting": "Disabled",
            "ServerPwr.1.PowerCapValue": 278,
        }
    }
    return found


def hpe() -> dict[str, Json]:
    """ILO 5/6: the old Power without a lowest cap (redfishdocs of HPE)."""
    return _power(
        vendor="HPE",
        limit={"LimitInWatts": None},
        PowerConsumedWatts=165,
        PowerCapacityWatts=1600,
        PowerMetrics={
            "AverageConsumedWatts": 167,
            "IntervalInMin": 20,
            "MaxConsumedWatts": 270,
            "MinConsumedWatts": 159,
        },
    )


def hpe_apollo() -> dict[str, Json]:
    """Apollo 6500: a chassis of one zone, by action (Cray's hms-power-control)."""
    found = _power(vendor="HPE", limit=None, PowerConsumedWatts=3300)
    acc = f"{POWER}/AccPowerService"
    found[POWER]["Oem"] = {"Hpe": {"Links": {"AccPowerService": ref(acc)}}}
    found[acc] = {"Links": {"PowerLimit": ref(ZONE_LIMIT)}}
    zone = {"ZoneNumber": 0, "PowerLimitInWatts": 3500}
    found[ZONE_LIMIT] = {
        "@odata.id": ZONE_LIMIT,
        "ActualPowerLimits": [dict(zone)],
        "PowerLimits": [dict(zone)],
        "PowerLimitRanges": [
            {"ZoneNumber": 0, "MinimumPowerLimit": 3250, "MaximumPowerLimit": 3750}
        ],
        "Actions": {
            "#HpeServerAccPowerLimit.ConfigurePowerLimit": {"target": ZONE_ACTION}
        },
    }
    return found


def hpe_cray() -> dict[str, Json]:
    """Cray EX: a control with the old names of its range (hms-smd)."""
    limit = f"{CONTROLS}/NodePowerLimit"
    found = service(
        [system("1")], {"Controls": ref(CONTROLS), "Manufacturer": "HPE"}, Vendor="HPE"
    )
    found[CONTROLS] = collection(CONTROLS, limit)
    found[limit] = {
        "@odata.id": limit,
        "ControlMode": "Disabled",
        "ControlType": "Power",
        "PhysicalContext": "Chassis",
        "SetPoint": 0,
        "SetPointUnits": "W",
        "SettingRangeMin": 350,
        "SettingRangeMax": 925,
    }
    return found


def lenovo() -> dict[str, Json]:
    """XCC: a control without mode; null lifts it (python-redfish-lenovo)."""
    limit = f"{CONTROLS}/PowerLimit"
    found = service(
        [system("1")],
        {"Controls": ref(CONTROLS), "Power": ref(POWER), "MinPowerWatts": 250},
        Vendor="Lenovo",
    )
    found[CONTROLS] = collection(CONTROLS, limit)
    found[limit] = {
        "@odata.id": limit,
        "ControlType": "Power",
        "PhysicalContext": "Chassis",
        "SetPoint": None,
        "SetPointUnits": "W",
        "AllowableMax": 32766,
    }
    found[POWER] = {
        "@odata.id": POWER,
        "PowerControl": [{"PowerConsumedWatts": 310, "PowerCapacityWatts": 1100}],
    }
    return found


def supermicro() -> dict[str, Json]:
    """Supermicro: the old Power, no range anywhere (its Home Assistant integration)."""
    return _power(
        vendor="Supermicro",
        limit={"LimitInWatts": None, "LimitException": "NoAction"},
        PowerConsumedWatts=210,
        PowerCapacityWatts=1200,
    )

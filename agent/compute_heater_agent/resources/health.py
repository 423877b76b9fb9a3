"""Health of the whole machine, and what is wrong with it as conditions."""

from ..machine import Machine
from ..messages import ENVIRONMENTAL, RESOURCE_EVENT, Json
from ..resource import ROOT, link, number

RACK = f"{ROOT}/Chassis/Rack"
COOLANT = f"{RACK}/Sensors/Coolant"
TANK = f"{ROOT}/ThermalEquipment/ImmersionUnits/Tank"
LEAKS = f"{TANK}/LeakDetection"
LEAK_DETECTOR = f"{LEAKS}/LeakDetectors/Bath"
FAULT = f"{RESOURCE_EVENT}.ResourceErrorsDetected"


def status(machine: Machine) -> Json:
    """Status of the machine; conditions name why it is not well."""
    conditions = [_fault(text) for text in machine.faults]
    conditions += [*_temperature(machine), *_leak(machine)]
    healths = {condition["Severity"] for condition in conditions}
    health = next((word for word in ("Critical", "Warning") if word in healths), "OK")
    body: Json = {"State": "Enabled", "Health": health}
    return body | ({"Conditions": conditions} if conditions else {})


def _fault(text: str) -> Json:
    return {
        "MessageId": FAULT,
        "Message": f"The power limit does not hold in full: {text}.",
        "MessageArgs": ["PowerLimitWatts", text],
        "Severity": "Warning",
        "OriginOfCondition": link(f"{RACK}/EnvironmentMetrics"),
    }


def _temperature(machine: Machine) -> list[Json]:
    guard = machine.guard
    if guard is None:
        return []
    if guard.tripped:
        health, name, threshold_c = "Critical", "Critical", guard.trip_c
        action = "modules are shut down"
    elif guard.throttled:
        health, name, threshold_c = "Warning", "Caution", guard.caution_c
        action = "power is lowered"
    else:
        return []
    reading_c = machine.coolant_c
    reading = "unknown" if reading_c is None else str(number(reading_c, 1))
    return [
        {
            "MessageId": f"{ENVIRONMENTAL}.TemperatureAboveUpper{name}Threshold",
            "Message": f"The coolant came above {threshold_c:g} °C: {action}.",
            "MessageArgs": ["Coolant", reading, str(number(threshold_c))],
            "Severity": health,
            "OriginOfCondition": link(COOLANT),
        }
    ]


def _leak(machine: Machine) -> list[Json]:
    if not machine.leaking:
        return []
    return [
        {
            "MessageId": f"{ENVIRONMENTAL}.LeakDetectedCritical",
            "Message": "Leak detector 'Bath' reports a critical level leak.",
            "MessageArgs": ["Bath"],
            "Severity": "Critical",
            "OriginOfCondition": link(LEAK_DETECTOR),
        }
    ]

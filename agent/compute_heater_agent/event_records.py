"""Turns what happens in the rack into Redfish events."""

from datetime import UTC, datetime

from .machine import Machine
from .messages import (
    CRITICAL,
    ENVIRONMENTAL,
    OK,
    RESOURCE_EVENT,
    WARNING,
    Json,
    message,
)
from .notices import Happening, Notice
from .resource import number
from .resources.environment import METRICS
from .resources.health import COOLANT, FAULT, LEAK_DETECTOR
from .resources.systems import system_path

_POWER_STATES = {
    Happening.POWERING_ON: ("ResourcePoweringOn", "is powering on"),
    Happening.POWERED_ON: ("ResourcePoweredOn", "is on"),
    Happening.POWERING_OFF: ("ResourcePoweringOff", "is powering off"),
    Happening.POWERED_OFF: ("ResourcePoweredOff", "is off"),
}


def event(machine: Machine, notice: Notice, ident: str) -> Json:
    """Build the Event that tells of a notice."""
    record, origin = _record(machine, notice)
    return {
        "@odata.type": "#Event.v1_13_0.Event",
        "Id": ident,
        "Name": "Event",
        "Events": [
            {
                "EventType": "Alert",
                "EventId": ident,
                "MemberId": "0",
                "EventTimestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "OriginOfCondition": {"@odata.id": origin},
                **record,
            }
        ],
    }


def _record(machine: Machine, notice: Notice) -> tuple[Json, str]:
    """Return message and origin."""
    match notice.happening:
        case Happening.POWER_LIMIT_CHANGED:
            text = "The power limit changed."
            return _message(f"{RESOURCE_EVENT}.ResourceChanged", text, OK), METRICS
        case Happening.LEASE_EXPIRED:
            lease_s = number(machine.lease.duration_s)
            own = message("LeaseExpired", lease_s, number(machine.set_point_w))
            return _without_type(own), METRICS
        case Happening.LEASE_RENEWED:
            return _without_type(message("LeaseRenewed")), METRICS
        case Happening.FAULT:
            text = notice.text or ""
            words = f"The power limit does not hold in full: {text}."
            return _message(FAULT, words, WARNING, "PowerLimitWatts", text), METRICS
        case Happening.FAULT_ENDED:
            text = notice.text or ""
            words = f"No longer: {text}."
            name = f"{RESOURCE_EVENT}.ResourceErrorsCorrected"
            return _message(name, words, OK, "PowerLimitWatts", text), METRICS
        case Happening.LEAK:
            words = "Leak detector 'Bath' reports a critical level leak."
            name = f"{ENVIRONMENTAL}.LeakDetectedCritical"
            return _message(name, words, CRITICAL, "Bath"), LEAK_DETECTOR
        case Happening.LEAK_ENDED:
            words = "Leak detector 'Bath' has returned to normal."
            name = f"{ENVIRONMENTAL}.LeakDetectedNormal"
            return _message(name, words, OK, "Bath"), LEAK_DETECTOR
        case (
            Happening.THROTTLED
            | Happening.THROTTLE_ENDED
            | Happening.TRIPPED
            | Happening.TRIP_CLEARED
        ):
            return _temperature(machine, notice), COOLANT
    module = notice.module or 0
    name, verb = _POWER_STATES[notice.happening]
    resource = f"Module {module + 1}"
    record = _message(f"{RESOURCE_EVENT}.{name}", f"{resource} {verb}.", OK, resource)
    return record, system_path(module)


def _temperature(machine: Machine, notice: Notice) -> Json:
    guard = machine.guard
    assert guard is not None
    assert notice.value is not None
    reading = number(notice.value, 1)
    match notice.happening:
        case Happening.THROTTLED:
            name, severity = "TemperatureAboveUpperCautionThreshold", WARNING
            limit = number(guard.caution_c)
            text = f"The coolant has {reading} °C, above {limit} °C: power is lowered."
        case Happening.TRIPPED:
            name, severity = "TemperatureAboveUpperCriticalThreshold", CRITICAL
            limit = number(guard.trip_c)
            text = f"The coolant has {reading} °C, above {limit} °C: modules shut down."
        case Happening.TRIP_CLEARED:
            name, severity = "TemperatureNoLongerCritical", WARNING
            text = f"The coolant has {reading} °C: modules may be switched on again."
            return _message(
                f"{ENVIRONMENTAL}.{name}", text, severity, "Coolant", reading
            )
        case _:
            name, severity = "TemperatureNormal", OK
            text = f"The coolant has {reading} °C: power is no longer lowered."
            return _message(
                f"{ENVIRONMENTAL}.{name}", text, severity, "Coolant", reading
            )
    return _message(
        f"{ENVIRONMENTAL}.{name}", text, severity, "Coolant", reading, limit
    )


def _message(identifier: str, text: str, severity: str, *arguments: object) -> Json:
    return {
        "MessageId": identifier,
        "Message": text,
        "MessageArgs": [str(argument) for argument in arguments],
        "MessageSeverity": severity,
    }


def _without_type(body: Json) -> Json:
    return {key: value for key, value in body.items() if not key.startswith("@")}

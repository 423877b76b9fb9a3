"""Turns what happens in the rack into Redfish events."""

from datetime import UTC, datetime

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
from .resources.chassis import RACK
from .resources.environment import METRICS
from .resources.systems import system_path
from .simulated import Rack

_COOLANT = f"{RACK}/Sensors/Coolant"
_POWER_STATES = {
    Happening.POWERING_ON: ("ResourcePoweringOn", "is powering on"),
    Happening.POWERED_ON: ("ResourcePoweredOn", "is on"),
    Happening.POWERING_OFF: ("ResourcePoweringOff", "is powering off"),
    Happening.POWERED_OFF: ("ResourcePoweredOff", "is off"),
}


def event(rack: Rack, notice: Notice, ident: str) -> Json:
    """Build the Event that tells of a notice."""
    record, origin = _record(rack, notice)
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


def _record(rack: Rack, notice: Notice) -> tuple[Json, str]:
    """Return message and origin."""
    match notice.happening:
        case Happening.POWER_LIMIT_CHANGED:
            text = "The power limit changed."
            return _message(f"{RESOURCE_EVENT}.ResourceChanged", text, OK), METRICS
        case Happening.LEASE_EXPIRED:
            lease_s = number(rack.lease.duration_s)
            own = message("LeaseExpired", lease_s, number(rack.set_point_w))
            return _without_type(own), METRICS
        case Happening.LEASE_RENEWED:
            return _without_type(message("LeaseRenewed")), METRICS
        case (
            Happening.THROTTLED
            | Happening.THROTTLE_ENDED
            | Happening.TRIPPED
            | Happening.TRIP_CLEARED
        ):
            return _temperature(rack, notice), _COOLANT
    module = notice.module or 0
    name, verb = _POWER_STATES[notice.happening]
    resource = f"Module {module + 1}"
    record = _message(f"{RESOURCE_EVENT}.{name}", f"{resource} {verb}.", OK, resource)
    return record, system_path(module)


def _temperature(rack: Rack, notice: Notice) -> Json:
    reading = number(rack.oil_c if notice.value is None else notice.value, 1)
    match notice.happening:
        case Happening.THROTTLED:
            name, severity = "TemperatureAboveUpperCautionThreshold", WARNING
            limit = number(rack.guard.caution_c)
            text = f"The coolant has {reading} °C, above {limit} °C: power is lowered."
        case Happening.TRIPPED:
            name, severity = "TemperatureAboveUpperCriticalThreshold", CRITICAL
            limit = number(rack.guard.trip_c)
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

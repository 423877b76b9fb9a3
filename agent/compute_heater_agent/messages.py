"""Redfish messages: errors by the Base registry and the agent's own registry.

Message identifiers and the order of their arguments are the standard's; clients judge
by the identifier, the text is for people.
"""

from collections.abc import Sequence
from typing import Any

from .errors import AgentError

type Json = dict[str, Any]

BASE = "Base.1.22"
RESOURCE_EVENT = "ResourceEvent.1.4"
ENVIRONMENTAL = "Environmental.1.4"
OWN = "ComputeHeater.1.0"
OWN_VERSION = "1.0.0"

OK, WARNING, CRITICAL = "OK", "Warning", "Critical"

# identifier: text with %1…, severity, what to do about it
_BASE_MESSAGES: dict[str, tuple[str, str, str]] = {
    "Success": ("Done.", OK, "None."),
    "AccessUnauthorized": (
        "The credentials are missing or wrong.",
        CRITICAL,
        "Repeat the request with valid credentials.",
    ),
    "NoValidSession": (
        "The session is unknown or has ended.",
        CRITICAL,
        "Create a session first.",
    ),
    "SessionLimitExceeded": (
        "There are as many sessions as the service allows.",
        CRITICAL,
        "Close another session or wait until one ends.",
    ),
    "EventSubscriptionLimitExceeded": (
        "There are as many event streams as the service allows.",
        CRITICAL,
        "Close another stream first.",
    ),
    "ServiceTemporarilyUnavailable": (
        "Too many requests wait; try again in %1 seconds.",
        CRITICAL,
        "Wait, then repeat the request.",
    ),
    "InvalidURI": (
        "There is nothing at %1.",
        CRITICAL,
        "Follow the links from the service root.",
    ),
    "OperationNotAllowed": (
        "The resource does not take this HTTP method.",
        CRITICAL,
        "Use one of the methods in the Allow header.",
    ),
    "HeaderInvalid": (
        "The header %1 has a value the service cannot satisfy.",
        CRITICAL,
        "Correct the header.",
    ),
    "QueryParameterUnsupported": (
        "The query parameter %1 is not supported.",
        WARNING,
        "Leave the parameter out.",
    ),
    "PreconditionFailed": (
        "The resource has changed since the ETag was read.",
        CRITICAL,
        "Read the resource again and repeat the request with its ETag.",
    ),
    "MalformedJSON": (
        "The body is not valid JSON.",
        CRITICAL,
        "Correct the body.",
    ),
    "UnrecognizedRequestBody": (
        "The body is not a JSON object.",
        WARNING,
        "Send a JSON object.",
    ),
    "EmptyJSON": ("The body is empty.", WARNING, "Send at least one property."),
    "NoOperation": (
        "The body holds nothing to act upon.",
        WARNING,
        "Send at least one property.",
    ),
    "PayloadTooLarge": (
        "The body is larger than the service accepts.",
        CRITICAL,
        "Send only what is to change.",
    ),
    "OperationTimeout": (
        "The request was not complete in time.",
        WARNING,
        "Repeat the request.",
    ),
    "InternalError": (
        "The service failed on this request but goes on.",
        CRITICAL,
        "Repeat the request; if it fails again, look into the agent's log.",
    ),
    "PropertyUnknown": (
        "The resource has no property %1.",
        WARNING,
        "Leave the property out.",
    ),
    "PropertyNotWritable": (
        "The property %1 is read-only.",
        WARNING,
        "Leave the property out.",
    ),
    "PropertyMissing": (
        "The property %1 is required.",
        WARNING,
        "Send the property.",
    ),
    "PropertyValueTypeError": (
        "The value %1 of the property %2 is of the wrong type.",
        WARNING,
        "Send a value of the right type.",
    ),
    "PropertyValueOutOfRange": (
        "The value %1 of the property %2 is out of range.",
        WARNING,
        "Send a value between the allowed minimum and maximum.",
    ),
    "PropertyValueNotInList": (
        "The value %1 of the property %2 is not one of the allowed values.",
        WARNING,
        "Send one of the allowed values.",
    ),
    "ActionParameterMissing": (
        "The action %1 needs the parameter %2.",
        CRITICAL,
        "Send the parameter.",
    ),
    "ActionParameterUnknown": (
        "The action %1 has no parameter %2.",
        WARNING,
        "Leave the parameter out.",
    ),
    "ActionParameterValueTypeError": (
        "The value %1 of the parameter %2 in the action %3 is of the wrong type.",
        WARNING,
        "Send a value of the right type.",
    ),
    "ActionParameterValueNotInList": (
        "The value %1 of the parameter %2 in the action %3 is not allowed.",
        WARNING,
        "Send one of the allowed values.",
    ),
}

# The same for what only a compute heater has to say; served as a message registry.
OWN_MESSAGES: dict[str, tuple[str, str, str]] = {
    "LeaseExpired": (
        "No authenticated request for %1 seconds: the power limit fell to %2 watts.",
        WARNING,
        "Set the power limit again once the client is back.",
    ),
    "LeaseRenewed": (
        "An authenticated client is back.",
        OK,
        "None.",
    ),
    "OverTemperatureTripActive": (
        "The over-temperature trip keeps the modules off.",
        CRITICAL,
        "Let the coolant cool down, then switch the modules on again.",
    ),
}


def fill(text: str, arguments: Sequence[str]) -> str:
    """Put the arguments in place of %1, %2…."""
    for number, argument in enumerate(arguments, start=1):
        text = text.replace(f"%{number}", argument)
    return text


def message(name: str, *arguments: object, pointer: str | None = None) -> Json:
    """Build one Message object; ``pointer`` names the property it is about."""
    own = name in OWN_MESSAGES
    text, severity, resolution = (OWN_MESSAGES if own else _BASE_MESSAGES)[name]
    words = [str(argument) for argument in arguments]
    result: Json = {
        "@odata.type": "#Message.v1_3_0.Message",
        "MessageId": f"{OWN if own else BASE}.{name}",
        "Message": fill(text, words),
        "MessageArgs": words,
        "MessageSeverity": severity,
        "Resolution": resolution,
    }
    if pointer is not None:
        result["RelatedProperties"] = [pointer]
    return result


class RedfishError(AgentError):
    """A request that ends with an error status and extended information."""

    def __init__(
        self, status: int, *messages: Json, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(messages[0]["MessageId"])
        self.status = status
        self.messages = messages
        self.headers = headers or {}

    @property
    def body(self) -> Json:
        """Error response as the standard defines it."""
        first = self.messages[0]
        return {
            "error": {
                "code": first["MessageId"],
                "message": first["Message"],
                "@Message.ExtendedInfo": list(self.messages),
            }
        }

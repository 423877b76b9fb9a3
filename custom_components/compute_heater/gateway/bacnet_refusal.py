"""What controllers are told of requests that are not fulfilled (clause 18)."""

from enum import Enum

from .guard import Refusal, RefusedError
from .priority import MINIMUM_TIMES

_DEVICE, _OBJECT, _PROPERTY, _RESOURCES, _SECURITY, _SERVICES = range(6)


class Failure(Enum):
    """Error class and code."""

    BUSY = _DEVICE, 3
    PROBLEM = _DEVICE, 25
    UNKNOWN_OBJECT = _OBJECT, 31
    NO_COV = _OBJECT, 45
    WRONG_TYPE = _PROPERTY, 9
    UNKNOWN_PROPERTY = _PROPERTY, 32
    OUT_OF_RANGE = _PROPERTY, 37
    READ_ONLY = _PROPERTY, 40
    NO_SUCH_ELEMENT = _PROPERTY, 42
    NO_COV_PROPERTY = _PROPERTY, 44
    NO_ARRAY = _PROPERTY, 50
    NO_ROOM = _RESOURCES, 19
    NO_SUCH_PRIORITY = _SERVICES, 80


NEVER_DONE = {
    7: "AtomicWriteFile",
    8: "AddListElement",
    9: "RemoveListElement",
    10: "CreateObject",
    11: "DeleteObject",
    17: "DeviceCommunicationControl",
    20: "ReinitializeDevice",
}
"""Services that would change us, of which people want to know that they were asked for."""


class RequestError(Exception):
    """The request fails."""

    def __init__(self, failure: Failure) -> None:
        """Take what the controller is told."""
        super().__init__(failure)
        self.failure = failure


class TooLargeError(Exception):
    """The request or its answer would be too much work."""


def failure_of(err: RefusedError, priority: int) -> Failure:
    """Say why something was not taken."""
    match err.refusal:
        case Refusal.WRONG_TYPE:
            return Failure.WRONG_TYPE
        case Refusal.OUT_OF_RANGE:
            return Failure.OUT_OF_RANGE
        case Refusal.WRONG_PRIORITY if priority != MINIMUM_TIMES:
            return Failure.NO_SUCH_PRIORITY
        case Refusal.TOO_OFTEN:
            return Failure.BUSY
        case _:
            return Failure.READ_ONLY

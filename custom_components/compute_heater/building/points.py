"""Points of the building's controllers, whichever protocol carries them."""

from dataclasses import dataclass
from enum import StrEnum

type Value = float | bool
"""Analog points carry a float, binary points a bool, multi-state points the state
number (from 1) as a float."""


class PointKind(StrEnum):
    """What a point is to the user."""

    ANALOG = "analog"
    BINARY = "binary"
    MULTISTATE = "multistate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What every point has; the protocol's own address is in the subclass.

    ``unit`` is spelt as Home Assistant does ("°C", "%", "W", "kWh", "L/min").
    ``minimum``/``maximum`` bound what may be written; a writable analog point has both.
    """

    key: str
    """Unique and stable within the link."""
    name: str
    kind: PointKind
    unit: str | None = None
    writable: bool = False
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    states: tuple[str, ...] = ()
    """State texts of a multi-state point, state 1 first."""


class LinkError(Exception):
    """Anything that went wrong between us and a controller of the building."""

    command_stays = False
    """A command of ours is, or after a time-out may be, in the controller although
    the write failed: it must still be released one day."""


class LinkConnectionError(LinkError):
    """No answer, a broken connection or a time-out."""


class LinkAddressError(LinkError):
    """An address cannot be used: malformed, or the local port is taken."""


class LinkProtocolError(LinkError):
    """The peer answers with something that cannot be understood."""


class PointRefusedError(LinkError):
    """The value was refused, by us (limits, type) or by the peer.

    Nothing changed, unless ``command_stays``: then the controller keeps our command
    although it does not follow it now.
    """

    def __init__(self, message: str, *, command_stays: bool = False) -> None:
        super().__init__(message)
        self.command_stays = command_stays


class PointConfigError(LinkError):
    """The description of a point is wrong; ``field`` names the entry."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.problem = message

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


class PollGroup(StrEnum):
    """How often a point is read."""

    FAST = "fast"
    NORMAL = "normal"
    SLOW = "slow"


POLL_INTERVALS_S = {PollGroup.FAST: 10.0, PollGroup.NORMAL: 30.0, PollGroup.SLOW: 300.0}


class Role(StrEnum):
    """What a point is in the heating plant."""

    SUPPLY_TEMPERATURE = "supply_temperature"
    RETURN_TEMPERATURE = "return_temperature"
    DHW_TEMPERATURE = "dhw_temperature"
    DHW_SETPOINT = "dhw_setpoint"
    BUFFER_TEMPERATURE = "buffer_temperature"
    ROOM_TEMPERATURE = "room_temperature"
    OUTDOOR_TEMPERATURE = "outdoor_temperature"
    HEATING_SETPOINT = "heating_setpoint"
    HEAT_DEMAND = "heat_demand"
    FLOW = "flow"
    PUMP = "pump"
    VALVE = "valve"
    RELEASE = "release"
    OPERATING_MODE = "operating_mode"
    SMART_GRID = "smart_grid"
    FAULT = "fault"
    HEAT_POWER = "heat_power"
    ELECTRICAL_POWER = "electrical_power"
    HEAT_ENERGY = "heat_energy"
    ELECTRICAL_ENERGY = "electrical_energy"


_GROUPS = {
    # What control acts on, or what must show soon after it acted.
    Role.HEAT_DEMAND: PollGroup.FAST,
    Role.FLOW: PollGroup.FAST,
    Role.PUMP: PollGroup.FAST,
    Role.VALVE: PollGroup.FAST,
    Role.RELEASE: PollGroup.FAST,
    Role.FAULT: PollGroup.FAST,
    # What changes over hours.
    Role.OUTDOOR_TEMPERATURE: PollGroup.SLOW,
    Role.HEAT_ENERGY: PollGroup.SLOW,
    Role.ELECTRICAL_ENERGY: PollGroup.SLOW,
}


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
    role: Role | None = None
    group: PollGroup | None = None
    """How often it is read; None = as its role suggests."""
    dead_band: float = 0.0
    """A value that differs by no more from our command in force is not written."""
    min_interval_s: float = 0.0
    """Least time between two writes of a person or of control."""
    lifetime_s: float | None = None
    """A command that nobody repeats for so long is given up; None = it stays."""

    @property
    def poll_group(self) -> PollGroup:
        """How often the point is read."""
        if self.group is not None:
            return self.group
        return (
            _GROUPS.get(self.role, PollGroup.NORMAL) if self.role else PollGroup.NORMAL
        )

    @property
    def write_interval_s(self) -> float:
        """Least time between two writes, whoever asks for it."""
        return self.min_interval_s

    @property
    def holds_command(self) -> bool:
        """What is written is a command, to be given up one day, and no lasting setting."""
        return True


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


class PointTooSoonError(PointRefusedError):
    """The point was written just before; nothing was sent."""

    def __init__(self, message: str, wait_s: float) -> None:
        super().__init__(message)
        self.wait_s = wait_s


class PointConfigError(LinkError):
    """The description of a point is wrong; ``field`` names the entry."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.problem = message

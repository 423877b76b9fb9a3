"""What happens inside the rack by itself or by command, for those who listen."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Happening(StrEnum):
    """Kinds of notice."""

    POWER_LIMIT_CHANGED = "power_limit_changed"
    POWERING_ON = "powering_on"
    POWERED_ON = "powered_on"
    POWERING_OFF = "powering_off"
    POWERED_OFF = "powered_off"
    THROTTLED = "throttled"
    THROTTLE_ENDED = "throttle_ended"
    TRIPPED = "tripped"
    TRIP_CLEARED = "trip_cleared"
    LEASE_EXPIRED = "lease_expired"
    LEASE_RENEWED = "lease_renewed"
    FAULT = "fault"
    FAULT_ENDED = "fault_ended"
    LEAK = "leak"
    LEAK_ENDED = "leak_ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One happening; ``module`` counts from 0, ``value`` is in W or °C by kind.

    ``text`` says in words what does not work.
    """

    happening: Happening
    module: int | None = None
    value: float | None = None
    text: str | None = None


Listener = Callable[[Notice], None]

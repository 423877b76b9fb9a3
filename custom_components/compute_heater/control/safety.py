"""Safety: a pure function of the latest readings that can only lower power."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from ..heaters.model import PowerState
from .reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetySettings:
    """Limits of one heater."""

    floor_w: float
    max_w: float
    throttle_c: float = 60.0
    """From here power falls proportionally …"""
    trip_c: float = 65.0
    """… to the floor, where the heater trips until it is below ``throttle_c``."""
    max_age_s: float = 300.0
    """Oldest report of a needed reading, unless ``max_ages_s`` names it."""
    max_ages_s: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetyInput:
    """Latest readings of one heater and its path."""

    coolant_c: float | None
    supply_c: float | None
    ages: Mapping[str, float | None] = field(default_factory=dict)
    """Seconds since the last report of each *needed* reading; None: never reported.

    ``coolant`` and ``supply`` are special: named here, their value must be known too.
    """
    path_ready: bool
    path_reason: Reason | None = None
    """PathDecision.reason, shown while the path is not ready."""
    leak: bool | None = None
    heater_available: bool = True
    overheating: bool | None = None
    """Reported by the device itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetyMemory:
    """What safety remembers from one call to the next."""

    tripped: bool = False
    powered_down: bool = False
    """The trip went as far as off."""
    hot_since: float | None = None
    """Monotonic time since when it is at or above the trip temperature."""

    def as_dict(self) -> dict[str, object]:
        """Return the latches for the store; times do not survive a restart."""
        raise NotImplementedError

    @classmethod
    def from_dict(cls, memory: Mapping[str, object]) -> Self:
        """Take the latches from the store."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetyVerdict:
    """The most a heater may do now."""

    ceiling_w: float | None = None
    """Highest electrical power; None: no ceiling."""
    max_state: PowerState = PowerState.FULL
    reasons: tuple[Reason, ...] = ()
    """Most severe first."""


def assess(
    settings: SafetySettings, inputs: SafetyInput, memory: SafetyMemory, now: float
) -> tuple[SafetyVerdict, SafetyMemory]:
    """Judge the readings; keep the memory for the next call."""
    raise NotImplementedError

"""Safety: a pure function of the latest readings that can only lower power."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import floor, isfinite
from typing import Self

from ..heaters.model import PowerState
from .path import FLOW_MIN_LPM
from .reasons import Reason

POWER_DOWN_S = 120.0
"""At the floor and still at the trip temperature for so long: power down."""
POWER_DOWN_K = 5.0
"""So far above the trip temperature: power down at once."""

FLOW_LOST_S = 20.0
"""Without flow through a heater that works for so long: flow is lost."""
FLOW_RETRY_S = 300.0
"""So long after it was lost flow may show itself anew, as in standby it cannot."""

THROTTLE_STEPS = 20
"""The throttle is stepped, so that not every reading makes a new command."""


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
    flow_lpm: float | None = None
    """Through this heater; other heaters on the path may well have flow."""
    working: bool = False
    """It draws more than in standby."""
    leak: bool | None = None
    flow_fault: bool | None = None
    """The device's own pumps fail, or it reports too little flow."""
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
    dry_since: float | None = None
    """Monotonic time since when it works without flow."""
    flow_lost_at: float | None = None
    """Monotonic time when flow was taken for lost; it is until flow or a new try."""

    def as_dict(self) -> dict[str, object]:
        """Return the latches for the store; times do not survive a restart."""
        return {"tripped": self.tripped, "powered_down": self.powered_down}

    @classmethod
    def from_dict(cls, memory: Mapping[str, object]) -> Self:
        """Take the latches from the store."""
        return cls(
            tripped=memory.get("tripped") is True,
            powered_down=memory.get("powered_down") is True,
        )


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
    """Judge the readings; keep the memory for the next call.

    A latched trip is only released by a temperature that is known to be low enough.
    """
    hottest = _hottest(inputs)
    memory = _watch_flow(inputs, _latch(settings, hottest, memory, now), now)
    reasons: list[Reason] = []
    if inputs.leak:
        reasons.append(Reason.LEAK)
    if memory.tripped:
        reasons.append(Reason.OVER_TEMPERATURE)
    if inputs.overheating:
        reasons.append(Reason.DEVICE_OVERHEATING)
    if not inputs.heater_available:
        reasons.append(Reason.HEATER_UNAVAILABLE)
    if _is_stale(settings, inputs):
        reasons.append(Reason.STALE_SENSOR)
    if memory.flow_lost_at is not None or inputs.flow_fault:
        reasons.append(Reason.FLOW_LOST)
    elif not inputs.path_ready:
        reasons.append(inputs.path_reason or Reason.PATH_OPENING)
    if reasons:
        off = bool(inputs.leak) or memory.powered_down
        verdict = SafetyVerdict(
            ceiling_w=settings.floor_w,
            max_state=PowerState.OFF if off else PowerState.STANDBY,
            reasons=tuple(reasons),
        )
        return verdict, memory
    if hottest is None or hottest <= settings.throttle_c:
        return SafetyVerdict(), memory
    share = (settings.trip_c - hottest) / (settings.trip_c - settings.throttle_c)
    share = floor(share * THROTTLE_STEPS) / THROTTLE_STEPS
    ceiling = settings.floor_w + share * (settings.max_w - settings.floor_w)
    reason = Reason.THROTTLED_BY_TEMPERATURE
    return SafetyVerdict(ceiling_w=ceiling, reasons=(reason,)), memory


def _hottest(inputs: SafetyInput) -> float | None:
    known = [t for t in (inputs.coolant_c, inputs.supply_c) if _is_known(t)]
    return max((t for t in known if t is not None), default=None)


def _is_known(value: float | None) -> bool:
    return value is not None and isfinite(value)


def _latch(
    settings: SafetySettings, hottest: float | None, memory: SafetyMemory, now: float
) -> SafetyMemory:
    if hottest is None:
        return memory
    if hottest >= settings.trip_c:
        since = now if memory.hot_since is None else memory.hot_since
        persists = now - since >= POWER_DOWN_S
        overshoots = hottest >= settings.trip_c + POWER_DOWN_K
        return replace(
            memory,
            tripped=True,
            powered_down=memory.powered_down or persists or overshoots,
            hot_since=since,
        )
    if hottest >= settings.throttle_c:
        return replace(memory, hot_since=None)
    return replace(memory, tripped=False, powered_down=False, hot_since=None)


def _watch_flow(inputs: SafetyInput, memory: SafetyMemory, now: float) -> SafetyMemory:
    lost_at, flow = memory.flow_lost_at, inputs.flow_lpm
    if flow is not None and flow > FLOW_MIN_LPM:
        return replace(memory, dry_since=None, flow_lost_at=None)
    if lost_at is not None and now - lost_at < FLOW_RETRY_S:
        return memory
    memory = replace(memory, flow_lost_at=None)
    if not inputs.working or not inputs.path_ready:
        return replace(memory, dry_since=None)
    if flow is None:
        return memory
    since = now if memory.dry_since is None else memory.dry_since
    if now - since < FLOW_LOST_S:
        return replace(memory, dry_since=since)
    return replace(memory, dry_since=None, flow_lost_at=now)


def _is_stale(settings: SafetySettings, inputs: SafetyInput) -> bool:
    for name, age in inputs.ages.items():
        limit = settings.max_ages_s.get(name, settings.max_age_s)
        if age is None or not age <= limit:
            return True
    return ("coolant" in inputs.ages and not _is_known(inputs.coolant_c)) or (
        "supply" in inputs.ages and not _is_known(inputs.supply_c)
    )

"""How much heat each heat consumer ("sink") wants now."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from .reasons import Reason

COLD_WATER_C = 12.0


class SinkKind(StrEnum):
    """Kinds of heat consumers."""

    DHW = "dhw"
    FLOOR = "floor"


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkSettings:
    """What the owner set for one sink; may be replaced at any time."""

    kind: SinkKind
    setpoint_c: float
    """DHW: tank temperature; floor: room temperature."""
    hysteresis_k: float
    """DHW: switches on this far below the set point; floor: proportional band."""
    limit_c: float
    """At or above it the sink takes no heat (tank; floor supply where measured)."""
    max_heat_w: float
    capacity_kwh_per_k: float | None = None
    comfort_min_c: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkReading:
    """Latest readings of one sink; None is unknown *or stale* (the caller judges age)."""

    temperature_c: float | None
    """Controlling temperature: DHW tank (top), floor: room."""
    second_c: float | None = None
    """DHW: second (lower) tank sensor; floor: floor supply or slab."""
    demand_fraction: float | None = None
    """The building's own heat demand, 0…1."""
    has_demand_point: bool = False
    has_second: bool = False
    """A second sensor is configured, so that its silence means something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkDemand:
    """What one sink wants."""

    heat_w: float
    """0 if none wanted."""
    wanted: bool
    accepts: bool
    """Can take heat though it wants none: readings fresh and below the limit."""
    energy_kwh: float | None
    """Heat until the set point is reached; None where the capacity is unknown."""
    stored_kwh: float | None
    """DHW: above cold water of 12 °C; floor: above the comfort minimum."""
    charge_percent: float | None
    hours_to_limit: float | None
    """Until the comfort minimum at the present rate of fall; None unknown or rising."""
    reason: Reason


class SinkController:
    """Demand of one sink, with the memory of its hysteresis."""

    def __init__(self, settings: SinkSettings) -> None:
        self.settings = settings
        """Replace it when the owner changes a set point; the memory stays."""

    def evaluate(self, reading: SinkReading, now: float) -> SinkDemand:
        """Return what the sink wants. ``now`` is a monotonic time in seconds."""
        raise NotImplementedError

    @property
    def memory(self) -> dict[str, object]:
        """What must survive a restart, JSON-serialisable."""
        raise NotImplementedError

    def restore(self, memory: Mapping[str, object]) -> None:
        """Take over a stored memory; unknown or broken parts are ignored."""
        raise NotImplementedError

"""What a site is told, and what it decides."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .building import SiteRequest
from .demand import SinkDemand, SinkReading
from .heater_control import HeaterInput
from .precedence import Decision
from .reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteReadings:
    """The latest of everything; what is missing or None is unknown, or too old."""

    heaters: Mapping[str, HeaterInput]
    sinks: Mapping[str, SinkReading] = field(default_factory=dict)
    valves: Mapping[str, bool | None] = field(default_factory=dict)
    pumps: Mapping[str, bool | None] = field(default_factory=dict)
    flows_lpm: Mapping[str, float | None] = field(default_factory=dict)
    """From the flow sensors of sinks, by the sinks' ids."""
    outdoor_c: float | None = None
    sun_w_m2: float | None = None
    """On a vertical window to the south."""
    backup_w: Mapping[str, float | None] = field(default_factory=dict)
    """Heat that sinks get from elsewhere, by their ids; a sink that is not named gets
    what the last decision asked its backup for."""
    can_dump: bool = True
    """False: what throws heat away does not answer."""
    building: SiteRequest = field(default_factory=SiteRequest)
    """What the building's controller asks for; heeded by the strategies for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteDecision:
    """What every part shall do now."""

    heaters: Mapping[str, Decision]
    valves: Mapping[str, bool]
    """Positions to hold; a valve that is not named stays as it is."""
    pumps: Mapping[str, bool]
    demands: Mapping[str, SinkDemand]
    demand_w: float | None
    """Heat that the sinks want; None while one of them is unknown."""
    heat_w: float | None
    """Heat that the heaters give off; None while one of them is unknown."""
    reason: Reason
    backup_w: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Heat that each backup shall give to each sink; what is not named is 0."""
    dump_w: float = 0.0
    """Heat that shall be thrown away."""

"""The power ladder of one heater: which power each state means, and back."""

from collections.abc import Mapping
from dataclasses import dataclass

from ..heaters.model import PowerState


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaterSettings:
    """What control must know of one heater; electrical W, times in s."""

    heater_id: str
    floor_w: float
    max_w: float
    levels_w: Mapping[PowerState, float]
    """Nominal power of standby, eco and full (a missing eco is no level)."""
    can_cap: bool
    efficiency: float = 1.0
    """Heat handed over per electricity drawn."""
    min_on_s: float = 0.0
    min_off_s: float = 0.0
    dwell_s: float = 0.0
    """Between two changes of power while working."""
    step_w: float = 50.0
    """Smaller changes of the cap are not worth a command."""
    merit: float = 0.0
    """Higher is used first."""

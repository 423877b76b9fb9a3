"""Who decides: safety > compute switch > building > climate mode."""

from dataclasses import dataclass
from typing import Literal

from ..heaters.model import PowerState
from .dispatch import DispatchResult
from .ladder import HeaterSettings
from .reasons import Reason
from .safety import SafetyVerdict


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildingRequest:
    """What the building's controller asks of one heater: a state or a power."""

    state: PowerState | None = None
    power_w: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaterWish:
    """Everything that has a say about one heater."""

    settings: HeaterSettings
    mode: Literal["off", "auto", "heat"]
    safety: SafetyVerdict
    manual_state: PowerState | None = None
    """Chosen by the power-state select; heeded in heat mode (``off`` also in off)."""
    setpoint_power_w: float | None = None
    """From the SetpointController, in heat mode without a manual state."""
    compute_allowed: bool = True
    power_limit_w: float | None = None
    """Upper limit set by the owner, valid in every mode."""
    off_powers_down: bool = False
    """Per-heater option: climate ``off`` shuts the machine down."""
    strategy_active: bool = True
    dispatch: DispatchResult | None = None
    building: BuildingRequest | None = None
    """Only where the strategy is ``building_demand``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the heater is told."""

    state: PowerState
    on: bool
    power_w: float | None
    """Cap to set: floor in standby; None: no cap (off, full, or it takes none)."""
    expected_w: float
    """Electrical power that this should lead to at most."""
    reason: Reason


def decide(wish: HeaterWish) -> Decision:
    """Apply the precedence table."""
    raise NotImplementedError


def headroom(wish: HeaterWish) -> tuple[PowerState, float | None]:
    """Return highest state and ceiling in W that limit, switch and safety leave.

    This is what dispatch should get as HeaterLimit.
    """
    raise NotImplementedError

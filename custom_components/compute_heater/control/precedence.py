"""Who decides: safety > compute switch > building > climate mode."""

from dataclasses import dataclass
from typing import Literal

from ..heaters.model import PowerState
from .building import BuildingRequest
from .dispatch import DispatchResult, HeaterLimit
from .ladder import SAME_W, HeaterSettings
from .reasons import Reason
from .safety import SafetyVerdict


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
    supply_limit_w: float | None = None
    """Power at which the supply keeps to its upper limit, in auto."""
    falls_back_w: float | None = None
    """What the heater lowers itself to when nobody commands it; None: it does not."""
    off_powers_down: bool = False
    """Per-heater option: climate ``off`` shuts the machine down."""
    strategy_active: bool = True
    dispatch: DispatchResult | None = None
    building: BuildingRequest | None = None
    """Only where the strategy heeds the building."""
    building_is_minimum: bool = False
    """The climate mode may ask for more than the building does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the heater is told."""

    state: PowerState
    on: bool
    power_w: float | None
    """Cap to set: floor in standby; None: no cap.

    That is off, the device's own full power, or a heater that takes none. For one that
    takes levels it is the nominal power of a level.
    """
    expected_w: float
    """Electrical power that this should lead to at most."""
    reason: Reason


def decide(wish: HeaterWish) -> Decision:
    """Apply the precedence table: what is wished for, then everything that lowers it."""
    settings = wish.settings
    state, power, reason = _wished(wish)
    limit = headroom(wish)
    if state is not PowerState.OFF:
        top = settings.highest_w(limit.ceiling_w, limit.max_state)
        if limit.max_state is PowerState.OFF:
            state, power, reason = PowerState.OFF, 0.0, limit.reason or reason
        elif power > top + SAME_W:
            state, power, reason = settings.state_of(top), top, limit.reason or reason
        elif reason is Reason.NO_DEMAND and wish.safety.reasons:
            # Demand only counts where the path is ready, so the path knows better why.
            reason = wish.safety.reasons[0]
    if state is PowerState.STANDBY and not settings.has_standby:
        state = PowerState.OFF
    return Decision(
        state=state,
        on=state is not PowerState.OFF,
        power_w=_cap(settings, state, power),
        expected_w=power,
        reason=reason,
    )


def headroom(wish: HeaterWish) -> HeaterLimit:
    """Return what all limits leave; dispatch should know it too."""
    safety = wish.safety
    by_safety = HeaterLimit(
        ceiling_w=safety.ceiling_w,
        max_state=safety.max_state,
        reason=safety.reasons[0] if safety.reasons else None,
    )
    by_switch = HeaterLimit(
        max_state=PowerState.FULL if wish.compute_allowed else PowerState.STANDBY,
        reason=Reason.COMPUTE_OFF,
    )
    locked = wish.building is not None and not wish.building.allowed
    by_building = HeaterLimit(
        max_state=PowerState.STANDBY if locked else PowerState.FULL,
        reason=Reason.BUILDING_LOCK,
    )
    by_owner = HeaterLimit(ceiling_w=wish.power_limit_w, reason=Reason.POWER_LIMIT)
    by_supply = HeaterLimit(
        ceiling_w=wish.supply_limit_w if wish.mode == "auto" else None,
        reason=Reason.SUPPLY_LIMIT,
    )
    by_absence = HeaterLimit(
        ceiling_w=_unattended_w(wish) if wish.mode == "auto" else None,
        reason=Reason.UNATTENDED,
    )
    limits = (by_safety, by_switch, by_building, by_owner, by_supply, by_absence)
    ceilings = [limit.ceiling_w for limit in limits if limit.ceiling_w is not None]
    # Of equally low limits the first, which ranks highest, gives the reason.
    strictest = min(limits, key=lambda limit: _room(wish.settings, limit))
    return HeaterLimit(
        ceiling_w=min(ceilings, default=None),
        max_state=min((limit.max_state for limit in limits), key=lambda s: s.rank),
        reason=strictest.reason,
    )


def _unattended_w(wish: HeaterWish) -> float | None:
    """Return the limit of a heater that would go on as it is with nobody there."""
    limit_w, fallback_w = wish.settings.unattended_w, wish.falls_back_w
    if limit_w is None or fallback_w is None:
        return limit_w
    return None if fallback_w <= limit_w + SAME_W else limit_w


def _room(settings: HeaterSettings, limit: HeaterLimit) -> float:
    if limit.max_state is PowerState.OFF:
        return 0.0
    return settings.highest_w(limit.ceiling_w, limit.max_state)


def _wished(wish: HeaterWish) -> tuple[PowerState, float, Reason]:
    """Return what the building, or else the climate mode, asks for."""
    settings, request = wish.settings, wish.building
    asked = None if request is None else request.asked_w(settings)
    if request is None or asked is None:
        return _wished_here(wish)
    by_building = (*_rung(settings, asked), request.reason)
    if not wish.building_is_minimum:
        return by_building
    return max(_wished_here(wish), by_building, key=lambda wished: wished[1])


def _wished_here(wish: HeaterWish) -> tuple[PowerState, float, Reason]:
    """Return what the climate mode asks for."""
    settings = wish.settings
    match wish.mode:
        case "off":
            if wish.off_powers_down or wish.manual_state is PowerState.OFF:
                return PowerState.OFF, 0.0, Reason.CLIMATE_OFF
            return PowerState.STANDBY, settings.standby_w, Reason.CLIMATE_OFF
        case "heat":
            if wish.manual_state is PowerState.OFF:
                return PowerState.OFF, 0.0, Reason.MANUAL_STATE
            if wish.manual_state is not None:
                nominal = settings.nominal_w(wish.manual_state)
                return (*_rung(settings, nominal), Reason.MANUAL_STATE)
            if wish.setpoint_power_w is None:
                return PowerState.STANDBY, settings.standby_w, Reason.STALE_SENSOR
            held = _rung(settings, wish.setpoint_power_w)
            return (*held, Reason.HOLDING_SETPOINT)
        case "auto":
            if not wish.strategy_active:
                return PowerState.STANDBY, settings.standby_w, Reason.STRATEGY_OFF
            if wish.dispatch is None:
                return PowerState.STANDBY, settings.standby_w, Reason.NO_DEMAND
            result = wish.dispatch
            return (*_rung(settings, result.power_w), result.reason)


def _rung(settings: HeaterSettings, power_w: float) -> tuple[PowerState, float]:
    """Return the state and power that the heater has for a wished power."""
    power = settings.highest_w(power_w, PowerState.FULL)
    return settings.state_of(power), power


def _cap(settings: HeaterSettings, state: PowerState, power_w: float) -> float | None:
    if not settings.can_cap:
        leveled = settings.takes_levels and state is not PowerState.OFF
        return power_w if leveled else None
    device_max_w = settings.device_max_w
    match state:
        case PowerState.OFF:
            return None
        case PowerState.STANDBY:
            return settings.floor_w
        case PowerState.FULL if (
            device_max_w is None or settings.full_w >= device_max_w - SAME_W
        ):
            return None
        case _:
            return power_w

"""Dispatch: split a heat target over the heaters."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..heaters.model import PowerState
from .ladder import HeaterSettings
from .reasons import Reason

__all__ = ["DispatchResult", "Dispatcher", "HeaterLimit", "HeaterSettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaterLimit:
    """How far dispatch may use one heater now (safety, compute switch, power limit)."""

    ceiling_w: float | None = None
    max_state: PowerState = PowerState.FULL


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchResult:
    """What one heater shall do."""

    state: PowerState
    power_w: float
    """Expected electrical power: the cap of a heater that takes one, else nominal."""
    reason: Reason


class Dispatcher:
    """Splits the heat target by merit order, respecting levels and minimum times."""

    def __init__(self, heaters: Iterable[HeaterSettings]) -> None:
        """Steer ``heaters``."""

    def dispatch(
        self,
        target_heat_w: float,
        available: Mapping[str, HeaterLimit],
        now: float,
        *,
        cause: Reason = Reason.FOLLOWING_DEMAND,
    ) -> Mapping[str, DispatchResult]:
        """Return what each heater named in ``available`` shall do.

        Leave out heaters that are unavailable or not in auto. ``cause`` is the reason
        given where the target alone decides.
        """
        raise NotImplementedError

    @property
    def memory(self) -> dict[str, object]:
        """What must survive a reload or restart, JSON-serialisable (ages, no clock)."""
        raise NotImplementedError

    def restore(self, memory: Mapping[str, object]) -> None:
        """Take over a stored memory; heaters that no longer exist are ignored."""
        raise NotImplementedError

"""The power ladder of one heater: which power each state means, and back."""

from collections.abc import Mapping
from dataclasses import dataclass

from ..heaters.model import PowerState

SAME_W = 0.5
"""Powers closer than this are the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaterSettings:
    """What control must know of one heater; electrical W, times in s."""

    heater_id: str
    floor_w: float
    """Lowest cap; where there is no cap, the power in standby."""
    max_w: float
    levels_w: Mapping[PowerState, float]
    """Nominal power of standby, eco and full (a missing eco is no level)."""
    can_cap: bool
    has_standby: bool = True
    """False: it works or is off. Standby is off."""
    takes_levels: bool = False
    """It takes no cap, but each of ``levels_w`` can be commanded."""
    working_floor_w: float | None = None
    """Lowest cap, where it works even then; None: at the floor it stands by."""
    device_max_w: float | None = None
    """What the device may draw without a cap; None: no more than ``max_w``."""
    efficiency: float = 1.0
    """Heat handed over per electricity drawn."""
    min_on_s: float = 0.0
    min_off_s: float = 0.0
    """Times of working (more than standby) and of standby."""
    dwell_s: float = 0.0
    """Between two changes of power while working."""
    step_w: float = 50.0
    """Smaller changes of the cap are not worth a command."""
    unattended_w: float | None = None
    """What it may go on drawing with nobody there to lower it; the limit in auto."""

    @property
    def standby_w(self) -> float:
        """Power in standby."""
        if not self.has_standby:
            return 0.0
        return self.levels_w.get(PowerState.STANDBY, self.floor_w)

    @property
    def full_w(self) -> float:
        """Greatest power: the highest cap, or the nominal power of full."""
        return (
            self.max_w
            if self.can_cap
            else self.levels_w.get(PowerState.FULL, self.max_w)
        )

    @property
    def lowest_working_w(self) -> float:
        """Smallest power that is more than standby."""
        if self.can_cap:
            if self.working_floor_w is not None:
                return min(self.working_floor_w, self.max_w)
            return min(self.floor_w + self.step_w, self.max_w)
        return min(self.working_levels_w)

    @property
    def working_levels_w(self) -> tuple[float, ...]:
        """Nominal powers above standby, lowest first."""
        if not self.has_standby and not self.takes_levels:
            return (self.full_w,)
        levels = {self.full_w}
        eco = self.levels_w.get(PowerState.ECO)
        if eco is not None and self.standby_w + SAME_W < eco < self.full_w - SAME_W:
            levels.add(eco)
        return tuple(sorted(levels))

    def nominal_w(self, state: PowerState) -> float:
        """Power of a state of the ladder."""
        match state:
            case PowerState.OFF:
                return 0.0
            case PowerState.STANDBY:
                return self.standby_w
            case PowerState.ECO:
                eco = self.levels_w.get(PowerState.ECO, self.lowest_working_w)
                return min(eco, self.full_w)
            case PowerState.FULL:
                return self.full_w

    def highest_w(self, ceiling_w: float | None, max_state: PowerState) -> float:
        """Greatest power that both limits leave; standby where nothing works.

        ``eco`` as a limit means its nominal power also for a heater that takes a cap.
        """
        if max_state.rank <= PowerState.STANDBY.rank:
            return self.standby_w
        limit = self.nominal_w(max_state)
        if ceiling_w is not None:
            limit = min(limit, ceiling_w)
        if self.can_cap:
            if self.working_floor_w is not None:
                return (
                    limit if limit > self.working_floor_w - SAME_W else self.standby_w
                )
            return limit if limit > self.floor_w + SAME_W else self.standby_w
        fitting = [w for w in self.working_levels_w if w <= limit + SAME_W]
        return max(fitting, default=self.standby_w)

    def state_of(self, power_w: float) -> PowerState:
        """State of the ladder in which the heater draws ``power_w``."""
        if power_w >= self.full_w - SAME_W:
            return PowerState.FULL
        floor_w = 0.0
        if self.can_cap and self.working_floor_w is None:
            floor_w = self.floor_w
        if power_w <= max(self.standby_w, floor_w) + SAME_W:
            return PowerState.STANDBY
        return PowerState.ECO

"""Dispatch: split a heat target over the heaters, in time."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite

from ..heaters.model import PowerState
from .allocation import Share, allocate
from .clock import Clock, entries, seconds
from .ladder import SAME_W, HeaterSettings
from .merit import MeritOrder
from .reasons import Reason

__all__ = ["DispatchResult", "Dispatcher", "HeaterLimit", "HeaterSettings"]

CARRY_S = 600.0
"""Least time over which an error of quantisation is made good."""
ALTERNATE_S = 60.0
"""Least time on a level where the target lies between two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaterLimit:
    """How far dispatch may use one heater now (safety, compute switch, power limit)."""

    ceiling_w: float | None = None
    max_state: PowerState = PowerState.FULL
    least_w: float = 0.0
    """What the building's controller asks for at least, where it fits in."""
    reason: Reason | None = None
    """Shown where the limit is what holds the heater down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchResult:
    """What one heater shall do."""

    state: PowerState
    power_w: float
    """Expected electrical power: the cap of a heater that takes one, else nominal."""
    reason: Reason


@dataclass(slots=True)
class _Running:
    """What one heater does, and since when; None is "for ever"."""

    power_w: float
    working: bool = False
    mode_s: float | None = None
    """Time working, or time in standby."""
    level_s: float | None = None
    """Time at this power."""

    def pass_time(self, elapsed_s: float) -> None:
        if self.mode_s is not None:
            self.mode_s += elapsed_s
        if self.level_s is not None:
            self.level_s += elapsed_s

    def change(self, power_w: float, *, working: bool) -> None:
        if abs(power_w - self.power_w) > SAME_W:
            self.level_s = 0.0
        if working is not self.working:
            self.mode_s = 0.0
        self.power_w, self.working = power_w, working

    def kept_for(self, minimum_s: float) -> bool:
        """Whether it has worked, or stood by, for that long already."""
        return self.mode_s is None or self.mode_s >= minimum_s

    def dwelt(self, minimum_s: float) -> bool:
        """Whether the power has been unchanged for that long already."""
        return self.level_s is None or self.level_s >= minimum_s


class Dispatcher:
    """Splits the heat target by merit order, respecting levels and minimum times."""

    def __init__(self, heaters: Iterable[HeaterSettings]) -> None:
        """Steer ``heaters``, all of which stand by."""
        self._heaters = {each.heater_id: each for each in heaters}
        self._order = MeritOrder(self._heaters.values())
        self._running = {
            key: _Running(each.standby_w) for key, each in self._heaters.items()
        }
        self._clock = Clock()
        self._carry_j = 0.0
        self._missing_w = 0.0
        """Heat that was wanted and possible, but lies between two levels."""

    def dispatch(
        self,
        target_heat_w: float,
        available: Mapping[str, HeaterLimit],
        now: float,
        *,
        merits: Mapping[str, float] | None = None,
        cause: Reason = Reason.FOLLOWING_DEMAND,
    ) -> Mapping[str, DispatchResult]:
        """Return what each heater named in ``available`` shall do.

        Leave out heaters that are unavailable or not in auto. Those of greater merit
        (see ``merit``) are used first. ``cause`` is the reason given where the target
        alone decides.
        """
        if not isfinite(target_heat_w):
            target_heat_w = 0.0
        self._pass_time(now)
        at_work = {key for key, each in self._running.items() if each.working}
        heaters = [
            each
            for each in self._order.order(merits or {}, at_work)
            if each.heater_id in available
        ]
        shares = [self._share(h, available[h.heater_id]) for h in heaters]
        held = self._allocate(target_heat_w, shares, cause)
        limits = [available[h.heater_id] for h in heaters]
        unmet = target_heat_w - sum(s.heat_w(s.wanted_w) for s in shares)
        results = {
            share.settings.heater_id: DispatchResult(
                state=share.settings.state_of(share.wanted_w),
                power_w=share.wanted_w,
                reason=self._reason(
                    share, limit, unmet, held.get(share.settings.heater_id, cause)
                ),
            )
            for share, limit in zip(shares, limits, strict=True)
        }
        for share in shares:
            running = self._running[share.settings.heater_id]
            working = share.wanted_w > share.settings.standby_w + SAME_W
            running.change(share.wanted_w, working=working)
        self._note_missing(target_heat_w, shares, limits)
        return results

    def _pass_time(self, now: float) -> None:
        elapsed_s = self._clock.elapsed_s(now)
        for heater_id, running in self._running.items():
            running.pass_time(elapsed_s)
            self._order.note(heater_id, running.power_w, elapsed_s)
        self._carry_j += self._missing_w * elapsed_s

    def _share(self, settings: HeaterSettings, limit: HeaterLimit) -> Share:
        """Bounds of one heater now. A limit acts at once, whatever the minimum times."""
        running = self._running[settings.heater_id]
        cap = settings.highest_w(limit.ceiling_w, limit.max_state)
        if running.power_w > cap:
            running.change(cap, working=cap > settings.standby_w + SAME_W)
        low = top = settings.standby_w
        if running.working:
            top = cap
            if not running.kept_for(settings.min_on_s):
                low = min(settings.lowest_working_w, cap)
        elif running.kept_for(settings.min_off_s):
            top = cap
        low = min(max(low, limit.least_w), top)
        return Share(settings=settings, low_w=low, top_w=top)

    def _allocate(
        self, target: float, shares: list[Share], cause: Reason
    ) -> dict[str, Reason]:
        """Allocate until every change is one that may be made now; return the holds."""
        held: dict[str, Reason] = {}
        allocate(target, shares, self._carry_j)
        for share in shares:
            # Heaters only start because the target asks for them, not to stand in for
            # one that waits for its dwell time.
            if not self._is_working(share) and share.wanted_w <= share.low_w + SAME_W:
                share.top_w = share.low_w
        while True:
            held_now = {
                share.settings.heater_id: reason
                for share in shares
                if share.fixed_w is None and (reason := self._must_hold(share, cause))
            }
            if not held_now:
                return held
            held |= held_now
            for share in shares:
                if share.settings.heater_id in held_now:
                    share.fixed_w = self._running[share.settings.heater_id].power_w
            allocate(target, shares, self._carry_j)

    def _is_working(self, share: Share) -> bool:
        return self._running[share.settings.heater_id].working

    def _must_hold(self, share: Share, cause: Reason) -> Reason | None:
        """Why a heater must not change its power now."""
        settings, wanted = share.settings, share.wanted_w
        running = self._running[settings.heater_id]
        change = abs(wanted - running.power_w)
        if change <= SAME_W:
            return None
        dwell_s = settings.dwell_s
        if (
            share.alternating
            and settings.can_cap
            and running.power_w > (settings.lowest_working_w + SAME_W)
        ):
            # It comes down to the two powers that it will alternate between.
            return None
        if share.alternating:
            dwell_s = max(dwell_s, ALTERNATE_S)
        else:
            starts_or_stops = (
                not running.working or wanted <= settings.standby_w + SAME_W
            )
            to_bottom = wanted <= settings.lowest_working_w
            to_top = wanted >= share.top_w - SAME_W
            if starts_or_stops or to_bottom:
                return None
            if to_top and running.kept_for(settings.min_on_s):
                return None
            if settings.can_cap and change < settings.step_w:
                return cause
        return None if running.dwelt(dwell_s) else Reason.LEVEL_DWELL

    def _reason(
        self, share: Share, limit: HeaterLimit, unmet: float, cause: Reason
    ) -> Reason:
        settings = share.settings
        running = self._running[settings.heater_id]
        cap = settings.highest_w(limit.ceiling_w, limit.max_state)
        lacking = unmet > share.heat_w(settings.step_w)
        standby = share.wanted_w <= settings.standby_w + SAME_W
        limited = cap < settings.full_w - SAME_W and share.wanted_w >= cap - SAME_W
        if lacking and limited and limit.reason is not None:
            return limit.reason
        waits = not running.working and not running.kept_for(settings.min_off_s)
        if standby and lacking and waits:
            return Reason.MINIMUM_OFF_TIME
        if share.alternating:
            return Reason.ALTERNATING
        if standby:
            return Reason.NO_DEMAND
        if (
            unmet < -SAME_W
            and share.low_w > settings.standby_w
            and (share.wanted_w <= share.low_w + SAME_W)
        ):
            return Reason.MINIMUM_ON_TIME
        if lacking and share.wanted_w >= settings.full_w - SAME_W:
            return Reason.FULLY_USED
        return cause

    def _note_missing(
        self, target: float, shares: list[Share], limits: list[HeaterLimit]
    ) -> None:
        """Remember the error of quantisation, which the coming decisions make good.

        What is beyond the heaters' limits is not owed, or it would wind up.
        """
        least = sum(s.heat_w(s.settings.standby_w) for s in shares)
        most = sum(
            s.heat_w(s.settings.highest_w(limit.ceiling_w, limit.max_state))
            for s, limit in zip(shares, limits, strict=True)
        )
        if not least < target < most:
            self._carry_j = self._missing_w = 0.0
            return
        self._missing_w = target - sum(s.heat_w(s.wanted_w) for s in shares)
        longest = max(
            max(s.settings.min_on_s, s.settings.min_off_s, s.settings.dwell_s, CARRY_S)
            for s in shares
        )
        bound = 2 * (most - least) * longest
        self._carry_j = min(max(self._carry_j, -bound), bound)

    def mode_h(self, heater_id: str) -> float | None:
        """Return for how many hours a heater has worked, or stood by; None: for ever."""
        mode_s = self._running[heater_id].mode_s
        return None if mode_s is None else mode_s / 3600

    @property
    def memory(self) -> dict[str, object]:
        """What must survive a reload or restart, JSON-serialisable (ages, no clock)."""
        return {
            "carry_j": self._carry_j,
            "heaters": {
                heater_id: {
                    "power_w": running.power_w,
                    "mode_s": running.mode_s,
                    "level_s": running.level_s,
                }
                for heater_id, running in self._running.items()
            },
            "order": self._order.memory,
        }

    def restore(self, memory: Mapping[str, object]) -> None:
        """Take over a stored memory; heaters that no longer exist are ignored."""
        carry = memory.get("carry_j")
        if isinstance(carry, int | float) and isfinite(carry):
            self._carry_j = float(carry)
        self._order.restore(memory.get("order"))
        settings = self._heaters
        for heater_id, stored in entries(memory.get("heaters")):
            power = seconds(stored.get("power_w"))
            if heater_id in settings and power is not None:
                self._running[heater_id] = _Running(
                    power_w=min(power, settings[heater_id].full_w),
                    working=power > settings[heater_id].standby_w + SAME_W,
                    mode_s=seconds(stored.get("mode_s")),
                    level_s=seconds(stored.get("level_s")),
                )

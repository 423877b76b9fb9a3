"""Split a heat target over heaters by merit, on the powers that each can take."""

from collections.abc import Sequence
from dataclasses import dataclass

from .ladder import SAME_W, HeaterSettings


@dataclass(slots=True, kw_only=True)
class Share:
    """One heater's part; heaters come in merit order."""

    settings: HeaterSettings
    low_w: float
    """Power that cannot be avoided: standby, or the least work in the minimum time."""
    top_w: float
    fixed_w: float | None = None
    """Held where it is, whatever the target."""
    wanted_w: float = 0.0
    """Result."""
    alternating: bool = False
    """Result: the target lies between two levels, one of which was chosen."""

    def heat_w(self, power_w: float) -> float:
        """Heat from electricity."""
        return power_w * self.settings.efficiency


def allocate(target_heat_w: float, shares: Sequence[Share], carry_j: float) -> float:
    """Fill ``wanted_w`` of every share; return the heat in W that nobody can give.

    ``carry_j`` is the heat owed (positive) or given too much so far. It decides
    between two levels where no heater with a free power can make up the difference.
    """
    rest = target_heat_w
    for share in shares:
        start = share.low_w if share.fixed_w is None else share.fixed_w
        share.wanted_w, share.alternating = start, False
        rest -= share.heat_w(start)
    free = [share for share in shares if share.fixed_w is None]
    for position, share in enumerate(free):
        gain = min(max(rest, 0.0), share.heat_w(max(share.top_w - share.low_w, 0.0)))
        rest -= gain
        power = share.low_w + gain / share.settings.efficiency
        share.wanted_w = min(power, max(share.top_w, share.low_w))
        before, after = free[:position], free[position + 1 :]
        settings = share.settings
        least = min(settings.lowest_working_w, share.top_w)
        if not settings.can_cap:
            above = [
                w
                for w in settings.working_levels_w
                if share.low_w < w <= share.top_w + SAME_W
            ]
            rest += _choose_level(share, above, before, after, carry_j)
        elif not share.low_w < share.wanted_w < least:
            pass
        elif settings.working_floor_w is not None:
            # The gap below the least work is too wide to be rounded away.
            rest += _choose_level(share, [least], before, after, carry_j)
        else:
            rest += _round_start(share, least)
    return rest


def _round_start(share: Share, least: float) -> float:
    """Between standby and the least work take the nearer; return the heat left over."""
    wanted = share.wanted_w
    middle = (share.settings.standby_w + least) / 2
    share.wanted_w = least if wanted >= middle else share.low_w
    return share.heat_w(wanted - share.wanted_w)


def _choose_level(
    share: Share,
    above: Sequence[float],
    before: Sequence[Share],
    after: Sequence[Share],
    carry_j: float,
) -> float:
    """Put a heater on a level, its lowest or ``above``; return the heat left over."""
    wanted = share.wanted_w
    rungs = [share.low_w, *above]
    lower = max(w for w in rungs if w <= wanted + SAME_W)
    upper = min((w for w in rungs if w > wanted + SAME_W), default=lower)
    if wanted - lower <= SAME_W or upper == lower:
        share.wanted_w = lower
        return share.heat_w(wanted - lower)
    excess = share.heat_w(upper - wanted)
    reducible = [s for s in before if s.settings.can_cap and _spare_w(s) > 0]
    if sum(s.heat_w(_spare_w(s)) for s in reducible) >= excess:
        share.wanted_w = upper
        for other in reversed(reducible):
            cut = min(excess, other.heat_w(_spare_w(other)))
            other.wanted_w -= cut / other.settings.efficiency
            excess -= cut
        return 0.0
    missing = share.heat_w(wanted - lower)
    if any(
        s.settings.can_cap and s.heat_w(s.top_w - s.low_w) >= missing for s in after
    ):
        share.wanted_w = lower
        return missing
    share.alternating = True
    nearer_upper = carry_j == 0 and wanted - lower > upper - wanted
    share.wanted_w = upper if carry_j > 0 or nearer_upper else lower
    return 0.0


def _spare_w(share: Share) -> float:
    """How far a heater with a cap can come down and still work."""
    least = max(min(share.settings.lowest_working_w, share.top_w), share.low_w)
    return max(share.wanted_w - least, 0.0)

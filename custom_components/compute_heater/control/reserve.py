"""How far a hot-water tank may be run down and still give hot water."""

from collections.abc import Sequence
from dataclasses import dataclass

from .stratified import COLD_C

MARGIN_K = 1.0
"""The top shall stay so far above the comfort minimum."""
UNMIXED = 0.05
DEAD_SHARE = 0.2
"""What is below the lower sensor, and the border between hot and cold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TankView:
    """What is known of a tank now; temperatures in °C."""

    top_c: float
    mean_c: float
    capacity_kwh_per_k: float
    fall_k_per_h: float
    """By losses."""
    follows_top: float
    """By how many K the top falls per K of the mean while water is drawn."""


def minimum_means_c(
    tank: TankView,
    comfort_c: float,
    hours: Sequence[float],
    reserve_kwh: Sequence[float],
) -> tuple[float, ...]:
    """Return the least mean temperature at the end of each step.

    Down to it the top stays hot enough even if ``reserve_kwh`` more than expected is
    drawn. A tank in layers may be much colder in the mean than one that is mixed.
    """
    needed_c = comfort_c + MARGIN_K
    minimum: list[float] = []
    elapsed_h = 0.0
    for step_h, reserve in zip(hours, reserve_kwh, strict=True):
        elapsed_h += step_h
        reserve_k = max(reserve, 0.0) / tank.capacity_kwh_per_k
        mixed_c = needed_c + tank.follows_top * reserve_k
        fallen_k = tank.fall_k_per_h * elapsed_h
        spare_k = tank.top_c - fallen_k - needed_c
        if spare_k <= 0:
            # It has to be charged before, and is mixed then.
            minimum.append(mixed_c)
            continue
        by_mixing_c = tank.mean_c - fallen_k - spare_k / max(tank.follows_top, UNMIXED)
        by_volume_c = COLD_C + DEAD_SHARE * (tank.top_c - COLD_C)
        minimum.append(min(mixed_c, max(by_mixing_c, by_volume_c) + reserve_k))
    return tuple(minimum)

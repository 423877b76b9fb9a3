"""How far a hot-water tank may be run down and still give hot water."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

MARGIN_K = 1.0
"""The top shall stay so far above the comfort minimum."""
UNMIXED = 0.05
FALL_STEP_K = 0.5
"""What a tank can give is worked out for each such fall of its temperature."""


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
    usable_kwh: Callable[[float, float], float]
    """Heat that can be drawn until the top is at a temperature, after a fall in K."""


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
    usable_k: dict[int, float] = {}
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
        falls = round(fallen_k / FALL_STEP_K)
        if falls not in usable_k:
            usable_kwh = tank.usable_kwh(needed_c, falls * FALL_STEP_K)
            usable_k[falls] = usable_kwh / tank.capacity_kwh_per_k
        by_layers_c = tank.mean_c - fallen_k - usable_k[falls]
        minimum.append(min(mixed_c, max(by_mixing_c, by_layers_c) + reserve_k))
    return tuple(minimum)

"""What all learners have in common."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isclose, isfinite

from .kalman import Belief

BOUND = 2.5
"""A parameter never gets further from the prior than so many standard deviations."""
GATE = 3.5
"""A surprise of more standard deviations is an event, not a lesson."""
DRIFT_PER_DAY = 0.01
"""Parameters may change by this (logarithm) in a day: things get old, people move in."""


@dataclass(slots=True)
class FadingRatio:
    """Weighted sums whose past fades."""

    above: float
    below: float

    def add(self, above: float, below: float, kept: float) -> None:
        """Let the past fade to a share ``kept`` and add to both sums."""
        self.above = kept * self.above + above
        self.below = kept * self.below + below

    @property
    def ratio(self) -> float:
        """Return the weighted mean; 0 before there is any."""
        return self.above / self.below if self.below > 0 else 0.0


def bound(
    belief: Belief, middle: Sequence[float], spread: Sequence[float], first: int
) -> None:
    """Keep the numbers from ``first`` on within reach of their priors."""
    for index, (start, deviation) in enumerate(zip(middle, spread, strict=True)):
        reach = BOUND * deviation
        belief.mean[first + index] = min(
            max(belief.mean[first + index], start - reach), start + reach
        )


def confidence_of(belief: Belief, spread: Sequence[float], first: int) -> float:
    """Return how much less uncertain they are than at the start: 0 not at all, 1 fully."""
    left = [
        min(belief.deviation(first + index) / deviation, 1.0)
        for index, deviation in enumerate(spread)
    ]
    return 1 - sum(left) / len(left)


def is_same(stored: object, prior: tuple[float | None, ...]) -> bool:
    """Whether a stored list holds the values of a prior."""
    if not isinstance(stored, list) or len(stored) != len(prior):
        return False
    for was, value in zip(stored, prior, strict=True):
        found = number(was)
        if value is None or found is None:
            if was is not None or value is not None:
                return False
        elif not isclose(found, value, rel_tol=1e-6, abs_tol=1e-9):
            return False
    return True


def pair(stored: object) -> tuple[float, float] | None:
    """Return two stored numbers; None if they are none."""
    if not isinstance(stored, list) or len(stored) != 2:
        return None
    first, second = number(stored[0]), number(stored[1])
    return None if first is None or second is None else (first, second)


def number(value: object) -> float | None:
    """Return a stored number; None if it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if isfinite(value) else None

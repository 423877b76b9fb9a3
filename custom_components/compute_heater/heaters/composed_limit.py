"""The power limit of a heater as its number entity has it: W, kW or percent, in steps."""

from dataclasses import dataclass
from math import floor

from .entities import EntityState
from .model import HeaterProtocolError

_WATTS_PER = {"W": 1.0, "kW": 1000.0}
_PERCENT = "%"
# Of a step, so that 0.1 + 0.2 still counts as 0.3.
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitScale:
    """Translates between watts and the unit of a number entity."""

    watts_per_unit: float
    minimum: float
    maximum: float
    step: float | None

    @property
    def floor_w(self) -> float:
        """Lowest limit."""
        return self.minimum * self.watts_per_unit

    @property
    def max_w(self) -> float:
        """Highest limit."""
        return self.maximum * self.watts_per_unit

    @property
    def step_w(self) -> float | None:
        """Step of the limit."""
        return None if self.step is None else self.step * self.watts_per_unit

    def watts(self, value: float) -> float:
        """Return the limit that a value of the entity means."""
        return value * self.watts_per_unit

    def value(self, watts: float) -> float:
        """Return the highest value that allows no more than ``watts``.

        It lies within the range of the entity: the lowest where even that is more.
        """
        wanted = watts / self.watts_per_unit
        if self.step:
            steps = floor((wanted - self.minimum) / self.step + _ROUNDING)
            wanted = round(self.minimum + steps * self.step, 6)
        return min(max(wanted, self.minimum), self.maximum)

    def is_same(self, first: float, second: float) -> bool:
        """Whether two values of the entity are the same but for rounding."""
        return abs(first - second) <= (self.step or 0.01) / 2


def limit_scale(
    entity_id: str, state: EntityState, rated_w: float | None
) -> LimitScale:
    """Return the scale of a number entity; ``rated_w`` is what 100 % means.

    Raises HeaterProtocolError for a unit or range that is none of a power.
    """
    factor = _WATTS_PER.get(state.unit or "")
    if state.unit == _PERCENT and rated_w:
        factor = rated_w / 100
    if factor is None:
        raise HeaterProtocolError(f"{entity_id} has no power limit in {state.unit}")
    low, high = state.minimum, state.maximum
    if low is None or high is None or not 0 <= low < high:
        raise HeaterProtocolError(f"{entity_id} has no range of a power limit")
    return LimitScale(
        watts_per_unit=factor, minimum=low, maximum=high, step=state.step or None
    )

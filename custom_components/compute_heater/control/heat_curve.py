"""How warm heating water has to be when it is cold outside."""

from dataclasses import dataclass

MILD_C = 20.0
"""Outdoors; nobody heats above it."""


@dataclass(frozen=True, slots=True)
class HeatCurve:
    """A straight line, as heating controllers have it."""

    base_c: float
    """Supply temperature at 20 °C outdoors."""
    slope: float
    """By how many K it rises for each K that it is colder."""

    def supply_c(self, outdoor_c: float) -> float:
        """Return the supply temperature in °C for a temperature outdoors."""
        return self.base_c + self.slope * max(MILD_C - outdoor_c, 0.0)

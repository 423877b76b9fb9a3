"""Who decides about the heat of heaters in auto."""

from enum import StrEnum


class Strategy(StrEnum):
    """Who decides about the heat of heaters in auto."""

    OFF = "off"
    FOLLOW_DEMAND = "follow_demand"
    OPTIMISE = "optimise"
    BUILDING_DEMAND = "building_demand"
    """The building's controller; while it asks for nothing, the consumers' demand."""
    BUILDING_MINIMUM = "building_minimum"
    """At least what the building's controller asks for, and the plan above it."""

    @property
    def plans(self) -> bool:
        """Whether a plan is made and followed."""
        return self in {Strategy.OPTIMISE, Strategy.BUILDING_MINIMUM}

    @property
    def heeds_building(self) -> bool:
        """Whether the building's controller has a say."""
        return self in {Strategy.BUILDING_DEMAND, Strategy.BUILDING_MINIMUM}

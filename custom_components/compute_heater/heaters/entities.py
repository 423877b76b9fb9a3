"""What a heater that is put together from entities asks of whoever has the entities."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Quantity(StrEnum):
    """What a sensor measures, which gives the unit of its readings."""

    POWER = "power"
    """W"""
    ENERGY = "energy"
    """kWh"""
    TEMPERATURE = "temperature"
    """°C"""
    FLOW = "flow"
    """L/min"""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityState:
    """An entity as it is now; its range is known while it is unavailable, too."""

    value: bool | float | str | None
    """Of a switch, a number, a select; None while it is unavailable or unknown."""
    unit: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    options: tuple[str, ...] = ()
    device_class: str | None = None


class EntityPort(Protocol):
    """Reads, watches and commands entities by their ids."""

    def state(self, entity_id: str) -> EntityState | None:
        """Return the state in the entity's own unit; None if there is no such entity."""
        ...

    def measured(self, entity_id: str, quantity: Quantity) -> float | None:
        """Return a reading in the unit of the quantity.

        None when it is unavailable, has another kind of unit, or is too old.
        """
        ...

    async def call(self, entity_id: str, value: bool | float | str) -> None:
        """Switch, set or select.

        Raises HeaterRefusedError if that is refused, HeaterConnectionError if it does
        not end. Success does not mean that the entity has the value.
        """
        ...

    def watch(
        self, entity_ids: Iterable[str], on_change: Callable[[], None]
    ) -> Callable[[], None]:
        """Call ``on_change`` whenever a state changes, until what is returned is called."""
        ...

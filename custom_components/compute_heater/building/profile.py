"""Devices whose registers we know."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from .modbus_link import Transport
from .modbus_plan import Layout
from .modbus_point import ModbusPoint, WriteClass

LANGUAGES = ("en", "de")

type Texts = Mapping[str, str]
"""A text by language."""


class Confidence(StrEnum):
    """How well a register is known; nobody tried them on a real device for us."""

    A = "A"
    """Two independent sources agree."""
    B = "B"
    """One good source."""
    C = "C"
    """Sources contradict each other or leave something open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOffer:
    """What is known about writing a point."""

    confidence: Confidence
    write_class: WriteClass | None
    """None = nobody says what the device does with the value."""

    @property
    def needs_confirmation(self) -> bool:
        """Not offered before the user confirmed this very point."""
        return self.confidence is not Confidence.A or self.write_class is None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfilePoint:
    """A point that the device may have."""

    point: ModbusPoint
    """Read-only, with its limits and write class; its name is the English one."""
    names: Texts
    states: Mapping[str, tuple[str, ...]]
    """State texts by language; empty when it has none."""
    confidence: Confidence
    write: WriteOffer | None = None
    """None = it can only be read."""
    selected: bool = True
    """Most owners want it."""

    def as_point(self, language: str, *, writable: bool = False) -> ModbusPoint:
        """Return the point as it is stored.

        Raises ValueError when it shall be written and cannot be. Whether the user
        confirmed a point that needs it is the caller's to know.
        """
        if writable and self.write is None:
            raise ValueError(f"{self.point.key} can only be read")
        return replace(
            self.point,
            name=self.names.get(language, self.point.name),
            states=self.states.get(language, self.point.states),
            writable=writable,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A number that only the owner knows; addresses depend on it."""

    name: str
    names: Texts
    minimum: int
    maximum: int
    default: int | None
    """None = what depends on it is left out until it is given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The registers of a device or a family of devices."""

    id: str
    title: str
    manufacturer: str
    models: tuple[str, ...]
    source: tuple[str, ...]
    confidence: Confidence
    layout: Layout
    points: tuple[ProfilePoint, ...]
    """With the parameters at their defaults."""
    transport: Transport = Transport.TCP
    port: int = 502
    unit_id: int = 1
    notes: Texts = field(default_factory=dict)
    """What the owner should know, e.g. what to enable on the device."""
    parameters: tuple[Parameter, ...] = ()

    def points_for(self, values: Mapping[str, int]) -> tuple[ProfilePoint, ...]:
        """Return the points with these parameters; raises PointConfigError."""
        raise NotImplementedError


def load_profiles() -> dict[str, Profile]:
    """Read the shipped profiles by id (from disk: not in the event loop)."""
    return {}

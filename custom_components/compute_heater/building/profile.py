"""Devices whose registers we know."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from .modbus_link import Transport
from .modbus_plan import Layout
from .modbus_point import ModbusPoint, WriteClass
from .points import PointConfigError

LANGUAGES = ("en", "de")
"""The first one is what others fall back to."""

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
    """None = nobody says what the device does with the value. The point then counts
    as one whose memory wears, which is the safe side."""

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
    shift: Mapping[str, int] = field(default_factory=dict)
    """By parameter: what each of its units adds to the address."""

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
    templates: tuple[ProfilePoint, ...]
    """All points, before the parameters are applied."""
    transport: Transport = Transport.TCP
    port: int = 502
    unit_id: int = 1
    notes: Texts = field(default_factory=dict)
    """What the owner should know, e.g. what to enable on the device."""
    parameters: tuple[Parameter, ...] = ()

    @property
    def points(self) -> tuple[ProfilePoint, ...]:
        """The points with the parameters at their defaults."""
        return self.points_for({})

    def points_for(self, values: Mapping[str, int]) -> tuple[ProfilePoint, ...]:
        """Return the points with these parameters; raises PointConfigError.

        Points whose parameter is neither given nor has a default are left out.
        """
        given = self._checked(values)
        return tuple(
            replace(each, point=replace(each.point, address=address))
            for each in self.templates
            if each.shift.keys() <= given.keys()
            for address in (_shifted(each, given),)
        )

    def _checked(self, values: Mapping[str, int]) -> dict[str, int]:
        known = {parameter.name: parameter for parameter in self.parameters}
        given = {
            parameter.name: parameter.default
            for parameter in self.parameters
            if parameter.default is not None
        }
        for name, value in values.items():
            if (parameter := known.get(name)) is None:
                raise PointConfigError(name, f"is no parameter of {self.title}")
            if not parameter.minimum <= value <= parameter.maximum:
                raise PointConfigError(
                    name,
                    f"expected {parameter.minimum} to {parameter.maximum}, not {value}",
                )
            given[name] = value
        return given


def load_profiles() -> dict[str, Profile]:
    """Read the shipped profiles, by id and in the order of their titles.

    Reads files: not for the event loop.
    """
    from .profile_file import read_profiles

    return read_profiles()


def _shifted(each: ProfilePoint, given: Mapping[str, int]) -> int:
    address = each.point.address + sum(
        step * given[name] for name, step in each.shift.items()
    )
    if not 0 <= address <= 65536 - each.point.data_type.words:
        raise PointConfigError(
            next(iter(each.shift)), f"{each.point.name} would be past 65535"
        )
    return address

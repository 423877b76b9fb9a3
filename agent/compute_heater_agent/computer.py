"""What a computer is made of, as far as its own operating system can tell."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Processor:
    """One processor package; None is unknown."""

    socket: str | None = None
    vendor: str | None = None
    """As the processor itself tells it, e.g. ``GenuineIntel``."""
    model: str | None = None
    cores: int | None = None
    threads: int | None = None
    max_mhz: int | None = None
    has_temperature: bool = False
    """Its temperature is read, if it can be just now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkPort:
    """A network card; what starts the machine from afar needs its address."""

    name: str
    mac: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Computer:
    """One computer; None is unknown."""

    host_name: str
    processors: Sequence[Processor]
    memory_gib: float | None = None
    """Memory that the operating system can use."""
    bios_version: str | None = None
    booted: datetime | None = None
    ports: Sequence[NetworkPort] = ()

    @property
    def cores(self) -> int | None:
        """Cores of all processors."""
        return _sum([processor.cores for processor in self.processors])

    @property
    def threads(self) -> int | None:
        """Logical processors of all processors."""
        return _sum([processor.threads for processor in self.processors])


def _sum(values: Sequence[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None

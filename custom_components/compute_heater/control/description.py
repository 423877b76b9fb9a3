"""What a site is made of, as far as control must know."""

from dataclasses import dataclass, field
from datetime import UTC, tzinfo

from .demand import SinkSettings
from .disinfection import DisinfectionSettings
from .heater_control import HeaterDescription
from .path import PathSettings
from .thermal import FloorModel


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkDescription:
    """One heat consumer and the way to it."""

    settings: SinkSettings
    path: PathSettings
    disinfection: DisinfectionSettings | None = None
    """Of a hot-water tank; None: never."""
    floor: FloorModel | None = None
    """What is known of a building, until it is learned."""

    @property
    def sink_id(self) -> str:
        """Its name in readings and decisions."""
        return self.path.sink_id


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupDescription:
    """The usual source of heat: boiler, heat pump or immersion heater."""

    backup_id: str
    sinks: tuple[str, ...]
    """Consumers that it can heat."""
    max_heat_w: float
    max_c: float | None = None
    """Hottest water it makes; None: as hot as anybody wants it."""
    cop: float | None = 1.0
    """Heat per electricity; None: it burns fuel."""
    cop_per_k: float = 0.0
    """Change of the COP per K outdoors, from what it is at 7 °C."""
    fuel_per_kwh: float = 0.0
    """Cost of 1 kWh of heat besides the site's electricity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteDescription:
    """All parts of a heating plant."""

    heaters: tuple[HeaterDescription, ...]
    sinks: tuple[SinkDescription, ...] = ()
    backups: tuple[BackupDescription, ...] = ()
    time_zone: tzinfo = field(default=UTC)
    """Where its people live, for their habits."""
    latitude: float | None = None
    longitude: float | None = None
    persons: float = 3.0
    """Who draw hot water, until their habits are learned."""
    usual_price: float = 0.3
    """Of a kWh from the grid, while no forecast tells it."""
    usual_feed_in: float = 0.08
    dump_max_w: float = 0.0
    """Heat that may be thrown away: the owner's own limit."""
    dump_per_kwh: float = 0.0
    """What the owner would have to earn to throw away 1 kWh of heat."""

"""Sun on tilted surfaces, from what is measured on the horizontal."""

from dataclasses import dataclass
from datetime import UTC, datetime
import math

GROUND = 0.2
"""Share of the light that the ground reflects."""
LOW_SUN = 0.06
"""Below this sine of its height the direct light of a low sun is not trusted."""


@dataclass(frozen=True, slots=True)
class Place:
    """Degrees north and east."""

    latitude: float
    longitude: float


def south_w_m2(
    place: Place, time: datetime, tilt: float, *, direct: float, diffuse: float
) -> float:
    """Light in W/m² on a surface that faces south, ``tilt`` degrees from horizontal.

    ``direct`` and ``diffuse`` are W/m² on the horizontal.
    """
    tilt = math.radians(tilt)
    height, south = _sun(place, time)
    beam = 0.0
    if height > LOW_SUN:
        facing = height * math.cos(tilt) + south * math.sin(tilt)
        beam = direct * max(0.0, facing) / height
    sky = diffuse * (1 + math.cos(tilt)) / 2
    ground = GROUND * (direct + diffuse) * (1 - math.cos(tilt)) / 2
    return beam + sky + ground


def _sun(place: Place, time: datetime) -> tuple[float, float]:
    """Return the upward and the southward part of the unit vector to the sun."""
    utc = time.astimezone(UTC)
    day = utc.timetuple().tm_yday + utc.hour / 24
    angle = math.tau * (day - 81) / 364
    equation_min = (
        9.87 * math.sin(2 * angle) - 7.53 * math.cos(angle) - 1.5 * math.sin(angle)
    )
    solar_h = utc.hour + utc.minute / 60 + place.longitude / 15 + equation_min / 60
    hour = math.radians(15 * (solar_h - 12))
    declination = math.radians(23.45) * math.sin(math.tau * (day - 81) / 365)
    latitude = math.radians(place.latitude)
    up = math.sin(latitude) * math.sin(declination) + math.cos(latitude) * math.cos(
        declination
    ) * math.cos(hour)
    south = math.sin(latitude) * math.cos(declination) * math.cos(hour) - math.cos(
        latitude
    ) * math.sin(declination)
    return up, south

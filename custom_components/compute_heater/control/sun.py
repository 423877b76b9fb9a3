"""The sun on a vertical south window, from what weather forecasts say.

Light on the horizontal is a bad measure of the heat that comes through windows: in
winter they get four times as much of it as in summer.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import cos, exp, pi, pow, radians, sin, tau

from .series import Piece, Series

SOLAR_CONSTANT_W_M2 = 1361.0
GROUND = 0.2
"""Share of the light that the ground reflects."""
LOW_SUN = 0.06
"""Below this sine of its height the direct light of a low sun is not trusted."""
USUAL_CLOUDS_PERCENT = 70.0
PART = timedelta(minutes=15)

type _Conversion = Callable[[datetime, float], float]


@dataclass(frozen=True, slots=True)
class Place:
    """Degrees north and east."""

    latitude: float
    longitude: float


def sun_direction(place: Place, time: datetime) -> tuple[float, float]:
    """Return the upward and the southward part of the unit vector to the sun."""
    utc = time.astimezone(UTC)
    day = utc.timetuple().tm_yday + utc.hour / 24
    angle = tau * (day - 81) / 364
    equation_min = 9.87 * sin(2 * angle) - 7.53 * cos(angle) - 1.5 * sin(angle)
    solar_h = utc.hour + utc.minute / 60 + place.longitude / 15 + equation_min / 60
    hour = pi * (solar_h - 12) / 12
    declination = radians(23.45) * sin(tau * (day - 81) / 365)
    latitude = radians(place.latitude)
    up = sin(latitude) * sin(declination)
    up += cos(latitude) * cos(declination) * cos(hour)
    south = sin(latitude) * cos(declination) * cos(hour)
    south -= cos(latitude) * sin(declination)
    return up, south


def clear_sky_w_m2(place: Place, time: datetime) -> float:
    """Return the light on the horizontal under a clear sky (Haurwitz)."""
    up, _ = sun_direction(place, time)
    return 1098 * up * exp(-0.057 / up) if up > 0.01 else 0.0


def clouded_w_m2(place: Place, time: datetime, cloud_percent: float) -> float:
    """Return the light on the horizontal (Kasten and Czeplak); 0…100 % of clouds."""
    clouds = min(max(cloud_percent / 100, 0.0), 1.0)
    return clear_sky_w_m2(place, time) * (1 - 0.75 * pow(clouds, 3.4))


def window_w_m2(place: Place, time: datetime, global_w_m2: float) -> float:
    """Return the light on a vertical south window, from that on the horizontal.

    The diffuse share is Erbs'. In the southern hemisphere the window faces north.
    """
    up, south = sun_direction(place, time)
    if place.latitude < 0:
        south = -south
    if global_w_m2 <= 0:
        return 0.0
    diffuse = global_w_m2
    if up > LOW_SUN:
        clearness = min(global_w_m2 / (SOLAR_CONSTANT_W_M2 * up), 1.0)
        diffuse *= _diffuse_share(clearness)
    beam = 0.0
    if up > LOW_SUN:
        beam = (global_w_m2 - diffuse) * max(south, 0.0) / up
    return beam + diffuse / 2 + GROUND * global_w_m2 / 2


def usual_w_m2(place: Place, time: datetime) -> float:
    """Return the light on a vertical south window under a sky as it is on average."""
    return window_w_m2(place, time, clouded_w_m2(place, time, USUAL_CLOUDS_PERCENT))


def on_window(place: Place, global_w_m2: Series) -> Series:
    """Return the light on a vertical south window, from a forecast of the horizontal."""
    return _converted(global_w_m2, lambda time, value: window_w_m2(place, time, value))


def from_clouds(place: Place, cloud_percent: Series) -> Series:
    """Return the light on a vertical south window, from a forecast of clouds."""
    return _converted(
        cloud_percent,
        lambda time, value: window_w_m2(place, time, clouded_w_m2(place, time, value)),
    )


def _converted(series: Series, convert: _Conversion) -> Series:
    pieces = []
    for piece in series.pieces:
        # The sun moves on within a piece.
        start = piece.start
        while start < piece.end:
            end = min(start + PART, piece.end)
            middle = start + (end - start) / 2
            pieces.append(Piece(start, end, convert(middle, piece.value)))
            start = end
    return Series.of(pieces)


def _diffuse_share(clearness: float) -> float:
    if clearness <= 0.22:
        return 1 - 0.09 * clearness
    if clearness > 0.8:
        return 0.165
    return (
        0.9511
        - 0.1604 * clearness
        + 4.388 * clearness**2
        - 16.638 * clearness**3
        + 12.336 * clearness**4
    )

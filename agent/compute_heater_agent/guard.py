"""What the rack does for its own safety, whatever its clients do or fail to do."""

from .notices import Happening, Notice

THROTTLE_BAND_K = 3.0
"""So far below the trip temperature the rack starts to lower its own limit."""
_THROTTLE_HYSTERESIS_K = 1.0
FORCE_OFF_BAND_K = 2.0
"""So far above the trip temperature modules are cut off without draining."""
TRIP_HYSTERESIS_K = 10.0
"""So far the coolant must cool below the trip temperature before the trip clears."""


class OverTemperatureGuard:
    """Lowers the rack's own limit when the coolant gets too hot, and trips.

    From 3 K below the trip temperature the limit falls in proportion from maximum to
    floor. A trip stays until the coolant is 10 K below the trip temperature.
    """

    def __init__(self, *, trip_c: float, floor_w: float, max_w: float) -> None:
        self.trip_c = trip_c
        self.caution_c = trip_c - THROTTLE_BAND_K
        self._floor_w = floor_w
        self._max_w = max_w
        self.limit_w = max_w
        self.throttled = False
        self.tripped = False

    @property
    def near(self) -> float:
        """Temperature above which the guard has to look often."""
        return self.caution_c - 1.0

    def must_force_off(self, coolant_c: float) -> bool:
        """Too hot to let modules finish their work."""
        return self.tripped and coolant_c >= self.trip_c + FORCE_OFF_BAND_K

    def update(self, coolant_c: float) -> list[Notice]:
        """Judge the coolant temperature; return what changed."""
        notices: list[Notice] = []

        def tell(happening: Happening) -> None:
            notices.append(Notice(happening=happening, value=coolant_c))

        if not self.throttled and coolant_c >= self.caution_c:
            self.throttled = True
            tell(Happening.THROTTLED)
        if not self.tripped and coolant_c >= self.trip_c:
            self.tripped = True
            tell(Happening.TRIPPED)
        if self.tripped and coolant_c < self.trip_c - TRIP_HYSTERESIS_K:
            self.tripped = False
            tell(Happening.TRIP_CLEARED)
        cool = coolant_c < self.caution_c - _THROTTLE_HYSTERESIS_K
        if self.throttled and cool and not self.tripped:
            self.throttled = False
            tell(Happening.THROTTLE_ENDED)
        headroom = min(max((self.trip_c - coolant_c) / THROTTLE_BAND_K, 0.0), 1.0)
        if self.tripped:
            headroom = 0.0
        self.limit_w = self._floor_w + headroom * (self._max_w - self._floor_w)
        return notices


class Lease:
    """The cap a client has set holds only while some client keeps asking."""

    def __init__(self, duration_s: float) -> None:
        self.duration_s = duration_s
        self.left_s = 0.0

    @property
    def held(self) -> bool:
        """A client has been here recently."""
        return self.left_s > 0

    def renew(self) -> bool:
        """Start anew; return whether the lease had not been held."""
        was_held, self.left_s = self.held, self.duration_s
        return not was_held

    def step(self, dt_s: float) -> bool:
        """Let time pass; return whether the lease expired in it."""
        was_held = self.held
        self.left_s = max(self.left_s - dt_s, 0.0)
        return was_held and not self.held

"""When a consumer takes so little heat that it is left alone for a while."""

ROOM_AGAIN = 1.6
"""One that was too hot for the heaters' least heat takes some again at so much of it."""
SHARE_LEAST, SHARE_AGAIN_K = 0.5, 6.0
"""One that shares a valve is full when it takes less than that part of the heaters' full
power, and is served again when it has become so much colder."""


class Fullness:
    """Watches one consumer, so that heaters neither start and stop nor a valve turn often."""

    def __init__(self, *, shares_valve: bool) -> None:
        """Nothing is full yet. One that shares a valve keeps the other one waiting."""
        self._shares_valve = shares_valve
        self._full_c: float | None = None
        """How hot it was when it was full; None: it is not."""

    def update(
        self, temperature_c: float, most_w: float, *, least_w: float, full_w: float
    ) -> bool:
        """Return whether it is full, at a temperature in °C.

        It takes at most ``most_w`` of heat; the heaters give at least ``least_w``, and
        ``full_w`` at full power.
        """
        if self._shares_valve:
            # The other one takes all that the heaters give.
            least_w = max(least_w, SHARE_LEAST * full_w)
        if most_w < least_w:
            if self._full_c is None:
                self._full_c = temperature_c
        elif self._full_c is not None and (
            # Turning for every litre that is drawn is not worth it.
            temperature_c <= self._full_c - SHARE_AGAIN_K
            if self._shares_valve
            else most_w >= ROOM_AGAIN * least_w
        ):
            self._full_c = None
        return self._full_c is not None

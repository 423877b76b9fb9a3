"""When the usual source of heat has to help, whatever is planned."""

from .demand import SinkController

TANK_MARGIN_K, TANK_LIFT_K = 1.0, 2.0
USABLE_K, USABLE_AGAIN_K = 9.0, 11.0
"""Heat left in a tank, per its capacity; from 300 L a bath takes as much in half an hour."""
ROOM_MARGIN_K, ROOM_LIFT_K = 0.05, 0.2


class ComfortGuard:
    """Watches one consumer: it is in need from just above its comfort minimum down."""

    def __init__(self) -> None:
        self.in_need = False

    def update(
        self,
        sink: SinkController,
        temperature_c: float | None,
        usable_k: float | None = None,
    ) -> bool:
        """Return whether it needs heat from anywhere; unknown is no need.

        ``usable_k`` is the heat that a tank can still give at its comfort minimum, per
        its capacity: the top of a tank in layers is hot until there is nothing below it.
        """
        minimum = sink.comfort_min_c
        if minimum is None or temperature_c is None or not sink.enabled:
            self.in_need = False
            return False
        is_tank = sink.settings.kind.is_tank
        margin, lift = (
            (TANK_MARGIN_K, TANK_LIFT_K) if is_tank else (ROOM_MARGIN_K, ROOM_LIFT_K)
        )
        # Never above the set point, so that it does not heat against its owner's will.
        low = min(minimum + margin, sink.target_c)
        high = min(low + lift, max(sink.target_c, low + 0.01))
        empty = usable_k is not None and usable_k < (
            USABLE_AGAIN_K if self.in_need else USABLE_K
        )
        self.in_need = empty or temperature_c < (high if self.in_need else low)
        return self.in_need

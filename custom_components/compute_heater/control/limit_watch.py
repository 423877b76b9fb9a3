"""Whether a heater keeps to the power limit that it says it holds."""

IGNORED_AFTER_S = 600.0
"""So long above its limit: it ignores it. Slower devices are still on their way."""
TOLERANCE_W = 50.0
TOLERANCE_SHARE = 0.1
"""Of the limit; caps are averages and meters differ. The larger tolerance counts."""


class LimitWatch:
    """Watches one heater. What is unknown neither accuses nor acquits."""

    def __init__(self) -> None:
        """Accuse of nothing yet."""
        self.ignored = False
        self._over_since: float | None = None
        self._limit_w: float | None = None

    def see(self, power_w: float | None, limit_w: float | None, now: float) -> bool:
        """Take a reading in W at monotonic time ``now``; return whether it is ignored."""
        if limit_w is None:
            # Uncapped, or nobody knows: the next limit gets its time again.
            self.ignored, self._over_since, self._limit_w = False, None, None
            return False
        if self._limit_w is not None and limit_w < self._limit_w - TOLERANCE_W:
            self._over_since = None
        self._limit_w = limit_w
        if power_w is None:
            return self.ignored
        if power_w <= limit_w + max(TOLERANCE_W, TOLERANCE_SHARE * limit_w):
            self.ignored, self._over_since = False, None
            return False
        if self._over_since is None:
            self._over_since = now
        self.ignored = self.ignored or now - self._over_since >= IGNORED_AFTER_S
        return self.ignored

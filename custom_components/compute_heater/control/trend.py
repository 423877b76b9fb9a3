"""How fast a temperature falls, from its own recent history."""

from collections import deque

WINDOW_S = 3600.0
SPACING_S = 60.0
SPAN_S = 600.0
SLOWEST_K_PER_H = 0.02


class Trend:
    """Least-squares slope over the last hour, of samples a minute apart."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, float]] = deque()

    def add(self, now: float, value: float) -> None:
        """Note a value; more often than once a minute is ignored."""
        if self._samples:
            elapsed = now - self._samples[-1][0]
            if 0 <= elapsed < SPACING_S:
                return
            if elapsed < 0 or elapsed > WINDOW_S / 2:
                self._samples.clear()  # the clock started anew, or a long silence
        self._samples.append((now, value))
        while now - self._samples[0][0] > WINDOW_S:
            self._samples.popleft()

    def fall_k_per_h(self) -> float | None:
        """Return the rate of fall in K/h; None while unknown, steady or rising."""
        if not self._samples or self._samples[-1][0] - self._samples[0][0] < SPAN_S:
            return None
        count = len(self._samples)
        mean_t = sum(t for t, _ in self._samples) / count
        mean_v = sum(v for _, v in self._samples) / count
        spread = sum((t - mean_t) ** 2 for t, _ in self._samples)
        slope = sum((t - mean_t) * (v - mean_v) for t, v in self._samples) / spread
        fall = -slope * 3600
        return fall if fall >= SLOWEST_K_PER_H else None

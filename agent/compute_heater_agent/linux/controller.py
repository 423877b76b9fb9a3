"""From a power cap to the share of its ability that the machine may use."""

from typing import Final

_PROPORTIONAL: Final = 0.1
_INTEGRAL_PER_S: Final = 0.15
_MOST_CORRECTION: Final = 0.8
_LONGEST_STEP_S: Final = 3.0
_SETTLED_S: Final = 1.5
"""A reading within so long after a new limit is still about the old one."""


class PowerController:
    """A PI loop on watts around a straight line from idle to maximum.

    Power follows a limit within a loop's period, so small gains are stable even where
    the machine is twice as steep as the line. The integral is what the line is wrong by;
    it stays when the cap changes.
    """

    def __init__(self, *, floor_w: float, max_w: float) -> None:
        self._floor_w = floor_w
        self._max_w = max_w
        self._integral = 0.0
        self._limit_w: float | None = None
        self._limit_age_s = 0.0

    def on_the_line(self, limit_w: float) -> float:
        """Return the share without any feedback, 0 to 1."""
        share = (limit_w - self._floor_w) / (self._max_w - self._floor_w)
        return min(max(share, 0.0), 1.0)

    def share(
        self, limit_w: float, power_w: float | None, *, hungry: bool, dt_s: float
    ) -> float:
        """Return the share for the next period.

        ``power_w`` is the mean of the last ``dt_s`` seconds; 0 s: nothing new is known.
        ``hungry``: the work would use more if it could. Without work there is nothing
        to learn from power being low.
        """
        self._limit_age_s += dt_s
        if limit_w != self._limit_w:
            self._limit_w, self._limit_age_s = limit_w, 0.0
        if limit_w >= self._max_w:
            return 1.0
        line = self.on_the_line(limit_w)
        error = 0.0
        if power_w is not None and dt_s > 0 and self._limit_age_s >= _SETTLED_S:
            error = (limit_w - power_w) / (self._max_w - self._floor_w)
        if error > 0 and not hungry:
            error = 0.0
        wanted = line + _PROPORTIONAL * error + self._integral
        # At an end of the range more of the same does not help.
        if not (wanted >= 1 and error > 0) and not (wanted <= 0 and error < 0):
            self._integral += _INTEGRAL_PER_S * error * min(dt_s, _LONGEST_STEP_S)
            self._integral = max(
                -_MOST_CORRECTION, min(_MOST_CORRECTION, self._integral)
            )
        return min(max(line + _PROPORTIONAL * error + self._integral, 0.0), 1.0)

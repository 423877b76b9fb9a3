"""Hold a supply temperature by modulating the power of one heater."""

from collections.abc import Mapping
from math import exp, isfinite

from .clock import Clock

BAND_K = 8.0
"""A heater too cold by this runs at full power by proportion alone."""
RESET_S = 300.0
"""Time in which the integral part repeats the proportional one."""
BLEND_S = 60.0
"""Time constant with which the power at the start gives way to the controller's."""


class SetpointController:
    """PI controller with anti-windup, for manual heat mode."""

    def __init__(self, *, floor_w: float, max_w: float, step_w: float = 50.0) -> None:
        """Modulate between ``floor_w`` and ``max_w``, in changes of ``step_w``."""
        self._floor_w, self._max_w, self._step_w = floor_w, max_w, step_w
        self._gain = (max_w - floor_w) / BAND_K
        self._integral_w = floor_w
        self._output_w: float | None = None
        self._start_w: float | None = None
        self._blend_w = 0.0
        self._clock = Clock()

    def start(self, power_w: float) -> None:
        """Begin from the power the heater draws now, so that there is no bump."""
        self._start_w = self._bounded(power_w)
        self._clock = Clock()

    def evaluate(
        self, setpoint_c: float, supply_c: float | None, now: float
    ) -> float | None:
        """Return the power in W; None if the supply temperature is unknown.

        While it is unknown nothing is integrated.
        """
        elapsed_s = self._clock.elapsed_s(now)
        if supply_c is None or not isfinite(supply_c):
            return None
        proportional = self._gain * (setpoint_c - supply_c)
        if self._start_w is not None:
            self._integral_w = self._bounded(self._start_w - proportional)
            self._blend_w = self._start_w - self._bounded(
                proportional + self._integral_w
            )
            self._start_w = None
        # Anti-windup: the integral never asks for more than the heater can do.
        self._integral_w = self._bounded(
            self._integral_w + proportional * elapsed_s / RESET_S
        )
        self._blend_w *= exp(-elapsed_s / BLEND_S)
        if abs(self._blend_w) < 1:
            self._blend_w = 0.0
        wanted = self._bounded(
            self._bounded(proportional + self._integral_w) + self._blend_w
        )
        if (
            self._output_w is None
            or abs(wanted - self._output_w) >= self._step_w
            or wanted in {self._floor_w, self._max_w}
        ):
            self._output_w = wanted
        return self._output_w

    def _bounded(self, power_w: float) -> float:
        return min(max(power_w, self._floor_w), self._max_w)

    @property
    def memory(self) -> dict[str, object]:
        """What must survive a reload, JSON-serialisable."""
        return {"output_w": self._output_w}

    def restore(self, memory: Mapping[str, object]) -> None:
        """Take over a stored memory."""
        output = memory.get("output_w")
        if isinstance(output, int | float) and isfinite(output):
            self.start(output)

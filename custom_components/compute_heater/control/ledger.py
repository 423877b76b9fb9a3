"""Counters of energy that never fall, whatever the meter behind them does."""

from collections.abc import Mapping
from math import isfinite
from typing import TypeGuard

# What flowed while nobody could look is not known; a longer gap counts as nothing.
MAX_GAP_S = 120.0
# A meter that fell by less lost what it had not saved; by more, it began at zero.
RESET_SHARE = 0.9
_J_PER_KWH = 3.6e6


class EnergyCounter:
    """Total energy in kWh, from the device's own meter or else from its power."""

    def __init__(self) -> None:
        """Start without a total; it is unknown until the first reading."""
        self.total_kwh: float | None = None
        self._meter_kwh: float | None = None
        self._filled_kwh = 0.0
        """Taken from the power since the last reading of the meter."""
        self._power: tuple[float, float] | None = None

    def follow_meter(self, meter_kwh: float) -> None:
        """Take over a reading of the device's meter; nonsense is ignored."""
        if not _is_sound(meter_kwh) or meter_kwh < 0:
            return
        last, self._meter_kwh = self._meter_kwh, meter_kwh
        filled, self._filled_kwh = self._filled_kwh, 0.0
        self._power = None
        if self.total_kwh is None:
            self.total_kwh = meter_kwh
        elif last is not None:
            self.total_kwh += max(_grown(last, meter_kwh) - filled, 0.0)

    def integrate(self, power_w: float | None, now: float) -> None:
        """Add what flowed since the last call; ``now`` is monotonic, in seconds."""
        if power_w is None or not _is_sound(power_w):
            self._power = None
            return
        last, self._power = self._power, (now, power_w)
        self.total_kwh = self.total_kwh or 0.0
        if last is not None and 0 < now - last[0] <= MAX_GAP_S:
            mean_w = max((last[1] + power_w) / 2, 0.0)
            flowed = mean_w * (now - last[0]) / _J_PER_KWH
            self.total_kwh += flowed
            self._filled_kwh += flowed

    @property
    def memory(self) -> dict[str, object]:
        """What must survive a restart, JSON-serialisable."""
        return {"total_kwh": self.total_kwh, "meter_kwh": self._meter_kwh}

    def restore(self, memory: Mapping[str, object]) -> None:
        """Take over a stored memory; broken parts are ignored."""
        total, meter = memory.get("total_kwh"), memory.get("meter_kwh")
        if _is_sound(total) and total >= 0:
            self.total_kwh = float(total)
        if _is_sound(meter) and meter >= 0:
            self._meter_kwh = float(meter)


def _grown(last_kwh: float, meter_kwh: float) -> float:
    """Return what a meter has counted between two readings."""
    if meter_kwh >= last_kwh:
        return meter_kwh - last_kwh
    return 0.0 if meter_kwh > RESET_SHARE * last_kwh else meter_kwh


def _is_sound(value: object) -> TypeGuard[float]:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and isfinite(value)
    )

"""Counters of energy that never fall, whatever the meter behind them does."""

from collections.abc import Mapping

# What flowed while nobody could look is not known; a longer gap counts as nothing.
MAX_GAP_S = 120.0
_J_PER_KWH = 3.6e6


class EnergyCounter:
    """Total energy in kWh, from the device's own meter or else from its power."""

    def __init__(self) -> None:
        """Start without a total; it is unknown until the first reading."""
        self.total_kwh: float | None = None
        self._meter_kwh: float | None = None
        self._power: tuple[float, float] | None = None

    def follow_meter(self, meter_kwh: float) -> None:
        """Take over a reading of the device's meter; one that fell began at zero."""
        if self._meter_kwh is None:
            # The first reading, or the first after a time without a meter.
            self.total_kwh = max(self.total_kwh or 0.0, meter_kwh)
        elif meter_kwh >= self._meter_kwh:
            self.total_kwh = (self.total_kwh or 0.0) + meter_kwh - self._meter_kwh
        else:
            self.total_kwh = (self.total_kwh or 0.0) + meter_kwh
        self._meter_kwh = meter_kwh

    def integrate(self, power_w: float | None, now: float) -> None:
        """Add what flowed since the last call; ``now`` is monotonic, in seconds."""
        last, self._power = self._power, None if power_w is None else (now, power_w)
        if power_w is None:
            return
        self.total_kwh = self.total_kwh or 0.0
        if last is not None and 0 < now - last[0] <= MAX_GAP_S:
            mean_w = max((last[1] + power_w) / 2, 0.0)
            self.total_kwh += mean_w * (now - last[0]) / _J_PER_KWH

    @property
    def memory(self) -> dict[str, object]:
        """What must survive a restart, JSON-serialisable."""
        return {"total_kwh": self.total_kwh, "meter_kwh": self._meter_kwh}

    def restore(self, memory: Mapping[str, object]) -> None:
        """Take over a stored memory; broken parts are ignored."""
        total, meter = memory.get("total_kwh"), memory.get("meter_kwh")
        if isinstance(total, int | float):
            self.total_kwh = float(total)
        if isinstance(meter, int | float):
            self._meter_kwh = float(meter)

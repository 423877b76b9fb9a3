"""Efficiency and heat exchanger of a heater."""

from collections.abc import Mapping
from dataclasses import astuple
from datetime import datetime
from math import exp

from .lessons import FadingRatio, is_same, number, pair
from .quarter import QuarterMeter
from .thermal import HeaterModel

EFFICIENCY_HOURS = 24.0
EFFICIENCY_BOUNDS = (0.3, 1.0)
PRIOR_KWH = 5.0
STEADY_SHARE = 0.1
LEAST_POWER_KW = 0.1
LEAST_LIFT_K = 1.0
EXCHANGER_SAMPLES = 50.0


class HeaterLearner:
    """Efficiency and heat exchanger of one heater."""

    def __init__(self, prior: HeaterModel) -> None:
        """Start from ``prior``."""
        self.prior = prior
        self._energy = FadingRatio(prior.efficiency * PRIOR_KWH, PRIOR_KWH)
        self._lift = FadingRatio(0.0, 0.0)
        self._samples = 0.0
        self._meter = QuarterMeter()

    def observe(
        self,
        now: datetime,
        *,
        power_kw: float | None,
        heat_kw: float | None,
        coolant_c: float | None = None,
        sink_c: float | None = None,
    ) -> None:
        """Take what is measured; ``sink_c`` is the consumer that the water flows to."""
        values = {
            "power": power_kw,
            "heat": heat_kw,
            "coolant": coolant_c,
            "sink": sink_c,
        }
        quarter = self._meter.add(now, values)
        if quarter is None:
            return
        power, heat = quarter.mean["power"], quarter.mean["heat"]
        if power is None or heat is None or power < LEAST_POWER_KW or heat < 0:
            return
        kept = exp(-quarter.hours / EFFICIENCY_HOURS)
        self._energy.add(heat * quarter.hours, power * quarter.hours, kept)
        coolant, sink = quarter.mean["coolant"], quarter.mean["sink"]
        first, last = quarter.first["heat"], quarter.last["heat"]
        if None in (coolant, sink, first, last):
            return
        assert coolant is not None and sink is not None
        assert first is not None and last is not None
        if abs(last - first) > STEADY_SHARE * heat or coolant - sink < LEAST_LIFT_K:
            return
        keep = 1 - 1 / EXCHANGER_SAMPLES
        lift = coolant - sink
        self._lift.add(heat * lift, lift**2, keep)
        self._samples = keep * self._samples + 1

    @property
    def model(self) -> HeaterModel:
        """The heater as far as it is known."""
        low, high = EFFICIENCY_BOUNDS
        exchanger = self.prior.exchanger_kw_per_k
        if self._samples >= 1 and self._lift.below > 0:
            exchanger = self._lift.ratio
        return HeaterModel(
            efficiency=min(max(self._energy.ratio, low), high),
            exchanger_kw_per_k=exchanger,
        )

    @property
    def confidence(self) -> float:
        """0: nothing but the prior; 1: all is known."""
        seen = self._energy.below / (self._energy.below + PRIOR_KWH)
        return max(2 * seen - 1, 0.0) if self._energy.below > PRIOR_KWH else 0.0

    @property
    def memory(self) -> dict[str, object]:
        """What must survive a restart, JSON-serialisable."""
        return {
            "prior": list(astuple(self.prior)),
            "energy_kwh": [self._energy.above, self._energy.below],
            "lift": [self._lift.above, self._lift.below],
            "samples": self._samples,
        }

    def restore(self, memory: Mapping[str, object]) -> None:
        """Take over a stored memory; broken parts are ignored."""
        if not is_same(memory.get("prior"), astuple(self.prior)):
            return
        energy, lift = pair(memory.get("energy_kwh")), pair(memory.get("lift"))
        if energy is not None and energy[1] > 0:
            self._energy = FadingRatio(*energy)
        samples = number(memory.get("samples"))
        if lift is not None and samples is not None and samples >= 0:
            self._lift, self._samples = FadingRatio(*lift), samples

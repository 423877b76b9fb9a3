"""Capacity, loss and draw-offs of a tank."""

from collections.abc import Mapping
from dataclasses import astuple
from datetime import datetime, tzinfo
from math import exp, log, sqrt

from .draw_off import DrawOffProfile
from .kalman import Belief
from .lessons import BOUND, DRIFT_PER_DAY, GATE, bound, confidence_of, is_same, number
from .quarter import Quarter, QuarterMeter
from .thermal import TankModel

TANK_SPREAD = (0.15, 0.6)
"""How uncertain capacity and loss of a tank are at the start (logarithm)."""
CAPACITY, LOSS = 0, 1
CHARGED_K = 0.5
DRAWN = 4.0
"""So much less a tank counts that gets less warm than it should while it is charged."""
TANK_NOISE_K = 0.05
NOISE_MEMORY = 0.98
NOISE_BOUNDS_K = (0.02, 1.0)
DEBT_KWH = 3.0
"""A tank that gets warmer by itself had lost less than thought: so much is made good."""


class TankLearner:
    """Capacity, loss and draw-offs of a tank, from its temperature and its heat."""

    def __init__(
        self, prior: TankModel, zone: tzinfo, *, draw_kwh_per_day: float = 5.55
    ) -> None:
        """Start from ``prior``; people live in ``zone`` and draw so much a day."""
        self.prior = prior
        self.draws = DrawOffProfile(draw_kwh_per_day, zone)
        self._belief = self._at_start()
        self._noise_k2 = TANK_NOISE_K**2
        self._debt_kwh = 0.0
        self._meter = QuarterMeter()

    def observe(
        self, now: datetime, mean_c: float | None, heat_kw: float | None
    ) -> None:
        """Take the mean temperature and all heat that goes into the tank.

        A tank that some unmeasured source heats must be reported with None as heat.
        """
        quarter = self._meter.add(now, {"mean": mean_c, "heat": heat_kw})
        if quarter is not None:
            self._learn(quarter)

    def _learn(self, quarter: Quarter) -> None:
        first, last = quarter.first["mean"], quarter.last["mean"]
        heat_kw = quarter.mean["heat"]
        if first is None or last is None or heat_kw is None:
            return
        model, hours = self.model, quarter.hours
        usual_kwh = self.draws.expected(quarter.start, hours)
        foreseen = model.step(first, heat_kw, hours)
        surprise = last - foreseen
        capacity = model.capacity_kwh_per_k + model.loss_kw_per_k * hours
        self._account(quarter.start, hours, -surprise * capacity)
        self._drift(hours)
        row = self._row(model, first, foreseen, hours)
        gate = GATE * sqrt(self._noise_k2 + self._belief.spread(row))
        # Nights, when hardly anybody draws, teach more than days.
        usual_k = usual_kwh / capacity
        noise = self._noise_k2 + usual_k**2
        if abs(row[CAPACITY]) > CHARGED_K:
            # Water that is drawn meanwhile looks like a greater capacity, never smaller.
            if surprise < 0:
                noise *= DRAWN
            if abs(surprise) < BOUND * TANK_SPREAD[CAPACITY] * abs(row[CAPACITY]):
                clipped = min(max(surprise, -gate), gate)
                self._belief.update(row, clipped, noise, only=(CAPACITY,))
                self._bound()
            return
        if abs(surprise) > gate:
            return
        self._belief.update(row, surprise, noise)
        self._bound()
        if usual_k**2 < self._noise_k2:
            low, high = NOISE_BOUNDS_K
            spread = NOISE_MEMORY * self._noise_k2 + (1 - NOISE_MEMORY) * surprise**2
            self._noise_k2 = min(max(spread, low**2), high**2)

    def _account(self, start: datetime, hours: float, missing_kwh: float) -> None:
        """Note what was drawn; what comes back had not been drawn before."""
        balance = missing_kwh + self._debt_kwh
        self.draws.record(start, hours, max(balance, 0.0))
        self._debt_kwh = min(max(balance, -DEBT_KWH), 0.0)

    @staticmethod
    def _row(model: TankModel, first: float, last: float, hours: float) -> list[float]:
        """Return by how much the end changes with the parameters' logarithms."""
        inertia = model.capacity_kwh_per_k / hours
        whole = inertia + model.loss_kw_per_k
        return [
            inertia * (first - last) / whole,
            model.loss_kw_per_k * (model.ambient_c - last) / whole,
        ]

    def _drift(self, hours: float) -> None:
        for index, spread in enumerate(TANK_SPREAD):
            self._belief.covariance[index][index] += DRIFT_PER_DAY**2 * hours / 24
            self._belief.limit(index, spread)

    def _at_start(self) -> Belief:
        prior = self.prior
        return Belief(
            [log(prior.capacity_kwh_per_k), log(prior.loss_kw_per_k)], TANK_SPREAD
        )

    def _bound(self) -> None:
        bound(self._belief, self._at_start().mean, TANK_SPREAD, 0)

    @property
    def model(self) -> TankModel:
        """The tank as far as it is known."""
        capacity, loss = self._belief.mean
        return TankModel(
            capacity_kwh_per_k=exp(capacity),
            loss_kw_per_k=exp(loss),
            ambient_c=self.prior.ambient_c,
        )

    @property
    def uncertainty(self) -> dict[str, float]:
        """Relative standard deviation of each parameter."""
        return {
            "capacity_kwh_per_k": self._belief.deviation(CAPACITY),
            "loss_kw_per_k": self._belief.deviation(LOSS),
        }

    @property
    def confidence(self) -> float:
        """0: nothing but the prior; 1: all is known."""
        return confidence_of(self._belief, TANK_SPREAD, 0)

    @property
    def memory(self) -> dict[str, object]:
        """What must survive a restart, JSON-serialisable."""
        return {
            "prior": list(astuple(self.prior)),
            "belief": self._belief.memory,
            "noise_k2": self._noise_k2,
            "debt_kwh": self._debt_kwh,
            "draws": self.draws.memory,
        }

    def restore(self, memory: Mapping[str, object]) -> None:
        """Take over a stored memory; broken parts, and what an old prior taught, are not."""
        if isinstance(draws := memory.get("draws"), Mapping):
            self.draws.restore(draws)
        debt = number(memory.get("debt_kwh"))
        if debt is not None and -DEBT_KWH <= debt <= 0:
            self._debt_kwh = debt
        if not is_same(memory.get("prior"), astuple(self.prior)):
            return
        if isinstance(belief := memory.get("belief"), Mapping):
            self._belief.restore(belief)
            self._bound()
        noise = number(memory.get("noise_k2"))
        low, high = NOISE_BOUNDS_K
        if noise is not None and low**2 <= noise <= high**2:
            self._noise_k2 = noise

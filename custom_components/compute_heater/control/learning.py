"""Models that learn from what tank, floor and heaters do.

Every learner starts from a prior, what the owner knows, and says how far it is from it
by now. It is told everything that is measured, every few seconds, and learns once a
quarter of an hour. What it does not know it does not learn from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime, tzinfo
from math import copysign, exp, isclose, isfinite, log, sqrt

from .draw_off import DrawOffProfile
from .kalman import Belief, Matrix
from .quarter import Quarter, QuarterMeter, known
from .thermal import FloorModel, HeaterModel, TankModel

BOUND = 2.5
"""A parameter never gets further from the prior than so many standard deviations."""
GATE = 3.5
"""A surprise of more standard deviations is an event, not a lesson."""
DRIFT_PER_DAY = 0.01
"""Parameters may change by this (logarithm) in a day: things get old, people move in."""

TANK_SPREAD = (0.15, 0.6)
"""How uncertain capacity and loss of a tank are at the start (logarithm)."""
TANK_NOISE_K = 0.05
NOISE_MEMORY = 0.98
NOISE_BOUNDS_K = (0.02, 1.0)
DEBT_KWH = 3.0
"""A tank that gets warmer by itself had lost less than thought: so much is made good."""

FLOOR_SPREAD = (0.5, 0.5, 0.5, 0.5, 0.7)
"""How uncertain the first parameters of a floor are at the start (logarithm)."""
INTERNAL_SPREAD = 0.6
ROOM_SENSOR_K = 0.05
SLAB_SENSOR_K = 0.4
ROOM_DRIFT_K, SLAB_DRIFT_K = 0.008, 0.02
"""What a quarter of an hour does to room and slab that no model knows."""
BIAS_H = 18.0
BIAS_K = 1.0
"""Unknown heat in the room, in K of outdoor temperature."""
UNKNOWN_SUN_W_M2 = 150.0
ROOM, SLAB, BIAS, FIRST = 0, 1, 2, 3
LOGS = len(FLOOR_SPREAD)
INTERNAL = FIRST + LOGS

EFFICIENCY_HOURS = 24.0
EFFICIENCY_BOUNDS = (0.3, 1.0)
PRIOR_KWH = 5.0
STEADY_SHARE = 0.1
LEAST_POWER_KW = 0.1
LEAST_LIFT_K = 1.0
EXCHANGER_SAMPLES = 50.0


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
        spread = self._belief.spread(row)
        gate = GATE * sqrt(self._noise_k2 + spread)
        if abs(surprise) > gate:
            # Either water was drawn, or the capacity is quite another.
            if abs(surprise) < BOUND * TANK_SPREAD[0] * abs(row[0]):
                clipped = copysign(gate, surprise)
                self._belief.update(row, clipped, self._noise_k2, only=(0,))
                self._bound()
            return
        # Nights, when hardly anybody draws, teach more than days.
        usual_k = usual_kwh / capacity
        noise = self._noise_k2 + usual_k**2
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
        _bound(self._belief, self._at_start().mean, TANK_SPREAD, 0)

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
            "capacity_kwh_per_k": self._belief.deviation(0),
            "loss_kw_per_k": self._belief.deviation(1),
        }

    @property
    def confidence(self) -> float:
        """0: nothing but the prior; 1: all is known."""
        return _confidence(self._belief, TANK_SPREAD, 0)

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
        debt = _number(memory.get("debt_kwh"))
        if debt is not None and -DEBT_KWH <= debt <= 0:
            self._debt_kwh = debt
        if not _is_same(memory.get("prior"), astuple(self.prior)):
            return
        if isinstance(belief := memory.get("belief"), Mapping):
            self._belief.restore(belief)
            self._bound()
        noise = _number(memory.get("noise_k2"))
        low, high = NOISE_BOUNDS_K
        if noise is not None and low**2 <= noise <= high**2:
            self._noise_k2 = noise


class FloorLearner:
    """Slab, room and envelope of a building, and the temperature of the slab now."""

    def __init__(self, prior: FloorModel) -> None:
        """Start from ``prior``."""
        self.prior = prior
        self._spread = (
            *FLOOR_SPREAD,
            INTERNAL_SPREAD * max(prior.internal_kw, 0.1),
        )
        self._bias_kw = BIAS_K * prior.envelope_kw_per_k
        self._belief = self._at_start()
        self._is_running = False
        self._room_c: float | None = None
        self._meter = QuarterMeter()

    def observe(
        self,
        now: datetime,
        *,
        room_c: float | None,
        heat_kw: float | None,
        outdoor_c: float | None,
        sun_w_m2: float | None = None,
        slab_c: float | None = None,
    ) -> None:
        """Take what is measured, and all heat that goes into the floor.

        ``sun_w_m2`` is the sun on a vertical south window. Without it
        temperatures are followed, but nothing is learned.
        """
        if known(room_c) is not None:
            self._room_c = room_c
        quarter = self._meter.add(
            now,
            {
                "room": room_c,
                "heat": heat_kw,
                "outdoor": outdoor_c,
                "sun": sun_w_m2,
                "slab": slab_c,
            },
        )
        if quarter is not None:
            self._learn(quarter)

    @property
    def slab_c(self) -> float | None:
        """Temperature of the slab as estimated; None before the first reading."""
        if self._is_running:
            return self._belief.mean[SLAB]
        return self._room_c

    @property
    def bias_kw(self) -> float:
        """Heat in the room now that the model does not know of."""
        return self._belief.mean[BIAS] if self._is_running else 0.0

    def gain_kw(self, sun_w_m2: float, ahead_h: float = 0.0) -> float:
        """Return the heat from sun, people, and what is unknown, so many hours ahead."""
        return self.model.gain_kw(sun_w_m2) + self.bias_kw * exp(
            -max(ahead_h, 0.0) / BIAS_H
        )

    def _learn(self, quarter: Quarter) -> None:
        room, heat_kw = quarter.last["room"], quarter.mean["heat"]
        outdoor_c = quarter.mean["outdoor"]
        if room is None or heat_kw is None or outdoor_c is None:
            self._is_running = False
            return
        if not (self._is_running and quarter.follows):
            self._begin(quarter, room, heat_kw)
            return
        sun = quarter.mean["sun"]
        self._predict(heat_kw, outdoor_c, sun, quarter.hours)
        row = [0.0] * len(self._belief.mean)
        row[ROOM] = 1.0
        surprise = room - self._belief.mean[ROOM]
        noise = ROOM_SENSOR_K**2
        if abs(surprise) > GATE * sqrt(self._belief.spread(row) + noise):
            # A window, a stove, a sensor that was moved: nothing to learn from.
            self._belief.update(row, surprise, noise, only=(ROOM,))
            self._belief.forget(BIAS, self._bias_kw)
        elif sun is None:
            self._belief.update(row, surprise, noise, only=(ROOM, SLAB, BIAS))
        else:
            self._belief.update(row, surprise, noise)
        slab = quarter.last["slab"]
        if slab is not None:
            row = [0.0] * len(self._belief.mean)
            row[SLAB] = 1.0
            self._belief.update(row, slab - self._belief.mean[SLAB], SLAB_SENSOR_K**2)
        self._bound()

    def _begin(self, quarter: Quarter, room: float, heat_kw: float) -> None:
        """Guess the slab: it hands the heat on."""
        belief, model = self._belief, self.model
        slab = quarter.last["slab"]
        if slab is None:
            slab = room + 0.7 * heat_kw / model.slab_room_kw_per_k
        belief.mean[ROOM], belief.mean[SLAB], belief.mean[BIAS] = room, slab, 0.0
        belief.forget(ROOM, ROOM_SENSOR_K)
        belief.forget(SLAB, 1.5)
        belief.forget(BIAS, self._bias_kw)
        self._is_running = True

    def _predict(
        self, heat_kw: float, outdoor_c: float, sun: float | None, hours: float
    ) -> None:
        belief, model = self._belief, self.model
        room, slab, bias = belief.mean[:FIRST]
        kept = exp(-hours / BIAS_H)
        gain = model.gain_kw(sun or 0.0) + bias
        new_room, new_slab = model.step(
            room,
            slab,
            heat_kw=heat_kw,
            outdoor_c=outdoor_c,
            gain_kw=gain,
            hours=hours,
        )
        size = len(belief.mean)
        jacobian: Matrix = [
            [1.0 if row == column else 0.0 for column in range(size)]
            for row in range(size)
        ]
        coupling, envelope = model.slab_room_kw_per_k, model.envelope_kw_per_k
        room_inertia = model.room_kwh_per_k / hours
        slab_inertia = model.slab_kwh_per_k / hours
        room_all, slab_all = room_inertia + coupling + envelope, slab_inertia + coupling
        determinant = room_all * slab_all - coupling**2

        def follow(column: int, room_kw: float, slab_kw: float) -> None:
            """Note what such imbalances in room and slab do to both."""
            jacobian[ROOM][column] = (
                room_kw * slab_all + coupling * slab_kw
            ) / determinant
            jacobian[SLAB][column] = (
                slab_kw * room_all + coupling * room_kw
            ) / determinant

        exchanged = coupling * (new_slab - new_room)
        follow(ROOM, room_inertia, 0.0)
        follow(SLAB, 0.0, slab_inertia)
        follow(BIAS, 1.0, 0.0)
        follow(FIRST, room_inertia * (room - new_room), 0.0)
        follow(FIRST + 1, 0.0, slab_inertia * (slab - new_slab))
        follow(FIRST + 2, exchanged, -exchanged)
        follow(FIRST + 3, envelope * (outdoor_c - new_room), 0.0)
        follow(FIRST + 4, model.sun_m2 * (sun or 0.0) / 1000, 0.0)
        follow(INTERNAL, 1.0, 0.0)
        jacobian[BIAS][BIAS] = kept
        quarters = hours * 4
        noise = [
            ROOM_DRIFT_K**2 * quarters,
            SLAB_DRIFT_K**2 * quarters,
            self._bias_kw**2 * (1 - kept**2),
        ]
        if sun is None:
            # By day it may be anything: room and slab are followed, nothing is learned.
            unknown_k = (
                model.sun_m2 * UNKNOWN_SUN_W_M2 / 1000 / (room_inertia + coupling)
            )
            noise[ROOM] += unknown_k**2
        drift = DRIFT_PER_DAY**2 * hours / 24
        noise += [drift] * LOGS
        noise.append(drift * max(self.prior.internal_kw, 0.1) ** 2)
        belief.predict(
            [new_room, new_slab, bias * kept, *belief.mean[FIRST:]], jacobian, noise
        )
        for index, spread in enumerate(self._spread):
            belief.limit(FIRST + index, spread)

    def _at_start(self) -> Belief:
        prior = self.prior
        return Belief(
            [
                20.0,
                20.0,
                0.0,
                log(prior.room_kwh_per_k),
                log(prior.slab_kwh_per_k),
                log(prior.slab_room_kw_per_k),
                log(prior.envelope_kw_per_k),
                log(max(prior.sun_m2, 0.01)),
                prior.internal_kw,
            ],
            (1.0, 1.0, self._bias_kw, *self._spread),
        )

    def _bound(self) -> None:
        _bound(self._belief, self._at_start().mean[FIRST:], self._spread, FIRST)

    @property
    def model(self) -> FloorModel:
        """The building as far as it is known."""
        room, slab, coupling, envelope, sun, internal = self._belief.mean[FIRST:]
        return FloorModel(
            room_kwh_per_k=exp(room),
            slab_kwh_per_k=exp(slab),
            slab_room_kw_per_k=exp(coupling),
            envelope_kw_per_k=exp(envelope),
            sun_m2=exp(sun),
            internal_kw=internal,
        )

    @property
    def uncertainty(self) -> dict[str, float]:
        """Relative standard deviation of each parameter; of ``internal_kw`` in kW."""
        names = FloorModel.__dataclass_fields__
        return {
            name: self._belief.deviation(FIRST + index)
            for index, name in enumerate(names)
        }

    @property
    def confidence(self) -> float:
        """0: nothing but the prior; 1: all is known."""
        return _confidence(self._belief, self._spread, FIRST)

    @property
    def memory(self) -> dict[str, object]:
        """What must survive a restart, JSON-serialisable."""
        return {"prior": list(astuple(self.prior)), "belief": self._belief.memory}

    def restore(self, memory: Mapping[str, object]) -> None:
        """Take over a stored memory; broken parts, and what an old prior taught, are not.

        Room and slab are measured and guessed anew.
        """
        belief = memory.get("belief")
        if not _is_same(memory.get("prior"), astuple(self.prior)):
            return
        if isinstance(belief, Mapping) and self._belief.restore(belief):
            self._is_running = False
            self._bound()


@dataclass(slots=True)
class _Sums:
    """Weighted sums whose past fades."""

    above: float
    below: float

    def add(self, above: float, below: float, kept: float) -> None:
        self.above = kept * self.above + above
        self.below = kept * self.below + below


class HeaterLearner:
    """Efficiency and heat exchanger of one heater."""

    def __init__(self, prior: HeaterModel) -> None:
        """Start from ``prior``."""
        self.prior = prior
        self._energy = _Sums(prior.efficiency * PRIOR_KWH, PRIOR_KWH)
        self._lift = _Sums(0.0, 0.0)
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
            exchanger = self._lift.above / self._lift.below
        return HeaterModel(
            efficiency=min(max(self._energy.above / self._energy.below, low), high),
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
        if not _is_same(memory.get("prior"), astuple(self.prior)):
            return
        energy, lift = _pair(memory.get("energy_kwh")), _pair(memory.get("lift"))
        if energy is not None and energy[1] > 0:
            self._energy = _Sums(*energy)
        samples = _number(memory.get("samples"))
        if lift is not None and samples is not None and samples >= 0:
            self._lift, self._samples = _Sums(*lift), samples


def _bound(
    belief: Belief, middle: Sequence[float], spread: Sequence[float], first: int
) -> None:
    for index, (start, deviation) in enumerate(zip(middle, spread, strict=True)):
        reach = BOUND * deviation
        belief.mean[first + index] = min(
            max(belief.mean[first + index], start - reach), start + reach
        )


def _confidence(belief: Belief, spread: Sequence[float], first: int) -> float:
    left = [
        min(belief.deviation(first + index) / deviation, 1.0)
        for index, deviation in enumerate(spread)
    ]
    return 1 - sum(left) / len(left)


def _is_same(stored: object, prior: tuple[float | None, ...]) -> bool:
    if not isinstance(stored, list) or len(stored) != len(prior):
        return False
    for was, value in zip(stored, prior, strict=True):
        number = _number(was)
        if value is None or number is None:
            if was is not None or value is not None:
                return False
        elif not isclose(number, value, rel_tol=1e-6, abs_tol=1e-9):
            return False
    return True


def _pair(stored: object) -> tuple[float, float] | None:
    if not isinstance(stored, list) or len(stored) != 2:
        return None
    first, second = _number(stored[0]), _number(stored[1])
    return None if first is None or second is None else (first, second)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if isfinite(value) else None

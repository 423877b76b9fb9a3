"""Slab, room and envelope of a building."""

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from datetime import UTC, datetime, timedelta
from math import exp, log, sqrt
from typing import Self

from .kalman import Belief, Matrix
from .lessons import (
    DRIFT_PER_DAY,
    GATE,
    FadingRatio,
    bound,
    confidence_of,
    is_same,
    number,
)
from .quarter import Quarter, QuarterMeter, known
from .thermal import FloorModel

FLOOR_SPREAD = (0.5, 0.5, 0.5, 0.5, 0.7)
"""How uncertain the first parameters of a floor are at the start (logarithm)."""
INTERNAL_SPREAD = 0.6
ROOM_SENSOR_K = 0.05
SLAB_SENSOR_K = 0.4
SLAB_GUESS_K, SLAB_MEMORY_K = 2.5, 0.7
"""How uncertain a slab is that was guessed, or was known not long ago."""
GREATEST = 30.0
"""No slab is so much warmer than its room (K), nor is so much heat unknown (kW)."""
LONGEST_GAP = timedelta(hours=2)
ROOM_DRIFT_K, SLAB_DRIFT_K = 0.008, 0.02
"""What a quarter of an hour does to room and slab that no model knows."""
BIAS_H = 18.0
BIAS_K = 1.0
"""Unknown heat in the room, in K of outdoor temperature."""
UNKNOWN_SUN_W_M2 = 150.0
SETTLE_H = 4.0
"""Only then the slab is known well enough to learn from."""
HEATED_H = 48.0
LEAST_HEATED_K = 3.0
"""Without heat nothing tells how great the other flows are: as long as less than this,
in K of outdoor temperature, was heated in the last days, nothing is learned."""
ROOM, SLAB, BIAS, FIRST = 0, 1, 2, 3
LOGS = len(FLOOR_SPREAD)
INTERNAL = FIRST + LOGS


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What cannot be measured, as it was at a time."""

    time: datetime
    warmer_k: float
    """The slab, than the room."""
    bias_kw: float

    @property
    def memory(self) -> dict[str, object]:
        return {
            "time": self.time.isoformat(),
            "warmer_k": self.warmer_k,
            "bias_kw": self.bias_kw,
        }

    @classmethod
    def restored(cls, memory: object) -> Self | None:
        """Return what was stored; None if it is broken."""
        if not isinstance(memory, Mapping):
            return None
        time, warmer_k = memory.get("time"), number(memory.get("warmer_k"))
        bias_kw = number(memory.get("bias_kw"))
        if not isinstance(time, str) or warmer_k is None or bias_kw is None:
            return None
        try:
            parsed = datetime.fromisoformat(time)
        except ValueError:
            return None
        if parsed.tzinfo is None or abs(warmer_k) > GREATEST or abs(bias_kw) > GREATEST:
            return None
        return cls(time=parsed, warmer_k=warmer_k, bias_kw=bias_kw)


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
        self._now: datetime | None = None
        self._known: _Known | None = None
        self._followed_h = 0.0
        """Since the slab was guessed."""
        self._heated = FadingRatio(0.0, 0.0)
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
        self._now = now.astimezone(UTC)
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
        if self._room_c is None:
            return None
        remembered = self._remembered()
        return self._room_c + (remembered.warmer_k if remembered else 0.0)

    @property
    def bias_kw(self) -> float:
        """Heat in the room now that the model does not know of."""
        if self._is_running:
            return self._belief.mean[BIAS]
        remembered = self._remembered()
        return remembered.bias_kw if remembered else 0.0

    def _remembered(self) -> _Known | None:
        """Return what was known last, unless it is too long ago."""
        if self._known is None or self._now is None:
            return None
        age = self._now - self._known.time
        return self._known if timedelta(0) <= age <= LONGEST_GAP else None

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
        sun, hours = quarter.mean["sun"], quarter.hours
        self._heated.add(heat_kw * hours, hours, exp(-hours / HEATED_H))
        least_kw = LEAST_HEATED_K * self.prior.envelope_kw_per_k
        self._followed_h += hours
        learns = (
            sun is not None
            and self._heated.ratio >= least_kw
            and self._followed_h > SETTLE_H
        )
        self._predict(heat_kw, outdoor_c, sun, hours, learns=learns)
        row = [0.0] * len(self._belief.mean)
        row[ROOM] = 1.0
        surprise = room - self._belief.mean[ROOM]
        noise = ROOM_SENSOR_K**2
        if abs(surprise) > GATE * sqrt(self._belief.spread(row) + noise):
            # A window, a stove, a sensor that was moved: nothing to learn from.
            self._belief.update(row, surprise, noise, only=(ROOM,))
            self._belief.forget(BIAS, self._bias_kw)
        elif not learns:
            self._belief.update(row, surprise, noise, only=(ROOM, SLAB, BIAS))
        else:
            self._belief.update(row, surprise, noise)
        slab = quarter.last["slab"]
        if slab is not None:
            row = [0.0] * len(self._belief.mean)
            row[SLAB] = 1.0
            self._belief.update(row, slab - self._belief.mean[SLAB], SLAB_SENSOR_K**2)
        self._bound()
        self._known = _Known(
            time=quarter.start + timedelta(hours=hours),
            warmer_k=self._belief.mean[SLAB] - self._belief.mean[ROOM],
            bias_kw=self._belief.mean[BIAS],
        )

    def _begin(self, quarter: Quarter, room: float, heat_kw: float) -> None:
        """Guess the slab: it is as before, or hands the heat on."""
        belief, model = self._belief, self.model
        slab, deviation, bias_kw = quarter.last["slab"], SLAB_SENSOR_K, 0.0
        if (remembered := self._remembered()) is not None:
            bias_kw = remembered.bias_kw
        if slab is None and remembered is not None:
            slab, deviation = room + remembered.warmer_k, SLAB_MEMORY_K
        if slab is None:
            slab = room + 0.7 * heat_kw / model.slab_room_kw_per_k
            deviation = SLAB_GUESS_K
        belief.mean[ROOM], belief.mean[SLAB], belief.mean[BIAS] = room, slab, bias_kw
        belief.forget(ROOM, ROOM_SENSOR_K)
        belief.forget(SLAB, deviation)
        belief.forget(BIAS, self._bias_kw)
        self._is_running = True
        self._followed_h = 0.0

    def _predict(
        self,
        heat_kw: float,
        outdoor_c: float,
        sun: float | None,
        hours: float,
        *,
        learns: bool,
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
        drift = DRIFT_PER_DAY**2 * hours / 24 if learns else 0.0
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
        bound(self._belief, self._at_start().mean[FIRST:], self._spread, FIRST)

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
        return confidence_of(self._belief, self._spread, FIRST)

    @property
    def memory(self) -> dict[str, object]:
        """What must survive a restart, JSON-serialisable."""
        return {
            "prior": list(astuple(self.prior)),
            "belief": self._belief.memory,
            "known": None if self._known is None else self._known.memory,
        }

    def restore(self, memory: Mapping[str, object]) -> None:
        """Take over a stored memory; broken parts, and what an old prior taught, are not.

        A slab that was known long ago is guessed anew.
        """
        if not is_same(memory.get("prior"), astuple(self.prior)):
            return
        self._known = _Known.restored(memory.get("known"))
        belief = memory.get("belief")
        if isinstance(belief, Mapping) and self._belief.restore(belief):
            self._is_running = False
            self._bound()

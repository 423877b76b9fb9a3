"""What the learners make of good and of bad readings."""

from collections.abc import Callable
from dataclasses import astuple, replace
from datetime import UTC, datetime, timedelta
import json
from math import inf, isfinite, nan
import random
from zoneinfo import ZoneInfo

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.compute_heater.control.learning import (
    FloorLearner,
    HeaterLearner,
    TankLearner,
)
from custom_components.compute_heater.control.thermal import (
    FloorModel,
    HeaterModel,
    TankModel,
)

BERLIN = ZoneInfo("Europe/Berlin")
START = datetime(2026, 1, 10, tzinfo=UTC)
STEP = timedelta(minutes=5)
STEP_H = 1 / 12
TANK = TankModel(capacity_kwh_per_k=0.35, loss_kw_per_k=0.0022, ambient_c=18)
FLOOR = FloorModel(
    room_kwh_per_k=7.2,
    slab_kwh_per_k=3.9,
    slab_room_kw_per_k=1.0,
    envelope_kw_per_k=0.15,
    sun_m2=5.0,
    internal_kw=0.35,
)


def outdoor_c(time: datetime) -> float:
    return 2.0 + 4 * random.Random(time.toordinal()).random() - abs(time.hour - 14) / 3


def sun_w_m2(time: datetime) -> float:
    strength = random.Random(-time.toordinal()).random()
    return 600 * strength * max(0.0, 1 - ((time.hour - 12) / 4) ** 2)


def scaled(model: FloorModel, factor: float) -> FloorModel:
    return FloorModel(
        **{
            name: factor * getattr(model, name)
            for name in FloorModel.__dataclass_fields__
        }
    )


class House:
    """The models themselves as plant, at finer steps, with thermostats."""

    def __init__(self, floor: FloorModel = FLOOR, tank: TankModel = TANK) -> None:
        self.floor, self.tank = floor, tank
        self.time = START
        self.room_c, self.slab_c, self.mean_c = 20.5, 21.5, 50.0
        self.floor_kw = self.tank_kw = 0.0
        self.draw_kwh = 0.0
        """Until now."""
        self.warmer_k = 0.0
        """Outdoors."""

    @property
    def outdoor_c(self) -> float:
        return outdoor_c(self.time) + self.warmer_k

    def run(
        self,
        hours: float,
        see: Callable[[House], None],
        draws: Callable[[datetime], float] = lambda _: 0.0,
    ) -> None:
        for _ in range(round(hours / STEP_H)):
            if self.mean_c < 47:
                self.tank_kw = 4.3
            elif self.mean_c > 53:
                self.tank_kw = 0.0
            if self.room_c < 20.5:
                self.floor_kw = 4.3
            elif self.room_c > 21.2:
                self.floor_kw = 0.0
            see(self)
            self.room_c, self.slab_c = self.floor.step(
                self.room_c,
                self.slab_c,
                heat_kw=self.floor_kw,
                outdoor_c=self.outdoor_c,
                gain_kw=self.floor.gain_kw(sun_w_m2(self.time)),
                hours=STEP_H,
            )
            drawn = draws(self.time)
            self.draw_kwh += drawn
            self.mean_c = self.tank.step(self.mean_c, self.tank_kw, STEP_H, drawn)
            self.time += STEP


def watch_floor(learner: FloorLearner) -> Callable[[House], None]:
    return lambda house: learner.observe(
        house.time,
        room_c=house.room_c,
        heat_kw=house.floor_kw,
        outdoor_c=house.outdoor_c,
        sun_w_m2=sun_w_m2(house.time),
    )


def watch_tank(learner: TankLearner) -> Callable[[House], None]:
    return lambda house: learner.observe(house.time, house.mean_c, house.tank_kw)


def showers(time: datetime) -> float:
    local = time.astimezone(BERLIN)
    return {(7, 0): 2.0, (7, 5): 0.8, (19, 30): 1.5}.get(
        (local.hour, local.minute), 0.0
    )


def test_floor_is_learned_from_a_prior_that_is_far_off() -> None:
    learner, house = FloorLearner(scaled(FLOOR, 0.6)), House()
    assert learner.confidence == 0
    house.run(14 * 24, watch_floor(learner))
    model = learner.model
    assert model.envelope_kw_per_k == pytest.approx(0.15, rel=0.15)
    assert model.room_kwh_per_k + model.slab_kwh_per_k == pytest.approx(11.1, rel=0.15)
    assert model.sun_m2 == pytest.approx(5, rel=0.2)
    assert learner.confidence > 0.5
    assert learner.slab_c == pytest.approx(house.slab_c, abs=0.7)
    assert learner.uncertainty["envelope_kw_per_k"] < 0.2


def test_tank_and_draws_are_learned() -> None:
    prior = TankModel(capacity_kwh_per_k=0.26, loss_kw_per_k=0.004)
    learner, house = TankLearner(prior, BERLIN), House()
    house.run(14 * 24, watch_tank(learner), showers)
    assert learner.model.capacity_kwh_per_k == pytest.approx(0.35, rel=0.05)
    assert learner.model.loss_kw_per_k == pytest.approx(0.0022, rel=0.15)
    assert learner.confidence > 0.7
    expected = learner.draws.expected(house.time, 24)
    assert expected == pytest.approx(house.draw_kwh / 14, rel=0.1)


def test_a_window_that_is_opened_teaches_nothing() -> None:
    learner, house = FloorLearner(FLOOR), House()
    house.run(5 * 24, watch_floor(learner))
    before = learner.model
    house.room_c -= 2.0
    house.run(1, watch_floor(learner))
    assert learner.model.envelope_kw_per_k == pytest.approx(
        before.envelope_kw_per_k, rel=0.02
    )
    assert learner.model.room_kwh_per_k == pytest.approx(
        before.room_kwh_per_k, rel=0.02
    )


def test_heat_that_nobody_knows_of_is_taken_into_account() -> None:
    """A bias makes up for it within hours, and fades into the future."""
    learner, house = FloorLearner(FLOOR), House()
    house.run(4 * 24, watch_floor(learner))
    house.floor = replace(FLOOR, internal_kw=0.35 + 0.3)
    house.run(12, watch_floor(learner))
    assert learner.bias_kw > 0.08
    near, far = learner.gain_kw(0.0), learner.gain_kw(0.0, 48)
    assert near - learner.model.internal_kw == pytest.approx(learner.bias_kw)
    assert far < near


@pytest.mark.parametrize("missing", ["room_c", "heat_kw", "outdoor_c", "sun_w_m2"])
def test_what_is_not_known_is_not_learned_from(missing: str) -> None:
    learner, house = FloorLearner(scaled(FLOOR, 0.7)), House()

    def see(house: House) -> None:
        values = {
            "room_c": house.room_c,
            "heat_kw": house.floor_kw,
            "outdoor_c": house.outdoor_c,
            "sun_w_m2": sun_w_m2(house.time),
        }
        learner.observe(house.time, **{**values, missing: None})  # type: ignore[arg-type]

    house.run(48, see)
    assert astuple(learner.model) == pytest.approx(astuple(scaled(FLOOR, 0.7)))


def test_nothing_is_learned_while_nothing_is_heated() -> None:
    """All flows could be half as great: only heat that is measured tells."""
    learner, house = FloorLearner(scaled(FLOOR, 0.7)), House()
    house.run(5 * 24, watch_floor(learner))
    # The summer comes; with its last heat something may still be learned.
    house.warmer_k = 25.0
    house.run(15 * 24, watch_floor(learner))
    learned, confidence = learner.model, learner.confidence
    assert confidence > 0.4
    # People open their windows.
    house.floor = replace(FLOOR, envelope_kw_per_k=0.4)
    house.run(20 * 24, watch_floor(learner))
    assert learner.model == learned
    assert learner.confidence == confidence


def test_an_unknown_source_in_the_tank_teaches_nothing() -> None:
    learner, house = TankLearner(TANK, BERLIN), House()
    house.run(
        48, lambda house: learner.observe(house.time, house.mean_c, None), showers
    )
    assert astuple(learner.model) == pytest.approx(astuple(TANK))
    assert learner.draws.days == 0


def test_heater_learns_efficiency_and_exchanger() -> None:
    learner = HeaterLearner(HeaterModel(efficiency=0.95))
    time = START
    for minute in range(12 * 60):
        heat = 1.8 if minute % 240 < 150 else 0.05
        learner.observe(
            time,
            power_kw=heat / 0.9,
            heat_kw=heat,
            coolant_c=50 + heat / 0.4,
            sink_c=50.0,
        )
        time += timedelta(minutes=1)
    assert learner.model.efficiency == pytest.approx(0.9, abs=0.02)
    assert learner.model.exchanger_kw_per_k == pytest.approx(0.4, rel=0.02)
    assert 0.3 < learner.confidence < 1


def test_heater_without_a_heat_meter_keeps_its_prior() -> None:
    learner = HeaterLearner(HeaterModel(efficiency=0.93))
    for minute in range(600):
        learner.observe(START + timedelta(minutes=minute), power_kw=2.0, heat_kw=None)
    assert learner.model == HeaterModel(efficiency=0.93)
    assert learner.confidence == 0


def test_gaps_and_jumps_of_the_clock_do_no_harm() -> None:
    learner, house = FloorLearner(FLOOR), House()
    tank = TankLearner(TANK, BERLIN)

    def see(house: House) -> None:
        watch_floor(learner)(house)
        watch_tank(tank)(house)

    for jump in (
        timedelta(hours=3),
        timedelta(hours=-2),
        timedelta(days=400),
        timedelta(days=-400),
        timedelta(seconds=-301),
    ):
        house.run(9, see)
        house.time += jump
        # All of it has cooled down.
        house.room_c -= 3.0
        house.slab_c -= 3.0
        house.mean_c -= 10.0
    house.run(9, see)
    assert astuple(learner.model) == pytest.approx(astuple(FLOOR), rel=0.05, abs=0.03)
    assert tank.model.capacity_kwh_per_k == pytest.approx(0.35, rel=0.03)
    assert tank.draws.expected(house.time, 24) < 5.55


def test_everything_survives_a_restart() -> None:
    floor, tank, house = FloorLearner(FLOOR), TankLearner(TANK, BERLIN), House()
    heater = HeaterLearner(HeaterModel())

    def see(house: House) -> None:
        watch_floor(floor)(house)
        watch_tank(tank)(house)
        heater.observe(house.time, power_kw=house.tank_kw, heat_kw=0.9 * house.tank_kw)

    house.run(72, see, showers)
    floor_again, tank_again = FloorLearner(FLOOR), TankLearner(TANK, BERLIN)
    heater_again = HeaterLearner(HeaterModel())
    floor_again.restore(json.loads(json.dumps(floor.memory)))
    tank_again.restore(json.loads(json.dumps(tank.memory)))
    heater_again.restore(json.loads(json.dumps(heater.memory)))
    assert floor_again.model == floor.model
    assert floor_again.confidence == floor.confidence
    assert tank_again.model == tank.model
    assert heater_again.model == heater.model
    assert tank_again.draws.expected(house.time, 24) == pytest.approx(
        tank.draws.expected(house.time, 24), abs=0.01
    )


@pytest.mark.parametrize(("hours", "is_known"), [(1 / 6, True), (6, False)])
def test_after_a_short_restart_the_slab_is_still_known(
    hours: float, is_known: bool
) -> None:
    learner, house = FloorLearner(FLOOR), House()
    house.run(24, watch_floor(learner))
    house.slab_c += 2.0
    house.run(12, watch_floor(learner))
    again = FloorLearner(FLOOR)
    again.restore(json.loads(json.dumps(learner.memory)))
    assert again.slab_c is None
    house.run(hours, lambda _: None)
    watch_floor(again)(house)
    assert again.slab_c is not None
    if is_known:
        assert again.slab_c == pytest.approx(house.slab_c, abs=0.4)
        house.run(1, watch_floor(again))
        assert again.slab_c == pytest.approx(house.slab_c, abs=0.4)
    else:
        assert again.slab_c == house.room_c


def test_what_was_learned_of_another_house_is_dropped() -> None:
    """The owner has corrected the volume of the tank, or the area of the house."""
    floor, tank, house = FloorLearner(FLOOR), TankLearner(TANK, BERLIN), House()

    def see(house: House) -> None:
        watch_floor(floor)(house)
        watch_tank(tank)(house)

    house.run(48, see, showers)
    other_floor = FloorLearner(scaled(FLOOR, 2))
    other_floor.restore(floor.memory)
    assert other_floor.confidence == 0
    other_tank = TankLearner(replace(TANK, capacity_kwh_per_k=0.6), BERLIN)
    other_tank.restore(tank.memory)
    assert other_tank.confidence == 0
    assert other_tank.draws.days > 1.9, "people are the same"


readings = st.one_of(
    st.none(),
    st.sampled_from([nan, inf, -inf]),
    st.floats(-60, 120),
    st.floats(-1e12, 1e12),
)


@settings(max_examples=40)
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from([1, 5, 10, 15, 16, 17, 60, -30, 100_000, -100_000]),
            readings,
            readings,
            readings,
            readings,
            readings,
        ),
        max_size=80,
    )
)
def test_no_readings_make_a_model_unsound(
    rows: list[
        tuple[
            int,
            float | None,
            float | None,
            float | None,
            float | None,
            float | None,
        ]
    ],
) -> None:
    floor, tank = FloorLearner(FLOOR), TankLearner(TANK, BERLIN)
    heater = HeaterLearner(HeaterModel())
    time = START
    for minutes, first, second, third, fourth, fifth in rows:
        time += timedelta(minutes=minutes)
        floor.observe(
            time,
            room_c=first,
            heat_kw=second,
            outdoor_c=third,
            sun_w_m2=fourth,
            slab_c=fifth,
        )
        tank.observe(time, first, second)
        heater.observe(
            time, power_kw=first, heat_kw=second, coolant_c=third, sink_c=fourth
        )
    for value, prior in zip(astuple(floor.model), astuple(FLOOR), strict=True):
        assert isfinite(value)
        assert abs(value) < 20 * prior
    assert all(
        getattr(floor.model, name) > 0
        for name in FloorModel.__dataclass_fields__
        if name != "internal_kw"
    )
    assert 0.2 < tank.model.capacity_kwh_per_k < 0.6
    assert 0 < tank.model.loss_kw_per_k < 0.02
    assert 0.3 <= heater.model.efficiency <= 1
    for learner in (floor, tank, heater):
        assert 0 <= learner.confidence <= 1
        json.dumps(learner.memory, allow_nan=False)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=3) | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["mean", "covariance", "days", "belief"]), inner
        )
    ),
    max_leaves=10,
)


@given(
    spoilt=st.sampled_from(
        [
            "prior",
            "belief",
            "known",
            "noise_k2",
            "debt_kwh",
            "draws",
            "energy_kwh",
            "lift",
        ]
    ),
    value=json_values,
)
def test_a_spoilt_memory_is_ignored_where_it_is_spoilt(
    spoilt: str, value: object
) -> None:
    for learner in (
        FloorLearner(FLOOR),
        TankLearner(TANK, BERLIN),
        HeaterLearner(HeaterModel()),
    ):
        learner.restore({**learner.memory, spoilt: value})
        assert all(
            isfinite(each) for each in astuple(learner.model) if each is not None
        )
        assert 0 <= learner.confidence <= 1


@pytest.mark.parametrize(
    "covariance",
    [
        [[1.0, 2.0], [2.0, 1.0]],
        [[1.0, 0.0], [0.5, 1.0]],
        [[-1.0, 0.0], [0.0, 1.0]],
        [[nan, 0.0], [0.0, 1.0]],
        [[1.0]],
    ],
)
def test_what_is_no_covariance_is_not_restored(
    covariance: list[list[float]],
) -> None:
    learner = TankLearner(TANK, BERLIN)
    belief = {"mean": [0.0, 0.0], "covariance": covariance}
    learner.restore({**learner.memory, "belief": belief})
    assert astuple(learner.model) == pytest.approx(astuple(TANK))

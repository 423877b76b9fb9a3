"""The learners in the simulator's houses: a fortnight with thermostats, as people have."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import exp, sqrt
import random
from zoneinfo import ZoneInfo

import pytest

from custom_components.compute_heater.control.floor_learner import BIAS_H
from custom_components.compute_heater.control.learning import FloorLearner, TankLearner
from custom_components.compute_heater.control.stratified import StratifiedTank
from custom_components.compute_heater.control.thermal import FloorModel, TankModel
from simulator.house import House
from simulator.parameters import HOUSE, HouseParameters
from simulator.thermal import J_PER_KWH

BERLIN = ZoneInfo("Europe/Berlin")
STEP_S, QUARTER_STEPS = 60, 15
HEAT_W, IDLE_W = 4300.0, 60.0
DAY = 96

HEATED_BY_US = replace(HOUSE, heat_pump=replace(HOUSE.heat_pump, thermal_w=0.0))
LIGHTER = replace(
    HEATED_BY_US,
    floor=replace(
        HOUSE.floor, screed_j_per_k=14e6, room_j_per_k=26e6, envelope_w_per_k=150
    ),
)
"""0.3 m³, 40 MJ/K, 150 W/K: the house of the benchmark."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarter:
    """What was at its start, and what flowed within it."""

    room_c: float
    mean_c: float
    floor_kw: float
    tank_kw: float
    outdoor_c: float
    sun_w_m2: float
    drawn_kwh: float


class Fortnight:
    """A house that is run and watched; sensors show tenths of a degree, with noise."""

    def __init__(self, parameters: HouseParameters, start: datetime) -> None:
        self.house = House(parameters, start=start, seed=3)
        # Nobody knows more of this house than the heat that its floor takes.
        prior = FloorModel.of_area(HEAT_W / 60, heat_load_kw=HEAT_W / 1000)
        self.floor = FloorLearner(prior)
        self.tank = TankLearner(TankModel.of_volume(300), BERLIN)
        model = self.tank.model
        self.layers = StratifiedTank(
            model.capacity_kwh_per_k, model.loss_kw_per_k, model.ambient_c
        )
        self.quarters: list[Quarter] = []
        self._noise = random.Random(1)

    def sensed(self, value: float) -> float:
        return round(10 * (value + self._noise.gauss(0, 0.03))) / 10

    def run(self, days: int) -> None:
        house = self.house
        tank_on = room_on = False
        for _ in range(days * DAY):
            begin = replace_start(house)
            flows = [0.0] * 4
            for _ in range(QUARTER_STEPS):
                tank_on = house.tank.top_c < (53 if tank_on else 48)
                room_on = house.floor.room_c < (21.3 if room_on else 20.7)
                house.loop.pump_command = tank_on or room_on
                house.loop.valve_command_dhw = tank_on
                heat_w = HEAT_W if tank_on or room_on else IDLE_W
                share = house.loop.valve_position
                tank_kw, floor_kw = heat_w * share / 1000, heat_w * (1 - share) / 1000
                self.watch(tank_kw, floor_kw)
                outdoor, sun = (
                    house.conditions.outdoor_c,
                    house.conditions.irradiance_w_m2,
                )
                for index, flow in enumerate((floor_kw, tank_kw, outdoor, sun)):
                    flows[index] += flow / QUARTER_STEPS
                house.step(STEP_S, heat_j=heat_w * STEP_S, heater_supply_c=40.0)
            self.quarters.append(
                Quarter(
                    room_c=begin[0],
                    mean_c=begin[1],
                    floor_kw=flows[0],
                    tank_kw=flows[1],
                    outdoor_c=flows[2],
                    sun_w_m2=flows[3],
                    drawn_kwh=house.account.drawn_j / J_PER_KWH - begin[2],
                )
            )

    def watch(self, tank_kw: float, floor_kw: float) -> None:
        """Read the sensors, as a site does."""
        house, now = self.house, self.house.time.astimezone(UTC)
        model = self.tank.model
        self.layers.capacity_kwh_per_k = model.capacity_kwh_per_k
        self.layers.loss_kw_per_k = model.loss_kw_per_k
        self.layers.observe(
            now.timestamp(),
            self.sensed(house.tank.top_c),
            self.sensed(house.tank.bottom_c),
            tank_kw,
            4 * self.tank.draws.expected(now, 0.25),
        )
        self.tank.observe(now, self.layers.mean_c, tank_kw)
        self.floor.observe(
            now,
            room_c=self.sensed(house.floor.room_c),
            heat_kw=floor_kw,
            outdoor_c=house.conditions.outdoor_c,
            sun_w_m2=house.conditions.irradiance_w_m2,
        )


def replace_start(house: House) -> tuple[float, float, float]:
    return (
        house.floor.room_c,
        house.tank.mean_c,
        house.account.drawn_j / J_PER_KWH,
    )


@pytest.fixture(
    scope="module", params=[HEATED_BY_US, LIGHTER], ids=["house", "lighter"]
)
def fortnight(request: pytest.FixtureRequest) -> Fortnight:
    """Return a house after a fortnight in January."""
    found = Fortnight(request.param, datetime(2026, 1, 10, tzinfo=BERLIN))
    found.run(14)
    return found


def root_mean_square(errors: list[float]) -> float:
    return sqrt(sum(error**2 for error in errors) / len(errors))


def test_the_tank_a_quarter_ahead(fortnight: Fortnight) -> None:
    model = fortnight.tank.model
    errors = [
        model.step(quarter.mean_c, quarter.tank_kw, 0.25) - following.mean_c
        for quarter, following in zip(
            fortnight.quarters[7 * DAY :],
            fortnight.quarters[7 * DAY + 1 :],
            strict=False,
        )
        if quarter.drawn_kwh == 0
    ]
    assert len(errors) > 300
    assert root_mean_square(errors) < 0.15
    assert fortnight.tank.confidence > 0.5


def test_draws_are_told_without_a_meter(fortnight: Fortnight) -> None:
    drawn = sum(quarter.drawn_kwh for quarter in fortnight.quarters) / 14
    expected = fortnight.tank.draws.expected(fortnight.house.time, 24)
    assert expected == pytest.approx(drawn, rel=0.1)


def test_the_room_a_day_ahead(fortnight: Fortnight) -> None:
    """Another week, of which only heat and weather are known; the learner goes on."""
    steps: list[float] = []
    days: list[float] = []
    for _ in range(7):
        model, bias_kw = fortnight.floor.model, fortnight.floor.bias_kw
        slab_c, count = fortnight.floor.slab_c, len(fortnight.quarters)
        assert slab_c is not None
        fortnight.run(1)
        today = fortnight.quarters[count:]
        room_c, ahead_h = today[0].room_c, 0.0
        ends = [quarter.room_c for quarter in today[1:]]
        ends.append(fortnight.house.floor.room_c)
        for quarter, end in zip(today, ends, strict=True):
            gain_kw = model.gain_kw(quarter.sun_w_m2) + bias_kw * exp(-ahead_h / BIAS_H)
            before, ahead_h = room_c, ahead_h + 0.25
            room_c, slab_c = model.step(
                before,
                slab_c,
                heat_kw=quarter.floor_kw,
                outdoor_c=quarter.outdoor_c,
                gain_kw=gain_kw,
                hours=0.25,
            )
            steps.append((room_c - before) - (end - quarter.room_c))
        days.append(room_c - ends[-1])
    assert root_mean_square(steps) < 0.02
    assert max(abs(error) for error in days) < 0.4
    assert fortnight.floor.confidence > 0.5

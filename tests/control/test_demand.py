"""Demand of DHW tanks and floor circuits."""

import json
from math import nan

from hypothesis import given, strategies as st
import pytest

from custom_components.compute_heater.control.demand import (
    SinkController,
    SinkDemand,
    SinkKind,
    SinkReading,
    SinkSettings,
)
from custom_components.compute_heater.control.reasons import Reason

DHW = SinkSettings(
    kind=SinkKind.DHW,
    setpoint_c=50,
    hysteresis_k=4,
    limit_c=65,
    max_heat_w=3000,
    capacity_kwh_per_k=0.35,
    comfort_min_c=45,
)
FLOOR = SinkSettings(
    kind=SinkKind.FLOOR,
    setpoint_c=21,
    hysteresis_k=1,
    limit_c=40,
    max_heat_w=2000,
    capacity_kwh_per_k=5,
    comfort_min_c=20,
)


def run(controller: SinkController, *temperatures: float | None) -> list[SinkDemand]:
    """Evaluate one temperature after the other, a minute apart."""
    return [
        controller.evaluate(SinkReading(temperature_c=t), 90_000 + 60.0 * i)
        for i, t in enumerate(temperatures)
    ]


def test_tank_switches_on_below_the_band_and_off_at_the_set_point() -> None:
    demands = run(SinkController(DHW), 47, 46, 45.9, 47, 49.9, 50, 47, 45.9)
    assert [d.wanted for d in demands] == [0, 0, 1, 1, 1, 0, 0, 1]
    assert [d.heat_w for d in demands] == [0, 0, 3000, 3000, 3000, 0, 0, 3000]
    assert demands[2].reason is Reason.DHW_DEMAND
    assert demands[5].reason is Reason.NO_DEMAND


def test_new_set_point_acts_with_the_old_memory() -> None:
    controller = SinkController(DHW)
    run(controller, 45)
    controller.settings = SinkSettings(
        kind=SinkKind.DHW, setpoint_c=46, hysteresis_k=4, limit_c=65, max_heat_w=3000
    )
    assert [d.wanted for d in run(controller, 45, 46, 45)] == [True, False, False]


@pytest.mark.parametrize("reading", [None, nan])
def test_unknown_tank_wants_nothing_and_takes_nothing(reading: float | None) -> None:
    controller = SinkController(DHW)
    run(controller, 40)
    demand = controller.evaluate(SinkReading(temperature_c=reading), 60)
    assert (demand.heat_w, demand.wanted, demand.accepts) == (0, False, False)
    assert demand.reason is Reason.STALE_SENSOR
    assert demand.energy_kwh is demand.stored_kwh is demand.charge_percent is None
    assert run(controller, 48)[0].wanted, "the memory comes back with the sensor"


def test_hot_tank_takes_nothing_until_it_is_clearly_below_its_limit() -> None:
    controller = SinkController(DHW)
    demands = run(controller, 64.9, 65, 64, 63.1, 63)
    assert [d.accepts for d in demands] == [True, False, False, False, True]
    assert [d.reason for d in demands[1:4]] == [Reason.TANK_OVER_TEMPERATURE] * 3


def test_limit_stands_above_a_set_point_beyond_it() -> None:
    settings = SinkSettings(
        kind=SinkKind.DHW, setpoint_c=70, hysteresis_k=2, limit_c=65, max_heat_w=3000
    )
    demands = run(SinkController(settings), 60, 64.9, 65, 64, 62.9)
    assert [d.wanted for d in demands] == [True, True, False, False, True]


def test_either_tank_sensor_trips_the_limit() -> None:
    reading = SinkReading(temperature_c=50, second_c=66, has_second=True)
    demand = SinkController(DHW).evaluate(reading, 0)
    assert (demand.accepts, demand.reason) == (False, Reason.TANK_OVER_TEMPERATURE)


def test_silent_second_tank_sensor_leaves_the_first() -> None:
    reading = SinkReading(temperature_c=40, second_c=None, has_second=True)
    demand = SinkController(DHW).evaluate(reading, 0)
    assert demand.wanted
    assert demand.stored_kwh == pytest.approx(0.35 * 28)


def test_tank_energy() -> None:
    reading = SinkReading(temperature_c=48, second_c=40, has_second=True)
    demand = SinkController(DHW).evaluate(reading, 0)
    assert demand.energy_kwh == pytest.approx(0.35 * 6)
    assert demand.stored_kwh == pytest.approx(0.35 * 32)
    assert demand.charge_percent == pytest.approx(100 * 32 / 38)


def test_energy_of_a_full_tank_is_nought_and_charge_ends_at_100() -> None:
    demand = run(SinkController(DHW), 55)[0]
    assert (demand.energy_kwh, demand.charge_percent) == (0, 100)


def test_energy_is_unknown_without_capacity() -> None:
    settings = SinkSettings(
        kind=SinkKind.DHW, setpoint_c=50, hysteresis_k=4, limit_c=65, max_heat_w=3000
    )
    demand = run(SinkController(settings), 40)[0]
    assert demand.energy_kwh is demand.stored_kwh is None
    assert demand.charge_percent == pytest.approx(100 * 28 / 38)


def test_floor_energy_counts_from_the_comfort_minimum() -> None:
    demand = run(SinkController(FLOOR), 20.5)[0]
    assert demand.energy_kwh == pytest.approx(2.5)
    assert demand.stored_kwh == pytest.approx(2.5)
    assert demand.charge_percent == pytest.approx(50)


def test_hours_to_the_comfort_minimum_follow_the_rate_of_fall() -> None:
    controller = SinkController(DHW)
    falling = run(controller, *(50 - i / 60 for i in range(31)))  # 1 K/h
    assert falling[5].hours_to_limit is None, "too early to know"
    assert falling[30].hours_to_limit == pytest.approx(4.5, rel=0.01)


def test_hours_to_the_comfort_minimum_of_a_quantised_sensor() -> None:
    values = (round((50 - i / 60) * 4) / 4 for i in range(61))
    hours = run(SinkController(DHW), *values)[60].hours_to_limit
    assert hours == pytest.approx(4, rel=0.25)


def test_hours_are_unknown_while_steady_and_nought_below_the_minimum() -> None:
    assert run(SinkController(DHW), *[48.0] * 31)[30].hours_to_limit is None
    assert run(SinkController(DHW), 44)[0].hours_to_limit == 0


def test_floor_is_proportional_below_the_set_point() -> None:
    demands = run(SinkController(FLOOR), 22, 21, 20.75, 20.5, 20, 19)
    assert [d.heat_w for d in demands] == pytest.approx([0, 0, 500, 1000, 2000, 2000])
    assert demands[2].reason is Reason.FLOOR_DEMAND


def asked(
    fraction: float | None,
    room: float | None = 21,
    second: float | None = 30,
    *,
    has_second: bool = True,
) -> SinkReading:
    """Return a floor circuit whose demand the building gives."""
    return SinkReading(
        temperature_c=room,
        second_c=second,
        has_second=has_second,
        demand_fraction=fraction,
        has_demand_point=True,
    )


def test_buildings_demand_overrides_the_room() -> None:
    controller = SinkController(FLOOR)
    demand = controller.evaluate(asked(0.6, room=25), 0)
    assert (demand.heat_w, demand.reason) == (1200, Reason.BUILDING_DEMAND)
    assert controller.evaluate(asked(0.0, room=15), 60).heat_w == 0
    assert controller.evaluate(asked(1.4), 120).heat_w == 2000


def test_buildings_small_demand_is_nought_with_hysteresis() -> None:
    controller = SinkController(FLOOR)
    fractions = [0.02, 0.03, 0.035, 0.04, 0.035, 0.03, 0.029, 0.035]
    heat = [controller.evaluate(asked(f), i).heat_w for i, f in enumerate(fractions)]
    assert heat == pytest.approx([0, 0, 0, 80, 70, 60, 0, 0])


def test_buildings_demand_counts_without_room_while_the_limit_is_watched() -> None:
    demand = SinkController(FLOOR).evaluate(asked(0.5, room=None), 0)
    assert demand.heat_w == 1000


@pytest.mark.parametrize(
    "reading",
    [
        pytest.param(asked(0.5, second=None), id="floor sensor silent"),
        pytest.param(
            asked(0.5, room=None, second=None, has_second=False), id="only sensor"
        ),
    ],
)
def test_buildings_demand_needs_a_fresh_limit_sensor(reading: SinkReading) -> None:
    demand = SinkController(FLOOR).evaluate(reading, 0)
    assert (demand.heat_w, demand.accepts) == (0, False)
    assert demand.reason is Reason.STALE_SENSOR


def test_room_decides_when_the_buildings_demand_is_unknown() -> None:
    demand = SinkController(FLOOR).evaluate(asked(None, room=20.5), 0)
    assert (demand.heat_w, demand.reason) == (1000, Reason.FLOOR_DEMAND)


def test_tank_follows_the_buildings_request() -> None:
    reading = SinkReading(temperature_c=55, demand_fraction=1.0, has_demand_point=True)
    demand = SinkController(DHW).evaluate(reading, 0)
    assert (demand.heat_w, demand.reason) == (3000, Reason.BUILDING_DEMAND)


def test_hot_floor_is_refused() -> None:
    demand = SinkController(FLOOR).evaluate(asked(1.0, second=40), 0)
    assert (demand.heat_w, demand.reason) == (0, Reason.TANK_OVER_TEMPERATURE)


def test_memory_survives_a_restart() -> None:
    before = SinkController(DHW)
    run(before, 45)
    stored = json.loads(json.dumps(before.memory))
    after = SinkController(DHW)
    after.restore(stored)
    assert run(after, 48)[0].wanted
    assert not run(SinkController(DHW), 48)[0].wanted, "only from memory"


readings = st.builds(
    SinkReading,
    temperature_c=st.none() | st.floats(-20, 120),
    second_c=st.none() | st.floats(-20, 120),
    demand_fraction=st.none() | st.floats(-1, 2),
    has_demand_point=st.booleans(),
    has_second=st.booleans(),
)


@given(readings, st.sampled_from([DHW, FLOOR]), st.booleans())
def test_demand_is_bounded_and_never_given_to_the_unknown_or_hot(
    reading: SinkReading, settings: SinkSettings, wanted: bool
) -> None:
    controller = SinkController(settings)
    controller.restore({"wanted": wanted})
    demand = controller.evaluate(reading, 0)
    assert 0 <= demand.heat_w <= settings.max_heat_w
    assert demand.wanted is (demand.heat_w > 0)
    if demand.wanted:
        assert demand.accepts
        assert reading.temperature_c is not None or reading.second_c is not None
        if settings.kind is SinkKind.DHW:
            assert reading.temperature_c is not None
            assert reading.temperature_c < settings.limit_c
        if reading.has_second and settings.kind is SinkKind.FLOOR:
            assert reading.second_c is not None
            assert reading.second_c < settings.limit_c

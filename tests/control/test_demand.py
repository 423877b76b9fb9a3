"""Demand of DHW tanks and floor circuits."""

from dataclasses import replace
import json
from math import inf, nan

from hypothesis import given, strategies as st
import pytest

from custom_components.compute_heater.control.comfort import ComfortGuard
from custom_components.compute_heater.control.demand import (
    SinkController,
    SinkDemand,
    SinkKind,
    SinkReading,
    SinkSettings,
)
from custom_components.compute_heater.control.heat_curve import HeatCurve
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
CURVE = HeatCurve(25, 0.5)
BUFFER = SinkSettings(
    kind=SinkKind.BUFFER,
    setpoint_c=45,
    hysteresis_k=5,
    limit_c=70,
    max_heat_w=5000,
    capacity_kwh_per_k=1,
    comfort_min_c=35,
)
POOL = SinkSettings(
    kind=SinkKind.POOL,
    setpoint_c=27,
    hysteresis_k=1,
    limit_c=32,
    max_heat_w=4000,
    capacity_kwh_per_k=40,
    comfort_min_c=24,
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


def test_buildings_demand_on_top_of_its_own() -> None:
    controller = SinkController(replace(FLOOR, demand_adds=True))
    demand = controller.evaluate(asked(0.3, room=20.5), 0)
    assert (demand.heat_w, demand.reason) == (1600, Reason.FLOOR_DEMAND)
    demand = controller.evaluate(asked(0.3, room=22), 60)
    assert (demand.heat_w, demand.reason) == (600, Reason.BUILDING_DEMAND)
    assert controller.evaluate(asked(0.8, room=20.2), 120).heat_w == 2000
    assert controller.evaluate(asked(0.4, room=None), 180).heat_w == 800
    assert controller.evaluate(asked(None, room=20.5), 240).heat_w == 1000


def test_building_on_top_leaves_the_tank_its_hysteresis() -> None:
    controller = SinkController(replace(DHW, demand_adds=True))

    def heat_w(temperature: float, fraction: float) -> float:
        reading = SinkReading(
            temperature_c=temperature, demand_fraction=fraction, has_demand_point=True
        )
        return controller.evaluate(reading, 0).heat_w

    asked_for = [0.0, 0.03, 0.04, 0.03, 0.02]
    heats = [heat_w(48, fraction) for fraction in asked_for]
    assert heats == pytest.approx([0, 0, 120, 90, 0])
    assert [heat_w(t, 0.5) for t in (45, 48, 50, 48)] == [3000, 3000, 1500, 1500]


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


def test_buffer_is_filled_like_a_tank() -> None:
    demands = run(SinkController(BUFFER), 41, 40, 39.9, 44, 45, 41)
    assert [d.wanted for d in demands] == [0, 0, 1, 1, 0, 0]
    assert demands[2].reason is Reason.BUFFER_DEMAND
    reading = SinkReading(temperature_c=42, second_c=38, has_second=True)
    demand = SinkController(BUFFER).evaluate(reading, 0)
    assert demand.energy_kwh == pytest.approx(5)
    assert demand.stored_kwh == pytest.approx(5), "above the comfort minimum"
    assert demand.charge_percent == pytest.approx(50)
    hot = replace(reading, second_c=70)
    assert not SinkController(BUFFER).evaluate(hot, 0).accepts


@pytest.mark.parametrize(
    ("outdoor_c", "target_c", "comfort_c"),
    [(25, 25, 20), (20, 25, 20), (0, 35, 30), (-10, 40, 35), (-30, 45, 35), (None, 45, 35)],
)  # fmt: skip
def test_buffer_follows_its_heat_curve(
    outdoor_c: float | None, target_c: float, comfort_c: float
) -> None:
    """Up to the set point, and in the doubt to just that."""
    controller = SinkController(replace(BUFFER, curve=CURVE))
    reading = SinkReading(temperature_c=target_c - 5.1, outdoor_c=outdoor_c)
    demand = controller.evaluate(reading, 0)
    assert demand.wanted
    assert controller.target_c == target_c <= controller.store_max_c
    assert controller.comfort_min_c == comfort_c
    assert demand.curve_c == (None if outdoor_c is None else 25 + (20 - min(outdoor_c, 20)) / 2)  # fmt: skip
    full = controller.evaluate(replace(reading, temperature_c=target_c), 60)
    assert (full.wanted, full.energy_kwh) == (False, 0)


def test_no_backup_heats_a_buffer_beyond_its_curve() -> None:
    controller, guard = SinkController(replace(BUFFER, curve=CURVE)), ComfortGuard()
    mild = SinkReading(temperature_c=30, outdoor_c=20)
    controller.evaluate(mild, 0)
    assert not guard.update(controller, 30)
    controller.evaluate(replace(mild, outdoor_c=-10), 60)
    assert guard.update(controller, 30)


def test_pool_is_proportional_and_has_a_limit_of_its_own() -> None:
    demands = run(SinkController(POOL), 27, 26.5, 25, 32, 31, 30)
    assert [d.heat_w for d in demands] == pytest.approx([0, 2000, 4000, 0, 0, 0])
    assert [d.accepts for d in demands] == [True, True, True, False, False, True]
    assert demands[1].reason is Reason.POOL_DEMAND
    assert demands[1].energy_kwh == pytest.approx(20)


def test_floor_stays_below_its_heat_curve() -> None:
    controller = SinkController(replace(FLOOR, curve=CURVE))
    cold = SinkReading(temperature_c=19, second_c=25, has_second=True, outdoor_c=10)
    demands = [
        controller.evaluate(replace(cold, second_c=supply), 0)
        for supply in (25, 27, 28.5, 30, 33)
    ]
    assert [d.heat_w for d in demands] == pytest.approx([2000, 2000, 1000, 0, 0])
    assert [d.reason for d in demands[1:]] == [Reason.FLOOR_DEMAND] + [
        Reason.HEAT_CURVE
    ] * 3
    assert all(d.accepts for d in demands), "only the limit refuses heat"
    near = controller.evaluate(replace(cold, temperature_c=20.9, second_c=28), 0)
    assert (near.heat_w, near.reason) == (pytest.approx(200), Reason.FLOOR_DEMAND)


@pytest.mark.parametrize(
    "reading",
    [
        SinkReading(temperature_c=20.5, second_c=35, has_second=True),
        SinkReading(temperature_c=20.5, outdoor_c=10),
    ],
    ids=["outdoor temperature", "supply"],
)
def test_floor_without_what_its_curve_needs_follows_the_room(
    reading: SinkReading,
) -> None:
    demand = SinkController(replace(FLOOR, curve=CURVE)).evaluate(reading, 0)
    assert (demand.heat_w, demand.reason) == (1000, Reason.FLOOR_DEMAND)


def test_building_asks_beyond_the_heat_curve() -> None:
    controller = SinkController(replace(FLOOR, curve=CURVE))
    demand = controller.evaluate(replace(asked(0.5, second=35), outdoor_c=10), 0)
    assert (demand.heat_w, demand.reason) == (1000, Reason.BUILDING_DEMAND)


def falling(
    settings: SinkSettings, start: float, k_per_h: float, below_k: float = 0
) -> SinkDemand:
    """Let a sink fall for an hour; of two sensors the lower one is colder."""
    controller = SinkController(settings)
    for minute in range(61):
        top = start - k_per_h * minute / 60
        second = top - below_k if below_k else None
        reading = SinkReading(
            temperature_c=top, second_c=second, has_second=second is not None
        )
        demand = controller.evaluate(reading, 60.0 * minute)
    return demand


def test_latest_start_is_before_the_comfort_minimum() -> None:
    # 49 °C, 45 °C in 4 h.
    mixed = falling(DHW, 50, 1)
    assert mixed.hours_to_limit == pytest.approx(4)
    assert mixed.hours_to_start == pytest.approx(3.9)
    # The mean is 10 K colder: 0.35 kWh/K × 10 K / 3 kW more.
    layers = falling(DHW, 50, 1, below_k=20)
    assert layers.hours_to_start == pytest.approx(3.9 - 3.5 / 3)
    floor = falling(replace(FLOOR, capacity_kwh_per_k=None), 21.5, 0.25)
    assert floor.hours_to_start == pytest.approx(5 - 2)


def test_latest_start_is_now_where_heat_cannot_hold_it_or_comfort_is_lost() -> None:
    assert falling(replace(DHW, max_heat_w=300), 50, 1).hours_to_start == 0
    assert falling(DHW, 45.5, 1).hours_to_start == 0
    assert run(SinkController(DHW), 44)[0].hours_to_start == 0


def test_latest_start_is_unknown_while_nothing_falls() -> None:
    assert run(SinkController(DHW), *[48.0] * 31)[30].hours_to_start is None
    assert falling(replace(DHW, comfort_min_c=None), 50, 1).hours_to_start is None


@given(
    st.floats(45.5, 60),
    st.floats(0.1, 8),
    st.floats(0, 30),
    st.floats(500, 20_000),
    st.floats(0.05, 3),
)
def test_heating_at_the_latest_start_keeps_the_comfort_minimum(
    top: float, fall: float, below_k: float, heat_w: float, capacity: float
) -> None:
    """A tank that mixes when it is charged, but is drawn from as before."""
    settings = replace(DHW, max_heat_w=heat_w, capacity_kwh_per_k=capacity)
    demand = falling(settings, top + fall, fall, below_k)
    if demand.hours_to_start is None or demand.hours_to_limit is None:
        return
    assert 0 <= demand.hours_to_start <= demand.hours_to_limit
    if demand.hours_to_start == 0:
        return
    heated_h = demand.hours_to_limit - demand.hours_to_start - 0.1
    mean = top - below_k / 2
    at_limit = mean - fall * demand.hours_to_limit + heat_w / 1000 / capacity * heated_h
    assert at_limit >= 45 - 0.01


def raised(controller: SinkController, *temperatures: float) -> list[SinkDemand]:
    """Evaluate with the tank raised to 58 °C."""
    controller.raised_to_c = 58
    return run(controller, *temperatures)


def test_raised_tank_is_heated_whatever_else_is_wanted() -> None:
    demands = raised(SinkController(DHW), 52, 57.9, 58, 57, 56.9)
    assert [d.heat_w for d in demands] == [3000, 3000, 0, 0, 3000]
    assert demands[0].reason is Reason.DISINFECTION
    controller = SinkController(DHW)
    controller.raised_to_c = 58
    reading = SinkReading(temperature_c=50, demand_fraction=0.2, has_demand_point=True)
    assert controller.evaluate(reading, 0).reason is Reason.DISINFECTION
    asked_for = controller.evaluate(replace(reading, temperature_c=58), 60)
    assert (asked_for.heat_w, asked_for.reason) == (600, Reason.BUILDING_DEMAND)


def test_raised_tank_obeys_its_limit_its_owner_and_its_sensor() -> None:
    controller = SinkController(replace(DHW, limit_c=55))
    assert not raised(controller, 55)[0].wanted
    controller = SinkController(DHW)
    controller.enabled = False
    assert not raised(controller, 40)[0].wanted
    controller = SinkController(DHW)
    controller.raised_to_c = 58
    assert run(controller, None)[0].reason is Reason.STALE_SENSOR


def test_tank_is_left_to_its_target_after_it_was_raised() -> None:
    controller = SinkController(DHW)
    raised(controller, 57)
    controller.raised_to_c = None
    assert [d.wanted for d in run(controller, 57, 47, 45)] == [False, False, True]


def test_stored_heat_ends_below_the_limit() -> None:
    assert 50 <= SinkController(DHW).store_max_c <= 63
    assert SinkController(replace(DHW, comfort_max_c=57)).store_max_c == 57
    assert SinkController(replace(DHW, comfort_max_c=70)).store_max_c == 63


readings = st.builds(
    SinkReading,
    temperature_c=st.none() | st.floats(-20, 120),
    second_c=st.none() | st.floats(-20, 120),
    demand_fraction=st.none() | st.floats(-1, 2),
    has_demand_point=st.booleans(),
    has_second=st.booleans(),
    outdoor_c=st.none() | st.floats(-40, 50) | st.sampled_from([nan, inf]),
)


@given(
    readings,
    st.sampled_from([DHW, FLOOR, BUFFER, POOL]),
    st.none() | st.builds(HeatCurve, st.floats(15, 50), st.floats(0, 4)),
    st.none() | st.floats(40, 75),
    st.booleans(),
    st.booleans(),
)
def test_demand_is_bounded_and_never_given_to_the_unknown_or_hot(
    reading: SinkReading,
    settings: SinkSettings,
    curve: HeatCurve | None,
    raised_to_c: float | None,
    wanted: bool,
    demand_adds: bool,
) -> None:
    settings = replace(settings, curve=curve, demand_adds=demand_adds)
    controller = SinkController(settings)
    controller.restore({"wanted": wanted})
    controller.raised_to_c = raised_to_c
    demand = controller.evaluate(reading, 0)
    assert 0 <= demand.heat_w <= settings.max_heat_w
    assert demand.wanted is (demand.heat_w > 0)
    if demand.wanted:
        assert demand.accepts
        assert reading.temperature_c is not None or reading.second_c is not None
        if settings.kind is not SinkKind.FLOOR:
            assert reading.temperature_c is not None
            assert reading.temperature_c < settings.limit_c
        if settings.kind.is_tank and reading.second_c is not None:
            assert reading.second_c < settings.limit_c
        if reading.has_second and settings.kind is SinkKind.FLOOR:
            assert reading.second_c is not None
            assert reading.second_c < settings.limit_c
    assert controller.target_c <= settings.setpoint_c
    assert demand.charge_percent is None or 0 <= demand.charge_percent <= 100
    by_itself = not (demand_adds and reading.has_demand_point)
    of_room = demand.reason in (Reason.FLOOR_DEMAND, Reason.HEAT_CURVE)
    if by_itself and of_room and demand.wanted:
        curve_c, supply_c = demand.curve_c, reading.second_c
        assert curve_c is None or supply_c is None or supply_c < curve_c


def test_a_tank_of_two_sensors_is_charged_before_its_top_is_cold() -> None:
    controller = SinkController(
        SinkSettings(
            kind=SinkKind.DHW,
            setpoint_c=50,
            hysteresis_k=4,
            limit_c=65,
            max_heat_w=3000,
        )
    )

    def wants(top_c: float, bottom_c: float | None, now: float) -> bool:
        reading = SinkReading(
            temperature_c=top_c, second_c=bottom_c, has_second=bottom_c is not None
        )
        return controller.evaluate(reading, now).wanted

    assert not wants(50, 44, 0)
    assert wants(50, 30, 60)
    # It goes on until all of it is warm.
    assert wants(52, 40, 120)
    assert not wants(52, 49, 180)
    # Where the bottom is the hotter one, the top decides.
    assert wants(45.9, 60, 240)
    # With one sensor there is nothing else to go by.
    assert not wants(50, None, 300)

"""Models of tank, floor and heater: they keep energy, and settle where they should."""

from hypothesis import given, strategies as st
import pytest

from custom_components.compute_heater.control.thermal import (
    BuildingStandard,
    FloorModel,
    HeaterModel,
    TankModel,
)

temperatures = st.floats(-20, 90)
heats = st.floats(0, 20)
hours = st.floats(0.01, 6)
tanks = st.builds(
    TankModel,
    capacity_kwh_per_k=st.floats(0.02, 3),
    loss_kw_per_k=st.floats(0.0001, 0.02),
    ambient_c=st.floats(5, 30),
)
floors = st.builds(
    FloorModel,
    room_kwh_per_k=st.floats(0.5, 40),
    slab_kwh_per_k=st.floats(0.5, 40),
    slab_room_kw_per_k=st.floats(0.05, 4),
    envelope_kw_per_k=st.floats(0.01, 1),
    sun_m2=st.floats(0, 30),
    internal_kw=st.floats(0, 2),
)


@given(tank=tanks, start=temperatures, heat=heats, draw=heats, length=hours)
def test_tank_keeps_energy(
    tank: TankModel, start: float, heat: float, draw: float, length: float
) -> None:
    end = tank.step(start, heat, length, draw)
    stored = tank.capacity_kwh_per_k * (end - start)
    lost = tank.loss_kw_per_k * (end - tank.ambient_c) * length
    assert stored == pytest.approx(heat * length - draw - lost, abs=1e-6)


@given(
    floor=floors,
    room=temperatures,
    slab=temperatures,
    heat=heats,
    outdoor=temperatures,
    gain=st.floats(-1, 10),
    length=hours,
)
def test_floor_keeps_energy(
    floor: FloorModel,
    room: float,
    slab: float,
    heat: float,
    outdoor: float,
    gain: float,
    length: float,
) -> None:
    new_room, new_slab = floor.step(
        room, slab, heat_kw=heat, outdoor_c=outdoor, gain_kw=gain, hours=length
    )
    stored = floor.room_kwh_per_k * (new_room - room)
    stored += floor.slab_kwh_per_k * (new_slab - slab)
    lost = floor.envelope_kw_per_k * (new_room - outdoor) * length
    assert stored == pytest.approx((heat + gain) * length - lost, abs=1e-6)


@given(floor=floors, outdoor=st.floats(-20, 20), length=hours)
def test_an_unheated_house_gets_as_cold_as_it_is_outside(
    floor: FloorModel, outdoor: float, length: float
) -> None:
    steps = [(length, 0.0, outdoor, 0.0)] * 5
    last = 30.0
    for room, slab in floor.predict(30.0, 30.0, steps):
        assert outdoor - 1e-9 <= room <= slab + 1e-9
        assert room <= last
        last = room


@given(floor=floors, heat=heats, outdoor=st.floats(-20, 20), sun=st.floats(0, 800))
def test_where_a_floor_settles(
    floor: FloorModel, heat: float, outdoor: float, sun: float
) -> None:
    gain = floor.gain_kw(sun)
    room = outdoor + (heat + gain) / floor.envelope_kw_per_k
    slab = room + heat / floor.slab_room_kw_per_k
    ends = floor.predict(room, slab, [(1.0, heat, outdoor, gain)] * 3)
    assert ends[-1] == pytest.approx((room, slab), abs=1e-6)


def test_tank_predicts_step_by_step() -> None:
    tank = TankModel.of_volume(300)
    first = tank.step(50, 3, 0.25)
    second = tank.step(first, 0, 1, 2)
    assert tank.predict(50, [(0.25, 3, 0), (1, 0, 2)]) == [first, second]


def test_priors_are_of_the_usual_size() -> None:
    tank = TankModel.of_volume(300)
    assert tank.capacity_kwh_per_k == pytest.approx(0.349, abs=0.001)
    assert 24 * tank.loss_kw_per_k * 45 == pytest.approx(2.4, abs=0.2)
    old = FloorModel.of_area(100, BuildingStandard.OLD)
    new = FloorModel.of_area(100, BuildingStandard.NEW)
    assert old.envelope_kw_per_k > 2 * new.envelope_kw_per_k
    assert old.slab_kwh_per_k == new.slab_kwh_per_k
    told = FloorModel.of_area(100, heat_load_kw=6.4, design_outdoor_c=-12)
    assert told.envelope_kw_per_k == pytest.approx(0.2)


def test_heater() -> None:
    heater = HeaterModel(efficiency=0.9, exchanger_kw_per_k=0.4)
    assert heater.heat_kw(2) == pytest.approx(1.8)
    assert heater.max_heat_kw(60, 55) == pytest.approx(2)
    assert heater.max_heat_kw(60, 65) == 0
    assert HeaterModel().max_heat_kw(60, 55) is None

"""The DHW tank: layers, draw-off and losses."""

from hypothesis import given, settings, strategies as st
import pytest

from simulator.parameters import HOUSE
from simulator.tank import Tank, TankParameters
from simulator.thermal import WATER_J_PER_L_K

STILL = TankParameters(
    litres=100,
    layers=5,
    start_c=50,
    loss_w_per_k=0,
    mixing_w_per_k=0,
    coil_w_per_k=900,
)


def test_draw_off_cools_the_bottom_first() -> None:
    tank = Tank(STILL)
    drawn_j = tank.draw(20)
    assert drawn_j == pytest.approx(20 * WATER_J_PER_L_K * 40)
    assert tank.top_c > 49
    assert tank.bottom_c < 30
    assert tank.layers_c == sorted(tank.layers_c, reverse=True)


def test_drawing_everything_leaves_cold_water() -> None:
    tank = Tank(STILL)
    drawn_j = tank.draw(1000)
    assert tank.top_c == pytest.approx(10, abs=0.1)
    assert drawn_j == pytest.approx(100 * WATER_J_PER_L_K * 40, rel=1e-3)


def test_heat_rises() -> None:
    tank = Tank(STILL)
    tank.draw(30)
    bottom_c = tank.bottom_c
    tank.heat(5e6)
    assert tank.bottom_c > bottom_c
    assert tank.layers_c == sorted(tank.layers_c, reverse=True)
    tank.heat(20e6)
    assert tank.top_c == pytest.approx(tank.bottom_c)
    assert tank.top_c > 50


def test_standing_loss() -> None:
    tank = Tank(HOUSE.tank)
    lost_j = sum(tank.rest(10) for _ in range(8640))
    # 2.2 W/K against a cellar of 18 °C: some 1.5 kWh a day.
    assert lost_j == pytest.approx(1.5 * 3.6e6, rel=0.05)


@settings(max_examples=100, deadline=None)
@given(
    acts=st.lists(
        st.tuples(st.floats(0, 80), st.floats(0, 5e6), st.floats(0.1, 600)), max_size=30
    )
)
def test_warm_is_always_above_cold(acts: list[tuple[float, float, float]]) -> None:
    tank = Tank(HOUSE.tank)
    for litres, heat_j, dt_s in acts:
        before_j = tank.stored_j
        drawn_j = tank.draw(litres)
        tank.heat(heat_j)
        lost_j = tank.rest(dt_s)
        assert tank.stored_j == pytest.approx(before_j - drawn_j + heat_j - lost_j)
        for upper, lower in zip(tank.layers_c, tank.layers_c[1:], strict=False):
            assert upper >= lower - 1e-9

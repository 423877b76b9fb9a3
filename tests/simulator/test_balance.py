"""The house neither makes nor loses energy."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings, strategies as st
import pytest

from simulator.house import House
from simulator.parameters import DEMO, HOUSE, PRESETS, HouseParameters
from simulator.thermal import WATER_J_PER_L_K

DAY_S = 86400


def stored_j(house: House) -> float:
    """Heat stored, from the temperatures and what the house is made of."""
    parts = house.parameters
    layer_l = parts.tank.litres / parts.tank.layers
    return (
        sum(layer_c * layer_l * WATER_J_PER_L_K for layer_c in house.tank.layers_c)
        + house.floor.buffer_c * parts.floor.buffer_l * WATER_J_PER_L_K
        + house.floor.screed_c * parts.floor.screed_j_per_k
        + house.floor.room_c * parts.floor.room_j_per_k
    )


def assert_closes(house: House, before_j: float, fed_j: float) -> None:
    """In minus out is what is stored, within 0.1 % of what was turned over."""
    account = house.account
    gains_j = fed_j + house.heat_pump.heat_j + account.solar_j + account.internal_j
    losses_j = (
        account.tank_loss_j
        + account.buffer_loss_j
        + account.envelope_j
        + account.drawn_j
    )
    grown_j = stored_j(house) - before_j
    assert gains_j > 0
    assert grown_j == pytest.approx(gains_j - losses_j, abs=1e-3 * gains_j)
    assert account.compute_j == pytest.approx(fed_j)


@pytest.mark.parametrize("seed", [1, 7])
@pytest.mark.parametrize("month", [1, 4, 7, 10])
@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_a_day_closes(preset: str, month: int, seed: int) -> None:
    house = House(
        PRESETS[preset], start=datetime(2026, month, 15, tzinfo=UTC), seed=seed
    )
    house.loop.pump_command = True
    before_j, fed_j = stored_j(house), 0.0
    for minute in range(DAY_S // 60):
        house.loop.valve_command_dhw = minute % 180 < 40
        heat_j = 1500.0 * 60 if minute % 300 < 150 else 0.0
        house.step(60, heat_j=heat_j, heater_supply_c=45)
        fed_j += heat_j
    assert house.account.envelope_j != 0
    assert_closes(house, before_j, fed_j)


moves = st.lists(
    st.tuples(
        st.floats(0.2, 900),  # seconds
        st.floats(0, 5000),  # watts of compute heat
        st.floats(0, 20),  # tap, L/min
        st.booleans(),  # valve to the tank
        st.booleans(),  # pump
        st.booleans(),  # heat pump enabled
    ),
    min_size=1,
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(
    moves=moves, day=st.integers(0, 364), seed=st.integers(0, 1000), demo=st.booleans()
)
def test_any_use_closes(
    moves: list[tuple[float, float, float, bool, bool, bool]],
    day: int,
    seed: int,
    demo: bool,
) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day)
    house = House(DEMO if demo else HOUSE, start=start, seed=seed)
    before_j, fed_j = stored_j(house), 0.0
    for dt_s, power_w, tap_lpm, to_tank, pump, heat_pump in moves:
        house.commands.tap_lpm.own = tap_lpm
        house.loop.valve_command_dhw = to_tank
        house.loop.pump_command = pump
        house.commands.heat_pump_enable.own = heat_pump
        house.step(dt_s, heat_j=power_w * dt_s, heater_supply_c=50)
        fed_j += power_w * dt_s
    assert house.elapsed_s == pytest.approx(sum(move[0] for move in moves))
    assert_closes(house, before_j, fed_j)


def widths(parameters: HouseParameters, dt_s: float) -> House:
    house = House(parameters, start=datetime(2026, 2, 1, tzinfo=UTC), seed=3)
    for _ in range(round(6 * 3600 / dt_s)):
        house.step(dt_s)
    return house


def test_step_width_hardly_matters() -> None:
    fine, coarse = widths(HOUSE, 1), widths(HOUSE, 10)
    assert coarse.floor.room_c == pytest.approx(fine.floor.room_c, abs=0.05)
    assert coarse.tank.mean_c == pytest.approx(fine.tank.mean_c, abs=0.5)
    assert coarse.account.drawn_l == pytest.approx(fine.account.drawn_l)

"""Holding a supply temperature in manual mode."""

import json

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.compute_heater.control.setpoint import SetpointController


def controller() -> SetpointController:
    """Return one for a heater of 200…3000 W."""
    return SetpointController(floor_w=200, max_w=3000)


def closed_loop(
    setpoint: float,
    *,
    capacity_j_per_k: float = 100_000,
    conductance: float = 120.0,
    ambient: float = 25.0,
    seconds: int = 14_400,
    step: int = 10,
) -> list[float]:
    """Let the controller heat a bath that loses to its surroundings."""
    loop, temperature, history = controller(), 25.0, []
    for now in range(0, seconds, step):
        power = loop.evaluate(setpoint, temperature, now)
        assert power is not None
        loss = conductance * (temperature - ambient)
        temperature += (power - loss) * step / capacity_j_per_k
        history.append(temperature)
    return history


@pytest.mark.parametrize("capacity", [30_000, 100_000, 500_000])
@pytest.mark.parametrize("setpoint", [35, 42, 48])
def test_supply_settles_at_the_set_point(capacity: float, setpoint: float) -> None:
    history = closed_loop(setpoint, capacity_j_per_k=capacity)
    assert max(history) < setpoint + 3
    assert history[-360:] == pytest.approx([setpoint] * 360, abs=0.5)


def test_no_windup_while_the_set_point_is_out_of_reach() -> None:
    loop = controller()
    for now in range(0, 36_000, 10):
        assert loop.evaluate(60, 40, now) == 3000 or now < 600
    powers = [loop.evaluate(36, 40, now) for now in range(36_000, 36_700, 10)]
    assert powers[0] == pytest.approx(1600, abs=100), "proportion acts at once"
    assert powers[-1] == 200


def test_start_is_bumpless() -> None:
    for power in (200, 1500, 3000):
        loop = controller()
        loop.start(power)
        assert loop.evaluate(55, 40, 100) == pytest.approx(power)
        after = loop.evaluate(55, 40, 105)
        assert after == pytest.approx(power, abs=300)


def test_start_gives_way_to_the_controller() -> None:
    loop = controller()
    loop.start(200)
    powers = [loop.evaluate(55, 40, now) for now in range(0, 600, 10)]
    assert powers[-1] == 3000


def test_unknown_supply_gives_no_power_and_no_windup() -> None:
    loop = controller()
    loop.start(1000)
    held = loop.evaluate(50, 50, 0)
    for now in range(10, 3600, 10):
        assert loop.evaluate(50, None, now) is None
        assert loop.evaluate(50, float("nan"), now) is None
    assert loop.evaluate(50, 50, 3600) == held


def test_small_changes_are_not_worth_a_command() -> None:
    loop = controller()
    loop.start(1000)
    loop.evaluate(50, 50, 0)
    assert loop.evaluate(50, 49.9, 1) == 1000
    assert loop.evaluate(50, 49.5, 2) != 1000


def test_memory_goes_on_at_the_same_power() -> None:
    loop = controller()
    loop.start(1700)
    loop.evaluate(50, 48, 0)
    again = controller()
    again.restore(json.loads(json.dumps(loop.memory)))
    assert again.evaluate(50, 48, 9999) == pytest.approx(1700)
    again.restore({"output_w": None})
    again.restore({"output_w": "x"})


@given(
    st.lists(
        st.tuples(
            st.floats(20, 70), st.none() | st.floats(-10, 110), st.floats(-5, 600)
        ),
        max_size=40,
    ),
    st.none() | st.floats(0, 9000),
)
@settings(deadline=None)
def test_power_is_bounded(
    history: list[tuple[float, float | None, float]], start: float | None
) -> None:
    loop, now = controller(), 0.0
    if start is not None:
        loop.start(start)
    for setpoint, supply, elapsed in history:
        now += elapsed
        power = loop.evaluate(setpoint, supply, now)
        assert (power is None) is (supply is None)
        if power is not None:
            assert 200 <= power <= 3000

"""When the usual source of heat has to help."""

import pytest

from custom_components.compute_heater.control.comfort import ComfortGuard
from custom_components.compute_heater.control.demand import (
    SinkController,
    SinkKind,
    SinkSettings,
)


def tank(**changes: float) -> SinkController:
    settings = {"setpoint_c": 52.0, "hysteresis_k": 4.0, "comfort_min_c": 45.0}
    return SinkController(
        SinkSettings(
            kind=SinkKind.DHW, limit_c=65, max_heat_w=3000, **(settings | changes)
        )
    )


def test_it_helps_from_just_above_the_minimum_and_lifts_it() -> None:
    guard, sink = ComfortGuard(), tank()
    seen = [guard.update(sink, each) for each in (47, 46.1, 45.9, 47, 47.9, 48.1, 47)]
    assert seen == [False, False, True, True, True, False, False]


def test_a_hot_top_with_nothing_below_it_is_need() -> None:
    guard, sink = ComfortGuard(), tank()
    seen = [guard.update(sink, 50, each) for each in (14, 9.1, 8.9, 10.9, 11.1, 10)]
    assert seen == [False, False, True, True, False, False]


def test_never_above_the_set_point() -> None:
    guard, sink = ComfortGuard(), tank(setpoint_c=44.0)
    assert not guard.update(sink, 44.1)
    assert guard.update(sink, 43.9)


@pytest.mark.parametrize("temperature_c", [None, 20.0])
def test_what_is_unknown_or_switched_off_is_no_need(
    temperature_c: float | None,
) -> None:
    guard, sink = ComfortGuard(), tank()
    guard.update(sink, 20.0)
    sink.enabled = temperature_c is None
    assert not guard.update(sink, temperature_c)

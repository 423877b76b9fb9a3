"""Safety: it can only lower, and forgets a trip only when it is known to be cool."""

from dataclasses import replace
from math import nan
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.compute_heater.control.reasons import Reason
from custom_components.compute_heater.control.safety import (
    SafetyInput,
    SafetyMemory,
    SafetySettings,
    SafetyVerdict,
    assess,
)
from custom_components.compute_heater.heaters.model import PowerState

SETTINGS = SafetySettings(floor_w=200, max_w=3000)


def inputs(**changes: Any) -> SafetyInput:
    """Return readings with which all is well, except for the changes."""
    well = {"coolant_c": 50.0, "supply_c": 48.0, "path_ready": True}
    return SafetyInput(**(well | changes))


def judge(memory: SafetyMemory | None = None, **changes: Any) -> SafetyVerdict:
    """Judge once."""
    return assess(SETTINGS, inputs(**changes), memory or SafetyMemory(), 0)[0]


def test_all_well_means_no_limit() -> None:
    assert judge() == SafetyVerdict()


@pytest.mark.parametrize(
    ("coolant", "ceiling"),
    [(60, None), (60.25, 2860), (61, 2440), (62.5, 1600), (64, 760), (64.9, 200)],
)
def test_throttle_is_proportional(coolant: float, ceiling: float | None) -> None:
    verdict = judge(coolant_c=coolant)
    assert verdict.ceiling_w == (None if ceiling is None else pytest.approx(ceiling))
    assert verdict.max_state is PowerState.FULL
    expected = () if ceiling is None else (Reason.THROTTLED_BY_TEMPERATURE,)
    assert verdict.reasons == expected


def test_hotter_of_coolant_and_supply_counts() -> None:
    assert judge(coolant_c=40.0, supply_c=62.5).ceiling_w == pytest.approx(1600)
    assert judge(coolant_c=None, supply_c=62.5).ceiling_w == pytest.approx(1600)


def test_trip_goes_to_the_floor_and_holds_until_below_the_throttle() -> None:
    memory = SafetyMemory()
    states = []
    for now, coolant in enumerate([64.9, 65, 64, 61, 60, 59.9]):
        verdict, memory = assess(SETTINGS, inputs(coolant_c=coolant), memory, now)
        states.append((verdict.ceiling_w, verdict.max_state))
    assert states[1:5] == [(200, PowerState.STANDBY)] * 4
    assert states[5] == (None, PowerState.FULL)


def test_trip_that_persists_powers_down() -> None:
    memory = SafetyMemory()
    verdicts = []
    for now in (0, 60, 119, 120, 130):
        verdict, memory = assess(SETTINGS, inputs(coolant_c=66.0), memory, now)
        verdicts.append(verdict.max_state)
    assert verdicts == [PowerState.STANDBY] * 3 + [PowerState.OFF] * 2
    cooling, memory = assess(SETTINGS, inputs(coolant_c=62.0), memory, 200)
    assert cooling.max_state is PowerState.OFF, "latched"
    cool, memory = assess(SETTINGS, inputs(coolant_c=55.0), memory, 300)
    assert cool == SafetyVerdict()


def test_trip_time_starts_anew_after_it_fell_below() -> None:
    memory = SafetyMemory()
    for now, coolant in ((0, 66.0), (100, 64.0), (110, 66.0), (220, 66.0)):
        verdict, memory = assess(SETTINGS, inputs(coolant_c=coolant), memory, now)
    assert verdict.max_state is PowerState.STANDBY


def test_overshoot_powers_down_at_once() -> None:
    assert judge(coolant_c=70.0).max_state is PowerState.OFF


def test_unknown_temperature_does_not_release_a_trip() -> None:
    tripped = SafetyMemory(tripped=True, powered_down=True)
    verdict, memory = assess(
        SETTINGS, inputs(coolant_c=None, supply_c=nan), tripped, 1000
    )
    assert verdict.max_state is PowerState.OFF
    assert memory.tripped


def test_latches_survive_a_restart() -> None:
    memory = SafetyMemory(tripped=True, powered_down=True, hot_since=5.0)
    again = SafetyMemory.from_dict(memory.as_dict())
    assert (again.tripped, again.powered_down, again.hot_since) == (True, True, None)


@pytest.mark.parametrize(
    ("changes", "reason", "state"),
    [
        ({"leak": True}, Reason.LEAK, PowerState.OFF),
        ({"flow_fault": True}, Reason.FLOW_LOST, PowerState.STANDBY),
        ({"overheating": True}, Reason.DEVICE_OVERHEATING, PowerState.STANDBY),
        ({"heater_available": False}, Reason.HEATER_UNAVAILABLE, PowerState.STANDBY),
        ({"path_ready": False}, Reason.PATH_OPENING, PowerState.STANDBY),
        (
            {"path_ready": False, "path_reason": Reason.FLOW_LOST},
            Reason.FLOW_LOST,
            PowerState.STANDBY,
        ),
        ({"ages": {"tank": 301.0}}, Reason.STALE_SENSOR, PowerState.STANDBY),
        ({"ages": {"tank": None}}, Reason.STALE_SENSOR, PowerState.STANDBY),
        ({"ages": {"tank": nan}}, Reason.STALE_SENSOR, PowerState.STANDBY),
        (
            {"ages": {"coolant": 1.0}, "coolant_c": None},
            Reason.STALE_SENSOR,
            PowerState.STANDBY,
        ),
        (
            {"ages": {"supply": 1.0}, "supply_c": nan},
            Reason.STALE_SENSOR,
            PowerState.STANDBY,
        ),
    ],
)
def test_each_fault_goes_to_the_floor(
    changes: dict[str, Any], reason: Reason, state: PowerState
) -> None:
    verdict = judge(**changes)
    assert verdict == SafetyVerdict(ceiling_w=200, max_state=state, reasons=(reason,))


@pytest.mark.parametrize(
    "changes",
    [
        {"leak": None, "overheating": None, "flow_fault": None},
        {"coolant_c": None, "supply_c": None},
        {"ages": {"tank": 300.0, "coolant": 0.0}},
    ],
)
def test_what_is_not_needed_may_be_unknown(changes: dict[str, Any]) -> None:
    assert judge(**changes) == SafetyVerdict()


def test_age_limit_per_sensor() -> None:
    settings = SafetySettings(floor_w=200, max_w=3000, max_ages_s={"tank": 900})
    fresh = inputs(ages={"tank": 800.0})
    assert assess(settings, fresh, SafetyMemory(), 0)[0] == SafetyVerdict()


def test_most_severe_reason_comes_first() -> None:
    verdict = judge(leak=True, coolant_c=66.0, path_ready=False, ages={"tank": None})
    assert verdict.reasons == (
        Reason.LEAK,
        Reason.OVER_TEMPERATURE,
        Reason.STALE_SENSOR,
        Reason.PATH_OPENING,
    )


def flow_history(*steps: tuple[float, float | None, bool]) -> list[bool]:
    """Tell for each time, flow and work whether flow counts as lost then."""
    memory, lost = SafetyMemory(), []
    for now, flow_lpm, working in steps:
        given_input = inputs(flow_lpm=flow_lpm, working=working)
        verdict, memory = assess(SETTINGS, given_input, memory, now)
        lost.append(Reason.FLOW_LOST in verdict.reasons)
        assert verdict.ceiling_w == (SETTINGS.floor_w if lost[-1] else None)
    return lost


def test_work_without_flow_goes_to_the_floor() -> None:
    assert flow_history((0, 0, True), (19, 0.5, True), (20, 0, True)) == [
        False,
        False,
        True,
    ]


def test_flow_is_not_missed_in_standby_nor_where_it_is_unknown() -> None:
    assert not any(flow_history((0, 0, False), (60, 0, False), (90, 0, True)))
    assert not any(flow_history((0, None, True), (60, None, True)))
    assert not any(flow_history((0, 0, True), (15, 8, True), (30, 0, True)))


def test_lost_flow_lasts_until_it_flows_or_for_five_minutes() -> None:
    lost = [(0.0, 0.0, True), (20.0, 0.0, True)]
    assert flow_history(*lost, (60, 0, False), (319, None, False)) == [
        False,
        True,
        True,
        True,
    ]
    assert not flow_history(*lost, (60, 8, False))[-1]
    assert not flow_history(*lost, (320, 0, False))[-1]
    again = flow_history(*lost, (320, 0, False), (330, 0, True), (350, 0, True))
    assert again[-3:] == [False, False, True]


temperatures = st.none() | st.floats(-20, 150)
any_input = st.builds(
    SafetyInput,
    coolant_c=temperatures,
    supply_c=temperatures,
    ages=st.dictionaries(
        st.sampled_from(["coolant", "supply", "tank"]), st.none() | st.floats(0, 1000)
    ),
    path_ready=st.booleans(),
    leak=st.none() | st.booleans(),
    flow_fault=st.none() | st.booleans(),
    heater_available=st.booleans(),
    overheating=st.none() | st.booleans(),
)


@given(st.lists(st.tuples(any_input, st.floats(0, 200)), max_size=20))
def test_verdict_stays_within_the_heater_and_is_always_explained(
    history: list[tuple[SafetyInput, float]],
) -> None:
    memory, now = SafetyMemory(), 0.0
    for given_input, elapsed in history:
        now += elapsed
        verdict, memory = assess(SETTINGS, given_input, memory, now)
        ceiling = SETTINGS.max_w if verdict.ceiling_w is None else verdict.ceiling_w
        assert SETTINGS.floor_w <= ceiling <= SETTINGS.max_w
        limited = verdict.max_state is not PowerState.FULL or ceiling < SETTINGS.max_w
        assert bool(verdict.reasons) is limited
        known = [
            t for t in (given_input.coolant_c, given_input.supply_c) if t is not None
        ]
        if known and max(known) >= SETTINGS.trip_c:
            assert verdict.max_state.rank <= PowerState.STANDBY.rank
        if given_input.leak:
            assert verdict.max_state is PowerState.OFF


@given(any_input, st.floats(0, 40), st.booleans())
def test_hotter_never_allows_more(
    given_input: SafetyInput, warmer: float, tripped: bool
) -> None:
    if given_input.coolant_c is None:
        return
    hotter = replace(given_input, coolant_c=given_input.coolant_c + warmer)
    memory = SafetyMemory(tripped=tripped)
    cool_verdict = assess(SETTINGS, given_input, memory, 0)[0]
    hot_verdict = assess(SETTINGS, hotter, memory, 0)[0]
    assert hot_verdict.max_state.rank <= cool_verdict.max_state.rank
    assert (hot_verdict.ceiling_w or SETTINGS.max_w) <= (
        cool_verdict.ceiling_w or SETTINGS.max_w
    )

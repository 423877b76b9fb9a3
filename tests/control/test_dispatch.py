"""Dispatch: merit order, levels, minimum times, and the right average."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
import json
from typing import Any

from hypothesis import given, settings as hypothesis_settings, strategies as st
import pytest

from custom_components.compute_heater.control.dispatch import (
    Dispatcher,
    DispatchResult,
    HeaterLimit,
    HeaterSettings,
)
from custom_components.compute_heater.control.reasons import Reason
from custom_components.compute_heater.heaters.model import PowerState

_, STANDBY, ECO, FULL = PowerState

CAPPED = HeaterSettings(
    heater_id="a",
    floor_w=200,
    max_w=3000,
    levels_w={STANDBY: 200, ECO: 1200, FULL: 3000},
    can_cap=True,
    step_w=50,
)
LADDER = HeaterSettings(
    heater_id="l",
    floor_w=100,
    max_w=2000,
    levels_w={STANDBY: 100, ECO: 800, FULL: 2000},
    can_cap=False,
)
# Miners: at their lowest limit they still work. One has a mode of standby, one is off.
MINER = replace(
    CAPPED,
    floor_w=50,
    working_floor_w=1000,
    levels_w={STANDBY: 50, ECO: 1500, FULL: 3000},
)
SWITCHED_MINER = replace(MINER, has_standby=False)
LEVELED = replace(LADDER, takes_levels=True, has_standby=False)
FREE = HeaterLimit()


class Plant:
    """Heaters under dispatch, a step of time after the other."""

    def __init__(
        self, *heaters: HeaterSettings, merits: Mapping[str, float] | None = None
    ) -> None:
        self.merits = merits
        self.heaters = {h.heater_id: h for h in heaters}
        self.dispatcher = Dispatcher(heaters)
        self.now = 1000.0
        self.limits = dict.fromkeys(self.heaters, FREE)

    def step(self, target: float, after: float = 10) -> Mapping[str, DispatchResult]:
        """Let time pass, then dispatch."""
        self.now += after
        return self.dispatcher.dispatch(
            target, self.limits, self.now, merits=self.merits
        )

    def powers(self, target: float, after: float = 10) -> list[float]:
        """Dispatch; powers in the order of the heaters' ids."""
        return [r.power_w for _, r in sorted(self.step(target, after).items())]


def test_target_reaches_the_heater_at_once() -> None:
    result = Plant(CAPPED).step(1500, after=1)["a"]
    assert result == DispatchResult(
        state=ECO, power_w=1500, reason=Reason.FOLLOWING_DEMAND
    )


@pytest.mark.parametrize(
    ("target", "state", "power", "reason"),
    [
        (0, STANDBY, 200, Reason.NO_DEMAND),
        (200, STANDBY, 200, Reason.NO_DEMAND),
        (220, STANDBY, 200, Reason.NO_DEMAND),
        (230, ECO, 250, Reason.FOLLOWING_DEMAND),
        (3000, FULL, 3000, Reason.FOLLOWING_DEMAND),
        (5000, FULL, 3000, Reason.FULLY_USED),
        (float("nan"), STANDBY, 200, Reason.NO_DEMAND),
    ],
)
def test_states_of_one_capped_heater(
    target: float, state: PowerState, power: float, reason: Reason
) -> None:
    result = Plant(CAPPED).step(target)["a"]
    assert result == DispatchResult(state=state, power_w=power, reason=reason)


@pytest.mark.parametrize(
    ("target", "miner", "switched", "leveled"),
    [
        (0, (STANDBY, 50), (STANDBY, 0), (STANDBY, 0)),
        (450, (STANDBY, 50), (STANDBY, 0), (ECO, 800)),
        (990, (ECO, 1000), (ECO, 1000), (ECO, 800)),
        (1010, (ECO, 1010), (ECO, 1010), (ECO, 800)),
        (1700, (ECO, 1700), (ECO, 1700), (FULL, 2000)),
        (3000, (FULL, 3000), (FULL, 3000), (FULL, 2000)),
    ],
)
def test_states_of_heaters_that_work_at_their_lowest(
    target: float,
    miner: tuple[PowerState, float],
    switched: tuple[PowerState, float],
    leveled: tuple[PowerState, float],
) -> None:
    for settings, expected in (
        (MINER, miner),
        (SWITCHED_MINER, switched),
        (LEVELED, leveled),
    ):
        (result,) = Plant(settings).step(target).values()
        assert (result.state, result.power_w) == expected


@pytest.mark.parametrize("settings", [MINER, SWITCHED_MINER, LEVELED])
@pytest.mark.parametrize("target", [150, 400, 900])
def test_average_below_the_least_work_is_right(
    settings: HeaterSettings, target: float
) -> None:
    """Less than the least work comes as some of it and none of it in turn."""
    plant = Plant(replace(settings, min_on_s=300, min_off_s=300))
    powers = [plant.powers(target, 20)[0] for _ in range(3000)]
    assert sum(powers) / len(powers) == pytest.approx(target, abs=40)
    changes = sum(before != after for before, after in pairwise(powers))
    assert changes <= len(powers) * 20 / 300


def test_another_one_takes_what_is_too_little_for_a_miner() -> None:
    plant = Plant(SWITCHED_MINER, replace(CAPPED, heater_id="b"))
    assert plant.powers(600) == [0, 600]
    # The first comes down so that the second has its least.
    plant = Plant(CAPPED, replace(SWITCHED_MINER, heater_id="b"))
    assert plant.powers(3400) == [2400, 1000]


def test_efficiency_turns_heat_into_power() -> None:
    assert Plant(replace(CAPPED, efficiency=0.8)).powers(1600) == [2000]


def test_cause_is_passed_through() -> None:
    dispatcher = Dispatcher([CAPPED])
    result = dispatcher.dispatch(2000, {"a": FREE}, 0, cause=Reason.DHW_DEMAND)
    assert result["a"].reason is Reason.DHW_DEMAND


def test_small_changes_are_not_worth_a_command() -> None:
    plant = Plant(CAPPED)
    assert plant.powers(2000) == [2000]
    assert plant.powers(2040) == [2000]
    assert plant.powers(2050) == [2050]
    assert plant.powers(2970) == [2970]
    assert plant.powers(3000) == [3000], "the end stop is always worth one"


def test_merit_order_fills_the_best_first() -> None:
    plant = Plant(CAPPED, replace(CAPPED, heater_id="b"), merits={"b": 1})
    assert plant.powers(2000) == [200, 1800]
    assert plant.powers(4000) == [1000, 3000]
    assert plant.powers(300) == [200, 200]


def test_equals_take_turns() -> None:
    """Of two, the one that has clearly worked less is used first, but not at every turn."""
    plant = Plant(CAPPED, replace(CAPPED, heater_id="b"))
    powers = [plant.powers(1600, after=600) for _ in range(6 * 24 * 28)]
    assert all(sum(each) == 1600 for each in powers)
    assert sum(a for a, _ in powers) == pytest.approx(
        sum(b for _, b in powers), rel=0.25
    )
    changes = sum(one != other for one, other in pairwise(powers))
    assert 4 <= changes <= 8, "some days of part load are a turn"


def test_none_is_started_for_an_equal_one_that_works() -> None:
    plant = Plant(CAPPED, replace(CAPPED, heater_id="b"))
    del plant.limits["a"]
    assert plant.powers(1600) == [1600]
    plant.limits["a"] = FREE
    assert plant.powers(1600) == [200, 1400]


def test_turns_survive_a_restart() -> None:
    """A heater that is new does not have to make up for what others have worked."""
    pair = (CAPPED, replace(CAPPED, heater_id="b"))
    before = Plant(*pair)
    before.step(1600, after=10)
    before.step(1600, after=70 * 3600)
    after = Plant(*pair, replace(CAPPED, heater_id="c"))
    after.dispatcher.restore(json.loads(json.dumps(before.dispatcher.memory)))
    assert after.powers(1800) == [200, 1400, 200]


def test_who_was_away_does_not_make_up_for_all_of_it() -> None:
    plant = Plant(CAPPED, replace(CAPPED, heater_id="b"))
    del plant.limits["b"]
    for _ in range(1000):
        plant.step(3000, after=3600)
    plant.limits["b"] = FREE
    powers = [plant.powers(3200, after=3600) for _ in range(100)]
    assert powers[10] == [200, 3000]
    assert sum(each == [3000, 200] for each in powers) > 5


def test_a_merit_that_wavers_moves_nothing() -> None:
    plant = Plant(CAPPED, replace(CAPPED, heater_id="b"))
    plant.merits = {"a": -0.30, "b": -0.31}
    assert plant.powers(1600) == [1400, 200]
    plant.merits = {"a": -0.307, "b": -0.303}
    assert plant.powers(1600) == [1400, 200]
    plant.merits = {"a": -0.31, "b": -0.29}
    assert plant.powers(1600) == [200, 1400]


def test_standby_heat_of_all_counts() -> None:
    plant = Plant(*(replace(CAPPED, heater_id=i) for i in "abcde"))
    assert plant.powers(1000) == [200] * 5
    assert plant.powers(1500) == [700, 200, 200, 200, 200]


def test_heaters_not_available_are_left_alone() -> None:
    plant = Plant(CAPPED, replace(CAPPED, heater_id="b"), merits={"b": 1})
    del plant.limits["b"]
    assert plant.powers(2000) == [2000]


def test_limit_acts_at_once_and_gives_the_reason() -> None:
    plant = Plant(replace(CAPPED, min_on_s=900, dwell_s=900))
    assert plant.powers(3000) == [3000]
    plant.limits["a"] = HeaterLimit(ceiling_w=900, reason=Reason.POWER_LIMIT)
    result = plant.step(3000, after=1)["a"]
    assert (result.state, result.power_w) == (ECO, 900)
    assert result.reason is Reason.POWER_LIMIT
    plant.limits["a"] = HeaterLimit(max_state=STANDBY, reason=Reason.COMPUTE_OFF)
    result = plant.step(3000, after=1)["a"]
    assert (result.state, result.reason) == (STANDBY, Reason.COMPUTE_OFF)


def test_other_heater_takes_over_what_a_limit_denies() -> None:
    plant = Plant(CAPPED, replace(CAPPED, heater_id="b"))
    assert plant.powers(3200) == [3000, 200]
    plant.limits["a"] = HeaterLimit(ceiling_w=1000)
    assert plant.powers(3200) == [1000, 2200]


def test_minimum_on_time() -> None:
    plant = Plant(replace(CAPPED, min_on_s=900))
    plant.step(2000)
    result = plant.step(0, after=899)["a"]
    assert (result.state, result.power_w) == (ECO, 250), "as little as is working"
    assert result.reason is Reason.MINIMUM_ON_TIME
    assert plant.step(0, after=1)["a"].state is STANDBY


def test_bottom_of_the_minimum_on_time_waits_for_no_dwell() -> None:
    plant = Plant(replace(CAPPED, min_on_s=900, dwell_s=600))
    assert plant.powers(2000) == [2000]
    assert plant.powers(0) == [250]


def test_minimum_off_time() -> None:
    plant = Plant(replace(CAPPED, min_off_s=600))
    assert plant.step(2000)["a"].state is ECO, "the first start waits for nothing"
    assert plant.step(0)["a"].state is STANDBY
    result = plant.step(2000, after=599)["a"]
    assert (result.state, result.reason) == (STANDBY, Reason.MINIMUM_OFF_TIME)
    assert plant.step(2000, after=1)["a"].power_w == 2000


def test_level_dwell_and_its_end_stops() -> None:
    plant = Plant(replace(CAPPED, dwell_s=300))
    assert plant.powers(2000) == [2000]
    result = plant.step(1500)["a"]
    assert (result.power_w, result.reason) == (2000, Reason.LEVEL_DWELL)
    assert plant.powers(1500, after=290) == [1500]
    assert plant.powers(3000) == [3000]
    assert plant.powers(2000) == [3000]
    assert plant.powers(0) == [200]


def test_top_waits_for_dwell_within_the_minimum_on_time() -> None:
    plant = Plant(replace(CAPPED, dwell_s=300, min_on_s=200))
    assert plant.powers(2000) == [2000]
    assert plant.powers(3000, after=199) == [2000]
    assert plant.powers(3000, after=1) == [3000]


def test_heater_does_not_start_to_stand_in_for_one_that_dwells() -> None:
    second = replace(CAPPED, heater_id="b")
    plant = Plant(replace(CAPPED, dwell_s=300), second)
    assert plant.powers(2000) == [1800, 200]
    assert plant.powers(2500) == [1800, 200]
    assert plant.powers(2500, after=300) == [2300, 200]


def test_working_heater_makes_up_for_one_that_dwells() -> None:
    plant = Plant(replace(CAPPED, dwell_s=300), replace(CAPPED, heater_id="b"))
    assert plant.powers(3500) == [3000, 500]
    plant.limits["a"] = HeaterLimit(ceiling_w=2000)
    assert plant.powers(3500) == [2000, 1500]
    plant.limits["a"] = FREE
    assert plant.powers(2900) == [2000, 900]
    assert plant.powers(2900, after=300) == [2700, 200]


def test_ladder_levels() -> None:
    plant = Plant(LADDER)
    assert plant.powers(100) == [100]
    assert plant.powers(800) == [800]
    assert plant.powers(2000) == [2000]
    assert plant.powers(9000) == [2000]


def test_ladder_without_eco() -> None:
    plant = Plant(replace(LADDER, levels_w={STANDBY: 100, FULL: 2000}))
    assert plant.powers(2000) == [2000]
    plant.limits["l"] = HeaterLimit(ceiling_w=1900)
    assert plant.powers(2000) == [100]


@pytest.mark.parametrize("dwell", [0, 60])
def test_ladder_alternates_around_the_target(dwell: float) -> None:
    plant = Plant(replace(LADDER, dwell_s=dwell))
    results = [plant.step(1700)["l"] for _ in range(40)]
    assert {r.state for r in results} == {ECO, FULL}
    assert {r.reason for r in results} == {Reason.ALTERNATING, Reason.LEVEL_DWELL}
    assert results[0].state is FULL, "begins with the nearer level"
    changes = [i for i in range(1, 40) if results[i].state is not results[i - 1].state]
    assert all(later - i >= 6 for i, later in pairwise(changes)), "a minute apart"


def test_capped_heater_makes_up_for_the_steps_of_a_ladder() -> None:
    after = Plant(LADDER, CAPPED, merits={"l": 1})
    assert after.powers(1500) == [700, 800]
    before = Plant(LADDER, CAPPED, merits={"a": 1})
    assert before.powers(3400) == [2600, 800]


def test_capped_heater_that_stands_by_does_not_start_for_less_than_it_can() -> None:
    plant = Plant(LADDER, CAPPED, merits={"l": 1})
    assert sum(plant.powers(1010)) == pytest.approx(1010, abs=25)


def test_memory_hands_over_times_and_levels() -> None:
    before = Plant(replace(CAPPED, min_on_s=900), replace(LADDER, dwell_s=60))
    before.step(3000)
    before.step(3000, after=300)
    after = Plant(replace(CAPPED, min_on_s=900), replace(LADDER, dwell_s=60))
    after.dispatcher.restore(json.loads(json.dumps(before.dispatcher.memory)))
    after.now = 5.0  # another clock
    result = after.step(0)["a"]
    assert result.reason is Reason.MINIMUM_ON_TIME
    assert after.step(0, after=599)["a"].state is ECO
    assert after.step(0, after=1)["a"].state is STANDBY


@pytest.mark.parametrize(
    "memory",
    [
        {},
        {"heaters": None, "carry_j": "x"},
        {"heaters": {"a": 3, "gone": {"power_w": 5.0}}},
        {"heaters": {"a": {"power_w": "much", "mode_s": -1}}},
    ],
)
def test_broken_memory_is_ignored(memory: dict[str, object]) -> None:
    plant = Plant(CAPPED)
    plant.dispatcher.restore(memory)
    assert plant.powers(2000) == [2000]


def test_clock_running_backwards_does_no_harm() -> None:
    plant = Plant(replace(CAPPED, min_on_s=100))
    plant.step(2000)
    assert plant.step(0, after=-5000)["a"].reason is Reason.MINIMUM_ON_TIME
    assert plant.step(0, after=100)["a"].state is STANDBY


@given(
    share=st.floats(0.02, 0.98),
    dwell=st.sampled_from([0, 30, 120]),
    minimum=st.sampled_from([0, 60, 300]),
    step=st.sampled_from([10.0, 30.0]),
)
@hypothesis_settings(max_examples=20, deadline=None)
def test_average_of_a_ladder_is_right(
    share: float, dwell: float, minimum: float, step: float
) -> None:
    heater = replace(LADDER, dwell_s=dwell, min_on_s=minimum, min_off_s=minimum)
    target = 100 + share * 1900
    plant = Plant(heater)
    shortest = max(dwell, minimum, 60) + step
    count = int(150 * shortest / step)
    mean = sum(plant.powers(target, step)[0] for _ in range(count)) / count
    # At the end one level may have been held for its shortest time too long.
    assert mean == pytest.approx(target, abs=2 * 1900 / 150)


@given(share=st.floats(0.02, 0.98), merits=st.lists(st.integers(0, 2), min_size=3))
@hypothesis_settings(max_examples=10, deadline=None)
def test_average_of_a_fleet_of_ladders_is_right(
    share: float, merits: list[int]
) -> None:
    heaters = [
        replace(LADDER, heater_id=f"h{i}", dwell_s=60, min_on_s=120, min_off_s=120)
        for i, _ in enumerate(merits[:5])
    ]
    target = len(heaters) * (100 + share * 1900)
    plant = Plant(*heaters, merits={f"h{i}": m for i, m in enumerate(merits)})
    mean = sum(sum(plant.powers(target, 20)) for _ in range(1500)) / 1500
    assert mean == pytest.approx(target, abs=60)


def kind_of(kind: str, *, cap: bool, floor: float, span: float) -> dict[str, Any]:
    """Return what tells a heater that works at its lowest power from others."""
    if kind == "stands by":
        return {}
    return {
        "has_standby": kind == "works or stands by",
        "takes_levels": not cap,
        "working_floor_w": floor + span / 4 if cap else None,
    }


fleets = st.lists(
    st.builds(
        lambda cap, floor, span, on, off, dwell, efficiency, kind: HeaterSettings(
            heater_id="",
            **kind_of(kind, cap=cap, floor=floor, span=span),
            floor_w=floor,
            max_w=floor + span,
            levels_w={
                STANDBY: floor,
                ECO: floor + span / 3,
                FULL: floor + span,
            },
            can_cap=cap,
            efficiency=efficiency,
            min_on_s=on,
            min_off_s=off,
            dwell_s=dwell,
        ),
        st.booleans(),
        st.floats(0, 300),
        st.floats(300, 4000),
        st.sampled_from([0, 60, 900]),
        st.sampled_from([0, 60, 900]),
        st.sampled_from([0, 60, 600]),
        st.sampled_from([0.7, 0.95, 1.0]),
        st.sampled_from(["stands by", "works or is off", "works or stands by"]),
    ),
    min_size=1,
    max_size=5,
).map(lambda heaters: [replace(h, heater_id=f"h{i}") for i, h in enumerate(heaters)])


def ids(fleet: list[HeaterSettings]) -> list[str]:
    return [each.heater_id for each in fleet]


targets = st.lists(
    st.tuples(st.floats(0, 15000), st.floats(1, 400)), min_size=1, max_size=25
)


@given(fleets, targets, st.data())
@hypothesis_settings(max_examples=200, deadline=None)
def test_rules_hold_for_any_fleet_and_target(
    fleet: list[HeaterSettings], history: list[tuple[float, float]], data: st.DataObject
) -> None:
    merits = st.fixed_dictionaries(dict.fromkeys(ids(fleet), st.integers(0, 3)))
    plant = Plant(*fleet, merits=data.draw(merits))
    since: dict[str, tuple[bool, float]] = {}
    for target, elapsed in history:
        for heater in fleet:
            if data.draw(st.integers(0, 9)) == 0:
                plant.limits[heater.heater_id] = data.draw(
                    st.builds(
                        HeaterLimit,
                        ceiling_w=st.none() | st.floats(0, 4000),
                        max_state=st.sampled_from([STANDBY, ECO, FULL]),
                    )
                )
        results = plant.step(target, elapsed)
        assert set(results) == set(plant.heaters)
        for heater_id, result in results.items():
            heater, limit = plant.heaters[heater_id], plant.limits[heater_id]
            assert heater.standby_w <= result.power_w <= heater.full_w
            if limit.ceiling_w is not None:
                allowed = max(limit.ceiling_w, heater.standby_w)
                assert result.power_w <= allowed + 0.5
            assert result.state.rank <= limit.max_state.rank
            working = result.power_w > heater.standby_w + 0.5
            was, changed = since.get(heater_id, (False, -1e9))
            if working is not was:
                if working:
                    assert plant.now - changed >= heater.min_off_s
                elif limit == FREE:
                    assert plant.now - changed >= heater.min_on_s
                since[heater_id] = (working, plant.now)


@given(fleets, targets)
@hypothesis_settings(max_examples=200, deadline=None)
def test_sum_is_within_a_step_where_no_times_hold_it_back(
    fleet: list[HeaterSettings], history: list[tuple[float, float]]
) -> None:
    free = [replace(h, min_on_s=0, min_off_s=0, dwell_s=0) for h in fleet]
    plant = Plant(*free)
    least = sum(h.standby_w * h.efficiency for h in free)
    most = sum(h.full_w * h.efficiency for h in free)
    steps = [
        max(h.step_w, h.lowest_working_w - h.standby_w)
        if h.can_cap
        else (h.full_w - h.standby_w) * h.efficiency
        for h in free
    ]
    for target, elapsed in history:
        results = plant.step(target, elapsed)
        heat = sum(r.power_w * plant.heaters[i].efficiency for i, r in results.items())
        reachable = min(max(target, least), most)
        assert abs(heat - reachable) <= max(steps) + 0.5


@given(fleets)
@hypothesis_settings(deadline=None)
def test_no_demand_ends_in_standby(fleet: list[HeaterSettings]) -> None:
    plant = Plant(*fleet)
    plant.step(20000)
    results = plant.step(0, after=1000)
    assert all(r.state is STANDBY for r in results.values())
    assert all(r.power_w == plant.heaters[i].standby_w for i, r in results.items())
    assert all(r.reason is Reason.NO_DEMAND for r in results.values())


def test_ripple_makes_few_changes() -> None:
    """A demand that wavers each second changes the cap at most every dwell time."""
    plant = Plant(replace(CAPPED, dwell_s=30))
    powers = [plant.powers(1200, after=1)[0]]
    for second in range(600):
        powers += plant.powers(1100 if second % 2 else 1300, after=1)
    changes = sum(before != after for before, after in pairwise(powers))
    assert 0 < changes <= 600 / 30


@pytest.mark.parametrize(
    ("before", "after"), [(600, 2400), (600, 0), (0, 600), (600, 3000), (2400, 200)]
)
def test_dwell_delays_no_jump_from_rest(before: float, after: float) -> None:
    """Neither a jump after a quiet time, nor a start or a stop."""
    plant = Plant(replace(CAPPED, dwell_s=30))
    plant.powers(before)
    quiet = plant.step(before, after=31)["a"]
    assert quiet.power_w == max(before, 200)
    assert plant.powers(after, after=1) == [max(after, 200)]


def test_stop_start_and_limit_wait_for_no_dwell() -> None:
    plant = Plant(replace(CAPPED, dwell_s=30))
    assert plant.powers(1200, after=1) == [1200]
    assert plant.powers(0, after=1) == [200]
    assert plant.powers(1500, after=1) == [1500]
    plant.limits["a"] = HeaterLimit(ceiling_w=900)
    assert plant.powers(1500, after=1) == [900]

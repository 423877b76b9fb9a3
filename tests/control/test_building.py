"""The building's controller has a say, where the strategy gives it one."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.compute_heater.control.building import (
    BuildingRequest,
    BuildingRequests,
    SiteRequest,
)
from custom_components.compute_heater.control.demand import (
    SinkKind,
    SinkReading,
    SinkSettings,
)
from custom_components.compute_heater.control.description import (
    SinkDescription,
    SiteDescription,
)
from custom_components.compute_heater.control.heater_control import (
    HeaterDescription,
    HeaterInput,
)
from custom_components.compute_heater.control.ladder import HeaterSettings
from custom_components.compute_heater.control.path import PathSettings
from custom_components.compute_heater.control.reasons import Reason
from custom_components.compute_heater.control.safety import SafetySettings
from custom_components.compute_heater.control.site import (
    SiteController,
    SiteDecision,
    SiteReadings,
    Strategy,
)
from custom_components.compute_heater.heaters.model import PowerState, Reading

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
RACK = HeaterSettings(
    heater_id="a",
    floor_w=300,
    max_w=3000,
    levels_w={PowerState.STANDBY: 300, PowerState.ECO: 1500, PowerState.FULL: 3000},
    can_cap=True,
)
TANK = SinkSettings(
    kind=SinkKind.DHW,
    setpoint_c=50,
    hysteresis_k=4,
    limit_c=65,
    max_heat_w=6000,
    capacity_kwh_per_k=0.35,
)
SITE = SiteDescription(
    heaters=tuple(
        HeaterDescription(
            settings=replace(RACK, heater_id=key),
            safety=SafetySettings(floor_w=300, max_w=3000, throttle_c=60, trip_c=65),
        )
        for key in ("a", "b")
    ),
    sinks=(
        SinkDescription(
            settings=TANK, path=PathSettings(sink_id="tank", kind=SinkKind.DHW)
        ),
    ),
)


def readings(
    asked: SiteRequest | None = None,
    *,
    tank_c: float = 49.0,
    power_w: Mapping[str, float] | None = None,
    coolant_c: float = 45.0,
) -> SiteReadings:
    """Return readings in which the tank wants nothing, though it can take heat."""
    powers_w = {"a": 300.0, "b": 300.0, **(power_w or {})}
    return SiteReadings(
        heaters={
            key: HeaterInput(
                reading=Reading(
                    power_w=watts,
                    heat_w=watts,
                    coolant_c=coolant_c,
                    supply_c=coolant_c,
                    return_c=40.0,
                    flow_lpm=8.0,
                    is_on=True,
                )
            )
            for key, watts in powers_w.items()
        },
        sinks={"tank": SinkReading(temperature_c=tank_c)},
        building=asked or SiteRequest(),
    )


def site(
    strategy: Strategy = Strategy.BUILDING_DEMAND, **options: Any
) -> SiteController:
    controller = SiteController(SITE, **options)
    controller.strategy = strategy
    return controller


def powers(decision: SiteDecision) -> list[float]:
    return [each.expected_w for each in decision.heaters.values()]


@pytest.mark.parametrize("heat_w", [0.0, 1000.0, 2500.0, 4200.0, 6000.0])
def test_its_request_is_the_heat_target(heat_w: float) -> None:
    decision = site().step(START, readings(SiteRequest(heat_w=heat_w)))
    standby_w = sum(each.settings.standby_w for each in SITE.heaters)
    assert sum(powers(decision)) == pytest.approx(max(heat_w, standby_w), abs=301)
    if heat_w:
        assert decision.reason is Reason.BUILDING_DEMAND


def test_it_replaces_what_the_consumers_want() -> None:
    cold = readings(SiteRequest(heat_w=0.0), tank_c=40)
    assert powers(site().step(START, cold)) == [300, 300]
    cold = readings(SiteRequest(heat_w=1500.0), tank_c=40)
    assert sum(powers(site().step(START, cold))) == pytest.approx(1800, abs=301)


def test_as_a_minimum_it_takes_nothing_from_the_consumers() -> None:
    """There is no plan, so they are served as they want, and it may ask for more."""
    cold = readings(SiteRequest(heat_w=0.0), tank_c=40)
    assert powers(site(Strategy.BUILDING_MINIMUM, planner=None).step(START, cold)) == [
        3000,
        3000,
    ]


def test_while_it_asks_for_nothing_the_consumers_decide() -> None:
    decision = site().step(START, readings(tank_c=40))
    assert powers(decision) == [3000, 3000]
    assert decision.reason is Reason.DHW_DEMAND
    assert powers(site().step(START, readings())) == [300, 300]


@pytest.mark.parametrize(
    "strategy", [Strategy.OFF, Strategy.FOLLOW_DEMAND, Strategy.OPTIMISE]
)
def test_other_strategies_have_no_ear_for_it(strategy: Strategy) -> None:
    asked = SiteRequest(
        heat_w=6000, heaters={"a": BuildingRequest(state=PowerState.FULL)}
    )
    decision = site(strategy, planner=lambda *_: None).step(START, readings(asked))
    assert powers(decision) == [300, 300]


def test_a_heater_that_is_asked_itself_is_left_out_of_the_target() -> None:
    controller = site()
    asked = SiteRequest(
        heat_w=1000.0, heaters={"a": BuildingRequest(state=PowerState.FULL)}
    )
    decision = controller.step(START, readings(asked))
    assert powers(decision) == [3000, pytest.approx(1000)]
    # Once it gives heat, the other still owes all of the target.
    decision = controller.step(
        START + timedelta(minutes=5), readings(asked, power_w={"a": 3000, "b": 1000})
    )
    assert powers(decision) == [3000, pytest.approx(1000)]
    assert decision.heaters["a"].reason is Reason.BUILDING_DEMAND


def test_the_site_s_reason_is_the_building_while_only_it_asks() -> None:
    asked = SiteRequest(heaters={"a": BuildingRequest(power_w=1500)})
    assert site().step(START, readings(asked)).reason is Reason.BUILDING_DEMAND
    cold = readings(asked, tank_c=40)
    assert site().step(START, cold).reason is Reason.DHW_DEMAND
    rests = SiteRequest(heaters={"a": BuildingRequest(power_w=0)})
    assert site().step(START, readings(rests)).reason is Reason.NO_DEMAND


def test_heat_that_it_asks_of_one_serves_the_consumers_demand() -> None:
    controller = site()
    asked = SiteRequest(heaters={"a": BuildingRequest(state=PowerState.FULL)})
    warm = readings(asked, tank_c=40, power_w={"a": 3000})
    assert powers(controller.step(START, warm)) == [3000, 3000]
    half = replace(TANK, max_heat_w=3000)
    controller.sinks["tank"].settings = half
    assert powers(controller.step(START + timedelta(minutes=5), warm)) == [3000, 300]


def test_a_lock_holds_whoever_wants_heat() -> None:
    locked = SiteRequest(
        heat_w=6000, heaters={"a": BuildingRequest(allowed=False, power_w=3000)}
    )
    decision = site().step(START, readings(locked, tank_c=40))
    assert powers(decision) == [300, 3000]
    assert decision.heaters["a"].reason is Reason.BUILDING_LOCK


def test_safety_stands_above_it() -> None:
    asked = SiteRequest(
        heat_w=6000, heaters={"a": BuildingRequest(state=PowerState.FULL)}
    )
    decision = site().step(START, readings(asked, coolant_c=66))
    assert max(powers(decision)) <= 300
    assert decision.heaters["a"].reason is Reason.OVER_TEMPERATURE


def test_a_full_tank_takes_nothing_whatever_it_asks_for() -> None:
    asked = SiteRequest(
        heat_w=6000, heaters={"a": BuildingRequest(state=PowerState.FULL)}
    )
    decision = site().step(START, readings(asked, tank_c=66))
    assert powers(decision) == [300, 300]


def test_its_set_point_replaces_that_of_people() -> None:
    controller = site()
    asked = SiteRequest(
        heat_w=6000,
        heaters={key: BuildingRequest(supply_c=40.0) for key in ("a", "b")},
    )
    warm = readings(asked, power_w={"a": 3000, "b": 3000}, coolant_c=48)
    for minute in range(60):
        decision = controller.step(START + timedelta(minutes=minute), warm)
    assert powers(decision) == [300, 300]
    assert decision.heaters["a"].reason is Reason.SUPPLY_LIMIT


def test_starts_keep_the_minimum_times_of_the_heater() -> None:
    description = replace(
        SITE,
        heaters=tuple(
            replace(each, settings=replace(each.settings, min_on_s=600, dwell_s=300))
            for each in SITE.heaters
        ),
    )
    controller = SiteController(description)
    controller.strategy = Strategy.BUILDING_DEMAND

    def asked_w(second: int, watts: float) -> float:
        asked = SiteRequest(heaters={"a": BuildingRequest(power_w=watts)})
        decision = controller.step(START + timedelta(seconds=second), readings(asked))
        return decision.heaters["a"].expected_w

    assert asked_w(0, 3000) == 3000
    # Levels follow at once; only a stop has to wait.
    assert asked_w(1, 2000) == pytest.approx(2000)
    assert asked_w(2, 0) > 300
    assert asked_w(599, 0) > 300
    assert asked_w(601, 0) == 300


def test_the_mixed_strategy_gives_at_least_what_it_asks_for() -> None:
    controller = site(Strategy.BUILDING_MINIMUM)
    decision = controller.step(START, readings(SiteRequest(heat_w=4000.0)))
    assert sum(powers(decision)) == pytest.approx(4300, abs=301)
    asked = SiteRequest(heaters={"b": BuildingRequest(power_w=2000.0)})
    decision = site(Strategy.BUILDING_MINIMUM).step(START, readings(asked))
    assert decision.heaters["b"].expected_w >= 2000 - 1


@given(
    heat_w=st.none() | st.floats(0, 1e6),
    power_w=st.none() | st.floats(0, 1e6),
    state=st.none() | st.sampled_from(PowerState),
    allowed=st.booleans(),
    supply_c=st.none() | st.floats(0, 100),
    strategy=st.sampled_from(
        [Strategy.BUILDING_DEMAND, Strategy.FOLLOW_DEMAND, Strategy.OFF]
    ),
    coolant_c=st.floats(20, 80),
    tank_c=st.floats(5, 80),
)
def test_nothing_that_is_asked_for_exceeds_a_limit(
    heat_w: float | None,
    power_w: float | None,
    state: PowerState | None,
    allowed: bool,
    supply_c: float | None,
    strategy: Strategy,
    coolant_c: float,
    tank_c: float,
) -> None:
    controller = site(strategy)
    controller.heaters["b"].controls.power_limit_w = 1200
    request = BuildingRequest(
        state=state, power_w=power_w, allowed=allowed, supply_c=supply_c
    )
    asked = SiteRequest(heat_w=heat_w, heaters={"a": request, "b": request})
    decision = controller.step(
        START, readings(asked, coolant_c=coolant_c, tank_c=tank_c)
    )
    hot = coolant_c >= 65 or tank_c >= 65
    for key, most_w in (("a", 3000), ("b", 1200)):
        locked = not allowed and strategy is Strategy.BUILDING_DEMAND
        limit_w = 300 if hot or locked else most_w
        assert decision.heaters[key].expected_w <= limit_w + 1
        assert decision.heaters[key].state is not PowerState.OFF or hot


LADDERS = {key: replace(RACK, heater_id=key) for key in ("a", "b")}


def test_of_several_sources_the_first_in_rank_is_heard() -> None:
    requests = BuildingRequests()
    eco = SiteRequest(heat_w=900, heaters={"a": BuildingRequest(state=PowerState.ECO)})
    full = SiteRequest(
        heat_w=5000,
        heaters={
            "a": BuildingRequest(state=PowerState.FULL, supply_c=50),
            "b": BuildingRequest(allowed=False),
        },
    )
    assert requests.put("bridge", full, rank=1)
    assert not requests.put("bridge", full, rank=1)
    assert requests.put("gateway", eco, rank=0)
    merged = requests.merged(LADDERS)
    assert merged.heat_w == 900
    assert merged.heaters["a"] == BuildingRequest(state=PowerState.ECO, supply_c=50)
    # A lock is heard from whoever it comes.
    assert merged.heaters["b"] == BuildingRequest(allowed=False)
    assert requests.put("gateway", None, rank=0)
    assert requests.merged(LADDERS) == full
    assert requests.put("bridge", None, rank=1)
    assert requests.merged(LADDERS) == SiteRequest()


def test_of_equals_the_one_that_asks_for_most_is_heard() -> None:
    requests = BuildingRequests()
    for source, watts in (("one", 500.0), ("two", 2500.0), ("three", 0.0)):
        asked = SiteRequest(heat_w=watts, heaters={"a": BuildingRequest(power_w=watts)})
        requests.put(source, asked, rank=1)
    merged = requests.merged(LADDERS)
    assert merged.heat_w == 2500
    assert merged.heaters["a"].power_w == 2500

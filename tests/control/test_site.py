"""The whole of control as one object: limits hold whatever it is told."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
import json
from math import isnan, nan
from zoneinfo import ZoneInfo

from hypothesis import given, settings as hypothesis_settings, strategies as st
import pytest

from custom_components.compute_heater.control.demand import (
    SinkKind,
    SinkReading,
    SinkSettings,
)
from custom_components.compute_heater.control.description import (
    BackupDescription,
    SinkDescription,
    SiteDescription,
)
from custom_components.compute_heater.control.forecast import SiteForecasts
from custom_components.compute_heater.control.heater_control import (
    HeaterDescription,
    HeaterInput,
)
from custom_components.compute_heater.control.ladder import HeaterSettings
from custom_components.compute_heater.control.optimiser import plan_now
from custom_components.compute_heater.control.path import PathSettings
from custom_components.compute_heater.control.plan import Block, Plan, PlanProblem
from custom_components.compute_heater.control.reasons import Reason
from custom_components.compute_heater.control.safety import SafetySettings
from custom_components.compute_heater.control.series import Piece, Series
from custom_components.compute_heater.control.site import (
    SiteController,
    SiteDecision,
    SiteReadings,
    Strategy,
)
from custom_components.compute_heater.heaters.model import PowerState, Reading

START = datetime(2026, 3, 28, 20, tzinfo=UTC)
"""The evening before the clocks change in Berlin."""
TANK = SinkSettings(
    kind=SinkKind.DHW,
    setpoint_c=50,
    hysteresis_k=4,
    limit_c=65,
    max_heat_w=2850,
    capacity_kwh_per_k=0.35,
    comfort_min_c=43,
)
FLOOR = SinkSettings(
    kind=SinkKind.FLOOR,
    setpoint_c=21,
    hysteresis_k=1,
    limit_c=45,
    max_heat_w=2850,
    comfort_min_c=19.5,
)
SITE = SiteDescription(
    heaters=(
        HeaterDescription(
            settings=HeaterSettings(
                heater_id="rack",
                floor_w=300,
                max_w=3000,
                levels_w={
                    PowerState.STANDBY: 300,
                    PowerState.ECO: 1500,
                    PowerState.FULL: 3000,
                },
                can_cap=True,
                efficiency=0.95,
            ),
            safety=SafetySettings(floor_w=300, max_w=3000),
        ),
    ),
    sinks=(
        SinkDescription(
            settings=TANK, path=PathSettings(sink_id="tank", kind=SinkKind.DHW)
        ),
        SinkDescription(
            settings=FLOOR, path=PathSettings(sink_id="floor", kind=SinkKind.FLOOR)
        ),
    ),
    backups=(
        BackupDescription(backup_id="pump", sinks=("tank", "floor"), max_heat_w=6000),
    ),
    time_zone=ZoneInfo("Europe/Berlin"),
)


def prices(*values: float, start: datetime = START) -> SiteForecasts:
    """Return hourly prices."""
    return SiteForecasts(
        price=Series.of(
            Piece(start + timedelta(hours=k), start + timedelta(hours=k + 1), value)
            for k, value in enumerate(values)
        )
    )


def readings(
    tank_c: float | None = 50.0,
    room_c: float | None = 21.0,
    *,
    supply_c: float | None = 45.0,
    power_w: float | None = 300.0,
    answers: bool = True,
) -> SiteReadings:
    reading = Reading(
        power_w=power_w,
        heat_w=power_w,
        coolant_c=supply_c,
        supply_c=supply_c,
        return_c=35.0,
        flow_lpm=8.0,
        is_on=True,
    )
    return SiteReadings(
        heaters={"rack": HeaterInput(reading=reading if answers else None)},
        sinks={
            "tank": SinkReading(temperature_c=tank_c),
            "floor": SinkReading(temperature_c=room_c),
        },
        outdoor_c=2.0,
    )


def optimising(site: SiteDescription = SITE, **options: object) -> SiteController:
    controller = SiteController(site, **options)  # type: ignore[arg-type]
    controller.strategy = Strategy.OPTIMISE
    return controller


def test_it_heats_while_it_is_cheap() -> None:
    """Cheap now and dear for the rest of the day: full power, though nobody asks yet."""
    controller = optimising()
    decision = controller.step(START, readings(47), prices(0.05, *[0.5] * 35))
    assert controller.optimiser.plan is not None
    assert decision.heaters["rack"].expected_w > 2000
    assert decision.demand_w == 0


def test_it_waits_while_it_is_dear() -> None:
    controller = optimising()
    decision = controller.step(START, readings(47), prices(0.9, *[0.05] * 35))
    assert decision.heaters["rack"].expected_w == pytest.approx(300)


def test_a_cold_tank_does_not_wait_for_the_plan() -> None:
    """Compute and backup both help, whatever it costs."""
    controller = optimising()
    decision = controller.step(START, readings(41), prices(2.0, *[0.05] * 35))
    assert decision.heaters["rack"].expected_w == 3000
    assert decision.backup_w["pump"]["tank"] > 5000


def test_without_a_plan_demand_is_followed() -> None:
    def fails(problem: PlanProblem, running: Plan | None) -> Plan | None:
        return None

    controller = optimising(planner=fails)
    decision = controller.step(START, readings(45))
    assert controller.optimiser.plan is None
    assert decision.reason is Reason.DHW_DEMAND
    assert decision.heaters["rack"].expected_w == 3000


def test_an_owner_who_plans_in_its_own_time() -> None:
    controller = optimising(planner=None)
    dear_later = prices(0.05, *[0.5] * 35)
    waiting = controller.step(START, readings(47), dear_later)
    assert waiting.heaters["rack"].expected_w == pytest.approx(300)
    problem = controller.optimiser.problem
    assert problem is not None
    controller.optimiser.adopt(plan_now(problem, None), problem)
    now = START + timedelta(seconds=5)
    decision = controller.step(now, readings(47), dear_later)
    assert decision.heaters["rack"].expected_w > 2000


def test_what_changes_while_a_plan_is_made_is_planned_next() -> None:
    controller = optimising(planner=None)
    controller.step(START, readings(47), prices(0.05, *[0.5] * 35))
    first = controller.optimiser.problem
    controller.sinks["tank"].settings = replace(TANK, setpoint_c=55)
    now = START + timedelta(seconds=5)
    controller.step(now, readings(47), prices(0.05, *[0.5] * 35))
    second = controller.optimiser.problem
    assert first is not None and second is not None and second is not first
    controller.optimiser.adopt(plan_now(first, None), first)
    assert controller.optimiser.plan is not None
    assert controller.optimiser.problem is second
    controller.optimiser.adopt(plan_now(second, None), second)
    assert controller.optimiser.problem is None


def test_an_old_plan_is_no_plan() -> None:
    controller = optimising(planner=None)
    controller.step(START, readings(47), prices(0.05, *[0.5] * 35))
    problem = controller.optimiser.problem
    assert problem is not None
    controller.optimiser.adopt(plan_now(problem, None), problem)
    later = START + timedelta(hours=3)
    assert controller.step(later, readings(49)).reason is Reason.NO_DEMAND


@pytest.mark.parametrize("strategy", [Strategy.FOLLOW_DEMAND, Strategy.OPTIMISE])
def test_the_grid_s_limit_counts_at_once(strategy: Strategy) -> None:
    """1 kW from the grid and 0.5 kW of own electricity are all that heaters take."""
    controller = SiteController(SITE)
    controller.strategy = strategy
    hour = START, START + timedelta(hours=1)
    limited = replace(
        prices(0.05, *[0.5] * 35),
        grid_limit_w=Series.of([Piece(*hour, 1000)]),
        surplus_w=Series.of([Piece(*hour, 500)]),
    )
    decision = controller.step(START, readings(41), limited)
    assert decision.heaters["rack"].expected_w == pytest.approx(1500, abs=60)


def test_boost_heats_to_the_set_point_and_ends() -> None:
    controller = SiteController(SITE)
    assert controller.step(START, readings(48)).reason is Reason.NO_DEMAND
    controller.boost("tank", START + timedelta(hours=2))
    now = START + timedelta(seconds=5)
    assert controller.step(now, readings(48)).heaters["rack"].expected_w == 3000
    other = SiteController(SITE)
    other.restore(json.loads(json.dumps(controller.state())))
    assert other.is_boosted("tank", now)
    now += timedelta(seconds=5)
    assert controller.step(now, readings(50.2)).heaters["rack"].expected_w == 300
    assert not controller.is_boosted("tank", now)


def test_booked_compute_is_counted_and_survives_a_restart() -> None:
    controller = optimising()
    end = START + timedelta(hours=10)
    block = Block(start=START, end=end, hours=2, value_per_kwh=5.0)
    controller.optimiser.blocks = {"rack": (block,)}
    now = START
    for _ in range(61):
        controller.step(now, readings(48, power_w=3000), prices(*[0.3] * 36))
        now += timedelta(minutes=1)
    (left,) = controller.optimiser.blocks["rack"]
    assert left.hours == pytest.approx(1, abs=0.02)
    other = SiteController(SITE)
    other.restore(json.loads(json.dumps(controller.state())))
    assert other.optimiser.blocks == controller.optimiser.blocks
    controller.step(end, readings(48), prices(*[0.3] * 36))
    assert controller.optimiser.blocks["rack"] == ()


@pytest.mark.parametrize(
    "broken", [{}, {"models": 3, "sinks": []}, {"blocks": {"rack": [[1, 2]]}}]
)
def test_a_broken_state_is_no_state(broken: dict[str, object]) -> None:
    controller = SiteController(SITE)
    controller.restore({**broken, "boosts": {"tank": "yesterday", "x": 1}})
    assert controller.step(START, readings()).reason is Reason.NO_DEMAND


number = st.none() | st.floats(allow_nan=True, allow_infinity=True) | st.floats(0, 90)
temperature = st.none() | st.just(nan) | st.floats(-20, 90)
moment = st.tuples(
    st.floats(-4000, 20000),
    temperature,
    temperature,
    temperature,
    number,
    st.booleans(),
    st.lists(st.floats(-1, 2), max_size=40),
    st.sampled_from(list(Strategy)),
)


def within_limits(decision: SiteDecision) -> None:
    heater = decision.heaters["rack"]
    assert 0 <= heater.expected_w <= 3000
    assert heater.power_w is None or 300 <= heater.power_w <= 3000
    for shares in decision.backup_w.values():
        assert 0 <= sum(shares.values()) <= 6000 + 1e-6
    assert decision.dump_w == 0


@hypothesis_settings(max_examples=40, deadline=None)
@given(st.lists(moment, min_size=1, max_size=8))
def test_limits_hold_whatever_comes(
    history: list[
        tuple[
            float,
            float | None,
            float | None,
            float | None,
            float | None,
            bool,
            list[float],
            Strategy,
        ]
    ],
) -> None:
    """NaN, gaps, clocks set back, negative prices, empty forecasts: hot means standby."""
    controller = SiteController(SITE)
    now, monotonic_s = START, 0.0
    for elapsed, tank, room, supply, power, answers, known, strategy in history:
        now += timedelta(seconds=elapsed)
        monotonic_s += abs(elapsed)
        controller.strategy = strategy
        decision = controller.step(
            now,
            readings(tank, room, supply_c=supply, power_w=power, answers=answers),
            prices(*known, start=now.replace(minute=0, second=0, microsecond=0)),
            monotonic_s=monotonic_s,
        )
        within_limits(decision)
        heater = decision.heaters["rack"]
        hot = supply is not None and supply >= 65
        if hot or not answers or supply is None or isnan(supply):
            assert heater.expected_w <= 300
        if strategy is Strategy.OFF:
            assert heater.expected_w <= 300
        json.dumps(controller.state())


@pytest.mark.parametrize("start", [START, datetime(2026, 10, 24, 20, tzinfo=UTC)])
def test_days_with_a_change_of_the_clocks(start: datetime) -> None:
    controller = optimising()
    for quarter in range(48):
        now = start + timedelta(minutes=15 * quarter)
        decision = controller.step(now, readings(48), prices(*[0.3] * 40, start=start))
        within_limits(decision)
        plan = controller.optimiser.plan
        assert plan is not None
        step = plan.step_at(now)
        assert step is not None and step.start <= now < step.end


def test_a_site_without_consumers_has_no_plan() -> None:
    controller = optimising(replace(SITE, sinks=(), backups=()))
    assert controller.step(START, readings()).reason is Reason.NO_DEMAND
    assert controller.optimiser.plan is None


def test_booked_compute_is_done_at_full_power_while_heat_is_wanted() -> None:
    """A warm floor wants little, but at less than full power nothing of it counts."""
    controller = SiteController(SITE)
    little = readings(50, 20.7)
    assert controller.step(START, little).heaters["rack"].expected_w < 1500
    controller.optimiser.blocks["rack"] = (
        Block(
            start=START,
            end=START + timedelta(hours=4),
            hours=2,
            value_per_kwh=0.5,
        ),
    )
    later = START + timedelta(minutes=2)
    assert controller.step(later, little).heaters["rack"].expected_w == 3000
    nothing = readings(50, 21.5)
    later += timedelta(minutes=2)
    assert controller.step(later, nothing).heaters["rack"].expected_w == 300
    after = START + timedelta(hours=5)
    assert controller.step(after, little).heaters["rack"].expected_w < 1500


def test_a_backup_stops_where_all_that_it_reaches_is_hot() -> None:
    """Cold below and hot above: more would only trip the tank's limit."""
    controller = optimising(replace(SITE, heaters=()), planner=lambda *_: None)
    cold = SinkReading(temperature_c=40, second_c=20, has_second=True)
    hot = SinkReading(temperature_c=58, second_c=12, has_second=True)
    for moment, reading, helps in (
        (START, cold, True),
        (START + timedelta(minutes=1), hot, False),
        (START + timedelta(minutes=2), cold, True),
    ):
        given = replace(readings(), heaters={}, sinks={"tank": reading})
        backup_w = controller.step(moment, given).backup_w
        assert ("tank" in backup_w.get("pump", {})) is helps


def two_racks(*, second_earns: float) -> SiteDescription:
    """Return a site with a second rack of its own income."""
    (first,) = SITE.heaters
    second = replace(
        first,
        settings=replace(first.settings, heater_id="second"),
        income_per_kwh=second_earns,
    )
    tank, floor = SITE.sinks
    return replace(
        SITE,
        heaters=(replace(first, income_per_kwh=0.1), second),
        sinks=(replace(tank, settings=replace(TANK, max_heat_w=4000)), floor),
    )


def powers_of_two(site: SiteController, now: datetime = START) -> tuple[float, float]:
    """Return what two racks shall draw for a tank that wants a part of what both can give."""
    one = readings(tank_c=40)
    both = replace(one, heaters=dict.fromkeys(("rack", "second"), one.heaters["rack"]))
    decision = site.step(now, both)
    rack, second = (decision.heaters[key] for key in ("rack", "second"))
    return rack.expected_w, second.expected_w


def test_who_earns_more_is_used_first() -> None:
    for earns, used in ((0.2, 1), (0.05, 0), (0.1, 0)):
        site = SiteController(two_racks(second_earns=earns), planner=None)
        powers = powers_of_two(site)
        assert powers[used] == 3000, earns
        assert powers[1 - used] < 1500, earns


def test_who_is_booked_is_used_first() -> None:
    site = SiteController(two_racks(second_earns=0.05), planner=None)
    site.optimiser.blocks["second"] = (
        Block(
            start=START,
            end=START + timedelta(hours=2),
            hours=1,
            value_per_kwh=0.3,
        ),
    )
    rack_w, second_w = powers_of_two(site)
    assert second_w == 3000
    assert rack_w < 1500

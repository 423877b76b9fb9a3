"""Who decides: safety > compute switch > building > climate mode, cell by cell."""

from dataclasses import replace
from itertools import product
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.compute_heater.control.building import BuildingRequest
from custom_components.compute_heater.control.dispatch import (
    DispatchResult,
    HeaterSettings,
)
from custom_components.compute_heater.control.precedence import (
    Decision,
    HeaterWish,
    decide,
    headroom,
)
from custom_components.compute_heater.control.reasons import Reason
from custom_components.compute_heater.control.safety import SafetyVerdict
from custom_components.compute_heater.heaters.model import PowerState

OFF, STANDBY, ECO, FULL = PowerState

LEVELS = {STANDBY: 200.0, ECO: 1200.0, FULL: 3000.0}
CAPPED = HeaterSettings(
    heater_id="capped", floor_w=200, max_w=3000, levels_w=LEVELS, can_cap=True
)
LADDER = replace(CAPPED, heater_id="ladder", can_cap=False)
MINER = replace(
    CAPPED, levels_w=LEVELS | {STANDBY: 50.0}, floor_w=50, working_floor_w=1000
)
SWITCHED_MINER = replace(MINER, has_standby=False)
LEVELED = replace(LADDER, takes_levels=True, has_standby=False)
WELL = SafetyVerdict()
HOT = SafetyVerdict(
    ceiling_w=200, max_state=STANDBY, reasons=(Reason.OVER_TEMPERATURE,)
)
LEAK = SafetyVerdict(ceiling_w=200, max_state=OFF, reasons=(Reason.LEAK,))


def dispatched(power_w: float, reason: Reason = Reason.DHW_DEMAND) -> DispatchResult:
    """Return what dispatch would say."""
    return DispatchResult(
        state=CAPPED.state_of(power_w), power_w=power_w, reason=reason
    )


def told(**wish: Any) -> Decision:
    """Decide for a heater with a cap where nothing is said against it."""
    basis: dict[str, Any] = {"settings": CAPPED, "safety": WELL}
    return decide(HeaterWish(**(basis | wish)))


CLIMATE: dict[str, tuple[dict[str, Any], PowerState]] = {
    "off": ({"mode": "off"}, STANDBY),
    "off that powers down": ({"mode": "off", "off_powers_down": True}, OFF),
    "off with the select at off": ({"mode": "off", "manual_state": OFF}, OFF),
    "auto, full dispatched": ({"mode": "auto", "dispatch": dispatched(3000)}, FULL),
    "auto, eco dispatched": ({"mode": "auto", "dispatch": dispatched(1200)}, ECO),
    "auto, standby dispatched": (
        {"mode": "auto", "dispatch": dispatched(200)},
        STANDBY,
    ),
    "auto, not dispatched": ({"mode": "auto"}, STANDBY),
    "auto, strategy off": (
        {"mode": "auto", "dispatch": dispatched(3000), "strategy_active": False},
        STANDBY,
    ),
    "heat, set point wants full": (
        {"mode": "heat", "setpoint_power_w": 3000.0},
        FULL,
    ),
    "heat, set point wants some": ({"mode": "heat", "setpoint_power_w": 900.0}, ECO),
    "heat, set point reached": ({"mode": "heat", "setpoint_power_w": 200.0}, STANDBY),
    "heat, supply unknown": ({"mode": "heat", "setpoint_power_w": None}, STANDBY),
    "select at off": ({"mode": "heat", "manual_state": OFF}, OFF),
    "select at standby": (
        {"mode": "heat", "manual_state": STANDBY, "setpoint_power_w": 3000.0},
        STANDBY,
    ),
    "select at eco": ({"mode": "heat", "manual_state": ECO}, ECO),
    "select at full": ({"mode": "heat", "manual_state": FULL}, FULL),
}
BUILDING: dict[str, tuple[BuildingRequest | None, PowerState | None]] = {
    "no BMS": (None, None),
    "BMS says nothing": (BuildingRequest(), None),
    "BMS off": (BuildingRequest(state=OFF), STANDBY),
    "BMS standby": (BuildingRequest(state=STANDBY), STANDBY),
    "BMS eco": (BuildingRequest(state=ECO), ECO),
    "BMS full": (BuildingRequest(state=FULL), FULL),
    "BMS 1500 W": (BuildingRequest(power_w=1500), ECO),
    "BMS 0 W": (BuildingRequest(power_w=0), STANDBY),
}
SWITCH = {"compute on": (True, FULL), "compute off": (False, STANDBY)}
SAFETY = {"well": (WELL, FULL), "hot": (HOT, STANDBY), "leak": (LEAK, OFF)}
CELLS = list(product(SAFETY, SWITCH, BUILDING, CLIMATE))


@pytest.mark.parametrize(
    ("safety", "switch", "building", "climate"),
    CELLS,
    ids=[" / ".join(cell) for cell in CELLS],
)
def test_cell(safety: str, switch: str, building: str, climate: str) -> None:
    verdict, safe = SAFETY[safety]
    allowed, most = SWITCH[switch]
    request, asked = BUILDING[building]
    wish, wished = CLIMATE[climate]
    for settings in (CAPPED, LADDER):
        decision = decide(
            HeaterWish(
                settings=settings,
                safety=verdict,
                compute_allowed=allowed,
                building=request,
                **wish,
            )
        )
        basis = wished if asked is None else asked
        if settings is LADDER and climate == "heat, set point wants some" and not asked:
            basis = STANDBY  # 900 W is less than its lowest level
        expected = min(basis, most, safe, key=lambda state: state.rank)
        assert decision.state is expected
        assert decision.on is (expected is not OFF)
        if settings is LADDER or expected in {OFF, FULL}:
            assert decision.power_w is None
        elif expected is STANDBY:
            assert decision.power_w == 200
        else:
            assert decision.power_w == decision.expected_w
            assert 200 < decision.expected_w < 3000


@pytest.mark.parametrize(
    ("wish", "reason"),
    [
        ({"mode": "off"}, Reason.CLIMATE_OFF),
        ({"mode": "auto", "strategy_active": False}, Reason.STRATEGY_OFF),
        ({"mode": "auto"}, Reason.NO_DEMAND),
        ({"mode": "auto", "dispatch": dispatched(1200)}, Reason.DHW_DEMAND),
        (
            {
                "mode": "auto",
                "dispatch": dispatched(1200, Reason.MINIMUM_ON_TIME),
            },
            Reason.MINIMUM_ON_TIME,
        ),
        ({"mode": "heat", "manual_state": ECO}, Reason.MANUAL_STATE),
        ({"mode": "heat", "setpoint_power_w": 900.0}, Reason.HOLDING_SETPOINT),
        ({"mode": "heat"}, Reason.STALE_SENSOR),
        (
            {"mode": "off", "building": BuildingRequest(state=ECO)},
            Reason.BUILDING_DEMAND,
        ),
        (
            {"mode": "heat", "manual_state": FULL, "compute_allowed": False},
            Reason.COMPUTE_OFF,
        ),
        (
            {"mode": "heat", "manual_state": FULL, "power_limit_w": 900.0},
            Reason.POWER_LIMIT,
        ),
        (
            {"mode": "heat", "manual_state": FULL, "safety": HOT},
            Reason.OVER_TEMPERATURE,
        ),
        (
            {
                "mode": "heat",
                "manual_state": FULL,
                "safety": HOT,
                "compute_allowed": False,
                "power_limit_w": 100.0,
            },
            Reason.OVER_TEMPERATURE,
        ),
        ({"mode": "off", "safety": LEAK}, Reason.LEAK),
        ({"mode": "off", "safety": HOT}, Reason.CLIMATE_OFF),
    ],
)
def test_reason(wish: dict[str, Any], reason: Reason) -> None:
    assert told(**wish).reason is reason


def test_path_says_why_auto_does_not_heat_yet() -> None:
    opening = SafetyVerdict(
        ceiling_w=200, max_state=STANDBY, reasons=(Reason.PATH_OPENING,)
    )
    nothing = dispatched(200, Reason.NO_DEMAND)
    decision = told(mode="auto", dispatch=nothing, safety=opening)
    assert decision.reason is Reason.PATH_OPENING


WORKING: list[dict[str, Any]] = [
    {"mode": "auto", "dispatch": dispatched(3000)},
    {"mode": "heat", "manual_state": FULL},
    {"mode": "heat", "setpoint_power_w": 3000.0},
    {"mode": "off", "building": BuildingRequest(state=FULL)},
]


@pytest.mark.parametrize("wish", WORKING, ids=["auto", "select", "heat", "BMS"])
@pytest.mark.parametrize(
    ("limit", "capped", "ladder"),
    [
        (3500.0, (FULL, 3000), (FULL, 3000)),
        (3000.0, (FULL, 3000), (FULL, 3000)),
        (2000.0, (ECO, 2000), (ECO, 1200)),
        (1000.0, (ECO, 1000), (STANDBY, 200)),
        (200.0, (STANDBY, 200), (STANDBY, 200)),
        (50.0, (STANDBY, 200), (STANDBY, 200)),
        (0.0, (STANDBY, 200), (STANDBY, 200)),
    ],
)
def test_power_limit_holds_in_every_mode(
    wish: dict[str, Any],
    limit: float,
    capped: tuple[PowerState, float],
    ladder: tuple[PowerState, float],
) -> None:
    for settings, expected in ((CAPPED, capped), (LADDER, ladder)):
        decision = told(settings=settings, power_limit_w=limit, **wish)
        assert (decision.state, decision.expected_w) == expected


@pytest.mark.parametrize(
    "wish",
    [{"mode": "off"}, {"mode": "auto"}, {"mode": "heat", "manual_state": STANDBY}],
)
def test_power_limit_never_raises(wish: dict[str, Any]) -> None:
    assert told(power_limit_w=2000.0, **wish).state is STANDBY


@pytest.mark.parametrize("wish", WORKING, ids=["auto", "select", "heat", "BMS"])
@pytest.mark.parametrize(("device_max_w", "cap"), [(3000, None), (4000, 3000)])
def test_full_is_only_uncapped_where_it_is_all_the_device_can_do(
    wish: dict[str, Any], device_max_w: float, cap: float | None
) -> None:
    settings = replace(CAPPED, device_max_w=device_max_w)
    decision = told(settings=settings, **wish)
    assert (decision.state, decision.power_w) == (FULL, cap)
    assert decision.expected_w == 3000


ONLY_SWITCHED = replace(LADDER, has_standby=False)


@pytest.mark.parametrize(
    ("wish", "state"),
    [
        ({"mode": "auto"}, OFF),
        ({"mode": "auto", "dispatch": dispatched(3000)}, FULL),
        ({"mode": "heat", "manual_state": FULL}, FULL),
        ({"mode": "heat", "manual_state": FULL, "safety": HOT}, OFF),
        ({"mode": "heat", "manual_state": FULL, "compute_allowed": False}, OFF),
        ({"mode": "heat", "manual_state": FULL, "power_limit_w": 2000.0}, OFF),
        (
            {
                "mode": "heat",
                "manual_state": FULL,
                "safety": SafetyVerdict(
                    ceiling_w=1600, reasons=(Reason.THROTTLED_BY_TEMPERATURE,)
                ),
            },
            OFF,
        ),
        ({"mode": "heat", "manual_state": STANDBY}, OFF),
        ({"mode": "off"}, OFF),
    ],
)
def test_standby_without_a_cap_is_off(wish: dict[str, Any], state: PowerState) -> None:
    decision = told(settings=ONLY_SWITCHED, **wish)
    assert (decision.state, decision.on) == (state, state is FULL)
    assert decision.power_w is None
    assert decision.expected_w == (3000 if state is FULL else 0)


@pytest.mark.parametrize(
    ("state", "miner", "switched", "leveled"),
    [
        (FULL, (FULL, None), (FULL, None), (FULL, 3000)),
        (ECO, (ECO, 1200), (ECO, 1200), (ECO, 1200)),
        (STANDBY, (STANDBY, 50), (OFF, None), (OFF, None)),
        (OFF, (OFF, None), (OFF, None), (OFF, None)),
    ],
)
def test_states_of_heaters_that_work_at_their_lowest(
    state: PowerState,
    miner: tuple[PowerState, float | None],
    switched: tuple[PowerState, float | None],
    leveled: tuple[PowerState, float | None],
) -> None:
    """Their standby is a mode of its own or off, and no lowest limit."""
    for settings, expected in (
        (MINER, miner),
        (SWITCHED_MINER, switched),
        (LEVELED, leveled),
    ):
        decision = told(settings=settings, mode="heat", manual_state=state)
        assert (decision.state, decision.power_w) == expected
        assert decision.on is (decision.state is not OFF)


@pytest.mark.parametrize(
    ("limit", "miner", "switched"), [(999, STANDBY, OFF), (1000, ECO, ECO)]
)
def test_limit_below_the_least_work(
    limit: float, miner: PowerState, switched: PowerState
) -> None:
    for settings, expected in ((MINER, miner), (SWITCHED_MINER, switched)):
        wish = {"mode": "heat", "manual_state": FULL, "power_limit_w": limit}
        assert told(settings=settings, **wish).state is expected


def test_throttle_is_a_ceiling_in_manual_mode_too() -> None:
    throttle = SafetyVerdict(ceiling_w=1600, reasons=(Reason.THROTTLED_BY_TEMPERATURE,))
    decision = told(mode="heat", manual_state=FULL, safety=throttle)
    assert (decision.state, decision.power_w) == (ECO, 1600)
    assert decision.reason is Reason.THROTTLED_BY_TEMPERATURE


def test_headroom_names_what_binds() -> None:
    wish = HeaterWish(settings=CAPPED, safety=WELL, mode="auto")
    assert headroom(wish).reason is None
    limited = headroom(replace(wish, power_limit_w=900.0))
    assert (limited.ceiling_w, limited.reason) == (900, Reason.POWER_LIMIT)
    throttle = SafetyVerdict(ceiling_w=1600, reasons=(Reason.THROTTLED_BY_TEMPERATURE,))
    both = headroom(replace(wish, power_limit_w=900.0, safety=throttle))
    assert (both.ceiling_w, both.reason) == (900, Reason.POWER_LIMIT)
    warm = headroom(replace(wish, power_limit_w=900.0, supply_limit_w=800.0))
    assert (warm.ceiling_w, warm.reason) == (800, Reason.SUPPLY_LIMIT)
    by_hand = headroom(replace(wish, mode="heat", supply_limit_w=800.0))
    assert by_hand.ceiling_w is None, "in heat mode the target is held, not capped"
    alone = replace(wish, settings=replace(CAPPED, unattended_w=700.0))
    assert headroom(alone).ceiling_w == 700
    assert headroom(alone).reason is Reason.UNATTENDED
    assert headroom(replace(alone, mode="heat")).ceiling_w is None
    assert headroom(replace(alone, falls_back_w=700.0)).ceiling_w is None
    assert headroom(replace(alone, falls_back_w=800.0)).ceiling_w == 700
    switched = headroom(replace(wish, power_limit_w=900.0, compute_allowed=False))
    assert (switched.max_state, switched.reason) == (STANDBY, Reason.COMPUTE_OFF)


states = st.none() | st.sampled_from(PowerState)
watts = st.none() | st.floats(0, 5000)
verdicts = st.builds(
    SafetyVerdict,
    ceiling_w=st.none() | st.floats(200, 3000),
    max_state=st.sampled_from(PowerState),
    reasons=st.just((Reason.OVER_TEMPERATURE,)),
)
wishes = st.builds(
    HeaterWish,
    settings=st.sampled_from([CAPPED, LADDER, MINER, SWITCHED_MINER, LEVELED]),
    mode=st.sampled_from(["off", "auto", "heat"]),
    safety=verdicts,
    manual_state=states,
    setpoint_power_w=watts,
    compute_allowed=st.booleans(),
    power_limit_w=watts,
    off_powers_down=st.booleans(),
    strategy_active=st.booleans(),
    dispatch=st.none() | st.floats(200, 3000).map(dispatched),
    building=st.none() | st.builds(BuildingRequest, state=states, power_w=watts),
)


@given(wishes)
def test_nothing_exceeds_limit_switch_or_safety(wish: HeaterWish) -> None:
    decision = decide(wish)
    floor = wish.settings.standby_w
    limits = [
        limit
        for limit in (wish.power_limit_w, wish.safety.ceiling_w)
        if limit is not None
    ]
    for limit in limits:
        assert decision.expected_w <= max(limit, floor) + 0.5
    assert decision.state.rank <= wish.safety.max_state.rank
    if not wish.compute_allowed:
        assert decision.state.rank <= STANDBY.rank
    assert decision.on is (decision.state is not OFF)
    if decision.power_w is not None:
        assert wish.settings.can_cap or wish.settings.takes_levels
        assert wish.settings.floor_w <= decision.power_w <= wish.settings.max_w


@given(wishes, verdicts)
def test_safety_never_raises(wish: HeaterWish, verdict: SafetyVerdict) -> None:
    free = decide(replace(wish, safety=WELL))
    safe = decide(replace(wish, safety=verdict))
    assert safe.expected_w <= free.expected_w + 0.5
    assert safe.state.rank <= free.state.rank


@given(wishes)
def test_only_select_option_and_safety_power_a_machine_down(wish: HeaterWish) -> None:
    by_person = wish.manual_state is OFF and wish.mode in {"off", "heat"}
    by_option = wish.off_powers_down and wish.mode == "off"
    if not (by_person or by_option or wish.safety.max_state is OFF):
        assert decide(wish).on or not wish.settings.has_standby

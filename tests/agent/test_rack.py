"""The simulated rack: energy balance, cap, modules."""

from hypothesis import given, settings as hypothesis_settings, strategies as st
import pytest

from compute_heater_agent.bath import (
    OIL_KG_PER_L,
    OIL_KJ_PER_KG_K,
    WATER_KG_PER_L,
    WATER_KJ_PER_KG_K,
    effectiveness,
    flow_capacity,
)
from compute_heater_agent.errors import CapRangeError, SettingsError
from compute_heater_agent.modules import ModuleState, ResetType, share_power
from compute_heater_agent.notices import Happening
from compute_heater_agent.settings import RackSettings
from compute_heater_agent.simulated import ControlMode, Rack


def uncapped(**settings: float) -> Rack:
    rack = Rack(RackSettings(**settings))
    rack.set_cap(control_mode=ControlMode.DISABLED)
    return rack


def let_pass(rack: Rack, seconds: float, *, step_s: float = 0.25) -> None:
    for _ in range(round(seconds / step_s)):
        rack.step(step_s, 35.0, 8.0)


_STEPS = st.tuples(
    st.floats(0.05, 120),  # seconds
    st.floats(5, 60),  # return °C
    st.floats(0, 30),  # flow L/min
    st.one_of(st.none(), st.floats(300, 3000)),  # cap
    st.one_of(st.none(), st.sampled_from(ResetType)),
)


@given(steps=st.lists(_STEPS, min_size=1, max_size=25))
@hypothesis_settings(max_examples=40, deadline=None)
def test_energy_balance_closes(steps: list[tuple]) -> None:
    """Electricity = heat to the water + case loss + heat stored, whatever happens."""
    rack = Rack(RackSettings())
    heat_before = 0.0
    for dt_s, return_c, flow_lpm, cap_w, command in steps:
        if cap_w is not None:
            rack.set_cap(set_point_w=cap_w)
        if command is not None and not rack.guard.tripped:
            rack.reset(0, command)
        rack.step(dt_s, return_c, flow_lpm)
        assert rack.heat_j >= heat_before
        heat_before = rack.heat_j
        used = rack.heat_j + rack.loss_j + rack.stored_j
        assert rack.energy_j == pytest.approx(used, rel=1e-3, abs=0.1)


def test_balance_over_a_day_is_exact() -> None:
    rack = uncapped()
    for hour in range(24):
        rack.set_cap(set_point_w=300 + 100 * hour, control_mode=ControlMode.AUTOMATIC)
        rack.step(3600, 30 + hour, 4 + hour / 3)
    used = rack.heat_j + rack.loss_j + rack.stored_j
    assert rack.energy_j == pytest.approx(used, rel=1e-6)
    assert rack.energy_j > 24 * 3600 * 300


def test_step_size_hardly_matters() -> None:
    fine, coarse = uncapped(), uncapped()
    let_pass(fine, 1800, step_s=0.1)
    coarse.step(1800, 35.0, 8.0)
    assert coarse.heat_j == pytest.approx(fine.heat_j, rel=2e-3)
    assert coarse.oil_c == pytest.approx(fine.oil_c, abs=0.02)


def test_both_sides_of_the_exchanger_carry_the_same_heat() -> None:
    rack = uncapped()
    rack.step(3600, 40.0, 6.0)
    water = flow_capacity(6.0, WATER_KG_PER_L, WATER_KJ_PER_KG_K)
    oil = flow_capacity(rack.bath.oil_flow_lpm, OIL_KG_PER_L, OIL_KJ_PER_KG_K)
    assert water * (rack.supply_c - 40.0) == pytest.approx(rack.heat_w)
    assert oil * (rack.oil_c - rack.bath.oil_cold_c) == pytest.approx(rack.heat_w)
    assert 40 < rack.supply_c < rack.oil_c
    assert rack.bath.oil_cold_c > 40


def test_effectiveness_stays_physical() -> None:
    assert effectiveness(1e9, 500, 400) == pytest.approx(1.0)
    assert effectiveness(500, 500, 500) == pytest.approx(0.5)
    assert effectiveness(500, 500.0001, 500) == pytest.approx(0.5, abs=1e-4)
    assert effectiveness(1, 500, 500) == pytest.approx(0.002, rel=0.01)


def test_heat_never_flows_back_from_the_house() -> None:
    rack = Rack(RackSettings(oil_c=30.0))
    for module in range(4):
        rack.reset(module, ResetType.FORCE_OFF)
    rack.step(600, 55.0, 10.0)
    assert rack.heat_j == 0
    assert rack.supply_c == 55.0
    assert rack.oil_c < 30


def test_no_flow_no_heat() -> None:
    rack = uncapped()
    before = rack.oil_c
    rack.step(100, 20.0, 0.0)
    assert rack.heat_j == 0
    assert rack.supply_c == rack.oil_c
    # 3 kW warm the bath by about 1 K in 25 s.
    assert rack.oil_c - before == pytest.approx(4, abs=0.3)


def test_case_loss_is_small() -> None:
    rack = uncapped()
    rack.step(20_000, 48.0, 8.0)
    heat, loss = rack.heat_j, rack.loss_j
    rack.step(3600, 48.0, 8.0)
    share = (rack.loss_j - loss) / (rack.heat_j - heat + rack.loss_j - loss)
    assert 0.015 < share < 0.025


@pytest.mark.parametrize("target", [300, 1000, 2500])
def test_power_follows_the_cap_with_inertia(target: float) -> None:
    rack = uncapped()
    let_pass(rack, 30)
    assert rack.power_w == pytest.approx(3000, rel=0.01)
    rack.set_cap(set_point_w=target, control_mode=ControlMode.AUTOMATIC)
    rack.step(0.1, 35, 8)
    assert rack.power_w > target + 0.8 * (3000 - target)
    let_pass(rack, 15)
    assert rack.power_w == pytest.approx(target, rel=0.01)


def test_power_never_swings_through_the_cap() -> None:
    rack = uncapped()
    let_pass(rack, 30)
    rack.set_cap(set_point_w=1000, control_mode=ControlMode.AUTOMATIC)
    last = rack.power_w
    for _ in range(100):
        rack.step(0.25, 35, 8)
        assert 1000 - 0.01 <= rack.power_w <= last + 1e-9
        last = rack.power_w


def test_cap_out_of_range_changes_nothing() -> None:
    rack = Rack(RackSettings())
    for watts in (299.9, 3000.1):
        with pytest.raises(CapRangeError):
            rack.set_cap(set_point_w=watts, control_mode=ControlMode.DISABLED)
    assert rack.power_limit_w == 300


def test_floor_follows_from_idle_power() -> None:
    rack = Rack(RackSettings(modules=8, max_w=4000, idle_w=120))
    assert rack.settings.floor_w == 960
    rack.step(60, 35, 8)
    assert rack.power_w == pytest.approx(960)


@pytest.mark.parametrize(
    "wrong",
    [
        {"modules": 0},
        {"idle_w": 0},
        {"idle_w": 750},
        {"lease_s": 0},
        {"boot_s": -1},
        {"default_w": 100},
        {"default_w": 3001},
    ],
)
def test_impossible_racks_are_refused(wrong: dict) -> None:
    with pytest.raises(SettingsError):
        RackSettings(**wrong)


def test_modules_that_are_on_share_the_cap() -> None:
    rack = Rack(RackSettings())
    rack.set_cap(set_point_w=1200)
    for index in (0, 1):
        rack.reset(index, ResetType.FORCE_OFF)
    let_pass(rack, 20)
    powers = [module.power_w for module in rack.modules]
    assert powers[:2] == [1.5, 1.5]
    assert powers[2] == pytest.approx(598.5, abs=1)
    assert rack.power_w == pytest.approx(1200, abs=2)


@given(
    least=st.lists(st.floats(0, 100), min_size=1, max_size=8),
    above=st.lists(st.floats(0, 900), min_size=8, max_size=8),
    budget=st.floats(0, 9000),
)
def test_shares_use_the_budget_fairly(
    least: list[float], above: list[float], budget: float
) -> None:
    wanted = [low + more for low, more in zip(least, above, strict=False)]
    shares = share_power(budget, least, wanted)
    possible = min(max(budget, sum(least)), sum(wanted))
    assert sum(shares) == pytest.approx(possible, abs=1e-6)
    for low, share, high in zip(least, shares, wanted, strict=True):
        assert low - 1e-9 <= share <= high + 1e-9


def test_boot_takes_its_time_and_power() -> None:
    rack = uncapped(modules=1, boot_s=20)
    told = []
    rack.listen(lambda notice: told.append(notice.happening))
    rack.reset(0, ResetType.FORCE_OFF)
    let_pass(rack, 5)
    assert rack.power_w == 1.5
    rack.reset(0, ResetType.ON)
    let_pass(rack, 19)
    module = rack.modules[0]
    assert module.state is ModuleState.BOOTING
    assert module.boot_progress == pytest.approx(0.95)
    # Booting draws more than idle but is far from full load.
    assert 300 < rack.power_w < 1500
    let_pass(rack, 2)
    assert module.state is ModuleState.ON
    let_pass(rack, 20)
    assert rack.power_w == pytest.approx(3000, rel=0.01)
    assert told == [
        Happening.POWERED_OFF,
        Happening.POWERING_ON,
        Happening.POWERED_ON,
    ]


def test_booting_keeps_to_the_cap() -> None:
    rack = Rack(RackSettings(modules=1, boot_s=20))
    rack.reset(0, ResetType.FORCE_RESTART)
    let_pass(rack, 10)
    assert rack.power_w == pytest.approx(300)


def test_graceful_shutdown_drains_first() -> None:
    rack = uncapped(modules=1, drain_s=20)
    let_pass(rack, 30)
    rack.reset(0, ResetType.GRACEFUL_SHUTDOWN)
    let_pass(rack, 10)
    assert rack.modules[0].state is ModuleState.DRAINING
    half_way = rack.power_w
    assert 1500 < half_way < 2200
    let_pass(rack, 9)
    assert rack.power_w < half_way / 2
    let_pass(rack, 2)
    assert rack.modules[0].state is ModuleState.OFF
    assert rack.power_w == 1.5


def test_restarts() -> None:
    rack = Rack(RackSettings(modules=1, drain_s=4, boot_s=6))
    states = []
    for command in (ResetType.GRACEFUL_RESTART, ResetType.FORCE_RESTART):
        rack.reset(0, command)
        seen = []
        for _ in range(15):
            if not seen or seen[-1] is not rack.modules[0].state:
                seen.append(rack.modules[0].state)
            let_pass(rack, 1)
        states.append(seen)
    assert states == [
        [ModuleState.DRAINING, ModuleState.BOOTING, ModuleState.ON],
        [ModuleState.BOOTING, ModuleState.ON],
    ]


def test_on_during_a_shutdown_boots_afterwards() -> None:
    rack = Rack(RackSettings(modules=1, drain_s=4, boot_s=4))
    rack.reset(0, ResetType.GRACEFUL_SHUTDOWN)
    rack.reset(0, ResetType.ON)
    assert rack.modules[0].state is ModuleState.DRAINING
    let_pass(rack, 5)
    assert rack.modules[0].state is ModuleState.BOOTING
    rack.reset(0, ResetType.GRACEFUL_SHUTDOWN)
    let_pass(rack, 5)
    assert rack.modules[0].state is ModuleState.OFF


def test_commands_that_already_hold_do_nothing() -> None:
    rack = Rack(RackSettings())
    told = []
    rack.listen(told.append)
    rack.reset(0, ResetType.ON)
    rack.set_cap(set_point_w=300, control_mode=ControlMode.AUTOMATIC)
    rack.reset(1, ResetType.FORCE_OFF)
    rack.reset(1, ResetType.FORCE_OFF)
    rack.reset(1, ResetType.GRACEFUL_SHUTDOWN)
    assert [notice.happening for notice in told] == [Happening.POWERED_OFF]


def test_no_notice_after_listening_ended() -> None:
    rack = Rack(RackSettings())
    told = []
    stop = rack.listen(told.append)
    stop()
    rack.set_cap(set_point_w=1000)
    assert told == []


def test_a_trickle_is_standing_water() -> None:
    rack = Rack(RackSettings())
    rack.step(10, 20.0, 5e-324)
    assert rack.flow_lpm == 0
    assert rack.heat_j == 0

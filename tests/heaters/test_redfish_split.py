"""Limits below the lowest cap: modules are switched, and nothing goes back and forth."""

import asyncio

from hypothesis import given, strategies as st
import pytest

from compute_heater_agent.modules import ModuleState, ResetType
from custom_components.compute_heater.heaters import redfish_cap
from custom_components.compute_heater.heaters.model import Command, HeaterRefusedError
from custom_components.compute_heater.heaters.redfish_split import Split

from .bmc import METRICS, ROOT, Bmc, error, modern, running_bmc, system
from .commands import cap, commands
from .conftest import MakeHeater
from .shapes import CHASSIS
from .test_redfish_agent import agent_with, reading_that

SPLIT = Split(floor_w=400, modules=4)


def low(watts: float) -> Command:
    return Command(on=True, power_limit_w=watts, may_split=True)


@pytest.mark.parametrize(
    ("watts", "on", "wanted"),
    [
        (100, 4, 1),
        (199, 4, 1),
        (200, 4, 2),
        (399, 4, 3),
        (200, 1, 1),
        (224, 1, 1),
        (226, 1, 2),
        (399, 0, 3),
        (100, 0, 1),
    ],
)
def test_how_many_modules_stay_on(watts: float, on: int, wanted: int) -> None:
    assert SPLIT.wanted(watts, on) == wanted


@given(
    st.integers(2, 64),
    st.floats(10, 500),
    st.lists(st.floats(0, 1), min_size=1, max_size=30),
)
def test_never_more_than_fit_and_no_ripple_switches(
    modules: int, module_w: float, shares: list[float]
) -> None:
    floor_w = modules * module_w
    split = Split(floor_w=floor_w, modules=modules)
    on = modules
    for share in shares:
        watts = split.module_w + share * (floor_w - split.module_w) * 0.99
        on = split.wanted(watts, on)
        assert 1 <= on < modules
        assert on * split.module_w <= watts + 0.5 + 1e-6
        ripple = watts - 0.2 * split.module_w
        if on > 1 and ripple >= on * split.module_w:
            assert split.wanted(ripple, on) == on
        # Whoever fell stays there until clearly more is asked for.
        fallen = split.wanted(max(watts - split.module_w, split.module_w), on)
        again = (fallen + 1) * split.module_w
        assert split.wanted(min(again, floor_w - 1), fallen) == fallen


@pytest.mark.parametrize("watts", [99, 400, float("nan"), float("inf")])
def test_other_limits_are_not_its_business(watts: float) -> None:
    assert not SPLIT.covers(watts)


async def test_one_of_four_at_its_floor(make_heater: MakeHeater) -> None:
    async with agent_with() as agent:
        heater = make_heater(agent.url, rest_s=0.0)
        _, capabilities = await heater.connect()
        assert (capabilities.floor_w, capabilities.module_floor_w) == (300, 75)
        await heater.apply(Command(on=True, power_limit_w=2000))
        await heater.apply(low(75))
        assert agent.rack.set_point_w == 300, "the cap falls before modules go"
        # The range of the cap may have been read just before the last module was off.
        reading = await reading_that(
            heater, lambda r: not r.is_changing and r.fulfils is None
        )
        assert reading.modules_on == 1
        assert reading.is_on is True
        await heater.apply(low(75))
        assert agent.rack.set_point_w == 79.5, "one at its floor, three are off"
        reading = await reading_that(heater, lambda r: (r.power_w or 999) < 81)
        assert reading.fulfils == low(75)
        sent = heater.writes
        for _ in range(3):
            await heater.apply(low(75))
        assert heater.writes == sent, "nothing is sent that already holds"

        await heater.apply(low(250))
        await reading_that(heater, lambda r: r.modules_on == 3)
        await heater.apply(low(250))
        reading = await reading_that(heater, lambda r: (r.power_w or 0) > 240)
        assert reading.power_limit_w == 250
        assert reading.fulfils == low(250)

        await heater.apply(Command(on=True, may_split=True))
        reading = await reading_that(heater, lambda r: (r.power_w or 0) > 2900)
        assert reading.modules_on == 4
        assert reading.fulfils is not None


async def test_floor_of_all_is_found_while_modules_are_off(
    make_heater: MakeHeater,
) -> None:
    async with agent_with() as agent:
        heater = make_heater(agent.url)
        await heater.apply(low(75))
        await reading_that(heater, lambda r: not r.is_changing)
        assert agent.rack.floor_w == 79.5
        _, capabilities = await make_heater(agent.url).connect()
        assert (capabilities.floor_w, capabilities.module_floor_w) == (300, 75)


async def test_module_rests_before_it_starts_again(make_heater: MakeHeater) -> None:
    async with agent_with() as agent:
        heater = make_heater(agent.url, rest_s=3.0)
        await heater.apply(low(160))
        await reading_that(heater, lambda r: not r.is_changing)
        full = Command(on=True, power_limit_w=900, may_split=True)
        await heater.apply(full)
        reading = await heater.read()
        assert reading.modules_on == 2
        assert reading.power_limit_w == 900, "those that are on may do more at once"
        assert reading.fulfils == full, "no more can be done just now"
        await reading_that(heater, lambda r: r.fulfils is None)
        await heater.apply(full)
        reading = await reading_that(heater, lambda r: r.modules_on == 4)
        assert reading.fulfils == full


async def test_off_and_on_wait_for_nothing(make_heater: MakeHeater) -> None:
    async with agent_with() as agent:
        heater = make_heater(agent.url)
        await heater.apply(Command(on=False))
        await reading_that(heater, lambda r: r.is_on is False and not r.is_changing)
        await heater.apply(Command(on=True, power_limit_w=600, may_split=True))
        await reading_that(heater, lambda r: r.modules_on == 4)
        # All off, then little wanted: one starts, the others stay as they are.
        await heater.apply(Command(on=False))
        await reading_that(heater, lambda r: r.is_on is False and not r.is_changing)
        await heater.apply(low(80))
        await reading_that(heater, lambda r: r.modules_on == 1)
        states = [module.state for module in agent.rack.modules]
        assert states.count(ModuleState.OFF) == 3


async def test_nobody_asked_for_it(make_heater: MakeHeater) -> None:
    async with agent_with() as agent:
        heater = make_heater(agent.url)
        with pytest.raises(HeaterRefusedError, match="300 W to 3000 W"):
            await heater.apply(Command(on=True, power_limit_w=75))
        assert heater.writes == 0
        with pytest.raises(HeaterRefusedError, match="300 W to 3000 W"):
            await heater.apply(low(50))
        assert heater.writes == 0, "not even one module goes that low"


async def test_manager_whose_range_does_not_move(
    make_heater: MakeHeater, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redfish_cap, "READ_BACK_S", (0.0, 0.02))
    nodes = [system(str(number)) for number in range(1, 4)]
    nodes[0]["Status"]["Health"] = "Critical"
    async with running_bmc(Bmc(resources=modern(*nodes))) as bmc:
        heater = make_heater(bmc.url)
        _, capabilities = await heater.connect()
        assert capabilities.module_floor_w == 100
        await heater.apply(low(200))
        assert commands(bmc) == [cap(300), ("reset", "GracefulShutdown")]
        assert bmc.resources[f"{ROOT}/Systems/1"]["PowerState"] == "Off", "the ill one"
        assert (await heater.read()).fulfils == low(200)
        await heater.apply(low(200))
        assert len(commands(bmc)) == 2


async def test_refused_cap_still_lowers_by_modules(make_heater: MakeHeater) -> None:
    async def refuse(_: object) -> object:
        return error(403, "InsufficientPrivilege", "License required.")

    async with running_bmc(Bmc(resources=modern(system("1"), system("2")))) as bmc:
        bmc.front["PATCH", METRICS] = refuse  # type: ignore[assignment]
        heater = make_heater(bmc.url)
        with pytest.raises(HeaterRefusedError, match="License required"):
            await heater.apply(low(150))
        states = [bmc.resources[f"{ROOT}/Systems/{n}"]["PowerState"] for n in (1, 2)]
        assert states == ["On", "Off"]
        assert (await heater.read()).fulfils is None


async def test_shutdown_that_hangs_is_cut_off_here_too(make_heater: MakeHeater) -> None:
    async def deaf(_: object) -> object:
        return error(204, "Success")

    bmc = Bmc(resources=modern(system("1"), system("2")))
    reset = f"{ROOT}/Systems/2/Actions/ComputerSystem.Reset"
    bmc.front["POST", reset] = deaf  # type: ignore[assignment]
    async with running_bmc(bmc):
        heater = make_heater(bmc.url, shutdown_s=0.2)
        await heater.apply(low(150))
        await asyncio.sleep(0.25)
        await heater.apply(low(150))
    resets = [what for kind, what in commands(bmc) if kind == "reset"]
    assert resets == ["GracefulShutdown", "ForceOff"]


@pytest.mark.parametrize("broken", ["one module", "cannot be switched", "no cap"])
async def test_heaters_that_cannot(broken: str, make_heater: MakeHeater) -> None:
    nodes = [system("1"), system("2")]
    if broken == "one module":
        nodes.pop()
    if broken == "cannot be switched":
        nodes[1]["Actions"] = {}
    bmc = Bmc(resources=modern(*nodes))
    if broken == "no cap":
        del bmc.resources[CHASSIS]["EnvironmentMetrics"]
    async with running_bmc(bmc):
        _, capabilities = await make_heater(bmc.url).connect()
    assert capabilities.module_floor_w is None


async def test_each_module_shows_where_it_is(make_heater: MakeHeater) -> None:
    async with agent_with(drain_s=1.0, boot_s=1.0) as agent:
        heater = make_heater(agent.url)
        await heater.apply(low(80))
        reading = await heater.read()
        assert reading.modules is not None
        assert [m.condition for m in reading.modules] == ["on"] + ["shutting_down"] * 3
        assert reading.modules[0].name
        await reading_that(heater, lambda r: not r.is_changing)
        agent.rack.reset(3, ResetType.ON)
        reading = await heater.read()
        assert reading.modules is not None
        conditions = [m.condition for m in reading.modules]
        assert conditions == ["on", "off", "off", "starting"]
        keys = [m.key for m in reading.modules]
        assert len(set(keys)) == 4

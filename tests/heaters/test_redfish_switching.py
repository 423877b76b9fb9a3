"""Switching the modules of a Redfish heater: order, idempotence, deadlines."""

import asyncio

from aiohttp import web
import pytest

from custom_components.compute_heater.heaters import redfish_cap, redfish_modules
from custom_components.compute_heater.heaters.model import (
    Command,
    HeaterProtocolError,
    HeaterRefusedError,
)

from .bmc import (
    METRICS,
    RESET,
    ROOT,
    Bmc,
    Json,
    error,
    modern,
    running_bmc,
    service,
    system,
)
from .commands import TASK, cap, commands, start_task
from .conftest import MakeHeater


@pytest.fixture(autouse=True)
def quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redfish_cap, "READ_BACK_S", (0.0, 0.02, 0.05))


async def test_lower_cap_comes_before_the_start(make_heater: MakeHeater) -> None:
    async with running_bmc(Bmc(resources=modern(system("1", "Off")))) as bmc:
        await make_heater(bmc.url).apply(Command(on=True, power_limit_w=400))
    assert commands(bmc) == [cap(400), ("reset", "On")]


async def test_higher_cap_comes_after_the_start(make_heater: MakeHeater) -> None:
    bmc = Bmc(resources=modern(system("1", "Off"), system("2", "On")))
    bmc.resources[METRICS]["PowerLimitWatts"].update(
        SetPoint=300, ControlMode="Automatic"
    )
    async with running_bmc(bmc):
        await make_heater(bmc.url).apply(Command(on=True, power_limit_w=900))
    assert commands(bmc) == [("reset", "On"), cap(900)]


async def test_off_caps_to_the_floor_first(make_heater: MakeHeater) -> None:
    async with running_bmc(
        Bmc(resources=modern(system("1"), system("2", "Off")))
    ) as bmc:
        heater = make_heater(bmc.url)
        await heater.apply(Command(on=False))
        await heater.apply(Command(on=False))
        assert commands(bmc) == [cap(300), ("reset", "GracefulShutdown")]
        reading = await heater.read()
    assert reading.is_on is False
    assert reading.modules_on == 0


async def test_cap_refused_while_off_is_set_after_the_start(
    make_heater: MakeHeater,
) -> None:
    async def only_when_on(_: web.Request) -> web.StreamResponse | None:
        on = bmc.resources[f"{ROOT}/Systems/1"]["PowerState"] == "On"
        return None if on else error(409, "ChassisPowerStateOnRequired")

    async with running_bmc(Bmc(resources=modern(system("1", "Off")))) as bmc:
        bmc.front["PATCH", METRICS] = only_when_on
        heater = make_heater(bmc.url)
        await heater.apply(Command(on=True, power_limit_w=400))
        assert commands(bmc) == [cap(400), ("reset", "On"), cap(400)]
        assert (await heater.read()).power_limit_w == 400


@pytest.mark.parametrize("power", ["On", "Off"])
async def test_refused_cap_does_not_stop_a_shutdown(
    power: str, make_heater: MakeHeater
) -> None:
    async def refuse(_: web.Request) -> web.StreamResponse:
        return error(403, "InsufficientPrivilege", "License required.")

    async with running_bmc(Bmc(resources=modern(system("1", power)))) as bmc:
        bmc.front["PATCH", METRICS] = refuse
        heater = make_heater(bmc.url)
        if power == "On":
            with pytest.raises(HeaterRefusedError, match="License required"):
                await heater.apply(Command(on=False))
        await heater.apply(Command(on=False))
        assert bmc.resources[f"{ROOT}/Systems/1"]["PowerState"] == "Off"


async def test_broken_cap_resource_does_not_stop_a_shutdown(
    make_heater: MakeHeater,
) -> None:
    async def broken(_: web.Request) -> web.StreamResponse:
        return web.Response(status=500)

    async with running_bmc(Bmc(resources=modern())) as bmc:
        heater = make_heater(bmc.url)
        await heater.connect()
        bmc.front["GET", METRICS] = broken
        with pytest.raises(HeaterProtocolError):
            await heater.apply(Command(on=False))
        assert commands(bmc) == [("reset", "GracefulShutdown")]


async def test_task_that_never_ends_or_is_forgotten(
    make_heater: MakeHeater, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def monitor(_: web.Request) -> web.StreamResponse:
        return web.Response(status=202)

    async def start_without_location(_: web.Request) -> web.StreamResponse:
        return web.Response(status=202)

    monkeypatch.setattr(redfish_modules, "TASK_S", 0.3)
    async with running_bmc(Bmc(resources=modern(system("1", "Off")))) as bmc:
        bmc.front["POST", RESET] = start_task
        bmc.front["GET", TASK] = monitor
        heater = make_heater(bmc.url)
        await heater.apply(Command(on=True))
        reading = await heater.read()
        assert (reading.is_on, reading.is_changing) == (True, True)

        for handler in (start_task, start_without_location):
            bmc.front = {("POST", RESET): handler}
            await make_heater(bmc.url).apply(Command(on=True))


async def test_shutdown_that_hangs_is_cut_off(
    make_heater: MakeHeater, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def deaf(_: web.Request) -> web.StreamResponse:
        return web.Response(status=204)

    async with running_bmc(Bmc(resources=modern())) as bmc:
        bmc.front["POST", RESET] = deaf
        heater = make_heater(bmc.url, shutdown_s=0.3)
        await heater.apply(Command(on=False))
        await heater.apply(Command(on=False))
        reading = await heater.read()
        assert (reading.is_on, reading.is_changing) == (True, True)
        assert commands(bmc) == [cap(300), ("reset", "GracefulShutdown")]
        await asyncio.sleep(0.35)
        await heater.apply(Command(on=False))
        assert commands(bmc)[2:] == [("reset", "ForceOff")]
        await asyncio.sleep(0.35)
        with pytest.raises(HeaterRefusedError, match="Node 1: does not power off"):
            await heater.apply(Command(on=False))
        bmc.front.clear()
        await asyncio.sleep(0.35)
        with pytest.raises(HeaterRefusedError):  # reported once more, but it works now
            await heater.apply(Command(on=False))
        assert (await heater.read()).is_on is False
        await heater.apply(Command(on=False))


async def test_shutdown_by_somebody_else_gets_its_time(make_heater: MakeHeater) -> None:
    async with running_bmc(Bmc(resources=modern(system("1", "PoweringOff")))) as bmc:
        heater = make_heater(bmc.url, shutdown_s=0.2)
        await heater.apply(Command(on=False))
        assert commands(bmc) == [cap(300)]
        reading = await heater.read()
        assert (reading.is_on, reading.is_changing) == (False, True)
        await asyncio.sleep(0.25)
        await heater.apply(Command(on=False))
        assert commands(bmc)[1:] == [("reset", "ForceOff")]


async def test_shutdown_that_never_happened_is_forgotten(
    make_heater: MakeHeater,
) -> None:
    async def deaf(_: web.Request) -> web.StreamResponse:
        return web.Response(status=204)

    async with running_bmc(Bmc(resources=modern())) as bmc:
        bmc.front["POST", RESET] = deaf
        heater = make_heater(bmc.url, shutdown_s=0.1)
        await heater.apply(Command(on=False))
        await asyncio.sleep(0.15)
        await heater.apply(Command(on=True))
        await heater.apply(Command(on=False))
        resets = [what for kind, what in commands(bmc) if kind == "reset"]
        assert resets == ["GracefulShutdown", "GracefulShutdown"], (
            "not cut off unwarned"
        )


async def test_module_that_does_not_start(
    make_heater: MakeHeater, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def deaf(_: web.Request) -> web.StreamResponse:
        return web.Response(status=204)

    monkeypatch.setattr(redfish_modules, "START_S", 0.2)
    async with running_bmc(Bmc(resources=modern(system("1", "Off")))) as bmc:
        bmc.front["POST", RESET] = deaf
        heater = make_heater(bmc.url)
        await heater.apply(Command(on=True))
        await heater.apply(Command(on=True))
        assert commands(bmc) == [("reset", "On")]
        assert (await heater.read()).is_on is True, "it was told to start"
        await asyncio.sleep(0.25)
        assert (await heater.read()).is_on is False
        with pytest.raises(HeaterRefusedError, match="Node 1: has not started"):
            await heater.apply(Command(on=True))
        assert commands(bmc) == [("reset", "On")] * 2


async def test_one_module_refuses_the_others_start(make_heater: MakeHeater) -> None:
    async def refuse(_: web.Request) -> web.StreamResponse:
        return error(409, "ResourceInUse", "Lid open.")

    bmc = Bmc(resources=modern(system("1", "Off"), system("2", "Off")))
    bmc.resources[METRICS]["PowerLimitWatts"].update(
        SetPoint=300, ControlMode="Automatic"
    )
    bmc.front["POST", RESET] = refuse
    async with running_bmc(bmc):
        with pytest.raises(HeaterRefusedError, match="Node 1: Lid open"):
            await make_heater(bmc.url).apply(Command(on=True, power_limit_w=900))
    assert bmc.resources[f"{ROOT}/Systems/2"]["PowerState"] == "On"
    assert commands(bmc)[-1] == cap(900)


async def test_only_reset_types_that_are_offered(make_heater: MakeHeater) -> None:
    actions = {
        "#ComputerSystem.Reset": {
            "target": f"{RESET}",
            "ResetType@Redfish.AllowableValues": ["ForceOn", "ForceOff"],
        }
    }
    bmc = Bmc(resources=modern(system("1", Actions=actions)))
    async with running_bmc(bmc):
        heater = make_heater(bmc.url)
        _, capabilities = await heater.connect()
        assert capabilities.can_switch
        await heater.apply(Command(on=False))
        await heater.apply(Command(on=True))
    assert [what for kind, what in commands(bmc) if kind == "reset"] == [
        "ForceOff",
        "ForceOn",
    ]


async def test_reset_types_from_the_action_info(make_heater: MakeHeater) -> None:
    info = f"{ROOT}/Systems/1/ResetActionInfo"
    actions = {"#ComputerSystem.Reset": {"target": RESET, "@Redfish.ActionInfo": info}}
    bmc = Bmc(resources=modern(system("1", Actions=actions)))
    bmc.resources[info] = {
        "Parameters": [
            {"Name": "Other"},
            {"Name": "ResetType", "AllowableValues": ["On", "GracefulShutdown"]},
        ]
    }
    async with running_bmc(bmc):
        heater = make_heater(bmc.url)
        _, capabilities = await heater.connect()
        assert capabilities.can_switch
        await heater.apply(Command(on=False))
    assert commands(bmc)[-1] == ("reset", "GracefulShutdown")


@pytest.mark.parametrize("actions", [{}, {"#ComputerSystem.Reset": {"target": RESET}}])
async def test_heater_that_cannot_be_switched(
    actions: Json, make_heater: MakeHeater
) -> None:
    async with running_bmc(Bmc(resources=modern(system("1", Actions=actions)))) as bmc:
        heater = make_heater(bmc.url)
        _, capabilities = await heater.connect()
        assert not capabilities.can_switch
        with pytest.raises(HeaterRefusedError, match="cannot be switched"):
            await heater.apply(Command(on=False))
        assert commands(bmc) == [cap(300)], "the power is lowered as far as it goes"


async def test_heater_without_systems(make_heater: MakeHeater) -> None:
    bmc = Bmc(resources=modern())
    bmc.resources[f"{ROOT}/Systems"]["Members"] = []
    async with running_bmc(bmc):
        heater = make_heater(bmc.url)
        await heater.apply(Command(on=True, power_limit_w=500))
        with pytest.raises(HeaterRefusedError, match="cannot be powered down"):
            await heater.apply(Command(on=False))
    assert commands(bmc) == [cap(500), cap(300)]


async def test_heater_without_cap(make_heater: MakeHeater) -> None:
    async with running_bmc(Bmc(resources=service([system("1", "Off")], {}))) as bmc:
        heater = make_heater(bmc.url)
        _, capabilities = await heater.connect()
        assert not capabilities.can_cap
        with pytest.raises(HeaterRefusedError, match="no power cap"):
            await heater.apply(Command(on=True, power_limit_w=500))
        await heater.apply(Command(on=True))
        await heater.apply(Command(on=False))
        assert [what for _, what in commands(bmc)] == ["On", "GracefulShutdown"]

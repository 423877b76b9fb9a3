"""Services that are slow, restart, lose a part or break off in the middle."""

import asyncio

from aiohttp import web
import pytest

from custom_components.compute_heater.heaters import redfish, redfish_client
from custom_components.compute_heater.heaters.model import (
    Command,
    HeaterBusyError,
    HeaterConnectionError,
    HeaterRefusedError,
    Reading,
)
from custom_components.compute_heater.heaters.redfish_reading import Part, in_order

from .bmc import METRICS, ROOT, Bmc, Handler, modern, running_bmc, system
from .commands import TASK, cap, commands, start_task
from .conftest import MakeHeater
from .shapes import CHASSIS, HEAT_METER, UNIT, full


async def half_json(_: web.Request) -> web.StreamResponse:
    return web.Response(
        text='{"PowerWatts": {"Reading": 8', content_type="application/json"
    )


async def cut_short(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "500"})
    await response.prepare(request)
    await response.write(b'{"PowerWatts": {"Reading": 8')
    assert request.transport is not None
    request.transport.close()
    return response


async def hang_up(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.close()
    return web.Response()


@pytest.mark.parametrize("broken", [half_json, cut_short, hang_up])
async def test_answer_that_breaks_off_costs_its_own_values_only(
    broken: Handler, make_heater: MakeHeater
) -> None:
    async with running_bmc(Bmc(resources=full())) as bmc:
        heater = make_heater(bmc.url)
        before = await heater.read()
        bmc.front["GET", METRICS] = broken
        after = await heater.read()
        assert (after.power_w, after.power_limit_w) == (None, None)
        assert (after.supply_c, after.modules_on) == (before.supply_c, 1)
        bmc.front.clear()
        assert await heater.read() == before


async def test_chassis_goes_and_comes_back(
    make_heater: MakeHeater, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redfish, "LOOK_AGAIN_S", 0.0)
    async with running_bmc(Bmc(resources=full())) as bmc:
        heater = make_heater(bmc.url)
        before = await heater.read()
        chassis = bmc.resources.pop(CHASSIS)
        metrics = bmc.resources.pop(METRICS)
        reading = before
        for _ in range(2):
            reading = await heater.read()
        assert reading.power_w is None
        assert (reading.supply_c, reading.modules_on) == (45.25, 1)
        bmc.resources[CHASSIS], bmc.resources[METRICS] = chassis, metrics
        assert await heater.read() == before
        await heater.apply(Command(on=True, power_limit_w=500))
        assert cap(500) in commands(bmc)


async def test_what_is_gone_is_looked_for_more_and_more_seldom(
    make_heater: MakeHeater, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_bmc(Bmc(resources=full())) as bmc:
        heater = make_heater(bmc.url)
        await heater.read()
        del bmc.resources[CHASSIS]
        for _ in range(3):
            await heater.read()
        bmc.seen.clear()
        await heater.read()
        assert not [one for one in bmc.seen if one.path == f"{ROOT}/"]


async def test_session_that_ends_in_the_middle(make_heater: MakeHeater) -> None:
    ended = False

    async def end(_: web.Request) -> web.StreamResponse | None:
        nonlocal ended
        if not ended:
            ended = True
            bmc.tokens.clear()
        return None

    async with running_bmc(Bmc(resources=full())) as bmc:
        heater = make_heater(bmc.url)
        before = await heater.read()
        bmc.front["GET", f"{UNIT}/Primary/1"] = end
        assert await heater.read() == before
        assert ended
        assert bmc.logins == 2

        ended = False
        bmc.front = {("PATCH", METRICS): end}
        await heater.apply(Command(on=True, power_limit_w=400))
        assert commands(bmc).count(cap(400)) == 2, "refused once, sent again"
        assert bmc.logins == 3


async def test_service_that_asks_for_rest_gets_it(
    make_heater: MakeHeater, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def restarting(_: web.Request) -> web.StreamResponse:
        return web.Response(status=503, headers={"Retry-After": "120"})

    async with running_bmc(Bmc(resources=modern())) as bmc:
        heater = make_heater(bmc.url)
        await heater.connect()
        bmc.front = {("GET", path): restarting for path in bmc.resources}
        with pytest.raises(HeaterBusyError) as busy:
            await heater.read()
        assert 115 < busy.value.retry_after_s <= 120
        bmc.seen.clear()
        with pytest.raises(HeaterBusyError):
            await heater.read()
        assert len(bmc.seen) <= 2, "no more than what had not been told to wait"
        bmc.front.clear()
        monkeypatch.setattr(redfish_client, "LONGEST_QUIET_S", 0.0)
        heater = make_heater(bmc.url)
        assert (await heater.read()).power_w == 812.5


async def test_one_busy_resource_leaves_the_others(make_heater: MakeHeater) -> None:
    async def busy(_: web.Request) -> web.StreamResponse:
        return web.Response(status=503, headers={"Retry-After": "60"})

    async with running_bmc(Bmc(resources=full())) as bmc:
        heater = make_heater(bmc.url)
        await heater.connect()
        bmc.front["GET", HEAT_METER] = busy
        for _ in range(2):
            reading = await heater.read()
            assert (reading.heat_kwh, reading.power_w) == (None, 812.5)
        assert len(bmc.requests("GET", HEAT_METER)) == 2, "at set-up, and once busy"
        await heater.apply(Command(on=True, power_limit_w=400))


async def test_rest_is_over_some_time(
    make_heater: MakeHeater, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def busy(_: web.Request) -> web.StreamResponse:
        return web.Response(status=503, headers={"Retry-After": "60"})

    monkeypatch.setattr(redfish_client, "LONGEST_QUIET_S", 0.2)
    async with running_bmc(Bmc(resources=modern())) as bmc:
        heater = make_heater(bmc.url)
        await heater.connect()
        bmc.front["GET", METRICS] = busy
        assert (await heater.read()).power_w is None
        bmc.front.clear()
        await asyncio.sleep(0.25)
        assert (await heater.read()).power_w == 812.5


async def test_too_slow_for_everything_shows_everything_in_turn(
    make_heater: MakeHeater, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slow(_: web.Request) -> web.StreamResponse | None:
        await asyncio.sleep(0.3)
        return None

    monkeypatch.setattr(redfish, "READ_S", 1.0)
    async with running_bmc(Bmc(resources=full())) as bmc:
        heater = make_heater(bmc.url)
        await heater.connect()
        bmc.front = {("GET", path): slow for path in bmc.resources}
        readings = [await heater.read() for _ in range(3)]
        assert all(reading.power_w == 812.5 for reading in readings)
        assert any(reading.supply_c is None for reading in readings) or any(
            reading.heat_kwh is None for reading in readings
        ), "there is no time for all of it"
        for field in ("supply_c", "modules_on", "heat_kwh", "throttled"):
            assert any(getattr(each, field) is not None for each in readings), field


def test_what_was_late_comes_before_the_rest() -> None:
    wanted = {None, Part.ENVIRONMENT, Part.HOUSE, Part.CHASSIS, Part.HEAT_METER}
    usual = in_order(wanted, ())
    assert usual[0] is Part.ENVIRONMENT
    assert in_order(wanted, {Part.HEAT_METER, Part.CHASSIS}) == [
        Part.ENVIRONMENT,
        Part.CHASSIS,
        Part.HEAT_METER,
        Part.HOUSE,
        None,
    ]
    assert set(usual) == wanted


async def test_slow_set_up_asks_side_by_side(make_heater: MakeHeater) -> None:
    running = most = 0

    async def slow(_: web.Request) -> web.StreamResponse | None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.02)
        running -= 1
        return None

    bmc = Bmc(resources=full())
    bmc.front = {("GET", path): slow for path in bmc.resources}
    async with running_bmc(bmc):
        await make_heater(bmc.url).connect()
    assert most == 2


async def test_bmc_that_restarts_under_a_command(make_heater: MakeHeater) -> None:
    """It forgets sessions and tasks, and answers nothing for a while."""
    async with running_bmc(Bmc(resources=modern(system("1")))) as bmc:
        heater = make_heater(bmc.url)
        await heater.connect()
        bmc.front["PATCH", METRICS] = hang_up
        with pytest.raises(HeaterConnectionError):
            await heater.apply(Command(on=True, power_limit_w=400))
        bmc.tokens.clear()
        bmc.front.clear()
        await heater.apply(Command(on=True, power_limit_w=400))
        assert (await heater.read()).power_limit_w == 400


@pytest.mark.parametrize(
    ("end", "refused"),
    [
        ("Completed", None),
        ("Exception", "Capping is off"),
        ("Killed", "Capping is off"),
    ],
)
async def test_task_monitor_to_its_end(
    end: str, refused: str | None, make_heater: MakeHeater
) -> None:
    looks = 0

    async def monitor(_: web.Request) -> web.StreamResponse:
        nonlocal looks
        looks += 1
        if looks < 3:
            body = {"TaskState": "Running", "PercentComplete": 30 * looks}
            return web.json_response(body, status=202, headers={"Retry-After": "0"})
        if refused is None:
            limit = bmc.resources[METRICS]["PowerLimitWatts"]
            limit.update(SetPoint=500, ControlMode="Automatic")
        message = {"Message": "Capping is off."}
        return web.json_response({"TaskState": end, "Messages": [message]})

    async with running_bmc(Bmc(resources=modern())) as bmc:
        bmc.front = {("PATCH", METRICS): start_task, ("GET", TASK): monitor}
        heater = make_heater(bmc.url)
        if refused is None:
            await heater.apply(Command(on=True, power_limit_w=500))
        else:
            with pytest.raises(HeaterRefusedError, match=refused):
                await heater.apply(Command(on=True, power_limit_w=500))
    assert looks == 3


def test_fields_of_a_reading_are_unknown_by_default() -> None:
    ours = Reading()
    assert {getattr(ours, name) for name in Reading.__slots__} == {None, False}

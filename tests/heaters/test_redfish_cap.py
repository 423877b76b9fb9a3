"""The power cap of a Redfish heater: set, read back, refused, precondition, task."""

import asyncio
from typing import Any

from aiohttp import web
import pytest

from custom_components.compute_heater.heaters import (
    redfish,
    redfish_cap,
    redfish_client,
)
from custom_components.compute_heater.heaters.model import (
    Command,
    HeaterConnectionError,
    HeaterProtocolError,
    HeaterRefusedError,
)

from .bmc import METRICS, ROOT, Bmc, Json, error, modern, running_bmc, system
from .commands import TASK, cap, commands, start_task
from .conftest import MakeHeater

CONTROL = f"{ROOT}/Chassis/1/Controls/PowerLimit"


@pytest.fixture(autouse=True)
def quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redfish_cap, "READ_BACK_S", (0.0, 0.02, 0.05))


async def test_cap_is_set_with_its_mode_and_only_once(make_heater: MakeHeater) -> None:
    async with running_bmc(Bmc(resources=modern())) as bmc:
        heater = make_heater(bmc.url)
        assert (await heater.read()).power_limit_w is None
        await heater.apply(Command(on=True, power_limit_w=450.04))
        assert (await heater.read()).power_limit_w == 450
        await heater.apply(Command(on=True, power_limit_w=450.3))
        assert commands(bmc) == [cap(450)]
        assert heater.writes == 1
        await heater.apply(Command(on=True, power_limit_w=451.26))
        assert commands(bmc)[1:] == [cap(451.3)]


async def test_cap_is_lifted(make_heater: MakeHeater) -> None:
    async with running_bmc(Bmc(resources=modern())) as bmc:
        heater = make_heater(bmc.url)
        await heater.apply(Command(on=True))
        assert not commands(bmc), "it was not capped"
        await heater.apply(Command(on=True, power_limit_w=400))
        await heater.apply(Command(on=True))
        await heater.apply(Command(on=True))
        assert commands(bmc) == [cap(400), cap(1000, "Disabled")]
        assert (await heater.read()).power_limit_w is None


async def test_cap_at_the_maximum_holds_nothing_back(make_heater: MakeHeater) -> None:
    bmc = Bmc(resources=modern())
    bmc.resources[METRICS]["PowerLimitWatts"].update(
        SetPoint=1000, ControlMode="Automatic"
    )
    async with running_bmc(bmc):
        await make_heater(bmc.url).apply(Command(on=True))
    assert not commands(bmc)


@pytest.mark.parametrize("watts", [299, 1001, -5, 0, float("nan"), float("inf")])
async def test_cap_out_of_range_sends_nothing(
    watts: float, make_heater: MakeHeater
) -> None:
    async with running_bmc(Bmc(resources=modern(system("1", "Off")))) as bmc:
        with pytest.raises(HeaterRefusedError, match="300 W to 1000 W"):
            await make_heater(bmc.url).apply(Command(on=True, power_limit_w=watts))
    assert not commands(bmc)


@pytest.mark.parametrize("becomes", [600, 990])
async def test_cap_that_the_device_changes(
    becomes: float, make_heater: MakeHeater
) -> None:
    async def its_own_idea(_: web.Request) -> web.StreamResponse:
        limit = bmc.resources[METRICS]["PowerLimitWatts"]
        limit.update(SetPoint=becomes, ControlMode="Automatic")
        return web.json_response(
            {
                "@Message.ExtendedInfo": [
                    {"MessageId": "Base.1.18.Success", "Severity": "OK"}
                ]
            }
        )

    async with running_bmc(Bmc(resources=modern())) as bmc:
        bmc.front["PATCH", METRICS] = its_own_idea
        with pytest.raises(
            HeaterRefusedError, match=rf"cap of 500 W.* has {becomes} W"
        ):
            await make_heater(bmc.url).apply(Command(on=True, power_limit_w=500))


async def test_cap_that_the_device_ignores(make_heater: MakeHeater) -> None:
    async def nod(_: web.Request) -> web.StreamResponse:
        return web.Response(status=200)

    async with running_bmc(Bmc(resources=modern())) as bmc:
        bmc.front["PATCH", METRICS] = nod
        with pytest.raises(HeaterRefusedError, match="has none"):
            await make_heater(bmc.url).apply(Command(on=True, power_limit_w=500))
    assert len(commands(bmc)) == 1


async def test_cap_that_takes_a_moment(make_heater: MakeHeater) -> None:
    tasks = []

    async def later(request: web.Request) -> web.StreamResponse:
        body = await request.json()

        async def settle() -> None:
            await asyncio.sleep(0.03)
            bmc.merge(METRICS, body)

        tasks.append(asyncio.create_task(settle()))
        return web.Response(status=204)

    async with running_bmc(Bmc(resources=modern())) as bmc:
        bmc.front["PATCH", METRICS] = later
        await make_heater(bmc.url).apply(Command(on=True, power_limit_w=500))
        await asyncio.gather(*tasks)


@pytest.mark.parametrize("place", ["header", "body"])
async def test_task_is_followed(
    place: str, make_heater: MakeHeater, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0

    changes: list[Json] = []

    async def start(request: web.Request) -> web.StreamResponse:
        changes.append(await request.json())
        if place == "body":
            return web.json_response(
                {"@odata.id": TASK, "TaskState": "New"}, status=202
            )
        headers = {"Location": f"{bmc.url}{TASK}", "Retry-After": "0.02"}
        return web.Response(status=202, headers=headers)

    async def monitor(_: web.Request) -> web.StreamResponse:
        nonlocal asked
        asked += 1
        if asked < 3:
            status = 202 if place == "header" else 200
            return web.json_response({"TaskState": "Running"}, status=status)
        bmc.merge(METRICS, changes[0])
        return web.json_response({"TaskState": "Completed"})

    monkeypatch.setattr(redfish_client, "TASK_POLL_S", 0.02)
    async with running_bmc(Bmc(resources=modern())) as bmc:
        bmc.front["PATCH", METRICS] = start
        bmc.front["GET", TASK] = monitor
        await make_heater(bmc.url).apply(Command(on=True, power_limit_w=500))
    assert asked == 3


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (
            web.json_response,
            {"TaskState": "Exception", "Messages": [{"Message": "No licence."}]},
        ),
        (lambda _: error(400, "PropertyValueOutOfRange", "No licence."), None),
    ],
)
async def test_task_that_fails(
    outcome: Any, expected: Any, make_heater: MakeHeater
) -> None:
    async def monitor(_: web.Request) -> web.StreamResponse:
        return outcome(expected)  # type: ignore[no-any-return]

    async with running_bmc(Bmc(resources=modern())) as bmc:
        bmc.front["PATCH", METRICS] = start_task
        bmc.front["GET", TASK] = monitor
        with pytest.raises(HeaterRefusedError, match=r"No licence\."):
            await make_heater(bmc.url).apply(Command(on=True, power_limit_w=500))


async def test_read_only_excerpt_leads_to_its_control(make_heater: MakeHeater) -> None:
    async def read_only(_: web.Request) -> web.StreamResponse:
        return error(400, "PropertyNotWritable")

    bmc = Bmc(resources=modern())
    bmc.resources[METRICS]["PowerLimitWatts"] = {
        "SetPoint": 800,
        "DataSourceUri": CONTROL,
    }
    bmc.resources[CONTROL] = {
        "@odata.id": CONTROL,
        "ControlType": "Power",
        "SetPoint": 800,
        "SetPointUnits": "W",
        "AllowableMin": 250,
        "AllowableMax": 900,
    }
    bmc.front["PATCH", METRICS] = read_only
    async with running_bmc(bmc):
        heater = make_heater(bmc.url)
        _, capabilities = await heater.connect()
        assert (capabilities.floor_w, capabilities.max_w) == (250, 900)
        assert (await heater.read()).power_limit_w == 800
        with pytest.raises(HeaterRefusedError, match="250 W to 900 W"):
            await heater.apply(Command(on=True, power_limit_w=240))
        await heater.apply(Command(on=True, power_limit_w=400))
        assert (await heater.read()).power_limit_w == 400
        await heater.apply(Command(on=True, power_limit_w=500))
    assert [(one.path, one.body) for one in bmc.requests("PATCH")] == [
        (METRICS, {"PowerLimitWatts": {"SetPoint": 400}}),
        (CONTROL, {"SetPoint": 400}),
        (CONTROL, {"SetPoint": 500}),
    ]


async def test_cap_that_disappears(make_heater: MakeHeater) -> None:
    async with running_bmc(Bmc(resources=modern())) as bmc:
        heater = make_heater(bmc.url)
        await heater.connect()
        del bmc.resources[METRICS]["PowerLimitWatts"]
        with pytest.raises(HeaterRefusedError, match="no power cap any more"):
            await heater.apply(Command(on=True, power_limit_w=500))


@pytest.mark.parametrize(
    ("status", "expected"), [(500, HeaterProtocolError), (501, HeaterRefusedError)]
)
async def test_server_errors(
    status: int, expected: type[Exception], make_heater: MakeHeater
) -> None:
    async def fail(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, text="<html>oops</html>")

    async with running_bmc(Bmc(resources=modern())) as bmc:
        bmc.front["PATCH", METRICS] = fail
        with pytest.raises(expected, match=str(status)):
            await make_heater(bmc.url).apply(Command(on=True, power_limit_w=500))


async def test_messages_of_one_property(make_heater: MakeHeater) -> None:
    async def refuse(_: web.Request) -> web.StreamResponse:
        info = [
            {"MessageId": "Base.1.18.PropertyValueOutOfRange", "Severity": "Warning"}
        ]
        return web.json_response({"SetPoint@Message.ExtendedInfo": info}, status=400)

    async with running_bmc(Bmc(resources=modern())) as bmc:
        bmc.front["PATCH", METRICS] = refuse
        with pytest.raises(HeaterRefusedError, match="PropertyValueOutOfRange"):
            await make_heater(bmc.url).apply(Command(on=True, power_limit_w=500))


async def test_commands_have_a_deadline(
    make_heater: MakeHeater, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = asyncio.Event()

    async def hang(_: web.Request) -> web.StreamResponse:
        await released.wait()
        return web.Response(status=204)

    monkeypatch.setattr(redfish, "APPLY_S", 0.3)
    async with running_bmc(Bmc(resources=modern())) as bmc:
        heater = make_heater(bmc.url)
        await heater.connect()
        bmc.front["PATCH", METRICS] = hang
        with pytest.raises(HeaterConnectionError, match=r"0\.3 s"):
            await heater.apply(Command(on=True, power_limit_w=500))
        bmc.front.clear()
        released.set()
        await heater.apply(Command(on=True, power_limit_w=500))
        assert (await heater.read()).power_limit_w == 500


async def test_stale_etag_is_fetched_again(make_heater: MakeHeater) -> None:
    storms = 1

    async def changed(_: web.Request) -> web.StreamResponse | None:
        nonlocal storms
        storms -= 1
        if storms >= 0:
            bmc.version += 1
        return None

    async with running_bmc(Bmc(resources=modern(), needs_match=True)) as bmc:
        heater = make_heater(bmc.url)
        await heater.connect()
        bmc.front["PATCH", METRICS] = changed
        await heater.apply(Command(on=True, power_limit_w=500))
    tags = [one.headers["If-Match"] for one in bmc.requests("PATCH")]
    assert tags == ['"0"', '"1"']
    assert heater.writes == 2


async def test_etag_that_changes_with_every_reading(make_heater: MakeHeater) -> None:
    async def changed(_: web.Request) -> web.StreamResponse | None:
        bmc.version += 1
        return None

    async with running_bmc(Bmc(resources=modern(), needs_match=True)) as bmc:
        heater = make_heater(bmc.url)
        await heater.connect()
        bmc.front["PATCH", METRICS] = changed
        await heater.apply(Command(on=True, power_limit_w=500))
    assert [one.headers["If-Match"] for one in bmc.requests("PATCH")][-1] == "*"
    assert len(bmc.requests("PATCH")) == 3


async def test_etag_required_but_never_shown(make_heater: MakeHeater) -> None:
    async def without_tag(_: web.Request) -> web.StreamResponse:
        return web.json_response(bmc.resources[METRICS])

    async with running_bmc(Bmc(resources=modern(), needs_match=True)) as bmc:
        bmc.front["GET", METRICS] = without_tag
        await make_heater(bmc.url).apply(Command(on=True, power_limit_w=500))
    assert [one.headers.get("If-Match") for one in bmc.requests("PATCH")] == [None, "*"]


async def test_412_to_the_end(make_heater: MakeHeater) -> None:
    async def never(_: web.Request) -> web.StreamResponse:
        return error(412, "PreconditionFailed", "Try later.")

    async with running_bmc(Bmc(resources=modern())) as bmc:
        bmc.front["PATCH", METRICS] = never
        with pytest.raises(HeaterRefusedError, match=r"Try later\."):
            await make_heater(bmc.url).apply(Command(on=True, power_limit_w=500))
    assert len(bmc.requests("PATCH")) == 3

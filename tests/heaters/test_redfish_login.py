"""Sessions, Basic and refused credentials."""

import asyncio
import logging

from aiohttp import web
import pytest

from custom_components.compute_heater.heaters import redfish_login
from custom_components.compute_heater.heaters.model import (
    Command,
    HeaterAuthError,
    HeaterConnectionError,
    HeaterError,
    HeaterProtocolError,
)

from .bmc import METRICS, PASSWORD, ROOT, Bmc, error, modern, running_bmc
from .conftest import MakeHeater


@pytest.mark.parametrize("sessions", [True, False])
async def test_wrong_password(sessions: bool, make_heater: MakeHeater) -> None:
    bmc = Bmc(resources=modern(), sessions=sessions)
    async with running_bmc(bmc):
        heater = make_heater(bmc.url, password="wrong")
        with pytest.raises(HeaterAuthError):
            await heater.connect()
        asked = len(bmc.seen)
        with pytest.raises(HeaterAuthError):
            await heater.read()
    assert not [one for one in bmc.seen[asked:] if one.path != f"{ROOT}/"], (
        "a refused password is not tried again at once"
    )


async def test_login_that_is_refused_with_400(make_heater: MakeHeater) -> None:
    async def refuse(_: web.Request) -> web.StreamResponse:
        return error(400, "UnauthorizedLoginAttempt", "Denied.")

    sessions = f"{ROOT}/SessionService/Sessions"
    bmc = Bmc(resources=modern(), front={("POST", sessions): refuse})
    async with running_bmc(bmc):
        with pytest.raises(HeaterAuthError, match=r"Denied\."):
            await make_heater(bmc.url).connect()


@pytest.mark.parametrize(
    ("status", "message_id", "expected"),
    [
        (400, "PropertyMissing", HeaterProtocolError),
        (500, "InternalError", HeaterProtocolError),
        (503, "ServiceTemporarilyUnavailable", HeaterConnectionError),
    ],
)
async def test_login_that_fails(
    status: int, message_id: str, expected: type[HeaterError], make_heater: MakeHeater
) -> None:
    async def refuse(_: web.Request) -> web.StreamResponse:
        return error(status, message_id)

    sessions = f"{ROOT}/SessionService/Sessions"
    bmc = Bmc(resources=modern(), front={("POST", sessions): refuse})
    async with running_bmc(bmc):
        with pytest.raises(expected):
            await make_heater(bmc.url).connect()


async def test_login_without_token(make_heater: MakeHeater) -> None:
    async def no_token(_: web.Request) -> web.StreamResponse:
        return web.Response(status=201)

    sessions = f"{ROOT}/SessionService/Sessions"
    bmc = Bmc(resources=modern(), front={("POST", sessions): no_token})
    async with running_bmc(bmc):
        with pytest.raises(HeaterProtocolError):
            await make_heater(bmc.url).connect()


@pytest.mark.parametrize("status", [404, 405, 501])
async def test_basic_where_there_are_no_sessions(
    status: int, make_heater: MakeHeater
) -> None:
    async def refuse(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status)

    sessions = f"{ROOT}/SessionService/Sessions"
    bmc = Bmc(resources=modern(), front={("POST", sessions): refuse})
    async with running_bmc(bmc):
        heater = make_heater(bmc.url)
        await heater.connect()
        assert (await heater.read()).power_w == 812.5
        await heater.close()
    assert len(bmc.requests("POST")) == 1
    assert not bmc.requests("DELETE")


async def test_basic_when_all_sessions_are_taken(make_heater: MakeHeater) -> None:
    async def refuse(_: web.Request) -> web.StreamResponse:
        return error(503, "SessionLimitExceeded")

    sessions = f"{ROOT}/SessionService/Sessions"
    bmc = Bmc(resources=modern(), front={("POST", sessions): refuse})
    async with running_bmc(bmc):
        assert (await make_heater(bmc.url).read()).power_w == 812.5


async def test_root_behind_a_login(make_heater: MakeHeater) -> None:
    async def locked(request: web.Request) -> web.StreamResponse | None:
        return (
            None if "X-Auth-Token" in request.headers else error(401, "NoValidSession")
        )

    bmc = Bmc(resources=modern(), front={("GET", f"{ROOT}/"): locked})
    async with running_bmc(bmc):
        identity, _ = await make_heater(bmc.url).connect()
    assert identity.uuid == "92384634-2938-2342-8820-489239905423"


async def test_one_session_logged_out_at_the_end(make_heater: MakeHeater) -> None:
    async with running_bmc(Bmc(resources=modern())) as bmc:
        heater = make_heater(bmc.url)
        await heater.connect()
        await heater.read()
        await heater.apply(Command(on=True, power_limit_w=500))
        assert bmc.logins == 1
        assert bmc.tokens
        await heater.close()
        assert not bmc.tokens, "the session is given back"
        with pytest.raises(HeaterConnectionError):
            await heater.read()
        await heater.close()
        assert bmc.logins == 1


async def test_expired_session_is_renewed_once(make_heater: MakeHeater) -> None:
    async with running_bmc(Bmc(resources=modern())) as bmc:
        heater = make_heater(bmc.url)
        await heater.read()
        bmc.tokens.clear()
        assert (await heater.read()).power_w == 812.5
        assert bmc.logins == 2, "requests side by side share the new session"
        bmc.tokens.clear()
        await heater.apply(Command(on=True, power_limit_w=600))
        assert bmc.resources[METRICS]["PowerLimitWatts"]["SetPoint"] == 600


async def test_password_changed_behind_our_back(make_heater: MakeHeater) -> None:
    async def refuse(_: web.Request) -> web.StreamResponse:
        return error(401, "ResourceAtUriUnauthorized", "Wrong now.")

    async with running_bmc(Bmc(resources=modern())) as bmc:
        heater = make_heater(bmc.url)
        await heater.read()
        bmc.tokens.clear()
        bmc.front["POST", f"{ROOT}/SessionService/Sessions"] = refuse
        with pytest.raises(HeaterAuthError, match="Wrong now"):
            await heater.read()


async def test_token_that_is_never_accepted(make_heater: MakeHeater) -> None:
    async def refuse(_: web.Request) -> web.StreamResponse:
        return error(401, "NoValidSession")

    bmc = Bmc(resources=modern(), front={("GET", f"{ROOT}/Systems"): refuse})
    async with running_bmc(bmc):
        with pytest.raises(HeaterAuthError):
            await make_heater(bmc.url).connect()
    assert bmc.logins == 2


async def test_hanging_logout_is_bounded(
    make_heater: MakeHeater, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redfish_login, "LOGOUT_S", 0.2)
    blocked = asyncio.Event()

    async def hang(_: web.Request) -> web.StreamResponse:
        await blocked.wait()
        return web.Response(status=204)

    async with running_bmc(Bmc(resources=modern())) as bmc:
        heater = make_heater(bmc.url)
        await heater.read()
        bmc.front["DELETE", f"{ROOT}/SessionService/Sessions/1"] = hang
        await heater.close()
        blocked.set()
        assert bmc.requests("DELETE")


async def test_no_secret_is_logged(
    make_heater: MakeHeater, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    async def broken(_: web.Request) -> web.StreamResponse:
        return web.Response(text="}{", content_type="application/json")

    async with running_bmc(Bmc(resources=modern())) as bmc:
        heater = make_heater(bmc.url)
        await heater.read()
        bmc.front["GET", METRICS] = broken
        await heater.read()
        bmc.tokens.clear()
        bmc.front["DELETE", f"{ROOT}/SessionService/Sessions/1"] = broken
        await heater.close()
        wrong = make_heater(bmc.url, password="mistyped secret")
        with pytest.raises(HeaterAuthError) as refused:
            await wrong.connect()
    told = caplog.text + repr(refused.value)
    assert "no JSON" in caplog.text
    for secret in (PASSWORD, "mistyped secret", "token1", "token2"):
        assert secret not in told


async def test_user_who_may_not_look(make_heater: MakeHeater) -> None:
    async def forbid(_: web.Request) -> web.StreamResponse:
        return error(403, "InsufficientPrivilege")

    bmc = Bmc(resources=modern(), front={("GET", f"{ROOT}/Systems"): forbid})
    async with running_bmc(bmc):
        with pytest.raises(HeaterAuthError):
            await make_heater(bmc.url).connect()

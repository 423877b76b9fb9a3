"""Who may come in: sessions, Basic, and the brake on guessing."""

import asyncio

from aiohttp import encode_basic_auth
import pytest

from compute_heater_agent.auth import LoginBrake
from compute_heater_agent.messages import RedfishError
from compute_heater_agent.sessions import SessionStore

from .client import METRICS, SESSIONS, STREAM, USER, Client, open_heater

SERVICE = "/redfish/v1/SessionService"


async def test_session_from_login_to_logout(client: Client) -> None:
    opened = await client.log_in()
    assert opened.status == 201
    location, token = opened.headers["Location"], opened.headers["X-Auth-Token"]
    assert len(token) >= 32
    assert opened.body["UserName"] == USER
    assert opened.body["Password"] is None
    headers = {"X-Auth-Token": token}
    assert (await client.get(METRICS, auth=None, headers=headers)).status == 200
    listed = (await client.get(SESSIONS)).body["Members"]
    assert listed == [{"@odata.id": location}]
    closed = await client.request("DELETE", location, auth=None, headers=headers)
    assert closed.status == 204
    late = await client.get(METRICS, auth=None, headers=headers)
    assert (late.status, late.faults) == (401, ["NoValidSession"])


async def test_members_uri_creates_sessions_too(client: Client) -> None:
    body = {"UserName": USER, "Password": "warm-water"}
    opened = await client.post(f"{SESSIONS}/Members", body, auth=None)
    assert opened.status == 201


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Basic",
        "Basic !!!",
        "Basic /w==",
        "Basic a2VlcGVy",
        "Bearer a2VlcGVyOndhcm0td2F0ZXI=",
        encode_basic_auth(USER, "warm-wate"),
        encode_basic_auth("keepe", "warm-water"),
        encode_basic_auth(USER, ""),
    ],
)
async def test_no_entry(client: Client, authorization: str | None) -> None:
    for path in (METRICS, STREAM, "/redfish/v1/Nothing"):
        answer = await client.get(path, auth=authorization)
        assert (answer.status, answer.faults) == (401, ["AccessUnauthorized"])
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    assert not client.rack.lease.held


async def test_writing_needs_credentials_whatever_the_body(client: Client) -> None:
    answer = await client.patch(METRICS, {"nonsense": 1}, auth=None)
    assert answer.status == 401
    answer = await client.request("DELETE", "/redfish/v1/", auth=None)
    assert answer.status == 401


@pytest.mark.parametrize(
    ("body", "status", "fault"),
    [
        ({"UserName": USER}, 400, "PropertyMissing"),
        ({"UserName": USER, "Password": 5}, 400, "PropertyValueTypeError"),
        ({"UserName": USER, "Password": "no"}, 401, "AccessUnauthorized"),
        ({"UserName": "äöü", "Password": "no"}, 401, "AccessUnauthorized"),
    ],
)
async def test_wrong_logins(
    client: Client, body: dict, status: int, fault: str
) -> None:
    answer = await client.post(SESSIONS, body, auth=None)
    assert (answer.status, answer.faults) == (status, [fault])
    assert (await client.get(SESSIONS)).body["Members@odata.count"] == 0


async def test_umlauts_in_passwords() -> None:
    async with open_heater() as plain:
        answer = await plain.get(
            METRICS, auth=encode_basic_auth(USER, "wärme", "utf-8")
        )
        assert answer.status == 401


async def test_session_limit() -> None:
    async with open_heater(session_limit=3) as client:
        opened = [await client.log_in() for _ in range(3)]
        full = await client.log_in()
        assert (full.status, full.faults) == (503, ["SessionLimitExceeded"])
        await client.request("DELETE", opened[0].headers["Location"])
        assert (await client.log_in()).status == 201


async def test_session_ends_after_inactivity() -> None:
    async with open_heater(session_timeout_s=1) as client:
        token = (await client.log_in()).headers["X-Auth-Token"]
        headers = {"X-Auth-Token": token}
        for _ in range(4):
            await asyncio.sleep(0.4)
            assert (await client.get(METRICS, auth=None, headers=headers)).status == 200
        await asyncio.sleep(1.2)
        assert (await client.get(METRICS, auth=None, headers=headers)).status == 401
        assert (await client.get(SESSIONS)).body["Members"] == []


async def test_session_timeout_can_be_set(client: Client) -> None:
    assert (await client.patch(SERVICE, {"SessionTimeout": 60})).status == 200
    assert (await client.get(SERVICE)).body["SessionTimeout"] == 60
    for wrong in (29, 86401, 60.5, "60", True):
        answer = await client.patch(SERVICE, {"SessionTimeout": wrong})
        assert answer.status == 400
    assert (await client.get(SERVICE)).body["SessionTimeout"] == 60


def test_sessions_are_told_apart() -> None:
    store = SessionStore(timeout_s=60, limit=4, clock=lambda: 0.0)
    pairs = [store.create("somebody") for _ in range(4)]
    for session, token in pairs:
        assert store.use(token) is session
    assert store.use("") is None
    assert len({token for _, token in pairs}) == 4


async def test_guessing_is_slowed_down_but_nobody_locked_out(
    monkeypatch: pytest.MonkeyPatch, client: Client
) -> None:
    waits = []
    sleep = asyncio.sleep

    async def note(seconds: float) -> None:
        waits.append(seconds)
        await sleep(0)

    token = (await client.log_in()).headers["X-Auth-Token"]
    monkeypatch.setattr("compute_heater_agent.auth.asyncio.sleep", note)
    for _ in range(8):
        assert (await client.log_in("guess")).status == 401
    assert len(waits) == 3
    # A session is not held up, and the right password gets in after one wait.
    headers = {"X-Auth-Token": token}
    assert (await client.get(METRICS, auth=None, headers=headers)).status == 200
    assert len(waits) == 3
    assert (await client.get(METRICS)).status == 200
    assert len(waits) == 4
    assert (await client.get(METRICS)).status == 200
    assert len(waits) == 4


async def test_brake_is_per_address_and_forgets() -> None:
    now = 0.0
    brake = LoginBrake(lambda: now)
    for _ in range(5):
        brake.failed("a")
    waiting = [asyncio.create_task(brake.wait("a")) for _ in range(16)]
    await asyncio.sleep(0)
    with pytest.raises(RedfishError) as refused:
        await brake.wait("a")
    assert refused.value.status == 503
    async with asyncio.timeout(0.5):
        await brake.wait("b")
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    now = 61.0
    async with asyncio.timeout(0.5):
        await brake.wait("a")


def test_brake_does_not_grow_for_ever() -> None:
    brake = LoginBrake(lambda: 0.0)
    for number in range(5000):
        brake.failed(str(number))
    assert len(brake._failures) <= 1024

"""What the Slurm client does with services that misbehave, over real sockets."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
import json
import ssl
from typing import Any

import aiohttp
from aiohttp import web
import pytest

from custom_components.compute_heater.heaters.model import (
    Command,
    HeaterAuthError,
    HeaterBusyError,
    HeaterConnectionError,
    HeaterError,
    HeaterProtocolError,
    HeaterRefusedError,
)
from custom_components.compute_heater.heaters.slurm import SlurmHeater, SlurmSettings
from custom_components.compute_heater.heaters.slurm_client import (
    SlurmClient,
    fixed_token,
    slurm_url,
)
from custom_components.compute_heater.heaters.slurm_cluster import (
    may_command,
    read_cluster,
)
from custom_components.compute_heater.heaters.slurm_settings import Leaving

from .slurm_shapes import Json, job, node_39, node_42, openapi, refusal
from .test_redfish_http import answer, raw_server

STANDBY = Command(on=True, power_limit_w=80)
type Answers = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Rest:
    """A slurmrestd that says what the test wants, and keeps what it was told."""

    version: int = 42
    requeue: bool = False
    nodes: list[Json] = field(
        default_factory=lambda: [node_42("arm0"), node_42("arm1")]
    )
    jobs: list[Json] = field(default_factory=list)
    told: list[tuple[str, Json]] = field(default_factory=list)
    tokens: list[tuple[str | None, str | None]] = field(default_factory=list)
    instead: Answers | None = None
    """Answers everything but the interface itself."""
    obeys: bool = True

    async def answer(self, request: web.Request) -> web.StreamResponse:
        headers = request.headers
        self.tokens.append(
            (headers.get("X-SLURM-USER-TOKEN"), headers.get("X-SLURM-USER-NAME"))
        )
        if request.path == "/openapi/v3":
            return web.json_response(openapi(self.version, requeue=self.requeue))
        if self.instead is not None:
            return await self.instead(request)
        if request.method == "POST":
            body = await request.json()
            self.told.append((request.path, body))
            if self.obeys and "state" in body:
                self._obey(body, request.path.rsplit("/", 1)[-1])
            return web.json_response({"errors": []})
        if request.path.rstrip("/").endswith("jobs"):
            return web.json_response({"jobs": self.jobs})
        return web.json_response({"nodes": self.nodes})

    def _obey(self, body: Json, last: str) -> None:
        for node in self.nodes:
            if node["name"] in body.get("name", [last]):
                node["state"] = ["IDLE", *(s for s in body["state"] if s == "DRAIN")]
                node["reason"] = body.get("reason", node["reason"])
                node["resume_after"] = body.get("resume_after", 0)


@asynccontextmanager
async def running(
    rest: Rest, ssl_context: ssl.SSLContext | None = None
) -> AsyncGenerator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", rest.answer)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=ssl_context)
    await site.start()
    try:
        scheme = "https" if ssl_context else "http"
        yield f"{scheme}://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.fixture
def rest() -> Rest:
    return Rest()


@pytest.fixture
async def url(rest: Rest) -> AsyncGenerator[str]:
    async with running(rest) as address:
        yield address


def heater_at(http: aiohttp.ClientSession, url: str, **more: Any) -> SlurmHeater:
    client = SlurmClient(http, url, fixed_token("secret"), user="heat", request_s=1)
    values = {"name": "House", "idle_w": 40, "full_w": 100, "partition": "heat"}
    return SlurmHeater(client, SlurmSettings(**{**values, **more}))


async def test_the_token_goes_into_the_headers(
    http: aiohttp.ClientSession, rest: Rest, url: str
) -> None:
    await heater_at(http, url).connect()
    assert set(rest.tokens) == {("secret", "heat")}


async def test_one_version_tells_all_nodes_at_once_another_one_by_one(
    http: aiohttp.ClientSession, rest: Rest, url: str
) -> None:
    await heater_at(http, url).apply(STANDBY)
    drain = {"state": ["DRAIN"], "reason": "compute-heater: House"}
    both = {"name": ["arm0", "arm1"], "resume_after": 600}
    assert rest.told == [("/slurm/v0.0.42/nodes/", drain | both)]

    old = Rest(version=39, nodes=[node_39("arm0"), node_39("arm1")])
    async with running(old) as address:
        heater = heater_at(http, address)
        await heater.apply(STANDBY)
        reading = await heater.read()
        # It knows no time after which a node comes back.
        assert old.told == [
            ("/slurm/v0.0.39/node/arm0", drain),
            ("/slurm/v0.0.39/node/arm1", drain),
        ]
        assert reading.fulfils == STANDBY and heater.writes == 2


async def test_where_there_is_a_command_for_it_jobs_are_requeued_by_that(
    http: aiohttp.ClientSession, rest: Rest, url: str
) -> None:
    rest.version, rest.requeue = 45, True
    for node in rest.nodes:
        node |= {"state": ["ALLOCATED", "DRAIN"], "alloc_cpus": 2}
        node |= {"reason": "compute-heater: House", "resume_after": 5}
    rest.jobs = [job(7, "arm0"), job(8, "arm1", requeue=False), job(9, "big")]
    heater = heater_at(http, url, leaving=Leaving.REQUEUE, returns_without_us=False)
    await heater.apply(STANDBY)
    await heater.read()
    await heater.apply(STANDBY)
    assert rest.told == [("/slurm/v0.0.45/jobs/requeue", {"jobs": ["7"]})]


async def test_what_is_not_obeyed_is_reported(
    http: aiohttp.ClientSession, rest: Rest, url: str
) -> None:
    rest.obeys = False
    with pytest.raises(HeaterRefusedError, match="not drained though told: arm0, arm1"):
        await heater_at(http, url).apply(STANDBY)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (401, {}, HeaterAuthError),
        (403, {}, HeaterAuthError),
        (511, refusal(1007, "Protocol authentication error"), HeaterAuthError),
        (500, refusal(1007, "Protocol authentication error"), HeaterAuthError),
        (500, {}, HeaterConnectionError),
        (502, refusal(1, "Bad gateway"), HeaterConnectionError),
        (500, refusal(1, "Unable to contact slurm controller"), HeaterConnectionError),
        (404, {}, HeaterProtocolError),
        (302, {}, HeaterProtocolError),
        (200, refusal(2017, "Invalid job id specified"), HeaterProtocolError),
    ],
)
async def test_errors_while_reading(
    http: aiohttp.ClientSession,
    rest: Rest,
    url: str,
    status: int,
    body: Json,
    error: type[HeaterError],
) -> None:
    async def instead(_: web.Request) -> web.StreamResponse:
        return web.json_response(body, status=status, headers={"Location": "/"})

    heater = heater_at(http, url)
    await heater.connect()
    rest.instead = instead
    with pytest.raises(error):
        await heater.read()
    rest.instead = None
    assert (await heater.read()).problem is False


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (500, refusal(2002, "Access/permission denied"), HeaterRefusedError),
        (200, refusal(2041, "Invalid node state specified"), HeaterRefusedError),
        (400, {}, HeaterRefusedError),
        (500, refusal(1, "Unable to contact slurm controller"), HeaterConnectionError),
        (503, {}, HeaterConnectionError),
    ],
)
async def test_errors_of_commands(
    http: aiohttp.ClientSession,
    rest: Rest,
    url: str,
    status: int,
    body: Json,
    error: type[HeaterError],
) -> None:
    async def instead(request: web.Request) -> web.StreamResponse:
        if request.method == "GET":
            return web.json_response({"nodes": rest.nodes})
        return web.json_response(body, status=status)

    rest.instead = instead
    with pytest.raises(error) as raised:
        await heater_at(http, url).apply(STANDBY)
    assert type(raised.value) is error


@pytest.mark.parametrize(
    ("version", "path", "body"),
    [
        (42, "/slurm/v0.0.42/nodes/", {"name": ["arm0"]}),
        (39, "/slurm/v0.0.39/node/arm0", {}),
    ],
)
async def test_who_may_command_is_asked_by_a_change_of_nothing(
    http: aiohttp.ClientSession, version: int, path: str, body: Json
) -> None:
    rest = Rest(version=version)
    async with running(rest) as address:
        client = SlurmClient(http, address, fixed_token("secret"))
        cluster = await read_cluster(client)
        assert await may_command(client, cluster)
        assert rest.told == [(path, body)]
        for refused, allowed in (
            (refusal(2010, "Invalid user id"), False),
            (refusal(2002, "Access/permission denied"), False),
            (refusal(2028, "Invalid node state specified"), True),
        ):

            async def instead(_: web.Request, said: Json = refused) -> web.Response:
                return web.json_response(said, status=500)

            rest.instead = instead
            assert await may_command(client, cluster) is allowed


async def test_after_an_upgrade_the_new_version_is_found(
    http: aiohttp.ClientSession, rest: Rest, url: str
) -> None:
    heater = heater_at(http, url)
    await heater.connect()
    rest.version = 45

    async def instead(request: web.Request) -> web.StreamResponse:
        if "/v0.0.42/" in request.path:
            return web.Response(status=404, text="not defined")
        return web.json_response({"nodes": rest.nodes})

    rest.instead = instead
    with pytest.raises(HeaterProtocolError):
        await heater.read()
    assert (await heater.read()).work_share == 1
    assert heater.api is not None and heater.api.name == "v0.0.45"


async def test_a_busy_service_says_for_how_long(
    http: aiohttp.ClientSession, rest: Rest, url: str
) -> None:
    async def instead(_: web.Request) -> web.StreamResponse:
        return web.Response(status=503, text="busy", headers={"Retry-After": "7"})

    rest.instead = instead
    with pytest.raises(HeaterBusyError) as busy:
        await heater_at(http, url).read()
    assert busy.value.retry_after_s == 7


async def test_a_token_is_asked_for_once_more_and_no_oftener(
    http: aiohttp.ClientSession, rest: Rest, url: str
) -> None:
    async def instead(request: web.Request) -> web.StreamResponse:
        if request.headers["X-SLURM-USER-TOKEN"] != "token3":
            return web.json_response(refusal(1007, "Protocol authentication error"))
        return web.json_response({"nodes": rest.nodes})

    asked = 0

    async def source() -> str:
        nonlocal asked
        asked += 1
        return f"token{asked}"

    rest.instead = instead
    client = SlurmClient(http, url, source)
    with pytest.raises(HeaterAuthError):
        await client.get("/slurm/v0.0.42/nodes/")
    assert asked == 2
    assert "nodes" in await client.get("/slurm/v0.0.42/nodes/")
    assert asked == 3


@pytest.mark.parametrize("token", ["", "  ", "a\r\nX-Evil: 1", "ü"])
async def test_what_is_no_token_is_not_sent(
    http: aiohttp.ClientSession, rest: Rest, url: str, token: str
) -> None:
    with pytest.raises(HeaterAuthError):
        await SlurmClient(http, url, fixed_token(token)).openapi()
    assert not rest.tokens


async def test_a_slow_service_ends_with_a_time_out(
    http: aiohttp.ClientSession, rest: Rest, url: str
) -> None:
    async def instead(_: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    rest.instead = instead
    client = SlurmClient(http, url, fixed_token("secret"), request_s=0.2)
    with pytest.raises(HeaterConnectionError, match="in time"):
        await client.get("/slurm/v0.0.42/nodes/")


async def test_a_slow_source_of_tokens_does_too(http: aiohttp.ClientSession) -> None:
    async def source() -> str:
        await asyncio.Event().wait()
        raise AssertionError

    client = SlurmClient(http, "http://127.0.0.1:9", source, request_s=0.2)
    with pytest.raises(HeaterConnectionError, match="no token"):
        await client.openapi()


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (answer(b'{"paths": {"/slu', 400), HeaterConnectionError),
        (answer(b'{"paths": {"/slu'), HeaterProtocolError),
        (answer(b"[]"), HeaterProtocolError),
        (answer(b"[" * 5000), HeaterProtocolError),
        (answer(b""), HeaterProtocolError),
        (answer(b"<html>router</html>"), HeaterProtocolError),
        (answer(json.dumps({"paths": {}}).encode()), HeaterProtocolError),
        (b"SSH-2.0-nothing\r\n", HeaterProtocolError),
        (b"", HeaterConnectionError),
    ],
)
async def test_half_and_broken_answers(
    http: aiohttp.ClientSession, raw: bytes, error: type[HeaterError]
) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(raw)
        await writer.drain()
        writer.close()

    async with raw_server(talk) as address:
        with pytest.raises(error):
            await heater_at(http, address).connect()


async def test_nobody_there(http: aiohttp.ClientSession) -> None:
    with pytest.raises(HeaterConnectionError):
        await heater_at(http, "http://127.0.0.1:9").connect()


async def test_a_step_that_fails_between_commands_does_not_spoil_the_reading(
    http: aiohttp.ClientSession, rest: Rest, url: str
) -> None:
    heater = heater_at(http, url)
    await heater.apply(STANDBY)

    async def instead(request: web.Request) -> web.StreamResponse:
        if request.method == "GET":
            return web.json_response({"nodes": rest.nodes})
        return web.json_response(refusal(2002, "Access/permission denied"), status=500)

    for node in rest.nodes:
        node["resume_after"] = 0  # its rest has to be renewed
    rest.instead = instead
    reading = await heater.read()
    assert reading.problem is True and reading.work_share == 0
    assert "denied" in str(heater.failure)
    rest.instead = None
    assert (await heater.read()).problem is False
    assert heater.failure is None


@pytest.mark.parametrize("nodes", ["arm[0-2]", "nobody"])
async def test_nodes_that_are_not_there(
    http: aiohttp.ClientSession, url: str, nodes: str
) -> None:
    heater = heater_at(http, url, partition=None, nodes=nodes)
    with pytest.raises(HeaterProtocolError):
        await heater.connect()


@pytest.mark.parametrize("watts", [-1.0, float("nan"), float("inf")])
async def test_limits_that_are_none(
    http: aiohttp.ClientSession, rest: Rest, url: str, watts: float
) -> None:
    with pytest.raises(HeaterRefusedError):
        await heater_at(http, url).apply(Command(on=True, power_limit_w=watts))
    assert not rest.told


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("head", "https://head"),
        ("http://head:6820/", "http://head:6820"),
        ("https://head/slurmrest/", "https://head/slurmrest"),
    ],
)
def test_addresses(typed: str, url: str) -> None:
    assert str(slurm_url(typed)).rstrip("/") == url


@pytest.mark.parametrize("typed", ["", "ftp://head", "http://", "http://head:x"])
def test_what_is_no_address(typed: str) -> None:
    with pytest.raises(HeaterProtocolError):
        slurm_url(typed)

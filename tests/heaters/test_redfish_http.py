"""What the Redfish client does with services that misbehave, over real sockets."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web
import pytest

from custom_components.compute_heater.heaters import redfish_client, redfish_transport
from custom_components.compute_heater.heaters.model import (
    Command,
    HeaterConnectionError,
    HeaterError,
    HeaterProtocolError,
)
from custom_components.compute_heater.heaters.redfish_transport import (
    local_path,
    service_url,
)

from .bmc import METRICS, ROOT, Bmc, modern, running_bmc, system
from .conftest import MakeHeater

type Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def raw_server(talk: Talk) -> AsyncGenerator[str]:
    """Serve TCP that may break HTTP; yields its URL."""
    writers: list[asyncio.StreamWriter] = []

    async def connected(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        writers.append(writer)
        try:
            await talk(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
        await server.wait_closed()


def answer(
    body: bytes, length: int | None = None, kind: str = "application/json"
) -> bytes:
    """Write an HTTP answer, whose length may be a lie."""
    return b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s" % (
        kind.encode(),
        len(body) if length is None else length,
        body,
    )


async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-OpenSSH_9.2p1\r\n")
    await writer.drain()
    await reader.read(100)


async def cut_short(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(answer(b'{"RedfishVersion": "1.', 500))
    await writer.drain()


async def half_json(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(answer(b'{"RedfishVersion": "1.'))
    await writer.drain()


async def deep_json(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(answer(b"[" * 500_000))
    await writer.drain()


async def huge(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(answer(b'{"a": "', 10_000_000_000))
    while True:
        writer.write(b"a" * 65536)
        await writer.drain()


async def bad_gzip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    head, body = answer(b"not gzip at all").split(b"\r\n\r\n")
    writer.write(head + b"\r\nContent-Encoding: gzip\r\n\r\n" + body)
    await writer.drain()


async def bad_chunks(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nno\r\n")
    await writer.drain()


async def long_header(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nServer: " + b"x" * 100_000 + b"\r\n\r\n{}")
    await writer.drain()


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


@pytest.mark.parametrize(
    ("talk", "expected"),
    [
        (garbage, HeaterProtocolError),
        (cut_short, HeaterConnectionError),
        (half_json, HeaterProtocolError),
        (deep_json, HeaterProtocolError),
        (huge, HeaterProtocolError),
        (bad_gzip, HeaterError),
        (bad_chunks, HeaterError),
        (long_header, HeaterError),
        (silent, HeaterConnectionError),
    ],
)
async def test_broken_http(
    talk: Talk,
    expected: type[HeaterError],
    make_heater: MakeHeater,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(redfish_transport, "REQUEST_S", 2.0)
    async with raw_server(talk) as url:
        with pytest.raises(expected):
            await make_heater(url).connect()


@pytest.mark.parametrize(
    "response",
    [
        {"text": "<html>Welcome to nginx!</html>", "content_type": "text/html"},
        {"text": '{"version": "3.1"}', "content_type": "application/json"},
        {"text": "[1, 2]", "content_type": "application/json"},
        {"text": "", "content_type": "application/json"},
        {"text": "<html>not here</html>", "status": 404},
        {"text": '["broken"]', "status": 500},
    ],
)
async def test_some_other_web_server(
    response: dict[str, object], make_heater: MakeHeater
) -> None:
    async def front(_: web.Request) -> web.StreamResponse:
        return web.Response(**response)  # type: ignore[arg-type]

    bmc = Bmc(resources={}, front={("GET", f"{ROOT}/"): front})
    async with running_bmc(bmc):
        with pytest.raises(HeaterProtocolError):
            await make_heater(bmc.url).connect()
    assert bmc.logins == 0
    assert not bmc.requests("POST"), "no password for a stranger"


async def test_nobody_there(make_heater: MakeHeater, unused_tcp_port: int) -> None:
    with pytest.raises(HeaterConnectionError):
        await make_heater(f"http://127.0.0.1:{unused_tcp_port}").connect()


async def test_closed_session_of_home_assistant(make_heater: MakeHeater) -> None:
    async with running_bmc(Bmc(resources=modern())) as bmc:
        heater = make_heater(bmc.url)
        await heater._client.transport._session.close()
        with pytest.raises(HeaterConnectionError):
            await heater.connect()


async def test_busy_service_is_asked_again(make_heater: MakeHeater) -> None:
    times = 2

    async def busy(_: web.Request) -> web.StreamResponse | None:
        nonlocal times
        times -= 1
        if times < 0:
            return None
        return web.Response(status=503, headers={"Retry-After": "0"})

    async with running_bmc(Bmc(resources=modern())) as bmc:
        heater = make_heater(bmc.url)
        await heater.connect()
        bmc.front["GET", METRICS] = busy
        assert (await heater.read()).power_w == 812.5


@pytest.mark.parametrize(
    "retry_after", [None, "0", "Wed, 21 Oct 2026 07:28:00 GMT", "nan"]
)
async def test_service_that_stays_busy(
    retry_after: str | None, make_heater: MakeHeater, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redfish_client, "BUSY_WAIT_S", 0.05)

    async def busy(_: web.Request) -> web.StreamResponse:
        headers = {} if retry_after is None else {"Retry-After": retry_after}
        return web.Response(status=503, headers=headers)

    async with running_bmc(Bmc(resources=modern())) as bmc:
        heater = make_heater(bmc.url)
        await heater.connect()
        bmc.front["GET", METRICS] = busy
        assert (await heater.read()).power_w is None
        bmc.front.clear()
        bmc.front["PATCH", METRICS] = busy
        with pytest.raises(HeaterConnectionError):
            await heater.apply(Command(on=True, power_limit_w=500))


async def test_never_more_than_two_requests_at_once(make_heater: MakeHeater) -> None:
    running = most = 0

    async def slow(_: web.Request) -> web.StreamResponse | None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.02)
        running -= 1
        return None

    bmc = Bmc(resources=modern(*(system(str(n)) for n in range(6))))
    async with running_bmc(bmc):
        heater = make_heater(bmc.url)
        await heater.connect()
        bmc.front = {("GET", path): slow for path in bmc.resources}
        await asyncio.gather(heater.read(), heater.read())
    assert most == 2


async def test_redirect_within_the_service(make_heater: MakeHeater) -> None:
    async def slash(request: web.Request) -> web.StreamResponse:
        raise web.HTTPPermanentRedirect(f"{request.path}/")

    bmc = Bmc(resources=modern(), front={("GET", f"{ROOT}/Systems"): slash})
    bmc.resources[f"{ROOT}/Systems/"] = bmc.resources[f"{ROOT}/Systems"]
    async with running_bmc(bmc):
        _, capabilities = await make_heater(bmc.url).connect()
    assert capabilities.modules == 1


async def test_password_is_not_carried_elsewhere(make_heater: MakeHeater) -> None:
    other = Bmc(resources=modern())
    bmc = Bmc(resources=modern())

    async with running_bmc(other), running_bmc(bmc):

        async def away(_: web.Request) -> web.StreamResponse:
            return web.Response(status=307, headers={"Location": f"{other.url}{ROOT}/"})

        bmc.front["POST", f"{ROOT}/SessionService/Sessions"] = away
        with pytest.raises(HeaterProtocolError, match=other.url):
            await make_heater(bmc.url).connect()
    assert not other.seen


@pytest.mark.parametrize(
    "location", ["", "http://[broken", "/redfish/v1/SessionService"]
)
async def test_redirected_command(location: str, make_heater: MakeHeater) -> None:
    async def away(_: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": location})

    bmc = Bmc(resources=modern())
    bmc.front["POST", f"{ROOT}/SessionService/Sessions"] = away
    async with running_bmc(bmc):
        with pytest.raises(HeaterProtocolError):
            await make_heater(bmc.url).connect()


async def test_redirect_in_circles(make_heater: MakeHeater) -> None:
    async def again(request: web.Request) -> web.StreamResponse:
        return web.Response(status=308, headers={"Location": request.path})

    bmc = Bmc(resources=modern(), front={("GET", f"{ROOT}/"): again})
    async with running_bmc(bmc):
        with pytest.raises(HeaterProtocolError, match="redirects"):
            await make_heater(bmc.url).connect()


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("bmc.local", "https://bmc.local"),
        (" 192.0.2.7:8443 ", "https://192.0.2.7:8443"),
        ("http://bmc:8000/redfish/v1/", "http://bmc:8000"),
        ("https://user:secret@bmc/x", "https://bmc"),
        ("https://[2001:db8::1]:444", "https://[2001:db8::1]:444"),
    ],
)
def test_address_as_typed(address: str, expected: str) -> None:
    assert str(service_url(address)) == expected


@pytest.mark.parametrize(
    "address", ["", "ftp://bmc", "https://", "http://bmc:99999", "http://[::"]
)
def test_unusable_address(address: str) -> None:
    with pytest.raises(HeaterProtocolError):
        service_url(address)


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("/redfish/v1/Systems/1", "/redfish/v1/Systems/1"),
        (
            "https://elsewhere/redfish/v1/TaskService/1?x=1",
            "/redfish/v1/TaskService/1?x=1",
        ),
        ("/redfish/v1/Chassis/1/Power#/PowerControl/0", "/redfish/v1/Chassis/1/Power"),
        ("//elsewhere/redfish", "/redfish"),
        ("///redfish", "/redfish"),
        ("/redfish/v1/a b", "/redfish/v1/a%20b"),
    ],
)
def test_links_stay_at_home(uri: str, expected: str) -> None:
    assert local_path(uri) == expected


@pytest.mark.parametrize("uri", ["", "Systems/1", "http://[broken"])
def test_links_that_are_none(uri: str) -> None:
    with pytest.raises(HeaterProtocolError):
        local_path(uri)

"""The event stream: opened, lost, opened again."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web
import pytest

from custom_components.compute_heater.heaters import redfish_events
from custom_components.compute_heater.heaters.redfish import RedfishHeater

from .bmc import ROOT, Bmc, Json, modern, running_bmc
from .conftest import MakeHeater

SERVICE = f"{ROOT}/EventService"
STREAM = f"{ROOT}/EventService/SSE"


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redfish_events, "FIRST_PAUSE_S", 0.05)


def resources(**service: object) -> dict[str, Json]:
    found = modern(EventService={"@odata.id": SERVICE})
    found[SERVICE] = {"ServerSentEventUri": STREAM, **service}
    return found


class Counter:
    """Counts calls, and lets a test wait for them."""

    def __init__(self) -> None:
        self.count = 0
        self._called = asyncio.Event()

    def __call__(self) -> None:
        self.count += 1
        self._called.set()

    async def reaches(self, count: int) -> None:
        async with asyncio.timeout(20):
            while self.count < count:
                self._called.clear()
                await self._called.wait()


@asynccontextmanager
async def following(heater: RedfishHeater) -> AsyncGenerator[Counter]:
    counter = Counter()
    task = asyncio.create_task(heater.follow(counter))
    try:
        yield counter
        assert not task.done(), task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def stream(*texts: bytes) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Send texts as events, then end the stream."""

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for text in texts:
            await response.write(text)
        return response

    return handler


async def test_one_call_per_event_and_connection(make_heater: MakeHeater) -> None:
    blocked = asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b": hello\n\nid: 1\ndata: {}\n\n")
        await response.write(b"id: 2\r\ndata: {\r\ndata: }\r\n\r\n: still here\n\n")
        await blocked.wait()
        return response

    async with running_bmc(Bmc(resources=resources())) as bmc:
        bmc.front["GET", STREAM] = handler
        async with following(make_heater(bmc.url)) as counter:
            await counter.reaches(3)
            await asyncio.sleep(0.1)
            assert counter.count == 3
        blocked.set()


async def test_lost_stream_is_opened_again(make_heater: MakeHeater) -> None:
    async with running_bmc(Bmc(resources=resources())) as bmc:
        bmc.front["GET", STREAM] = stream(b"data: 1\n\n")
        async with following(make_heater(bmc.url)) as counter:
            await counter.reaches(6)
    assert len(bmc.requests("GET", STREAM)) >= 3


async def test_silent_stream_is_given_up(
    make_heater: MakeHeater, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redfish_events, "SILENCE_S", 0.1)
    blocked = asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await blocked.wait()
        return response

    async with running_bmc(Bmc(resources=resources())) as bmc:
        bmc.front["GET", STREAM] = handler
        async with following(make_heater(bmc.url)) as counter:
            await counter.reaches(2)
        blocked.set()


async def test_expired_session_and_other_refusals(make_heater: MakeHeater) -> None:
    answers = [
        web.Response(status=503),
        web.Response(text="{}", content_type="application/json"),
    ]

    async def handler(request: web.Request) -> web.StreamResponse | None:
        if answers:
            return answers.pop()
        if bmc.logins == 1:
            bmc.tokens.clear()
            return web.Response(status=401)
        return await stream(b"data: 1\n\n")(request)

    async with running_bmc(Bmc(resources=resources())) as bmc:
        bmc.front["GET", STREAM] = handler
        async with following(make_heater(bmc.url)) as counter:
            await counter.reaches(2)
        assert bmc.logins == 2


async def test_endless_line(make_heater: MakeHeater) -> None:
    parts = [
        b"data: " + b"x" * 1_000_000,
        b"x" * 1_000_000 + b"\n",
        b"\nid: 2\nda",
        b"ta:\n\n",
    ]
    async with running_bmc(Bmc(resources=resources())) as bmc:
        bmc.front["GET", STREAM] = stream(*parts)
        async with following(make_heater(bmc.url)) as counter:
            await counter.reaches(4)  # connected, two events, connected again


@pytest.mark.parametrize(
    "found",
    [modern(), resources(ServerSentEventUri=None), resources(ServiceEnabled=False)],
)
async def test_no_stream_offered(
    found: dict[str, Json], make_heater: MakeHeater
) -> None:
    async with running_bmc(Bmc(resources=found)) as bmc:
        async with asyncio.timeout(20):
            await make_heater(bmc.url).follow(Counter())

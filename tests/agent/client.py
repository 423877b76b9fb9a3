"""A plain Redfish client for the tests, and an agent to talk to."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import (
    ClientResponse,
    ClientSession,
    ClientTimeout,
    CookieJar,
    encode_basic_auth,
)
from multidict import CIMultiDictProxy

from compute_heater_agent.linux.agent import running_linux
from compute_heater_agent.linux.config import Config
from compute_heater_agent.linux.files import Root
from compute_heater_agent.load import Load
from compute_heater_agent.service import RunningAgent, running_agent
from compute_heater_agent.settings import AgentSettings, RackSettings
from compute_heater_agent.simulated import Rack

USER, PASSWORD = "keeper", "warm-water"
AUTH = encode_basic_auth(USER, PASSWORD)

METRICS = "/redfish/v1/Chassis/Rack/EnvironmentMetrics"
CONTROL = "/redfish/v1/Chassis/Rack/Controls/PowerLimit"
SESSIONS = "/redfish/v1/SessionService/Sessions"
STREAM = "/redfish/v1/EventService/SSE"


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers and JSON body of a reply."""

    status: int
    headers: CIMultiDictProxy[str]
    body: Any

    @property
    def faults(self) -> list[str]:
        """Names of the messages of an error, without their registry."""
        messages = self.body["error"]["@Message.ExtendedInfo"]
        return [item["MessageId"].rpartition(".")[2] for item in messages]


class Client:
    """Talks to one agent, with Basic credentials unless told otherwise."""

    def __init__(self, agent: RunningAgent, http: ClientSession) -> None:
        self.agent = agent
        self.http = http

    @property
    def rack(self) -> Rack:
        return self.agent.rack

    async def request(
        self, method: str, path: str, *, auth: str | None = AUTH, **rest: Any
    ) -> Answer:
        url = self.agent.url + path
        headers = dict(rest.pop("headers", {}))
        if auth is not None:
            headers["Authorization"] = auth
        async with self.http.request(method, url, headers=headers, **rest) as response:
            kind = response.content_type
            body = await (response.json() if "json" in kind else response.text())
            return Answer(response.status, response.headers, body)

    async def get(self, path: str, **rest: Any) -> Answer:
        return await self.request("GET", path, **rest)

    async def patch(self, path: str, body: Any, **rest: Any) -> Answer:
        return await self.request("PATCH", path, json=body, **rest)

    async def post(self, path: str, body: Any, **rest: Any) -> Answer:
        return await self.request("POST", path, json=body, **rest)

    async def reset(self, module: int, kind: Any) -> Answer:
        path = f"/redfish/v1/Systems/Module{module}/Actions/ComputerSystem.Reset"
        return await self.post(path, {"ResetType": kind})

    @asynccontextmanager
    async def stream(self) -> AsyncGenerator[ClientResponse]:
        """Open the event stream and wait until it is open."""
        url, headers = self.agent.url + STREAM, {"Authorization": AUTH}
        async with self.http.get(url, headers=headers) as response:
            assert response.status == 200
            assert await response.content.readline() == b":\n"
            assert await response.content.readline() == b"\n"
            yield response

    async def log_in(self, password: str = PASSWORD) -> Answer:
        body = {"UserName": USER, "Password": password}
        return await self.post(SESSIONS, body, auth=None)


async def until(condition: Callable[[], bool], *, seconds: float = 30) -> None:
    """Wait for something that happens by itself."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110, nothing tells of it
            await asyncio.sleep(0.02)


@asynccontextmanager
async def open_heater(
    rack: RackSettings | None = None,
    *,
    stepped: Rack | None = None,
    load: Load | None = None,
    **rest: Any,
) -> AsyncGenerator[Client]:
    """Start an agent on a free port and a client for it."""
    settings = AgentSettings(
        user=USER, password=PASSWORD, rack=rack or RackSettings(), **rest
    )
    timeout = ClientTimeout(total=20)
    async with (
        running_agent(settings, rack=stepped, load=load) as agent,
        ClientSession(timeout=timeout, cookie_jar=CookieJar(unsafe=True)) as http,
    ):
        yield Client(agent, http)


@asynccontextmanager
async def open_machine(
    config: Config, root: Root | None = None
) -> AsyncGenerator[Client]:
    """Start the agent of a Linux machine and a client for it; no TLS on loopback."""
    timeout = ClientTimeout(total=20)
    async with (
        running_linux(config, root) as running,
        ClientSession(timeout=timeout, cookie_jar=CookieJar(unsafe=True)) as http,
    ):
        yield Client(running.agent, http)

"""Runs the agent: physics, Redfish service, pipe to the house and meters.

async with running_agent(AgentSettings(user="u", password="p")) as agent:
    print(agent.url, agent.rack.power_w)
"""

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
import logging
from pathlib import Path
import socket
from typing import Any, Final
import uuid

from aiohttp import web

from .announce import announced
from .auth import Authenticator
from .event_records import event
from .events import EventBroker
from .heater import Heater
from .load import ConstantLoad, Load
from .meters import Meters, load_meters, save_meters
from .notices import Notice
from .pipe import Pipe
from .sessions import SessionStore
from .settings import AgentSettings
from .simulated import Rack
from .tls import Tls, load_tls
from .web import RedfishApplication

_LOGGER = logging.getLogger(__name__)

_STEP_S: Final = 0.1
_SAVE_INTERVAL_S: Final = 30.0
_KEEP_ALIVE_S: Final = 75.0
_LINGERING_S: Final = 1.0
_SHUTDOWN_S: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningAgent:
    """A heater that can be reached at ``url``."""

    url: str
    rack: Rack
    uuid: str
    user: str
    fingerprint: str | None
    """SHA-256 of the certificate as hex; None over plain HTTP."""
    tasks: tuple[asyncio.Task[None], ...]

    async def failed(self) -> None:
        """Return never, or raise what ended a part of the agent."""
        if not self.tasks:
            await asyncio.Event().wait()
        done, _ = await asyncio.wait(self.tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()


@asynccontextmanager
async def running_agent(
    settings: AgentSettings, *, rack: Rack | None = None, load: Load | None = None
) -> AsyncGenerator[RunningAgent]:
    """Serve a simulated heater until the block ends.

    Without ``rack`` the agent makes one and lets its time pass; a given rack is
    stepped by its owner. ``load`` takes the place of the pipe or the built-in load.
    """
    tls = await asyncio.to_thread(load_tls, settings)
    stepping = rack is None
    if rack is None:
        rack = await _make_rack(settings)
    heater, listener = _bind(settings, rack)
    pipe = None if settings.pipe is None else Pipe(*settings.pipe, rack)
    work: list[Coroutine[Any, Any, None]] = []
    if stepping:
        work.append(_run_physics(rack, load or pipe or ConstantLoad(), settings.speed))
        if pipe is not None and load is None:
            work.append(pipe.run())
    if settings.state is not None:
        work.append(_keep_meters(rack, settings.state))
    # From here on nothing may fail before the clean-up is in charge.
    tasks = tuple(asyncio.create_task(part) for part in work)
    unlisten = rack.listen(partial(_tell, heater))
    runner = web.AppRunner(
        RedfishApplication(heater).application(),
        access_log=None,
        keepalive_timeout=_KEEP_ALIVE_S,
        lingering_time=_LINGERING_S,
        shutdown_timeout=_SHUTDOWN_S,
    )
    try:
        await runner.setup()
        context = tls.context if tls else None
        await web.SockSite(runner, listener, ssl_context=context).start()
        announcement = (
            announced(listener, name=heater.name, uuid=heater.uuid, tls=tls is not None)
            if settings.announce
            else nullcontext()
        )
        async with announcement:
            yield RunningAgent(
                url=_url(settings.host, listener, tls),
                rack=rack,
                uuid=heater.uuid,
                user=settings.user,
                fingerprint=tls.fingerprint if tls else None,
                tasks=tasks,
            )
    finally:
        heater.events.close_all()
        for task in tasks:
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, Exception):
                _LOGGER.error("A part of the agent failed", exc_info=result)
        await runner.cleanup()
        listener.close()
        unlisten()
        if settings.state is not None:
            await asyncio.to_thread(save_meters, settings.state, _meters(rack))


async def _make_rack(settings: AgentSettings) -> Rack:
    meters = Meters()
    if settings.state is not None:
        meters = await asyncio.to_thread(load_meters, settings.state)
    return Rack(settings.rack, energy_j=meters.energy_j, heat_j=meters.heat_j)


def _bind(settings: AgentSettings, rack: Rack) -> tuple[Heater, socket.socket]:
    """Take the port first: it is part of the default identity."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.create_server((settings.host, settings.port), family=family)
    clock = asyncio.get_running_loop().time
    sessions = SessionStore(
        timeout_s=settings.session_timeout_s, limit=settings.session_limit, clock=clock
    )
    port = listener.getsockname()[1]
    heater = Heater(
        rack=rack,
        name=settings.name,
        uuid=settings.uuid or _default_uuid(settings.name, port),
        user=settings.user,
        sessions=sessions,
        authenticator=Authenticator(
            user=settings.user,
            password=settings.password,
            sessions=sessions,
            clock=clock,
        ),
        events=EventBroker(),
    )
    return heater, listener


def _url(host: str, listener: socket.socket, tls: Tls | None) -> str:
    name = f"[{host}]" if ":" in host else host
    scheme = "https" if tls else "http"
    return f"{scheme}://{name}:{listener.getsockname()[1]}"


def _tell(heater: Heater, notice: Notice) -> None:
    _LOGGER.info("%s", notice)
    heater.events.publish(partial(event, heater.rack, notice))


def _default_uuid(name: str, port: int) -> str:
    seed = f"compute-heater:{socket.gethostname()}:{name}:{port}"
    return str(uuid.uuid5(uuid.NAMESPACE_URL, seed))


async def _run_physics(rack: Rack, load: Load, speed: float) -> None:
    clock = asyncio.get_running_loop().time
    last = clock()
    while True:
        await asyncio.sleep(_STEP_S)
        now = clock()
        rack.step((now - last) * speed, *load.inflow(rack))
        last = now


async def _keep_meters(rack: Rack, path: Path) -> None:
    while True:
        await asyncio.sleep(_SAVE_INTERVAL_S)
        await asyncio.to_thread(save_meters, path, _meters(rack))


def _meters(rack: Rack) -> Meters:
    return Meters(energy_j=rack.energy_j, heat_j=rack.heat_j)

"""Serves a machine by Redfish until a block ends, whatever the machine is."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Sequence
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
from .machine import Machine
from .meters import Meters, save_meters
from .notices import Notice
from .sessions import SessionStore
from .settings import AgentSettings
from .simulated import Rack
from .tls import Tls, load_tls
from .web import RedfishApplication

_LOGGER = logging.getLogger(__name__)

_SAVE_INTERVAL_S: Final = 30.0
_KEEP_ALIVE_S: Final = 75.0
_LINGERING_S: Final = 1.0
_SHUTDOWN_S: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningAgent:
    """A heater that can be reached at ``url``."""

    url: str
    machine: Machine
    uuid: str
    user: str
    fingerprint: str | None
    """SHA-256 of the certificate as hex; None over plain HTTP."""
    tasks: tuple[asyncio.Task[None], ...]

    @property
    def greeting(self) -> dict[str, str]:
        """What a program that starts the agent wants to know."""
        greeting = {"redfish": self.url, "user": self.user, "uuid": self.uuid}
        if self.fingerprint is not None:
            greeting["fingerprint"] = self.fingerprint
        return greeting

    @property
    def rack(self) -> Rack:
        """The machine of a simulated heater."""
        assert isinstance(self.machine, Rack)
        return self.machine

    async def failed(self) -> None:
        """Return never, or raise what ended a part of the agent."""
        if not self.tasks:
            await asyncio.Event().wait()
        done, _ = await asyncio.wait(self.tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()


@asynccontextmanager
async def served(
    settings: AgentSettings,
    machine: Machine,
    work: Sequence[Coroutine[Any, Any, None]] = (),
) -> AsyncGenerator[RunningAgent]:
    """Serve ``machine`` until the block ends; ``work`` goes on meanwhile.

    Raises SettingsError for settings that cannot be, OSError for a taken address.
    """
    try:
        tls = await asyncio.to_thread(load_tls, settings)
        heater, listener = _bind(settings, machine)
    except BaseException:
        for part in work:
            part.close()
        raise
    work = list(work)
    if settings.state is not None:
        work.append(_keep_meters(machine, settings.state))
    # From here on nothing may fail before the clean-up is in charge.
    tasks = tuple(asyncio.create_task(part) for part in work)
    unlisten = machine.listen(partial(_tell, heater))
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
                machine=machine,
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
            await asyncio.to_thread(save_meters, settings.state, _meters(machine))


def _bind(settings: AgentSettings, machine: Machine) -> tuple[Heater, socket.socket]:
    """Take the port first: it is part of the default identity."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.create_server((settings.host, settings.port), family=family)
    clock = asyncio.get_running_loop().time
    sessions = SessionStore(
        timeout_s=settings.session_timeout_s, limit=settings.session_limit, clock=clock
    )
    port = listener.getsockname()[1]
    heater = Heater(
        machine=machine,
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
    heater.events.publish(partial(event, heater.machine, notice))


def _default_uuid(name: str, port: int) -> str:
    seed = f"compute-heater:{socket.gethostname()}:{name}:{port}"
    return str(uuid.uuid5(uuid.NAMESPACE_URL, seed))


async def _keep_meters(machine: Machine, path: Path) -> None:
    while True:
        await asyncio.sleep(_SAVE_INTERVAL_S)
        await asyncio.to_thread(save_meters, path, _meters(machine))


def _meters(machine: Machine) -> Meters:
    return Meters(energy_j=machine.energy_j, heat_j=machine.heat_j)

"""Resources, changes and actions of one Redfish service (DSP0266)."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from math import isfinite

import aiohttp

from .model import (
    HeaterBusyError,
    HeaterConnectionError,
    HeaterProtocolError,
    HeaterRefusedError,
)
from .redfish_errors import RedfishRefusedError, RedfishStatusError, message
from .redfish_json import JsonObject, link, links, obj, objects, text
from .redfish_login import RedfishLogin
from .redfish_transport import Method, RedfishTransport, Reply, local_path

ROOT_PATH = "/redfish/v1/"
BUSY_RETRIES = 2
BUSY_WAIT_S = 5.0
"""A longer wait that a service asks for is not sat out: it is left alone until then."""
LONGEST_QUIET_S = 300.0
TASK_POLL_S = 0.5
MAX_PAGES = 50

_DEAD_TASKS = {"Exception", "Killed", "Cancelled", "Interrupted"}
_RUNNING_TASKS = {
    "New",
    "Starting",
    "Running",
    "Pending",
    "Suspended",
    "Service",
    "Stopping",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A resource as it was read."""

    path: str
    body: JsonObject
    etag: str | None


class RedfishClient:
    """Speaks Redfish to one service, logged in.

    GET raises HeaterProtocolError, commands raise HeaterRefusedError for what the service
    answers; HeaterAuthError and HeaterConnectionError are raised by all.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        username: str,
        password: str,
        fingerprint: str | None = None,
    ) -> None:
        """Nothing is sent yet. Raises HeaterProtocolError for an unusable address."""
        self.transport = RedfishTransport(session, url, fingerprint)
        self._login = RedfishLogin(self.transport, username, password)
        self._expand: str | None = None
        self._quiet_until: dict[tuple[Method, str], float] = {}
        """When resources may be asked for again that said how long they are busy."""
        self.writes = 0
        """PATCH and action POST requests sent."""

    async def root(self) -> JsonObject:
        """Read the service root, which needs no login; note what the service can do.

        Raises HeaterProtocolError where something else than Redfish answers.
        """
        reply = await self._patiently("GET", ROOT_PATH, {}, None)
        if reply.status in (401, 403):
            reply = await self._authorised("GET", ROOT_PATH)
        body = reply.body
        if reply.status != 200 or not (
            text(body, "RedfishVersion")
            or "ServiceRoot" in (text(body, "@odata.type") or "")
        ):
            raise HeaterProtocolError(f"no Redfish service: {message(reply)}")
        if sessions := link(body, "Links", "Sessions"):
            self._login.sessions_path = local_path(sessions)
        expand = obj(body, "ProtocolFeaturesSupported", "ExpandQuery")
        self._expand = None
        if expand.get("NoLinks") is True:
            self._expand = ".($levels=1)" if expand.get("Levels") is True else "."
        return body

    async def get(self, uri: str) -> Resource:
        """Read one resource; raises RedfishStatusError where it is not to be had."""
        path = local_path(uri)
        reply = await self._authorised("GET", path)
        if reply.status in (429, 503):
            raise HeaterConnectionError(f"busy: {message(reply)}")
        if reply.status != 200:
            raise RedfishStatusError(path, reply)
        return Resource(path=path, body=reply.body, etag=reply.etag)

    async def member_links(self, uri: str) -> list[str]:
        """Links to all members of a collection."""
        found: list[str] = []
        page: str | None = uri
        for _ in range(MAX_PAGES):
            if page is None:
                break
            body = (await self.get(page)).body
            found += links(body, "Members")
            page = text(body, "Members@odata.nextLink")
        return found

    async def members(self, uri: str, known: Sequence[str] = ()) -> list[JsonObject]:
        """All members in full, in one request where the service can do that.

        ``known`` links spare reading the collection where it cannot.
        """
        if (found := await self._expanded(uri)) is not None:
            return found
        uris = known or await self.member_links(uri)
        return [resource.body for resource in await self.get_all(uris)]

    async def present_members(self, uri: str) -> list[JsonObject]:
        """All members in full, without those that the collection only promises."""
        if (found := await self._expanded(uri)) is not None:
            return found
        uris = await self.member_links(uri)
        found_or_not = await self._together(self._if_present(each) for each in uris)
        return [resource.body for resource in found_or_not if resource is not None]

    async def _if_present(self, uri: str) -> Resource | None:
        try:
            return await self.get(uri)
        except RedfishStatusError as err:
            if err.status != 404:
                raise
            return None

    async def get_all(self, uris: Sequence[str]) -> list[Resource]:
        """Read several resources, as many at once as a BMC takes."""
        return await self._together(self.get(uri) for uri in uris)

    async def _together[T](
        self, requests: Iterable[Coroutine[None, None, T]]
    ) -> list[T]:
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(request) for request in requests]
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        return [task.result() for task in tasks]

    async def patch(
        self, resource: Resource, change: JsonObject, wait_s: float
    ) -> None:
        """Change a resource that was just read; a task is followed for ``wait_s``.

        Blind retries are right here: we set absolute values, and some services change
        the ETag with every sensor reading.
        """
        tag = resource.etag
        for attempt in range(3):
            reply = await self._command("PATCH", resource.path, change, tag)
            if reply.status not in (412, 428) or tag == "*":
                break
            tag = (await self.get(resource.path)).etag if attempt == 0 else None
            tag = tag or "*"
        await self._completed(resource.path, reply, wait_s)

    async def act(self, target: str, parameters: JsonObject, wait_s: float) -> None:
        """Run an action; a task that outlasts ``wait_s`` goes on without us."""
        path = local_path(target)
        reply = await self._command("POST", path, parameters, None)
        await self._completed(path, reply, wait_s)

    @asynccontextmanager
    async def stream(
        self, uri: str, silence_s: float
    ) -> AsyncGenerator[aiohttp.StreamReader]:
        """Open a stream of server-sent events."""
        path, login = local_path(uri), await self._login.headers()
        headers = {**login, "Accept": "text/event-stream"}
        async with self.transport.stream(path, headers, silence_s) as response:
            if response.status == 401:
                self._login.forget(login)
            if response.status != 200 or response.content_type != "text/event-stream":
                raise HeaterProtocolError(
                    f"{response.status} at {path}: no event stream"
                )
            yield response.content

    async def close(self) -> None:
        """Log out, within a few seconds; nothing is sent afterwards."""
        await self._login.log_out()

    async def _expanded(self, uri: str) -> list[JsonObject] | None:
        """Members in full; None where the service cannot, or breaks its promise."""
        if self._expand is None:
            return None
        body = (await self.get(f"{local_path(uri)}?$expand={self._expand}")).body
        found = objects(body, "Members")
        complete = "Members@odata.nextLink" not in body
        if complete and all(text(item, "Id") for item in found):
            return found
        self._expand = None
        return None

    async def _command(
        self, method: Method, path: str, body: JsonObject, etag: str | None
    ) -> Reply:
        self.writes += 1
        headers = {"If-Match": etag} if etag else {}
        return await self._authorised(method, path, headers, body)

    async def _authorised(
        self,
        method: Method,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: JsonObject | None = None,
    ) -> Reply:
        """Send, and log in again once when the session has ended."""
        for _ in range(2):
            login = await self._login.headers()
            reply = await self._patiently(
                method, path, {**login, **(headers or {})}, body
            )
            if reply.status != 401:
                return reply
            self._login.forget(login)
        raise self._login.refused(reply)

    async def _patiently(
        self,
        method: Method,
        path: str,
        headers: Mapping[str, str],
        body: JsonObject | None,
    ) -> Reply:
        """Send, and again a little later when the service says so.

        Raises HeaterBusyError, without sending anything, before a longer wait is over.
        """
        self._check_quiet(method, path)
        for _ in range(BUSY_RETRIES + 1):
            if self._login.closed:
                raise HeaterConnectionError("closed")
            reply = await self.transport.send(
                method, path, headers=headers, json_body=body
            )
            if reply.status not in (429, 503) or "Retry-After" not in reply.headers:
                break
            if (asked_s := _asked_wait(reply)) is not None and asked_s > BUSY_WAIT_S:
                now = asyncio.get_running_loop().time()
                self._quiet_until[method, path] = now + min(asked_s, LONGEST_QUIET_S)
                self._check_quiet(method, path)
            await asyncio.sleep(_retry_after(reply))
        return reply

    def _check_quiet(self, method: Method, path: str) -> None:
        now = asyncio.get_running_loop().time()
        for key in [key for key, until in self._quiet_until.items() if until <= now]:
            del self._quiet_until[key]
        if (until := self._quiet_until.get((method, path))) is not None:
            raise HeaterBusyError(f"busy at {path}", until - now)

    async def _completed(self, path: str, reply: Reply, wait_s: float) -> None:
        """Follow a task to its end; raise what the service says against the command."""
        if reply.status == 202:
            reply = await self._task_end(reply, wait_s)
        if reply.status in (429, 503):
            raise HeaterConnectionError(f"busy: {message(reply)}")
        if reply.status >= 500 and reply.status != 501:
            raise RedfishStatusError(path, reply)
        if reply.status >= 300:
            raise RedfishRefusedError(path, reply)
        if (state := text(reply.body, "TaskState")) in _DEAD_TASKS:
            said = " ".join(
                t
                for item in objects(reply.body, "Messages")
                if (t := text(item, "Message"))
            )
            raise HeaterRefusedError(f"task ended with {state}: {said[:300]}")

    async def _task_end(self, reply: Reply, wait_s: float) -> Reply:
        """Last answer of the task monitor, or the latest one after ``wait_s``."""
        monitor = reply.headers.get("Location") or link(reply.body)
        if monitor is None:
            return reply
        path = local_path(monitor)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait_s
        while True:
            pause = (
                _retry_after(reply) if "Retry-After" in reply.headers else TASK_POLL_S
            )
            if loop.time() + pause > deadline:
                return reply
            await asyncio.sleep(pause)
            latest = await self._authorised("GET", path)
            if latest.status == 404:
                return reply  # forgotten as soon as done; reading back tells the rest
            reply = latest
            running = text(reply.body, "TaskState") in _RUNNING_TASKS
            if reply.status != 202 and not running:
                return reply


def _retry_after(reply: Reply) -> float:
    """Seconds to wait, bounded; what is not a number counts as the most."""
    asked_s = _asked_wait(reply)
    return BUSY_WAIT_S if asked_s is None else min(max(asked_s, 0.1), BUSY_WAIT_S)


def _asked_wait(reply: Reply) -> float | None:
    """Seconds the service asks for; None for a date, as its clock may be wrong."""
    try:
        asked_s = float(reply.headers["Retry-After"])
    except ValueError:
        return None
    return asked_s if isfinite(asked_s) else None

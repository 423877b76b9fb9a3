"""A client of Home Assistant's REST and WebSocket API, as the frontend is one."""

import asyncio
from collections.abc import Callable
import contextlib
from types import TracebackType
from typing import Any, Self

import aiohttp

from .errors import HassApiError

type Json = dict[str, Any]
type StateListener = Callable[[str, Json | None], None]


class HassClient:
    """One user of one Home Assistant; ``states`` follows its states live."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.states: dict[str, Json] = {}
        self.listeners: list[StateListener] = []
        self.refresh_token: str | None = None
        self.access_token: str | None = None
        self._session = aiohttp.ClientSession(
            base_url=url, timeout=aiohttp.ClientTimeout(total=60)
        )
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._reader: asyncio.Task[None] | None = None
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._last_id = 0

    async def __aenter__(self) -> Self:
        """Return this client."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close all connections."""
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self.disconnect()
        await self._session.close()

    async def is_up(self) -> bool:
        """Tell whether the frontend answers; it does so early in the start."""
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with self._session.get("/manifest.json") as response:
                return response.status == 200
        return False

    async def onboard(self, name: str, username: str, password: str) -> None:
        """Create the first user, as its first visitor would, and log in."""
        user = await self._request(
            "post",
            "/api/onboarding/users",
            json={
                "name": name,
                "username": username,
                "password": password,
                "client_id": self._client_id,
                "language": "en",
            },
        )
        await self._get_token(grant_type="authorization_code", code=user["auth_code"])
        await self.post(
            "/api/onboarding/integration",
            {"client_id": self._client_id, "redirect_uri": self._client_id},
        )

    async def connect(self) -> None:
        """Open the WebSocket and follow the states. Call again after a restart."""
        await self.disconnect()
        await self._get_token(
            grant_type="refresh_token", refresh_token=self.refresh_token
        )
        try:
            socket = await self._session.ws_connect(
                "/api/websocket", max_msg_size=0, heartbeat=30
            )
            await socket.receive_json()
            await socket.send_json({"type": "auth", "access_token": self.access_token})
            if (answer := await socket.receive_json())["type"] != "auth_ok":
                raise HassApiError(f"the WebSocket login was refused: {answer}")
        except (aiohttp.ClientError, TypeError) as error:
            raise HassApiError(f"no WebSocket: {error}") from error
        self._socket = socket
        self._reader = asyncio.create_task(self._read(socket))
        await self.command("subscribe_events", event_type="state_changed")
        self.states = {
            state["entity_id"]: state for state in await self.command("get_states")
        }

    async def disconnect(self) -> None:
        """Close the WebSocket."""
        if self._reader is not None:
            self._reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reader
            self._reader = None
        if self._socket is not None:
            await self._socket.close()
            self._socket = None

    async def command(self, kind: str, **fields: Any) -> Any:
        """Send one WebSocket command and return its result."""
        if self._socket is None:
            raise HassApiError("not connected")
        self._last_id += 1
        message_id = self._last_id
        answer = asyncio.get_running_loop().create_future()
        self._answers[message_id] = answer
        try:
            async with asyncio.timeout(60):
                await self._socket.send_json({"id": message_id, "type": kind, **fields})
                return await answer
        except (TimeoutError, ConnectionError) as error:
            raise HassApiError(f"no answer to {kind}: {error}") from error
        finally:
            self._answers.pop(message_id, None)

    async def call(self, action: str, entity_id: str, **data: Any) -> None:
        """Call the action ``domain.name`` on an entity."""
        domain, name = action.split(".")
        await self.command(
            "call_service",
            domain=domain,
            service=name,
            service_data=data,
            target={"entity_id": entity_id},
        )

    async def get(self, path: str) -> Any:
        """GET of the REST API."""
        return await self._request("get", path)

    async def post(self, path: str, body: Json) -> Any:
        """POST to the REST API."""
        return await self._request("post", path, json=body)

    async def delete(self, path: str) -> Any:
        """DELETE of the REST API."""
        return await self._request("delete", path)

    def state(self, entity_id: str) -> str | None:
        """Return the state of an entity; None when unknown, unavailable or missing."""
        value = self.states.get(entity_id, {}).get("state")
        return None if value in ("unknown", "unavailable") else value

    def number(self, entity_id: str) -> float | None:
        """Return the state of an entity as a number."""
        value = self.state(entity_id)
        return None if value is None else float(value)

    def attribute(self, entity_id: str, name: str) -> Any:
        """Return an attribute of an entity, None when it is missing."""
        return self.states.get(entity_id, {}).get("attributes", {}).get(name)

    @property
    def _client_id(self) -> str:
        return f"{self.url}/"

    async def _get_token(self, **fields: Any) -> None:
        token = await self._request(
            "post", "/auth/token", data={"client_id": self._client_id, **fields}
        )
        self.access_token = token["access_token"]
        self.refresh_token = token.get("refresh_token", self.refresh_token)

    async def _request(self, method: str, path: str, **kwargs: Any) -> Any:
        headers = {}
        if self.access_token is not None:
            headers["Authorization"] = f"Bearer {self.access_token}"
        try:
            async with self._session.request(
                method, path, headers=headers, **kwargs
            ) as response:
                text = await response.text()
                if response.status >= 400:
                    raise HassApiError(
                        f"{method} {path}: HTTP {response.status}: {text[:500]}"
                    )
                return await response.json() if text else None
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise HassApiError(f"{method} {path}: {error!r}") from error

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for frame in socket:
            if frame.type is not aiohttp.WSMsgType.TEXT:
                break
            received = frame.json()
            for message in received if isinstance(received, list) else [received]:
                self._handle(message)
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(ConnectionResetError("Home Assistant is gone"))

    def _handle(self, message: Json) -> None:
        if message["type"] == "event":
            changed = message["event"]["data"]
            entity_id, state = changed["entity_id"], changed["new_state"]
            if state is None:
                self.states.pop(entity_id, None)
            else:
                self.states[entity_id] = state
            for listener in self.listeners:
                listener(entity_id, state)
        elif (answer := self._answers.get(message.get("id", 0))) and not answer.done():
            if message.get("success"):
                answer.set_result(message["result"])
            else:
                answer.set_exception(HassApiError(str(message.get("error"))))

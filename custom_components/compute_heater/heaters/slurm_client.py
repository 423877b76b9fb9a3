"""Requests to slurmrestd: token, limits, time-outs and what errors mean."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
import json
from math import isfinite
from typing import Literal
from urllib.parse import quote

import aiohttp
from yarl import URL

from .http_errors import http_errors
from .model import (
    HeaterAuthError,
    HeaterBusyError,
    HeaterConnectionError,
    HeaterProtocolError,
    HeaterRefusedError,
)
from .redfish_json import JsonObject
from .redfish_tls import fingerprint_bytes
from .slurm_json import fault

REQUEST_S = 20.0
MAX_BODY = 32 * 1024 * 1024
BUSY_S = 30.0
# Decoding more than this would hold up the event loop.
_LARGE_BODY = 128 * 1024
_AUTH_STATUS = (401, 403)
_AUTH_CODE = 1007
"""Slurm's "Protocol authentication error": the token is wrong or has expired."""

type TokenSource = Callable[[], Awaitable[str]]
"""Returns a token (JWT); asked again when Slurm no longer takes the last one."""


def fixed_token(token: str) -> TokenSource:
    """Return a source of a token that nobody renews."""

    async def source() -> str:
        return token

    return source


def slurm_url(address: str) -> URL:
    """Origin and path before ``/slurm`` of what a user typed; raises HeaterProtocolError.

    Without a scheme it is https: the token gives power over the whole cluster.
    """
    address = address.strip()
    try:
        url = URL(address if "://" in address else f"https://{address}")
        if url.scheme in ("http", "https") and url.host:
            return URL.build(
                scheme=url.scheme,
                host=url.host,
                port=url.explicit_port,
                path=url.path.rstrip("/"),
            )
    except ValueError:
        pass
    raise HeaterProtocolError("not an http or https address")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    status: int
    retry_after: str | None
    body: JsonObject


class SlurmClient:
    """Sends requests to one slurmrestd over an injected session."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        address: str,
        token: TokenSource,
        *,
        user: str | None = None,
        fingerprint: str | None = None,
        request_s: float = REQUEST_S,
    ) -> None:
        """``user`` is sent with the token where given; else the token says who we are.

        Trust the certificate with ``fingerprint`` (SHA-256, hex), else the usual CAs.
        """
        self._base = slurm_url(address)
        self._session = session
        self._source = token
        self._token: str | None = None
        self._user = user
        self._request_s = request_s
        self._ssl: aiohttp.Fingerprint | bool = True
        if fingerprint is not None:
            try:
                self._ssl = aiohttp.Fingerprint(fingerprint_bytes(fingerprint))
            except ValueError as err:
                raise HeaterProtocolError("not a SHA-256 fingerprint") from err

    async def openapi(self) -> JsonObject:
        """Return what it says of its own interface; checks no token."""
        return await self.get("/openapi/v3")

    async def get(self, path: str) -> JsonObject:
        """Read a resource."""
        return await self._send("GET", path, None)

    async def post(self, path: str, body: JsonObject) -> JsonObject:
        """Command something; raises HeaterRefusedError with what Slurm says."""
        return await self._send("POST", path, body)

    async def post_node(self, path: str, name: str, body: JsonObject) -> JsonObject:
        """Command one node."""
        return await self.post(f"{path}{quote(name, safe='')}", body)

    async def _send(
        self, method: Literal["GET", "POST"], path: str, body: JsonObject | None
    ) -> JsonObject:
        for attempt in (1, 2):
            token = self._token
            if token is None:
                token = await self._fresh_token()
            answer = await self._once(method, path, body, token)
            if not _wants_token(answer):
                return _checked(answer, method)
            if self._token == token:
                self._token = None
            if attempt == 1 and await self._fresh_token() == token:
                break
        said = fault(answer.body)
        raise HeaterAuthError(said[1] if said else f"HTTP status {answer.status}")

    async def _fresh_token(self) -> str:
        try:
            async with asyncio.timeout(self._request_s):
                token = (await self._source()).strip()
        except TimeoutError as err:
            raise HeaterConnectionError("no token in time") from err
        # Anything else would be a header of its own.
        if not token or not token.isascii() or not token.isprintable():
            raise HeaterAuthError("not a token")
        self._token = token
        return token

    async def _once(
        self,
        method: Literal["GET", "POST"],
        path: str,
        body: JsonObject | None,
        token: str,
    ) -> _Answer:
        headers = {"Accept": "application/json", "X-SLURM-USER-TOKEN": token}
        if self._user:
            headers["X-SLURM-USER-NAME"] = self._user
        async with (
            http_errors(self._session, self._base),
            self._session.request(
                method,
                URL(f"{self._base}".rstrip("/") + path, encoded=True),
                headers=headers,
                json=body,
                ssl=self._ssl,
                timeout=aiohttp.ClientTimeout(total=self._request_s),
                # A token is for the address that the user gave, and no other.
                allow_redirects=False,
            ) as response,
        ):
            raw = bytearray()
            async for chunk in response.content.iter_any():
                raw += chunk
                if len(raw) > MAX_BODY:
                    response.close()
                    raise HeaterProtocolError(f"answer too large at {path}")
            if 300 <= response.status < 400:
                raise HeaterProtocolError(f"redirected at {path}")
            return _Answer(
                status=response.status,
                retry_after=response.headers.get("Retry-After"),
                body=await _decoded(bytes(raw), response.status, path),
            )


def _wants_token(answer: _Answer) -> bool:
    if answer.status in _AUTH_STATUS:
        return True
    said = fault(answer.body)
    return said is not None and (
        said[0] == _AUTH_CODE or "authentication" in said[1].lower()
    )


def _checked(answer: _Answer, method: str) -> JsonObject:
    """Return the body of a success; raises what the rest means."""
    said = fault(answer.body)
    text = said[1] if said else f"HTTP status {answer.status}"
    if answer.status in (429, 503) and answer.retry_after is not None:
        raise HeaterBusyError(text, _seconds(answer.retry_after))
    # slurmrestd answers a refused command with 500, too: only what it says tells.
    if answer.status >= 500 and (said is None or method == "GET"):
        raise HeaterConnectionError(text)
    if answer.status >= 400 or said is not None:
        if said is not None and _is_out_of_reach(said[1]):
            raise HeaterConnectionError(text)
        raise (
            HeaterRefusedError(text) if method == "POST" else HeaterProtocolError(text)
        )
    return answer.body


def _is_out_of_reach(said: str) -> bool:
    """Tell whether slurmrestd did not get through to the controller."""
    said = said.lower()
    return any(
        words in said
        for words in ("unable to contact", "connect", "timed out", "communication")
    )


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        return BUSY_S
    return min(max(seconds, 0.0), 3600.0) if isfinite(seconds) else BUSY_S


async def _decoded(raw: bytes, status: int, path: str) -> JsonObject:
    """Read an answer; only a successful one must be JSON, errors may be web pages."""
    try:
        if len(raw) > _LARGE_BODY:
            body = await asyncio.to_thread(json.loads, raw)
        else:
            body = json.loads(raw)
    except (ValueError, RecursionError) as err:
        if status < 300:
            raise HeaterProtocolError(f"no JSON at {path}") from err
        return {}
    if isinstance(body, dict):
        return body
    if status < 300:
        raise HeaterProtocolError(f"no JSON object at {path}")
    return {}

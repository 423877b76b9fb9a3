"""One HTTP request to a Redfish service: limits, time-outs and what errors mean.

The service may be anything from a rack manager to somebody's router: the size of an
answer, its time and where it may send us are bounded here, once.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
import json
import re
from typing import Literal

import aiohttp
from yarl import URL

from .http_errors import http_errors
from .model import HeaterProtocolError
from .redfish_json import JsonObject, text
from .redfish_tls import fingerprint_bytes

REQUEST_S = 10.0
MAX_BODY = 2 * 1024 * 1024
MAX_PARALLEL = 2
"""A BMC answers one request at a time, in 0.1 to 3 s; more only make it slower."""
MAX_REDIRECTS = 3

type Method = Literal["GET", "POST", "PATCH", "DELETE"]

_PATH = re.compile(r"/(?!/)[\x21-\x7e]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back. ``body`` is empty where the answer has none."""

    status: int
    headers: Mapping[str, str]
    body: JsonObject

    @property
    def etag(self) -> str | None:
        """Version of the resource, from the header or the body."""
        return self.headers.get("ETag") or text(self.body, "@odata.etag")


def service_url(address: str) -> URL:
    """Origin of the service behind what a user typed; raises HeaterProtocolError.

    ``bmc.local``, ``192.0.2.7:8443`` and ``https://bmc/redfish/v1`` all will do; without
    a scheme it is https.
    """
    address = address.strip()
    try:
        url = URL(address if "://" in address else f"https://{address}")
        if url.scheme in ("http", "https") and url.host:
            return URL.build(scheme=url.scheme, host=url.host, port=url.explicit_port)
    except ValueError:
        pass
    raise HeaterProtocolError("not an http or https address")


def local_path(uri: str) -> str:
    """Path (and query) of a link. We only ever ask the origin the user gave us.

    Services put their own idea of their name into links and Location headers.
    """
    try:
        path = URL(uri).raw_path_qs
    except ValueError as err:
        raise HeaterProtocolError(f"not a link: {uri[:100]!r}") from err
    if not _PATH.fullmatch(path):
        raise HeaterProtocolError(f"not a link: {uri[:100]!r}")
    return path


class RedfishTransport:
    """Sends requests to one origin over an injected session."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        address: str,
        fingerprint: str | None = None,
    ) -> None:
        """Trust the certificate with ``fingerprint`` (SHA-256, hex), else the usual CAs."""
        self.origin = service_url(address)
        self._session = session
        self._slots = asyncio.Semaphore(MAX_PARALLEL)
        self._ssl: aiohttp.Fingerprint | bool = True
        if fingerprint is not None:
            try:
                self._ssl = aiohttp.Fingerprint(fingerprint_bytes(fingerprint))
            except ValueError as err:
                raise HeaterProtocolError("not a SHA-256 fingerprint") from err

    async def send(
        self,
        method: Method,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        json_body: JsonObject | None = None,
    ) -> Reply:
        """One request and its answer, whatever the status; redirects are followed.

        Raises HeaterConnectionError, HeaterCertificateError or HeaterProtocolError.
        """
        for _ in range(MAX_REDIRECTS + 1):
            async with self._slots, http_errors(self._session, self.origin):
                reply = await self._once(method, path, headers or {}, json_body)
            if reply.status not in (301, 302, 307, 308):
                return reply
            path = self._redirected(method, path, reply)
        raise HeaterProtocolError(f"too many redirects at {path}")

    @asynccontextmanager
    async def stream(
        self, path: str, headers: Mapping[str, str], silence_s: float
    ) -> AsyncGenerator[aiohttp.ClientResponse]:
        """Open an endless answer; ends with a time-out after ``silence_s``."""
        limits = aiohttp.ClientTimeout(
            total=None, sock_connect=REQUEST_S, sock_read=silence_s
        )
        async with (
            http_errors(self._session, self.origin),
            self._session.get(
                self._url(path),
                headers=headers,
                ssl=self._ssl,
                timeout=limits,
                allow_redirects=False,
            ) as response,
        ):
            yield response

    def _url(self, path: str) -> URL:
        return URL(f"{self.origin}{path}", encoded=True)

    async def _once(
        self,
        method: Method,
        path: str,
        headers: Mapping[str, str],
        json_body: JsonObject | None,
    ) -> Reply:
        async with self._session.request(
            method,
            self._url(path),
            headers={"Accept": "application/json", "OData-Version": "4.0", **headers},
            json=json_body,
            ssl=self._ssl,
            timeout=aiohttp.ClientTimeout(total=REQUEST_S),
            allow_redirects=False,
        ) as response:
            raw = bytearray()
            async for chunk in response.content.iter_any():
                raw += chunk
                if len(raw) > MAX_BODY:
                    response.close()
                    raise HeaterProtocolError(f"answer too large at {path}")
            return Reply(
                status=response.status,
                headers=response.headers,
                body=_decoded(bytes(raw), response.status, path),
            )

    def _redirected(self, method: Method, path: str, reply: Reply) -> str:
        """Where to go on: a BMC adds a slash or sends us to https, never elsewhere."""
        try:
            target = self._url(path).join(URL(reply.headers.get("Location", "")))
            same = target.origin() == self.origin.origin()
        except ValueError as err:
            raise HeaterProtocolError(f"bad redirect at {path}") from err
        if not same:
            raise HeaterProtocolError(f"redirected to {target.origin()}")
        if method != "GET" and reply.status in (301, 302):
            raise HeaterProtocolError(f"{method} redirected at {path}")
        return local_path(str(target))


def _decoded(raw: bytes, status: int, path: str) -> JsonObject:
    """Read an answer; only a successful one must be JSON, errors may be web pages."""
    if not raw.strip():
        return {}
    try:
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

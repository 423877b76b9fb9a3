"""Proving to a Redfish service who we are: one session, or Basic where there is none.

Basic makes many BMCs ask their user database at every request, and some switch it off;
sessions are few, so the one we have is kept until the service forgets it.
"""

import asyncio
from base64 import b64encode
from collections.abc import Mapping
import logging

from .model import (
    HeaterAuthError,
    HeaterConnectionError,
    HeaterError,
    HeaterProtocolError,
)
from .redfish_errors import message, message_ids
from .redfish_transport import RedfishTransport, Reply, local_path

_LOGGER = logging.getLogger(__name__)

SESSIONS_PATH = "/redfish/v1/SessionService/Sessions"
LOGOUT_S = 3.0
REFUSED_PAUSE_S = 60.0
"""Wrong credentials are not tried again before: BMCs lock accounts and addresses."""

_REFUSALS = {
    "UnauthorizedLoginAttempt",
    "NoValidSession",
    "InsufficientPrivilege",
    "AuthenticationTokenRequired",
    "LoginFailed",
    "ResourceAtUriUnauthorized",
}


class RedfishLogin:
    """Keeps the headers that authorise a request."""

    def __init__(
        self, transport: RedfishTransport, username: str, password: str
    ) -> None:
        """Nothing is sent before the first ``headers``."""
        self._transport = transport
        self._username = username
        self._password = password
        self._lock = asyncio.Lock()
        self._headers: Mapping[str, str] | None = None
        self._session_path: str | None = None
        self._refused_until = 0.0
        self.sessions_path = SESSIONS_PATH
        self.closed = False

    async def headers(self) -> Mapping[str, str]:
        """Log in if need be; raises HeaterAuthError when refused."""
        async with self._lock:
            if self.closed:
                raise HeaterConnectionError("closed")
            if self._headers is None:
                if asyncio.get_running_loop().time() < self._refused_until:
                    raise HeaterAuthError("credentials were refused a moment ago")
                self._headers = await self._log_in()
            return self._headers

    def forget(self, used: Mapping[str, str]) -> None:
        """Note that the service no longer takes ``used``, unless it was replaced since."""
        if self._headers is used:
            self._headers = None
            self._session_path = None

    def refused(self, reply: Reply) -> HeaterAuthError:
        """Note that the credentials are wrong; the error is for raising."""
        self._headers = None
        self._refused_until = asyncio.get_running_loop().time() + REFUSED_PAUSE_S
        return HeaterAuthError(message(reply))

    async def log_out(self) -> None:
        """Give the session back, within a few seconds, and never log in again."""
        self.closed = True
        try:
            async with asyncio.timeout(LOGOUT_S), self._lock:
                path, headers = self._session_path, self._headers
                self._session_path = self._headers = None
                if path is not None and headers is not None:
                    await self._transport.send("DELETE", path, headers=headers)
        except (HeaterError, TimeoutError) as err:
            _LOGGER.debug("No log-out at %s: %s", self._transport.origin, err)

    async def _log_in(self) -> Mapping[str, str]:
        reply = await self._transport.send(
            "POST",
            self.sessions_path,
            json_body={"UserName": self._username, "Password": self._password},
        )
        token = reply.headers.get("X-Auth-Token")
        if reply.status in (200, 201, 202, 204) and token:
            if location := reply.headers.get("Location"):
                self._session_path = local_path(location)
            return {"X-Auth-Token": token}
        ids = message_ids(reply.body)
        if reply.status in (404, 405, 501) or "SessionLimitExceeded" in ids:
            pair = f"{self._username}:{self._password}".encode()
            return {"Authorization": f"Basic {b64encode(pair).decode()}"}
        if reply.status in (401, 403) or (reply.status == 400 and ids & _REFUSALS):
            raise self.refused(reply)
        if reply.status in (429, 503):
            raise HeaterConnectionError(f"busy: {message(reply)}")
        raise HeaterProtocolError(f"{reply.status} at log-in: {message(reply)}")

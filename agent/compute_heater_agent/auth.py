"""Who may talk to the service: session token or HTTP Basic, and a brake on guessing."""

import asyncio
import base64
import binascii
from collections import deque
from collections.abc import Callable, Mapping
from hashlib import sha256
import secrets

from .messages import RedfishError, message
from .sessions import SessionStore

_CHALLENGE = {"WWW-Authenticate": 'Basic realm="Compute heater", charset="UTF-8"'}
_WINDOW_S = 60.0
_FREE_FAILURES = 5
_DELAY_S = 1.0
_WAITING_LIMIT = 16
_ADDRESS_LIMIT = 1024


class LoginBrake:
    """Slows down an address after repeated failures, and no other.

    Nobody is locked out: the right password is accepted after the delay, and clients
    with a session do not come here at all.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures: dict[str, deque[float]] = {}
        self._waiting: dict[str, int] = {}

    async def wait(self, address: str) -> None:
        """Hold up a login from an address with too many recent failures.

        Raises RedfishError 503 when too many logins from there wait already.
        """
        if len(self._recent(address)) < _FREE_FAILURES:
            return
        waiting = self._waiting.get(address, 0)
        if waiting >= _WAITING_LIMIT:
            raise RedfishError(
                503,
                message("ServiceTemporarilyUnavailable", 2),
                headers={"Retry-After": "2"},
            )
        self._waiting[address] = waiting + 1
        try:
            await asyncio.sleep(_DELAY_S)
        finally:
            self._waiting[address] -= 1
            if not self._waiting[address]:
                del self._waiting[address]

    def failed(self, address: str) -> None:
        """Note a wrong password."""
        if address not in self._failures and len(self._failures) >= _ADDRESS_LIMIT:
            del self._failures[next(iter(self._failures))]
        self._failures.setdefault(address, deque(maxlen=_FREE_FAILURES)).append(
            self._clock()
        )

    def succeeded(self, address: str) -> None:
        """Forget the failures of an address that knows the password."""
        self._failures.pop(address, None)

    def _recent(self, address: str) -> deque[float]:
        failures = self._failures.get(address, deque())
        while failures and failures[0] < self._clock() - _WINDOW_S:
            failures.popleft()
        return failures


class Authenticator:
    """Checks credentials in constant time."""

    def __init__(
        self,
        *,
        user: str,
        password: str,
        sessions: SessionStore,
        clock: Callable[[], float],
    ) -> None:
        self._user = _hash(user)
        self._password = _hash(password)
        self._sessions = sessions
        self._brake = LoginBrake(clock)

    async def check(self, headers: Mapping[str, str], address: str) -> None:
        """Let a request with a valid token or valid Basic credentials pass.

        Raises RedfishError 401 otherwise.
        """
        token = headers.get("X-Auth-Token")
        if token is not None:
            if self._sessions.use(token) is None:
                raise RedfishError(401, message("NoValidSession"), headers=_CHALLENGE)
            return
        credentials = _basic(headers.get("Authorization", ""))
        if credentials is None:
            raise RedfishError(401, message("AccessUnauthorized"), headers=_CHALLENGE)
        await self.login(*credentials, address)

    async def login(self, user: str, password: str, address: str) -> None:
        """Let the right user pass; raises RedfishError 401 for any other."""
        await self._brake.wait(address)
        right_user = secrets.compare_digest(_hash(user), self._user)
        right_password = secrets.compare_digest(_hash(password), self._password)
        if not (right_user & right_password):
            self._brake.failed(address)
            raise RedfishError(401, message("AccessUnauthorized"), headers=_CHALLENGE)
        self._brake.succeeded(address)


def _hash(text: str) -> bytes:
    return sha256(text.encode()).digest()


def _basic(header: str) -> tuple[str, str] | None:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode()
    except binascii.Error, UnicodeDecodeError:
        return None
    user, colon, password = text.partition(":")
    return (user, password) if colon else None

"""Redfish sessions: tokens that end after inactivity."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
import secrets

from .messages import RedfishError, message


@dataclass(slots=True, kw_only=True)
class Session:
    """One login; the token itself is not kept, only its hash."""

    id: str
    user: str
    token_hash: bytes
    used_at: float
    created: str


class SessionStore:
    """All sessions of the service; ``clock`` returns monotonic seconds."""

    def __init__(
        self, *, timeout_s: int, limit: int, clock: Callable[[], float]
    ) -> None:
        self.timeout_s = timeout_s
        self._limit = limit
        self._clock = clock
        self._sessions: dict[str, Session] = {}

    def create(self, user: str) -> tuple[Session, str]:
        """Open a session; return it with its token.

        Raises RedfishError 503 when the limit is reached.
        """
        self._expire()
        if len(self._sessions) >= self._limit:
            raise RedfishError(503, message("SessionLimitExceeded"))
        token = secrets.token_hex(32)
        session = Session(
            id=secrets.token_hex(6),
            user=user,
            token_hash=_digest(token),
            used_at=self._clock(),
            created=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        self._sessions[session.id] = session
        return session, token

    def use(self, token: str) -> Session | None:
        """Find the session of a token and note that it is in use."""
        self._expire()
        wanted = _digest(token)
        for session in self._sessions.values():
            if secrets.compare_digest(session.token_hash, wanted):
                session.used_at = self._clock()
                return session
        return None

    def get(self, session_id: str) -> Session | None:
        """Find a session by its Id."""
        self._expire()
        return self._sessions.get(session_id)

    def close(self, session_id: str) -> None:
        """End a session."""
        self._sessions.pop(session_id, None)

    def ids(self) -> list[str]:
        """Ids of all sessions that are open."""
        self._expire()
        return list(self._sessions)

    def _expire(self) -> None:
        oldest = self._clock() - self.timeout_s
        for session in list(self._sessions.values()):
            if session.used_at < oldest:
                del self._sessions[session.id]


def _digest(token: str) -> bytes:
    return sha256(token.encode()).digest()

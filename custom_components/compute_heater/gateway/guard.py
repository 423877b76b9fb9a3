"""Who may talk to us, and what they may write."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network
from math import isfinite

from .points import OfferedKind, OfferedPoint, Value
from .priority import MINIMUM_TIMES, PRIORITIES

BURST = 20.0
"""So many changes of one point may come from one peer at once …"""
PER_S = 1.0
"""… and so many a second for ever."""
MOST_COUNTED = 4096
"""Of so many points, each for each peer, changes are counted at a time."""


class Refusal(StrEnum):
    """Why something that was written is not taken; also a translation key."""

    FOREIGN_PEER = "foreign_peer"
    NOT_WRITABLE = "not_writable"
    WRONG_TYPE = "wrong_type"
    OUT_OF_RANGE = "out_of_range"
    """Also of NaN and infinity."""
    WRONG_PRIORITY = "wrong_priority"
    TOO_OFTEN = "too_often"
    NO_ROLE = "no_role"
    """Its certificate does not allow to write."""


class RefusedError(Exception):
    """Nothing of what was written has been taken."""

    def __init__(self, refusal: Refusal, point_id: str | None = None) -> None:
        """``point_id`` is the point that is to blame."""
        super().__init__(refusal)
        self.refusal = refusal
        self.point_id = point_id


class Guard:
    """Keeps strangers, nonsense and floods out."""

    def __init__(
        self,
        peers: Sequence[IPv4Network],
        *,
        commands: bool = True,
        watchdog_s: float | None = None,
    ) -> None:
        """Let only ``peers`` in; nobody, if there are none.

        Without ``commands`` they may not command, as what is offered to them all may be
        commanded by others. After ``watchdog_s`` without life their commands are given
        up; None: as the gateway has it.
        """
        self.commands = commands
        self.watchdog_s = watchdog_s
        self._peers = tuple(peers)
        self._tokens: dict[tuple[str, str], tuple[float, float]] = {}
        """Of each peer and point: changes that may still come, and when that was so.

        The latest is last.
        """

    def admits(self, address: str) -> bool:
        """Whether a peer, by its IP address, may talk to us."""
        try:
            parsed = IPv4Address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._peers)

    def check(self, point: OfferedPoint, value: object, priority: int) -> Value:
        """Return the value as the point has it; raises RefusedError."""
        if not (point.is_heartbeat or (point.is_command and self.commands)):
            raise RefusedError(Refusal.NOT_WRITABLE, point.point_id)
        if not 1 <= priority <= PRIORITIES or priority == MINIMUM_TIMES:
            raise RefusedError(Refusal.WRONG_PRIORITY, point.point_id)
        return _checked(point, value)

    def spend(self, points: Iterable[OfferedPoint], peer: str, now: float) -> None:
        """Count changes by a peer, one for each; raises RefusedError for too many.

        None of the peers can use up what the others may do.
        """
        self._forget(now)
        spent: dict[tuple[str, str], tuple[float, float]] = {}
        for point in points:
            key = peer, point.point_id
            left, at = spent.get(key) or self._tokens.get(key, (BURST, now))
            left = min(left + max(now - at, 0.0) * PER_S, BURST)
            spent[key] = left - 1, now
            is_new = key not in self._tokens
            if left < 1 or (is_new and len(self._tokens) + len(spent) > MOST_COUNTED):
                raise RefusedError(Refusal.TOO_OFTEN, point.point_id)
        for key in spent:
            self._tokens.pop(key, None)
        self._tokens |= spent

    def _forget(self, now: float) -> None:
        """Drop those that have been left alone until they are full again."""
        while self._tokens:
            key = next(iter(self._tokens))
            _, at = self._tokens[key]
            if now - at < BURST / PER_S:
                break
            del self._tokens[key]


def _checked(point: OfferedPoint, value: object) -> Value:
    if point.kind is OfferedKind.BINARY:
        if isinstance(value, bool):
            return value
        # Servers know the numbers of its two states; any other is none of them.
        is_number = isinstance(value, int | float)
        refusal = Refusal.OUT_OF_RANGE if is_number else Refusal.WRONG_TYPE
        raise RefusedError(refusal, point.point_id)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RefusedError(Refusal.WRONG_TYPE, point.point_id)
    try:
        number = float(value)
    except OverflowError:
        raise RefusedError(Refusal.OUT_OF_RANGE, point.point_id) from None
    if point.kind is OfferedKind.MULTISTATE:
        fits = number.is_integer() and 1 <= number <= len(point.states)
    else:
        fits = isfinite(number)
        if point.minimum is not None:
            fits = fits and number >= point.minimum
        if point.maximum is not None:
            fits = fits and number <= point.maximum
    if not fits:
        raise RefusedError(Refusal.OUT_OF_RANGE, point.point_id)
    return number

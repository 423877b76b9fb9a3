"""Server-sent events: what happens in the rack goes to every open stream."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
import secrets
from typing import Final

from .messages import Json, RedfishError, message

STREAM_LIMIT: Final = 10
_QUEUE_LIMIT: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One open stream. ``None`` in its queue ends it."""

    id: str
    context: str
    queue: asyncio.Queue[tuple[int, Json] | None] = field(
        default_factory=lambda: asyncio.Queue(_QUEUE_LIMIT)
    )


class EventBroker:
    """Numbers events and hands them to all streams."""

    def __init__(self) -> None:
        self._subscriptions: dict[str, Subscription] = {}
        self._number = 0

    def open(self) -> Subscription:
        """Open a stream; raises RedfishError 503 when there are too many."""
        if len(self._subscriptions) >= STREAM_LIMIT:
            raise RedfishError(503, message("EventSubscriptionLimitExceeded"))
        subscription = Subscription(
            id=secrets.token_hex(6), context=secrets.token_hex(8)
        )
        self._subscriptions[subscription.id] = subscription
        return subscription

    def get(self, subscription_id: str) -> Subscription | None:
        """Find an open stream."""
        return self._subscriptions.get(subscription_id)

    def ids(self) -> list[str]:
        """Ids of all open streams."""
        return list(self._subscriptions)

    def close(self, subscription_id: str) -> None:
        """End a stream; the client sees the connection close."""
        subscription = self._subscriptions.pop(subscription_id, None)
        if subscription is None:
            return
        if subscription.queue.full():
            subscription.queue.get_nowait()
        subscription.queue.put_nowait(None)

    def close_all(self) -> None:
        """End all streams."""
        for subscription_id in self.ids():
            self.close(subscription_id)

    def publish(self, build: Callable[[str], Json]) -> None:
        """Send the Event that ``build`` makes from its number.

        A client that does not read its events loses the stream, not the others.
        """
        self._number += 1
        event = build(str(self._number))
        for subscription in list(self._subscriptions.values()):
            if subscription.queue.full():
                self.close(subscription.id)
            else:
                subscription.queue.put_nowait((self._number, event))

"""One client's stream of server-sent events."""

import asyncio
import json
from typing import Final

from aiohttp import web

from .events import EventBroker

_KEEP_ALIVE_S: Final = 15.0
_WRITE_TIMEOUT_S: Final = 10.0


async def stream_events(
    request: web.Request, events: EventBroker
) -> web.StreamResponse:
    """Send events until the client leaves or its subscription is deleted."""
    subscription = events.open()
    try:
        response = web.StreamResponse(
            headers={
                "Content-Type": "text/event-stream",
                "Cache-Control": "no-store",
                "OData-Version": "4.0",
            }
        )
        await response.prepare(request)
        # A first comment tells the client that the stream is open.
        text = ":\n\n"
        while True:
            async with asyncio.timeout(_WRITE_TIMEOUT_S):
                await response.write(text.encode())
            try:
                async with asyncio.timeout(_KEEP_ALIVE_S):
                    item = await subscription.queue.get()
            except TimeoutError:
                text = ":\n\n"
                continue
            if item is None:
                break
            number, event = item
            text = f"id: {number}\ndata: {json.dumps(event)}\n\n"
        await response.write_eof()
    except ConnectionError, TimeoutError:
        pass
    finally:
        events.close(subscription.id)
    return response

"""Server-sent events of a Redfish service, used only to look sooner."""

import asyncio
from collections.abc import AsyncGenerator, Callable
import logging

import aiohttp

from .model import HeaterError
from .redfish_client import RedfishClient

_LOGGER = logging.getLogger(__name__)

SILENCE_S = 600.0
"""A stream that says nothing for so long is opened anew: its peer may be gone."""
FIRST_PAUSE_S = 2.0
LONGEST_PAUSE_S = 300.0
_ENOUGH = 16


async def follow_events(
    client: RedfishClient, uri: str, on_event: Callable[[], None]
) -> None:
    """Call ``on_event`` after each event, and after each (re)connection; never returns.

    What happened is not read from the event: the next poll sees it.
    """
    pause = FIRST_PAUSE_S
    while True:
        try:
            async with client.stream(uri, SILENCE_S) as stream:
                on_event()
                pause = FIRST_PAUSE_S
                async for _ in _events(stream):
                    on_event()
        except HeaterError as err:
            _LOGGER.debug("Event stream of %s: %s", client.transport.origin, err)
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_S)


async def _events(stream: aiohttp.StreamReader) -> AsyncGenerator[None]:
    """Yield at the end of each event that carries data."""
    tail, has_data = b"", False
    async for chunk in stream.iter_any():
        *lines, tail = (tail + chunk).split(b"\n")
        tail = tail[:_ENOUGH]  # a line may be endless, its beginning tells all
        for line in lines:
            has_data |= line.startswith(b"data:")
            if has_data and not line.strip():
                has_data = False
                yield

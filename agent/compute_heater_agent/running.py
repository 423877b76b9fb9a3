"""Lets an agent run until somebody or something ends it."""

import asyncio
from collections.abc import Callable
import signal

from .serving import RunningAgent


async def serve_until_signal(agent: RunningAgent, started: Callable[[], None]) -> None:
    """Call ``started``, then wait for SIGTERM, SIGINT or a part that fails."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    started()
    waiting = asyncio.create_task(stop.wait())
    failing = asyncio.create_task(agent.failed())
    try:
        await asyncio.wait((waiting, failing), return_when=asyncio.FIRST_COMPLETED)
        if failing.done():
            failing.result()
    finally:
        waiting.cancel()
        failing.cancel()

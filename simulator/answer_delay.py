"""The time that a device takes for an answer."""

import asyncio

MOST_S = 2.0
"""A client that gives up after 3 s still hears of it."""


class AnswerDelay:
    """Holds each request back by itself, so that others are not held up by it."""

    def __init__(self, delay_s: float) -> None:
        self._delay_s = delay_s
        self._held: set[asyncio.Task[object]] = set()

    async def hold(self) -> None:
        """Wait with the answer of the task that calls."""
        task = asyncio.current_task()
        if not self._delay_s or task is None:
            return
        self._held.add(task)
        try:
            await asyncio.sleep(self._delay_s)
        finally:
            self._held.discard(task)

    async def stop(self) -> None:
        """Give up every answer that is held back."""
        held = list(self._held)
        for task in held:
            task.cancel()
        await asyncio.gather(*held, return_exceptions=True)

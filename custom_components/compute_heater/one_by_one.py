"""Work through many things without holding the event loop up."""

import asyncio
from collections.abc import AsyncIterator, Iterable


async def one_by_one[T](items: Iterable[T]) -> AsyncIterator[T]:
    """Yield ``items``, as they are at first, and let others have the loop after each."""
    for item in list(items):
        yield item
        await asyncio.sleep(0)

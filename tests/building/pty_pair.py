"""A serial line without a serial port: what goes in at one end comes out at the other.

Pseudo terminals know no parity: both sides must use none.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
import os
import tty
from typing import Self


class Line:
    """Two serial ports that are connected."""

    def __init__(self) -> None:
        self.is_cut = False
        """Nothing gets through."""
        self._ends = [os.openpty() for _ in range(2)]
        self.ports = tuple(os.ttyname(port) for _, port in self._ends)

    def __enter__(self) -> Self:
        loop = asyncio.get_running_loop()
        (left, _), (right, _) = self._ends
        for end, port in self._ends:
            tty.setraw(port)
            os.set_blocking(end, False)
        loop.add_reader(left, self._carry, left, right)
        loop.add_reader(right, self._carry, right, left)
        return self

    def __exit__(self, *_: object) -> None:
        loop = asyncio.get_running_loop()
        for end, port in self._ends:
            loop.remove_reader(end)
            os.close(end)
            os.close(port)

    def _carry(self, source: int, target: int) -> None:
        with suppress(BlockingIOError):
            content = os.read(source, 4096)
            if not self.is_cut:
                os.write(target, content)


@contextmanager
def serial_line() -> Iterator[Line]:
    """Connect two serial ports until the block ends."""
    with Line() as line:
        yield line


@asynccontextmanager
async def converter(device: str) -> AsyncIterator[int]:
    """Show a serial port as a TCP port, as a plain converter does; yields the latter."""
    loop = asyncio.get_running_loop()
    port = os.open(device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)

    async def handle(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        loop.add_reader(port, lambda: writer.write(os.read(port, 4096)))
        try:
            while content := await reader.read(4096):
                os.write(port, content)
        finally:
            loop.remove_reader(port)
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        server.close_clients()
        await server.wait_closed()
        os.close(port)

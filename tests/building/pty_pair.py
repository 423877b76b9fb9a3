"""A serial line without a serial port: what goes in at one end comes out at the other.

Pseudo terminals know no parity: both sides must use none.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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

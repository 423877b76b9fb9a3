"""A Modbus client that sends whatever it is told to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
import struct
from typing import Self

MBAP = struct.Struct(">HHHB")
LIMIT_S = 20.0


class RawClient:
    """One connection; requests and responses are PDUs."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.reader, self.writer = reader, writer
        self._transaction = 0

    @classmethod
    async def open(cls, port: int, peer: str = "127.0.0.1") -> Self:
        async with asyncio.timeout(LIMIT_S):
            return cls(
                *await asyncio.open_connection("127.0.0.1", port, local_addr=(peer, 0))
            )

    async def ask(self, request: bytes, unit: int = 1) -> bytes:
        """Return the response; raises EOFError where the connection is closed instead."""
        self._transaction = (self._transaction + 1) % 0x10000
        self.send(request, unit)
        async with asyncio.timeout(LIMIT_S):
            header = await self.reader.readexactly(MBAP.size)
            transaction, protocol, length, answering = MBAP.unpack(header)
            assert (transaction, protocol, answering) == (self._transaction, 0, unit)
            return await self.reader.readexactly(length - 1)

    def send(self, request: bytes, unit: int = 1) -> None:
        header = MBAP.pack(self._transaction, 0, len(request) + 1, unit)
        self.writer.write(header + request)

    def finish(self) -> None:
        """Send no more, if the server has not closed already."""
        with suppress(OSError):
            self.writer.write_eof()

    async def ended(self) -> bytes:
        """Wait until the server closes; return what it still sent."""
        rest = b""
        async with asyncio.timeout(LIMIT_S):
            try:
                while data := await self.reader.read(4096):
                    rest += data
            except ConnectionError:
                pass
        return rest

    async def read(self, function: int, address: int, count: int) -> list[int]:
        response = await self.ask(struct.pack(">BHH", function, address, count))
        assert response[:2] == bytes([function, 2 * count]), response.hex()
        return list(struct.unpack(f">{count}H", response[2:]))

    async def write(self, address: int, *words: int) -> int:
        """Write registers; return 0, or the exception's code."""
        if len(words) == 1:
            request = struct.pack(">BHH", 6, address, words[0])
            expected = request
        else:
            expected = struct.pack(">BHH", 16, address, len(words))
            request = expected + struct.pack(f">B{len(words)}H", 2 * len(words), *words)
        response = await self.ask(request)
        if response == expected:
            return 0
        assert response[0] == request[0] | 0x80, response.hex()
        assert len(response) == 2
        return response[1]

    def close(self) -> None:
        self.writer.transport.abort()


@asynccontextmanager
async def client(port: int, peer: str = "127.0.0.1") -> AsyncIterator[RawClient]:
    """Connect as a peer."""
    opened = await RawClient.open(port, peer)
    try:
        yield opened
    finally:
        opened.close()

"""A UDP peer that sends whatever bytes a test wants and hears what comes back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

UNICAST, FORWARDED, BROADCAST = 0x0A, 0x04, 0x0B
DIRECT = b"\x01\x04"
"""Header of the network layer: an answer is expected."""


class RawController(asyncio.DatagramProtocol):
    """Keeps all datagrams that it gets."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self._changed = asyncio.Event()
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.heard.append(data)
        self._changed.set()

    def send_raw(self, datagram: bytes, to: str) -> None:
        host, port = to.split(":")
        assert self._transport is not None
        self._transport.sendto(datagram, (host, int(port)))

    def send(
        self,
        apdu: bytes,
        to: str,
        *,
        function: int = UNICAST,
        network: bytes = DIRECT,
        origin: bytes = b"",
    ) -> None:
        """Send an APDU in what the lower layers put around it."""
        body = origin + network + apdu
        head = b"\x81" + bytes([function]) + (len(body) + 4).to_bytes(2)
        self.send_raw(head + body, to)

    async def answer(self, invoke_id: int) -> bytes:
        """Wait for the APDU that answers a request."""
        async with asyncio.timeout(10):
            while True:
                for datagram in self.heard:
                    apdu = datagram[6:]
                    if len(apdu) > 1 and apdu[0] >> 4 > 1 and apdu[1] == invoke_id:
                        return apdu
                self._changed.clear()
                await self._changed.wait()


@asynccontextmanager
async def raw_controller(ip: str) -> AsyncIterator[RawController]:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(
        RawController, local_addr=(ip, 0)
    )
    yield protocol
    transport.close()


def request(invoke_id: int, service: int, content: bytes, kind: int = 0x02) -> bytes:
    """Put the header of a confirmed request before its content."""
    return bytes([kind, 0x75, invoke_id, service]) + content

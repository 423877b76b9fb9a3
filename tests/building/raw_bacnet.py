"""A UDP peer that answers BACnet requests with whatever bytes a test wants."""

import asyncio
from collections.abc import Callable

type Answer = Callable[[int, int, bytes], bytes | None]
"""Takes invoke id, service and its content; returns an APDU, None = silence."""

CONFIRMED = 0
COMPLEX_ACK = 0x30
SIMPLE_ACK = 0x20
ERROR = 0x50
REJECT = 0x60
ABORT_BY_SERVER = 0x71


def ack(
    invoke: int, number: int, value: bytes, instance: int = 9, kind: int = 8
) -> bytes:
    """Answer ReadProperty with one encoded value, of a device if nothing is said."""
    target = b"\x0c" + (kind << 22 | instance).to_bytes(4)
    head = bytes([COMPLEX_ACK, invoke, 12]) + target
    return head + bytes([0x19, number, 0x3E]) + value + b"\x3f"


def device_id_ack(invoke: int, instance: int) -> bytes:
    """Answer "which device are you", ReadProperty of object-identifier."""
    return ack(invoke, 75, b"\xc4" + (8 << 22 | instance).to_bytes(4), instance)


def as_device(instance: int, answer: Answer) -> Answer:
    """Tell property by property who it is, and leave all else to ``answer``."""

    def answered(invoke: int, service: int, content: bytes) -> bytes | None:
        match content[-2:] if service == 12 else b"":
            case b"\x19\x4b":
                return device_id_ack(invoke, instance)
            case b"\x19\x3e":
                return ack(invoke, 62, b"\x22\x01\xe0", instance)
            case b"\x19\x6b":
                return ack(invoke, 107, b"\x91\x03", instance)
        return answer(invoke, service, content)

    return answered


class RawPeer(asyncio.DatagramProtocol):
    """Unpacks unsegmented confirmed requests; ``sent`` counts all datagrams."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.sent = 0
        self._transport: asyncio.DatagramTransport | None = None

    async def start(self) -> str:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=("127.0.0.1", 0)
        )
        host, port = self._transport.get_extra_info("sockname")
        return f"{host}:{port}"

    def stop(self) -> None:
        assert self._transport is not None
        self._transport.close()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        # BVLC 4 bytes, NPDU 2 bytes, then type, sizes, invoke id and service.
        apdu = data[6:]
        if not apdu or apdu[0] >> 4 != CONFIRMED:
            return
        reply = self.answer(apdu[2], apdu[3], apdu[4:])
        if reply is not None:
            self.send(reply, addr)

    def send(self, apdu: bytes, addr: tuple[str, int]) -> None:
        assert self._transport is not None
        self.sent += 1
        body = b"\x01\x00" + apdu
        self._transport.sendto(b"\x81\x0a" + (len(body) + 4).to_bytes(2) + body, addr)

    def send_raw(self, datagram: bytes, addr: tuple[str, int]) -> None:
        assert self._transport is not None
        self._transport.sendto(datagram, addr)


class RawBbmd(asyncio.DatagramProtocol):
    """A BBMD that registers foreign devices, or does not; forwards nothing."""

    def __init__(self) -> None:
        self.code: int | None = 0
        """Answer to a registration; None = silence."""
        self.refuses_broadcasts = False
        self.registrations = 0
        self.answered: int | None = None
        """The code that was answered last."""
        self.ttl_s: int | None = None
        self.address = ""
        self._changed = asyncio.Event()
        self._transport: asyncio.DatagramTransport | None = None

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=("127.0.0.1", 0)
        )
        host, port = self._transport.get_extra_info("sockname")
        self.address = f"{host}:{port}"

    def stop(self) -> None:
        assert self._transport is not None
        self._transport.close()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    def send_result(self, code: int, addr: tuple[str, int]) -> None:
        assert self._transport is not None
        self._transport.sendto(b"\x81\x00\x00\x06" + code.to_bytes(2), addr)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        match data[1]:
            case 5:
                self.registrations += 1
                self.ttl_s = int.from_bytes(data[4:6])
                if self.code is not None:
                    self.send_result(self.code, addr)
                    self.answered = self.code
                self._changed.set()
            case 9 if self.refuses_broadcasts:
                self.send_result(0x60, addr)

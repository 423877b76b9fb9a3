"""Finding Redfish services by SSDP: real datagrams on loopback."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
import socket
from typing import override

import pytest

from custom_components.compute_heater.heaters import redfish_search
from custom_components.compute_heater.heaters.redfish_search import (
    MAX_FOUND,
    FoundService,
    parse_answer,
    search,
)

UUID = "92384634-2938-2342-8820-489239905423"
USN = f"uuid:{UUID}::urn:dmtf-org:service:redfish-rest:1:15"


def reply(
    al: str = "https://192.0.2.7/redfish/v1/", usn: str = USN, **more: str
) -> bytes:
    headers = {
        "CACHE-CONTROL": "max-age=1800",
        "ST": "urn:dmtf-org:service:redfish-rest:1",
        "USN": usn,
        "AL": al,
        "EXT": "",
    } | more
    lines = [f"{name}:{value}" for name, value in headers.items()]
    return "\r\n".join(["HTTP/1.1 200 OK", *lines, "", ""]).encode()


class Responder(asyncio.DatagramProtocol):
    """Answers every question with what a test wants."""

    def __init__(self, answers: Callable[[], list[bytes]]) -> None:
        self.answers = answers
        self.questions: list[bytes] = []
        self.transport: asyncio.DatagramTransport | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.DatagramTransport)
        self.transport = transport

    @override
    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        self.questions.append(data)
        assert self.transport is not None
        for answer in self.answers():
            self.transport.sendto(answer, addr)


@asynccontextmanager
async def responder(
    monkeypatch: pytest.MonkeyPatch, *answers: bytes
) -> AsyncGenerator[Responder]:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(
        lambda: Responder(lambda: list(answers)), local_addr=("127.0.0.1", 0)
    )
    monkeypatch.setattr(redfish_search, "TARGET", transport.get_extra_info("sockname"))
    try:
        yield protocol
    finally:
        transport.close()


async def test_services_are_found_once(monkeypatch: pytest.MonkeyPatch) -> None:
    other = reply("http://bmc.local:8000/redfish/v1", "uuid:nonsense")
    async with responder(
        monkeypatch, reply(), reply("https://192.0.2.8/"), other, b"\xff\x00nonsense"
    ) as peer:
        found = await search(["127.0.0.1", "127.0.0.1"], 0.4)
    assert found == [
        FoundService(url="https://192.0.2.7", uuid=UUID),
        FoundService(url="http://bmc.local:8000", uuid=None),
    ]
    assert len(peer.questions) == redfish_search.SENDINGS, "one address asks once"
    text = peer.questions[0].decode()
    assert text.startswith("M-SEARCH * HTTP/1.1\r\n")
    assert "\r\nST: urn:dmtf-org:service:redfish-rest:1\r\n" in text
    assert '\r\nMAN: "ssdp:discover"\r\n' in text
    assert text.endswith("\r\n\r\n")


async def test_flood_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    many = [reply(f"https://192.0.2.7:{port}", usn="") for port in range(1, 200)]
    async with responder(monkeypatch, *many):
        assert len(await search(["127.0.0.1"], 0.4)) <= MAX_FOUND


async def test_nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        monkeypatch.setattr(redfish_search, "TARGET", probe.getsockname())
    assert await search(["127.0.0.1"], 0.1) == []


async def test_address_that_is_not_ours_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with responder(monkeypatch, reply()):
        assert await search(["192.0.2.1", "::1", "nonsense"], 0.1) == []
        assert len(await search(["192.0.2.1", "127.0.0.1"], 0.2)) == 1
        assert await search([], 0.1) == []


@pytest.mark.parametrize(
    ("data", "url"),
    [
        (reply(), "https://192.0.2.7"),
        (reply("<https://[2001:db8::7]/redfish/v1/>"), "https://[2001:db8::7]"),
        (reply(ST="ssdp:all"), "https://192.0.2.7"),
        (
            reply(ST="urn:dmtf-org:service:redfish-rest:1:6", usn=""),
            "https://192.0.2.7",
        ),
        (reply(ST="urn:dmtf-org:service:redfish-rest:10", usn=""), None),
        (reply(ST="upnp:rootdevice", usn="uuid:x::upnp:rootdevice"), None),
        (reply(""), None),
        (reply("ftp://192.0.2.7/"), None),
        (reply("http://[broken/"), None),
        (reply("192.0.2.7"), None),
        (reply().replace(b"200 OK", b"404 Not Found"), None),
        (b"NOTIFY * HTTP/1.1\r\n\r\n", None),
        (b"", None),
        (reply(X="y" * 5000), None),
    ],
)
def test_answers(data: bytes, url: str | None) -> None:
    service = parse_answer(data)
    assert (service.url if service else None) == url

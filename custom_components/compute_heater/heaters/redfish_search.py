"""Search the local network for Redfish services (SSDP as in DSP0266, annex on discovery).

The address of a service is in the header ``AL``, not in LOCATION as elsewhere in SSDP.
Answers are claims of whoever is in the network: nothing is sent to them from here.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
import ipaddress
import logging
import re
import socket
from typing import override

from .model import HeaterProtocolError
from .redfish_transport import service_url

_LOGGER = logging.getLogger(__name__)

SERVICE_TYPE = "urn:dmtf-org:service:redfish-rest:1"
TARGET = ("239.255.255.250", 1900)
SEARCH_S = 3.0
"""Services spread their answers over MX seconds; then it is over."""
SPREAD_S = 2
SENDINGS = 2
"""Datagrams get lost."""
MAX_FOUND = 64
MAX_DATAGRAM = 4096

_USN_UUID = re.compile(r"uuid:([0-9a-f-]{36})", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundService:
    """A service that answered; both are its own claims."""

    url: str
    uuid: str | None


async def search(
    local_addresses: Iterable[str], wait_s: float = SEARCH_S
) -> list[FoundService]:
    """Ask from each of these IPv4 addresses of ours; never raises, may be empty.

    One service is returned once, with the address that it named first.
    """
    receiver = _Receiver()
    loop = asyncio.get_running_loop()
    transports: list[asyncio.DatagramTransport] = []
    try:
        for address in dict.fromkeys(local_addresses):
            try:
                sock = _socket(address)
                transport, _ = await loop.create_datagram_endpoint(
                    lambda: receiver, sock=sock
                )
            except OSError, ValueError:
                _LOGGER.debug("No search from %s", address, exc_info=True)
                continue
            transports.append(transport)
        if not transports:
            return []
        for _ in range(SENDINGS):
            for transport in transports:
                transport.sendto(_question(), TARGET)
            await asyncio.sleep(wait_s / SENDINGS)
    finally:
        for transport in transports:
            transport.close()
    return list(receiver.found.values())


def _socket(address: str) -> socket.socket:
    """Open a socket that sends multicast by the interface of ``address``."""
    ip = ipaddress.IPv4Address(address)
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 2)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, ip.packed)
        sock.bind((address, 0))
    except OSError:
        sock.close()
        raise
    return sock


def _question() -> bytes:
    host, port = TARGET
    lines = (
        "M-SEARCH * HTTP/1.1",
        f"HOST: {host}:{port}",
        'MAN: "ssdp:discover"',
        f"MX: {SPREAD_S}",
        f"ST: {SERVICE_TYPE}",
        "",
        "",
    )
    return "\r\n".join(lines).encode()


class _Receiver(asyncio.DatagramProtocol):
    """Collects the services that answer."""

    def __init__(self) -> None:
        self.found: dict[str, FoundService] = {}

    @override
    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        service = parse_answer(data)
        if service is not None and len(self.found) < MAX_FOUND:
            self.found.setdefault(service.uuid or service.url, service)

    @override
    def error_received(self, exc: Exception) -> None:
        _LOGGER.debug("Search: %s", exc)


def parse_answer(data: bytes) -> FoundService | None:
    """Read an answer; None if it is not one of a Redfish service with an address."""
    if len(data) > MAX_DATAGRAM:
        return None
    first, *lines = data.decode("ascii", "replace").split("\r\n")
    if not re.match(r"HTTP/1\.[01] 200\b", first):
        return None
    headers = _headers(lines)
    kinds = f"{headers.get('st', '')} {headers.get('usn', '')}"
    # Minor versions follow the type after a colon.
    if not re.search(rf"{re.escape(SERVICE_TYPE)}(?![0-9])", kinds):
        return None
    address = headers.get("al", "").strip("<> ")
    if not address.lower().startswith(("http://", "https://")):
        return None
    try:
        url = str(service_url(address))
    except HeaterProtocolError:
        return None
    uuid = _USN_UUID.match(headers.get("usn", ""))
    return FoundService(url=url, uuid=uuid[1].lower() if uuid else None)


def _headers(lines: Iterable[str]) -> Mapping[str, str]:
    pairs = (line.partition(":") for line in lines)
    return {name.strip().lower(): value.strip() for name, _, value in pairs if value}

"""Announces the agent in the local network, so that nobody has to type its address.

DNS-SD (RFC 6763) over mDNS. An announcement proves nothing: who answers it checks the
UUID, and the certificate, of the service itself.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from ipaddress import ip_address
import socket
from typing import Final

import ifaddr
from zeroconf import Error, InterfaceChoice, IPVersion
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

from .errors import SettingsError

SERVICE_TYPE: Final = "_compute-heater._tcp.local."

_INSTANCE_BYTES: Final = 56
"""A label has 63; a name that is taken gets a number."""
_TEXT_BYTES: Final = 240
"""An entry has 255, its key included."""


@asynccontextmanager
async def announced(
    listener: socket.socket, *, name: str, uuid: str, tls: bool
) -> AsyncGenerator[None]:
    """Announce the service behind ``listener`` until the block ends.

    Only on the interface that it listens on. Raises SettingsError where that is
    impossible; takes about a second, to find out whether the name is free.
    """
    host, port = listener.getsockname()[:2]
    six = listener.family == socket.AF_INET6
    everywhere = ip_address(host).is_unspecified
    addresses = _addresses(six=six) if everywhere else [host]
    if not addresses:
        raise SettingsError("there is no network to announce the heater in")
    try:
        info = AsyncServiceInfo(
            SERVICE_TYPE,
            # A dot would begin another label.
            f"{_cut(name.replace('.', ' '), _INSTANCE_BYTES)}.{SERVICE_TYPE}",
            port=port,
            properties={
                "uuid": uuid,
                "name": _cut(name, _TEXT_BYTES),
                "path": "/redfish/v1/",
                "tls": "1" if tls else "0",
            },
            # Not the host's own name, which another responder may look after.
            server=f"compute-heater-{uuid}.local.",
            parsed_addresses=addresses,
        )
        responder = AsyncZeroconf(
            interfaces=InterfaceChoice.All if everywhere else [host],
            ip_version=IPVersion.V6Only if six else IPVersion.V4Only,
        )
    except (Error, OSError) as err:
        raise SettingsError(f"cannot announce the heater: {err}") from err
    try:
        try:
            sending = asyncio.ensure_future(
                await responder.async_register_service(info, allow_name_change=True)
            )
        except (Error, OSError) as err:
            raise SettingsError(f"cannot announce the heater: {err}") from err
        try:
            yield
        finally:
            sending.cancel()
    finally:
        # It withdraws what was announced.
        await responder.async_close()


def _addresses(*, six: bool) -> list[str]:
    """Where others may reach a service that listens on all interfaces."""
    found = (
        ip_address(ip.ip if isinstance(ip.ip, str) else ip.ip[0])
        for adapter in ifaddr.get_adapters()
        for ip in adapter.ips
    )
    return [
        str(address)
        for address in found
        if (address.version == 6) is six
        and not address.is_loopback
        and not address.is_link_local
    ]


def _cut(text: str, size: int) -> str:
    return text.encode()[:size].decode(errors="ignore")

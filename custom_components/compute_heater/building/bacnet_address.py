"""Addresses of BACnet devices, as users write them and as we store them."""

from ipaddress import IPv4Address as Ip

from bacpypes3.pdu import (
    Address,
    GlobalBroadcast,
    IPv4Address,
    LocalBroadcast,
    RemoteBroadcast,
)

from .points import LinkAddressError

DEFAULT_PORT = 47808


def device_address(text: str) -> Address:
    """Parse "ip", "ip:port" or "network:mac" behind a router.

    Raises LinkAddressError, also for what the library takes for a broadcast or
    ourselves.
    """
    text = text.strip()
    host, _, rest = text.partition(":")
    try:
        if "." in host:
            Ip(host)
            usable = not rest or 0 < int(rest) < 65536
        else:
            usable = _is_network(int(host))
        parsed = Address(text)
    except ValueError as err:
        raise LinkAddressError(f"{text!r} is not a BACnet address") from err
    is_ip = parsed.is_localstation and "." in host
    if not usable or not (is_ip or parsed.is_remotestation):
        raise LinkAddressError(f"{text!r} is not the address of one device")
    return parsed


def search_address(target: str | None) -> Address:
    """Parse where to search.

    None is the local network, "*" all networks, "12" the network of this number, and
    any other the address of one device. Raises LinkAddressError.
    """
    if target is None:
        return LocalBroadcast()
    match target.strip():
        case "*":
            return GlobalBroadcast()
        case number if number.isascii() and number.isdigit():
            if not _is_network(int(number)):
                raise LinkAddressError(f"{number} is not the number of a network")
            return RemoteBroadcast(int(number))
        case address:
            return device_address(address)


def bbmd_address(text: str) -> IPv4Address:
    """Parse "ip" or "ip:port"; raises LinkAddressError."""
    parsed = device_address(text)
    if not parsed.is_localstation:
        raise LinkAddressError(f"{text!r} is not an IP address")
    return IPv4Address(address_text(parsed))


def address_text(address: Address) -> str:
    """Write "ip:port" or "network:mac", the same text for the same device."""
    text = str(address)
    if address.is_localstation and ":" not in text:
        return f"{text}:{DEFAULT_PORT}"
    return text


def _is_network(number: int) -> bool:
    return 0 < number < 65535

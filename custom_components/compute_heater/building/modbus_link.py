"""How a Modbus device is reached."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, Self, cast

from modbus_connection import (
    ModbusSerialParams,
    ModbusTcpParams,
    ModbusTlsParams,
    ModbusUdpParams,
)

from .point_fields import Fields
from .points import LinkAddressError, PointConfigError

type ModbusParams = (
    ModbusTcpParams | ModbusUdpParams | ModbusTlsParams | ModbusSerialParams
)

PORT = 502
TLS_PORT = 802
_SOCKET_BAUDRATE = 115200
"""A socket has no line speed; this one gives the shortest pause between frames."""


class Transport(StrEnum):
    """What carries the requests."""

    TCP = "tcp"
    RTU_OVER_TCP = "rtu_over_tcp"
    """A serial line behind a plain converter: its frames, unchanged, in TCP."""
    SERIAL = "serial"
    UDP = "udp"
    TLS = "tls"


class Parity(StrEnum):
    """Parity of a serial line."""

    NONE = "n"
    EVEN = "e"
    ODD = "o"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSettings:
    """A device's address; ``host`` or, on a serial line, ``device`` is set."""

    transport: Transport = Transport.TCP
    host: str | None = None
    port: int = PORT
    device: str | None = None
    """Path of the serial port."""
    baudrate: int = 9600
    bytesize: int = 8
    parity: Parity = Parity.NONE
    stopbits: int = 1
    verify: bool = True
    """Whether the device's certificate must be trusted."""
    check_hostname: bool = True
    """Whether its certificate must name ``host``."""
    ca_file: str | None = None
    """Path of the authority's certificate; None = the system's authorities."""
    client_cert: str | None = None
    client_key: str | None = None
    unit_id: int = 1

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """From stored or typed settings; what is no setting of a link is ignored.

        Raises PointConfigError, and LinkAddressError for a host that cannot be one.
        """
        fields = Fields({name: data[name] for name in _NAMES if name in data})
        transport = fields.choice("transport", Transport, Transport.TCP)
        serial = transport is Transport.SERIAL
        host, device = fields.text("host"), fields.text("device")
        if (device if serial else host) is None:
            raise PointConfigError("device" if serial else "host", "is missing")
        if host is not None and not serial:
            _check_host(host)
        settings = cls(
            transport=transport,
            host=None if serial else host,
            port=fields.whole(
                "port", 1, 65535, TLS_PORT if transport is Transport.TLS else PORT
            ),
            device=device if serial else None,
            baudrate=fields.whole("baudrate", 300, 4_000_000, 9600),
            bytesize=fields.whole("bytesize", 7, 8, 8),
            parity=fields.choice("parity", Parity, Parity.NONE),
            stopbits=fields.whole("stopbits", 1, 2, 1),
            verify=_flag(fields, data, "verify"),
            check_hostname=_flag(fields, data, "check_hostname"),
            ca_file=fields.text("ca_file"),
            client_cert=fields.text("client_cert"),
            client_key=fields.text("client_key"),
            unit_id=fields.whole("unit_id", 0, 255, 1),
        )
        if (settings.client_cert is None) is not (settings.client_key is None):
            missing = "client_key" if settings.client_cert else "client_cert"
            raise PointConfigError(missing, "certificate and key go together")
        return settings

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types: what this transport needs, and no more."""
        return {
            name: value.value if isinstance(value, StrEnum) else value
            for name in ("transport", *_USED[self.transport], "unit_id")
            if (value := getattr(self, name)) is not None
        }

    @property
    def params(self) -> ModbusParams:
        """Settings as Home Assistant's shared connection takes them."""
        host = self.host or ""
        match self.transport:
            case Transport.TCP:
                return ModbusTcpParams(host=host, port=self.port)
            case Transport.UDP:
                return ModbusUdpParams(host=host, port=self.port)
            case Transport.TLS:
                return ModbusTlsParams(
                    host=host,
                    port=self.port,
                    verify=self.ca_file or True if self.verify else False,
                    check_hostname=self.check_hostname,
                    client_cert=self.client_cert,
                    client_key=self.client_key,
                )
            case Transport.RTU_OVER_TCP:
                return ModbusSerialParams(
                    device=f"socket://{self._socket}", baudrate=_SOCKET_BAUDRATE
                )
            case Transport.SERIAL:
                return ModbusSerialParams(
                    device=self.device or "",
                    baudrate=self.baudrate,
                    bytesize=cast(Literal[7, 8], self.bytesize),
                    parity=cast(Literal["N", "E", "O"], self.parity.upper()),
                    stopbits=cast(Literal[1, 2], self.stopbits),
                )

    @property
    def endpoint_text(self) -> str:
        """The device's address as a person writes it, the same for the same device."""
        match self.transport:
            case Transport.SERIAL:
                return self.device or ""
            case Transport.UDP:
                return f"udp://{self._socket}"
            case _:
                # However it is talked to, there is one device at a TCP port.
                return self._socket

    @property
    def _socket(self) -> str:
        host = (self.host or "").lower()
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"


def params(settings: Mapping[str, Any]) -> ModbusParams:
    """Return the connection of stored settings; raises PointConfigError, LinkAddressError."""
    return LinkSettings.from_dict(settings).params


def endpoint_text(settings: Mapping[str, Any]) -> str:
    """Return the address of stored settings; raises PointConfigError, LinkAddressError."""
    return LinkSettings.from_dict(settings).endpoint_text


_USED = {
    Transport.TCP: ("host", "port"),
    Transport.RTU_OVER_TCP: ("host", "port"),
    Transport.UDP: ("host", "port"),
    Transport.SERIAL: ("device", "baudrate", "bytesize", "parity", "stopbits"),
    Transport.TLS: (
        "host", "port", "verify", "check_hostname",
        "ca_file", "client_cert", "client_key",
    ),
}  # fmt: skip
_NAMES = ("transport", *dict.fromkeys(name for used in _USED.values() for name in used), "unit_id")  # fmt: skip


def _flag(fields: Fields, data: Mapping[str, Any], name: str) -> bool:
    """Take a truth value, True when missing."""
    return fields.flag(name) or data.get(name) is None


def _check_host(host: str) -> None:
    if any(character in host for character in "/ \t\\@[]"):
        raise LinkAddressError(f"{host} is neither a host name nor an IP address")
    if host.count(":") == 1:
        raise LinkAddressError(f"{host}: the port has a field of its own")

"""The Modbus server, over TCP or TLS, that building controllers talk to."""

import asyncio
from collections.abc import Callable
import logging
import ssl
import struct
import time

from tmodbus.const import EXCEPTION_RESPONSE_BIT, ExceptionCode

from .gateway import Gateway
from .guard import Guard
from .modbus_connections import Budget, Connections
from .modbus_requests import Client, RequestHandler
from .modbus_tls import TlsSettings, role_of, tls_context
from .priority import LOWEST
from .register_map import RegisterMap

_LOGGER = logging.getLogger(__name__)
_MBAP = struct.Struct(">HHHB")
_LONGEST_PDU = 253
_ANY_UNIT = frozenset({0, 0xFF})
"""What clients send where the IP address says already who is meant."""
IDLE_S = 600.0
FRAME_S = 5.0
"""How long a request may take to arrive once it has begun, and an answer to leave."""
HANDSHAKE_S = 10.0


class ModbusServer:
    """Offers the registers of one site at one TCP port."""

    def __init__(
        self,
        gateway: Gateway,
        guard: Guard,
        register_map: RegisterMap,
        *,
        host: str,
        port: int,
        unit_id: int = 1,
        priority: int = LOWEST,
        tls: TlsSettings | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Serve at ``host``, the IP address of one interface, once started.

        ``guard`` says who may connect; commands are written with ``priority``. With
        ``tls`` clients need a certificate, and one with a role to write. A ``port`` of 0
        takes any that is free.
        """
        self.host = host
        self._port = port
        self._units = _ANY_UNIT | {unit_id}
        self._guard = guard
        self._tls = tls
        self._clock = clock
        self._handler = RequestHandler(
            gateway,
            guard,
            register_map,
            priority=priority,
            protocol="Modbus" if tls is None else "Modbus TLS",
            clock=clock,
        )
        self._context: ssl.SSLContext | None = None
        self._server: asyncio.Server | None = None
        self._connections = Connections()
        self._budget = Budget()
        self.strangers = 0
        """How often somebody was turned away who is not allowed in."""

    @property
    def port(self) -> int:
        """The port, once started that which it is really at."""
        if self._server is None or not self._server.sockets:
            return self._port
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def peers(self) -> list[str]:
        """The address of each connection there is now."""
        return self._connections.peers

    async def start(self) -> None:
        """Begin to serve; raises OSError where the port is taken or the address is not ours.

        Unusable certificates raise ssl.SSLError, or another OSError for missing files.
        """
        if self._tls is not None:
            loop = asyncio.get_running_loop()
            self._context = await loop.run_in_executor(None, tls_context, self._tls)
        self._server = await asyncio.start_server(
            self._serve, self.host, self._port, limit=_MBAP.size + _LONGEST_PDU
        )

    async def stop(self) -> None:
        """Close the port and all connections; commands stay until they expire."""
        if (server := self._server) is None:
            return
        self._server = None
        server.close()
        await self._connections.close()
        await server.wait_closed()

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Talk to one client until it goes; nothing is awaited before TLS begins."""
        address, *_ = writer.get_extra_info("peername") or ("",)
        if self._server is None or not self._may_connect(address):
            writer.transport.abort()
            return
        with self._connections.opened(address, writer, self._clock()) as connection:
            try:
                client = await self._known(address, writer)
                while (frame := await _read_frame(reader)) is not None:
                    connection.used_at = self._clock()
                    await asyncio.sleep(self._budget.spend(address, self._clock()))
                    writer.write(self._response(*frame, client))
                    async with asyncio.timeout(FRAME_S):
                        await writer.drain()
            except (OSError, EOFError) as err:
                # TimeoutError and ssl.SSLError are OSErrors.
                _LOGGER.debug("Connection of %s ends: %r", address, err)

    def _may_connect(self, address: str) -> bool:
        if not self._guard.admits(address):
            self.strangers += 1
            _LOGGER.debug("%s is not allowed to connect", address)
            return False
        cost = 1 if self._context is None else 20
        return self._budget.spend(address, self._clock(), cost) == 0

    async def _known(self, address: str, writer: asyncio.StreamWriter) -> Client:
        if self._tls is None or self._context is None:
            return Client(address, may_write=True)
        await writer.start_tls(self._context, ssl_handshake_timeout=HANDSHAKE_S)
        certificate = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        return Client(address, may_write=role_of(certificate) in self._tls.roles)

    def _response(
        self, transaction: int, unit: int, request: bytes, client: Client
    ) -> bytes:
        if unit in self._units:
            response = self._handler.answer(request, client)
        else:
            code = ExceptionCode.GATEWAY_TARGET_DEVICE_FAILED_TO_RESPOND
            response = bytes([request[0] | EXCEPTION_RESPONSE_BIT, code])
        return _MBAP.pack(transaction, 0, len(response) + 1, unit) + response


async def _read_frame(
    reader: asyncio.StreamReader,
) -> tuple[int, int, bytes] | None:
    """Return transaction, unit and PDU of the next request; None: it is not Modbus."""
    async with asyncio.timeout(IDLE_S):
        begin = await reader.readexactly(1)
    async with asyncio.timeout(FRAME_S):
        rest = await reader.readexactly(_MBAP.size - 1)
        transaction, protocol, length, unit = _MBAP.unpack(begin + rest)
        if protocol != 0 or not 1 < length <= _LONGEST_PDU + 1:
            return None
        return transaction, unit, await reader.readexactly(length - 1)

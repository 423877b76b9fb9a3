"""A Modbus device as others build them: pymodbus on loopback."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
import struct

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from .ports import free_tcp_port

WRITABLE = {20: (0, 800), 21: (0, 0xFFFF), 22: (0, 0xFFFF), 23: (0, 0xFFFF)}
"""Holding registers that take values, with their range."""


def float_registers(value: float) -> list[int]:
    return list(struct.unpack(">HH", struct.pack(">f", value)))


class ModbusPeer:
    """Coils 0–15, discrete inputs 0–15, holding 0–99 and 110–149, input 0–9, 30–39."""

    def __init__(self) -> None:
        self.port = free_tcp_port()
        self.dead: set[int] = set()
        """Holding registers that are refused, besides the holes of the map."""
        self.code = ExcCodes.ILLEGAL_ADDRESS
        self.write_only: set[int] = set()
        """Holding registers that are refused when they are read."""
        self.frozen: set[int] = set()
        """Holding registers that acknowledge a write and keep their value."""
        self.requests: list[tuple[int, int, int]] = []
        """Function code, first address and count of every request."""
        self.gate = asyncio.Event()
        """Nothing is answered while it is not set."""
        self.gate.set()
        self._kept: dict[int, int] = {}
        self._server: ModbusTcpServer | None = None

    async def start(self) -> None:
        registers = list(range(100))
        registers[10:12] = float_registers(21.3)
        registers[12:14] = reversed(float_registers(-1.5))
        registers[14] = 0x8000
        holding = [
            SimData(0, values=registers, datatype=DataType.UINT16),
            SimData(110, values=list(range(110, 150)), datatype=DataType.UINT16),
        ]
        inputs = [
            SimData(
                0, values=[0xFFFF - n for n in range(10)], datatype=DataType.UINT16
            ),
            SimData(30, values=[7] * 10, datatype=DataType.UINT16),
        ]
        bits = [n % 3 == 0 for n in range(16)]
        device = SimDevice(
            1,
            simdata=(
                [SimData(0, values=bits, datatype=DataType.BITS)],
                [SimData(0, values=bits, datatype=DataType.BITS)],
                holding,
                inputs,
            ),
            action=self._action,
        )
        self._server = ModbusTcpServer(device, address=("127.0.0.1", self.port))
        await self._server.serve_forever(background=True)

    async def stop(self) -> None:
        if self._server is not None:
            with suppress(asyncio.CancelledError):
                await self._server.shutdown()
            self._server = None

    async def _action(
        self,
        function: int,
        start: int,
        address: int,
        count: int,
        current: list[int],
        new: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        self.requests.append((function, address, count))
        await self.gate.wait()
        touched = range(address, address + count)
        if function in (3, 6, 16) and self.dead.intersection(touched):
            return self.code
        if function == 3 and self.write_only.intersection(touched):
            return ExcCodes.ILLEGAL_ADDRESS
        if function in (6, 16) and new is not None:
            for register, value in zip(touched, new, strict=False):
                if register not in WRITABLE:
                    return ExcCodes.ILLEGAL_ADDRESS
                low, high = WRITABLE[register]
                if not low <= int(value) <= high:
                    return ExcCodes.ILLEGAL_VALUE
                if register in self.frozen:
                    self._kept.setdefault(register, current[register - start])
        if function == 3:
            for register in self._kept.keys() & set(touched):
                current[register - start] = self._kept[register]
        return None


class Cut(bytes):
    """An answer after which the connection breaks."""


type Answer = Callable[[bytes], Awaitable[bytes | None]]


@asynccontextmanager
async def serve_raw(answer: Answer) -> AsyncIterator[int]:
    """Answer each frame with what ``answer`` makes of it; yields the TCP port."""

    async def handle(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            while header := await reader.readexactly(6):
                (length,) = struct.unpack(">H", header[4:])
                reply = await answer(header + await reader.readexactly(length))
                if reply is None:
                    break
                writer.write(reply)
                await writer.drain()
                if isinstance(reply, Cut):
                    break
        except asyncio.IncompleteReadError, ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        server.close_clients()
        await server.wait_closed()

"""A Modbus server with exactly the registers that a test gives it: pymodbus."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import groupby

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from custom_components.compute_heater.building.modbus_point import Space

from .ports import free_tcp_port

type Register = tuple[int, Space, int]
"""Unit, table, wire address."""
_TABLES = (Space.COIL, Space.DISCRETE, Space.HOLDING, Space.INPUT)
_UNUSED = 65535
_UNIT = 6
"""Where a frame names its unit."""
_HEADER = 9
"""Bytes of a frame before the registers."""


@dataclass(frozen=True)
class Request:
    """What the server was asked."""

    unit: int
    function: int
    address: int
    count: int
    values: tuple[int, ...] = ()
    """What was written."""


class RegisterPeer:
    """Several units on one port; any other address is refused."""

    def __init__(self, registers: Mapping[Register, int]) -> None:
        self.port = free_tcp_port()
        self.requests: list[Request] = []
        self.silent: set[int] = set()
        """Units whose answers get lost, as behind a gateway."""
        self.longest_answer: int | None = None
        """Registers beyond which the answer gets lost, None = any number."""
        self._registers = dict(registers)
        self._server: ModbusTcpServer | None = None

    async def start(self) -> None:
        units = sorted({unit for unit, _, _ in self._registers})
        self._server = ModbusTcpServer(
            [self._device(unit) for unit in units],
            address=("127.0.0.1", self.port),
            trace_packet=self._trace,
        )
        await self._server.serve_forever(background=True)

    async def stop(self) -> None:
        if self._server is not None:
            with suppress(asyncio.CancelledError):
                await self._server.shutdown()
            self._server = None

    @property
    def written(self) -> list[Request]:
        """Requests that wrote something."""
        return [request for request in self.requests if request.values]

    def _device(self, unit: int) -> SimDevice:
        coils, discrete, holding, inputs = (self._table(unit, one) for one in _TABLES)
        return SimDevice(
            unit,
            simdata=(coils, discrete, holding, inputs),
            action=partial(self._action, unit),
        )

    def _table(self, unit: int, space: Space) -> list[SimData]:
        """Make one entry for each run of neighbouring registers."""
        words = {
            address: word
            for (owner, table, address), word in self._registers.items()
            if owner == unit and table is space
        } or {_UNUSED: 0}
        runs = groupby(enumerate(sorted(words)), lambda place: place[1] - place[0])
        table = []
        for _, run in runs:
            addresses = [address for _, address in run]
            values = [words[address] for address in addresses]
            table.append(
                SimData(
                    addresses[0], values=list(map(bool, values)), datatype=DataType.BITS
                )
                if space.is_bits
                else SimData(addresses[0], values=values, datatype=DataType.UINT16)
            )
        return table

    def _trace(self, is_sending: bool, packet: bytes) -> bytes:
        if not is_sending or len(packet) <= _UNIT:
            return packet
        words = (len(packet) - _HEADER) // 2
        too_long = self.longest_answer is not None and words > self.longest_answer
        return b"" if too_long or packet[_UNIT] in self.silent else packet

    async def _action(
        self,
        unit: int,
        function: int,
        start: int,
        address: int,
        count: int,
        current: list[int],
        new: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        values = () if new is None else tuple(int(value) for value in new)
        self.requests.append(Request(unit, function, address, count, values))
        return None

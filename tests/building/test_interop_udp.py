"""Modbus over UDP, where datagrams get lost, against pymodbus."""

from collections.abc import AsyncIterator

from pymodbus.server import ModbusUdpServer
from pymodbus.simulator import DataType, SimData, SimDevice
import pytest

from custom_components.compute_heater.building.modbus_point import parse_points
from custom_components.compute_heater.building.points import LinkConnectionError

from .link_to import HOST, link_to
from .ports import free_udp_port

POINTS = parse_points(
    [
        {"key": "first", "space": "holding", "address": 1, "data_type": "int16"},
        {
            "key": "setpoint", "space": "holding", "address": 2, "data_type": "int16",
            "scale": 0.1, "writable": True, "minimum": 10, "maximum": 80,
        },
    ]
)  # fmt: skip


class Peer:
    """Loses answers on demand."""

    def __init__(self) -> None:
        self.port = free_udp_port()
        self.to_lose = 0

    async def start(self) -> None:
        device = SimDevice(
            1, simdata=SimData(0, values=[5, 7, 415], datatype=DataType.UINT16)
        )
        self._server = ModbusUdpServer(
            device, address=(HOST, self.port), trace_packet=self._lose
        )
        await self._server.serve_forever(background=True)

    async def stop(self) -> None:
        await self._server.shutdown()

    def _lose(self, is_sending: bool, packet: bytes) -> bytes:
        if not is_sending or not self.to_lose:
            return packet
        self.to_lose -= 1
        return b""


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    made = Peer()
    await made.start()
    yield made
    await made.stop()


async def test_lost_answer_costs_one_update(peer: Peer) -> None:
    settings = {"transport": "udp", "port": peer.port}
    async with link_to(settings, POINTS, timeout=0.3) as device:
        assert await device.read() == {"first": 7, "setpoint": 41.5}
        peer.to_lose = 1
        with pytest.raises(LinkConnectionError):
            await device.read()
        assert await device.read() == {"first": 7, "setpoint": 41.5}
        assert await device.write(POINTS[1], 50) == 50


async def test_port_where_nobody_is() -> None:
    settings = {"transport": "udp", "port": free_udp_port()}
    async with link_to(settings, POINTS, timeout=0.3) as device:
        with pytest.raises(LinkConnectionError):
            await device.read()

"""Modbus over TLS against pymodbus, with a certificate of ours and without."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
import ssl
from typing import Any

from pymodbus.framer import FramerType
from pymodbus.server import ModbusTlsServer
from pymodbus.simulator import DataType, SimData, SimDevice
import pytest

from custom_components.compute_heater.building.modbus_point import parse_points
from custom_components.compute_heater.building.points import LinkConnectionError

from .certificates import Authority
from .link_to import HOST, link_to
from .ports import free_tcp_port

POINTS = parse_points(
    [
        {
            "key": "setpoint", "space": "holding", "address": 2, "data_type": "int16",
            "scale": 0.1, "writable": True, "minimum": 10, "maximum": 80,
        }
    ]
)  # fmt: skip
ELSEWHERE = "127.0.0.2"


class Building:
    """An authority, and devices that it has certified."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder)
        self.requests = 0
        self._running = AsyncExitStack()

    async def serve(
        self, *, address: str = HOST, clients: Authority | None = None
    ) -> dict[str, Any]:
        """Run a device; asks for a certificate of ``clients`` where given."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.authority.issue(f"device {address}", address))
        if clients is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(clients.file)
        port = free_tcp_port()
        device = SimDevice(
            1, simdata=SimData(0, values=[0, 0, 415], datatype=DataType.UINT16)
        )
        server = ModbusTlsServer(
            device,
            framer=FramerType.SOCKET,
            address=(HOST, port),
            sslctx=context,
            trace_packet=self._note,
        )
        await server.serve_forever(background=True)
        self._running.push_async_callback(server.shutdown)
        return {
            "transport": "tls",
            "port": port,
            "ca_file": str(self.authority.file),
        }

    async def stop(self) -> None:
        await self._running.aclose()

    def _note(self, _is_sending: bool, packet: bytes) -> bytes:
        self.requests += 1
        return packet


@pytest.fixture
async def building(tmp_path: Path) -> AsyncIterator[Building]:
    made = Building(tmp_path)
    yield made
    await made.stop()


async def reads(settings: dict[str, Any]) -> bool:
    async with link_to(settings, POINTS) as device:
        try:
            return await device.read() == {"setpoint": 41.5}
        except LinkConnectionError:
            return False


async def test_read_and_write(building: Building) -> None:
    async with link_to(await building.serve(), POINTS) as device:
        assert await device.read() == {"setpoint": 41.5}
        assert await device.write(POINTS[0], 50) == 50


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: {"ca_file": None},
        lambda folder: {"ca_file": str(Authority(folder, "somebody else").file)},
    ],
)
async def test_device_that_nobody_vouches_for(
    building: Building, tmp_path: Path, change: Callable[[Path], dict[str, Any]]
) -> None:
    """Nothing is asked of it, unless the user gives up verification."""
    settings = await building.serve() | change(tmp_path)
    assert not await reads(settings)
    assert building.requests == 0
    assert await reads(settings | {"verify": False})


async def test_certificate_of_another_device(building: Building) -> None:
    settings = await building.serve(address=ELSEWHERE)
    assert not await reads(settings)
    assert building.requests == 0
    assert await reads(settings | {"check_hostname": False})


async def test_device_that_wants_to_know_us(building: Building, tmp_path: Path) -> None:
    settings = await building.serve(clients=building.authority)
    assert not await reads(settings)
    strangers = Authority(tmp_path, "strangers")
    for authority, is_known in ((strangers, False), (building.authority, True)):
        certificate, key = authority.issue("client")
        ours = {"client_cert": str(certificate), "client_key": str(key)}
        assert building.requests == 0
        assert await reads(settings | ours) is is_known
    assert building.requests > 0


async def test_transport_that_was_mixed_up(building: Building) -> None:
    settings = await building.serve()
    assert not await reads(settings | {"transport": "tcp"})
    assert building.requests == 0

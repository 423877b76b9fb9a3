"""A running house and foreign clients to talk to it."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

from bac_py import Client, DeviceConfig
from pyModbusTCP.client import ModbusClient
import pytest

from simulator.ports import udp_port
from simulator.running import RunningHouse, Settings, running_house

WINTER_NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)


@pytest.fixture
async def ticking() -> AsyncIterator[RunningHouse]:
    """Run the demo house on free ports, at noon on a winter day."""
    async with running_house(Settings(start=WINTER_NOON)) as running:
        yield running


@pytest.fixture
async def running(ticking: RunningHouse) -> RunningHouse:
    """Stop its clock, so that only ``advance`` lets time pass."""
    ticking.task.cancel()
    return ticking


@pytest.fixture
async def bacnet() -> AsyncIterator[Client]:
    """Offer a BACnet client of another make than the house's stack."""
    config = DeviceConfig(
        instance_number=998,
        interface="127.0.0.1",
        port=udp_port("127.0.0.1"),
        broadcast_address="127.255.255.255",
        apdu_timeout=2000,
        apdu_retries=1,
    )
    async with Client(config) as client:
        yield client


@pytest.fixture
def modbus(ticking: RunningHouse) -> Iterator[ModbusClient]:
    """Offer a Modbus client of another make; it blocks: use asyncio.to_thread."""
    host, port = ticking.addresses.modbus.split(":")
    client = ModbusClient(host=host, port=int(port), unit_id=1, timeout=5)
    yield client
    client.close()

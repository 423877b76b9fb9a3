"""A running house and foreign clients to talk to it."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

from pyModbusTCP.client import ModbusClient
import pytest

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
def modbus(ticking: RunningHouse) -> Iterator[ModbusClient]:
    """Offer a Modbus client of another make; it blocks: use asyncio.to_thread."""
    host, port = ticking.addresses.modbus.split(":")
    client = ModbusClient(host=host, port=int(port), unit_id=1, timeout=5)
    yield client
    client.close()

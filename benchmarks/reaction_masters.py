"""Controllers of the building, of other makes than what they speak to."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bac_py import Client, DeviceConfig
from pymodbus.client import AsyncModbusTcpClient

from simulator.ports import udp_port

BACNET_MASTER, MODBUS_MASTER = "127.0.0.2", "127.0.0.1"
PRIORITY = 10


@asynccontextmanager
async def bacnet_master() -> AsyncIterator[Client]:
    """Run a BACnet client at an address of its own."""
    config = DeviceConfig(
        instance_number=990,
        interface=BACNET_MASTER,
        port=udp_port(BACNET_MASTER),
        broadcast_address="127.255.255.255",
    )
    async with Client(config) as client:
        yield client


async def write_property(
    client: Client, address: str, target: str, value: float
) -> None:
    """Command a BACnet object; raises what it is refused with."""
    await client.write(address, target, "present-value", value, priority=PRIORITY)


@asynccontextmanager
async def modbus_master(address: str) -> AsyncIterator[AsyncModbusTcpClient]:
    """Connect to a Modbus server."""
    host, _, port = address.rpartition(":")
    client = AsyncModbusTcpClient(
        host, port=int(port), source_address=(MODBUS_MASTER, 0)
    )
    if not await client.connect():
        raise RuntimeError(f"nobody answers at {address}")
    try:
        yield client
    finally:
        client.close()


async def write_register(
    client: AsyncModbusTcpClient, unit: int, address: int, raw: float
) -> None:
    """Write a holding register."""
    answer = await client.write_register(address, round(raw), device_id=unit)
    if answer.isError():
        raise RuntimeError(f"register {address} was refused: {answer}")

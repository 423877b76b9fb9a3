"""A BACnet device on loopback and a controller of another make."""

import asyncio
from collections.abc import AsyncIterator

from bac_py import Client
import pytest

from custom_components.compute_heater.building import bacnet_stack
from custom_components.compute_heater.building.bacnet_stack import BacnetStack
from custom_components.compute_heater.gateway.bacnet import BacnetDevice
from simulator.ports import udp_port

from .bacnet_site import CONTROLLER, controller, served_by
from .modbus_site import Site


@pytest.fixture
async def stack(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[BacnetStack]:
    # Make a dead peer cost 0.4 s instead of 5.
    monkeypatch.setattr(bacnet_stack, "APDU_TIMEOUT_MS", 200)
    asyncio.get_running_loop().set_debug(False)
    running = BacnetStack(f"127.0.0.1/8:{udp_port(CONTROLLER)}")
    await running.start()
    yield running
    await running.close()


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
async def device(stack: BacnetStack, site: Site) -> AsyncIterator[BacnetDevice]:
    running = served_by(stack, site)
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
async def master() -> AsyncIterator[Client]:
    async with controller(CONTROLLER) as client:
        yield client


@pytest.fixture
def at(stack: BacnetStack, device: BacnetDevice) -> str:
    """Where the device is."""
    return stack.endpoint

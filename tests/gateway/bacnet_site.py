"""The site of the Modbus tests with its BACnet device, and controllers of another make."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from bac_py import Client, DeviceConfig, decode_cov_values

from custom_components.compute_heater.building.bacnet_stack import BacnetStack
from custom_components.compute_heater.gateway.bacnet import BacnetDevice
from simulator.ports import udp_port

from .modbus_site import NUMBERS, Site

INSTANCE = 4711
NAME = "Compute heaters of the house"
CONTROLLER = "127.0.0.1"
SECOND = "127.0.0.2"
STRANGER = "127.0.0.77"


def served_by(stack: BacnetStack, site: Site, **options: Any) -> BacnetDevice:
    return BacnetDevice(
        stack,
        site.gateway,
        **{
            "instance": INSTANCE,
            "name": NAME,
            "numbers": {"site": 0, **NUMBERS},
            "clock": lambda: site.now,
            **options,
        },
    )


@asynccontextmanager
async def controller(ip: str) -> AsyncIterator[Client]:
    """Run a BACnet client of another make at an address of its own."""
    config = DeviceConfig(
        instance_number=990,
        interface=ip,
        port=udp_port(ip),
        broadcast_address="127.255.255.255",
        apdu_timeout=1000,
        apdu_retries=0,
    )
    async with Client(config) as client:
        yield client


class Reports:
    """Keeps COV reports and lets a test wait for them."""

    def __init__(self) -> None:
        self.all: list[dict[str, Any]] = []
        self._changed = asyncio.Event()

    def __call__(self, notice: Any, _source: object) -> None:
        values = decode_cov_values(notice)
        values["left"] = notice.time_remaining
        values["device"] = notice.initiating_device_identifier.instance_number
        self.all.append(values)
        self._changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def until_value(self, value: object) -> None:
        await self.until(lambda: any(one["present-value"] == value for one in self.all))


DEMAND, ENERGY, AVAILABLE = "ai,6", "ai,4", "ai,2"
COMMANDED, REASON = "bi,22", "csv,40"
HEARTBEAT, HEAT_REQUEST = "av,50", "av,60"
SUPPLY, FAULT, STATE = "ai,109", "bi,120", "msi,130"
POWER, SETPOINT, ENABLE, REQUEST = "av,161", "av,162", "bv,163", "msv,164"
TANK = "ai,207"

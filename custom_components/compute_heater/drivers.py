"""Make the drivers of heaters and links from what the flows stored."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from homeassistant.const import CONF_PASSWORD, CONF_URL, CONF_USERNAME
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.util.hass_dict import HassKey

from .building.bacnet_stack import BacnetStack, StackRegistry
from .const import CONF_FINGERPRINT, CONF_INTERFACE, CONF_LOCAL_PORT, DOMAIN
from .heaters.model import PowerDriver
from .heaters.redfish import RedfishHeater

DATA_STACKS: HassKey[StackRegistry] = HassKey(f"{DOMAIN}_bacnet_stacks")


def create_heater(hass: HomeAssistant, data: Mapping[str, Any]) -> PowerDriver:
    """Return the driver of a heater; nothing is sent yet."""
    return RedfishHeater(
        async_get_clientsession(hass),
        data[CONF_URL],
        data[CONF_USERNAME],
        data[CONF_PASSWORD],
        fingerprint=data.get(CONF_FINGERPRINT),
    )


@callback
def stacks(hass: HomeAssistant) -> StackRegistry:
    """Return the BACnet stacks that all sites and flows share."""
    return hass.data.setdefault(DATA_STACKS, StackRegistry())


def local_address(data: Mapping[str, Any]) -> str:
    """Return "ip/prefix:port" of our side of a BACnet link."""
    return f"{data[CONF_INTERFACE]}:{data[CONF_LOCAL_PORT]}"


@asynccontextmanager
async def async_borrowed_stack(
    hass: HomeAssistant, data: Mapping[str, Any]
) -> AsyncIterator[BacnetStack]:
    """Hold the stack of a local address for the context; raises LinkAddressError."""
    registry = stacks(hass)
    stack = await registry.acquire(local_address(data))
    try:
        yield stack
    finally:
        await registry.release(stack)

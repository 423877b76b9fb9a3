"""Find what a heater may be: Redfish services in the network, outlets of a unit."""

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address
from typing import Any

import probatio

from homeassistant.components import network
from homeassistant.const import CONF_PASSWORD, CONF_URL, CONF_USERNAME
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.selector import (
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
)

from ..const import CONF_FINGERPRINT, CONF_OUTLETS, LOGGER
from ..heaters.model import HeaterError
from ..heaters.redfish_client import RedfishClient
from ..heaters.redfish_outlets import Outlet, find_outlets
from ..heaters.redfish_search import FoundService, search
from .heater_form import find_heater


async def async_find_services(hass: HomeAssistant) -> list[FoundService]:
    """Return the Redfish services of the network that are not heaters of ours yet."""
    addresses = await network.async_get_enabled_source_ips(hass)
    found = await search(str(ip) for ip in addresses if isinstance(ip, IPv4Address))
    return [
        service
        for service in found
        if service.uuid is None or find_heater(hass, service.uuid) is None
    ]


def services_schema(found: Sequence[FoundService]) -> probatio.Schema:
    """Return the field in which one of them is chosen."""
    options = [service.url for service in found]
    return probatio.Schema(
        {
            probatio.Required(CONF_URL): SelectSelector(
                SelectSelectorConfig(options=options, mode=SelectSelectorMode.LIST)
            )
        }
    )


async def async_outlets(
    hass: HomeAssistant, connection: Mapping[str, Any]
) -> list[Outlet]:
    """Return the outlets that can be switched at a service; never raises."""
    client = RedfishClient(
        async_get_clientsession(hass),
        connection[CONF_URL],
        connection[CONF_USERNAME],
        connection[CONF_PASSWORD],
        connection.get(CONF_FINGERPRINT),
    )
    try:
        return await find_outlets(client)
    except HeaterError as err:
        LOGGER.debug("No outlets: %s", err)
        return []
    finally:
        await client.close()


def outlets_schema(outlets: Sequence[Outlet]) -> probatio.Schema:
    """Return the field in which the outlets of one heater are chosen."""
    options = [SelectOptionDict(value=one.path, label=one.name) for one in outlets]
    return probatio.Schema(
        {
            probatio.Required(CONF_OUTLETS): SelectSelector(
                SelectSelectorConfig(
                    options=options, multiple=True, mode=SelectSelectorMode.LIST
                )
            )
        }
    )

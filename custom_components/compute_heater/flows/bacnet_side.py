"""The fields of our own side of BACnet/IP: which network and port, and which BBMD."""

from collections.abc import Mapping
from typing import Any

import probatio

from homeassistant.components import network
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import Required
from homeassistant.helpers.field_visibility import ConditionOperator, FieldCondition
from homeassistant.helpers.selector import (
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
)

from ..building.bacnet_address import DEFAULT_PORT, address_text, bbmd_address
from ..building.points import LinkAddressError
from ..const import CONF_BBMD, CONF_BBMD_TTL, CONF_INTERFACE, CONF_LOCAL_PORT
from .link_errors import FormError
from .point_form import whole

DEFAULT_BBMD_TTL = 120

BBMD_FIELDS: dict[Any, Any] = {
    probatio.Optional(CONF_BBMD): TextSelector(),
    Required(
        CONF_BBMD_TTL,
        default=DEFAULT_BBMD_TTL,
        visible=FieldCondition(field=CONF_BBMD, operator=ConditionOperator.EXISTS),
    ): whole(30, 65535),
}


async def async_interfaces(hass: HomeAssistant) -> list[SelectOptionDict]:
    """Return the networks of this machine, the one that is used by default first."""
    adapters = await network.async_get_adapters(hass)
    adapters.sort(key=lambda adapter: not adapter["default"])
    return [
        SelectOptionDict(value=address, label=f"{adapter['name']} – {address}")
        for adapter in adapters
        for ipv4 in adapter["ipv4"]
        if (address := f"{ipv4['address']}/{ipv4['network_prefix']}")
    ]


def interface_field(interfaces: list[SelectOptionDict]) -> SelectSelector:
    """Return the field of one of this machine's networks."""
    return SelectSelector(
        SelectSelectorConfig(
            options=interfaces, custom_value=True, mode=SelectSelectorMode.DROPDOWN
        )
    )


def local_fields(interfaces: list[SelectOptionDict]) -> dict[Any, Any]:
    """Return the fields of our own side."""
    return {
        probatio.Required(CONF_INTERFACE): interface_field(interfaces),
        probatio.Required(CONF_LOCAL_PORT, default=DEFAULT_PORT): whole(1, 65535),
    }


def local_side(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is stored of our own side; raises FormError."""
    local: dict[str, Any] = {
        CONF_INTERFACE: values[CONF_INTERFACE].strip(),
        CONF_LOCAL_PORT: values[CONF_LOCAL_PORT],
    }
    if bbmd := values.get(CONF_BBMD, "").strip():
        try:
            local[CONF_BBMD] = address_text(bbmd_address(bbmd))
        except LinkAddressError as err:
            raise FormError({"base": "invalid_bbmd"}, str(err)) from err
        local[CONF_BBMD_TTL] = values.get(CONF_BBMD_TTL, DEFAULT_BBMD_TTL)
    return local

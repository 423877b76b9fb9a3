"""The action that lists what building controllers find."""

from dataclasses import asdict
from typing import Any

import probatio

from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv

from .const import CONF_DEVICE_INSTANCE, CONF_KIND, DOMAIN, GATEWAY_BACNET
from .coordinator import ComputeHeaterConfigEntry
from .gateway.bacnet_objects import bacnet_rows
from .gateway.point_list import ede, ede_state_texts, register_list
from .gateway.register_map import RegisterMap
from .gateway_site import SiteGateway
from .plan_services import ATTR_CONFIG_ENTRY_ID, called_site

SERVICE_GET_GATEWAY_POINTS = "get_gateway_points"

_SCHEMA = probatio.Schema({probatio.Optional(ATTR_CONFIG_ENTRY_ID): cv.string})


@callback
def async_register_gateway_services(hass: HomeAssistant) -> None:
    """Register the action on gateways."""
    hass.services.async_register(
        DOMAIN,
        SERVICE_GET_GATEWAY_POINTS,
        _async_get_points,
        schema=_SCHEMA,
        supports_response=SupportsResponse.ONLY,
    )


async def _async_get_points(call: ServiceCall) -> ServiceResponse:
    """Return the points by the protocols of the site's gateways."""
    entry = called_site(call)
    gateway = entry.runtime_data.gateway
    kinds = {server.subentry.data[CONF_KIND] for server in gateway.servers.values()}
    if not kinds:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="no_gateway",
            translation_placeholders={"site": entry.title},
        )
    found: dict[str, Any] = {}
    if GATEWAY_BACNET in kinds:
        found["bacnet"] = _bacnet(entry, gateway)
    if kinds - {GATEWAY_BACNET}:
        rows = RegisterMap(gateway.points, gateway.numbers).rows()
        found["modbus"] = {
            "registers": [
                {key: value for key, value in asdict(row).items() if key != "data_type"}
                | {"type": row.data_type.value}
                for row in rows
            ],
            "csv": register_list(rows),
        }
    return found


def _bacnet(entry: ComputeHeaterConfigEntry, gateway: SiteGateway) -> dict[str, Any]:
    (instance,) = (
        server.subentry.data[CONF_DEVICE_INSTANCE]
        for server in gateway.servers.values()
        if server.subentry.data[CONF_KIND] == GATEWAY_BACNET
    )
    rows = bacnet_rows(gateway.points, gateway.numbers)
    return {
        "device_instance": instance,
        "objects": [{**asdict(row), "states": list(row.states)} for row in rows],
        "ede": ede(rows, instance=instance, site=entry.title),
        "ede_state_texts": ede_state_texts(rows),
    }

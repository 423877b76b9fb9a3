"""Actions: on points of the building's controllers, and on plans."""

from datetime import timedelta
from typing import Any

import probatio

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import ATTR_ENTITY_ID
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv

from .building.point_fields import SHORTEST_LIFETIME_S
from .building.points import Point, PointKind, Value
from .const import DOMAIN
from .coordinator import Link
from .gateway_services import async_register_gateway_services
from .links import async_find_point
from .plan_services import ONE_ENTITY, async_register_plan_services

ATTR_DURATION = "duration"
ATTR_VALUE = "value"
SERVICE_RELEASE_POINT = "release_point"
SERVICE_WRITE_POINT = "write_point"

_RELEASE_SCHEMA = probatio.Schema({probatio.Required(ATTR_ENTITY_ID): ONE_ENTITY})
_WRITE_SCHEMA = _RELEASE_SCHEMA.extend(
    {
        probatio.Required(ATTR_VALUE): probatio.Any(bool, int, float, str),
        probatio.Optional(ATTR_DURATION): probatio.All(
            cv.positive_time_period,
            probatio.Range(min=timedelta(seconds=SHORTEST_LIFETIME_S)),
        ),
    }
)
_ON_OFF = {"on": True, "true": True, "off": False, "false": False}


@callback
def async_register_services(hass: HomeAssistant) -> None:
    """Register the actions that all sites share."""
    async_register_plan_services(hass)
    async_register_gateway_services(hass)
    hass.services.async_register(
        DOMAIN,
        SERVICE_WRITE_POINT,
        _async_write_point,
        schema=_WRITE_SCHEMA,
        supports_response=SupportsResponse.OPTIONAL,
    )
    hass.services.async_register(
        DOMAIN,
        SERVICE_RELEASE_POINT,
        _async_release_point,
        schema=_RELEASE_SCHEMA,
        supports_response=SupportsResponse.OPTIONAL,
    )


async def _async_write_point(call: ServiceCall) -> ServiceResponse:
    """Write a point and return what the controller made of it."""
    link, point = _point(call)
    duration: timedelta | None = call.data.get(ATTR_DURATION)
    held = await link.async_write(
        point.key,
        _value(point, call.data[ATTR_VALUE]),
        lifetime_s=None if duration is None else duration.total_seconds(),
    )
    return _response(call, link, point, held)


async def _async_release_point(call: ServiceCall) -> ServiceResponse:
    """Take our command of a point back and return what holds then."""
    link, point = _point(call)
    return _response(call, link, point, await link.async_give_up(point.key))


def _point(call: ServiceCall) -> tuple[Link, Point]:
    """Return the point behind an entity and its link."""
    entity_id = call.data[ATTR_ENTITY_ID]
    if found := async_find_point(call.hass, entity_id):
        entry, link_id, key = found
        if entry.state is not ConfigEntryState.LOADED:
            raise ServiceValidationError(
                translation_domain=DOMAIN,
                translation_key="site_not_loaded",
                translation_placeholders={"site": entry.title},
            )
        link: Link | None = entry.runtime_data.links.get(link_id)
        if link is not None and key in link.points:
            return link, link.points[key]
    raise ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key="not_a_point",
        translation_placeholders={"entity": entity_id},
    )


def _value(point: Point, given: bool | float | str) -> Value:
    """Understand what was given as a value of the point."""
    match point.kind:
        case PointKind.BINARY:
            if isinstance(given, bool):
                return given
            if (value := _ON_OFF.get(str(given).lower())) is not None:
                return value
        case PointKind.MULTISTATE if given in point.states:
            return float(point.states.index(str(given)) + 1)
        case _ if not isinstance(given, bool):
            try:
                return float(given)
            except ValueError:
                pass
    raise ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key="not_a_value",
        translation_placeholders={"point": point.name, "value": str(given)},
    )


def _response(
    call: ServiceCall, link: Link, point: Point, held: Value | None
) -> ServiceResponse:
    if not call.return_response:
        return None
    shown: Any = held
    if held is not None and point.kind is PointKind.MULTISTATE:
        number = int(held)
        if 1 <= number <= len(point.states):
            shown = point.states[number - 1]
    return {
        "value": shown,
        "unit": point.unit,
        "commanded": point.key in link.ledger.commands,
    }

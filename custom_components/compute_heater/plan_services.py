"""Actions on the plan of a site."""

from datetime import datetime, timedelta
from operator import itemgetter

import probatio

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import ATTR_ENTITY_ID, Platform
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv, entity_registry as er
from homeassistant.util import dt as dt_util

from .const import DOMAIN
from .control.plan import Block
from .control.site import Strategy
from .coordinator import ComputeHeaterConfigEntry
from .plan_view import described

ATTR_CONFIG_ENTRY_ID = "config_entry_id"
ATTR_DURATION = "duration"
ATTR_END = "end"
ATTR_HOURS = "hours"
ATTR_START = "start"
ATTR_VALUE = "value"
SERVICE_BOOST_DHW = "boost_dhw"
SERVICE_GET_PLAN = "get_plan"
SERVICE_REPLAN = "replan"
SERVICE_SET_BLOCK = "set_block"

ONE_ENTITY = probatio.All(cv.entity_ids, probatio.Length(min=1, max=1), itemgetter(0))
"""As a field or as a target, which is a list."""
_SITE_SCHEMA = probatio.Schema({probatio.Optional(ATTR_CONFIG_ENTRY_ID): cv.string})
_BOOST_SCHEMA = probatio.Schema(
    {
        probatio.Required(ATTR_ENTITY_ID): ONE_ENTITY,
        probatio.Optional(ATTR_DURATION, default=timedelta(hours=2)): probatio.All(
            cv.time_period, probatio.Range(min=timedelta(), max=timedelta(days=1))
        ),
    }
)
_BLOCK_SCHEMA = probatio.Schema(
    {
        probatio.Required(ATTR_ENTITY_ID): ONE_ENTITY,
        probatio.Required(ATTR_START): cv.datetime,
        probatio.Required(ATTR_END): cv.datetime,
        probatio.Required(ATTR_HOURS): probatio.All(
            probatio.Coerce(float), probatio.Range(min=0, max=24 * 7)
        ),
        probatio.Optional(ATTR_VALUE, default=0.0): probatio.All(
            probatio.Coerce(float), probatio.Range(min=0, max=1000)
        ),
    }
)


@callback
def async_register_plan_services(hass: HomeAssistant) -> None:
    """Register the actions on plans."""
    for name, action, schema, response in (
        (SERVICE_GET_PLAN, _async_get_plan, _SITE_SCHEMA, SupportsResponse.ONLY),
        (SERVICE_REPLAN, _async_replan, _SITE_SCHEMA, SupportsResponse.NONE),
        (SERVICE_BOOST_DHW, _async_boost_dhw, _BOOST_SCHEMA, SupportsResponse.NONE),
        (SERVICE_SET_BLOCK, _async_set_block, _BLOCK_SCHEMA, SupportsResponse.OPTIONAL),
    ):
        hass.services.async_register(
            DOMAIN, name, action, schema=schema, supports_response=response
        )


async def _async_get_plan(call: ServiceCall) -> ServiceResponse:
    """Return the plan that is followed."""
    return described(_optimising_site(call).runtime_data.site)


async def _async_replan(call: ServiceCall) -> None:
    """Make a new plan at once."""
    _optimising_site(call).runtime_data.site.replan()


async def _async_boost_dhw(call: ServiceCall) -> None:
    """Heat a hot-water tank to its set point now."""
    entry, sink_id = _part(call, Platform.WATER_HEATER)
    runtime = entry.runtime_data
    if runtime.site.strategy is Strategy.OFF:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="strategy_is_off",
            translation_placeholders={"site": entry.title},
        )
    duration: timedelta = call.data[ATTR_DURATION]
    until = dt_util.utcnow() + duration if duration else None
    runtime.site.controller.boost(sink_id, until)
    runtime.site.tick()
    await runtime.async_save()


async def _async_set_block(call: ServiceCall) -> ServiceResponse:
    """Book compute on a heater, or with 0 hours take a booking back."""
    entry, heater_id = _part(call, Platform.CLIMATE)
    runtime = entry.runtime_data
    if heater_id not in runtime.site.heaters:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="not_a_heater",
            translation_placeholders={"entity": call.data[ATTR_ENTITY_ID]},
        )
    block = Block(
        start=_utc(call.data[ATTR_START]),
        end=_utc(call.data[ATTR_END]),
        hours=call.data[ATTR_HOURS],
        value_per_kwh=call.data[ATTR_VALUE],
    )
    now = dt_util.utcnow()
    if block.end <= max(block.start, now):
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="block_is_over",
        )
    left = block.end - max(block.start, now)
    if timedelta(hours=block.hours) > left:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="block_too_long",
            translation_placeholders={"hours": f"{left / timedelta(hours=1):.2f}"},
        )
    blocks = runtime.site.controller.optimiser.blocks
    others = [
        each
        for each in blocks.get(heater_id, ())
        if (each.start, each.end) != (block.start, block.end)
    ]
    blocks[heater_id] = (*others, *([block] if block.hours else ()))
    runtime.site.tick()
    await runtime.async_save()
    if not call.return_response:
        return None
    return {
        "blocks": [
            {
                "start": each.start.isoformat(),
                "end": each.end.isoformat(),
                "hours": each.hours,
                "value": each.value_per_kwh,
            }
            for each in blocks[heater_id]
        ]
    }


def _optimising_site(call: ServiceCall) -> ComputeHeaterConfigEntry:
    """Return the site that is meant, if it plans."""
    entry = called_site(call)
    if not entry.runtime_data.site.strategy.plans:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="not_optimising",
            translation_placeholders={"site": entry.title},
        )
    return entry


def called_site(call: ServiceCall) -> ComputeHeaterConfigEntry:
    """Return the site that is named; the only one needs no name."""
    sites: list[ComputeHeaterConfigEntry] = call.hass.config_entries.async_entries(
        DOMAIN, include_ignore=False, include_disabled=False
    )
    named = call.data.get(ATTR_CONFIG_ENTRY_ID)
    found = [each for each in sites if named in (None, each.entry_id)]
    if len(found) != 1:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="which_site",
        )
    return _loaded(found[0])


def _part(
    call: ServiceCall, platform: Platform
) -> tuple[ComputeHeaterConfigEntry, str]:
    """Return the site and the subentry that an entity is of."""
    entity_id: str = call.data[ATTR_ENTITY_ID]
    entity = er.async_get(call.hass).async_get(entity_id)
    entry: ComputeHeaterConfigEntry | None = None
    if entity is not None and entity.config_entry_id is not None:
        entry = call.hass.config_entries.async_get_entry(entity.config_entry_id)
    if (
        entity is None
        or entry is None
        or entity.platform != DOMAIN
        or entity.domain != platform
        or entity.config_subentry_id is None
    ):
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="not_a_tank"
            if platform is Platform.WATER_HEATER
            else "not_a_heater",
            translation_placeholders={"entity": entity_id},
        )
    return _loaded(entry), entity.config_subentry_id


def _loaded(entry: ComputeHeaterConfigEntry) -> ComputeHeaterConfigEntry:
    if entry.state is not ConfigEntryState.LOADED:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="site_not_loaded",
            translation_placeholders={"site": entry.title},
        )
    return entry


def _utc(time: datetime) -> datetime:
    """Return a time in UTC; without a zone it is local."""
    if time.tzinfo is None:
        time = time.replace(tzinfo=dt_util.get_default_time_zone())
    return dt_util.as_utc(time)

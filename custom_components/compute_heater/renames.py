"""Follow the entities that a site relies on when their owner renames them."""

from collections.abc import Mapping
from typing import Any

from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity_registry import EventEntityRegistryUpdatedData

from .const import (
    DOMAIN,
    SUBENTRY_BACKUP,
    SUBENTRY_BRIDGE,
    SUBENTRY_HEATER,
    SUBENTRY_SINK,
)

_PARTS = (SUBENTRY_BACKUP, SUBENTRY_BRIDGE, SUBENTRY_HEATER, SUBENTRY_SINK)


@callback
def async_follow_renames(hass: HomeAssistant) -> None:
    """Put new entity ids into the options and subentries that name the old ones.

    Of all sites, whatever they are doing: a site that reloads must not miss one.
    """

    @callback
    def renamed(event: Event[EventEntityRegistryUpdatedData]) -> None:
        data = event.data
        if data["action"] != "update" or "old_entity_id" not in data:
            return
        old, new = data["old_entity_id"], data["entity_id"]
        for entry in hass.config_entries.async_entries(DOMAIN):
            # Nothing happens where nothing changed.
            hass.config_entries.async_update_entry(
                entry, options=_replaced(entry.options, old, new)
            )
            for part in tuple(entry.subentries.values()):
                if part.subentry_type not in _PARTS:
                    continue
                hass.config_entries.async_update_subentry(
                    entry, part, data=_replaced(part.data, old, new)
                )

    hass.bus.async_listen(er.EVENT_ENTITY_REGISTRY_UPDATED, renamed)


def _replaced(value: Any, old: str, new: str) -> Any:
    if isinstance(value, Mapping):
        return {key: _replaced(each, old, new) for key, each in value.items()}
    if isinstance(value, list):
        return [_replaced(each, old, new) for each in value]
    return new if value == old else value

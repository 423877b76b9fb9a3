"""Follow the entities of consumers and heaters when their owner renames them."""

from typing import Any

from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity_registry import EventEntityRegistryUpdatedData

from .const import DOMAIN, SUBENTRY_HEATER, SUBENTRY_SINK


@callback
def async_follow_renames(hass: HomeAssistant) -> None:
    """Put new entity ids into the subentries that name the old ones.

    Of all sites, whatever they are doing: a site that reloads must not miss one.
    """

    @callback
    def renamed(event: Event[EventEntityRegistryUpdatedData]) -> None:
        data = event.data
        if data["action"] != "update" or "old_entity_id" not in data:
            return
        for entry in hass.config_entries.async_entries(DOMAIN):
            for part in tuple(entry.subentries.values()):
                if part.subentry_type not in (SUBENTRY_SINK, SUBENTRY_HEATER):
                    continue
                # Nothing happens where nothing changed.
                hass.config_entries.async_update_subentry(
                    entry,
                    part,
                    data=_replaced(
                        dict(part.data), data["old_entity_id"], data["entity_id"]
                    ),
                )

    hass.bus.async_listen(er.EVENT_ENTITY_REGISTRY_UPDATED, renamed)


def _replaced(data: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    return {
        key: _replaced(value, old, new)
        if isinstance(value, dict)
        else (new if value == old else value)
        for key, value in data.items()
    }

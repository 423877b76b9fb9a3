"""Follow the entities of heat consumers when their owner renames them."""

from collections.abc import Callable
from typing import Any

from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers.entity_registry import EventEntityRegistryUpdatedData
from homeassistant.helpers.event import async_track_entity_registry_updated_event

from .coordinator import ComputeHeaterConfigEntry


@callback
def async_follow_renames(
    hass: HomeAssistant, entry: ComputeHeaterConfigEntry
) -> Callable[[], None]:
    """Put new entity ids into the subentries that name the old ones."""
    sinks = entry.runtime_data.site.sinks.values()

    @callback
    def renamed(event: Event[EventEntityRegistryUpdatedData]) -> None:
        data = event.data
        if data["action"] != "update" or "old_entity_id" not in data:
            return
        for sink in sinks:
            if data["old_entity_id"] in sink.entity_ids:
                hass.config_entries.async_update_subentry(
                    entry,
                    entry.subentries[sink.sink_id],
                    data=_replaced(
                        dict(sink.subentry.data),
                        data["old_entity_id"],
                        data["entity_id"],
                    ),
                )

    return async_track_entity_registry_updated_event(
        hass, {entity_id for sink in sinks for entity_id in sink.entity_ids}, renamed
    )


def _replaced(data: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    return {
        key: _replaced(value, old, new)
        if isinstance(value, dict)
        else (new if value == old else value)
        for key, value in data.items()
    }

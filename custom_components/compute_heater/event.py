"""Events of the gateway: what controllers write, and when one falls silent."""

from typing import override

from homeassistant.components.event import EventEntity, EventEntityDescription
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import ComputeHeaterConfigEntry
from .entity import GatewayEntity
from .gateway_events import as_event_data
from .gateway_server import KINDS, Told

PARALLEL_UPDATES = 0

COMMAND = EventEntityDescription(
    key="command", translation_key="command", event_types=[*KINDS]
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: ComputeHeaterConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the events of a site's gateways."""
    for subentry_id, server in entry.runtime_data.gateway.servers.items():
        async_add_entities(
            [CommandEvent(entry, server, COMMAND)], config_subentry_id=subentry_id
        )


class CommandEvent(GatewayEntity, EventEntity):
    """A controller has written something, or is silent."""

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        self.async_on_remove(self.server.listen(self._on_told))

    @callback
    def _on_told(self, told: Told | None) -> None:
        if told is not None:
            self._trigger_event(told.kind, as_event_data(told))
            self.async_write_ha_state()

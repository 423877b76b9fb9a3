"""The links of a site to the building's controllers."""

from collections.abc import Iterable, Mapping

from homeassistant.components.modbus.const import DATA_MODBUS_HUBS
from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er

from .bacnet_coordinator import BacnetCoordinator
from .const import DOMAIN, LOGGER, SUBENTRY_BACNET, SUBENTRY_MODBUS
from .coordinator import ComputeHeaterConfigEntry, Link
from .drivers import profile_of
from .issues import async_tell_yaml_hub
from .modbus_coordinator import ModbusCoordinator

LINKS = (SUBENTRY_BACNET, SUBENTRY_MODBUS)
"""Types of subentries that are links."""


def create_link(
    hass: HomeAssistant,
    entry: ComputeHeaterConfigEntry,
    subentry: ConfigSubentry,
    *,
    lasting: bool = True,
) -> Link:
    """Return the coordinator of a link; nothing is sent yet.

    One that is not ``lasting`` only gives commands up and is closed then.
    """
    if subentry.subentry_type == SUBENTRY_BACNET:
        link: Link = BacnetCoordinator(hass, entry, subentry)
    else:
        profile = profile_of(hass, subentry.data)
        link = ModbusCoordinator(hass, entry, subentry, profile, lasting=lasting)
    if link.problems and lasting:
        LOGGER.error("%s: points left out: %s", link.name, "; ".join(link.problems))
    return link


@callback
def async_find_point(
    hass: HomeAssistant, entity_id: str
) -> tuple[ConfigEntry, str, str] | None:
    """Return entry, link and point that an entity of ours stands for, as far as known.

    The link or the point may not exist any more, and the entry may not be loaded.
    """
    entity = er.async_get(hass).async_get(entity_id)
    if entity is None or entity.platform != DOMAIN or not entity.config_subentry_id:
        return None
    entry = hass.config_entries.async_get_entry(entity.config_entry_id or "")
    if entry is None:
        return None
    link_id = entity.config_subentry_id
    prefix = f"{entry.entry_id}_{link_id}_"
    return entry, link_id, entity.unique_id.removeprefix(prefix)


@callback
def async_adopt(
    hass: HomeAssistant, links: Mapping[str, Link], entity_ids: Iterable[str]
) -> None:
    """Stand behind commands of a life before, for points that control drives.

    A pump that was on when Home Assistant died shall not stop under a hot heater.
    """
    for entity_id in entity_ids:
        if (found := async_find_point(hass, entity_id)) is None:
            continue
        _, link_id, key = found
        if link_id in links:
            links[link_id].ledger.orphans.discard(key)


@callback
def async_check_yaml_hubs(hass: HomeAssistant, link: Link) -> None:
    """Tell when configuration.yaml has a connection of its own to the link's device."""
    if isinstance(link, ModbusCoordinator):
        hubs = hass.data.get(DATA_MODBUS_HUBS, {}).items()
        same = (name for name, hub in hubs if hub.endpoint == link.yaml_endpoint)
        async_tell_yaml_hub(hass, link.subentry, next(same, None))

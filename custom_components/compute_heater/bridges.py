"""The bridges of a site, in both directions."""

from collections.abc import Mapping
from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.core import HomeAssistant

from .bridge import Bridge
from .bridge_output import BridgeOutput
from .bridge_settings import BridgeKind, bridge_kind
from .const import SUBENTRY_BRIDGE
from .site import SiteCoordinator
from .store import Handover

type AnyBridge = Bridge | BridgeOutput


def create_bridges(
    hass: HomeAssistant,
    entry: ConfigEntry,
    site: SiteCoordinator,
    handover: Handover | None,
) -> dict[str, AnyBridge]:
    """Return the bridges by their ids; nothing is read or written yet.

    One that has not changed goes on where it was before a reload. After a restart its
    source has to tell anew what it wants.
    """
    bridges: dict[str, AnyBridge] = {}
    for subentry in entry.get_subentries_of_type(SUBENTRY_BRIDGE):
        is_output = bridge_kind(subentry) is BridgeKind.OUTPUT
        bridge = (BridgeOutput if is_output else Bridge)(hass, site, subentry)
        bridge.restore(_memory(handover, subentry))
        bridges[subentry.subentry_id] = bridge
    return bridges


def _memory(handover: Handover | None, subentry: ConfigSubentry) -> Mapping[str, Any]:
    if handover is None:
        return {}
    before = handover.subentries.get(subentry.subentry_id)
    if before is None or before.data != subentry.data:
        return {}
    memory: Mapping[str, Any] = handover.memory.get("bridges", {}).get(
        subentry.subentry_id, {}
    )
    return memory

"""What a site remembers over restarts and reloads."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, override

from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store
from homeassistant.util.hass_dict import HassKey

from .const import DOMAIN
from .gateway.gateway import Gateway

STORAGE_VERSION = 1

type Memory = dict[str, Any]


class SiteStore(Store[Memory]):
    """The file of one site."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Name the file after the config entry."""
        super().__init__(hass, STORAGE_VERSION, f"{DOMAIN}.{entry_id}")
        self._saved: Memory | None = None

    async def async_load_memory(self) -> Memory:
        """Return what was stored; empty for a new site."""
        return await self.async_load() or {}

    @override
    async def async_save(self, data: Memory) -> None:
        """Write at once, unless the file holds just that."""
        if data == self._saved:
            return
        await super().async_save(data)
        self._saved = data


@dataclass(slots=True)
class Handover:
    """What one life of a config entry leaves to the next within this run.

    A reload must not show in the plant: control goes on from ``memory`` with its ages
    intact. ``subentries`` is what was running, so that whatever is gone afterwards
    can be released.
    """

    memory: Memory
    subentries: Mapping[str, ConfigSubentry]
    """By subentry id."""
    pumps: Mapping[str, float]
    """Overrun in s of the pumps that we have on: somebody has to switch them off."""
    gateway: Gateway
    """What building controllers command, which nobody stores."""


DATA_HANDOVER: HassKey[dict[str, Handover]] = HassKey(f"{DOMAIN}_handover")
DATA_RELOADING: HassKey[set[str]] = HassKey(f"{DOMAIN}_reloading")
"""Ids of the entries whose reload has not yet looked at their subentries."""

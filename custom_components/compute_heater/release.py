"""Leave heaters and controllers to themselves: nobody watches the heat any more."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant

from .const import LOGGER, SUBENTRY_BACNET, SUBENTRY_HEATER
from .drivers import create_heater
from .heater_coordinator import HeaterCoordinator
from .link_coordinator import BacnetCoordinator, ModbusCoordinator

if TYPE_CHECKING:
    from .coordinator import ComputeHeaterConfigEntry

type Part = HeaterCoordinator | BacnetCoordinator | ModbusCoordinator

# Home Assistant gives everything together 20 s when it stops.
_TIMEOUT_S = 15.0


async def async_release(parts: Iterable[Part]) -> None:
    """Release and close running parts, each within bounded time."""

    async def release(part: Part) -> None:
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                await part.async_release()
        except TimeoutError:
            LOGGER.warning("%s: no answer while releasing it", part.name)
        finally:
            await part.async_close()

    await asyncio.gather(*(release(part) for part in parts))


async def async_release_removed(
    hass: HomeAssistant,
    entry: ComputeHeaterConfigEntry,
    before: Mapping[str, ConfigSubentry],
    memory: Mapping[str, Any],
) -> None:
    """Release what an entry had before and has no more: parts, and points of links."""
    kept = entry.subentries
    await async_release_subentries(
        hass, entry, [old for key, old in before.items() if key not in kept], memory
    )
    parts: list[Part] = []
    for key, old in before.items():
        if old.subentry_type != SUBENTRY_BACNET or key not in kept:
            continue
        link = BacnetCoordinator(hass, entry, old)
        link.restore(memory.get("links", {}).get(key, {}))
        link.commanded -= BacnetCoordinator(hass, entry, kept[key]).writable
        if link.commanded:
            parts.append(link)
    await async_release(parts)


async def async_release_subentries(
    hass: HomeAssistant,
    entry: ComputeHeaterConfigEntry,
    subentries: Iterable[ConfigSubentry],
    memory: Mapping[str, Any],
) -> None:
    """Release parts that do not run any more."""
    parts: list[Part] = []
    for subentry in subentries:
        if subentry.subentry_type == SUBENTRY_HEATER:
            driver = create_heater(hass, subentry.data)
            parts.append(HeaterCoordinator(hass, entry, subentry, driver))
        elif subentry.subentry_type == SUBENTRY_BACNET:
            link = BacnetCoordinator(hass, entry, subentry)
            link.restore(memory.get("links", {}).get(subentry.subentry_id, {}))
            if link.commanded:
                parts.append(link)
    await async_release(parts)

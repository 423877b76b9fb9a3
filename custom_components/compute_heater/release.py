"""Leave heaters and controllers to themselves: nobody watches the heat any more."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from homeassistant.config_entries import ConfigSubentry
from homeassistant.const import CONF_HOST, CONF_PORT
from homeassistant.core import HomeAssistant

from .const import (
    CONF_DEVICE_INSTANCE,
    CONF_INTERFACE,
    CONF_LOCAL_PORT,
    LOGGER,
    SUBENTRY_BACNET,
    SUBENTRY_HEATER,
)
from .drivers import create_heater
from .heater_coordinator import HeaterCoordinator
from .link_coordinator import BacnetCoordinator, ModbusCoordinator
from .pumps import async_switch_off, async_switch_off_unloaded

if TYPE_CHECKING:
    from .coordinator import ComputeHeaterConfigEntry, SiteRuntime

type Part = HeaterCoordinator | BacnetCoordinator | ModbusCoordinator

# Home Assistant gives everything together 20 s when it stops.
_TIMEOUT_S = 15.0
# A heater that does not answer must not keep the pumps on, nor our commands in force.
_PATIENCE_S = 8.0


async def async_release(
    parts: Iterable[Part], *, timeout_s: float = _TIMEOUT_S
) -> None:
    """Release and close parts, each within bounded time."""

    async def release(part: Part) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                await part.async_release()
        except TimeoutError:
            LOGGER.warning("%s: no answer while releasing it", part.name)
        finally:
            await part.async_close()

    await asyncio.gather(*(release(part) for part in parts))


async def async_release_site(hass: HomeAssistant, runtime: SiteRuntime) -> None:
    """Release a running site: its heaters, then its pumps, then its links.

    Within 15 s; what the heaters still hold has to go without an overrun.
    """
    end = hass.loop.time() + _TIMEOUT_S
    heaters = asyncio.ensure_future(async_release(runtime.heaters.values()))
    await asyncio.wait({heaters}, timeout=_PATIENCE_S)
    await async_switch_off(hass, runtime.pumps)
    left_s = end - hass.loop.time()
    await asyncio.gather(
        heaters, async_release(runtime.links.values(), timeout_s=left_s)
    )


async def async_release_unloaded(
    hass: HomeAssistant,
    entry: ComputeHeaterConfigEntry,
    memory: Mapping[str, Any],
    pumps: Mapping[str, float],
) -> None:
    """Release a site that does not run any more, in the same order."""
    parts = _stopped_parts(hass, entry, entry.subentries.values(), memory)
    await async_release(part for part in parts if isinstance(part, HeaterCoordinator))
    await async_switch_off_unloaded(hass, entry, pumps)
    await async_release(
        part for part in parts if not isinstance(part, HeaterCoordinator)
    )


def forsaken_parts(
    hass: HomeAssistant,
    entry: ComputeHeaterConfigEntry,
    before: Mapping[str, ConfigSubentry],
    memory: Mapping[str, Any],
) -> list[Part]:
    """Return what to release of an entry as it was before: parts, and points of links.

    What a link held in another controller than now is taken out of ``memory``.
    """
    kept = entry.subentries
    removed = [old for key, old in before.items() if key not in kept]
    parts = _stopped_parts(hass, entry, removed, memory)
    for key, old in before.items():
        if old.subentry_type != SUBENTRY_BACNET or key not in kept:
            continue
        new = kept[key]
        # From where we are now: two addresses cannot share a port.
        local = {name: new.data[name] for name in (CONF_INTERFACE, CONF_LOCAL_PORT)}
        data = MappingProxyType({**old.data, **local})
        link = BacnetCoordinator(hass, entry, replace(old, data=data))
        link.restore(memory.get("links", {}).get(key, {}))
        if _controller(old) == _controller(new):
            link.commanded -= BacnetCoordinator(hass, entry, new).writable
        else:
            memory.get("links", {}).pop(key, None)
        if link.commanded:
            parts.append(link)
    return parts


def _controller(link: ConfigSubentry) -> tuple[Any, ...]:
    return tuple(
        link.data[name] for name in (CONF_HOST, CONF_PORT, CONF_DEVICE_INSTANCE)
    )


def _stopped_parts(
    hass: HomeAssistant,
    entry: ComputeHeaterConfigEntry,
    subentries: Iterable[ConfigSubentry],
    memory: Mapping[str, Any],
) -> list[Part]:
    """Return parts that do not run any more and have something to release."""
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
    return parts

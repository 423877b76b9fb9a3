"""Leave heaters and controllers to themselves: nobody watches the heat any more."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant

from .const import (
    CONF_BBMD,
    CONF_BBMD_TTL,
    CONF_IDENTITY,
    CONF_INTERFACE,
    CONF_LOCAL_PORT,
    CONF_POINTS,
    CONF_PROFILE,
    LOGGER,
    SUBENTRY_BACKUP,
    SUBENTRY_HEATER,
)
from .coordinator import Link
from .drivers import create_heater
from .heater_coordinator import HeaterCoordinator
from .links import LINKS, create_link
from .pumps import async_switch_off, async_switch_off_unloaded
from .site_backup import async_release_backup

if TYPE_CHECKING:
    from .coordinator import ComputeHeaterConfigEntry, SiteRuntime

type Part = HeaterCoordinator | Link

# What of a link's data is about this machine.
_OUR_SIDE = (CONF_INTERFACE, CONF_LOCAL_PORT, CONF_BBMD, CONF_BBMD_TTL)

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

    Within 15 s; what the heaters still hold has to go without an overrun. Backups go
    first: they may be all that keeps the house warm from now on.
    """
    end = hass.loop.time() + _TIMEOUT_S
    await asyncio.gather(
        *(backup.async_release() for backup in runtime.site.backups.values())
    )
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
    await async_release_backups(hass, entry.subentries.values(), memory)
    parts = _stopped_parts(hass, entry, entry.subentries.values(), memory)
    await async_release(part for part in parts if isinstance(part, HeaterCoordinator))
    await async_switch_off_unloaded(hass, entry, pumps)
    await async_release(
        part for part in parts if not isinstance(part, HeaterCoordinator)
    )


async def async_release_backups(
    hass: HomeAssistant,
    subentries: Iterable[ConfigSubentry],
    memory: Mapping[str, Any],
) -> None:
    """Put back what we changed at backups that do not run any more."""
    await asyncio.gather(
        *(
            async_release_backup(
                hass, each, memory.get("backups", {}).get(each.subentry_id, {})
            )
            for each in subentries
            if each.subentry_type == SUBENTRY_BACKUP
        )
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
        if old.subentry_type not in LINKS or key not in kept:
            continue
        new = kept[key]
        data = {**old.data}
        # From where we are now: two addresses cannot share a port.
        data |= {name: new.data[name] for name in _OUR_SIDE if name in new.data}
        link = _stopped_link(
            hass, entry, replace(old, data=MappingProxyType(data)), memory
        )
        if _controller(old) == _controller(new):
            still = create_link(hass, entry, new, lasting=False).writable
            link.ledger = link.ledger.only(link.ledger.commands.keys() - still)
        else:
            memory.get("links", {}).pop(key, None)
        if link.ledger.commands:
            parts.append(link)
    return parts


def _controller(link: ConfigSubentry) -> dict[str, Any]:
    """Return what tells a controller, and the way to it, from others."""
    about_us = (*_OUR_SIDE, CONF_IDENTITY, CONF_POINTS, CONF_PROFILE)
    return {name: value for name, value in link.data.items() if name not in about_us}


def _stopped_link(
    hass: HomeAssistant,
    entry: ComputeHeaterConfigEntry,
    subentry: ConfigSubentry,
    memory: Mapping[str, Any],
) -> Link:
    link = create_link(hass, entry, subentry, lasting=False)
    stored = memory.get("links", {}).get(subentry.subentry_id, {})
    # Whatever it holds is to be given up, ticked for writing still or not.
    link.restore(stored, same_run=False)
    return link


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
        elif subentry.subentry_type in LINKS:
            link = _stopped_link(hass, entry, subentry, memory)
            if link.ledger.commands:
                parts.append(link)
    return parts

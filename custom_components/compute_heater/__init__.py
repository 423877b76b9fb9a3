"""Compute Heater: computers that heat a home."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from homeassistant.core import HassJob, HomeAssistant, callback
from homeassistant.helpers import (
    config_validation as cv,
    device_registry as dr,
    entity_registry as er,
)
from homeassistant.helpers.device_registry import DeviceEntryType, DeviceInfo
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.helpers.typing import ConfigType

from .bridge_output import BridgeOutput, async_release_outputs, output_targets
from .bridges import create_bridges
from .const import (
    DOMAIN,
    PLATFORMS,
    SAVE_INTERVAL,
    SUBENTRY_BACKUP,
    SUBENTRY_HEATER,
    SUBENTRY_MODBUS,
    SUBENTRY_SINK,
)
from .coordinator import ComputeHeaterConfigEntry, SiteRuntime
from .drivers import async_profiles, create_heater
from .entity import module_device_id, point_platform
from .gateway_site import SiteGateway
from .heater_coordinator import HeaterCoordinator
from .issues import (
    async_check_backup,
    async_check_certificate,
    async_check_disinfection,
    async_check_entities,
    async_check_heater,
    async_check_outlook,
    async_check_output,
    async_forget,
)
from .links import LINKS, async_adopt, async_check_yaml_hubs, create_link
from .one_by_one import one_by_one
from .pumps import async_run_down
from .release import (
    async_release,
    async_release_backups,
    async_release_site,
    async_release_unloaded,
    forsaken_parts,
)
from .renames import async_follow_renames
from .services import async_register_services
from .site import SiteCoordinator
from .store import DATA_HANDOVER, DATA_RELOADING, Handover, Memory, SiteStore

# What answers later than this goes on in the background: control shall not wait.
_FIRST_REFRESH_S = 5.0

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Prepare what all sites share."""
    hass.data[DATA_HANDOVER] = {}
    hass.data[DATA_RELOADING] = set()
    async_follow_renames(hass)
    async_register_services(hass)
    return True


async def async_setup_entry(
    hass: HomeAssistant, entry: ComputeHeaterConfigEntry
) -> None:
    """Set up a site; a heater or link that does not answer does not hold it up."""
    # First of all: a part that is added while this runs must not be missed.
    entry.async_on_unload(entry.add_update_listener(_async_update_listener))
    hass.data[DATA_RELOADING].discard(entry.entry_id)
    if entry.get_subentries_of_type(SUBENTRY_MODBUS):
        await async_profiles(hass)
    store = SiteStore(hass, entry.entry_id)
    handover = hass.data[DATA_HANDOVER].pop(entry.entry_id, None)
    memory = handover.memory if handover else await store.async_load_memory()
    forsaken = (
        forsaken_parts(hass, entry, handover.subentries, memory) if handover else []
    )

    heaters = {
        subentry.subentry_id: HeaterCoordinator(
            hass, entry, subentry, create_heater(hass, subentry.data)
        )
        for subentry in entry.get_subentries_of_type(SUBENTRY_HEATER)
    }
    links = {
        subentry.subentry_id: create_link(hass, entry, subentry)
        for kind in LINKS
        for subentry in entry.get_subentries_of_type(kind)
    }
    for subentry_id, link in links.items():
        link.restore(
            memory.get("links", {}).get(subentry_id, {}), same_run=handover is not None
        )
    site = SiteCoordinator(
        hass,
        entry,
        list(heaters.values()),
        list(entry.get_subentries_of_type(SUBENTRY_SINK)),
        list(entry.get_subentries_of_type(SUBENTRY_BACKUP)),
    )
    site.restore(memory)
    bridges = create_bridges(hass, entry, site, handover)
    gateway = SiteGateway(hass, entry, site, memory.get("gateway", {}))
    if handover:
        gateway.adopt(handover.gateway)
    async_adopt(
        hass,
        links,
        (
            *(
                actuator_id
                for sink in site.sinks.values()
                for actuator_id in (sink.path.valve_id, sink.path.pump_id)
                if actuator_id
            ),
            *output_targets(entry.subentries.values()),
        ),
    )

    async def async_save() -> None:
        await store.async_save(_memory(entry))

    async def async_look_after(_now: datetime) -> None:
        _async_check(hass, entry)
        await async_save()

    entry.runtime_data = SiteRuntime(
        site=site,
        heaters=heaters,
        links=links,
        bridges=bridges,
        gateway=gateway,
        # Copies, for core changes a subentry in place.
        subentries={key: replace(each) for key, each in entry.subentries.items()},
        async_save=async_save,
    )
    # Not the first refresh of core: one part that is down must not fail the rest.
    if refreshes := [
        entry.async_create_background_task(
            hass, part.async_refresh(), f"{part.name} first refresh"
        )
        async for part in one_by_one(entry.runtime_data.parts)
    ]:
        await asyncio.wait(refreshes, timeout=_FIRST_REFRESH_S)

    dr.async_get(hass).async_get_or_create_from_info(
        config_entry_id=entry.entry_id,
        device_info=DeviceInfo(
            identifiers={(DOMAIN, entry.entry_id)},
            name=entry.title,
            manufacturer="Compute Heater",
            model="Site",
            entry_type=DeviceEntryType.SERVICE,
        ),
    )
    _async_remove_stale_points(hass, entry)
    for link in links.values():
        # Hubs of configuration.yaml are there from the start, and stay.
        async_check_yaml_hubs(hass, link)
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)

    async for coordinator in one_by_one(heaters.values()):
        entry.async_create_background_task(
            hass, coordinator.async_follow_events(), f"{coordinator.name} events"
        )
    for bridge in bridges.values():
        # What the building asks for is known before anything is decided.
        if not isinstance(bridge, BridgeOutput):
            bridge.start()
    site.start()
    entry.async_on_unload(site.stop)
    # Should the rest fail, its ports are free again.
    entry.async_on_unload(gateway.async_close)
    await gateway.async_start()
    for bridge in bridges.values():
        if isinstance(bridge, BridgeOutput):
            bridge.start()
        entry.async_on_unload(bridge.stop)
    if handover:
        removed = [
            part
            for key, part in handover.subentries.items()
            if key not in entry.subentries
        ]
        hass.async_create_task(
            async_release_backups(hass, removed, memory), f"{entry.title} backups"
        )
        hass.async_create_task(
            async_release_outputs(
                hass, handover.subentries.values(), entry.subentries.values()
            ),
            f"{entry.title} outputs",
        )
    if forsaken:
        # Goes on when the entry is unloaded again.
        hass.async_create_task(async_release(forsaken), f"{entry.title} release")
    _async_look_after_pumps(hass, entry, handover.pumps if handover else {})
    entry.async_on_unload(
        async_track_time_interval(hass, async_look_after, SAVE_INTERVAL)
    )
    # Entries are not unloaded at a stop, and core closes shared links right after.
    entry.async_on_unload(
        hass.async_add_shutdown_job(
            HassJob(_async_shut_down, "compute_heater release"), hass, entry
        )
    )


async def _async_update_listener(
    hass: HomeAssistant, entry: ComputeHeaterConfigEntry
) -> None:
    """Take changed subentries up; the handover keeps the plant as it is."""
    reloading = hass.data[DATA_RELOADING]
    if entry.entry_id in reloading:
        # The set-up that is to come sees this change too.
        return
    reloading.add(entry.entry_id)
    try:
        await hass.config_entries.async_reload(entry.entry_id)
    finally:
        reloading.discard(entry.entry_id)


async def async_unload_entry(
    hass: HomeAssistant, entry: ComputeHeaterConfigEntry
) -> None:
    """Unload a site, handing its state over to the next set-up."""
    runtime = entry.runtime_data
    # First of all: entities that go away with us say nothing of the building.
    for bridge in runtime.bridges.values():
        bridge.stop()
    if entry.disabled_by is not None:
        # While the platforms are there: a pump may be a switch of our own.
        runtime.site.stop()
        await async_release_outputs(hass, runtime.subentries.values())
        await async_release_site(hass, runtime)
    await hass.config_entries.async_unload_platforms_or_raise(entry, PLATFORMS)
    await runtime.gateway.async_close()
    runtime.site.stop()
    for told_id in (entry.entry_id, *runtime.subentries):
        async_forget(hass, told_id)
    if entry.disabled_by is None:
        hass.data[DATA_HANDOVER][entry.entry_id] = Handover(
            memory=_memory(entry),
            subentries=runtime.subentries,
            pumps=runtime.pumps,
            gateway=runtime.gateway.core,
        )
        await asyncio.gather(*(part.async_close() for part in runtime.parts))
    await runtime.async_save()


async def async_remove_entry(
    hass: HomeAssistant, entry: ComputeHeaterConfigEntry
) -> None:
    """Leave a removed site's heaters and controllers to themselves."""
    store = SiteStore(hass, entry.entry_id)
    handover = hass.data[DATA_HANDOVER].pop(entry.entry_id, None)
    memory = handover.memory if handover else await store.async_load_memory()
    pumps = handover.pumps if handover else {}
    await async_release_outputs(hass, entry.subentries.values())
    await async_release_unloaded(hass, entry, memory, pumps)
    await store.async_remove()


async def async_remove_config_entry_device(
    hass: HomeAssistant,
    entry: ComputeHeaterConfigEntry,
    device: dr.DeviceEntry,
) -> bool:
    """Allow the removal of devices that no part stands for any more."""
    current = _device_ids(entry) | _module_ids(entry)
    return not any(
        domain == DOMAIN and (identifier == entry.entry_id or identifier in current)
        for domain, identifier in device.identifiers
    )


@callback
def _async_check(hass: HomeAssistant, entry: ComputeHeaterConfigEntry) -> None:
    """Tell of what a site relies on and that is gone, or soon will be."""
    runtime = entry.runtime_data
    for sink in runtime.site.sinks.values():
        async_check_entities(hass, sink)
        async_check_disinfection(hass, sink)
    for backup in runtime.site.backups.values():
        async_check_backup(hass, backup)
    for bridge in runtime.bridges.values():
        if isinstance(bridge, BridgeOutput):
            async_check_output(hass, bridge.subentry, bridge.target_id)
    for server in runtime.gateway.servers.values():
        async_check_certificate(
            hass, entry.entry_id, server.subentry, server.valid_until
        )
    async_check_outlook(hass, entry, runtime.site.outlook)
    for heater in runtime.heaters.values():
        async_check_heater(hass, entry.entry_id, heater.subentry)


@callback
def _async_look_after_pumps(
    hass: HomeAssistant, entry: ComputeHeaterConfigEntry, on: Mapping[str, float]
) -> None:
    """Let pumps that are on but that no site names any more run down."""
    sites = [
        entry.runtime_data.site,
        *(
            loaded.runtime_data.site
            for loaded in hass.config_entries.async_loaded_entries(DOMAIN)
        ),
    ]
    named = {sink.path.pump_id for site in sites for sink in site.sinks.values()} | {
        site.cooler_id for site in sites
    }
    runtime = entry.runtime_data
    runtime.running_down.update(
        (pump_id, overrun_s)
        for pump_id, overrun_s in on.items()
        if pump_id not in named
    )
    if runtime.running_down:
        entry.async_create_background_task(
            hass, async_run_down(hass, runtime), f"{entry.title} pumps run down"
        )


def _async_remove_stale_points(
    hass: HomeAssistant, entry: ComputeHeaterConfigEntry
) -> None:
    """Remove entities of points that were unticked, or are read only now."""
    links = entry.runtime_data.links
    current = {
        (point_platform(point), f"{entry.entry_id}_{link_id}_{key}")
        for link_id, link in links.items()
        for key, point in link.points.items()
    }
    registry = er.async_get(hass)
    for entity in er.async_entries_for_config_entry(registry, entry.entry_id):
        if (
            entity.config_subentry_id in links
            and (entity.domain, entity.unique_id) not in current
        ):
            registry.async_remove(entity.entity_id)


def _device_ids(entry: ComputeHeaterConfigEntry) -> set[str]:
    return {f"{entry.entry_id}_{subentry_id}" for subentry_id in entry.subentries}


def _module_ids(entry: ComputeHeaterConfigEntry) -> set[str]:
    return {
        module_device_id(entry.entry_id, heater_id, module.key)
        for heater_id, heater in entry.runtime_data.heaters.items()
        for module in (heater.data.modules if heater.data else None) or ()
    }


def _memory(entry: ComputeHeaterConfigEntry) -> Memory:
    runtime = entry.runtime_data
    return {
        **runtime.site.memory,
        "links": {key: link.memory for key, link in runtime.links.items()},
        "bridges": {key: each.memory for key, each in runtime.bridges.items()},
        "gateway": runtime.gateway.memory,
    }


async def _async_shut_down(
    hass: HomeAssistant, entry: ComputeHeaterConfigEntry
) -> None:
    """Release before Home Assistant stops, and keep what must survive."""
    runtime = entry.runtime_data
    for bridge in runtime.bridges.values():
        bridge.stop()
    await runtime.gateway.async_close()
    runtime.site.stop()
    await runtime.async_save()
    await async_release_site(hass, runtime)
    await runtime.async_save()

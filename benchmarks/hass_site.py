"""A site in the Home Assistant of this process, set up through its dialogues."""

from collections.abc import Mapping
from typing import Any

from homeassistant.bootstrap import async_setup_hass
from homeassistant.config_entries import SOURCE_USER, ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.runner import RuntimeConfig

DOMAIN = "compute_heater"
HEATER_SETTINGS: Mapping[str, Any] = {
    "standby_power": 300,
    "eco_power": 1500,
    "full_power": 3000,
    "min_on_time": 0,
    "min_off_time": 0,
    "throttle_temperature": 60,
    "trip_temperature": 65,
    "off_powers_down": False,
    "limiter_confirmed": True,
}


async def start_hass(folder: str) -> HomeAssistant:
    """Start Home Assistant with the configuration in ``folder``."""
    hass = await async_setup_hass(RuntimeConfig(folder, skip_pip=True))
    if hass is None or hass.config.recovery_mode:
        raise RuntimeError("Home Assistant did not start")
    await hass.async_start()
    await hass.async_block_till_done()
    return hass


async def add_site(hass: HomeAssistant) -> ConfigEntry[Any]:
    """Add a site, and leave the heater's dialogue that follows."""
    flows = hass.config_entries.flow
    flow = await flows.async_init(DOMAIN, context={"source": SOURCE_USER})
    result = await flows.async_configure(flow["flow_id"], {"name": "Home"})
    hass.config_entries.subentries.async_abort(result["next_flow"][1])
    await hass.async_block_till_done()
    entry: ConfigEntry[Any] = result["result"]
    return entry


async def add_part(
    hass: HomeAssistant, entry: ConfigEntry[Any], kind: str, *answers: dict[str, Any]
) -> str:
    """Go through a dialogue; returns the id of the part that it made."""
    before = set(entry.subentries)
    manager = hass.config_entries.subentries
    step = await manager.async_init(
        (entry.entry_id, kind), context={"source": SOURCE_USER}
    )
    for answer in answers:
        step = await manager.async_configure(step["flow_id"], answer)
        if step.get("errors"):
            raise RuntimeError(f"the dialogue does not take {answer}: {step['errors']}")
    if not (added := set(entry.subentries) - before):
        raise RuntimeError(f"the dialogue ended with {step}")
    await hass.async_block_till_done()
    return added.pop()


async def add_heater(
    hass: HomeAssistant, entry: ConfigEntry[Any], url: str, user: str, password: str
) -> str:
    """Add a heater of 300 to 3000 W; returns its id."""
    return await add_part(
        hass,
        entry,
        "heater",
        {"next_step_id": "redfish"},
        {"url": url, "username": user, "password": password},
        {"next_step_id": "no_work"},
        {**HEATER_SETTINGS},
    )


def entity_id(
    hass: HomeAssistant, entry: ConfigEntry[Any], part_id: str, key: str, domain: str
) -> str:
    """Return the id of an entity of a part, or of the site for the part ""."""
    unique_id = "_".join(filter(None, (entry.entry_id, part_id, key)))
    found = er.async_get(hass).async_get_entity_id(domain, DOMAIN, unique_id)
    if found is None:
        raise RuntimeError(f"there is no {domain} {key}")
    return found

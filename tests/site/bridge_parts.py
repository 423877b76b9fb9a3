"""What the tests of bridges share: how one is added, and what the site is asked."""

from typing import Any

from compute_heater_agent.service import RunningAgent
from custom_components.compute_heater.control.building import SiteRequest
from custom_components.compute_heater.control.reasons import Reason
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant

from . import plant
from .dialogue import answer, begin, suggested

KINDS = (
    "demand_state",
    "demand_power",
    "demand_heat",
    "sg_contacts",
    "sg_states",
    "request",
    "output",
)


async def add_heater(
    hass: HomeAssistant, site: ConfigEntry, agent: RunningAgent
) -> str:
    """Add a heater of 300 to 3000 W that is called Rack."""
    added = await plant.add_heater(hass, site, agent)
    subentry = site.subentries[added]
    hass.config_entries.async_update_subentry(site, subentry, title="Rack")
    await hass.async_block_till_done()
    return added


async def add_bridge(
    hass: HomeAssistant, site: ConfigEntry, kind: str, **values: Any
) -> str:
    """Go through the dialogue with what it suggests, and ``values``."""
    before = set(site.subentries)
    result = await begin(hass, site, "bridge")
    result = await answer(hass, result, {"next_step_id": kind})
    form = {"name": kind, **suggested(result)}
    for key, value in values.items():
        form[key] = form[key] | value if isinstance(value, dict) else value
    result = await answer(hass, result, form)
    assert result["step_id"] == "check", result
    await answer(hass, result, {"next_step_id": "save"})
    (added,) = set(site.subentries) - before
    return added


def asked(site: ConfigEntry) -> SiteRequest:
    """Return what all bridges ask of the site now."""
    coordinator = site.runtime_data.site
    settings = {key: each.settings for key, each in coordinator.heaters.items()}
    found: SiteRequest = coordinator._requests.merged(settings)
    return found


def decided(site: ConfigEntry, heater_id: str) -> tuple[str, float, Reason]:
    """Return what a heater shall do: state, power in W, and why."""
    decision = site.runtime_data.site.heaters[heater_id].decision
    assert decision is not None
    return decision.state.value, decision.expected_w, decision.reason

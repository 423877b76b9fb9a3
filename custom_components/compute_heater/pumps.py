"""Leave no pump running that nobody looks after any more."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from homeassistant.const import ATTR_ENTITY_ID, SERVICE_TURN_OFF, STATE_OFF
from homeassistant.core import HomeAssistant, split_entity_id
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er

from .const import LOGGER

if TYPE_CHECKING:
    from .coordinator import ComputeHeaterConfigEntry, SiteRuntime

_TIMEOUT_S = 3.0
_RETRY_S = 5.0
# Even without any overrun the heaters first have to hear of their standby power.
_SHORTEST_OVERRUN_S = 5.0


async def async_run_down(hass: HomeAssistant, runtime: SiteRuntime) -> None:
    """Switch off, after its overrun, each pump that no consumer names any more."""

    async def run_down(pump_id: str, overrun_s: float) -> None:
        pause_s = max(overrun_s, _SHORTEST_OVERRUN_S)
        while pump_id in runtime.running_down:
            await asyncio.sleep(pause_s)
            if await _async_switch_off(hass, pump_id):
                del runtime.running_down[pump_id]
            pause_s = _RETRY_S

    await asyncio.gather(
        *(run_down(pump_id, s) for pump_id, s in runtime.running_down.items())
    )


async def async_switch_off(hass: HomeAssistant, pumps: Iterable[str]) -> None:
    """Switch pumps off through their entities, once and at once."""
    await asyncio.gather(*(_async_switch_off(hass, pump_id) for pump_id in pumps))


async def async_switch_off_unloaded(
    hass: HomeAssistant, entry: ComputeHeaterConfigEntry, pumps: Mapping[str, float]
) -> None:
    """Switch pumps off after the site was unloaded, and its switches with it.

    One on a link of the site stops with it, which gives all commands back.
    """
    registry = er.async_get(hass)
    for pump_id in pumps:
        entity = registry.async_get(pump_id)
        if entity is None or entity.config_entry_id != entry.entry_id:
            await _async_switch_off(hass, pump_id)


async def _async_switch_off(hass: HomeAssistant, pump_id: str) -> bool:
    """Return whether the pump is off now, or does not exist any more."""
    state = hass.states.get(pump_id)
    if state is not None and state.state != STATE_OFF:
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                await hass.services.async_call(
                    split_entity_id(pump_id)[0],
                    SERVICE_TURN_OFF,
                    {ATTR_ENTITY_ID: pump_id},
                    blocking=True,
                )
        except (HomeAssistantError, TimeoutError) as err:
            LOGGER.warning("Could not switch %s off: %s", pump_id, err)
            return False
    state = hass.states.get(pump_id)
    return state is None or state.state == STATE_OFF

"""Drive the valves and pumps of the heat's path through their entities."""

from collections.abc import Iterable, Mapping

from homeassistant.const import (
    ATTR_ENTITY_ID,
    SERVICE_CLOSE_VALVE,
    SERVICE_OPEN_VALVE,
    SERVICE_TURN_OFF,
    SERVICE_TURN_ON,
    STATE_UNAVAILABLE,
)
from homeassistant.core import HomeAssistant, callback, split_entity_id
from homeassistant.exceptions import HomeAssistantError

from .const import LOGGER
from .sources import switched

_RETRY_S = 5.0
_MOVING = ("opening", "closing")


class Actuators:
    """Switches and valves, each driven by at most one call at a time."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Drive entities of ``hass``."""
        self._hass = hass
        self._last: dict[str, tuple[bool, float]] = {}
        self._failing: set[str] = set()
        self._stopped = False

    def states(self, entity_ids: Iterable[str]) -> dict[str, bool | None]:
        """Return reported positions; None where unknown."""
        return {
            entity_id: switched(state)
            if (state := self._hass.states.get(entity_id))
            else None
            for entity_id in entity_ids
        }

    @callback
    def stop(self) -> None:
        """Let a call under way end without a word: its link may be closed first."""
        self._stopped = True

    @callback
    def drive(self, wanted: Mapping[str, bool], *, insist: bool) -> None:
        """Bring each entity to its position.

        Without ``insist`` a position is asked for once, when it changes, so that
        people can take over while no strategy runs.
        """
        for entity_id, position in wanted.items():
            last = self._last.get(entity_id)
            state = self._hass.states.get(entity_id)
            if (
                state is None
                or state.state in (STATE_UNAVAILABLE, *_MOVING)
                or switched(state) is position
            ):
                continue
            if last is not None and last[0] is position:
                waited = self._hass.loop.time() - last[1]
                if not insist or waited < _RETRY_S:
                    continue
            self._last[entity_id] = (position, self._hass.loop.time())
            self._hass.async_create_background_task(
                self._async_call(entity_id, position), f"compute_heater {entity_id}"
            )

    async def _async_call(self, entity_id: str, position: bool) -> None:
        domain = split_entity_id(entity_id)[0]
        if domain == "valve":
            service = SERVICE_OPEN_VALVE if position else SERVICE_CLOSE_VALVE
        else:
            service = SERVICE_TURN_ON if position else SERVICE_TURN_OFF
        try:
            await self._hass.services.async_call(
                domain, service, {ATTR_ENTITY_ID: entity_id}, blocking=True
            )
        except HomeAssistantError as err:
            if entity_id not in self._failing and not self._stopped:
                LOGGER.warning("Could not switch %s: %s", entity_id, err)
            self._failing.add(entity_id)
        else:
            self._failing.discard(entity_id)

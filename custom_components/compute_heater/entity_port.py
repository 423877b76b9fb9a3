"""Entities of Home Assistant as the composed heater asks for them."""

import asyncio
from collections.abc import Callable, Iterable

from homeassistant.const import (
    ATTR_DEVICE_CLASS,
    ATTR_ENTITY_ID,
    ATTR_OPTION,
    ATTR_UNIT_OF_MEASUREMENT,
    SERVICE_SELECT_OPTION,
    SERVICE_TURN_OFF,
    SERVICE_TURN_ON,
    STATE_UNAVAILABLE,
    STATE_UNKNOWN,
)
from homeassistant.core import (
    Event,
    EventStateChangedData,
    HomeAssistant,
    State,
    callback,
    split_entity_id,
)
from homeassistant.helpers.event import async_track_state_change_event

from .heaters.entities import EntityState, Quantity
from .heaters.model import HeaterConnectionError, HeaterRefusedError
from .sources import Source, energy, flow, number, power, switched, temperature

_CALL_S = 15.0
_NUMBERS = ("number", "input_number")
_SELECTS = ("select", "input_select")
_PARSE: dict[Quantity, Callable[[State], float | None]] = {
    Quantity.POWER: power,
    Quantity.ENERGY: energy,
    Quantity.TEMPERATURE: temperature,
    Quantity.FLOW: flow,
}


class HassEntityPort:
    """Reads, watches and commands entities (an EntityPort)."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Nothing is read yet."""
        self._hass = hass
        self._sources: dict[tuple[str, Quantity], tuple[Source, float]] = {}
        """With the time of the report that was taken last."""

    def state(self, entity_id: str) -> EntityState | None:
        """Return the state in the entity's own unit; None if there is no such entity."""
        if (state := self._hass.states.get(entity_id)) is None:
            return None
        attributes = state.attributes
        return EntityState(
            value=_value(state),
            unit=attributes.get(ATTR_UNIT_OF_MEASUREMENT),
            minimum=attributes.get("min"),
            maximum=attributes.get("max"),
            step=attributes.get("step"),
            options=tuple(attributes.get("options", ())),
            device_class=attributes.get(ATTR_DEVICE_CLASS),
        )

    def measured(self, entity_id: str, quantity: Quantity) -> float | None:
        """Return a reading in the unit of the quantity; None when there is none now."""
        state = self._hass.states.get(entity_id)
        key = (entity_id, quantity)
        if known := self._sources.get(key):
            source, reported = known
            if state is None or state.last_reported_timestamp != reported:
                source.take(state)
        else:
            source = Source(self._hass, entity_id, _PARSE[quantity])
            source.begin()
        self._sources[key] = (source, state.last_reported_timestamp if state else 0.0)
        if quantity is Quantity.POWER and (state is None or power(state) is None):
            # Temperatures outlive a short silence of their sensor, but a load may be
            # there at any moment.
            return None
        return source.number

    async def call(self, entity_id: str, value: bool | float | str) -> None:
        """Switch, set or select; success does not mean that the entity has the value."""
        domain = split_entity_id(entity_id)[0]
        data: dict[str, object] = {ATTR_ENTITY_ID: entity_id}
        if domain in _NUMBERS:
            service = "set_value"
            data["value"] = value
        elif domain in _SELECTS:
            service = SERVICE_SELECT_OPTION
            data[ATTR_OPTION] = value
        else:
            service = SERVICE_TURN_ON if value else SERVICE_TURN_OFF
        try:
            async with asyncio.timeout(_CALL_S):
                await self._hass.services.async_call(
                    domain, service, data, blocking=True
                )
        except TimeoutError as err:
            raise HeaterConnectionError(
                f"{entity_id} did not answer within {_CALL_S:g} s"
            ) from err
        except Exception as err:
            # Integrations raise all sorts of things, and none may end a command of ours.
            raise HeaterRefusedError(f"{entity_id}: {err}") from err

    def watch(
        self, entity_ids: Iterable[str], on_change: Callable[[], None]
    ) -> Callable[[], None]:
        """Call ``on_change`` whenever a state changes, until what is returned is called."""

        @callback
        def changed(_event: Event[EventStateChangedData]) -> None:
            on_change()

        return async_track_state_change_event(self._hass, entity_ids, changed)


def _value(state: State) -> bool | float | str | None:
    if state.state in (STATE_UNAVAILABLE, STATE_UNKNOWN):
        return None
    if state.domain in _NUMBERS:
        return number(state)
    if state.domain in _SELECTS:
        return state.state
    return switched(state)

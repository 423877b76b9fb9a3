"""What the logbook says of building controllers."""

from collections.abc import Callable, Mapping
from typing import Any

from homeassistant.components.logbook import (
    LOGBOOK_ENTRY_ICON,
    LOGBOOK_ENTRY_MESSAGE,
    LOGBOOK_ENTRY_NAME,
    LazyEventPartialState,
)
from homeassistant.core import HomeAssistant, callback

from .const import DOMAIN
from .gateway_events import (
    ATTR_COUNT,
    ATTR_GATEWAY,
    ATTR_KIND,
    ATTR_PEER,
    ATTR_POINT,
    ATTR_PRIORITY,
    ATTR_PROTOCOL,
    ATTR_REFUSAL,
    ATTR_SERVICE,
    ATTR_UNIT,
    ATTR_VALUE,
    EVENT_BUILDING,
)

_ICON = "mdi:office-building-cog"
_REFUSALS = {
    "foreign_peer": "it is not on the list of controllers",
    "not_writable": "this may not be written",
    "wrong_type": "this is of the wrong type",
    "out_of_range": "this is out of range",
    "wrong_priority": "this priority may not be used",
    "too_often": "it writes too often",
    "no_role": "its certificate does not allow it",
}
_NEVER = "this cannot be done from outside"
"""Of a service, as nothing of it is written."""


@callback
def async_describe_events(
    hass: HomeAssistant,
    async_describe_event: Callable[
        [str, str, Callable[[LazyEventPartialState], dict[str, Any]]], None
    ],
) -> None:
    """Describe what controllers do at the gateway."""

    @callback
    def describe(event: LazyEventPartialState) -> dict[str, Any]:
        return {
            LOGBOOK_ENTRY_NAME: event.data.get(ATTR_GATEWAY),
            LOGBOOK_ENTRY_MESSAGE: message(event.data),
            LOGBOOK_ENTRY_ICON: _ICON,
        }

    async_describe_event(DOMAIN, EVENT_BUILDING, describe)


def message(data: Mapping[str, Any]) -> str:
    """Return one sentence about an event; core's logbook knows no translations."""
    peer = f"{data.get(ATTR_PEER)} ({data.get(ATTR_PROTOCOL)})"
    if data.get(ATTR_KIND) == "silent":
        return f"{data.get(ATTR_PEER)} is silent: its commands were given up"
    times = f", {count} times" if (count := data.get(ATTR_COUNT, 1)) > 1 else ""
    refusal = data.get(ATTR_REFUSAL) or ""
    why = _REFUSALS.get(refusal, refusal)
    if service := data.get(ATTR_SERVICE):
        if refusal == "not_writable":
            why = _NEVER
        return f"{peer} was refused: {service}{times} ({why})"
    point, value = data.get(ATTR_POINT) or "an unknown point", data.get(ATTR_VALUE)
    did = f"set {point} to {value}"
    if unit := data.get(ATTR_UNIT):
        did += f" {unit}"
    if value is None:
        did = f"released {point}"
    if priority := data.get(ATTR_PRIORITY):
        did += f" with priority {priority}"
    did += times
    if refusal:
        return f"{peer} was refused: {did} ({why})"
    return f"{peer} {did}"

"""What is told of controllers: on the event bus, and so in the logbook."""

from typing import Any

from homeassistant.core import HomeAssistant, callback

from .const import DOMAIN
from .gateway.gateway import WriteEvent
from .gateway.points import OfferedKind, OfferedPoint
from .gateway_server import GatewayServer, Told

EVENT_BUILDING = f"{DOMAIN}_building"
"""A controller has written something, or is silent."""
ATTR_COUNT = "count"
ATTR_ENTRY_ID = "config_entry_id"
ATTR_GATEWAY = "gateway"
ATTR_KIND = "kind"
ATTR_PEER = "peer"
ATTR_POINT = "point"
ATTR_PRIORITY = "priority"
ATTR_PROTOCOL = "protocol"
ATTR_REFUSAL = "refusal"
ATTR_SERVICE = "service"
ATTR_UNIT = "unit"
ATTR_VALUE = "value"
_LONGEST = 100
"""Anybody can write long texts."""


def as_event_data(told: Told) -> dict[str, Any]:
    """Return what is told as JSON has it."""
    data: dict[str, Any] = {ATTR_PEER: told.peer}
    if (event := told.event) is None:
        return data
    point = event.point
    return data | {
        ATTR_PROTOCOL: event.protocol,
        ATTR_POINT: point.name if point else None,
        ATTR_VALUE: _shown(point, event.value),
        ATTR_UNIT: point.unit if point else None,
        ATTR_PRIORITY: event.priority if _has_priority(event) else None,
        ATTR_REFUSAL: event.refusal,
        ATTR_SERVICE: event.service,
        ATTR_COUNT: told.count,
    }


def _has_priority(event: WriteEvent) -> bool:
    """Whether it was a write that may have one."""
    if event.point is None:
        return event.service is None
    return event.point.is_command


def _shown(point: OfferedPoint | None, value: object) -> float | str | bool | None:
    if value is None or isinstance(value, bool):
        return value
    if (
        point is not None
        and point.kind is OfferedKind.MULTISTATE
        and isinstance(value, int | float)
        and value in range(1, len(point.states) + 1)
    ):
        return point.states[int(value) - 1]
    if isinstance(value, int | float) and abs(value) < 1e9:
        return value
    # NaN and infinity are no JSON.
    return str(value)[:_LONGEST]


@callback
def async_fire(
    hass: HomeAssistant, entry_id: str, server: GatewayServer, told: Told
) -> None:
    """Fire what is told on the event bus."""
    hass.bus.async_fire(
        EVENT_BUILDING,
        {
            ATTR_ENTRY_ID: entry_id,
            ATTR_GATEWAY: server.subentry.title,
            ATTR_KIND: told.kind,
            **as_event_data(told),
        },
    )

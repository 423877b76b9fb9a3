"""Where a Redfish heater shows its coolant, its pumps and its leak detectors."""

from dataclasses import dataclass

from .redfish_client import RedfishClient
from .redfish_json import JsonObject, link, obj, objects, text
from .redfish_lookup import optional, optional_links

MAX_DETECTORS = 8
MAX_PUMPS = 4

_LEAKS = {"Warning": True, "Critical": True, "OK": False}
_NOT_IN_USE = {"Absent", "Disabled", "StandbySpare", "StandbyOffline"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Coolant:
    """The unit that hands heat to the house.

    ``house`` is its primary (facility) side, or the only one that it shows; ``inside``
    the side of the computers.
    """

    house: str
    inside: str | None
    pumps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cooling:
    """Coolant and leak detectors, where there are any."""

    coolant: Coolant | None
    leaks: tuple[str, ...]
    """Resources that together show every leak detector."""


async def find_cooling(
    client: RedfishClient, equipment_uri: str | None, chassis: JsonObject
) -> Cooling:
    """Find the first immersion unit, else CDU, that shows a connector; and all detectors."""
    equipment = await optional(client, equipment_uri)
    coolant: Coolant | None = None
    leaks: list[str] = []
    for kind in ("ImmersionUnits", "CDUs"):
        for unit_uri in await optional_links(client, link(equipment, kind)):
            unit = await optional(client, unit_uri)
            leaks += await _detectors(client, link(unit, "LeakDetection"))
            if coolant is None:
                coolant = await _coolant(client, unit)
    thermal = await optional(client, link(chassis, "ThermalSubsystem"))
    leaks += await _detectors(client, link(thermal, "LeakDetection"))
    return Cooling(coolant=coolant, leaks=tuple(dict.fromkeys(leaks))[:MAX_DETECTORS])


async def _coolant(client: RedfishClient, unit: JsonObject) -> Coolant | None:
    house = await optional_links(client, link(unit, "PrimaryCoolantConnectors"))
    inside = await optional_links(client, link(unit, "SecondaryCoolantConnectors"))
    if not (house or inside):
        return None
    pumps = await optional_links(client, link(unit, "Pumps"))
    return Coolant(
        house=(house or inside)[0],
        inside=inside[0] if inside else None,
        pumps=tuple(pumps[:MAX_PUMPS]),
    )


async def _detectors(client: RedfishClient, uri: str | None) -> list[str]:
    """Return one resource for all detectors where it shows them, else each of them."""
    body = await optional(client, uri)
    if uri is None or not body:
        return []
    if _group_states(body):
        return [uri]
    return await optional_links(client, link(body, "LeakDetectors")) or [uri]


def _group_states(body: JsonObject) -> list[str]:
    return [
        state
        for group in objects(body, "LeakDetectorGroups")
        for detector in objects(group, "Detectors")
        if (state := text(detector, "DetectorState"))
    ]


def shows_leak(bodies: list[JsonObject]) -> bool | None:
    """Judge what leak detectors show; None where one that matters is unknown."""
    found: list[bool | None] = []
    for body in bodies:
        states = _group_states(body)
        single = text(body, "DetectorState") or text(body, "Status", "Health")
        if not states and single:
            states = [single]
        found += [_LEAKS.get(state) for state in states] or [None]
    if True in found:
        return True
    return False if found and None not in found else None


def pumps_fail(bodies: list[JsonObject]) -> bool | None:
    """Tell whether no pump that is in use works any more; None if unknown."""
    used = [body for body in bodies if text(body, "Status", "State") not in _NOT_IN_USE]
    healths = [text(obj(body, "Status"), "Health") for body in used]
    if not healths or None in healths:
        return None
    return all(health == "Critical" for health in healths)

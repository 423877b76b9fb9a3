"""The chassis that stands for a heater, and where its power cap is."""

from dataclasses import dataclass

from .redfish_cap import Cap, CapPlace, CapPoint, parse_cap
from .redfish_client import RedfishClient
from .redfish_json import JsonObject, link, links, number, obj, objects, text
from .redfish_lookup import optional, optional_links
from .redfish_vendors import Vendor, vendor_of, vendor_range, zone_limit

MAX_CHASSIS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Enclosure:
    """The chassis that stands for the heater; resources that it lacks are empty."""

    body: JsonObject
    environment: JsonObject
    legacy: JsonObject
    caps: tuple[CapPoint, ...]
    floor_w: float | None
    """Lowest cap; None where there is no cap."""
    max_w: float | None
    """Highest cap, or the rated power."""
    step_w: float | None = None
    """Steps in which it takes a cap."""

    @property
    def knows_power(self) -> bool:
        """It has a power reading of its own."""
        return bool(obj(self.environment, "PowerWatts") or self.legacy)


async def find_enclosure(
    client: RedfishClient, chassis: list[JsonObject], root: JsonObject
) -> Enclosure | None:
    """Choose the chassis with a cap and the most computers, else one with a power reading."""
    ranked = sorted(
        chassis,
        key=lambda body: len(links(body, "Links", "ComputerSystems")),
        reverse=True,
    )
    best: Enclosure | None = None
    for body in ranked[:MAX_CHASSIS]:
        found = await _enclosure(client, body, vendor_of(root, body))
        if found.caps:
            return found
        if best is None or (found.knows_power and not best.knows_power):
            best = found
    return best


async def _enclosure(
    client: RedfishClient, body: JsonObject, vendor: Vendor
) -> Enclosure:
    """Look for power reading and cap: metrics, the control behind them, any control.

    The deprecated Power resource comes last, and only where something is still missing.
    """
    floor_w, max_w = number(body, "MinPowerWatts"), number(body, "MaxPowerWatts")
    step_w: float | None = None
    percent_of_w = max_w
    environment = await optional(client, link(body, "EnvironmentMetrics"))
    shown = obj(environment, "PowerLimitWatts")
    source = text(shown, "DataSourceUri")
    places: list[tuple[CapPlace, str]] = []
    if "SetPoint" in shown and (path := link(environment)):
        places.append((CapPlace.ENVIRONMENT, path))
    if percent_of_w is None and not places and link(body, "Controls"):
        supply = await optional(client, link(body, "PowerSubsystem"))
        percent_of_w = number(supply, "CapacityWatts")
    control = await _control(client, source, body if not places else {}, percent_of_w)
    if control is not None:
        path, cap = control
        places.append((CapPlace.CONTROL, path))
        step_w = cap.step_w
        # The excerpt may show the set point alone: its range is at the source.
        floor_w = floor_w if cap.floor_w is None else cap.floor_w
        max_w = max_w if cap.max_w is None else cap.max_w
    legacy: JsonObject = {}
    if not places or not obj(environment, "PowerWatts"):
        legacy = await optional(client, link(body, "Power"))
        if max_w is None and (controls := objects(legacy, "PowerControl")):
            max_w = number(controls[0], "PowerCapacityWatts")
    path = link(legacy)
    if not places and (zone := await zone_limit(client, vendor, legacy)):
        places.append((CapPlace.ZONES, zone))
        point = CapPoint(place=CapPlace.ZONES, path=zone)
        by_zone = parse_cap(point, await optional(client, zone))
        if by_zone is not None:
            floor_w, max_w = by_zone.floor_w, by_zone.max_w
    if not places and path and parse_cap(_legacy(path), legacy):
        places.append((CapPlace.LEGACY, path))
    if places and floor_w is None:
        told = await vendor_range(client, vendor, body, legacy)
        floor_w = told.floor_w
        max_w = max_w if told.max_w is None else told.max_w
    if max_w is not None and vendor.highest_w is not None and max_w >= vendor.highest_w:
        # That is what the field takes, not what the machine draws.
        controls = objects(legacy, "PowerControl")
        rated = number(controls[0], "PowerCapacityWatts") if controls else None
        max_w = vendor.highest_w if rated is None else min(rated, vendor.highest_w)
    caps = tuple(
        CapPoint(
            place=place,
            path=path,
            floor_w=floor_w,
            max_w=max_w,
            step_w=step_w,
            percent_of_w=percent_of_w,
            lifts_with_null=vendor.lifts_with_null,
            has_lease=vendor.has_lease,
        )
        for place, path in places
    )
    if caps and caps[0].place is CapPlace.ENVIRONMENT:
        shown_cap = parse_cap(caps[0], environment)
        if shown_cap is not None:
            floor_w, max_w = shown_cap.floor_w, shown_cap.max_w
    return Enclosure(
        body=body,
        environment=environment,
        legacy=legacy,
        caps=caps,
        floor_w=floor_w if caps else None,
        max_w=max_w,
        step_w=step_w if caps else None,
    )


def _legacy(path: str) -> CapPoint:
    return CapPoint(place=CapPlace.LEGACY, path=path)


async def _control(
    client: RedfishClient,
    source: str | None,
    chassis: JsonObject,
    percent_of_w: float | None,
) -> tuple[str, Cap] | None:
    """Find the control of the cap: the one named as source, else one of the chassis.

    One in watts is better than one in percent.
    """
    in_percent: tuple[str, Cap] | None = None
    named = [source] if source else []
    for uri in named or await optional_links(client, link(chassis, "Controls")):
        body = await optional(client, uri)
        fits = text(body, "ControlType") == "Power" and text(
            body, "PhysicalContext"
        ) in (None, "Chassis", "SystemBoard")
        path = link(body) or uri
        point = CapPoint(place=CapPlace.CONTROL, path=path, percent_of_w=percent_of_w)
        cap = parse_cap(point, body)
        if cap is None or not (fits or source):
            continue
        if text(body, "SetPointUnits") != "%":
            return path, cap
        named_so = "powerlimit" in path.rpartition("/")[2].lower()
        if text(body, "PhysicalContext") or named_so:  # else it may be a part's
            in_percent = in_percent or (path, cap)
    return in_percent

"""Where a Redfish service keeps what we need; found once, kept until it changes.

Every device lays its resources out differently and only links are normative: nothing
here builds a path by itself.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Self

from .model import Capabilities, HeaterProtocolError, Identity
from .redfish_cap import CapPoint
from .redfish_client import RedfishClient
from .redfish_coolant import Coolant, find_cooling
from .redfish_enclosure import Enclosure, find_enclosure
from .redfish_json import JsonObject, link, number, text
from .redfish_lookup import optional, optional_links, required
from .redfish_modules import Module, find_modules

HEAT_METER = "heatdelivered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Paths of one service; None where it has no such thing."""

    service_uuid: str | None
    identity: Identity
    capabilities: Capabilities
    systems: str | None
    modules: tuple[Module, ...]
    chassis: str | None
    environment: str | None
    legacy_power: str | None
    """The deprecated Power resource, where it alone knows power or cap."""
    caps: tuple[CapPoint, ...]
    coolant: Coolant | None
    leaks: tuple[str, ...]
    """Resources that show the leak detectors."""
    hot_c: float | None
    """The device's own upper critical threshold of its coolant."""
    heat_meter: str | None
    events: str | None
    """Address of the stream of server-sent events."""

    def has_more_than(self, other: Self) -> bool:
        """Tell whether it has something that the other one lacks."""
        return len(self.modules) > len(other.modules) or any(
            mine and not theirs
            for mine, theirs in (
                (self.chassis, other.chassis),
                (self.environment, other.environment),
                (self.caps, other.caps),
                (self.coolant, other.coolant),
                (self.leaks, other.leaks),
            )
        )


async def discover(client: RedfishClient) -> Layout:
    """Find out who answers and where everything is; raises HeaterError."""
    root = await client.root()
    systems_path = link(root, "Systems")
    async with _at_once() as group:
        first = group.create_task(required(client, systems_path))
        boxes = group.create_task(required(client, link(root, "Chassis")))
        stream = group.create_task(_event_stream(client, link(root, "EventService")))
    systems = first.result()
    enclosure = await find_enclosure(client, boxes.result(), root)
    chassis = enclosure.body if enclosure else {}
    environment = enclosure.environment if enclosure else {}
    legacy = enclosure.legacy if enclosure else {}
    floor_w = _floor_w(enclosure, systems)
    equipment, sensors = link(root, "ThermalEquipment"), link(chassis, "Sensors")
    async with _at_once() as group:
        found = group.create_task(find_modules(client, systems))
        wet = group.create_task(find_cooling(client, equipment, chassis))
        hot = group.create_task(_hot_threshold(client, environment))
        meter = group.create_task(_heat_meter(client, sensors))
        who = group.create_task(_identity(client, root, chassis, systems))
    modules, cooling = tuple(found.result()), wet.result()
    return Layout(
        service_uuid=text(root, "UUID"),
        identity=who.result(),
        capabilities=Capabilities(
            can_switch=bool(modules) and all(module.can_switch for module in modules),
            floor_w=floor_w,
            max_w=enclosure.max_w if enclosure else None,
            modules=len(modules),
            module_floor_w=_module_floor_w(enclosure, modules, floor_w),
            has_coolant=cooling.coolant is not None,
            has_leak_detector=bool(cooling.leaks),
            step_w=enclosure.step_w if enclosure else None,
        ),
        systems=systems_path,
        modules=modules,
        chassis=link(chassis),
        environment=link(environment),
        legacy_power=link(legacy),
        caps=enclosure.caps if enclosure else (),
        coolant=cooling.coolant,
        leaks=cooling.leaks,
        hot_c=hot.result(),
        heat_meter=meter.result(),
        events=stream.result(),
    )


@asynccontextmanager
async def _at_once() -> AsyncGenerator[asyncio.TaskGroup]:
    """Ask for several things as fast as a BMC lets us; the first error is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None


def _floor_w(enclosure: Enclosure | None, systems: list[JsonObject]) -> float | None:
    """Lowest cap with all modules on.

    Some show a lower one while a module is off; the chassis tells that of all.
    """
    if enclosure is None or enclosure.floor_w is None:
        return None
    least_w = number(enclosure.body, "MinPowerWatts")
    some_off = any(text(body, "PowerState") == "Off" for body in systems)
    if len(systems) > 1 and some_off and least_w is not None:
        return max(enclosure.floor_w, least_w)
    return enclosure.floor_w


def _module_floor_w(
    enclosure: Enclosure | None, modules: tuple[Module, ...], floor_w: float | None
) -> float | None:
    if enclosure is None or not floor_w or enclosure.max_w is None:
        return None
    if len(modules) < 2 or not all(module.can_switch for module in modules):
        return None
    return floor_w / len(modules)


async def _hot_threshold(
    client: RedfishClient, environment: JsonObject
) -> float | None:
    sensor = await optional(
        client, text(environment, "TemperatureCelsius", "DataSourceUri")
    )
    return number(sensor, "Thresholds", "UpperCritical", "Reading")


async def _heat_meter(client: RedfishClient, uri: str | None) -> str | None:
    """Find a sensor with the id HeatDelivered that counts energy."""
    for sensor in await optional_links(client, uri):
        if sensor.rstrip("/").rsplit("/", 1)[-1].lower() == HEAT_METER:
            body = await optional(client, sensor)
            if text(body, "ReadingType") == "EnergykWh":
                return sensor
    return None


async def _event_stream(client: RedfishClient, uri: str | None) -> str | None:
    service = await optional(client, uri)
    return (
        text(service, "ServerSentEventUri")
        if service.get("ServiceEnabled", True)
        else None
    )


async def _identity(
    client: RedfishClient,
    root: JsonObject,
    chassis: JsonObject,
    systems: list[JsonObject],
) -> Identity:
    first: JsonObject = systems[0] if systems else {}
    uuid = (
        text(root, "UUID")
        or text(chassis, "UUID")
        or text(first, "UUID")
        or text(chassis, "SerialNumber")
        or text(first, "SerialNumber")
    )
    if uuid is None:
        raise HeaterProtocolError(
            "the service tells neither a UUID nor a serial number"
        )
    managers = await optional_links(client, link(root, "Managers"))
    manager = await optional(client, managers[0] if managers else None)
    return Identity(
        uuid=uuid.lower(),
        name=text(chassis, "Name")
        or text(root, "Product")
        or text(root, "Name")
        or uuid,
        manufacturer=text(chassis, "Manufacturer")
        or text(first, "Manufacturer")
        or text(root, "Vendor"),
        model=text(chassis, "Model") or text(first, "Model") or text(root, "Product"),
        serial_number=text(chassis, "SerialNumber") or text(first, "SerialNumber"),
        firmware=text(manager, "FirmwareVersion"),
    )

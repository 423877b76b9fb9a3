"""From the resources of a Redfish heater to one Reading in heating terms."""

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum

from .model import Reading
from .redfish_cap import Cap, CapPlace, CapPoint, parse_cap
from .redfish_coolant import pumps_fail, shows_leak
from .redfish_json import JsonObject, number, obj, objects, text
from .redfish_layout import Layout
from .redfish_modules import ModuleState


class Part(StrEnum):
    """A resource that is read in every poll."""

    ENVIRONMENT = "environment"
    CAP = "cap"
    LEGACY = "legacy"
    HOUSE = "house"
    INSIDE = "inside"
    HEAT_METER = "heat_meter"
    CHASSIS = "chassis"
    LEAKS = "leaks"
    PUMPS = "pumps"


_ORDER: tuple[Part | None, ...] = (
    Part.ENVIRONMENT,
    Part.LEGACY,
    Part.CAP,
    Part.HOUSE,
    None,
    Part.LEAKS,
    Part.INSIDE,
    Part.CHASSIS,
    Part.PUMPS,
    Part.HEAT_METER,
)
_FIRST = 3
_OWN_RESOURCE = (CapPlace.CONTROL, CapPlace.ZONES)


def parts_to_read(layout: Layout, cap: CapPoint | None) -> dict[Part, str]:
    """Path of each part that this heater has, each path once, most important first."""
    paths = {
        Part.ENVIRONMENT: layout.environment,
        Part.LEGACY: layout.legacy_power,
        Part.CAP: cap.path if cap and cap.place in _OWN_RESOURCE else None,
        Part.HOUSE: layout.coolant.house if layout.coolant else None,
        Part.INSIDE: layout.coolant.inside if layout.coolant else None,
        Part.HEAT_METER: layout.heat_meter,
        Part.CHASSIS: layout.chassis,
    }
    chosen: dict[Part, str] = {}
    for part, path in paths.items():
        if path is not None and path not in chosen.values():
            chosen[part] = path
    return chosen


def in_order(
    parts: Collection[Part | None], late: Collection[Part | None]
) -> list[Part | None]:
    """Order parts (None: the modules): power and cap, what was late, then the others."""
    order = list(_ORDER)
    rest = order[_FIRST:]
    order[_FIRST:] = [p for p in rest if p in late] + [p for p in rest if p not in late]
    return [part for part in order if part in parts]


def groups_to_read(layout: Layout) -> dict[Part, tuple[str, ...]]:
    """Paths of what is read as a group; it is known as a whole, or not at all."""
    groups = {
        Part.LEAKS: layout.leaks,
        Part.PUMPS: layout.coolant.pumps if layout.coolant else (),
    }
    return {part: paths for part, paths in groups.items() if paths}


def as_group(bodies: Sequence[JsonObject]) -> JsonObject:
    """Make one part of several resources."""
    return {"Members": list(bodies)}


def reading(
    layout: Layout,
    cap_point: CapPoint | None,
    parts: Mapping[Part, JsonObject],
    modules: Sequence[ModuleState] | None,
) -> Reading:
    """Put the parts together; what is missing in ``parts`` is unknown.

    Redfish names coolant by the computers' view: its Supply is the cold intake, its
    Return the hot outflow. Here, once, it becomes the heating engineer's.
    """
    environment = parts.get(Part.ENVIRONMENT, {})
    house = parts.get(Part.HOUSE, {})
    hot = [
        value
        for value in (
            number(environment, "TemperatureCelsius", "Reading"),
            number(parts.get(Part.INSIDE, {}), "ReturnTemperatureCelsius", "Reading"),
        )
        if value is not None
    ]
    coolant_c = max(hot) if hot and layout.coolant is not None else None
    heat_kw = number(house, "HeatRemovedkW", "Reading")
    cap = cap_of(cap_point, parts)
    conditions = _conditions(parts)
    return Reading(
        power_w=_power(parts),
        power_limit_w=cap.active_w if cap else None,
        energy_kwh=_counter(environment, "EnergykWh"),
        coolant_c=coolant_c,
        supply_c=number(house, "ReturnTemperatureCelsius", "Reading"),
        return_c=number(house, "SupplyTemperatureCelsius", "Reading"),
        flow_lpm=number(house, "FlowLitersPerMinute", "Reading"),
        heat_w=None if heat_kw is None else heat_kw * 1000,
        heat_kwh=_sensor_counter(parts.get(Part.HEAT_METER, {})),
        utilisation_percent=number(environment, "PowerLoadPercent", "Reading"),
        modules_on=None if modules is None else sum(m.is_ready for m in modules),
        is_on=_is_on(layout, parts, modules),
        is_changing=any(m.is_changing for m in modules or ()),
        problem=_problem(parts, modules),
        overheating=_overheating(layout, coolant_c, conditions),
        leak=_leak(parts, conditions),
        flow_fault=_flow_fault(parts, conditions),
        throttled=_throttled(conditions),
        falls_back_w=cap.fallback_w if cap else None,
    )


def _power(parts: Mapping[Part, JsonObject]) -> float | None:
    watts = number(parts.get(Part.ENVIRONMENT, {}), "PowerWatts", "Reading")
    if watts is not None:
        return watts
    controls = objects(parts.get(Part.LEGACY, {}), "PowerControl")
    return number(controls[0], "PowerConsumedWatts") if controls else None


def cap_of(point: CapPoint | None, parts: Mapping[Part, JsonObject]) -> Cap | None:
    """Return the cap as it was read; None if it is unknown."""
    if point is None:
        return None
    part = {
        CapPlace.ENVIRONMENT: Part.ENVIRONMENT,
        CapPlace.CONTROL: Part.CAP,
        CapPlace.ZONES: Part.CAP,
        CapPlace.LEGACY: Part.LEGACY,
    }[point.place]
    return parse_cap(point, parts[part]) if part in parts else None


def _counter(body: JsonObject, name: str) -> float | None:
    """Read an excerpt's total: somebody may reset its Reading, but not the lifetime."""
    lifetime = number(body, name, "LifetimeReading")
    return number(body, name, "Reading") if lifetime is None else lifetime


def _sensor_counter(sensor: JsonObject) -> float | None:
    return _counter({"Sensor": sensor}, "Sensor")


def _is_on(
    layout: Layout,
    parts: Mapping[Part, JsonObject],
    modules: Sequence[ModuleState] | None,
) -> bool | None:
    if not layout.modules:
        power = text(parts.get(Part.CHASSIS, {}), "PowerState")
        return None if power is None else power in ("On", "PoweringOn")
    if modules is None:
        return None
    states = [module.is_on for module in modules]
    if any(states):
        return True
    return None if None in states or not states else False


def _problem(
    parts: Mapping[Part, JsonObject], modules: Sequence[ModuleState] | None
) -> bool | None:
    """Tell whether some part is not well; None if none says anything."""
    healths = [module.health for module in modules or ()]
    chassis = obj(parts.get(Part.CHASSIS, {}), "Status")
    healths.append(text(chassis, "HealthRollup") or text(chassis, "Health"))
    for part in (Part.LEAKS, Part.PUMPS):
        members = objects(parts.get(part, {}), "Members")
        healths += [text(member, "Status", "Health") for member in members]
    known = [health for health in healths if health is not None]
    return any(health != "OK" for health in known) if known else None


def _conditions(parts: Mapping[Part, JsonObject]) -> list[str] | None:
    """List MessageIds of what the chassis complains about; None if it may hide something.

    A chassis that is not well without saying why leaves us guessing.
    """
    status = obj(parts.get(Part.CHASSIS, {}), "Status")
    listed = [text(item, "MessageId") or "" for item in objects(status, "Conditions")]
    return listed if listed or text(status, "Health") == "OK" else None


def _overheating(
    layout: Layout, coolant_c: float | None, conditions: list[str] | None
) -> bool | None:
    if any("TemperatureAboveUpperCritical" in name for name in conditions or ()):
        return True
    if layout.hot_c is not None and coolant_c is not None:
        return coolant_c >= layout.hot_c
    return None if conditions is None else False


def _leak(
    parts: Mapping[Part, JsonObject], conditions: list[str] | None
) -> bool | None:
    if any("LeakDetected" in name for name in _alarms(conditions)):
        return True
    return shows_leak(objects(parts.get(Part.LEAKS, {}), "Members"))


def _flow_fault(
    parts: Mapping[Part, JsonObject], conditions: list[str] | None
) -> bool | None:
    if any("FlowRateBelowLower" in name for name in _alarms(conditions)):
        return True
    return pumps_fail(objects(parts.get(Part.PUMPS, {}), "Members"))


def _alarms(conditions: list[str] | None) -> list[str]:
    """Conditions without those that only say that all is well again."""
    return [name for name in conditions or () if not name.endswith("Normal")]


def _throttled(conditions: list[str] | None) -> bool | None:
    """Judge by the standard messages: above its caution threshold a device slows down."""
    if conditions is None:
        return None
    return any(
        "TemperatureAboveUpper" in name or "Throttl" in name for name in conditions
    )

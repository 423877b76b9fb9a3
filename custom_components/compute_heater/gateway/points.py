"""The points that a building controller finds in us."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

SITE = "site"
"""The part that totals belong to; the others have the ids of heaters and consumers."""
HEARTBEAT = f"{SITE}/heartbeat"
LEAST_SUPPLY_C = 20.0
POWER_STATES = ("Off", "Standby", "Eco", "Full")
REQUESTS = ("Automatic", "Standby", "Eco", "Full")
AUTOMATIC, *_ = range(1, len(REQUESTS) + 1)

type Value = float | bool | str
"""Analog points carry a finite float, binary ones a bool, multi-state points the state's
number (from 1) as a float, and texts a str."""


class OfferedKind(StrEnum):
    """What a point is to a building controller."""

    ANALOG = "analog"
    BINARY = "binary"
    MULTISTATE = "multistate"
    TEXT = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedPoint:
    """One point; ``unit`` is spelt as Home Assistant does ("°C", "kW", "kWh", "%")."""

    part: str
    """``SITE``, or the id of a heater or consumer."""
    key: str
    """Unique in the part, and stable."""
    kind: OfferedKind
    name: str
    """What it is called in the building; unique among all points."""
    unit: str | None = None
    states: tuple[str, ...] = ()
    """State texts of a multi-state point, state 1 first."""
    is_command: bool = False
    """Controllers may write it, with a priority, and relinquish it."""
    minimum: float | None = None
    maximum: float | None = None
    """What an analog command may be."""
    default: Value | None = None
    """Of a command that nobody gives."""

    @property
    def point_id(self) -> str:
        """What identifies it among all points."""
        return f"{self.part}/{self.key}"

    @property
    def is_heartbeat(self) -> bool:
        """Controllers count it up to show that they live; it commands nothing."""
        return self.point_id == HEARTBEAT


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedHeater:
    """What must be known of a heater to offer it."""

    heater_id: str
    name: str
    max_supply_c: float
    """Highest set point of its supply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedSink:
    """What must be known of a heat consumer to offer it."""

    sink_id: str
    name: str


def offered_points(
    heaters: Sequence[OfferedHeater],
    sinks: Sequence[OfferedSink],
    *,
    max_heat_kw: float,
    commands: bool,
) -> list[OfferedPoint]:
    """Return all points, in an order that stays when parts are added at the end.

    ``max_heat_kw`` is what all heaters can give together. Without ``commands`` there is
    nothing to write but the heartbeat.
    """
    points = _site_points(max_heat_kw if commands else None)
    for heater in heaters:
        points += _heater_points(heater, commands=commands)
    for sink in sinks:
        points += _sink_points(sink)
    return _with_unique_names(points)


def _site_points(max_heat_kw: float | None) -> list[OfferedPoint]:
    site = _Part(SITE, "Site")
    points = [
        site.analog("heat_demand", "heat demand", "kW"),
        site.analog("thermal_power", "thermal power", "kW"),
        site.analog("available_power", "available thermal power", "kW"),
        site.analog("electrical_power", "electrical power", "kW"),
        site.analog("energy", "electrical energy", "kWh"),
        site.analog("heat_energy", "thermal energy", "kWh"),
        site.binary("commanded", "building in command"),
        site.text("reason", "reason"),
        OfferedPoint(
            part=SITE,
            key="heartbeat",
            kind=OfferedKind.ANALOG,
            name="Site heartbeat",
            minimum=0,
            maximum=65535,
            default=0.0,
        ),
    ]
    if max_heat_kw is not None:
        points.append(
            OfferedPoint(
                part=SITE,
                key="heat_request",
                kind=OfferedKind.ANALOG,
                name="Site heat request",
                unit="kW",
                is_command=True,
                minimum=0,
                maximum=max_heat_kw,
                default=0.0,
            )
        )
    return points


def _heater_points(heater: OfferedHeater, *, commands: bool) -> list[OfferedPoint]:
    part = _Part(heater.heater_id, heater.name)
    points = [
        part.analog("supply_temperature", "supply temperature", "°C"),
        part.analog("return_temperature", "return temperature", "°C"),
        part.analog("flow", "flow", "L/min"),
        part.analog("thermal_power", "thermal power", "kW"),
        part.analog("available_power", "available thermal power", "kW"),
        part.analog("electrical_power", "electrical power", "kW"),
        part.analog("energy", "electrical energy", "kWh"),
        part.analog("heat_energy", "thermal energy", "kWh"),
        part.binary("fault", "fault"),
        part.binary("enabled", "enabled"),
        part.multistate("power_state", "power state", POWER_STATES),
        part.text("reason", "reason"),
    ]
    if commands:
        points += [
            part.command(
                OfferedKind.ANALOG,
                "power_request",
                "power request",
                0.0,
                unit="%",
                minimum=0,
                maximum=100,
            ),
            part.command(
                OfferedKind.ANALOG,
                "supply_setpoint",
                "supply set point",
                heater.max_supply_c,
                unit="°C",
                minimum=LEAST_SUPPLY_C,
                maximum=heater.max_supply_c,
            ),
            part.command(OfferedKind.BINARY, "enable", "enable", True),
            part.command(
                OfferedKind.MULTISTATE,
                "state_request",
                "power state request",
                float(AUTOMATIC),
                states=REQUESTS,
            ),
        ]
    return points


def _sink_points(sink: OfferedSink) -> list[OfferedPoint]:
    part = _Part(sink.sink_id, sink.name)
    return [
        part.analog("temperature", "temperature", "°C"),
        part.analog("heat_demand", "heat demand", "kW"),
        part.analog("state_of_charge", "state of charge", "%"),
    ]


@dataclass(frozen=True, slots=True)
class _Part:
    part: str
    name: str

    def analog(self, key: str, label: str, unit: str) -> OfferedPoint:
        return self._point(OfferedKind.ANALOG, key, label, unit=unit)

    def binary(self, key: str, label: str) -> OfferedPoint:
        return self._point(OfferedKind.BINARY, key, label)

    def multistate(self, key: str, label: str, states: tuple[str, ...]) -> OfferedPoint:
        return self._point(OfferedKind.MULTISTATE, key, label, states=states)

    def text(self, key: str, label: str) -> OfferedPoint:
        return self._point(OfferedKind.TEXT, key, label)

    def command(
        self,
        kind: OfferedKind,
        key: str,
        label: str,
        default: Value,
        *,
        unit: str | None = None,
        minimum: float | None = None,
        maximum: float | None = None,
        states: tuple[str, ...] = (),
    ) -> OfferedPoint:
        return replace(
            self._point(kind, key, label, unit=unit, states=states),
            is_command=True,
            minimum=minimum,
            maximum=maximum,
            default=default,
        )

    def _point(
        self,
        kind: OfferedKind,
        key: str,
        label: str,
        *,
        unit: str | None = None,
        states: tuple[str, ...] = (),
    ) -> OfferedPoint:
        return OfferedPoint(
            part=self.part,
            key=key,
            kind=kind,
            name=f"{self.name} {label}",
            unit=unit,
            states=states,
        )


def _with_unique_names(points: Iterable[OfferedPoint]) -> list[OfferedPoint]:
    """Add numbers to names that two parts share, as object names must differ."""
    seen: dict[str, int] = {}
    found = []
    for point in points:
        seen[point.name] = count = seen.get(point.name, 0) + 1
        found.append(
            point if count == 1 else replace(point, name=f"{point.name} ({count})")
        )
    return found

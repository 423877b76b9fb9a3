"""Which registers each part has, and where in its block."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from .points import SITE, OfferedKind, OfferedPoint

SITE_KIND, HEATER_KIND, SINK_KIND = range(3)
"""What the first register of a part says it is; the site's says something else."""


class Space(StrEnum):
    """The two register tables."""

    INPUT = "input"
    HOLDING = "holding"


class RegisterType(StrEnum):
    """How a number is packed."""

    INT16 = "int16"
    UINT16 = "uint16"
    UINT32 = "uint32"
    FLOAT32 = "float32"

    @property
    def words(self) -> int:
        """How many registers it takes."""
        return 2 if self in (RegisterType.UINT32, RegisterType.FLOAT32) else 1


class Status(StrEnum):
    """What registers say that belong to no point."""

    MAGIC = "device"
    VERSION = "map version"
    HEARTBEAT = "heartbeat"
    WATCHDOG = "watchdog time"
    HEEDED = "commands are heeded"
    KIND = "kind of part"
    KNOWN = "known values"
    LOST = "commands given up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """One number, of one register or two."""

    space: Space
    address: int
    """Of the first register as it goes over the wire, from 0."""
    part: str
    data_type: RegisterType
    source: OfferedPoint | Status
    divisor: int = 1
    """The register holds the value times this."""
    bits: tuple[tuple[int, OfferedPoint], ...] = ()
    """What the bits of a status word are about, by their numbers."""
    kind: int = 0
    """What ``Status.KIND`` holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """The block of one kind of part.

    What is added goes where nothing is yet, and to the end of a mapping: the bits of the
    status words are in the order of ``inputs`` and ``commands``.
    """

    kind: int
    statuses: Mapping[Status, int]
    inputs: Mapping[str, int]
    """Where binary and multi-state points are, and the floats of analog ones."""
    scaled: Mapping[str, int]
    """Where the scaled integers of analog points are."""
    commands: Mapping[str, int]
    scaled_commands: Mapping[str, int]
    power_divisor: int


_SITE = _Layout(
    kind=SITE_KIND,
    statuses={
        Status.MAGIC: 0,
        Status.VERSION: 1,
        Status.HEARTBEAT: 2,
        Status.WATCHDOG: 3,
        Status.HEEDED: 4,
        Status.KNOWN: 5,
        Status.LOST: 6,
    },
    inputs={
        "commanded": 7,
        "heat_demand": 8,
        "thermal_power": 10,
        "available_power": 12,
        "electrical_power": 14,
        "energy": 16,
        "heat_energy": 18,
    },
    scaled={
        "heat_demand": 20,
        "thermal_power": 21,
        "available_power": 22,
        "electrical_power": 23,
        "energy": 24,
        "heat_energy": 26,
    },
    commands={"heat_request": 2, "heartbeat": 1},
    scaled_commands={"heat_request": 10},
    # A site may have more than the 327 kW that hundredths would reach to.
    power_divisor=10,
)
_HEATER = _Layout(
    kind=HEATER_KIND,
    statuses={Status.KIND: 0, Status.KNOWN: 1, Status.LOST: 2},
    inputs={
        "fault": 3,
        "enabled": 4,
        "power_state": 5,
        "supply_temperature": 6,
        "return_temperature": 8,
        "flow": 10,
        "thermal_power": 12,
        "available_power": 14,
        "electrical_power": 16,
        "energy": 18,
        "heat_energy": 20,
    },
    scaled={
        "supply_temperature": 22,
        "return_temperature": 23,
        "flow": 24,
        "thermal_power": 25,
        "available_power": 26,
        "electrical_power": 27,
        "energy": 28,
        "heat_energy": 30,
    },
    commands={
        "enable": 0,
        "state_request": 1,
        "power_request": 2,
        "supply_setpoint": 4,
    },
    scaled_commands={"power_request": 10, "supply_setpoint": 11},
    power_divisor=100,
)
_SINK = _Layout(
    kind=SINK_KIND,
    statuses={Status.KIND: 0, Status.KNOWN: 1},
    inputs={"temperature": 2, "heat_demand": 4, "state_of_charge": 6},
    scaled={"temperature": 8, "heat_demand": 9, "state_of_charge": 10},
    commands={},
    scaled_commands={},
    power_divisor=100,
)


def block_of(
    part: str, base: int, points: Mapping[str, OfferedPoint]
) -> Iterator[Register]:
    """Give the registers of a part, whose points are here by key, from ``base`` on."""
    layout = _SITE if part == SITE else _HEATER if "power_state" in points else _SINK
    known = _bits_of(layout.inputs, points)
    lost = _bits_of(layout.commands, points)
    for status, offset in layout.statuses.items():
        yield Register(
            space=Space.INPUT,
            address=base + offset,
            part=part,
            data_type=RegisterType.UINT16,
            source=status,
            bits=known if status is Status.KNOWN else lost,
            kind=layout.kind,
        )
    for space, plain, scaled in (
        (Space.INPUT, layout.inputs, layout.scaled),
        (Space.HOLDING, layout.commands, layout.scaled_commands),
    ):
        for offsets, is_scaled in ((plain, False), (scaled, True)):
            for key, offset in offsets.items():
                if (point := points.get(key)) is not None:
                    yield _register(space, base + offset, point, layout, is_scaled)


def _bits_of(
    keys: Iterable[str], points: Mapping[str, OfferedPoint]
) -> tuple[tuple[int, OfferedPoint], ...]:
    """Give each point its bit; one that is missing here leaves its own free."""
    return tuple(
        (bit, points[key])
        for bit, key in enumerate(keys)
        if key in points and not points[key].is_heartbeat
    )


def _register(
    space: Space, address: int, point: OfferedPoint, layout: _Layout, is_scaled: bool
) -> Register:
    data_type, divisor = RegisterType.INT16, 1
    if is_scaled and point.unit == "kWh":
        data_type, divisor = RegisterType.UINT32, 10
    elif is_scaled:
        divisor = layout.power_divisor if point.unit == "kW" else 10
    elif point.is_heartbeat:
        data_type = RegisterType.UINT16
    elif point.kind is OfferedKind.ANALOG:
        data_type = RegisterType.FLOAT32
    return Register(
        space=space,
        address=address,
        part=point.part,
        data_type=data_type,
        source=point,
        divisor=divisor,
    )

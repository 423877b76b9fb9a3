"""What every compute heater is to us, whichever protocol steers it.

Temperatures are named as in heating: *supply* is the hot pipe towards the consumer,
*return* the cold pipe back. Power is in W, energy in kWh, flow in L/min.
``None`` means unknown, never zero.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class PowerState(StrEnum):
    """The ladder of power states, lowest first."""

    OFF = "off"
    STANDBY = "standby"
    ECO = "eco"
    FULL = "full"

    @property
    def rank(self) -> int:
        """Position on the ladder, 0 = off."""
        return _RANKS[self]


_RANKS = {state: rank for rank, state in enumerate(PowerState)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who answers at an address; ``uuid`` is stable over restarts and addresses."""

    uuid: str
    name: str
    manufacturer: str | None = None
    model: str | None = None
    serial_number: str | None = None
    firmware: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a heater lets us do, read from the device."""

    can_switch: bool
    """It can be powered down and up again by command."""
    floor_w: float | None
    """Lowest power cap; None where the heater takes no cap."""
    max_w: float | None
    """Highest power cap, or the rated power where there is no cap."""
    modules: int
    has_coolant: bool
    """Supply and return temperature and flow can be read."""
    can_pause: bool = False
    """A work layer can stop the work."""
    can_share: bool = False
    """A work layer takes a share of the work between 0 and 1."""
    step_w: float | None = None
    """Steps in which it takes a cap, counted from the floor; None: any watts."""
    levels: tuple[str, ...] = ()
    """Power states above off that it has as modes of its own."""
    works_at_floor: bool = False
    """At its lowest cap it still works: standby is one of its modes, or else off."""
    module_floor_w: float | None = None
    """Lowest power with one module on; None: modules are not switched one by one."""
    has_leak_detector: bool = False
    """It tells whether it leaks."""
    measures: tuple[str, ...] | None = None
    """Fields of a Reading about the coolant that can be known; None: all or none."""

    def can_read(self, field: str) -> bool:
        """Whether a field of a Reading about the coolant can be known."""
        return self.has_coolant if self.measures is None else field in self.measures

    @property
    def can_cap(self) -> bool:
        """The heater takes a power cap in watts."""
        return self.floor_w is not None and self.max_w is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What a heater shall do: on or off, and if on, with which power cap in W."""

    on: bool
    power_limit_w: float | None = None
    keep_cap: bool = False
    """Leave the cap alone: it is not ours to set or lift."""
    may_split: bool = False
    """For a limit below the lowest cap modules may be switched off."""


class ModuleCondition(StrEnum):
    """Where one module is between off and working."""

    OFF = "off"
    STARTING = "starting"
    ON = "on"
    SHUTTING_DOWN = "shutting_down"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleReading:
    """One computer of a heater; ``key`` is stable over restarts."""

    key: str
    name: str
    condition: ModuleCondition | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One consistent set of readings."""

    power_w: float | None = None
    power_limit_w: float | None = None
    """The cap the heater holds itself; None when uncapped or unknown."""
    energy_kwh: float | None = None
    """The heater's own electricity meter since its first start."""
    coolant_c: float | None = None
    """Hottest coolant temperature inside the heater."""
    supply_c: float | None = None
    return_c: float | None = None
    flow_lpm: float | None = None
    heat_w: float | None = None
    """Heat handed over to the building now."""
    heat_kwh: float | None = None
    """The heater's own heat meter, where it has one."""
    utilisation_percent: float | None = None
    modules_on: int | None = None
    """Modules that are on and have finished booting."""
    modules: tuple[ModuleReading, ...] | None = None
    """Each of the computers that are there."""
    is_on: bool | None = None
    """At least one module is on or starting."""
    is_changing: bool = False
    """A module boots, drains or shuts down."""
    fulfils: Command | None = None
    """The last command, where the driver knows better than the values that it holds."""
    problem: bool | None = None
    overheating: bool | None = None
    leak: bool | None = None
    """The heater's own detectors see liquid where none should be."""
    flow_fault: bool | None = None
    """The heater's own pumps fail, or it reports too little flow."""
    throttled: bool | None = None
    """The heater itself holds its power below what was asked for."""
    work_share: float | None = None
    """Share of the work that its work layers allow, 0 to 1; None: unknown or no layer."""
    has_work: bool | None = None
    """A work layer has something to compute."""
    suspended_reason: str | None = None
    """Why a work layer does not compute, though or because it was told."""
    falls_back_w: float | None = None
    """What it lowers itself to when nobody commands it; None: unknown, or it does not."""


class PowerDriver(Protocol):
    """Steers one compute heater. Every call raises a HeaterError or succeeds."""

    @property
    def writes(self) -> int:
        """Commands sent to the device so far (for diagnostics)."""
        ...

    async def connect(self) -> tuple[Identity, Capabilities]:
        """Find out who answers and what it can do."""
        ...

    async def read(self) -> Reading:
        """Read everything at once; a missing part is None, a dead device raises."""
        ...

    async def apply(self, command: Command) -> None:
        """Make it so and read it back; sends nothing that already holds.

        Going down the cap falls before anything is shut down, going up modules are
        started before the cap rises. Raises HeaterRefusedError with what the device
        reports when it refused or changed the value.
        """
        ...

    async def follow(self, on_event: Callable[[], None]) -> None:
        """Call ``on_event`` whenever the device tells of a change.

        Returns where the device tells of none; else runs until it is cancelled.
        """
        ...

    async def close(self) -> None:
        """Leave the session; the device keeps its state."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkIdentity:
    """Who answers as a work layer."""

    name: str
    version: str | None = None
    cpus: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkReading:
    """What a work layer does. Shares are of all that it could do, 0 to 1."""

    share: float | None = None
    """What is allowed now; 0 = paused."""
    busy_share: float | None = None
    """What it computes now."""
    running: bool | None = None
    suspended_reason: str | None = None
    """A short key in snake case; None where nothing holds the work back."""
    has_work: bool | None = None
    expires_in_s: float | None = None
    """When what was commanded lapses by itself; None: it does not."""
    lapses_to: float | None = None
    """Share once nobody commands it any more; None where that is unknown."""


class WorkDriver(Protocol):
    """Lets the work of a heater run or rest. Every call raises a HeaterError or succeeds."""

    @property
    def writes(self) -> int:
        """Commands sent so far (for diagnostics)."""
        ...

    @property
    def can_share(self) -> bool:
        """It takes any share; else only 0 and 1."""
        ...

    async def connect(self) -> WorkIdentity:
        """Find out who answers, and that it takes our commands."""
        ...

    async def read(self) -> WorkReading:
        """Read its state; changes nothing."""
        ...

    async def apply(self, share: float) -> None:
        """Allow this share of the work (0 = pause, 1 = everything) and read it back.

        Sends nothing that already holds. Where the layer can, the command lapses by
        itself when it is not renewed.
        """
        ...

    async def keep(self) -> None:
        """Renew the command in force if half of its time is over; changes nothing else."""
        ...

    async def close(self) -> None:
        """Leave; the layer keeps its state until that lapses."""
        ...


class HeaterError(Exception):
    """Anything that went wrong between us and a heater."""


class HeaterConnectionError(HeaterError):
    """No answer, a broken connection or a time-out."""


class HeaterBusyError(HeaterConnectionError):
    """It is there, and asks to be left alone for ``retry_after_s`` seconds."""

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class HeaterCertificateError(HeaterConnectionError):
    """The certificate is neither trusted nor the pinned one.

    ``fingerprint`` is the SHA-256 of the certificate presented, as hex.
    """

    def __init__(self, fingerprint: str | None) -> None:
        super().__init__(f"certificate not trusted: {fingerprint}")
        self.fingerprint = fingerprint


class HeaterAuthError(HeaterError):
    """The credentials were refused."""


class HeaterProtocolError(HeaterError):
    """Something answers, but not what the protocol asks for."""


class HeaterRefusedError(HeaterError):
    """The device refused a command or made something else of it."""

"""What the Redfish service shows and steers: a machine that turns electricity into heat.

The simulated rack and a real Linux machine are such. Power in W, temperatures in °C,
flow in L/min, energies in J; None is unknown. *Supply* is the hot outflow to the house
and *return* the cold inflow, as in heating (Redfish names them the other way).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from .computer import Computer
from .errors import CapRangeError
from .guard import Lease, OverTemperatureGuard
from .modules import ModuleState, ResetType
from .notices import Happening, Listener, Notice


class ControlMode(StrEnum):
    """Whether the power cap holds."""

    AUTOMATIC = "Automatic"
    DISABLED = "Disabled"


class PowerRange(Protocol):
    """What a cap may be, in W, and how long it holds without a client."""

    @property
    def floor_w(self) -> float:
        """Lowest power cap."""
        ...

    @property
    def max_w(self) -> float:
        """Power at full load."""
        ...

    @property
    def fallback_w(self) -> float:
        """Cap that holds until a client sets another, and after its lease."""
        ...

    @property
    def lease_s(self) -> float:
        """Without an authenticated request for so long the cap falls back."""
        ...


class ModuleView(Protocol):
    """One computer of the machine."""

    @property
    def state(self) -> ModuleState:
        """Where it is between off and working."""
        ...

    @property
    def boot_progress(self) -> float:
        """0 = just switched on, 1 = able to work; meaningful from BOOTING to ON."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What the machine is called and made of."""

    manufacturer: str | None
    model: str
    chassis_type: str
    module_model: str
    processor: str | None
    processors: int = 1
    power_source: str | None = None
    """``Implementation`` of the power sensor in Redfish's words."""
    power_remark: str | None = None
    """Where the power reading comes from, where that is not plain."""
    off_remark: str | None = None
    """What *off* means, where that is not plain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Substance:
    """A coolant."""

    kind: str
    """``CoolantType`` in Redfish's words."""
    additive: str | None = None
    kj_per_kg_k: float | None = None
    kg_per_l: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Connector:
    """A pair of pipes and what is known about them."""

    name: str
    substance: Substance | None = None
    flow_lpm: float | None = None
    cold_c: float | None = None
    hot_c: float | None = None
    heat_w: float | None = None
    """Heat carried away now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cooling:
    """The liquid that carries the heat: towards the house, and inside the machine."""

    name: str
    substance: Substance | None = None
    house: Connector | None = None
    inside: Connector | None = None


class Machine(ABC):
    """Modules under one power cap with a lease; who steps it makes the cap true."""

    description: Description
    modules: Sequence[ModuleView]
    reset_types: Sequence[ResetType]
    """Commands that the modules take."""
    guard: OverTemperatureGuard | None
    energy_j: float
    """Electricity used since the first start."""
    heat_j: float
    """Heat handed over since the first start; 0 where ``has_heat_meter`` is False."""
    has_heat_meter: bool = False
    has_temperature: bool = False
    """``coolant_c`` is read, if it can be just now."""
    has_leak_detector: bool = False
    """``leaking`` is known."""
    has_work_use: bool = False
    """``work_use`` is read, if it can be just now."""
    computer: Computer | None = None
    """What its only module is made of; None where nothing tells."""

    def __init__(self, power_range: PowerRange) -> None:
        self.power_range = power_range
        self.lease = Lease(power_range.lease_s)
        self.set_point_w = power_range.fallback_w
        self.control_mode = ControlMode.AUTOMATIC
        self.leaking = False
        self._listeners: list[Listener] = []

    @property
    @abstractmethod
    def power_w(self) -> float | None:
        """Electrical power now."""

    @property
    def coolant_c(self) -> float | None:
        """Hottest coolant."""
        return None

    @property
    def work_use(self) -> float | None:
        """CPU time that the work uses, as a share of what it may use at full power."""
        return None

    def processor_c(self, index: int) -> float | None:
        """Temperature of a processor of ``computer``, counted from 0."""
        return None

    @property
    def heat_w(self) -> float | None:
        """Heat handed over now."""
        return None

    @property
    def cooling(self) -> Cooling | None:
        """State of the coolant; None where there is none."""
        return None

    @property
    def floor_w(self) -> float:
        """Lowest power cap that can be held now, with the modules that are on."""
        return self.power_range.floor_w

    @property
    def faults(self) -> Sequence[str]:
        """What does not work now, in words."""
        return ()

    @property
    def power_limit_w(self) -> float | None:
        """The cap that clients have set; None when uncapped."""
        if self.control_mode is ControlMode.DISABLED:
            return None
        return self.set_point_w

    @property
    def effective_limit_w(self) -> float:
        """The cap that holds, the machine's own protection included."""
        limit = self.power_limit_w
        cap = self.power_range.max_w if limit is None else limit
        return cap if self.guard is None else min(cap, self.guard.limit_w)

    @property
    def load_percent(self) -> float | None:
        """Power as a share of the maximum."""
        power_w = self.power_w
        return None if power_w is None else 100 * power_w / self.power_range.max_w

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` with every notice until the returned function is called."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def set_cap(
        self,
        *,
        set_point_w: float | None = None,
        control_mode: ControlMode | None = None,
    ) -> None:
        """Change the cap, its mode or both; all or nothing.

        Raises CapRangeError for a set point below the floor or above the maximum.
        """
        if set_point_w is not None and not (
            self.floor_w <= set_point_w <= self.power_range.max_w
        ):
            raise CapRangeError(f"{set_point_w} W")
        before = (self.set_point_w, self.control_mode)
        if set_point_w is not None:
            self.set_point_w = set_point_w
        if control_mode is not None:
            self.control_mode = control_mode
        if before != (self.set_point_w, self.control_mode):
            self._tell(Happening.POWER_LIMIT_CHANGED, value=self.power_limit_w)

    def tell_leak(self, *, leaking: bool) -> None:
        """Take what the leak detector sees; the machine itself goes on."""
        if leaking is not self.leaking:
            self.leaking = leaking
            self._tell(Happening.LEAK if leaking else Happening.LEAK_ENDED)

    @abstractmethod
    def reset(self, index: int, command: ResetType) -> None:
        """Switch module ``index``, counted from 0.

        Raises TrippedError for a command that would start it during a trip.
        """

    def renew_lease(self) -> None:
        """Note that an authenticated client is there."""
        if self.lease.renew():
            self._tell(Happening.LEASE_RENEWED)

    def _step_lease(self, dt_s: float) -> None:
        """Let the lease run; when it ends the cap falls back."""
        if not self.lease.step(dt_s):
            return
        self.set_cap(
            set_point_w=self.power_range.fallback_w,
            control_mode=ControlMode.AUTOMATIC,
        )
        self._tell(Happening.LEASE_EXPIRED, value=self.set_point_w)

    def _tell_state(self, index: int, state: ModuleState) -> None:
        self._tell(_STATE_NOTICES[state], module=index)

    def _tell(
        self,
        happening: Happening,
        *,
        module: int | None = None,
        value: float | None = None,
        text: str | None = None,
    ) -> None:
        self._publish(
            Notice(happening=happening, module=module, value=value, text=text)
        )

    def _publish(self, notice: Notice) -> None:
        for listener in self._listeners:
            listener(notice)


_STATE_NOTICES = {
    ModuleState.OFF: Happening.POWERED_OFF,
    ModuleState.BOOTING: Happening.POWERING_ON,
    ModuleState.ON: Happening.POWERED_ON,
    ModuleState.DRAINING: Happening.POWERING_OFF,
}

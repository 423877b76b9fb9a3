"""The simulated compute heater: an immersed rack on the house's heating water.

No clock and no input or output: whoever owns the rack calls ``step``. Power in W,
temperatures in °C, flow in L/min, energies in J. *Supply* is the hot outflow to the
house and *return* the cold inflow, as in heating (Redfish names them the other way).
"""

from collections.abc import Callable
from enum import StrEnum

from .bath import OilBath
from .errors import CapRangeError, TrippedError
from .guard import Lease, OverTemperatureGuard
from .modules import Module, ModuleState, ResetType, share_power
from .notices import Happening, Listener, Notice
from .settings import RackSettings

_FINE_STEP_S = 0.5
_COARSE_STEP_S = 10.0
"""Longest steps while something changes, and while all is settled."""

_STATE_NOTICES = {
    ModuleState.OFF: Happening.POWERED_OFF,
    ModuleState.BOOTING: Happening.POWERING_ON,
    ModuleState.ON: Happening.POWERED_ON,
    ModuleState.DRAINING: Happening.POWERING_OFF,
}


class ControlMode(StrEnum):
    """Whether the power cap holds."""

    AUTOMATIC = "Automatic"
    DISABLED = "Disabled"


class Rack:
    """Modules, oil bath and heat exchanger with their own protection.

    ``energy_j`` and ``heat_j`` given at the start let the meters go on over restarts.
    """

    def __init__(
        self, settings: RackSettings, *, energy_j: float = 0.0, heat_j: float = 0.0
    ) -> None:
        self.settings = settings
        self.modules = tuple(Module(settings) for _ in range(settings.modules))
        self.bath = OilBath(settings)
        self.guard = OverTemperatureGuard(
            trip_c=settings.trip_c, floor_w=settings.floor_w, max_w=settings.max_w
        )
        self.lease = Lease(settings.lease_s)
        self.energy_j = energy_j
        self.heat_j = heat_j
        self.loss_j = 0.0
        self.time_s = 0.0
        self.set_point_w = settings.fallback_w
        self.control_mode = ControlMode.AUTOMATIC
        self._listeners: list[Listener] = []

    @property
    def power_w(self) -> float:
        """Electrical power now."""
        return sum(module.power_w for module in self.modules)

    @property
    def power_limit_w(self) -> float | None:
        """The cap that clients have set; None when uncapped."""
        if self.control_mode is ControlMode.DISABLED:
            return None
        return self.set_point_w

    @property
    def effective_limit_w(self) -> float:
        """The cap that holds, the rack's own protection included."""
        cap = self.settings.max_w if self.power_limit_w is None else self.power_limit_w
        return min(cap, self.guard.limit_w)

    @property
    def load_percent(self) -> float:
        """Power as a share of the maximum."""
        return 100 * self.power_w / self.settings.max_w

    @property
    def oil_c(self) -> float:
        """Hottest coolant."""
        return self.bath.oil_c

    @property
    def supply_c(self) -> float:
        """Hot outflow to the house."""
        return self.bath.supply_c

    @property
    def return_c(self) -> float:
        """Cold inflow from the house."""
        return self.bath.return_c

    @property
    def flow_lpm(self) -> float:
        """Flow of heating water."""
        return self.bath.flow_lpm

    @property
    def heat_w(self) -> float:
        """Heat handed to the heating water now."""
        return self.bath.heat_w

    @property
    def stored_j(self) -> float:
        """Heat in the oil relative to the start."""
        return self.bath.stored_j

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
            self.settings.floor_w <= set_point_w <= self.settings.max_w
        ):
            raise CapRangeError(f"{set_point_w} W")
        before = (self.set_point_w, self.control_mode)
        if set_point_w is not None:
            self.set_point_w = set_point_w
        if control_mode is not None:
            self.control_mode = control_mode
        if before != (self.set_point_w, self.control_mode):
            self._tell(Happening.POWER_LIMIT_CHANGED, value=self.power_limit_w)

    def reset(self, index: int, command: ResetType) -> None:
        """Switch module ``index``, counted from 0.

        Raises TrippedError for a command that would start it during a trip.
        """
        starts = command not in (ResetType.FORCE_OFF, ResetType.GRACEFUL_SHUTDOWN)
        if starts and self.guard.tripped:
            raise TrippedError(f"{self.oil_c:.1f} °C")
        module = self.modules[index]
        before = module.state
        module.reset(command)
        self._tell_state(index, before)

    def renew_lease(self) -> None:
        """Note that an authenticated client is there."""
        if self.lease.renew():
            self._tell(Happening.LEASE_RENEWED)

    def step(self, dt_s: float, return_c: float, flow_lpm: float) -> None:
        """Let ``dt_s`` seconds pass with this inflow and flow from the house."""
        self.bath.connect(return_c, flow_lpm)
        while dt_s > 1e-9:
            targets = share_power(
                self.effective_limit_w,
                [module.least_w for module in self.modules],
                [module.wanted_w for module in self.modules],
            )
            part = min(dt_s, self._longest_step(targets))
            self._advance(part, targets)
            if self.lease.step(part):
                self._fall_back()
            dt_s -= part

    def _longest_step(self, targets: list[float]) -> float:
        longest = _FINE_STEP_S
        if self.oil_c < self.guard.near and all(
            module.is_settled(target)
            for module, target in zip(self.modules, targets, strict=True)
        ):
            longest = _COARSE_STEP_S
        if self.lease.held:
            longest = min(longest, self.lease.left_s)
        longest = min(longest, *(module.changes_in_s for module in self.modules))
        return max(longest, 1e-6)

    def _advance(self, dt_s: float, targets: list[float]) -> None:
        energy_j = 0.0
        for index, (module, target) in enumerate(
            zip(self.modules, targets, strict=True)
        ):
            energy_j += module.draw(dt_s, target)
            before = module.state
            module.advance(dt_s)
            self._tell_state(index, before)
        exchange = self.bath.step(dt_s, energy_j / dt_s)
        self.energy_j += energy_j
        self.heat_j += exchange.heat_j
        self.loss_j += exchange.loss_j
        self.time_s += dt_s
        self._protect()

    def _fall_back(self) -> None:
        self.set_cap(
            set_point_w=self.settings.fallback_w, control_mode=ControlMode.AUTOMATIC
        )
        self._tell(Happening.LEASE_EXPIRED, value=self.set_point_w)

    def _protect(self) -> None:
        was_tripped = self.guard.tripped
        for notice in self.guard.update(self.oil_c):
            self._publish(notice)
        if not self.guard.tripped:
            return
        if not was_tripped:
            self.set_cap(
                set_point_w=self.settings.floor_w, control_mode=ControlMode.AUTOMATIC
            )
        command = (
            ResetType.FORCE_OFF
            if self.guard.must_force_off(self.oil_c)
            else ResetType.GRACEFUL_SHUTDOWN
        )
        for index in range(len(self.modules)):
            self.reset(index, command)

    def _tell_state(self, index: int, before: ModuleState) -> None:
        state = self.modules[index].state
        if state is not before:
            self._tell(_STATE_NOTICES[state], module=index)

    def _tell(
        self,
        happening: Happening,
        *,
        module: int | None = None,
        value: float | None = None,
    ) -> None:
        self._publish(Notice(happening=happening, module=module, value=value))

    def _publish(self, notice: Notice) -> None:
        for listener in self._listeners:
            listener(notice)

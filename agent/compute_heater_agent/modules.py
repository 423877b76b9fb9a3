"""One compute module: power states, boot and drain, and how power follows a target."""

from enum import StrEnum
from math import exp, inf

from .settings import RackSettings


class ModuleState(StrEnum):
    """Where a module is between off and working."""

    OFF = "off"
    BOOTING = "booting"
    ON = "on"
    DRAINING = "draining"


class ResetType(StrEnum):
    """Commands of Redfish's ComputerSystem.Reset that a module takes."""

    ON = "On"
    GRACEFUL_SHUTDOWN = "GracefulShutdown"
    FORCE_OFF = "ForceOff"
    GRACEFUL_RESTART = "GracefulRestart"
    FORCE_RESTART = "ForceRestart"


_BOOT_LOAD = 0.25
"""Share of the load range that a booting module would like to draw."""
_SETTLED_W = 0.01


class Module:
    """A module that always has work: it draws what its share of the cap allows."""

    def __init__(self, settings: RackSettings) -> None:
        self._settings = settings
        self._idle = settings.module_idle_w
        self._range = settings.module_max_w - settings.module_idle_w
        self._left_s = 0.0
        self._drain_from = 1.0
        self._boot_after_drain = False
        # An agent that starts finds its modules running.
        self.state = ModuleState.ON
        self.power_w = self._idle

    @property
    def wanted_w(self) -> float:
        """Power the module would draw without a cap."""
        match self.state:
            case ModuleState.OFF:
                return self._settings.standby_w
            case ModuleState.BOOTING:
                return self._idle + _BOOT_LOAD * self._range
            case ModuleState.ON:
                return self._idle + self._range
            case ModuleState.DRAINING:
                done = self._left_s / self._settings.drain_s
                return self._idle + self._drain_from * done * self._range

    @property
    def least_w(self) -> float:
        """Power the module cannot go below in its present state."""
        if self.state is ModuleState.OFF:
            return self._settings.standby_w
        return self._idle

    @property
    def boot_progress(self) -> float:
        """0 = just switched on, 1 = able to work; meaningful from BOOTING to ON."""
        if self.state is not ModuleState.BOOTING or self._settings.boot_s == 0:
            return 1.0
        return 1 - self._left_s / self._settings.boot_s

    @property
    def changes_in_s(self) -> float:
        """Time until the state changes by itself."""
        if self.state in (ModuleState.BOOTING, ModuleState.DRAINING):
            return self._left_s
        return inf

    def reset(self, command: ResetType) -> None:
        """Take a command; one that already holds changes nothing."""
        match command:
            case ResetType.ON if self.state is ModuleState.OFF:
                self._boot()
            case ResetType.ON if self.state is ModuleState.DRAINING:
                # A shutdown that has begun cannot be called back.
                self._boot_after_drain = True
            case ResetType.GRACEFUL_SHUTDOWN:
                self._drain(boot_after=False)
            case ResetType.GRACEFUL_RESTART:
                self._drain(boot_after=True)
            case ResetType.FORCE_OFF:
                self._off()
            case ResetType.FORCE_RESTART:
                self._boot()
            case _:
                pass

    def advance(self, dt_s: float) -> None:
        """Let time pass for boot and drain; ``dt_s`` not beyond ``changes_in_s``."""
        if self.state not in (ModuleState.BOOTING, ModuleState.DRAINING):
            return
        self._left_s -= dt_s
        if self._left_s > 1e-9:
            return
        if self.state is ModuleState.BOOTING:
            self.state = ModuleState.ON
        elif self._boot_after_drain:
            self._boot()
        else:
            self._off()

    def is_settled(self, target_w: float) -> bool:
        """Power has reached the target and no state change is under way."""
        steady = self.state in (ModuleState.ON, ModuleState.OFF)
        return steady and abs(self.power_w - target_w) < _SETTLED_W

    def draw(self, dt_s: float, target_w: float) -> float:
        """Approach the target for ``dt_s`` seconds; return the energy drawn in J."""
        before = self.power_w
        if self.state is ModuleState.OFF:
            self.power_w = target_w
            return target_w * dt_s
        change = (target_w - before) * (1 - exp(-dt_s / self._settings.response_s))
        ramp = self._range / self._settings.ramp_s * dt_s
        self.power_w = before + max(-ramp, min(ramp, change))
        return (before + self.power_w) / 2 * dt_s

    def _boot(self) -> None:
        self.state, self._left_s = ModuleState.BOOTING, self._settings.boot_s
        self.power_w = self._idle
        if self._left_s == 0:
            self.state = ModuleState.ON

    def _drain(self, *, boot_after: bool) -> None:
        if self.state is ModuleState.OFF:
            if boot_after:
                self._boot()
            return
        self._boot_after_drain = boot_after
        if self.state is ModuleState.DRAINING:
            return
        has_work = self.state is ModuleState.ON
        self._drain_from = (self.power_w - self._idle) / self._range if has_work else 0
        self.state, self._left_s = ModuleState.DRAINING, self._settings.drain_s
        if self._left_s == 0:
            self.advance(0)

    def _off(self) -> None:
        self.state, self._left_s = ModuleState.OFF, 0.0
        self.power_w = self._settings.standby_w


def share_power(
    budget_w: float, least_w: list[float], wanted_w: list[float]
) -> list[float]:
    """Split a budget so that all get their least and none more than it wants.

    What is left above the least is split evenly among those who want more.
    """
    shares = list(least_w)
    left = budget_w - sum(least_w)
    order = sorted(range(len(shares)), key=lambda i: wanted_w[i] - least_w[i])
    for position, index in enumerate(order):
        if left <= 0:
            break
        part = min(wanted_w[index] - least_w[index], left / (len(order) - position))
        shares[index] += part
        left -= part
    return shares

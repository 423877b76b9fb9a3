"""The simulated compute heater: an immersed rack on the house's heating water.

No clock and no input or output: whoever owns the rack calls ``step``. Power in W,
temperatures in °C, flow in L/min, energies in J. *Supply* is the hot outflow to the
house and *return* the cold inflow, as in heating (Redfish names them the other way).
"""

from .bath import (
    OIL_KG_PER_L,
    OIL_KJ_PER_KG_K,
    WATER_KG_PER_L,
    WATER_KJ_PER_KG_K,
    OilBath,
)
from .errors import TrippedError
from .guard import OverTemperatureGuard
from .machine import Connector, ControlMode, Cooling, Description, Machine, Substance
from .modules import Module, ModuleState, ResetType, share_power
from .settings import RackSettings

__all__ = ["ControlMode", "Rack", "ResetType"]

_FINE_STEP_S = 0.5
_COARSE_STEP_S = 10.0
"""Longest steps while something changes, and while all is settled."""

_DESCRIPTION = Description(
    manufacturer="Compute Heater",
    model="Simulated immersed rack",
    chassis_type="ImmersionTank",
    module_model="Simulated compute module",
    processor="Simulated processor",
)
_WATER = Substance(kind="Water", kj_per_kg_k=WATER_KJ_PER_KG_K, kg_per_l=WATER_KG_PER_L)
_OIL = Substance(
    kind="Hydrocarbon",
    additive="White oil",
    kj_per_kg_k=OIL_KJ_PER_KG_K,
    kg_per_l=OIL_KG_PER_L,
)


class Rack(Machine):
    """Modules, oil bath and heat exchanger with their own protection.

    ``energy_j`` and ``heat_j`` given at the start let the meters go on over restarts.
    """

    modules: tuple[Module, ...]
    guard: OverTemperatureGuard
    description = _DESCRIPTION
    reset_types = tuple(ResetType)
    has_heat_meter = True
    has_temperature = True
    has_leak_detector = True

    def __init__(
        self, settings: RackSettings, *, energy_j: float = 0.0, heat_j: float = 0.0
    ) -> None:
        super().__init__(settings)
        self.settings = settings
        self.modules = tuple(Module(settings) for _ in range(settings.modules))
        self.bath = OilBath(settings)
        self.guard = OverTemperatureGuard(
            trip_c=settings.trip_c, floor_w=settings.floor_w, max_w=settings.max_w
        )
        self.energy_j = energy_j
        self.heat_j = heat_j
        self.loss_j = 0.0
        self.time_s = 0.0

    @property
    def power_w(self) -> float:
        """Electrical power now."""
        return sum(module.power_w for module in self.modules)

    @property
    def oil_c(self) -> float:
        """Hottest coolant."""
        return self.bath.oil_c

    @property
    def coolant_c(self) -> float:
        """Hottest coolant."""
        return self.bath.oil_c

    @property
    def load_percent(self) -> float:
        """Power as a share of the maximum."""
        return 100 * self.power_w / self.settings.max_w

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

    @property
    def cooling(self) -> Cooling:
        """Oil bath with its two circuits."""
        bath = self.bath
        return Cooling(
            name="Oil bath with plate heat exchanger",
            substance=_OIL,
            house=Connector(
                name="Heating water of the house",
                substance=_WATER,
                flow_lpm=bath.flow_lpm,
                cold_c=bath.return_c,
                hot_c=bath.supply_c,
                heat_w=bath.heat_w,
            ),
            inside=Connector(
                name="Oil between bath and heat exchanger",
                substance=_OIL,
                flow_lpm=bath.oil_flow_lpm,
                cold_c=bath.oil_cold_c,
                hot_c=bath.oil_c,
                heat_w=bath.heat_w,
            ),
        )

    @property
    def floor_w(self) -> float:
        """Lowest power cap that can be held now; modules that are off need none.

        With all of them off it is that of all, which is what a cap is chosen for.
        """
        states = [module.state for module in self.modules]
        if all(state is ModuleState.OFF for state in states):
            return self.settings.floor_w
        return sum(module.least_w for module in self.modules)

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
        self._tell_change(index, before)

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
            self._step_lease(part)
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
            self._tell_change(index, before)
        exchange = self.bath.step(dt_s, energy_j / dt_s)
        self.energy_j += energy_j
        self.heat_j += exchange.heat_j
        self.loss_j += exchange.loss_j
        self.time_s += dt_s
        self._protect()

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

    def _tell_change(self, index: int, before: ModuleState) -> None:
        state = self.modules[index].state
        if state is not before:
            self._tell_state(index, state)

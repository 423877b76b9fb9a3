"""The Linux machine as the Redfish service shows it. No input or output in here."""

from dataclasses import dataclass

from ..errors import TrippedError
from ..guard import OverTemperatureGuard
from ..machine import Connector, ControlMode, Cooling, Description, Machine
from ..modules import ModuleState, ResetType
from ..notices import Happening
from .controller import PowerController
from .hardware import Hardware
from .meter import PowerSource
from .probe import Sample
from .settings import LinuxSettings, OffMode

_BLIND_S = 30.0
"""So long the coolant's temperature may be unknown before power is held down."""
_HUNGRY = 0.9
"""Work that uses so much of what it may would use more."""
_IDLE_USE = 0.005

_FREEZES = (ResetType.ON, ResetType.GRACEFUL_SHUTDOWN, ResetType.FORCE_OFF)
_OFF_REMARKS = {
    OffMode.FREEZE: (
        "Off stops the work ({slice}) where it is, On lets it go on; "
        "the machine itself stays on."
    ),
    OffMode.POWER_OFF: (
        "Off shuts the machine down, agent included: something else has to start it."
    ),
    OffMode.NONE: "It cannot be switched.",
}


@dataclass(slots=True)
class LinuxModule:
    """The machine as its own only module."""

    state: ModuleState = ModuleState.ON
    boot_progress: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerCommand:
    """The whole machine shall go down; ``verb`` is systemctl's."""

    verb: str
    force: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the back ends shall do now."""

    share: float | None
    """Share of its ability that the machine may use; None: no limit."""
    frozen: bool
    power: PowerCommand | None = None


class LinuxMachine(Machine):
    """State and decisions; ``step`` takes what was seen and says what to do."""

    modules: tuple[LinuxModule]

    def __init__(
        self,
        settings: LinuxSettings,
        hardware: Hardware,
        source: PowerSource,
        *,
        can_freeze: bool,
        energy_j: float = 0.0,
    ) -> None:
        super().__init__(settings)
        self._settings = settings
        self._off = _off_mode(settings.off, hardware, can_freeze=can_freeze)
        self._can_freeze = can_freeze
        self.description = _description(settings, hardware, source, self._off)
        self.reset_types = {
            OffMode.FREEZE: _FREEZES,
            OffMode.POWER_OFF: tuple(ResetType),
            OffMode.NONE: (),
        }[self._off]
        self.modules = (LinuxModule(),)
        self.guard = (
            None
            if settings.trip_c is None
            else OverTemperatureGuard(
                trip_c=settings.trip_c, floor_w=settings.floor_w, max_w=settings.max_w
            )
        )
        self.has_temperature = bool(settings.coolant or settings.supply)
        self.has_work_use = hardware.group is not None
        self.computer = hardware.computer
        self.energy_j = energy_j
        self.heat_j = 0.0
        self._controller = PowerController(
            floor_w=settings.floor_w, max_w=settings.max_w
        )
        self._sample = Sample(dt_s=0.0)
        self._has_looked = False
        self._share: float | None = None
        self._frozen_wanted: bool | None = None
        """None until the first look: work that was frozen stays frozen."""
        self._power_wanted: PowerCommand | None = None
        self._going_down = False
        self._blind_s = 0.0
        self._faults: tuple[str, ...] = ()

    @property
    def power_w(self) -> float | None:
        """Electrical power in the last period."""
        return self._sample.power_w

    @property
    def coolant_c(self) -> float | None:
        """Hottest coolant, else the outflow."""
        coolant_c = self._sample.coolant_c
        return self._sample.supply_c if coolant_c is None else coolant_c

    @property
    def work_use(self) -> float | None:
        """CPU time of the slice in the last period."""
        return self._sample.cpu_use

    def processor_c(self, index: int) -> float | None:
        """Temperature of a processor, as last read."""
        celsius = self._sample.processors_c
        return celsius[index] if index < len(celsius) else None

    @property
    def cooling(self) -> Cooling | None:
        """What the configured sensors tell of the coolant."""
        settings, sample = self._settings, self._sample
        house = settings.supply or settings.return_
        if not house and not settings.coolant:
            return None
        return Cooling(
            name="Coolant loop",
            house=Connector(
                name="Towards the house",
                cold_c=sample.return_c,
                hot_c=sample.supply_c,
            )
            if house
            else None,
            inside=Connector(name="Inside the machine", hot_c=sample.coolant_c)
            if settings.coolant
            else None,
        )

    @property
    def faults(self) -> tuple[str, ...]:
        """What does not work now."""
        return self._faults

    @property
    def effective_limit_w(self) -> float:
        """The cap that holds, the machine's own protection included."""
        if self._is_blind:
            return self._settings.floor_w
        return super().effective_limit_w

    @property
    def share(self) -> float | None:
        """Share of its ability that the machine may use now; None: no limit."""
        return self._share

    def reset(self, index: int, command: ResetType) -> None:
        """Freeze, thaw, power off or reboot; raises TrippedError."""
        starts = command not in (ResetType.FORCE_OFF, ResetType.GRACEFUL_SHUTDOWN)
        if starts and self.guard is not None and self.guard.tripped:
            raise TrippedError(f"{self.coolant_c} °C")
        forced = command in (ResetType.FORCE_OFF, ResetType.FORCE_RESTART)
        if command is ResetType.ON:
            self._frozen_wanted = False
        elif command in (ResetType.GRACEFUL_RESTART, ResetType.FORCE_RESTART):
            self._power_wanted = PowerCommand(verb="reboot", force=forced)
        elif self._off is OffMode.POWER_OFF:
            self._power_wanted = PowerCommand(verb="poweroff", force=forced)
        else:
            self._frozen_wanted = True
        self._update_state()

    def step(self, sample: Sample) -> Wanted:
        """Take what was seen; decide what the back ends shall do."""
        self._sample, self._has_looked = sample, True
        if sample.power_w is not None:
            self.energy_j += sample.power_w * sample.dt_s
        if self._frozen_wanted is None:
            self._frozen_wanted = bool(sample.frozen)
        self._step_lease(sample.dt_s)
        self._protect(sample.dt_s)
        self._update_state()
        uncapped = self.power_limit_w is None
        if uncapped and self.effective_limit_w >= self._settings.max_w:
            self._share = None
        else:
            self._share = self._controller.share(
                self.effective_limit_w,
                sample.power_w,
                hungry=self._is_hungry(sample),
                dt_s=sample.dt_s,
            )
        power, self._power_wanted = self._power_wanted, None
        self._going_down |= power is not None
        return Wanted(share=self._share, frozen=self._frozen_wanted, power=power)

    def stays_up(self) -> None:
        """Note that a power command failed."""
        self._going_down = False
        self._update_state()

    def fall_back(self) -> Wanted:
        """Return the default cap without feedback, for the time without an agent."""
        return Wanted(
            share=self._controller.on_the_line(self._settings.fallback_w),
            frozen=bool(self._frozen_wanted),
        )

    def note_faults(self, faults: tuple[str, ...]) -> None:
        """Take what does not work now; tells what is new and what is over."""
        if self._is_blind:
            faults = (*faults, "the coolant's temperature is unknown")
        faults = tuple(dict.fromkeys(faults))
        before, self._faults = self._faults, faults
        for text in faults:
            if text not in before:
                self._tell(Happening.FAULT, text=text)
        for text in before:
            if text not in faults:
                self._tell(Happening.FAULT_ENDED, text=text)

    @property
    def _is_blind(self) -> bool:
        return self._blind_s > _BLIND_S

    def _is_hungry(self, sample: Sample) -> bool:
        if self._share is None or sample.cpu_use is None:
            return False
        cards = any(
            gpu.power_w is not None
            and gpu.limit_w is not None
            and gpu.power_w > _HUNGRY * gpu.limit_w
            for gpu in sample.gpus or ()
        )
        return cards or sample.cpu_use >= max(_HUNGRY * self._share, _IDLE_USE)

    def _protect(self, dt_s: float) -> None:
        if self.guard is None:
            return
        coolant_c = self.coolant_c
        if coolant_c is None:
            self._blind_s += dt_s
            return
        self._blind_s = 0.0
        was_tripped = self.guard.tripped
        for notice in self.guard.update(coolant_c):
            self._publish(notice)
        if not self.guard.tripped:
            return
        if not was_tripped:
            self.set_cap(
                set_point_w=self._settings.floor_w,
                control_mode=ControlMode.AUTOMATIC,
            )
        if self._can_freeze:
            self._frozen_wanted = True
        too_hot = self.guard.must_force_off(coolant_c) and not self._going_down
        if self._off is OffMode.POWER_OFF and too_hot:
            self._power_wanted = PowerCommand(verb="poweroff", force=False)

    def _update_state(self) -> None:
        module = self.modules[0]
        frozen, wanted = self._sample.frozen, bool(self._frozen_wanted)
        if self._power_wanted is not None or self._going_down:
            state = ModuleState.DRAINING
        elif frozen == wanted or (
            # Where there is nothing to freeze it is off at once, but not before a look.
            frozen is None and (self._has_looked or not wanted)
        ):
            state = ModuleState.OFF if wanted else ModuleState.ON
        else:
            state = ModuleState.DRAINING if wanted else ModuleState.BOOTING
        if state is not module.state:
            module.state = state
            self._tell_state(0, state)


def _off_mode(off: OffMode, hardware: Hardware, *, can_freeze: bool) -> OffMode:
    """Offer only what the machine can do."""
    if off is OffMode.FREEZE and not can_freeze:
        return OffMode.NONE
    if off is OffMode.POWER_OFF and not hardware.has_systemd:
        return OffMode.NONE
    return off


def _description(
    settings: LinuxSettings, hardware: Hardware, source: PowerSource, off: OffMode
) -> Description:
    return Description(
        manufacturer=hardware.manufacturer,
        model=hardware.model,
        chassis_type="StandAlone",
        module_model=hardware.model,
        processor=hardware.processor,
        processors=len(hardware.computer.processors),
        power_source="Synthesized" if source.is_estimate else "Reported",
        power_remark=source.remark(settings),
        off_remark=_OFF_REMARKS[off].format(slice=settings.slice),
    )

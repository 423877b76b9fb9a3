"""Electrical power of the machine: measured where it can be, else estimated."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..errors import SettingsError
from .files import LinuxError
from .hardware import Hardware
from .nvidia import Gpu, total_power
from .rapl import EnergyCounter
from .sensors import KernelSensor
from .settings import ESTIMATE, NVIDIA_METER, RAPL_METER, LinuxSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerSource:
    """Which parts of the power come from where."""

    rapl: bool
    nvidia: bool
    sensors: tuple[KernelSensor, ...] = ()

    @property
    def is_estimate(self) -> bool:
        """CPU power is calculated from CPU use."""
        return not self.rapl and not self.sensors

    def remark(self, settings: LinuxSettings) -> str:
        """Say in a sentence where the reading comes from."""
        parts = [f"sensor {sensor.name}" for sensor in self.sensors]
        if self.rapl:
            parts.append("processor packages (RAPL)")
        if self.is_estimate:
            parts.append(
                f"estimated from the CPU use of {settings.slice} between "
                f"{settings.idle_w:g} and {settings.max_w:g} W, not measured"
            )
        if self.nvidia:
            parts.append("graphics cards (nvidia-smi)")
        if settings.base_w and not self.is_estimate:
            parts.append(f"{settings.base_w:g} W for what is not measured")
        text = " + ".join(parts)
        return text[0].upper() + text[1:]


def choose_source(settings: LinuxSettings, hardware: Hardware) -> PowerSource:
    """Take what the settings name, else the best that there is.

    Raises SettingsError for a meter that the machine does not have.
    """
    has_rapl = bool(hardware.packages) and all(
        package.counts_energy for package in hardware.packages
    )
    has_gpus = total_power(hardware.gpus) is not None and bool(hardware.gpus)
    if settings.meter is None:
        return PowerSource(rapl=has_rapl, nvidia=has_gpus)
    sensors = []
    for name in settings.meter:
        if name in (ESTIMATE, RAPL_METER, NVIDIA_METER):
            continue
        sensor = hardware.sensors.get(name)
        if sensor is None or sensor.is_temperature:
            raise SettingsError(f"meter: there is no power sensor {name}")
        sensors.append(sensor)
    if RAPL_METER in settings.meter and not has_rapl:
        raise SettingsError("meter: the energy counters (RAPL) cannot be read")
    if NVIDIA_METER in settings.meter and not has_gpus:
        raise SettingsError("meter: no graphics card tells its power")
    return PowerSource(
        rapl=RAPL_METER in settings.meter,
        nvidia=NVIDIA_METER in settings.meter,
        sensors=tuple(sensors),
    )


@dataclass(slots=True)
class Measured:
    """Power of one period in W; None if it could not be found out."""

    power_w: float | None
    faults: list[str] = field(default_factory=list)


class PowerMeter:
    """Reads the measured parts; blocking."""

    def __init__(
        self, source: PowerSource, settings: LinuxSettings, hardware: Hardware
    ) -> None:
        self.source = source
        self._settings = settings
        self._counters = (
            [EnergyCounter(package) for package in hardware.packages]
            if source.rapl
            else []
        )

    def read(
        self, dt_s: float, use: float | None, gpus: Sequence[Gpu] | None
    ) -> Measured:
        """Return the mean power of the last ``dt_s`` seconds.

        ``use``: share of its CPUs' ability that the work used. ``gpus``: the cards'
        last answer.
        """
        faults: list[str] = []
        parts = [self._settings.base_w]
        complete = True
        for counter in self._counters:
            try:
                used_j = counter.used_j()
            except LinuxError as err:
                faults.append(str(err))
                used_j = None
            complete &= used_j is not None and dt_s > 0
            if used_j is not None and dt_s > 0:
                parts.append(used_j / dt_s)
        for sensor in self.source.sensors:
            watts = sensor.read()
            complete &= watts is not None
            if watts is None:
                faults.append(f"power sensor {sensor.name} tells nothing")
            else:
                parts.append(watts)
        cards_w = None if gpus is None else total_power(gpus)
        if self.source.nvidia:
            complete &= cards_w is not None
        if self.source.is_estimate:
            parts = [self._settings.idle_w]
            complete &= use is not None
            parts.append(self._estimate(use or 0.0, gpus))
            idle_w = self._settings.card_idle_w * len(gpus or ())
            if self.source.nvidia and cards_w is not None:
                parts.append(max(cards_w - idle_w, 0.0))
        elif self.source.nvidia and cards_w is not None:
            parts.append(cards_w)
        return Measured(sum(parts) if complete else None, faults)

    def _estimate(self, use: float, gpus: Sequence[Gpu] | None) -> float:
        """Return what CPU use adds; cards that are measured have their own part."""
        cpu_range_w = self._settings.range_w
        if self.source.nvidia:
            cpu_range_w -= sum(
                (gpu.default_w or 0.0) - self._settings.card_idle_w
                for gpu in gpus or ()
            )
        return max(cpu_range_w, 0.0) * use

"""Looks at the machine once per period; blocking, so it runs in a thread."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import monotonic

from ..errors import SettingsError
from .files import LinuxError
from .hardware import Hardware
from .meter import PowerMeter, choose_source
from .nvidia import Gpu
from .sensors import KernelSensor
from .settings import LinuxSettings

SHORTEST_S = 0.5
"""The kernel grants CPU time by tenths of a second: less than some of them is noise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What was seen; None is unknown."""

    dt_s: float
    """Time since the last sample; 0: rates and readings are still those of before."""
    power_w: float | None = None
    cpu_use: float | None = None
    """CPU time of the work as a share of the CPUs it may use."""
    frozen: bool | None = None
    coolant_c: float | None = None
    supply_c: float | None = None
    return_c: float | None = None
    processors_c: tuple[float | None, ...] = ()
    gpus: Sequence[Gpu] | None = None
    faults: tuple[str, ...] = ()


class Probe:
    """Keeps what is needed to tell rates from counters."""

    def __init__(
        self,
        settings: LinuxSettings,
        hardware: Hardware,
        *,
        shortest_s: float = SHORTEST_S,
    ) -> None:
        """Find the sensors; raises SettingsError for one that is not there.

        Rates are not told anew before ``shortest_s`` have passed.
        """
        self._shortest_s = shortest_s
        self._last: Sample | None = None
        self._hardware = hardware
        self._cpus = settings.cpus or hardware.cpus
        self._coolant = self._sensor(settings.coolant)
        self._supply = self._sensor(settings.supply)
        self._return = self._sensor(settings.return_)
        self._meter = PowerMeter(choose_source(settings, hardware), settings, hardware)
        self.source = self._meter.source
        self._read_at: float | None = None
        self._usage_s: float | None = None

    def read(self, gpus: Sequence[Gpu] | None) -> Sample:
        """Read everything once."""
        now = monotonic()
        dt_s = 0.0 if self._read_at is None else now - self._read_at
        faults: list[str] = []
        if self._last is not None and dt_s < self._shortest_s:
            frozen = self._frozen(faults)
            return replace(self._last, dt_s=0.0, frozen=frozen, gpus=gpus)
        self._read_at = now
        use = self._cpu_use(dt_s, faults)
        cpufreq = self._hardware.cpufreq
        clock = 1.0 if cpufreq is None else cpufreq.current_share()
        measured = self._meter.read(dt_s, None if use is None else use * clock, gpus)
        self._last = Sample(
            dt_s=dt_s,
            power_w=measured.power_w,
            cpu_use=use,
            frozen=self._frozen(faults),
            coolant_c=_read(self._coolant),
            supply_c=_read(self._supply),
            return_c=_read(self._return),
            processors_c=tuple(map(_read, self._hardware.processor_heat)),
            gpus=gpus,
            faults=(*faults, *measured.faults),
        )
        return self._last

    def _cpu_use(self, dt_s: float, faults: list[str]) -> float | None:
        group = self._hardware.group
        if group is None:
            return None
        if not group.exists:
            # Where there is no group there is no work that uses time.
            self._usage_s = None
            return 0.0
        try:
            now_s = group.usage_s()
        except LinuxError as err:
            self._usage_s = None
            faults.append(str(err))
            return None
        last_s, self._usage_s = self._usage_s, now_s
        if last_s is None or dt_s <= 0 or now_s < last_s:
            return None
        return min((now_s - last_s) / (dt_s * self._cpus), 1.0)

    def _frozen(self, faults: list[str]) -> bool | None:
        group = self._hardware.group
        if group is None or not group.has_freezer:
            return None
        try:
            return group.is_frozen()
        except LinuxError as err:
            faults.append(str(err))
            return None

    def _sensor(self, name: str | None) -> KernelSensor | None:
        if name is None:
            return None
        sensor = self._hardware.sensors.get(name)
        if sensor is None or not sensor.is_temperature:
            raise SettingsError(f"there is no temperature sensor {name}")
        return sensor


def _read(sensor: KernelSensor | None) -> float | None:
    return None if sensor is None else sensor.read()

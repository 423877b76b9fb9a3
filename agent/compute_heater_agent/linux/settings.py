"""What a Linux machine is told about itself: its power, its work, its sensors."""

from dataclasses import dataclass
from enum import StrEnum

from ..errors import SettingsError


class BackEnd(StrEnum):
    """A way to hold power down."""

    QUOTA = "quota"
    CPUFREQ = "cpufreq"
    RAPL = "rapl"
    NVIDIA = "nvidia"


class OffMode(StrEnum):
    """What happens when a client switches the machine off."""

    FREEZE = "freeze"
    """The work stands still; machine and agent go on."""
    POWER_OFF = "poweroff"
    """The machine shuts down; something else has to start it."""
    NONE = "none"
    """It cannot be switched."""


class OnStop(StrEnum):
    """What holds after the agent has ended."""

    DEFAULT = "default"
    """The default cap, as far as the back ends can hold it without the agent."""
    LIFT = "lift"
    """Nothing: no limit, and frozen work goes on."""
    KEEP = "keep"
    """What held last."""


ESTIMATE = "estimate"
RAPL_METER, NVIDIA_METER = "rapl", "nvidia"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinuxSettings:
    """One machine; power in W, temperatures in °C. None: what detection finds."""

    idle_w: float
    """Power with its work standing still."""
    max_w: float
    """Power with all CPUs and cards busy."""
    default_w: float | None = None
    """Cap while no client holds the lease; default ``idle_w``."""
    lease_s: float = 300.0
    meter: tuple[str, ...] | None = None
    """``rapl``, ``nvidia`` and names of power sensors, summed; or ``estimate`` alone."""
    base_w: float = 0.0
    """Power that the meter does not see."""
    card_idle_w: float = 15.0
    """Part of ``idle_w`` that each graphics card has."""
    slice: str = "compute.slice"
    cpus: float | None = None
    """CPUs that the work may use at full power; default all."""
    use: frozenset[BackEnd] | None = None
    off: OffMode = OffMode.FREEZE
    on_stop: OnStop = OnStop.DEFAULT
    coolant: str | None = None
    """Names of temperature sensors."""
    supply: str | None = None
    return_: str | None = None
    trip_c: float | None = None
    """Coolant temperature at which the machine protects itself."""

    def __post_init__(self) -> None:
        """Refuse what cannot be; names are those of the configuration file."""
        if not 0 < self.idle_w < self.max_w:
            raise SettingsError("idle_watts must be above 0 and below max_watts")
        if not self.floor_w <= self.fallback_w <= self.max_w:
            raise SettingsError(
                "default_watts must be between idle_watts and max_watts"
            )
        if self.lease_s < 10:
            raise SettingsError("lease_seconds must be 10 at least")
        if min(self.base_w, self.card_idle_w) < 0:
            raise SettingsError("watts must not be negative")
        if self.cpus is not None and self.cpus <= 0:
            raise SettingsError("cpus must be above 0")
        if self.meter is not None:
            if not self.meter:
                raise SettingsError("meter must not be empty")
            if ESTIMATE in self.meter and len(self.meter) > 1:
                raise SettingsError("meter: estimate stands alone")
        parts = self.slice.split("/")
        if self.slice.startswith("-") or any(part in ("", ".", "..") for part in parts):
            raise SettingsError(f"slice {self.slice!r} is no name of a control group")
        if self.trip_c is not None and self.coolant is None and self.supply is None:
            raise SettingsError("trip_celsius needs the sensor coolant or supply")
        if self.trip_c is not None and not 30 <= self.trip_c <= 110:
            raise SettingsError("trip_celsius must be between 30 and 110")

    @property
    def floor_w(self) -> float:
        """Lowest power cap."""
        return self.idle_w

    @property
    def fallback_w(self) -> float:
        """Cap that holds until a client sets another, and after its lease."""
        return self.floor_w if self.default_w is None else self.default_w

    @property
    def range_w(self) -> float:
        """What the work can add to the idle power."""
        return self.max_w - self.idle_w

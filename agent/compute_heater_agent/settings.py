"""What a simulated compute heater is made of, and how its agent is reached."""

from dataclasses import dataclass, field
from pathlib import Path

from .errors import SettingsError

NOMINAL_W = 3000.0
"""The rack that the thermal defaults below are sized for; others scale with power."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RackSettings:
    """An immersed rack of modules, its oil bath and its plate heat exchanger."""

    modules: int = 4
    max_w: float = NOMINAL_W
    """Electrical power with every module working at full load."""
    idle_w: float | None = None
    """Lowest running power of one module; default a tenth of its share of ``max_w``."""
    default_w: float | None = None
    """Cap while no client holds the lease; default the floor."""
    standby_w: float = 1.5
    """What the management of a module draws while the module is off."""
    boot_s: float = 5.0
    drain_s: float = 5.0
    """Time in which a module finishes its work before a graceful shutdown."""
    response_s: float = 1.5
    """Time constant with which power follows a cap."""
    ramp_s: float = 2.0
    """Shortest time from idle to full power and back."""
    trip_c: float = 65.0
    """Coolant temperature at which the rack protects itself."""
    lease_s: float = 300.0
    """Without an authenticated request for so long, the cap falls to its default."""
    oil_c: float = 35.0
    """Oil temperature at the start."""
    ambient_c: float = 20.0

    def __post_init__(self) -> None:
        """Refuse what cannot exist."""
        if self.modules < 1:
            raise SettingsError("a rack has at least one module")
        if not 0 < self.module_idle_w < self.module_max_w:
            raise SettingsError("idle watts of all modules must be below the maximum")
        if not self.floor_w <= self.fallback_w <= self.max_w:
            raise SettingsError("the default cap must be between floor and maximum")
        positive = (self.response_s, self.ramp_s, self.lease_s)
        if min(positive) <= 0 or min(self.boot_s, self.drain_s, self.standby_w) < 0:
            raise SettingsError("times must be positive")

    @property
    def module_max_w(self) -> float:
        """Power of one module at full load."""
        return self.max_w / self.modules

    @property
    def module_idle_w(self) -> float:
        """Lowest power of one running module."""
        return self.module_max_w / 10 if self.idle_w is None else self.idle_w

    @property
    def floor_w(self) -> float:
        """Lowest power cap: all modules running at their lowest power."""
        return self.modules * self.module_idle_w

    @property
    def fallback_w(self) -> float:
        """Cap that holds until a client sets another, and after its lease."""
        return self.floor_w if self.default_w is None else self.default_w

    @property
    def scale(self) -> float:
        """Size of bath and exchanger relative to the nominal rack."""
        return self.max_w / NOMINAL_W


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSettings:
    """A Redfish service and the simulated heater behind it."""

    user: str
    password: str
    host: str = "127.0.0.1"
    port: int = 0
    """0 chooses a free one."""
    name: str = "Compute heater"
    uuid: str | None = None
    """Identity of the service; default derived from host name, name and port."""
    announce: bool = False
    """Tell the local network of the service (DNS-SD)."""
    rack: RackSettings = field(default_factory=RackSettings)
    speed: float = 1.0
    """Simulated seconds per second."""
    pipe: tuple[str, int] | None = None
    """Address of the house that takes the heat; default a built-in load."""
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    tls_self_signed: bool = False
    tls_folder: Path | None = None
    """Keeps a certificate that is made at the first start."""
    state: Path | None = None
    """File that keeps the energy and heat meters over restarts."""
    session_timeout_s: int = 1800
    session_limit: int = 16

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        if not self.user or not self.password:
            raise SettingsError("user and password must not be empty")
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise SettingsError("a certificate needs its key and the other way round")
        own = self.tls_self_signed or self.tls_folder is not None
        if self.tls_certificate is not None and own:
            raise SettingsError("either a certificate or a self-signed one")
        if self.pipe is not None and self.speed != 1:
            raise SettingsError("a house at the pipe runs in real time")
        if self.speed <= 0:
            raise SettingsError("speed must be positive")

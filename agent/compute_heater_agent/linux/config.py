"""The configuration file of the agent on a Linux machine (TOML)."""

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
import os
from pathlib import Path
from typing import Any
from uuid import UUID

from ..errors import SettingsError
from .settings import BackEnd, LinuxSettings, OffMode, OnStop
from .tables import Table, read_toml

DEFAULT_STATE = Path("/var/lib/compute-heater-agent")
DEFAULT_PORT = 8443


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceConfig:
    """How the agent is reached, and where it keeps what must last."""

    state: Path
    """Folder for certificate, password, identity and meters."""
    name: str | None = None
    """Default the machine's name."""
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    user: str = "keeper"
    password_file: Path | None = None
    """Default one that systemd hands over, else one made in ``state``."""
    uuid: str | None = None
    announce: bool = False
    tls: bool = True
    certificate: Path | None = None
    key: Path | None = None

    def __post_init__(self) -> None:
        """Refuse what would give the password away."""
        if not 0 <= self.port <= 65535:
            raise SettingsError("service.port must be between 0 and 65535")
        try:
            loopback = ip_address(self.host).is_loopback
        except ValueError as err:
            raise SettingsError("service.host must be an IP address") from err
        if not self.tls and not loopback:
            raise SettingsError(
                "service.tls = false is for 127.0.0.1 only: "
                "the password would cross the network in the clear"
            )
        if (self.certificate is None) != (self.key is None):
            raise SettingsError("service.certificate and service.key go together")
        if not self.tls and self.certificate is not None:
            raise SettingsError("service.certificate needs service.tls = true")


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything that is in the file."""

    service: ServiceConfig
    machine: LinuxSettings


def load_config(path: Path) -> Config:
    """Read the file; raises SettingsError that names the setting at fault."""
    return parse_config(read_toml(path), path.parent)


def parse_config(values: dict[str, Any], folder: Path) -> Config:
    """Check the values; relative paths begin at ``folder``."""
    root = Table(values, "")
    service, power = root.table("service"), root.table("power")
    work, temperature = root.table("work"), root.table("temperature")
    config = Config(
        service=_service(service, folder), machine=_machine(power, work, temperature)
    )
    for table in (service, power, work, temperature, root):
        table.finish()
    return config


def _service(table: Table, folder: Path) -> ServiceConfig:
    def path(key: str) -> Path | None:
        text = table.text(key)
        return None if text is None else folder / text

    state = path("state")
    if state is None:
        # systemd's StateDirectory=
        named = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]
        state = Path(named) if named else DEFAULT_STATE
    uuid = table.text("uuid")
    try:
        uuid = None if uuid is None else str(UUID(uuid))
    except ValueError as err:
        raise SettingsError("service.uuid is no UUID") from err
    given = {
        "name": table.text("name"),
        "host": table.text("host"),
        "port": table.whole("port"),
        "user": table.text("user"),
        "password_file": path("password_file"),
        "uuid": uuid,
        "announce": table.flag("announce"),
        "tls": table.flag("tls"),
        "certificate": path("certificate"),
        "key": path("key"),
    }
    return ServiceConfig(state=state, **_known(given))


def _machine(power: Table, work: Table, temperature: Table) -> LinuxSettings:
    idle_w, max_w = power.number("idle_watts"), power.number("max_watts")
    if idle_w is None or max_w is None:
        raise SettingsError("power.idle_watts and power.max_watts are required")
    meter, use = power.texts("meter"), work.texts("use")
    given = {
        "default_w": power.number("default_watts"),
        "lease_s": power.number("lease_seconds"),
        "meter": None if meter is None else tuple(meter),
        "base_w": power.number("base_watts"),
        "card_idle_w": power.number("card_idle_watts"),
        "slice": work.text("slice"),
        "cpus": work.number("cpus"),
        "use": None
        if use is None
        else frozenset(_word(BackEnd, "work.use", word) for word in use),
        "off": _optional_word(OffMode, "work.off", work.text("off")),
        "on_stop": _optional_word(OnStop, "work.on_stop", work.text("on_stop")),
        "coolant": temperature.text("coolant"),
        "supply": temperature.text("supply"),
        "return_": temperature.text("return"),
        "trip_c": temperature.number("trip_celsius"),
    }
    return LinuxSettings(idle_w=idle_w, max_w=max_w, **_known(given))


def _known(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _optional_word[T: StrEnum](kind: type[T], at: str, word: str | None) -> T | None:
    return None if word is None else _word(kind, at, word)


def _word[T: StrEnum](kind: type[T], at: str, word: str) -> T:
    try:
        return kind(word)
    except ValueError as err:
        known = ", ".join(kind)
        raise SettingsError(f"{at}: {word!r} is none of {known}") from err

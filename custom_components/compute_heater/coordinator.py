"""The parts of a site while it runs."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from homeassistant.config_entries import ConfigEntry

from .heater_coordinator import HeaterCoordinator
from .link_coordinator import BacnetCoordinator, ModbusCoordinator
from .site import SiteCoordinator


@dataclass(kw_only=True)
class SiteRuntime:
    """What a loaded config entry holds."""

    site: SiteCoordinator
    heaters: dict[str, HeaterCoordinator]
    links: dict[str, BacnetCoordinator | ModbusCoordinator]
    async_save: Callable[[], Awaitable[None]]
    """Write to the store, at once, what must survive a crash."""


type ComputeHeaterConfigEntry = ConfigEntry[SiteRuntime]

"""The parts of a site while it runs."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from homeassistant.config_entries import ConfigEntry, ConfigSubentry

from .heater_coordinator import HeaterCoordinator
from .link_coordinator import BacnetCoordinator, ModbusCoordinator
from .site import SiteCoordinator


@dataclass(kw_only=True)
class SiteRuntime:
    """What a loaded config entry holds."""

    site: SiteCoordinator
    heaters: dict[str, HeaterCoordinator]
    links: dict[str, BacnetCoordinator | ModbusCoordinator]
    subentries: Mapping[str, ConfigSubentry]
    """As they were at set-up; a removed one is gone from the entry before we hear."""
    async_save: Callable[[], Awaitable[None]]
    """Write to the store, at once, what must survive a crash."""

    @property
    def parts(self) -> list[HeaterCoordinator | BacnetCoordinator | ModbusCoordinator]:
        """Everything that holds a connection."""
        return [*self.heaters.values(), *self.links.values()]


type ComputeHeaterConfigEntry = ConfigEntry[SiteRuntime]

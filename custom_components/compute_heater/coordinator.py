"""The parts of a site while it runs."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from homeassistant.config_entries import ConfigEntry, ConfigSubentry

from .bacnet_coordinator import BacnetCoordinator
from .heater_coordinator import HeaterCoordinator
from .modbus_coordinator import ModbusCoordinator
from .site import SiteCoordinator

if TYPE_CHECKING:
    from .bridges import AnyBridge
    from .gateway_site import SiteGateway

type Link = BacnetCoordinator | ModbusCoordinator


@dataclass(kw_only=True)
class SiteRuntime:
    """What a loaded config entry holds."""

    site: SiteCoordinator
    heaters: dict[str, HeaterCoordinator]
    links: dict[str, Link]
    bridges: dict[str, AnyBridge]
    gateway: SiteGateway
    subentries: Mapping[str, ConfigSubentry]
    """As they were at set-up; a removed one is gone from the entry before we hear."""
    async_save: Callable[[], Awaitable[None]]
    """Write to the store, at once, what must survive a crash."""
    running_down: dict[str, float] = field(default_factory=dict)
    """Overrun in s of pumps that no consumer names any more, and that are still on."""

    @property
    def pumps(self) -> dict[str, float]:
        """Overrun in s of all pumps, and the cooler, that are on because of us."""
        wanted = self.site.path.pumps if self.site.path else {}
        cooler_id = self.site.cooler_id
        return (
            self.running_down
            | {
                sink.path.pump_id: sink.path.overrun_s
                for sink in self.site.sinks.values()
                if sink.path.pump_id and wanted.get(sink.path.pump_id)
            }
            | ({cooler_id: 0.0} if cooler_id and self.site.cools else {})
        )

    @property
    def parts(self) -> list[HeaterCoordinator | Link]:
        """Everything that holds a connection."""
        return [*self.heaters.values(), *self.links.values()]


type ComputeHeaterConfigEntry = ConfigEntry[SiteRuntime]

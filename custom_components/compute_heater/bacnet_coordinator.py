"""A BACnet controller: polled, and heard at once by change of value."""

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, override

from homeassistant.config_entries import ConfigSubentry
from homeassistant.const import CONF_ADDRESS
from homeassistant.core import HomeAssistant, callback

from .building.bacnet import BacnetDevice, BacnetIdentity, CovSubscription
from .building.bacnet_point import BacnetPoint
from .building.bacnet_stack import BacnetStack
from .building.points import LinkConnectionError, LinkError, PollGroup, Value
from .const import CONF_DEVICE_INSTANCE, CONF_IDENTITY
from .drivers import async_acquire_stack, stacks
from .issues import async_tell_objects, async_tell_places
from .link_coordinator import LinkCoordinator, Make, Values

if TYPE_CHECKING:
    from .coordinator import ComputeHeaterConfigEntry

# Who-Is is a broadcast, so a device that is gone is looked for seldom.
_SEARCH_INTERVAL_S = 300.0


class BacnetCoordinator(LinkCoordinator[BacnetPoint]):
    """Values of a BACnet device."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ComputeHeaterConfigEntry,
        subentry: ConfigSubentry,
    ) -> None:
        """Take the points from the subentry."""
        super().__init__(hass, entry, subentry, BacnetPoint.from_dict)
        self._opening = asyncio.Lock()
        self._stack: BacnetStack | None = None
        self._device: BacnetDevice | None = None
        self._subscription: CovSubscription | None = None
        self._searched_at_s: float | None = None

    @property
    @override
    def make(self) -> Make:
        identity = self.subentry.data[CONF_IDENTITY]
        return Make(
            manufacturer=identity["vendor"],
            model=identity["model"] or "BACnet/IP",
            firmware=identity["firmware"],
        )

    @property
    @override
    def counters(self) -> dict[str, Any]:
        if (device := self._device) is None:
            return {"reads": 0, "writes": 0}
        return {
            "reads": device.reads,
            "writes": device.writes,
            "reported": sorted(self._subscription.active) if self._subscription else [],
            "missing": sorted(device.missing),
            "changed": sorted(device.changed),
        }

    async def _async_open(self) -> BacnetDevice:
        """Return the device; the stack is borrowed when its port can be had."""
        async with self._opening:
            self._refuse_if_closed()
            if self._device is None:
                data = self.subentry.data
                self._stack = await async_acquire_stack(self.hass, data)
                self._device = BacnetDevice(
                    self._stack,
                    data[CONF_ADDRESS],
                    data[CONF_DEVICE_INSTANCE],
                    known=BacnetIdentity(**data[CONF_IDENTITY]),
                )
            return self._device

    @override
    def _poll_group(self, point: BacnetPoint) -> PollGroup:
        if self._subscription and point.key in self._subscription.active:
            # The controller reports it; this is the net for a lost report.
            return PollGroup.SLOW
        return point.poll_group

    @override
    async def _async_read(self, points: Iterable[BacnetPoint]) -> Values:
        device = await self._async_open()
        try:
            values = await device.read(points)
        except LinkConnectionError:
            self._search(device)
            raise
        if not self._closed:
            async_tell_objects(
                self.hass,
                self.config_entry.entry_id,
                self.subentry,
                missing=[self.points[key].name for key in sorted(device.missing)],
                changed=[self.points[key].name for key in sorted(device.changed)],
            )
        if self._subscription is None and not self._closed:
            self._subscription = device.subscribe(
                self.points.values(), self._take_change
            )
            self._search(device)
        return values

    @callback
    def _search(self, device: BacnetDevice) -> None:
        """Look who else answers to the instance: it moved, or there are two."""
        now = self.hass.loop.time()
        if self._closed or (
            self._searched_at_s is not None
            and now - self._searched_at_s < _SEARCH_INTERVAL_S
        ):
            return
        self._searched_at_s = now
        # Answers are waited for, which shall hold up no poll.
        self.config_entry.async_create_background_task(
            self.hass, self._async_search(device), f"{self.name} search"
        )

    async def _async_search(self, device: BacnetDevice) -> None:
        try:
            places = await device.locate()
        except LinkError:
            return
        if not self._closed:
            async_tell_places(
                self.hass,
                self.config_entry.entry_id,
                self.subentry,
                self.subentry.data[CONF_ADDRESS],
                sorted(places),
            )

    @override
    def _needs_restore(self, point: BacnetPoint) -> bool:
        return not point.commandable

    @override
    async def _async_write(
        self, point: BacnetPoint, value: Value, restore: Value | None
    ) -> Value | None:
        return await (await self._async_open()).write(point, value, restore=restore)

    @override
    async def _async_give_up(
        self, point: BacnetPoint, restore: Value | None
    ) -> Value | None:
        device = await self._async_open()
        if restore is None:
            return await device.relinquish(point)
        return await device.restore(point, restore)

    @override
    async def async_close(self) -> None:
        await super().async_close()
        if self._subscription is not None:
            await self._subscription.close()
            self._subscription = None
        async with self._opening:
            if self._stack is not None:
                await stacks(self.hass).release(self._stack)
                self._stack = self._device = None

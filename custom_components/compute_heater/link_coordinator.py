"""Polls one controller of the building and writes its points."""

from abc import abstractmethod
import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, override

from modbus_connection import ModbusTcpParams

from homeassistant.components.modbus import async_get_unit
from homeassistant.config_entries import ConfigSubentry
from homeassistant.const import CONF_HOST, CONF_PORT
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed

from .building.bacnet import BacnetDevice, CovSubscription
from .building.bacnet_point import BacnetPoint
from .building.bacnet_stack import BacnetStack
from .building.modbus import ModbusDevice
from .building.modbus_point import ModbusPoint
from .building.point_fields import readable_points
from .building.points import (
    LinkConnectionError,
    LinkError,
    Point,
    PointRefusedError,
    Value,
)
from .const import (
    CONF_DEVICE_INSTANCE,
    CONF_POINTS,
    CONF_UNIT_ID,
    DOMAIN,
    LINK_INTERVAL,
    LOGGER,
    SUBENTRY_BACNET,
)
from .drivers import local_address, stacks

if TYPE_CHECKING:
    from .coordinator import ComputeHeaterConfigEntry

type Values = dict[str, Value | None]


class LinkCoordinator[PointT: Point](DataUpdateCoordinator[Values]):
    """Values of a controller's points by key; None where one cannot be read."""

    config_entry: ComputeHeaterConfigEntry

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ComputeHeaterConfigEntry,
        subentry: ConfigSubentry,
        parse: Callable[[object], PointT],
    ) -> None:
        """Poll the points that ``parse`` makes of the stored rows."""
        super().__init__(
            hass,
            LOGGER,
            config_entry=entry,
            name=f"{entry.title} {subentry.title}",
            update_interval=LINK_INTERVAL,
        )
        self.subentry = subentry
        # A row that cannot be read must not take the rest of the site with it.
        points, self.problems = readable_points(subentry.data[CONF_POINTS], parse)
        self.points: dict[str, PointT] = {point.key: point for point in points}
        self.commanded: set[str] = set()
        """Keys of the points that hold a command of ours."""
        self._closed = False

    @property
    def writable(self) -> set[str]:
        """Keys of the points that may be written."""
        return {key for key, point in self.points.items() if point.writable}

    @property
    @abstractmethod
    def requests(self) -> dict[str, int]:
        """Requests sent so far, for diagnostics."""

    @abstractmethod
    async def _async_read(self) -> Values:
        """Read all points. Raises LinkError."""

    @abstractmethod
    async def _async_write(self, point: PointT, value: Value) -> Value | None:
        """Write one point and return what the controller holds then."""

    async def async_release(self) -> None:
        """Take our commands back, as far as the protocol knows such a thing."""

    async def async_close(self) -> None:
        """Poll no more and let go of the connection; commands stay."""
        # First of all: a poll or write under way must not open it again.
        self._closed = True
        await self.async_shutdown()

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise LinkConnectionError("the link is closed")

    @override
    async def _async_update_data(self) -> Values:
        try:
            return await self._async_read()
        except LinkError as err:
            if self._shutdown_requested and self.data is not None:
                # The poll was under way when the link was closed.
                return self.data
            raise UpdateFailed(
                translation_domain=DOMAIN,
                translation_key="link_unreachable",
                translation_placeholders={
                    "link": self.subentry.title,
                    "error": str(err),
                },
            ) from err

    async def async_write(self, key: str, value: Value) -> None:
        """Write a point for a user or for control."""
        point = self.points[key]
        added = self._note_command(point)
        try:
            self._refuse_if_closed()
            # Stored before it is written, so that it can be taken back after a crash.
            await self.config_entry.runtime_data.async_save()
            held = await self._async_write(point, value)
        except LinkError as err:
            refused = isinstance(err, PointRefusedError)
            # Without an answer the command may have arrived all the same.
            if added and not err.command_stays:
                self.commanded.discard(key)
            raise HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="point_refused" if refused else "point_not_written",
                translation_placeholders={"point": point.name, "error": str(err)},
            ) from err
        self._take_change({key: held})

    @callback
    def _take_change(self, changed: Mapping[str, Value | None]) -> None:
        """Publish values that came between two polls, and leave the polls alone.

        async_set_updated_data would put the next poll off at every change.
        """
        if self.data is not None and any(
            self.data.get(key) != value for key, value in changed.items()
        ):
            self.data = {**self.data, **changed}
            self.async_update_listeners()

    def _note_command(self, point: PointT) -> bool:
        return False

    @property
    def memory(self) -> dict[str, Any]:
        """What must survive a restart."""
        return {"commanded": sorted(self.commanded)}

    def restore(self, memory: Mapping[str, Any]) -> None:
        """Take over what holds a command of ours."""
        self.commanded = set(memory.get("commanded", ())) & self.writable


class BacnetCoordinator(LinkCoordinator[BacnetPoint]):
    """A BACnet device: polled, and heard at once by change of value."""

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

    @property
    @override
    def requests(self) -> dict[str, int]:
        device = self._device
        return {
            "reads": device.reads if device else 0,
            "writes": device.writes if device else 0,
        }

    async def _async_open(self) -> BacnetDevice:
        """Return the device; the stack is borrowed when its port can be had."""
        async with self._opening:
            self._refuse_if_closed()
            if self._device is None:
                data = self.subentry.data
                self._stack = await stacks(self.hass).acquire(local_address(data))
                self._device = BacnetDevice(
                    self._stack,
                    f"{data[CONF_HOST]}:{data[CONF_PORT]}",
                    data[CONF_DEVICE_INSTANCE],
                )
            return self._device

    @override
    async def _async_read(self) -> Values:
        device = await self._async_open()
        if device.identity is None:
            # Another device at the address must not pass for the one that was chosen.
            await device.identify()
        values = await device.read(self.points.values())
        if self._subscription is None and not self._closed:
            self._subscription = device.subscribe(
                self.points.values(), self._take_change
            )
        return values

    @override
    async def _async_write(self, point: BacnetPoint, value: Value) -> Value | None:
        return await (await self._async_open()).write(point, value)

    @override
    def _note_command(self, point: BacnetPoint) -> bool:
        added = point.key not in self.commanded
        self.commanded.add(point.key)
        return added

    @override
    async def async_release(self) -> None:
        for key in sorted(self.commanded):
            try:
                await (await self._async_open()).relinquish(self.points[key])
            except LinkError as err:
                LOGGER.warning(
                    "%s: could not take back the command of %s: %s",
                    self.name,
                    self.points[key].name,
                    err,
                )
                if isinstance(err, LinkConnectionError):
                    return
            else:
                self.commanded.discard(key)

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


class ModbusCoordinator(LinkCoordinator[ModbusPoint]):
    """A Modbus device on the connection that Home Assistant shares."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ComputeHeaterConfigEntry,
        subentry: ConfigSubentry,
    ) -> None:
        """Take the points from the subentry."""
        super().__init__(hass, entry, subentry, ModbusPoint.from_dict)
        self._device: ModbusDevice | None = None

    @property
    @override
    def requests(self) -> dict[str, int]:
        device = self._device
        return {
            "reads": device.reads if device else 0,
            "writes": device.writes if device else 0,
        }

    def _open(self) -> ModbusDevice:
        """Return the device; another user of it with other settings is an error."""
        self._refuse_if_closed()
        if self._device is None:
            data = self.subentry.data
            params = ModbusTcpParams(host=data[CONF_HOST], port=data[CONF_PORT])
            try:
                unit = async_get_unit(
                    self.hass, self.config_entry, params, data[CONF_UNIT_ID]
                )
            except HomeAssistantError as err:
                raise LinkError(str(err)) from err
            self._device = ModbusDevice(unit, self.points.values())
        return self._device

    @override
    async def _async_read(self) -> Values:
        return await self._open().read()

    @override
    async def _async_write(self, point: ModbusPoint, value: Value) -> Value | None:
        return await self._open().write(point, value)


def create_link(
    hass: HomeAssistant, entry: ComputeHeaterConfigEntry, subentry: ConfigSubentry
) -> BacnetCoordinator | ModbusCoordinator:
    """Return the coordinator of a link; nothing is sent yet."""
    link = (
        BacnetCoordinator(hass, entry, subentry)
        if subentry.subentry_type == SUBENTRY_BACNET
        else ModbusCoordinator(hass, entry, subentry)
    )
    if link.problems:
        LOGGER.error("%s: points left out: %s", link.name, "; ".join(link.problems))
    return link

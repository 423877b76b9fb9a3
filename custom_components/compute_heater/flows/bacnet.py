"""Add or change a controller of the building that speaks BACnet/IP."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from typing import Any

import probatio

from homeassistant.components import network
from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    ConfigSubentryFlow,
    SubentryFlowResult,
)
from homeassistant.const import CONF_HOST, CONF_PORT
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import section
from homeassistant.helpers.selector import (
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    TextSelector,
)

from ..building.bacnet import BacnetDevice, BacnetIdentity
from ..building.bacnet_point import BacnetPoint, FoundPoint
from ..building.point_fields import readable_points
from ..building.points import (
    LinkAddressError,
    LinkConnectionError,
    LinkError,
    PointKind,
)
from ..const import (
    CONF_DEVICE_INSTANCE,
    CONF_IDENTITY,
    CONF_INTERFACE,
    CONF_LOCAL_PORT,
    CONF_POINTS,
    CONF_READ,
    CONF_WRITE,
    LOGGER,
    SUBENTRY_BACNET,
)
from ..drivers import async_borrowed_stack

DEFAULT_PORT = 47808
# For controllers that do not tell the limits of a value.
_USUAL_LIMITS: Mapping[str | None, tuple[float, float]] = {
    "%": (0, 100),
    "°C": (5, 80),
}
SECTION_LOCAL = "local"
_PORT = probatio.All(
    NumberSelector(
        NumberSelectorConfig(min=1, max=65535, step=1, mode=NumberSelectorMode.BOX)
    ),
    probatio.Coerce(int),
)
_CONNECTION = probatio.Schema(
    {
        probatio.Required(CONF_HOST): TextSelector(),
        probatio.Required(CONF_PORT, default=DEFAULT_PORT): _PORT,
        probatio.Optional(CONF_DEVICE_INSTANCE): probatio.All(
            NumberSelector(
                NumberSelectorConfig(
                    min=0, max=4_194_302, step=1, mode=NumberSelectorMode.BOX
                )
            ),
            probatio.Coerce(int),
        ),
        probatio.Required(SECTION_LOCAL): section(
            probatio.Schema(
                {
                    probatio.Required(CONF_INTERFACE): TextSelector(),
                    probatio.Required(CONF_LOCAL_PORT, default=DEFAULT_PORT): _PORT,
                }
            ),
            {"collapsed": True},
        ),
    }
)


async def async_default_interface(hass: HomeAssistant) -> str:
    """Return address/prefix of the network that Home Assistant uses by default."""
    for adapter in await network.async_get_adapters(hass):
        if adapter["default"] and adapter["ipv4"]:
            ipv4 = adapter["ipv4"][0]
            return f"{ipv4['address']}/{ipv4['network_prefix']}"
    return ""


class BacnetSubentryFlow(ConfigSubentryFlow):
    """Ask for the device, browse it, and let the user tick its points."""

    def __init__(self) -> None:
        """Start with nothing known."""
        self._connection: dict[str, Any] = {}
        self._identity: BacnetIdentity | None = None
        self._found: dict[str, FoundPoint] = {}

    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask where the device is."""
        return await self._async_step_connection("user", user_input)

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Change the address, then the points."""
        return await self._async_step_connection("reconfigure", user_input)

    async def _async_step_connection(
        self, step_id: str, user_input: dict[str, Any] | None
    ) -> SubentryFlowResult:
        errors: dict[str, str] = {}
        detail = ""
        if user_input is not None:
            self._connection = {
                CONF_HOST: user_input[CONF_HOST].strip(),
                CONF_PORT: user_input[CONF_PORT],
                CONF_DEVICE_INSTANCE: user_input.get(CONF_DEVICE_INSTANCE),
                **user_input[SECTION_LOCAL],
            }
            try:
                await self._async_browse()
            except LinkAddressError as err:
                errors, detail = {"base": "local_address"}, str(err)
            except LinkConnectionError as err:
                errors, detail = {"base": "cannot_connect"}, str(err)
            except LinkError as err:
                errors, detail = {"base": "not_bacnet"}, str(err)
            except Exception as err:  # noqa: BLE001 - a form never shows a traceback
                LOGGER.exception("Unexpected error from a BACnet device")
                errors, detail = {"base": "unknown"}, str(err)
            else:
                if self._is_known():
                    return self.async_abort(reason="already_configured")
                return await self.async_step_points()
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(
                _CONNECTION, user_input or await self._async_suggested()
            ),
            errors=errors,
            description_placeholders={"detail": detail},
        )

    async def _async_suggested(self) -> Mapping[str, Any]:
        if self.source == SOURCE_RECONFIGURE:
            data = self._get_reconfigure_subentry().data
            return {
                **data,
                SECTION_LOCAL: {
                    key: data[key] for key in (CONF_INTERFACE, CONF_LOCAL_PORT)
                },
            }
        return {
            SECTION_LOCAL: {CONF_INTERFACE: await async_default_interface(self.hass)}
        }

    async def _async_browse(self) -> None:
        async with async_borrowed_stack(self.hass, self._connection) as stack:
            device = BacnetDevice(
                stack,
                f"{self._connection[CONF_HOST]}:{self._connection[CONF_PORT]}",
                self._connection[CONF_DEVICE_INSTANCE],
            )
            self._identity = await device.identify()
            self._found = {found.point.key: found for found in await device.browse()}

    def _is_known(self) -> bool:
        assert self._identity is not None
        own = (
            self._get_reconfigure_subentry().subentry_id
            if self.source == SOURCE_RECONFIGURE
            else None
        )
        return any(
            subentry.unique_id == str(self._identity.instance)
            and subentry.subentry_id != own
            for subentry in self._get_entry().get_subentries_of_type(SUBENTRY_BACNET)
        )

    async def async_step_points(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Let the user tick what is read, and what may be written."""
        errors: dict[str, str] = {}
        if user_input is not None:
            read, write = user_input[CONF_READ], user_input[CONF_WRITE]
            if not read:
                errors[CONF_READ] = "no_points"
            elif not set(write) <= set(read):
                errors[CONF_WRITE] = "write_without_read"
            else:
                return self._finish(read, write)
        return self.async_show_form(
            step_id="points",
            data_schema=self.add_suggested_values_to_schema(
                probatio.Schema(
                    {
                        probatio.Required(CONF_READ): _choice(self._found.values()),
                        probatio.Required(CONF_WRITE, default=[]): _choice(
                            found
                            for found in self._found.values()
                            if _writable(found.point) is not None
                        ),
                    }
                ),
                user_input or self._ticked(),
            ),
            errors=errors,
            description_placeholders={
                "name": (self._identity and self._identity.name) or "",
                "count": str(len(self._found)),
            },
        )

    def _ticked(self) -> dict[str, list[str]]:
        if self.source == SOURCE_RECONFIGURE:
            rows = self._get_reconfigure_subentry().data[CONF_POINTS]
            # A row that cannot be read is found anew, or is gone.
            points, _ = readable_points(rows, BacnetPoint.from_dict)
            ticked = [point for point in points if point.key in self._found]
            return {
                CONF_READ: [point.key for point in ticked],
                CONF_WRITE: [point.key for point in ticked if point.writable],
            }
        return {CONF_READ: list(self._found), CONF_WRITE: []}

    def _ticked_point(self, key: str, write: list[str]) -> BacnetPoint:
        point = self._found[key].point
        return (_writable(point) or point) if key in write else point

    def _finish(self, read: list[str], write: list[str]) -> SubentryFlowResult:
        assert self._identity is not None
        data = {
            **self._connection,
            CONF_DEVICE_INSTANCE: self._identity.instance,
            CONF_IDENTITY: asdict(self._identity),
            CONF_POINTS: [self._ticked_point(key, write).to_dict() for key in read],
        }
        unique_id = str(self._identity.instance)
        if self.source == SOURCE_RECONFIGURE:
            return self.async_update_and_abort(
                self._get_entry(),
                self._get_reconfigure_subentry(),
                data=data,
                unique_id=unique_id,
            )
        return self.async_create_entry(
            title=self._identity.name or f"BACnet {unique_id}",
            data=data,
            unique_id=unique_id,
        )


def _writable(point: BacnetPoint) -> BacnetPoint | None:
    """Return the point with write access; None where it cannot be given safely.

    Without a priority array a command could not be taken back, and without limits
    an analog value could be anything.
    """
    if not point.commandable:
        return None
    if point.kind is PointKind.ANALOG and None in (point.minimum, point.maximum):
        if (limits := _USUAL_LIMITS.get(point.unit)) is None:
            return None
        point = replace(point, minimum=limits[0], maximum=limits[1])
    return replace(point, writable=True)


def _choice(points: Iterable[FoundPoint]) -> SelectSelector:
    return SelectSelector(
        SelectSelectorConfig(
            multiple=True,
            options=[
                SelectOptionDict(value=found.point.key, label=_label(found))
                for found in points
            ],
        )
    )


def _label(found: FoundPoint) -> str:
    """Return what tells a point from the others: name, key, present value, unit."""
    point, value = found.point, found.value
    if value is None:
        return f"{point.name} ({point.key})"
    if point.states and 1 <= value <= len(point.states):
        shown = point.states[int(value) - 1]
    else:
        shown = str(value) if isinstance(value, bool) else f"{value:g}"
    return f"{point.name} ({point.key}: {' '.join(filter(None, (shown, point.unit)))})"

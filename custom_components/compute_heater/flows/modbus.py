"""Add or change a controller of the building that speaks Modbus."""

from collections.abc import Mapping, Sequence
from typing import Any

from modbus_connection import ModbusTcpParams
import probatio

from homeassistant.components.modbus import async_get_temporary_unit
from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    ConfigSubentryFlow,
    SubentryFlowResult,
)
from homeassistant.const import CONF_HOST, CONF_PORT
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.selector import (
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    ObjectSelector,
    TextSelector,
)

from ..building.modbus import ModbusDevice
from ..building.modbus_point import ModbusPoint, parse_points
from ..building.points import LinkConnectionError, LinkError, PointConfigError
from ..const import CONF_POINTS, CONF_UNIT_ID, SUBENTRY_MODBUS


def _whole(minimum: int, maximum: int) -> Any:
    """Return a field for a whole number."""
    return probatio.All(
        NumberSelector(
            NumberSelectorConfig(
                min=minimum, max=maximum, step=1, mode=NumberSelectorMode.BOX
            )
        ),
        probatio.Coerce(int),
    )


_CONNECTION = probatio.Schema(
    {
        probatio.Required(CONF_HOST): TextSelector(),
        probatio.Required(CONF_PORT, default=502): _whole(1, 65535),
        probatio.Required(CONF_UNIT_ID, default=1): _whole(0, 255),
    }
)
_POINTS = probatio.Schema({probatio.Required(CONF_POINTS): ObjectSelector()})


async def _async_unreadable(
    hass: HomeAssistant, connection: Mapping[str, Any], points: Sequence[ModbusPoint]
) -> list[str]:
    """Read every point once; return the names of those that cannot be read."""
    params = ModbusTcpParams(host=connection[CONF_HOST], port=connection[CONF_PORT])
    async with async_get_temporary_unit(hass, params, connection[CONF_UNIT_ID]) as unit:
        values = await ModbusDevice(lambda _: unit, points).read()
    return [point.name for point in points if values.get(point.key) is None]


def _parsed(pasted: object) -> list[ModbusPoint]:
    """Read what was typed as YAML, which may be anything."""
    if not isinstance(pasted, list) or not pasted:
        raise PointConfigError("points", "expected a list with at least one point")
    return parse_points(pasted)


class ModbusSubentryFlow(ConfigSubentryFlow):
    """Ask for the address, then for the points, and read each of them once."""

    def __init__(self) -> None:
        """Start with nothing known."""
        self._connection: dict[str, Any] = {}

    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask where the controller is."""
        return await self._async_step_connection("user", user_input)

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Change the address, then the points."""
        return await self._async_step_connection("reconfigure", user_input)

    async def _async_step_connection(
        self, step_id: str, user_input: dict[str, Any] | None
    ) -> SubentryFlowResult:
        if user_input is not None:
            self._connection = {
                **user_input,
                CONF_HOST: user_input[CONF_HOST].strip(),
            }
            if self._is_known():
                return self.async_abort(reason="already_configured")
            return await self.async_step_points()
        suggested: Mapping[str, Any] | None = None
        if self.source == SOURCE_RECONFIGURE:
            suggested = self._get_reconfigure_subentry().data
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(_CONNECTION, suggested),
        )

    @property
    def _unique_id(self) -> str:
        connection = self._connection
        return (
            f"{connection[CONF_HOST]}:{connection[CONF_PORT]}"
            f"/{connection[CONF_UNIT_ID]}"
        )

    def _is_known(self) -> bool:
        own = (
            self._get_reconfigure_subentry().subentry_id
            if self.source == SOURCE_RECONFIGURE
            else None
        )
        return any(
            subentry.unique_id == self._unique_id and subentry.subentry_id != own
            for subentry in self._get_entry().get_subentries_of_type(SUBENTRY_MODBUS)
        )

    async def async_step_points(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Take the list of points and read each of them."""
        errors: dict[str, str] = {}
        detail = ""
        if user_input is not None:
            try:
                points = _parsed(user_input[CONF_POINTS])
                unreadable = await _async_unreadable(
                    self.hass, self._connection, points
                )
            except LinkConnectionError as err:
                errors, detail = {"base": "cannot_connect"}, str(err)
            except LinkError as err:
                errors, detail = {CONF_POINTS: "invalid_points"}, str(err)
            except HomeAssistantError as err:
                errors, detail = {"base": "device_in_use"}, str(err)
            else:
                if not unreadable:
                    return self._finish(points)
                errors, detail = (
                    {CONF_POINTS: "unreadable_points"},
                    ", ".join(unreadable),
                )
        suggested: Mapping[str, Any] | None = user_input
        if suggested is None and self.source == SOURCE_RECONFIGURE:
            suggested = self._get_reconfigure_subentry().data
        return self.async_show_form(
            step_id="points",
            data_schema=self.add_suggested_values_to_schema(_POINTS, suggested),
            errors=errors,
            description_placeholders={"detail": detail},
        )

    def _finish(self, points: Sequence[ModbusPoint]) -> SubentryFlowResult:
        data = {
            **self._connection,
            CONF_POINTS: [point.to_dict() for point in points],
        }
        if self.source == SOURCE_RECONFIGURE:
            return self.async_update_and_abort(
                self._get_entry(),
                self._get_reconfigure_subentry(),
                data=data,
                unique_id=self._unique_id,
            )
        return self.async_create_entry(
            title=f"Modbus {self._connection[CONF_HOST]}",
            data=data,
            unique_id=self._unique_id,
        )

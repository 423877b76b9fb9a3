"""Reach a Modbus controller once, from a dialogue."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager

from modbus_connection import ModbusUnit

from homeassistant.components.modbus import async_get_temporary_unit
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError

from ..building.modbus_link import LinkSettings
from ..building.modbus_point import ModbusPoint
from ..building.points import LinkConnectionError, LinkError
from ..const import LOGGER
from .link_errors import FormError

type Units = Callable[[int | None], ModbusUnit]


@asynccontextmanager
async def async_units(
    hass: HomeAssistant, settings: LinkSettings, points: Iterable[ModbusPoint]
) -> AsyncIterator[Units]:
    """Hold the units of the points; what goes wrong is raised as FormError."""
    numbers = {None, *(point.unit_id for point in points)}
    try:
        async with AsyncExitStack() as held:
            units = {
                number: await held.enter_async_context(
                    async_get_temporary_unit(
                        hass,
                        settings.params,
                        settings.unit_id if number is None else number,
                    )
                )
                for number in numbers
            }
            yield units.__getitem__
    except LinkConnectionError as err:
        raise FormError({"base": "cannot_connect"}, str(err)) from err
    except LinkError as err:
        raise FormError({"base": "not_modbus"}, str(err)) from err
    except HomeAssistantError as err:
        raise FormError({"base": "device_in_use"}, str(err)) from err
    except Exception as err:
        # A form never shows a traceback.
        LOGGER.exception("Unexpected error from a Modbus device")
        raise FormError({"base": "unknown"}, str(err)) from err

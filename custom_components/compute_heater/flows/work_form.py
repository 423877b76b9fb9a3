"""What the dialogue asks of the work on a heater, and tries."""

from collections.abc import Mapping, Sequence
from typing import Any

import probatio

from homeassistant.const import CONF_HOST, CONF_PASSWORD, CONF_PORT
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.selector import (
    BooleanSelector,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)

from ..const import (
    CONF_DRIVER,
    CONF_PAUSES_WITHOUT_US,
    CONF_WORK,
    DOMAIN,
    DRIVER_BOINC,
    LOGGER,
    SUBENTRY_HEATER,
)
from ..drivers import create_work
from ..heaters.boinc import PORT
from ..heaters.boinc_rpc import BoincHostRefusedError
from ..heaters.model import HeaterAuthError, HeaterConnectionError, HeaterError

CONF_CLIENT = "client"
"""One of the work layers, in a form; never stored."""


def password_schema() -> probatio.Schema:
    """Return the field of a BOINC client's password."""
    return probatio.Schema(
        {
            probatio.Required(CONF_PASSWORD): TextSelector(
                TextSelectorConfig(type=TextSelectorType.PASSWORD)
            )
        }
    )


def client_schema(work: Sequence[Mapping[str, Any]]) -> probatio.Schema:
    """Return the field in which one of the work layers is chosen, by its place."""
    options = [
        SelectOptionDict(value=str(index), label=client_name(each))
        for index, each in enumerate(work)
    ]
    return probatio.Schema(
        {
            probatio.Required(CONF_CLIENT): SelectSelector(
                SelectSelectorConfig(options=options, mode=SelectSelectorMode.LIST)
            )
        }
    )


def client_name(data: Mapping[str, Any]) -> str:
    """Return how a BOINC client is called in the dialogue."""
    host, port = data[CONF_HOST], data[CONF_PORT]
    return host if port == PORT else f"{host}:{port}"


def same_client(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Tell whether both are the same BOINC client, by its address."""
    return (one[CONF_HOST].casefold(), one[CONF_PORT]) == (
        other[CONF_HOST].casefold(),
        other[CONF_PORT],
    )


@callback
def is_used(
    hass: HomeAssistant, data: Mapping[str, Any], heater_id: str | None
) -> bool:
    """Tell whether another heater steers this client."""
    return any(
        same_client(data, work)
        for entry in hass.config_entries.async_entries(DOMAIN)
        for heater in entry.get_subentries_of_type(SUBENTRY_HEATER)
        if heater.subentry_id != heater_id
        for work in heater.data.get(CONF_WORK, ())
    )


def boinc_schema() -> probatio.Schema:
    """Return the fields of a BOINC client."""
    return probatio.Schema(
        {
            probatio.Required(CONF_HOST): TextSelector(),
            probatio.Required(CONF_PORT, default=PORT): NumberSelector(
                NumberSelectorConfig(
                    min=1, max=65535, step=1, mode=NumberSelectorMode.BOX
                )
            ),
            **password_schema().schema,
            probatio.Required(CONF_PAUSES_WITHOUT_US, default=True): BooleanSelector(),
        }
    )


def boinc_data(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is stored of a BOINC client."""
    return {
        **values,
        CONF_DRIVER: DRIVER_BOINC,
        CONF_HOST: values[CONF_HOST].strip(),
        CONF_PORT: int(values[CONF_PORT]),
    }


async def async_try_work(data: Mapping[str, Any]) -> dict[str, str]:
    """Connect to a work layer as the integration will; return what is wrong."""
    errors: dict[str, str] = {}
    work = create_work(data)
    try:
        await work.connect()
    except BoincHostRefusedError:
        errors["base"] = "work_host_refused"
    except HeaterAuthError:
        errors["base"] = "work_invalid_auth"
    except HeaterConnectionError:
        errors["base"] = "work_cannot_connect"
    except HeaterError as err:
        LOGGER.debug("Work layer: %s", err)
        errors["base"] = "not_boinc"
    finally:
        await work.close()
    return errors

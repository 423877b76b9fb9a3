"""What the dialogue asks of the work on a heater, and tries."""

from collections.abc import Mapping
from typing import Any

import probatio

from homeassistant.const import CONF_HOST, CONF_PASSWORD, CONF_PORT
from homeassistant.helpers.selector import (
    BooleanSelector,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)

from ..const import CONF_DRIVER, CONF_PAUSES_WITHOUT_US, DRIVER_BOINC, LOGGER
from ..drivers import create_work
from ..heaters.boinc import PORT
from ..heaters.boinc_rpc import BoincHostRefusedError
from ..heaters.model import HeaterAuthError, HeaterConnectionError, HeaterError


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
            probatio.Required(CONF_PASSWORD): TextSelector(
                TextSelectorConfig(type=TextSelectorType.PASSWORD)
            ),
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

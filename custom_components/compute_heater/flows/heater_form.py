"""What the dialogues that add a compute heater ask, try and check."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

import probatio

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.const import CONF_PASSWORD, CONF_USERNAME
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.selector import (
    BooleanSelector,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)

from ..const import (
    CONF_ECO_POWER,
    CONF_FINGERPRINT,
    CONF_FULL_POWER,
    CONF_INCOME,
    CONF_LIMITER_CONFIRMED,
    CONF_MIN_OFF_TIME,
    CONF_MIN_ON_TIME,
    CONF_OFF_POWERS_DOWN,
    CONF_STANDBY_POWER,
    CONF_THROTTLE_TEMPERATURE,
    CONF_TRIP_TEMPERATURE,
    CONF_UNATTENDED_POWER,
    DOMAIN,
    LOGGER,
    SUBENTRY_HEATER,
)
from ..drivers import create_heater
from ..heaters.model import (
    Capabilities,
    HeaterAuthError,
    HeaterCertificateError,
    HeaterConnectionError,
    HeaterError,
    HeaterProtocolError,
    Identity,
)
from ..heaters.redfish_transport import service_url


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a try found at an address: a heater, or why there is none."""

    errors: dict[str, str]
    identity: Identity | None = None
    capabilities: Capabilities | None = None
    fingerprint: str | None = None
    """Of a certificate that is not trusted yet."""


async def async_try_heater(hass: HomeAssistant, data: Mapping[str, Any]) -> Found:
    """Connect as the integration will; never raises."""
    heater = create_heater(hass, data)
    try:
        identity, capabilities = await heater.connect()
    except HeaterAuthError:
        return Found(errors={"base": "invalid_auth"})
    except HeaterCertificateError as err:
        error = "certificate_changed" if data.get(CONF_FINGERPRINT) else "certificate"
        return Found(errors={"base": error}, fingerprint=err.fingerprint)
    except HeaterConnectionError:
        return Found(errors={"base": "cannot_connect"})
    except HeaterProtocolError:
        return Found(errors={"base": "not_redfish"})
    except HeaterError as err:
        LOGGER.debug("Heater refused: %s", err)
        return Found(errors={"base": "cannot_connect"})
    except Exception:  # noqa: BLE001 - a form shows an error, never a traceback
        LOGGER.exception("Unexpected error from a heater")
        return Found(errors={"base": "unknown"})
    finally:
        await heater.close()
    return Found(errors={}, identity=identity, capabilities=capabilities)


def credentials_schema() -> probatio.Schema:
    """Return the fields of user name and password."""
    return probatio.Schema(
        {
            probatio.Required(CONF_USERNAME): TextSelector(
                TextSelectorConfig(autocomplete="username")
            ),
            probatio.Required(CONF_PASSWORD): TextSelector(
                TextSelectorConfig(
                    type=TextSelectorType.PASSWORD, autocomplete="current-password"
                )
            ),
        }
    )


def normal_url(text: str) -> str | None:
    """Return the service's address; a bare host means HTTPS, None is not one."""
    try:
        return str(service_url(text))
    except HeaterProtocolError:
        return None


@callback
def find_heater(
    hass: HomeAssistant, uuid: str
) -> tuple[ConfigEntry, ConfigSubentry] | None:
    """Return the site and the part that a heater is configured as, if it is."""
    for entry in hass.config_entries.async_entries(DOMAIN):
        for subentry in entry.get_subentries_of_type(SUBENTRY_HEATER):
            if subentry.unique_id == uuid:
                return entry, subentry
    return None


def suggested_settings(capabilities: Capabilities) -> dict[str, Any]:
    """Suggest settings from what the device says of itself."""
    values: dict[str, Any] = {
        CONF_MIN_ON_TIME: 600,
        CONF_MIN_OFF_TIME: 600,
        CONF_THROTTLE_TEMPERATURE: 60,
        CONF_TRIP_TEMPERATURE: 65,
        CONF_OFF_POWERS_DOWN: False,
        CONF_LIMITER_CONFIRMED: False,
    }
    floor, maximum = capabilities.floor_w, capabilities.max_w
    if floor is not None:
        values[CONF_STANDBY_POWER] = 0 if capabilities.works_at_floor else ceil(floor)
    if maximum is not None:
        values[CONF_FULL_POWER] = int(maximum)
        values[CONF_ECO_POWER] = round(((floor or 0) + maximum) / 2)
    return values


def _number(minimum: float, maximum: float, unit: str) -> NumberSelector:
    return NumberSelector(
        NumberSelectorConfig(
            min=minimum,
            max=maximum,
            step=1,
            mode=NumberSelectorMode.BOX,
            unit_of_measurement=unit,
        )
    )


def settings_schema(currency: str) -> probatio.Schema:
    """Return the fields of power states, times, temperatures and income."""
    watts = _number(0, 100_000, "W")
    income = NumberSelector(
        NumberSelectorConfig(
            min=0,
            max=10,
            step="any",
            mode=NumberSelectorMode.BOX,
            unit_of_measurement=f"{currency}/kWh",
        )
    )
    return probatio.Schema(
        {
            probatio.Required(CONF_STANDBY_POWER): watts,
            probatio.Required(CONF_ECO_POWER): watts,
            probatio.Required(CONF_FULL_POWER): watts,
            probatio.Optional(CONF_UNATTENDED_POWER): watts,
            probatio.Required(CONF_MIN_ON_TIME): _number(0, 7200, "s"),
            probatio.Required(CONF_MIN_OFF_TIME): _number(0, 7200, "s"),
            probatio.Required(CONF_THROTTLE_TEMPERATURE): _number(30, 90, "°C"),
            probatio.Required(CONF_TRIP_TEMPERATURE): _number(30, 95, "°C"),
            probatio.Optional(CONF_INCOME): income,
            probatio.Required(CONF_OFF_POWERS_DOWN): BooleanSelector(),
            probatio.Required(CONF_LIMITER_CONFIRMED): BooleanSelector(),
        }
    )


def check_settings(
    capabilities: Capabilities, values: Mapping[str, Any]
) -> dict[str, str]:
    """Return what is wrong with settings, by field."""
    errors: dict[str, str] = {}
    floor, maximum = capabilities.floor_w, capabilities.max_w
    if capabilities.module_floor_w is not None:
        floor = capabilities.module_floor_w
    lowest = CONF_ECO_POWER if capabilities.works_at_floor else CONF_STANDBY_POWER
    if floor is not None and values[lowest] < floor:
        errors[lowest] = "below_floor"
    if maximum is not None and values[CONF_FULL_POWER] > maximum:
        errors[CONF_FULL_POWER] = "above_maximum"
    if not (
        values[CONF_STANDBY_POWER] < values[CONF_ECO_POWER] < values[CONF_FULL_POWER]
    ):
        errors[CONF_ECO_POWER] = "states_not_ascending"
    unattended = values.get(CONF_UNATTENDED_POWER)
    if unattended is not None and unattended < values[CONF_STANDBY_POWER]:
        errors[CONF_UNATTENDED_POWER] = "below_standby"
    if values[CONF_THROTTLE_TEMPERATURE] >= values[CONF_TRIP_TEMPERATURE]:
        errors[CONF_TRIP_TEMPERATURE] = "trip_not_above_throttle"
    if not values[CONF_LIMITER_CONFIRMED]:
        errors[CONF_LIMITER_CONFIRMED] = "limiter_not_confirmed"
    return errors

"""Add or change a compute heater."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import ceil
from typing import Any

import probatio

from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    SOURCE_USER,
    ConfigSubentryFlow,
    SubentryFlowResult,
)
from homeassistant.const import CONF_PASSWORD, CONF_URL, CONF_USERNAME
from homeassistant.core import HomeAssistant
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
    CONF_CAPABILITIES,
    CONF_ECO_POWER,
    CONF_FINGERPRINT,
    CONF_FULL_POWER,
    CONF_IDENTITY,
    CONF_LIMITER_CONFIRMED,
    CONF_MIN_OFF_TIME,
    CONF_MIN_ON_TIME,
    CONF_OFF_POWERS_DOWN,
    CONF_STANDBY_POWER,
    CONF_THROTTLE_TEMPERATURE,
    CONF_TRIP_TEMPERATURE,
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

_CONNECTION = (CONF_URL, CONF_USERNAME, CONF_PASSWORD, CONF_FINGERPRINT)


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


def _normal_url(text: str) -> str | None:
    """Return the service's address; a bare host means HTTPS, None is not one."""
    try:
        return str(service_url(text))
    except HeaterProtocolError:
        return None


def _shown(watts: float | None) -> str:
    return "–" if watts is None else f"{watts:.0f}"


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


class HeaterSubentryFlow(ConfigSubentryFlow):
    """Address and credentials, tried at once; then power states and limits."""

    def __init__(self) -> None:
        """Start with nothing known."""
        self._connection: dict[str, Any] = {}
        self._untrusted: str | None = None
        self._identity: Identity | None = None
        self._capabilities: Capabilities | None = None

    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask where the heater is and try it."""
        return await self._async_step_connection("user", user_input)

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Change address, credentials and then the settings."""
        return await self._async_step_connection("reconfigure", user_input)

    async def _async_step_connection(
        self, step_id: str, user_input: dict[str, Any] | None
    ) -> SubentryFlowResult:
        errors: dict[str, str] = {}
        if user_input is not None:
            if (url := _normal_url(user_input[CONF_URL])) is None:
                errors[CONF_URL] = "invalid_url"
            else:
                self._connection = {
                    **user_input,
                    CONF_URL: url,
                    CONF_FINGERPRINT: self._known_fingerprint(url),
                }
                return await self._async_connect(step_id)
        return self._show_connection(step_id, user_input, errors)

    def _known_fingerprint(self, url: str) -> str | None:
        """Keep the pin while the address stays the same."""
        if self.source != SOURCE_RECONFIGURE:
            return None
        data = self._get_reconfigure_subentry().data
        return data.get(CONF_FINGERPRINT) if data[CONF_URL] == url else None

    async def _async_connect(self, step_id: str) -> SubentryFlowResult:
        found = await async_try_heater(self.hass, self._connection)
        if found.fingerprint:
            self._untrusted = found.fingerprint
            return await self.async_step_certificate()
        if found.errors:
            return self._show_connection(step_id, self._connection, found.errors)
        assert found.identity is not None
        reconfigured = (
            self._get_reconfigure_subentry()
            if self.source == SOURCE_RECONFIGURE
            else None
        )
        if reconfigured and reconfigured.unique_id != found.identity.uuid:
            return self._show_connection(
                step_id, self._connection, {"base": "other_heater"}
            )
        for entry in self.hass.config_entries.async_entries(self._get_entry().domain):
            for subentry in entry.get_subentries_of_type(SUBENTRY_HEATER):
                if reconfigured is None and subentry.unique_id == found.identity.uuid:
                    return self.async_abort(reason="already_configured")
        self._identity, self._capabilities = found.identity, found.capabilities
        return await self.async_step_settings()

    def _show_connection(
        self,
        step_id: str,
        suggested: Mapping[str, Any] | None,
        errors: dict[str, str],
    ) -> SubentryFlowResult:
        if suggested is None and self.source == SOURCE_RECONFIGURE:
            suggested = self._get_reconfigure_subentry().data
        schema = probatio.Schema(
            {
                probatio.Required(CONF_URL): TextSelector(TextSelectorConfig()),
            }
        ).extend(credentials_schema().schema)
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(schema, suggested),
            errors=errors,
            description_placeholders={
                "example_url": "https://192.168.1.20",
                "example_host": "192.168.1.20",
            },
        )

    async def async_step_certificate(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Let the user trust the certificate that the heater shows."""
        assert self._untrusted is not None
        if user_input is not None:
            self._connection[CONF_FINGERPRINT] = self._untrusted
            return await self._async_connect(self.source or SOURCE_USER)
        return self.async_show_form(
            step_id="certificate",
            data_schema=probatio.Schema({}),
            description_placeholders={
                "fingerprint": ":".join(
                    self._untrusted[i : i + 2].upper()
                    for i in range(0, len(self._untrusted), 2)
                )
            },
        )

    async def async_step_settings(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask what the power states mean and how hot it may get."""
        assert self._identity is not None
        assert self._capabilities is not None
        errors: dict[str, str] = {}
        if user_input is not None:
            errors = self._check_settings(user_input)
            if not errors:
                data = {
                    **{key: self._connection.get(key) for key in _CONNECTION},
                    CONF_IDENTITY: asdict(self._identity),
                    CONF_CAPABILITIES: asdict(self._capabilities),
                    **user_input,
                }
                if self.source == SOURCE_RECONFIGURE:
                    return self.async_update_and_abort(
                        self._get_entry(), self._get_reconfigure_subentry(), data=data
                    )
                return self.async_create_entry(
                    title=self._identity.name,
                    data=data,
                    unique_id=self._identity.uuid,
                )
        if user_input is None and self.source == SOURCE_RECONFIGURE:
            user_input = dict(self._get_reconfigure_subentry().data)
        return self.async_show_form(
            step_id="settings",
            data_schema=self.add_suggested_values_to_schema(
                self._settings_schema(), user_input or self._defaults()
            ),
            errors=errors,
            description_placeholders={
                "name": self._identity.name,
                "modules": str(self._capabilities.modules),
                "floor": _shown(self._capabilities.floor_w),
                "maximum": _shown(self._capabilities.max_w),
            },
        )

    def _defaults(self) -> dict[str, Any]:
        """Suggest settings from what the device says of itself."""
        assert self._capabilities is not None
        values: dict[str, Any] = {
            CONF_MIN_ON_TIME: 600,
            CONF_MIN_OFF_TIME: 600,
            CONF_THROTTLE_TEMPERATURE: 60,
            CONF_TRIP_TEMPERATURE: 65,
            CONF_OFF_POWERS_DOWN: False,
            CONF_LIMITER_CONFIRMED: False,
        }
        floor, maximum = self._capabilities.floor_w, self._capabilities.max_w
        if floor is not None:
            values[CONF_STANDBY_POWER] = ceil(floor)
        if maximum is not None:
            values[CONF_FULL_POWER] = int(maximum)
            values[CONF_ECO_POWER] = round(((floor or 0) + maximum) / 2)
        return values

    def _settings_schema(self) -> probatio.Schema:
        watts = _number(0, 100_000, "W")
        return probatio.Schema(
            {
                probatio.Required(CONF_STANDBY_POWER): watts,
                probatio.Required(CONF_ECO_POWER): watts,
                probatio.Required(CONF_FULL_POWER): watts,
                probatio.Required(CONF_MIN_ON_TIME): _number(0, 7200, "s"),
                probatio.Required(CONF_MIN_OFF_TIME): _number(0, 7200, "s"),
                probatio.Required(CONF_THROTTLE_TEMPERATURE): _number(30, 90, "°C"),
                probatio.Required(CONF_TRIP_TEMPERATURE): _number(30, 95, "°C"),
                probatio.Required(CONF_OFF_POWERS_DOWN): BooleanSelector(),
                probatio.Required(CONF_LIMITER_CONFIRMED): BooleanSelector(),
            }
        )

    def _check_settings(self, values: Mapping[str, Any]) -> dict[str, str]:
        assert self._capabilities is not None
        errors: dict[str, str] = {}
        floor, maximum = self._capabilities.floor_w, self._capabilities.max_w
        if floor is not None and values[CONF_STANDBY_POWER] < floor:
            errors[CONF_STANDBY_POWER] = "below_floor"
        if maximum is not None and values[CONF_FULL_POWER] > maximum:
            errors[CONF_FULL_POWER] = "above_maximum"
        if not (
            values[CONF_STANDBY_POWER]
            < values[CONF_ECO_POWER]
            < values[CONF_FULL_POWER]
        ):
            errors[CONF_ECO_POWER] = "states_not_ascending"
        if values[CONF_THROTTLE_TEMPERATURE] >= values[CONF_TRIP_TEMPERATURE]:
            errors[CONF_TRIP_TEMPERATURE] = "trip_not_above_throttle"
        if not values[CONF_LIMITER_CONFIRMED]:
            errors[CONF_LIMITER_CONFIRMED] = "limiter_not_confirmed"
        return errors

"""The steps that every dialogue of a compute heater shares."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import probatio

from homeassistant.config_entries import SOURCE_RECONFIGURE
from homeassistant.const import CONF_PASSWORD, CONF_URL, CONF_USERNAME
from homeassistant.core import callback
from homeassistant.data_entry_flow import FlowContext, FlowHandler, FlowResult

from ..const import CONF_CAPABILITIES, CONF_FINGERPRINT, CONF_IDENTITY
from ..heaters.model import Capabilities, Identity
from .heater_form import (
    async_try_heater,
    check_settings,
    find_heater,
    settings_schema,
    suggested_settings,
)

_CONNECTION = (CONF_URL, CONF_USERNAME, CONF_PASSWORD, CONF_FINGERPRINT)


class HeaterSteps[C: FlowContext, R: FlowResult[Any, Any], H](
    FlowHandler[C, R, H], ABC
):
    """Try a connection; then the certificate, then power states and limits."""

    def __init__(self) -> None:
        """Start with nothing known."""
        self._connection: dict[str, Any] = {}
        self._untrusted: str | None = None
        self._identity: Identity | None = None
        self._capabilities: Capabilities | None = None

    @abstractmethod
    def _ask_connection(self, errors: dict[str, str]) -> R:
        """Show the form that fills ``_connection``."""

    @abstractmethod
    def _objections(self, identity: Identity) -> dict[str, str]:
        """Return errors if this is not the heater that is meant."""

    @abstractmethod
    async def _async_finish(self, identity: Identity, data: dict[str, Any]) -> R:
        """Save the heater."""

    @callback
    def _former_settings(self) -> Mapping[str, Any] | None:
        """Return what to suggest instead of what the device says of itself."""
        return None

    async def _async_connect(self) -> R:
        """Try the connection and go on to what is still to be asked."""
        found = await async_try_heater(self.hass, self._connection)
        if found.fingerprint:
            self._untrusted = found.fingerprint
            return await self.async_step_certificate()
        if found.errors:
            return self._ask_connection(found.errors)
        assert found.identity is not None
        assert found.capabilities is not None
        if errors := self._objections(found.identity):
            return self._ask_connection(errors)
        if self.source != SOURCE_RECONFIGURE and find_heater(
            self.hass, found.identity.uuid
        ):
            return self.async_abort(reason="already_configured")
        self._identity, self._capabilities = found.identity, found.capabilities
        return await self._async_go_on()

    async def _async_go_on(self) -> R:
        """Ask what comes after a connection that works."""
        assert self._capabilities is not None
        if not (self._capabilities.can_cap or self._capabilities.can_switch):
            return self._ask_connection({"base": "cannot_be_steered"})
        return await self.async_step_settings()

    @callback
    def _layers(self, values: Mapping[str, Any]) -> tuple[dict[str, Any], Capabilities]:
        """Return the data of what works on the heater, and what it all can do."""
        assert self._capabilities is not None
        return {}, self._capabilities

    @callback
    def _connection_data(self) -> dict[str, Any]:
        """Return what is stored of the connection."""
        return {key: self._connection.get(key) for key in _CONNECTION}

    async def async_step_certificate(
        self, user_input: dict[str, Any] | None = None
    ) -> R:
        """Let the user trust the certificate that the heater shows."""
        assert self._untrusted is not None
        if user_input is not None:
            self._connection[CONF_FINGERPRINT] = self._untrusted
            return await self._async_connect()
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

    async def async_step_settings(self, user_input: dict[str, Any] | None = None) -> R:
        """Ask what the power states mean and how hot it may get."""
        assert self._identity is not None
        assert self._capabilities is not None
        errors: dict[str, str] = {}
        if user_input is not None:
            errors = check_settings(self._capabilities, user_input)
            if not errors:
                work, capabilities = self._layers(user_input)
                data = {
                    **self._connection_data(),
                    **work,
                    CONF_IDENTITY: asdict(self._identity),
                    CONF_CAPABILITIES: asdict(capabilities),
                    **user_input,
                }
                return await self._async_finish(self._identity, data)
        suggested = (
            user_input
            or self._former_settings()
            or suggested_settings(self._capabilities)
        )
        return self.async_show_form(
            step_id="settings",
            data_schema=self.add_suggested_values_to_schema(
                settings_schema(self.hass.config.currency), suggested
            ),
            errors=errors,
            description_placeholders={
                "name": self._identity.name,
                "modules": str(self._capabilities.modules),
                "floor": _shown(self._capabilities.floor_w),
                "maximum": _shown(self._capabilities.max_w),
            },
        )


def _shown(watts: float | None) -> str:
    return "–" if watts is None else f"{watts:.0f}"

"""Add or change a compute heater."""

from collections.abc import Mapping
from typing import Any, override

import probatio

from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    SOURCE_USER,
    ConfigSubentryFlow,
    SubentryFlowContext,
    SubentryFlowResult,
)
from homeassistant.const import CONF_URL
from homeassistant.core import callback
from homeassistant.helpers.selector import TextSelector, TextSelectorConfig

from ..const import CONF_FINGERPRINT, DOMAIN
from ..heaters.model import Identity
from .heater_form import credentials_schema, normal_url
from .heater_steps import HeaterSteps


class HeaterSubentryFlow(
    HeaterSteps[SubentryFlowContext, SubentryFlowResult, tuple[str, str]],
    ConfigSubentryFlow,
):
    """Address and credentials, tried at once; then power states and limits."""

    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask where the heater is and try it."""
        return await self._async_step_connection(user_input)

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Change address, credentials and then the settings."""
        if user_input is None:
            self._connection = dict(self._get_reconfigure_subentry().data)
        return await self._async_step_connection(user_input)

    async def _async_step_connection(
        self, user_input: dict[str, Any] | None
    ) -> SubentryFlowResult:
        if user_input is None:
            return self._ask_connection({})
        if (url := normal_url(user_input[CONF_URL])) is None:
            self._connection = user_input
            errors = {CONF_URL: "invalid_url"}
            return self._ask_connection(errors)
        self._connection = {
            **user_input,
            CONF_URL: url,
            CONF_FINGERPRINT: self._known_fingerprint(url),
        }
        return await self._async_connect()

    def _known_fingerprint(self, url: str) -> str | None:
        """Keep the pin while the address stays the same."""
        if self.source != SOURCE_RECONFIGURE:
            return None
        data = self._get_reconfigure_subentry().data
        return data.get(CONF_FINGERPRINT) if data[CONF_URL] == url else None

    @override
    def _ask_connection(self, errors: dict[str, str]) -> SubentryFlowResult:
        schema = probatio.Schema(
            {
                probatio.Required(CONF_URL): TextSelector(TextSelectorConfig()),
            }
        ).extend(credentials_schema().schema)
        return self.async_show_form(
            step_id=self.source or SOURCE_USER,
            data_schema=self.add_suggested_values_to_schema(schema, self._connection),
            errors=errors,
            description_placeholders={
                "example_url": "https://192.168.1.20",
                "example_host": "192.168.1.20",
            },
        )

    @override
    def _objections(self, identity: Identity) -> dict[str, str]:
        if (
            self.source == SOURCE_RECONFIGURE
            and self._get_reconfigure_subentry().unique_id != identity.uuid
        ):
            return {"base": "other_heater"}
        return {}

    @override
    @callback
    def _former_settings(self) -> Mapping[str, Any] | None:
        if self.source == SOURCE_RECONFIGURE:
            return self._get_reconfigure_subentry().data
        return None

    @override
    async def _async_finish(
        self, identity: Identity, data: dict[str, Any]
    ) -> SubentryFlowResult:
        if self.source == SOURCE_RECONFIGURE:
            return self.async_update_and_abort(
                self._get_entry(), self._get_reconfigure_subentry(), data=data
            )
        # It may have been found in the network, too, which is settled by this.
        flows = self.hass.config_entries.flow
        for found in flows.async_progress_by_handler(
            DOMAIN, match_context={"unique_id": identity.uuid}
        ):
            flows.async_abort(found["flow_id"])
        return self.async_create_entry(
            title=identity.name, data=data, unique_id=identity.uuid
        )

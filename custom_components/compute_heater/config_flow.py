"""Config flow: a site, and the subentry flows of its parts."""

from collections.abc import Mapping
from typing import Any, override

import probatio

from homeassistant.config_entries import (
    SOURCE_IGNORE,
    SOURCE_USER,
    ConfigEntry,
    ConfigFlowResult,
    ConfigSubentryFlow,
    FlowType,
    SubentryFlowContext,
)
from homeassistant.const import CONF_NAME, CONF_PASSWORD, CONF_USERNAME
from homeassistant.core import callback

from .const import (
    DOMAIN,
    SUBENTRY_BACNET,
    SUBENTRY_HEATER,
    SUBENTRY_MODBUS,
    SUBENTRY_SINK,
)
from .flows.bacnet import BacnetSubentryFlow
from .flows.discovery import HeaterDiscovery
from .flows.heater import HeaterSubentryFlow
from .flows.heater_form import async_try_heater, credentials_schema
from .flows.modbus import ModbusSubentryFlow
from .flows.sink import SinkSubentryFlow


class ComputeHeaterConfigFlow(HeaterDiscovery, domain=DOMAIN):
    """Add a site: one heating plant with its heaters, consumers and links."""

    _reauth_subentry_id: str

    @classmethod
    @callback
    @override
    def async_get_supported_subentry_types(
        cls, config_entry: ConfigEntry
    ) -> dict[str, type[ConfigSubentryFlow]]:
        """Return what a site is made of."""
        return {
            SUBENTRY_HEATER: HeaterSubentryFlow,
            SUBENTRY_SINK: SinkSubentryFlow,
            SUBENTRY_BACNET: BacnetSubentryFlow,
            SUBENTRY_MODBUS: ModbusSubentryFlow,
        }

    @override
    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Name the site; everything else is added to it afterwards."""
        if user_input is not None:
            self._async_abort_entries_match({CONF_NAME: user_input[CONF_NAME]})
            return self.async_create_entry(
                title=user_input[CONF_NAME], data={CONF_NAME: user_input[CONF_NAME]}
            )
        return self.async_show_form(
            step_id="user",
            data_schema=probatio.Schema(
                {
                    probatio.Required(
                        CONF_NAME, default=self.hass.config.location_name
                    ): probatio.All(str, probatio.Strip, probatio.Length(min=1))
                }
            ),
        )

    @override
    async def async_on_create_entry(self, result: ConfigFlowResult) -> ConfigFlowResult:
        """Lead on to the first heater, without which a site does nothing."""
        entry = result["result"]
        if entry.source == SOURCE_IGNORE or entry.subentries:
            return result
        heater_flow = await self.hass.config_entries.subentries.async_init(
            (entry.entry_id, SUBENTRY_HEATER),
            context=SubentryFlowContext(source=SOURCE_USER),
        )
        result["next_flow"] = (
            FlowType.CONFIG_SUBENTRIES_FLOW,
            heater_flow["flow_id"],
        )
        return result

    async def async_step_reauth(
        self, entry_data: Mapping[str, Any]
    ) -> ConfigFlowResult:
        """Take up a heater that refuses its credentials."""
        self._reauth_subentry_id = entry_data["subentry_id"]
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the heater's new credentials and try them."""
        entry = self._get_reauth_entry()
        if (subentry := entry.subentries.get(self._reauth_subentry_id)) is None:
            return self.async_abort(reason="heater_removed")
        errors: dict[str, str] = {}
        if user_input is not None:
            found = await async_try_heater(self.hass, {**subentry.data, **user_input})
            errors = found.errors
            if found.identity and found.identity.uuid != subentry.unique_id:
                errors = {"base": "other_heater"}
            if not errors:
                self.hass.config_entries.async_update_subentry(
                    entry, subentry, data={**subentry.data, **user_input}
                )
                return self.async_abort(
                    reason="reauth_successful", translation_domain="homeassistant"
                )
        return self.async_show_form(
            step_id="reauth_confirm",
            data_schema=self.add_suggested_values_to_schema(
                credentials_schema(),
                {
                    CONF_USERNAME: subentry.data[CONF_USERNAME],
                    **(user_input or {}),
                    CONF_PASSWORD: "",
                },
            ),
            errors=errors,
            description_placeholders={"heater": subentry.title},
        )

"""Config flow: a site, and the subentry flows of its parts."""

from typing import Any, override

import probatio

from homeassistant.config_entries import (
    SOURCE_IGNORE,
    SOURCE_USER,
    ConfigEntry,
    ConfigFlowResult,
    ConfigSubentryFlow,
    FlowType,
    OptionsFlow,
    SubentryFlowContext,
)
from homeassistant.const import CONF_NAME
from homeassistant.core import callback

from .const import (
    DOMAIN,
    SUBENTRY_BACKUP,
    SUBENTRY_BACNET,
    SUBENTRY_BRIDGE,
    SUBENTRY_GATEWAY,
    SUBENTRY_HEATER,
    SUBENTRY_MODBUS,
    SUBENTRY_SINK,
)
from .flows.backup import BackupSubentryFlow
from .flows.bacnet import BacnetSubentryFlow
from .flows.bridge import BridgeSubentryFlow
from .flows.discovery import HeaterDiscovery
from .flows.gateway import GatewaySubentryFlow
from .flows.heater import HeaterSubentryFlow
from .flows.heater_reauth import HeaterReauth
from .flows.modbus import ModbusSubentryFlow
from .flows.sink import SinkSubentryFlow
from .flows.site_options import SiteOptionsFlow


class ComputeHeaterConfigFlow(HeaterReauth, HeaterDiscovery, domain=DOMAIN):
    """Add a site: one heating plant with its heaters, consumers and links."""

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
            SUBENTRY_BACKUP: BackupSubentryFlow,
            SUBENTRY_BACNET: BacnetSubentryFlow,
            SUBENTRY_MODBUS: ModbusSubentryFlow,
            SUBENTRY_GATEWAY: GatewaySubentryFlow,
            SUBENTRY_BRIDGE: BridgeSubentryFlow,
        }

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: ConfigEntry) -> OptionsFlow:
        """Return the dialogue about forecasts and prices."""
        return SiteOptionsFlow()

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

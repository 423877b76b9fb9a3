"""Take up compute heaters that announce themselves in the network (DNS-SD).

Anybody in the network can announce anything. So an announcement never makes us send
credentials to an address that has not first, without them, given the heater's UUID; a
pinned certificate stays pinned, and HTTPS stays HTTPS.
"""

from types import MappingProxyType
from typing import Any, override
from uuid import UUID

import probatio

from homeassistant.config_entries import (
    ConfigEntry,
    ConfigFlow,
    ConfigFlowContext,
    ConfigFlowResult,
    ConfigSubentry,
    ConfigSubentryData,
)
from homeassistant.const import CONF_NAME, CONF_URL
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.selector import (
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
)
from homeassistant.helpers.service_info.zeroconf import ZeroconfServiceInfo

from ..const import CONF_FINGERPRINT, CONF_SITE, DOMAIN, LOGGER, SUBENTRY_HEATER
from ..heaters.model import HeaterError, Identity
from ..heaters.redfish_probe import service_uuid
from ..heaters.redfish_transport import service_url
from .heater_form import credentials_schema, find_heater
from .heater_steps import HeaterSteps


class HeaterDiscovery(
    HeaterSteps[ConfigFlowContext, ConfigFlowResult, str], ConfigFlow
):
    """A heater that was found: credentials, certificate, settings, and its site."""

    _name: str
    _url: str

    @override
    async def async_step_zeroconf(
        self, discovery_info: ZeroconfServiceInfo
    ) -> ConfigFlowResult:
        """Follow a known heater to its new address; offer an unknown one."""
        if (uuid := _announced_uuid(discovery_info)) is None:
            return self.async_abort(reason="invalid_announcement")
        await self.async_set_unique_id(uuid)
        self._url = _announced_url(discovery_info)
        if known := find_heater(self.hass, uuid):
            await self._async_follow(*known)
            return self.async_abort(reason="already_configured")
        # The user may have chosen to ignore it.
        self._abort_if_unique_id_configured()
        self._name = discovery_info.properties.get("name") or uuid
        self.context["title_placeholders"] = {"name": self._name}
        return await self.async_step_discovered()

    async def _async_follow(self, entry: ConfigEntry, heater: ConfigSubentry) -> None:
        """Take the announced address over if only there the heater answers."""
        former: str = heater.data[CONF_URL]
        if former == self._url:
            return
        if former.startswith("https:") and not self._url.startswith("https:"):
            LOGGER.warning("%s announces itself without HTTPS; ignored", heater.title)
            return
        if await self._async_answers(former, heater):
            return
        if not await self._async_answers(self._url, heater):
            return
        # It may have been changed or removed meanwhile.
        known = find_heater(self.hass, self._uuid)
        if known == (entry, heater) and heater.data[CONF_URL] == former:
            LOGGER.info("%s has moved from %s to %s", heater.title, former, self._url)
            self.hass.config_entries.async_update_subentry(
                entry, heater, data={**heater.data, CONF_URL: self._url}
            )

    async def _async_answers(self, url: str, heater: ConfigSubentry) -> bool:
        """Tell whether the heater is there, with the certificate that was trusted."""
        try:
            found = await service_uuid(
                async_get_clientsession(self.hass),
                url,
                heater.data.get(CONF_FINGERPRINT),
            )
        except HeaterError as err:
            LOGGER.debug("%s is not at %s: %s", heater.title, url, err)
            return False
        return found == heater.unique_id

    async def async_step_discovered(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the credentials, and for the site if there are several."""
        if user_input is None:
            return self._ask_connection({})
        self._connection = {**user_input, CONF_URL: self._url}
        return await self._async_connect()

    @override
    def _ask_connection(self, errors: dict[str, str]) -> ConfigFlowResult:
        schema = credentials_schema()
        if len(sites := self._sites()) > 1:
            options = [
                SelectOptionDict(value=entry_id, label=entry.title)
                for entry_id, entry in sites.items()
            ]
            schema = schema.extend(
                {
                    probatio.Required(CONF_SITE): SelectSelector(
                        SelectSelectorConfig(options=options)
                    )
                }
            )
        return self.async_show_form(
            step_id="discovered",
            data_schema=self.add_suggested_values_to_schema(schema, self._connection),
            errors=errors,
            description_placeholders={"name": self._name, "url": self._url},
        )

    @override
    def _objections(self, identity: Identity) -> dict[str, str]:
        return {} if identity.uuid == self._uuid else {"base": "other_heater"}

    @override
    async def _async_finish(
        self, identity: Identity, data: dict[str, Any]
    ) -> ConfigFlowResult:
        sites = self._sites()
        if not sites:
            # The site is more than this heater, whose UUID the flow goes by.
            await self.async_set_unique_id(None)
            name = self.hass.config.location_name
            heater = ConfigSubentryData(
                data=data,
                subentry_type=SUBENTRY_HEATER,
                title=identity.name,
                unique_id=identity.uuid,
            )
            return self.async_create_entry(
                title=name, data={CONF_NAME: name}, subentries=[heater]
            )
        only = next(iter(sites)) if len(sites) == 1 else ""
        site = sites.get(self._connection.get(CONF_SITE, only))
        if site is None:
            # Sites came or went since the form was shown.
            return self._ask_connection({})
        self.hass.config_entries.async_add_subentry(
            site,
            ConfigSubentry(
                data=MappingProxyType(data),
                subentry_type=SUBENTRY_HEATER,
                title=identity.name,
                unique_id=identity.uuid,
            ),
        )
        return self.async_abort(
            reason="heater_added",
            description_placeholders={"name": identity.name, "site": site.title},
        )

    @property
    def _uuid(self) -> str:
        assert self.unique_id is not None
        return self.unique_id

    def _sites(self) -> dict[str, ConfigEntry]:
        return {
            entry.entry_id: entry
            for entry in self.hass.config_entries.async_entries(
                DOMAIN, include_ignore=False
            )
        }


def _announced_uuid(info: ZeroconfServiceInfo) -> str | None:
    text = info.properties.get("uuid")
    try:
        return str(UUID(text)) if text and info.port else None
    except ValueError:
        return None


def _announced_url(info: ZeroconfServiceInfo) -> str:
    scheme = "http" if info.properties.get("tls") == "0" else "https"
    host = f"[{info.ip_address}]" if info.ip_address.version == 6 else info.host
    return str(service_url(f"{scheme}://{host}:{info.port}"))

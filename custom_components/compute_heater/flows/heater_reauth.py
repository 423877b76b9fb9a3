"""Ask for new credentials of a heater, a cluster or a work layer that refuses its own."""

from collections.abc import Mapping
from typing import Any

from homeassistant.config_entries import (
    ConfigEntry,
    ConfigFlow,
    ConfigFlowResult,
    ConfigSubentry,
)
from homeassistant.const import CONF_PASSWORD, CONF_TOKEN, CONF_USERNAME

from ..const import CONF_DRIVER, CONF_WORK, DRIVER_SLURM
from .heater_form import async_try_heater, credentials_schema
from .slurm_form import async_try_slurm, token_data, token_schema
from .work_form import async_try_work, client_name, password_schema


class HeaterReauth(ConfigFlow):
    """One heater at a time, as Home Assistant has one such dialogue for a site."""

    _heater_id: str
    _work_index: int | None
    """Which of its work layers it is about; None: the heater itself."""

    async def async_step_reauth(
        self, entry_data: Mapping[str, Any]
    ) -> ConfigFlowResult:
        """Take up a heater that refuses its credentials."""
        self._heater_id = entry_data["subentry_id"]
        self._work_index = entry_data.get("work")
        if self._work_index is not None:
            return await self.async_step_reauth_boinc()
        heater = self._heater
        if heater is not None and heater.data.get(CONF_DRIVER) == DRIVER_SLURM:
            return await self.async_step_reauth_slurm()
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the heater's new user name and password and try them."""
        if (heater := self._heater) is None:
            return self.async_abort(reason="heater_removed")
        errors: dict[str, str] = {}
        if user_input is not None:
            found = await async_try_heater(self.hass, {**heater.data, **user_input})
            errors = found.errors
            if found.identity and found.identity.uuid != heater.unique_id:
                errors = {"base": "other_heater"}
            if not errors:
                return self._take(heater, user_input)
        return self.async_show_form(
            step_id="reauth_confirm",
            data_schema=self.add_suggested_values_to_schema(
                credentials_schema(),
                {
                    CONF_USERNAME: heater.data[CONF_USERNAME],
                    **(user_input or {}),
                    CONF_PASSWORD: "",
                },
            ),
            errors=errors,
            description_placeholders={"heater": heater.title},
        )

    async def async_step_reauth_slurm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for a new token of the cluster and try it."""
        if (heater := self._heater) is None:
            return self.async_abort(reason="heater_removed")
        errors: dict[str, str] = {}
        if user_input is not None:
            changed = token_data(user_input)
            found = await async_try_slurm(self.hass, {**heater.data, **changed})
            errors = found.errors
            if found.cluster and not (heater.unique_id or "").startswith(
                found.cluster.uuid_prefix
            ):
                errors = {"base": "other_cluster"}
            if not errors:
                return self._take(heater, changed)
        return self.async_show_form(
            step_id="reauth_slurm",
            data_schema=self.add_suggested_values_to_schema(
                token_schema(),
                {
                    CONF_USERNAME: heater.data.get(CONF_USERNAME),
                    **(user_input or {}),
                    CONF_TOKEN: "",
                },
            ),
            errors=errors,
            description_placeholders={
                "heater": heater.title,
                "command": "scontrol token username=heat lifespan=31536000",
            },
        )

    async def async_step_reauth_boinc(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for a new password of a BOINC client and try it."""
        heater, index = self._heater, self._work_index
        works = list(heater.data.get(CONF_WORK, ())) if heater else []
        if heater is None or index is None or index >= len(works):
            return self.async_abort(reason="heater_removed")
        errors: dict[str, str] = {}
        if user_input is not None:
            works[index] = {**works[index], **user_input}
            errors = await async_try_work(works[index])
            if not errors:
                return self._take(heater, {CONF_WORK: works})
        return self.async_show_form(
            step_id="reauth_boinc",
            data_schema=password_schema(),
            errors=errors,
            description_placeholders={
                "heater": heater.title,
                "client": client_name(works[index]),
            },
        )

    @property
    def _site(self) -> ConfigEntry:
        return self._get_reauth_entry()

    @property
    def _heater(self) -> ConfigSubentry | None:
        """Return the heater; None if it was removed meanwhile."""
        return self._site.subentries.get(self._heater_id)

    def _take(
        self, heater: ConfigSubentry, changed: Mapping[str, Any]
    ) -> ConfigFlowResult:
        self.hass.config_entries.async_update_subentry(
            self._site, heater, data={**heater.data, **changed}
        )
        return self.async_abort(
            reason="reauth_successful", translation_domain="homeassistant"
        )

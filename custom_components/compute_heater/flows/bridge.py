"""Add or change a bridge: a binding between a value of the building and heaters."""

from collections.abc import Mapping
from typing import Any

from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    ConfigEntryState,
    ConfigSubentryFlow,
    SubentryFlowResult,
)
from homeassistant.const import CONF_NAME

from ..bridge_settings import BridgeKind
from ..const import CONF_HEATERS, CONF_KIND
from .bridge_form import DEFAULTS, bridge_data, bridge_schema, heater_names
from .bridge_preview import preview
from .link_errors import FormError
from .link_texts import LinkTexts


class BridgeSubentryFlow(ConfigSubentryFlow):
    """Choose what is connected, fill its form in, and look at what that leads to."""

    _kind: BridgeKind
    _values: Mapping[str, Any] | None = None
    """What was filled in last."""
    _data: dict[str, Any]
    """What is to be stored."""

    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Choose what is connected."""
        entry = self._get_entry()
        if not heater_names(entry):
            return self.async_abort(reason="no_heaters")
        if entry.state is not ConfigEntryState.LOADED:
            return self.async_abort(reason="not_loaded")
        return self.async_show_menu(step_id="user", menu_options=[*BridgeKind])

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Change a bridge."""
        if self._get_entry().state is not ConfigEntryState.LOADED:
            return self.async_abort(reason="not_loaded")
        subentry = self._get_reconfigure_subentry()
        known = heater_names(self._get_entry())
        self._values = {
            **subentry.data,
            CONF_NAME: subentry.title,
            # One that was removed cannot be chosen any more.
            CONF_HEATERS: [
                each for each in subentry.data.get(CONF_HEATERS, ()) if each in known
            ],
        }
        return await self._async_step_form(BridgeKind(subentry.data[CONF_KIND]), None)

    async def async_step_demand_state(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for a demand that leads to power states."""
        return await self._async_step_form(BridgeKind.DEMAND_STATE, user_input)

    async def async_step_demand_power(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for a demand that leads to powers of heaters."""
        return await self._async_step_form(BridgeKind.DEMAND_POWER, user_input)

    async def async_step_demand_heat(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for a demand that leads to heat of the whole site."""
        return await self._async_step_form(BridgeKind.DEMAND_HEAT, user_input)

    async def async_step_sg_contacts(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for two contacts of SG Ready."""
        return await self._async_step_form(BridgeKind.SG_CONTACTS, user_input)

    async def async_step_sg_states(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for an entity with the four states of SG Ready."""
        return await self._async_step_form(BridgeKind.SG_STATES, user_input)

    async def async_step_request(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for a contact that requests heat."""
        return await self._async_step_form(BridgeKind.REQUEST, user_input)

    async def async_step_output(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for a value of heaters and where it is written."""
        return await self._async_step_form(BridgeKind.OUTPUT, user_input)

    async def _async_step_form(
        self, kind: BridgeKind, user_input: dict[str, Any] | None
    ) -> SubentryFlowResult:
        errors: Mapping[str, str] = {}
        detail = ""
        entry = self._get_entry()
        self._kind = kind
        if user_input is not None:
            self._values = user_input
            own_id = self._subentry_id if self._is_reconfigure else None
            try:
                data = bridge_data(self.hass, entry, kind, user_input, own_id)
            except FormError as err:
                errors, detail = err.errors, err.detail
            else:
                self._data = {**data, CONF_KIND: kind.value}
                return await self.async_step_check()
        return self.async_show_form(
            step_id=kind.value,
            data_schema=self.add_suggested_values_to_schema(
                bridge_schema(kind, heater_names(entry)),
                DEFAULTS[kind] if self._values is None else self._values,
            ),
            errors=dict(errors),
            description_placeholders={"detail": detail},
        )

    @property
    def _is_reconfigure(self) -> bool:
        return self.source == SOURCE_RECONFIGURE

    @property
    def _subentry_id(self) -> str:
        return self._get_reconfigure_subentry().subentry_id

    async def async_step_check(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show what the entities show now, and what that leads to."""
        if self._get_entry().state is not ConfigEntryState.LOADED:
            return self.async_abort(reason="not_loaded")
        texts = await LinkTexts.async_load(self.hass)
        site = self._get_entry().runtime_data.site
        return self.async_show_menu(
            step_id="check",
            menu_options=["save", "refresh", "change"],
            description_placeholders={
                "name": self._data[CONF_NAME],
                "preview": preview(self.hass, site, self._data, texts),
            },
        )

    async def async_step_refresh(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Look at the values again."""
        return await self.async_step_check()

    async def async_step_change(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Go back to the form."""
        return await self._async_step_form(self._kind, None)

    async def async_step_save(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Store the bridge."""
        data = {**self._data}
        title = data.pop(CONF_NAME)
        if not self._is_reconfigure:
            return self.async_create_entry(title=title, data=data)
        return self.async_update_and_abort(
            self._get_entry(),
            self._get_reconfigure_subentry(),
            title=title,
            data=data,
        )

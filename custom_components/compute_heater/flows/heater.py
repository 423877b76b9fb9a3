"""Add or change a compute heater."""

from collections.abc import Mapping
from typing import Any, override
from uuid import uuid4

import probatio

from homeassistant.config_entries import SOURCE_RECONFIGURE, SubentryFlowResult
from homeassistant.const import CONF_NAME, CONF_URL
from homeassistant.core import callback
from homeassistant.helpers.selector import TextSelector, TextSelectorConfig

from ..const import (
    CONF_DRIVER,
    CONF_ENTITIES,
    CONF_FINGERPRINT,
    CONF_IDENTITY,
    CONF_MODE_SELECT,
    CONF_MODES,
    CONF_OUTLETS,
    CONF_POWER,
    CONF_WORK,
    DOMAIN,
    DRIVER_COMPOSED,
    DRIVER_SLURM,
)
from ..drivers import create_power, create_work, nominal_power
from ..entity_port import HassEntityPort
from ..heaters.layered import layered_capabilities
from ..heaters.model import Capabilities, Identity
from ..heaters.redfish_outlets import Outlet
from .composed_form import (
    check_composed,
    check_modes,
    composed_data,
    composed_schema,
    composed_suggestions,
    maker_of,
    modes_schema,
    unloads_itself,
)
from .heater_form import credentials_schema, normal_url
from .heater_search import (
    async_find_services,
    async_outlets,
    outlets_schema,
    services_schema,
)
from .slurm_steps import SlurmSteps
from .work_steps import WorkSteps

_STEP_REDFISH = "redfish"


class HeaterSubentryFlow(SlurmSteps, WorkSteps):
    """How the heater is reached, tried at once; its work; power states and limits."""

    def __init__(self) -> None:
        """Start with nothing known."""
        super().__init__()
        self._composed: dict[str, Any] | None = None
        """The form of entities as it was filled in."""
        self._outlets: list[Outlet] = []

    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Choose how the heater is steered."""
        return self.async_show_menu(
            step_id="user",
            menu_options=[_STEP_REDFISH, "search", DRIVER_SLURM, DRIVER_COMPOSED],
        )

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Change what it is steered with, and then the settings."""
        if user_input is None:
            data = self._get_reconfigure_subentry().data
            if data.get(CONF_DRIVER) == DRIVER_COMPOSED:
                return await self.async_step_composed()
            if data.get(CONF_DRIVER) == DRIVER_SLURM:
                return await self.async_step_slurm()
            self._connection = dict(data)
        return await self._async_step_connection(user_input)

    # Redfish

    async def async_step_redfish(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask where the heater is and try it."""
        return await self._async_step_connection(user_input)

    async def async_step_search(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Search the network, and go on with the service that is chosen."""
        if user_input is not None:
            self._connection = dict(user_input)
            return self._ask_connection({})
        found = await async_find_services(self.hass)
        if not found:
            return self._ask_connection({"base": "nothing_found"})
        return self.async_show_form(
            step_id="search", data_schema=services_schema(found)
        )

    async def async_step_outlets(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask which outlets of a distribution unit feed the heater."""
        errors: dict[str, str] = {}
        if user_input is not None:
            if user_input[CONF_OUTLETS]:
                self._connection[CONF_OUTLETS] = user_input[CONF_OUTLETS]
                return await self._async_connect()
            errors = {CONF_OUTLETS: "no_outlet"}
        return self.async_show_form(
            step_id="outlets", data_schema=outlets_schema(self._outlets), errors=errors
        )

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
        if outlets := (self._former_settings() or {}).get(CONF_OUTLETS):
            self._connection[CONF_OUTLETS] = outlets
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
            step_id=SOURCE_RECONFIGURE
            if self.source == SOURCE_RECONFIGURE
            else _STEP_REDFISH,
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

    # Entities

    async def async_step_composed(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask which entities the heater is made of."""
        if user_input is None:
            return self._ask_composed({})
        self._composed = user_input
        former = self._former_settings()
        errors = check_composed(
            self.hass,
            user_input,
            self._get_reconfigure_subentry().subentry_id if former else None,
        )
        if errors:
            return self._ask_composed(errors)
        data = composed_data(user_input)
        manufacturer, model = maker_of(self.hass, data[CONF_ENTITIES])
        self._connection = {
            CONF_DRIVER: DRIVER_COMPOSED,
            CONF_IDENTITY: {
                "uuid": former[CONF_IDENTITY]["uuid"] if former else uuid4().hex,
                "name": user_input[CONF_NAME],
                "manufacturer": manufacturer,
                "model": model,
            },
            CONF_MODES: {},
            **data,
        }
        if CONF_MODE_SELECT in data[CONF_ENTITIES]:
            return await self.async_step_modes()
        return await self._async_step_meter()

    def _ask_composed(self, errors: dict[str, str]) -> SubentryFlowResult:
        suggested = self._composed
        if suggested is None:
            former = self._former_settings()
            title = self._get_reconfigure_subentry().title if former else ""
            suggested = composed_suggestions(former, title)
        return self.async_show_form(
            step_id=DRIVER_COMPOSED,
            data_schema=self.add_suggested_values_to_schema(
                composed_schema(), suggested
            ),
            errors=errors,
        )

    async def async_step_modes(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask which mode stands for which power state."""
        errors: dict[str, str] = {}
        if user_input is not None:
            modes = {state: mode for state, mode in user_input.items() if mode}
            errors = check_modes(self._connection, modes)
            if not errors:
                self._connection[CONF_MODES] = modes
                return await self._async_step_meter()
        select = HassEntityPort(self.hass).state(
            self._connection[CONF_ENTITIES][CONF_MODE_SELECT]
        )
        options = select.options if select else ()
        former = self._former_settings() or {}
        suggested = user_input or {
            state: mode
            for state, mode in former.get(CONF_MODES, {}).items()
            if mode in options
        }
        return self.async_show_form(
            step_id="modes",
            data_schema=self.add_suggested_values_to_schema(
                modes_schema(options), suggested
            ),
            errors=errors,
        )

    async def _async_step_meter(self) -> SubentryFlowResult:
        if CONF_POWER in self._connection[CONF_ENTITIES]:
            return await self._async_take_composed()
        return await self.async_step_unmetered()

    async def async_step_unmetered(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Warn that nobody will know what the heater draws."""
        if user_input is not None:
            return await self._async_take_composed()
        return self.async_show_form(
            step_id="unmetered", data_schema=probatio.Schema({})
        )

    async def _async_take_composed(self) -> SubentryFlowResult:
        # Nothing can be out of reach: the entities were looked at just now.
        heater = create_power(self.hass, self._connection)
        self._identity, self._capabilities = await heater.connect()
        return await self._async_go_on()

    @override
    @callback
    def _connection_data(self) -> dict[str, Any]:
        if CONF_DRIVER in self._connection:
            return dict(self._connection)
        data = super()._connection_data()
        if CONF_OUTLETS in self._connection:
            data[CONF_OUTLETS] = self._connection[CONF_OUTLETS]
        return data

    # Work

    @override
    async def _async_go_on(self) -> SubentryFlowResult:
        """Go on with the work once the heater is known.

        A distribution unit is no heater itself, but its outlets may feed one.
        """
        assert self._capabilities is not None
        if self._capabilities.modules == 0 and not self._capabilities.can_cap:
            if CONF_DRIVER not in self._connection:
                self._outlets = await async_outlets(self.hass, self._connection)
            if self._outlets:
                return await self.async_step_outlets()
        return await self.async_step_work()

    @override
    async def _async_without_work(self) -> SubentryFlowResult:
        composed = self._connection.get(CONF_DRIVER) == DRIVER_COMPOSED
        if composed and not unloads_itself(self._connection):
            return self._ask_composed({"base": "mains_under_load"})
        return await super()._async_go_on()

    @override
    @callback
    def _layers(self, values: Mapping[str, Any]) -> tuple[dict[str, Any], Capabilities]:
        assert self._capabilities is not None
        if not self._work:
            return {}, self._capabilities
        works = [create_work(data) for data in self._work]
        return {CONF_WORK: self._work}, layered_capabilities(
            self._capabilities, works, nominal_power(values)
        )

    # The end

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
            subentry = self._get_reconfigure_subentry()
            composed = data.get(CONF_DRIVER) == DRIVER_COMPOSED
            return self.async_update_and_abort(
                self._get_entry(),
                subentry,
                unique_id=identity.uuid,
                title=identity.name if composed else subentry.title,
                data=data,
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

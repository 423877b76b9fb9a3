"""The steps that put together what works on a heater."""

from abc import abstractmethod
from typing import Any

from homeassistant.config_entries import (
    ConfigSubentryFlow,
    SubentryFlowContext,
    SubentryFlowResult,
)

from ..const import CONF_WORK
from .heater_steps import HeaterSteps
from .work_form import (
    CONF_CLIENT,
    async_try_work,
    boinc_data,
    boinc_schema,
    client_name,
    client_schema,
    is_used,
    same_client,
)


class WorkSteps(
    HeaterSteps[SubentryFlowContext, SubentryFlowResult, tuple[str, str]],
    ConfigSubentryFlow,
):
    """Add, change and remove work layers until they are complete."""

    def __init__(self) -> None:
        """Start with what the heater has, once that is known."""
        super().__init__()
        self._known_work: list[dict[str, Any]] | None = None
        self._changed: int | None = None
        """Which of them is being changed; None: one is added."""

    @property
    def _work(self) -> list[dict[str, Any]]:
        if self._known_work is None:
            former = self._former_settings() or {}
            self._known_work = list(former.get(CONF_WORK, ()))
        return self._known_work

    @abstractmethod
    async def _async_without_work(self) -> SubentryFlowResult:
        """Go on with the heater alone."""

    async def async_step_work(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask what works on the heater."""
        if self._work:
            return await self.async_step_works()
        return self.async_show_menu(step_id="work", menu_options=["no_work", "boinc"])

    async def async_step_works(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show what there is by now."""
        return self.async_show_menu(
            step_id="works",
            menu_options=["work_done", "boinc", "change_work", "remove_work"],
            description_placeholders={
                "clients": ", ".join(map(client_name, self._work))
            },
        )

    async def async_step_no_work(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Go on with the heater alone, if that can be steered."""
        return await self._async_without_work()

    async def async_step_work_done(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Go on: the work is complete."""
        return await self.async_step_settings()

    async def async_step_boinc(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for one more BOINC client and try it."""
        if user_input is None:
            self._changed = None
        return await self._async_ask_boinc("boinc", user_input)

    async def async_step_change_boinc(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for what has changed of a BOINC client and try it."""
        return await self._async_ask_boinc("change_boinc", user_input)

    async def _async_ask_boinc(
        self, step: str, user_input: dict[str, Any] | None
    ) -> SubentryFlowResult:
        errors: dict[str, str] = {}
        if user_input is not None:
            data = boinc_data(user_input)
            errors = await self._async_errors(data)
            if not errors:
                if self._changed is None:
                    self._work.append(data)
                else:
                    self._work[self._changed] = data
                return await self.async_step_works()
        before = {} if self._changed is None else self._work[self._changed]
        return self.async_show_form(
            step_id=step,
            data_schema=self.add_suggested_values_to_schema(
                boinc_schema(), user_input or before
            ),
            errors=errors,
        )

    async def _async_errors(self, data: dict[str, Any]) -> dict[str, str]:
        """Return what is wrong with a client."""
        for index, other in enumerate(self._work):
            if index != self._changed and same_client(data, other):
                return {"base": "work_already_added"}
        former = self._former_settings()
        heater_id = self._get_reconfigure_subentry().subentry_id if former else None
        if is_used(self.hass, data, heater_id):
            return {"base": "work_in_use"}
        return await async_try_work(data)

    async def async_step_change_work(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Choose which client is changed, if there are several."""
        if user_input is None and len(self._work) > 1:
            return self.async_show_form(
                step_id="change_work", data_schema=client_schema(self._work)
            )
        self._changed = int(user_input[CONF_CLIENT]) if user_input else 0
        return await self.async_step_change_boinc()

    async def async_step_remove_work(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Choose which client is removed."""
        if user_input is None:
            return self.async_show_form(
                step_id="remove_work", data_schema=client_schema(self._work)
            )
        del self._work[int(user_input[CONF_CLIENT])]
        return await self.async_step_work()

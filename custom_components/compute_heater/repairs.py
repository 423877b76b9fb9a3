"""Put right what a repair issue tells of."""

from abc import abstractmethod
from typing import override

from homeassistant.components.repairs import (
    ConfirmRepairFlow,
    FlowType,
    RepairsFlow,
    RepairsFlowResult,
)
from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    ConfigEntry,
    ConfigSubentry,
    SubentryFlowContext,
)
from homeassistant.const import CONF_ADDRESS
from homeassistant.core import HomeAssistant

from .issues import ISSUE_DEVICE_MOVED


class _PartFlow(ConfirmRepairFlow):
    """Ask once, then change a part of a site."""

    @override
    async def async_step_confirm(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        if user_input is None:
            return await super().async_step_confirm()
        assert self.data is not None
        entry = self.hass.config_entries.async_get_entry(str(self.data["entry_id"]))
        subentry_id = str(self.data["subentry_id"])
        if entry is None or subentry_id not in entry.subentries:
            return self.async_abort(reason="part_removed")
        return await self.async_mend(entry, entry.subentries[subentry_id])

    @abstractmethod
    async def async_mend(
        self, entry: ConfigEntry, part: ConfigSubentry
    ) -> RepairsFlowResult:
        """Do what the owner agreed to."""


class DeviceMovedFlow(_PartFlow):
    """Use the address at which the device answers now."""

    @override
    async def async_mend(
        self, entry: ConfigEntry, part: ConfigSubentry
    ) -> RepairsFlowResult:
        assert self.data is not None
        data = {**part.data, CONF_ADDRESS: self.data[CONF_ADDRESS]}
        self.hass.config_entries.async_update_subentry(entry, part, data=data)
        return self.async_create_entry(data={})


class ReconfigureFlow(_PartFlow):
    """Lead on to the dialogue in which points or entities are chosen anew."""

    @override
    async def async_mend(
        self, entry: ConfigEntry, part: ConfigSubentry
    ) -> RepairsFlowResult:
        flow = await self.hass.config_entries.subentries.async_init(
            (entry.entry_id, part.subentry_type),
            context=SubentryFlowContext(
                source=SOURCE_RECONFIGURE, subentry_id=part.subentry_id
            ),
        )
        return self.async_create_entry(
            data={}, next_flow=(FlowType.CONFIG_SUBENTRIES_FLOW, flow["flow_id"])
        )


async def async_create_fix_flow(
    hass: HomeAssistant,
    issue_id: str,
    data: dict[str, str | int | float | None] | None,
) -> RepairsFlow:
    """Return the dialogue that fixes an issue."""
    if data is not None and data["key"] == ISSUE_DEVICE_MOVED:
        return DeviceMovedFlow()
    return ReconfigureFlow()

"""The dialogue that adds a site."""

import pytest

from custom_components.compute_heater.const import DOMAIN
from homeassistant.config_entries import SOURCE_USER, ConfigEntryState, FlowType
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData

from .dialogue import check_texts, expect_abort, expect_form, suggested


async def test_add_site(hass: HomeAssistant) -> None:
    """A name is all it takes; the dialogue of the first heater follows."""
    manager = hass.config_entries.flow
    form = await manager.async_init(DOMAIN, context={"source": SOURCE_USER})
    expect_form(form, "user")
    check_texts(form, "config")
    assert suggested(form) == {"name": hass.config.location_name}

    with pytest.raises(InvalidData):
        await manager.async_configure(form["flow_id"], {"name": "  "})
    result = await manager.async_configure(form["flow_id"], {"name": " Cellar "})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == "Cellar"
    assert result["data"] == {"name": "Cellar"}
    entry = result["result"]
    assert entry.state is ConfigEntryState.LOADED

    kind, flow_id = result["next_flow"]
    assert kind is FlowType.CONFIG_SUBENTRIES_FLOW
    following = hass.config_entries.subentries.async_get(flow_id)
    assert following["handler"] == (entry.entry_id, "heater")
    assert following["step_id"] == "user"
    hass.config_entries.subentries.async_abort(flow_id)

    again = await manager.async_init(DOMAIN, context={"source": SOURCE_USER})
    refused = await manager.async_configure(again["flow_id"], {"name": "Cellar"})
    expect_abort(refused, "already_configured")
    check_texts(refused, "config")

    other = await manager.async_init(DOMAIN, context={"source": SOURCE_USER})
    added = await manager.async_configure(other["flow_id"], {"name": "Attic"})
    assert added["type"] is FlowResultType.CREATE_ENTRY
    hass.config_entries.subentries.async_abort(added["next_flow"][1])
    for each in hass.config_entries.async_entries(DOMAIN):
        assert await hass.config_entries.async_unload(each.entry_id)

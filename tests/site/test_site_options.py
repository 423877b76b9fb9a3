"""A site's options: prices, own electricity, weather, income."""

from types import SimpleNamespace
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockModule,
    mock_integration,
    mock_platform,
)

from compute_heater_agent.service import RunningAgent
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import entity_registry as er

from .dialogue import check_texts, expect_form, suggested
from .plant import HEATER_SETTINGS, PASSWORD, USER, add_subentry

DEFAULTS: dict[str, Any] = {
    "prices": {"tax": 0, "surcharge": 0, "price": 0.3, "feed_in": 0.08},
    "own_electricity": {},
    "weather": {"persons": 3},
    "compute": {"income": 0},
    "dump": {"dump_power": 0, "dump_price": 0},
}


def options(**sections: dict[str, Any]) -> dict[str, Any]:
    """Return the answers of the form with some of them changed."""
    return {
        name: {**values, **sections.get(name, {})} for name, values in DEFAULTS.items()
    }


async def begin(hass: HomeAssistant, site: ConfigEntry) -> Any:
    """Open the dialogue."""
    result = await hass.config_entries.options.async_init(site.entry_id)
    check_texts(result, "options")
    return result


async def answer(hass: HomeAssistant, result: Any, values: dict[str, Any]) -> Any:
    """Fill the form in."""
    result = await hass.config_entries.options.async_configure(
        result["flow_id"], values
    )
    check_texts(result, "options")
    await hass.async_block_till_done()
    return result


async def choose(hass: HomeAssistant, site: ConfigEntry, **sections: Any) -> None:
    """Go through the dialogue."""
    result = await answer(hass, await begin(hass, site), options(**sections))
    assert result["type"] is FlowResultType.CREATE_ENTRY, result


async def test_nothing_has_to_be_filled_in(
    hass: HomeAssistant, site: ConfigEntry
) -> None:
    result = await begin(hass, site)
    expect_form(result, "init")
    assert suggested(result) == DEFAULTS
    runtime = site.runtime_data
    result = await answer(hass, result, suggested(result))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert site.options == DEFAULTS
    # What was chosen is taken up at once.
    assert site.state is ConfigEntryState.LOADED
    assert site.runtime_data is not runtime


async def test_what_was_chosen_is_suggested_again(
    hass: HomeAssistant, site: ConfigEntry
) -> None:
    window = {"start": "22:00:00", "end": "06:00:00", "price": 0.2, "weekdays": ["mon"]}
    chosen = {
        "prices": {"price": 0.41, "price_windows": [window]},
        "own_electricity": {"grid_power_entity": "sensor.grid"},
        "weather": {"weather_entity": "weather.home", "persons": 5},
        "compute": {"income": 0.1},
        "dump": {"dump_power": 2, "dump_price": 0.05},
    }
    await choose(hass, site, **chosen)
    assert suggested(await begin(hass, site)) == options(**chosen)


@pytest.mark.parametrize(
    ("state", "attributes"),
    [
        ("sunny", {}),
        ("230", {"unit_of_measurement": "V", "device_class": "voltage"}),
        ("0.3", {"unit_of_measurement": "EUR/d"}),
    ],
)
@pytest.mark.parametrize(
    ("section", "key"),
    [
        ("prices", "price_entities"),
        ("prices", "feed_in_entity"),
        ("compute", "income_entity"),
    ],
)
async def test_what_shows_no_prices_is_refused(
    hass: HomeAssistant,
    site: ConfigEntry,
    section: str,
    key: str,
    state: str,
    attributes: dict[str, Any],
) -> None:
    hass.states.async_set("sensor.price", state, attributes)
    value = ["sensor.price"] if key == "price_entities" else "sensor.price"
    chosen: Any = {section: {key: value}}
    result = await answer(hass, await begin(hass, site), options(**chosen))
    expect_form(result, "init", base="no_prices")
    assert result["description_placeholders"]["entity"] == "sensor.price"
    assert not site.options
    hass.states.async_set("sensor.price", "0.25", {"unit_of_measurement": "EUR/kWh"})
    result = await answer(hass, result, options(**chosen))
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_who_tells_nothing_now_may_do_so_later(
    hass: HomeAssistant, site: ConfigEntry
) -> None:
    hass.states.async_set("sensor.price", "unavailable")
    prices = {"price_entities": ["sensor.price", "sensor.not_yet_there"]}
    await choose(hass, site, prices=prices)


async def test_who_has_to_be_asked_is_taken(
    hass: HomeAssistant, site: ConfigEntry
) -> None:
    entity = er.async_get(hass).async_get_or_create(
        "sensor", "nordpool", "SE3-current_price"
    )
    hass.states.async_set(entity.entity_id, "later")
    await choose(hass, site, prices={"price_entities": [entity.entity_id]})


@pytest.mark.parametrize(
    "window",
    [
        {"start": "22:00:00", "end": "22:00:00", "price": 0.2},
        {"start": "22:00:00", "end": "22:00", "price": 0.2},
    ],
)
async def test_times_that_make_no_sense(
    hass: HomeAssistant, site: ConfigEntry, window: dict[str, Any]
) -> None:
    prices = {"price_windows": [window]}
    result = await answer(hass, await begin(hass, site), options(prices=prices))
    expect_form(result, "init", base="not_a_window")
    assert suggested(result)["prices"]["price_windows"] == [window]
    window["end"] = "06:00:00"
    result = await answer(hass, result, options(prices=prices))
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_pv_needs_the_grid(hass: HomeAssistant, site: ConfigEntry) -> None:
    own = {"pv_power_entity": "sensor.pv"}
    result = await answer(hass, await begin(hass, site), options(own_electricity=own))
    expect_form(result, "init", base="no_grid_power")
    own["grid_power_entity"] = "sensor.grid"
    result = await answer(hass, result, options(own_electricity=own))
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_solar_forecasts_are_offered(
    hass: HomeAssistant, site: ConfigEntry
) -> None:
    result = await begin(hass, site)
    fields = result["data_schema"].schema["own_electricity"].schema.schema
    assert "pv_forecasts" not in fields
    mock_integration(hass, MockModule("oracle"))

    async def forecast(hass: HomeAssistant, entry_id: str) -> dict[str, Any]:
        return {"wh_hours": {}}

    mock_platform(
        hass, "oracle.energy", SimpleNamespace(async_get_solar_forecast=forecast)
    )
    mock_integration(hass, MockModule("meter"))
    mock_platform(hass, "meter.energy", SimpleNamespace())
    MockConfigEntry(domain="meter", title="Meter").add_to_hass(hass)
    roof = MockConfigEntry(domain="oracle", title="Roof")
    roof.add_to_hass(hass)
    result = await begin(hass, site)
    fields = result["data_schema"].schema["own_electricity"].schema.schema
    # An integration without forecasts is not offered.
    options = fields["pv_forecasts"].config["options"]
    assert options == [{"value": roof.entry_id, "label": "Roof"}]


async def test_renamed_entities_are_followed(
    hass: HomeAssistant, site: ConfigEntry
) -> None:
    registry = er.async_get(hass)
    entity_id = registry.async_get_or_create("sensor", "test", "price").entity_id
    prices = {"price_entities": [entity_id], "feed_in_entity": entity_id}
    await choose(hass, site, prices=prices)
    registry.async_update_entity(entity_id, new_entity_id="sensor.other")
    await hass.async_block_till_done()
    assert site.options["prices"]["price_entities"] == ["sensor.other"]
    assert site.options["prices"]["feed_in_entity"] == "sensor.other"


async def test_control_is_told(
    hass: HomeAssistant, site: ConfigEntry, lone_agent: RunningAgent
) -> None:
    """What is chosen gets to control; a heater's own income goes before the site's."""
    login = {"url": lone_agent.url, "username": USER, "password": PASSWORD}
    settings = {**HEATER_SETTINGS, "income": 0.2}
    heater_id = await add_subentry(hass, site, "heater", login, settings)
    await choose(
        hass,
        site,
        prices={"price": 0.4, "feed_in": 0.07},
        weather={"persons": 5},
        compute={"income": 0.1},
        dump={"dump_power": 2, "dump_price": 0.05},
    )
    description = site.runtime_data.site.controller.description
    assert description.usual_price == 0.4
    assert description.usual_feed_in == 0.07
    assert description.persons == 5
    assert description.dump_max_w == 2000
    assert description.dump_per_kwh == 0.05
    assert description.latitude == hass.config.latitude
    assert description.longitude == hass.config.longitude
    assert description.heaters[0].income_per_kwh == 0.2
    heater = site.subentries[heater_id]
    data = {key: value for key, value in heater.data.items() if key != "income"}
    hass.config_entries.async_update_subentry(site, heater, data=data)
    await hass.async_block_till_done()
    description = site.runtime_data.site.controller.description
    assert description.heaters[0].income_per_kwh == 0.1

"""The dialogue of a heater that is put together from entities, and of its work."""

from typing import Any

import pytest

from custom_components.compute_heater.const import DOMAIN
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import device_registry as dr, entity_registry as er
from simulator.running import RunningHouse

from .dialogue import (
    answer,
    begin,
    expect_abort,
    expect_form,
    leave,
    suggested,
    without_work,
)
from .helpers import (
    LIMIT,
    MODE,
    PERCENT,
    POWER,
    SETTINGS,
    SWITCH,
    compose,
    composed_form,
    set_up_helpers,
)
from .plant import add_subentry, entity_id, modbus_steps
from .test_flow_sink import SETTING


@pytest.fixture(autouse=True)
async def helpers(hass: HomeAssistant) -> None:
    await set_up_helpers(hass)


async def begin_composed(hass: HomeAssistant, site: ConfigEntry) -> Any:
    """Open the dialogue that adds a heater, and choose entities."""
    result = await begin(hass, site, "heater")
    return await answer(hass, result, {"next_step_id": "composed"})


async def test_add(hass: HomeAssistant, site: ConfigEntry) -> None:
    """Every role, with a limit in percent; all of it is stored."""
    form = await begin_composed(hass, site)
    expect_form(form, "composed")
    assert suggested(form) == {
        "cuts_mains": True,
        "measurements": {},
        "switching": {"load_threshold": 25, "unload_time": 120, "switch_time": 20},
    }
    measurements = {
        "power": POWER,
        "energy": "input_number.draw",
        "supply": "input_number.hot",
        "return": "input_number.cold",
        "coolant": "input_number.hot",
        "flow": "input_number.water",
        "alarm": "binary_sensor.miner_alarm",
    }
    given = composed_form(
        power_switch=SWITCH,
        cuts_mains=True,
        power_limit=PERCENT,
        mode_select=MODE,
        measurements=measurements,
        switching={
            "ramp": 20,
            "load_threshold": 10,
            "unload_time": 60,
            "switch_time": 90,
        },
    )
    form = await answer(hass, form, given)
    expect_form(form, "composed", rated_power="rated_power_missing")
    assert suggested(form) == given
    form = await answer(hass, form, given | {"rated_power": 2000})
    expect_form(form, "modes")
    modes = {"standby": "Sleep", "eco": "Night", "full": "Heating"}
    form = await answer(hass, form, modes)
    form = await without_work(hass, form)
    expect_form(form, "settings")
    assert form["description_placeholders"] == {
        "name": "Miner",
        "modules": "1",
        "floor": "0",
        "maximum": "2000",
    }
    assert suggested(form)["standby_power"] == 0
    assert suggested(form)["eco_power"] == 1000
    settings = SETTINGS | {"eco_power": 1000, "full_power": 2000}
    result = await answer(hass, form, settings)
    assert result["type"] is FlowResultType.CREATE_ENTRY

    (heater,) = site.subentries.values()
    assert heater.title == "Miner"
    assert heater.unique_id == heater.data["identity"]["uuid"]
    assert heater.data["driver"] == "composed"
    assert heater.data["entities"] == {
        "power_switch": SWITCH,
        "power_limit": PERCENT,
        "mode_select": MODE,
        **measurements,
    }
    assert heater.data["modes"] == modes
    assert heater.data["cuts_mains"] is True
    assert (heater.data["load_threshold"], heater.data["unload_time"]) == (10, 60)
    assert heater.data["switch_time"] == 90
    assert (heater.data["ramp"], heater.data["rated_power"]) == (20, 2000)
    assert settings.items() <= heater.data.items()
    assert "url" not in heater.data
    assert site.runtime_data.heaters[heater.subentry_id].available


async def test_mistakes(
    hass: HomeAssistant, house: RunningHouse, site: ConfigEntry
) -> None:
    """Each is named, and none spoils the dialogue."""
    link_id = await add_subentry(hass, site, "modbus", *modbus_steps(house, [SETTING]))
    stored = entity_id(hass, site, link_id, "setting", "switch")
    first = await compose(
        hass,
        site,
        composed_form(name="First", power_switch="input_boolean.alarm"),
        SETTINGS,
    )
    hass.states.async_set("number.amps", "5", {"unit_of_measurement": "A"})
    hass.states.async_set("select.empty", "", {"options": []})
    form = await begin_composed(hass, site)
    for values, errors in (
        ({}, {"base": "nothing_steers"}),
        ({"power_switch": "switch.none"}, {"power_switch": "unknown_entity"}),
        ({"power_limit": "number.none"}, {"power_limit": "unknown_entity"}),
        ({"mode_select": "select.none"}, {"mode_select": "unknown_entity"}),
        ({"power_switch": "input_boolean.alarm"}, {"power_switch": "entity_in_use"}),
        (
            {"power_switch": first.entity_id("compute", "switch")},
            {"power_switch": "own_entity"},
        ),
        ({"power_switch": stored}, {"power_switch": "wears_memory"}),
        ({"power_limit": "number.amps"}, {"power_limit": "not_a_power_limit"}),
        ({"power_limit": PERCENT}, {"rated_power": "rated_power_missing"}),
        ({"mode_select": "select.empty"}, {"mode_select": "no_modes"}),
        (
            {"power_switch": SWITCH, "measurements": {"supply": "sensor.none"}},
            {"base": "unknown_sensor"},
        ),
        (
            {"power_switch": SWITCH, "cuts_mains": True, "measurements": {}},
            {"base": "mains_without_power_sensor"},
        ),
    ):
        form = await answer(hass, form, composed_form(**values))
        expect_form(form, "composed", **errors)
    # Nothing else lowers the load, so that the plug would stay on for ever.
    plug = composed_form(power_switch=SWITCH, cuts_mains=True)
    form = await answer(hass, form, plug)
    form = await without_work(hass, form)
    expect_form(form, "composed", base="mains_under_load")
    form = await answer(hass, form, plug | {"cuts_mains": False})
    form = await without_work(hass, form)
    expect_form(form, "settings")
    leave(hass, form)


async def test_point_of_the_building(
    hass: HomeAssistant, house: RunningHouse, site: ConfigEntry
) -> None:
    """A point of a controller that we read ourselves may steer a heater."""
    link_id = await add_subentry(hass, site, "modbus", *modbus_steps(house))
    pump = entity_id(hass, site, link_id, "pump", "switch")
    made = await compose(hass, site, composed_form(power_switch=pump), SETTINGS)
    heater = site.subentries[made.heater_id]
    assert heater.data["identity"]["model"] == "Modbus TCP"


async def test_entity_of_a_removed_site(hass: HomeAssistant, site: ConfigEntry) -> None:
    """What is left of one of ours is ours, still."""
    entity = er.async_get(hass).async_get_or_create("switch", DOMAIN, "left over")
    hass.states.async_set(entity.entity_id, "on")
    form = await begin_composed(hass, site)
    form = await answer(hass, form, composed_form(power_switch=entity.entity_id))
    expect_form(form, "composed", power_switch="own_entity")


async def test_maker(hass: HomeAssistant, site: ConfigEntry) -> None:
    """Manufacturer and model are those of the device that is steered."""
    device = dr.async_get(hass).async_get_or_create(
        config_entry_id=site.entry_id,
        identifiers={("miner", "1")},
        manufacturer="21energy",
        model="Ofen 2",
    )
    entity = er.async_get(hass).async_get_or_create(
        "switch", "miner", "1", device_id=device.id
    )
    hass.states.async_set(entity.entity_id, "off")
    made = await compose(
        hass, site, composed_form(power_switch=entity.entity_id), SETTINGS
    )
    identity = site.subentries[made.heater_id].data["identity"]
    assert (identity["manufacturer"], identity["model"]) == ("21energy", "Ofen 2")


async def test_meaning_of_modes(hass: HomeAssistant, site: ConfigEntry) -> None:
    form = await begin_composed(hass, site)
    form = await answer(hass, form, composed_form(mode_select=MODE))
    for modes, error in (
        ({}, "no_mode_chosen"),
        ({"eco": "Night", "full": "Night"}, "mode_chosen_twice"),
        ({"off": "Sleep"}, "no_working_mode"),
        ({"eco": "Night", "full": "Heating"}, "no_resting_mode"),
    ):
        form = await answer(hass, form, modes)
        expect_form(form, "modes", base=error)
        assert suggested(form) == modes
    form = await answer(hass, form, {"off": "Sleep", "full": "Heating"})
    form = await without_work(hass, form)
    expect_form(form, "settings")
    assert form["description_placeholders"]["floor"] == "–"
    leave(hass, form)

    # A switch can stop what has no mode for that; a limit needs no working mode.
    for steering, modes in (
        ({"power_switch": SWITCH}, {"full": "Heating"}),
        ({"power_limit": LIMIT}, {"standby": "Sleep"}),
    ):
        form = await begin_composed(hass, site)
        form = await answer(hass, form, composed_form(mode_select=MODE, **steering))
        form = await answer(hass, form, modes)
        form = await without_work(hass, form)
        expect_form(form, "settings")
        leave(hass, form)


async def test_floor_of_what_works_at_its_floor(
    hass: HomeAssistant, site: ConfigEntry
) -> None:
    """Standby may be below the lowest limit, eco may not."""
    form = await begin_composed(hass, site)
    given = composed_form(power_switch=SWITCH, power_limit=LIMIT)
    form = await without_work(hass, await answer(hass, form, given))
    assert suggested(form)["standby_power"] == 0
    assert suggested(form)["eco_power"] == 2000
    form = await answer(hass, form, SETTINGS | {"eco_power": 900})
    expect_form(form, "settings", eco_power="below_floor")
    leave(hass, form)


async def test_without_a_power_sensor(hass: HomeAssistant, site: ConfigEntry) -> None:
    """It is said what will be missing."""
    form = await begin_composed(hass, site)
    given = composed_form(power_switch=SWITCH, measurements={})
    form = await answer(hass, form, given)
    expect_form(form, "unmetered")
    form = await without_work(hass, await answer(hass, form, {}))
    expect_form(form, "settings")
    result = await answer(hass, form, SETTINGS)
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_reconfigure(hass: HomeAssistant, site: ConfigEntry) -> None:
    """Everything can be changed; the heater, and who it is, stay."""
    given = composed_form(
        power_switch=SWITCH, power_limit=PERCENT, rated_power=2000, mode_select=MODE
    )
    modes = {"standby": "Sleep", "full": "Heating"}
    settings = SETTINGS | {"full_power": 2000}
    made = await compose(hass, site, given, modes, settings)
    before = site.subentries[made.heater_id]
    uuid = before.unique_id

    form = await begin(hass, site, "heater", made.heater_id)
    expect_form(form, "composed")
    assert suggested(form) == given
    form = await answer(hass, form, given | {"power_switch": "switch.none"})
    expect_form(form, "composed", power_switch="unknown_entity")
    hass.states.async_set(MODE, "Sleep", {"options": ["Sleep", "Day"]})
    form = await answer(hass, form, given)
    expect_form(form, "modes")
    assert suggested(form) == {"standby": "Sleep"}
    form = await answer(hass, form, {"standby": "Sleep", "full": "Day"})
    form = await without_work(hass, form)
    expect_form(form, "settings")
    assert suggested(form) == settings
    leave(hass, form)

    form = await begin(hass, site, "heater", made.heater_id)
    other = composed_form(name="Oven", power_limit=LIMIT)
    form = await without_work(hass, await answer(hass, form, other))
    result = await answer(hass, form, SETTINGS | {"standby_power": 1000})
    expect_abort(result, "reconfigure_successful")
    (heater,) = site.subentries.values()
    assert (heater.title, heater.unique_id) == ("Oven", uuid)
    assert heater.data["entities"] == {"power_limit": LIMIT, "power": POWER}
    assert heater.data["modes"] == {}
    assert "rated_power" not in heater.data
    assert site.runtime_data.heaters[made.heater_id].available

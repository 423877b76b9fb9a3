"""Adding and changing the usual sources of heat."""

from typing import Any

import pytest

from custom_components.compute_heater.const import SUBENTRY_BACKUP
from custom_components.compute_heater.control.description import BackupDescription
from custom_components.compute_heater.site_backup import backup_description
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from simulator.running import RunningHouse

from .dialogue import answer, begin, expect_abort, expect_form, expect_menu, suggested
from .plant import add_subentry, entity_id, modbus_steps

SETTING = {
    "key": "setting",
    "name": "Pump setting",
    "space": "coil",
    "address": 0,
    "writable": True,
    "write_class": "eeprom",
}
TANK: dict[str, Any] = {
    "name": "Hot water",
    "temperature_entity": "sensor.tank",
    "volume": 200,
    "target_temperature": 50,
    "hysteresis": 4,
    "limit_temperature": 65,
    "comfort_minimum": 42,
    "max_heat_power": 3,
    "path": {"valve_position": "on", "valve_travel_time": 60, "overrun_time": 120},
}
REQUEST = {"may_switch_off": False, "wanted_temperature": 50, "rest_temperature": 40}


@pytest.fixture
async def tank_id(hass: HomeAssistant, site: ConfigEntry) -> str:
    """Add a hot-water tank."""
    return await add_subentry(hass, site, "sink", {"next_step_id": "dhw"}, TANK)


async def begin_kind(hass: HomeAssistant, site: ConfigEntry, kind: str) -> Any:
    """Open the dialogue that adds a backup, and choose its kind."""
    result = await begin(hass, site, SUBENTRY_BACKUP)
    expect_menu(result, "user", "heat_pump", "boiler", "immersion_heater")
    result = await answer(hass, result, {"next_step_id": kind})
    expect_form(result, kind)
    return result


def the_backup(site: ConfigEntry) -> Any:
    """Return the subentry of the only backup."""
    (found,) = site.get_subentries_of_type(SUBENTRY_BACKUP)
    return found


async def test_there_has_to_be_a_consumer(
    hass: HomeAssistant, site: ConfigEntry
) -> None:
    expect_abort(await begin(hass, site, SUBENTRY_BACKUP), "no_consumers")


@pytest.mark.parametrize(
    ("kind", "cost"),
    [
        ("heat_pump", {"cop": 3.5, "cop_per_k": 0.08}),
        ("boiler", {"cop": None, "fuel_per_kwh": pytest.approx(0.12 / 0.9)}),
        ("immersion_heater", {"cop": 1.0}),
    ],
)
async def test_each_kind_with_its_defaults(
    hass: HomeAssistant, site: ConfigEntry, tank_id: str, kind: str, cost: Any
) -> None:
    """What is suggested can be taken as it is, and says what the heat costs."""
    result = await begin_kind(hass, site, kind)
    values = suggested(result)
    assert values["consumers"] == [tank_id]
    result = await answer(hass, result, {**values, "name": "Usual heat"})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    backup = the_backup(site)
    assert backup.title == "Usual heat"
    assert backup.data == {**values, "kind": kind}
    assert backup_description(backup) == BackupDescription(
        backup_id=backup.subentry_id,
        sinks=(tank_id,),
        max_heat_w=values["max_heat_power"] * 1000,
        max_c=values["max_temperature"],
        **cost,
    )


async def test_errors_and_recovery(
    hass: HomeAssistant, site: ConfigEntry, tank_id: str
) -> None:
    result = await begin_kind(hass, site, "boiler")
    values = {**suggested(result), "name": "Boiler"}
    result = await answer(hass, result, {**values, "consumers": []})
    expect_form(result, "boiler", consumers="heats_nothing")
    request = {
        **REQUEST,
        "setpoint_entity": "number.tank",
        "rest_temperature": 50,
    }
    result = await answer(hass, result, {**values, "request": request})
    expect_form(result, "boiler", base="rest_not_below_wanted")
    assert suggested(result)["request"] == request
    # Without a set point these temperatures mean nothing.
    del request["setpoint_entity"]
    result = await answer(hass, result, {**values, "request": request})
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_reconfigure(
    hass: HomeAssistant, site: ConfigEntry, tank_id: str
) -> None:
    second_id = await add_subentry(
        hass, site, "sink", {"next_step_id": "dhw"}, {**TANK, "name": "Second"}
    )
    result = await begin_kind(hass, site, "heat_pump")
    values = {**suggested(result), "name": "Heat pump"}
    assert values["consumers"] == [tank_id, second_id]
    await answer(hass, result, values)
    hass.config_entries.async_remove_subentry(site, tank_id)
    await hass.async_block_till_done()
    backup = the_backup(site)
    result = await begin(hass, site, SUBENTRY_BACKUP, backup.subentry_id)
    expect_form(result, "heat_pump")
    values["consumers"] = [second_id]
    assert suggested(result) == values
    result = await answer(hass, result, {**values, "name": "Pump", "cop": 4})
    expect_abort(result, "reconfigure_successful")
    backup = the_backup(site)
    assert backup.title == "Pump"
    assert backup.data["cop"] == 4


async def test_a_memory_that_wears_is_not_written(
    hass: HomeAssistant, house: RunningHouse, site: ConfigEntry, tank_id: str
) -> None:
    """Control would write a stored setting of a controller again and again."""
    link_id = await add_subentry(hass, site, "modbus", *modbus_steps(house, [SETTING]))
    setting = entity_id(hass, site, link_id, "setting", "switch")
    result = await begin_kind(hass, site, "boiler")
    values = {**suggested(result), "name": "Boiler"}
    request = {**REQUEST, "switch_entity": setting}
    result = await answer(hass, result, {**values, "request": request})
    expect_form(result, "boiler", base="backup_stored_setting")
    result = await answer(hass, result, values)
    assert result["type"] is FlowResultType.CREATE_ENTRY

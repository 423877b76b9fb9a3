"""The dialogue that adds a Modbus controller, on the real house."""

from contextlib import asynccontextmanager
from typing import Any, Never

import pytest

from custom_components.compute_heater.flows import modbus
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.exceptions import HomeAssistantError
from simulator.running import RunningHouse, running_house
from tests.building.modbus_peer import serve_raw

from .dialogue import answer, begin, expect_abort, expect_form, suggested
from .plant import MODBUS_POINTS, add_subentry, entity_id, modbus_steps

OUTDOOR = {
    "name": "Outdoor",
    "space": "input",
    "address": 0,
    "data_type": "int16",
    "scale": 0.1,
    "unit": "°C",
}
SETPOINT = {
    "key": "setpoint",
    "name": "Hot-water set point",
    "space": "holding",
    "address": 0,
    "data_type": "int16",
    "scale": 0.1,
    "unit": "°C",
    "writable": True,
    "minimum": 30,
    "maximum": 65,
}


def without(point: dict[str, Any], *fields: str) -> dict[str, Any]:
    """Return the point without some of its fields."""
    return {name: value for name, value in point.items() if name not in fields}


WRONG_LISTS: list[tuple[Any, str]] = [
    ("outdoor", "list"),
    (OUTDOOR, "list"),
    (5, "list"),
    ([], "list"),
    (["outdoor"], "mapping"),
    ([without(OUTDOOR, "space")], "space"),
    ([without(OUTDOOR, "address")], "address"),
    ([without(OUTDOOR, "data_type")], "data_type"),
    ([OUTDOOR | {"space": "register"}], "space"),
    ([OUTDOOR | {"address": 70000}], "address"),
    ([OUTDOOR | {"data_type": "int64"}], "data_type"),
    ([OUTDOOR | {"scale": 0}], "scale"),
    ([OUTDOOR | {"scal": 0.1}], "scal"),
    ([OUTDOOR | {"writable": True}], "writable"),
    ([without(SETPOINT, "maximum")], "maximum"),
    ([SETPOINT | {"minimum": 70}], "maximum"),
    ([OUTDOOR, SETPOINT, OUTDOOR], "input-0"),
]


async def test_add_controller(
    hass: HomeAssistant, house: RunningHouse, site: ConfigEntry
) -> None:
    """A wrong list is explained, a register that is not there is named."""
    form = await begin(hass, site, "modbus")
    expect_form(form, "user")
    assert suggested(form) == {"port": 502, "unit_id": 1}
    connection, _ = modbus_steps(house)
    form = await answer(hass, form, connection | {"host": f" {connection['host']} "})
    expect_form(form, "points")
    for points, named in WRONG_LISTS:
        form = await answer(hass, form, {"points": points})
        expect_form(form, "points", points="invalid_points")
        assert named in form["description_placeholders"]["detail"]
        assert suggested(form) == {"points": points}
    hole = OUTDOOR | {"name": "Nothing here", "address": 500}
    dead = {"name": "Nor here", "space": "discrete", "address": 90}
    form = await answer(hass, form, {"points": [SETPOINT, hole, dead]})
    expect_form(form, "points", points="unreadable_points")
    assert form["description_placeholders"]["detail"] == "Nothing here, Nor here"

    result = await answer(hass, form, {"points": [OUTDOOR, SETPOINT]})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    (subentry,) = site.subentries.values()
    assert subentry.title == "Modbus 127.0.0.1"
    assert subentry.unique_id == f"{house.addresses.modbus}/1"
    outdoor = entity_id(hass, site, subentry.subentry_id, "input-0", "sensor")
    state = hass.states.get(outdoor)
    assert state is not None
    assert float(state.state) == pytest.approx(
        house.house.conditions.outdoor_c, abs=0.2
    )
    setpoint = entity_id(hass, site, subentry.subentry_id, "setpoint", "number")
    state = hass.states.get(setpoint)
    assert state is not None
    assert float(state.state) == 50


async def test_nobody_answers(
    hass: HomeAssistant, house: RunningHouse, site: ConfigEntry, free_port: int
) -> None:
    """A dead port, a unit behind a gateway that is silent, and one that hangs up."""
    connection, points = modbus_steps(house)

    async def hang_up(_request: bytes) -> None:
        return None

    async with serve_raw(hang_up) as mute:
        for wrong in ({"port": free_port}, {"unit_id": 7}, {"port": mute}):
            form = await begin(hass, site, "modbus")
            form = await answer(hass, form, connection | wrong)
            form = await answer(hass, form, points)
            expect_form(form, "points", base="cannot_connect")
            assert form["description_placeholders"]["detail"]
            hass.config_entries.subentries.async_abort(form["flow_id"])


async def test_known_controller_and_change(
    hass: HomeAssistant, house: RunningHouse, site: ConfigEntry, free_port: int
) -> None:
    """A unit is added once; its points and its address can be changed."""
    steps = modbus_steps(house)
    link_id = await add_subentry(hass, site, "modbus", *steps)
    form = await begin(hass, site, "modbus")
    result = await answer(hass, form, steps[0])
    expect_abort(result, "already_configured")

    form = await begin(hass, site, "modbus", link_id)
    expect_form(form, "reconfigure")
    assert suggested(form) == steps[0]
    form = await answer(hass, form, steps[0] | {"port": free_port})
    expect_form(form, "points")
    stored = suggested(form)["points"]
    assert [point["key"] for point in stored] == ["pump", "valve", "heat_meter"]
    form = await answer(hass, form, {"points": stored})
    expect_form(form, "points", base="cannot_connect")
    hass.config_entries.subentries.async_abort(form["flow_id"])

    form = await begin(hass, site, "modbus", link_id)
    form = await answer(hass, form, steps[0])
    result = await answer(hass, form, {"points": [*MODBUS_POINTS, OUTDOOR]})
    expect_abort(result, "reconfigure_successful")
    (subentry,) = site.subentries.values()
    assert len(subentry.data["points"]) == 4
    outdoor = entity_id(hass, site, link_id, "input-0", "sensor")
    state = hass.states.get(outdoor)
    assert state is not None
    assert state.state not in ("unknown", "unavailable")

    # A second one cannot be moved onto the first.
    async with running_house() as cottage:
        moved = modbus_steps(cottage)[0]
        second = await add_subentry(hass, site, "modbus", moved, {"points": [OUTDOOR]})
        form = await begin(hass, site, "modbus", second)
        result = await answer(hass, form, steps[0])
        expect_abort(result, "already_configured")
        await hass.config_entries.async_unload(site.entry_id)


async def test_device_in_use(
    hass: HomeAssistant,
    house: RunningHouse,
    site: ConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Home Assistant may hold the device with other link settings."""

    @asynccontextmanager
    async def refuse(*_: object) -> Any:
        raise HomeAssistantError("in use with another framing")
        yield Never

    steps = modbus_steps(house)
    form = await begin(hass, site, "modbus")
    form = await answer(hass, form, steps[0])
    with monkeypatch.context() as patch:
        patch.setattr(modbus, "async_get_temporary_unit", refuse)
        form = await answer(hass, form, steps[1])
    expect_form(form, "points", base="device_in_use")
    assert "framing" in form["description_placeholders"]["detail"]
    result = await answer(hass, form, steps[1])
    assert result["type"] is FlowResultType.CREATE_ENTRY

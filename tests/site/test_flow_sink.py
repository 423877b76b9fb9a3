"""The dialogue that adds a heat consumer."""

from types import MappingProxyType
from typing import Any

import pytest

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData
from simulator.running import RunningHouse

from .dialogue import answer, begin, expect_abort, expect_form, leave, suggested
from .plant import HEATER_SETTINGS, add_site, add_subentry, entity_id, modbus_steps

PLAIN_PATH = {"valve_position": "on", "valve_travel_time": 60, "overrun_time": 120}
FULL_PATH = {
    "valve_entity": "valve.three_way",
    "valve_position": "off",
    "valve_travel_time": 30,
    "pump_entity": "switch.pump",
    "flow_entity": "sensor.flow",
    "overrun_time": 60,
}
TANK: dict[str, Any] = {
    "name": "Tank",
    "temperature_entity": "sensor.tank",
    "volume": 300,
    "target_temperature": 52,
    "hysteresis": 5,
    "limit_temperature": 65,
    "comfort_minimum": 45,
    "max_heat_power": 6,
    "path": PLAIN_PATH,
}
FLOOR: dict[str, Any] = {
    "name": "Ground floor",
    "temperature_entity": "sensor.room",
    "target_temperature": 21,
    "hysteresis": 0.5,
    "limit_temperature": 40,
    "comfort_minimum": 19,
    "max_heat_power": 4,
    "path": PLAIN_PATH,
}
BUFFER: dict[str, Any] = TANK | {
    "name": "Buffer",
    "volume": 800,
    "target_temperature": 45,
    "limit_temperature": 80,
    "comfort_minimum": 35,
}
POOL: dict[str, Any] = {
    "name": "Pool",
    "temperature_entity": "sensor.pool",
    "volume": 40_000,
    "target_temperature": 26,
    "hysteresis": 1,
    "limit_temperature": 32,
    "comfort_minimum": 20,
    "max_heat_power": 8,
    "path": PLAIN_PATH,
}
VALUES = {"dhw": TANK, "floor": FLOOR, "buffer": BUFFER, "pool": POOL}
NO_CURVE = {
    "floor": {"curve_base": 22, "curve_slope": 0.4},
    "buffer": {"curve_base": 25, "curve_slope": 0.6},
}
NO_SCHEDULE = {
    "enabled": False,
    "every_days": 7,
    "window_start": "01:00:00",
    "window_end": "05:00:00",
    "temperature": 60,
    "hold_time": 60,
}
UNTOUCHED: dict[str, dict[str, Any]] = {
    "dhw": {"disinfection": NO_SCHEDULE},
    "floor": {"heat_curve": NO_CURVE["floor"]},
    "buffer": {"heat_curve": NO_CURVE["buffer"]},
    "pool": {},
}
"""What the sections show that nobody has opened."""
ENTITIES = {
    "dhw": ("tank", "water_heater"),
    "floor": ("floor", "climate"),
    "buffer": ("buffer", "climate"),
    "pool": ("pool", "climate"),
}
SECOND = {
    "dhw": {"second_temperature_entity": "sensor.second"},
    "floor": {"supply_temperature_entity": "sensor.second"},
    "buffer": {"second_temperature_entity": "sensor.second"},
    "pool": {},
}
DEFAULTS: dict[str, dict[str, Any]] = {
    "dhw": {
        "disinfection": NO_SCHEDULE,
        "volume": 200,
        "target_temperature": 50,
        "hysteresis": 4,
        "limit_temperature": 65,
        "comfort_minimum": 42,
        "max_heat_power": 3,
        "path": PLAIN_PATH,
    },
    "floor": {
        "heat_curve": NO_CURVE["floor"],
        "target_temperature": 21,
        "hysteresis": 0.5,
        "limit_temperature": 45,
        "comfort_minimum": 19.5,
        "max_heat_power": 3,
        "path": PLAIN_PATH | {"valve_position": "off"},
    },
    "buffer": {
        "heat_curve": NO_CURVE["buffer"],
        "volume": 500,
        "target_temperature": 45,
        "hysteresis": 5,
        "limit_temperature": 80,
        "comfort_minimum": 35,
        "max_heat_power": 3,
        "path": PLAIN_PATH | {"valve_position": "off"},
    },
    "pool": {
        "volume": 30_000,
        "target_temperature": 27,
        "hysteresis": 1,
        "limit_temperature": 32,
        "comfort_minimum": 22,
        "max_heat_power": 3,
        "path": PLAIN_PATH | {"valve_position": "off"},
    },
}


@pytest.fixture(autouse=True)
def temperatures(hass: HomeAssistant) -> None:
    """Give every consumer a temperature at which nothing is wanted."""
    for name, value in (("tank", "55"), ("room", "22"), ("pool", "28")):
        unit = {"unit_of_measurement": "°C", "device_class": "temperature"}
        hass.states.async_set(f"sensor.{name}", value, unit)


async def begin_kind(hass: HomeAssistant, site: ConfigEntry, kind: str) -> Any:
    """Open the dialogue and choose the kind."""
    menu = await begin(hass, site, "sink")
    assert menu["type"] is FlowResultType.MENU
    assert menu["menu_options"] == ["dhw", "floor", "buffer", "pool"]
    return await answer(hass, menu, {"next_step_id": kind})


@pytest.mark.parametrize(("kind", "values"), VALUES.items())
async def test_add_and_change(
    hass: HomeAssistant, site: ConfigEntry, kind: str, values: dict[str, Any]
) -> None:
    """Nothing but a temperature is needed; all can be changed but the target."""
    form = await begin_kind(hass, site, kind)
    expect_form(form, kind)
    assert suggested(form) == DEFAULTS[kind]
    result = await answer(hass, form, values)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    (subentry,) = site.subentries.values()
    assert subentry.title == values["name"]
    stored = {key: value for key, value in values.items() if key != "name"}
    assert subentry.data == stored | {"kind": kind}
    sink_id = subentry.subentry_id
    key, domain = ENTITIES[kind]
    sink = entity_id(hass, site, sink_id, key, domain)
    # The target is the entity's from now on.
    higher = values["target_temperature"] + 2
    await hass.services.async_call(
        domain,
        "set_temperature",
        {"entity_id": sink, "temperature": higher},
        blocking=True,
    )

    form = await begin(hass, site, "sink", sink_id)
    expect_form(form, kind)
    shown = suggested(form)
    assert "target_temperature" not in shown
    unchanged = {k: v for k, v in values.items() if k != "target_temperature"}
    assert shown == unchanged | UNTOUCHED[kind]
    more = SECOND[kind] | {
        "demand_entity": "sensor.demand",
        "demand_adds": True,
        "path": FULL_PATH,
    }
    result = await answer(hass, form, unchanged | more | {"name": "Renamed"})
    expect_abort(result, "reconfigure_successful")
    (subentry,) = site.subentries.values()
    assert subentry.title == "Renamed"
    assert subentry.data == stored | more | {"kind": kind}
    state = hass.states.get(sink)
    assert state is not None
    assert state.attributes["temperature"] == higher

    # The limits are held against the target that the entity has now, as far as known.
    form = await begin(hass, site, "sink", sink_id)
    between = unchanged | {"comfort_minimum": higher - 1}
    expect_abort(await answer(hass, form, between), "reconfigure_successful")
    form = await begin(hass, site, "sink", sink_id)
    form = await answer(hass, form, unchanged | {"comfort_minimum": higher})
    expect_form(form, kind, comfort_minimum="comfort_not_below_target")
    await hass.config_entries.async_unload(site.entry_id)
    form = await answer(hass, form, between)
    expect_form(form, kind, comfort_minimum="comfort_not_below_target")
    await hass.config_entries.async_setup(site.entry_id)
    form = await answer(hass, form, unchanged | more | {"name": "Renamed"})
    expect_abort(form, "reconfigure_successful")

    # What is left empty is gone.
    form = await begin(hass, site, "sink", sink_id)
    assert suggested(form) == unchanged | UNTOUCHED[kind] | more | {"name": "Renamed"}
    result = await answer(hass, form, unchanged)
    expect_abort(result, "reconfigure_successful")
    (subentry,) = site.subentries.values()
    assert subentry.data == stored | {"kind": kind}


@pytest.mark.parametrize(
    ("kind", "wrong", "errors"),
    [
        ("dhw", {"comfort_minimum": 52}, {"comfort_minimum": "comfort_not_below_target"}),
        ("floor", {"comfort_minimum": 21}, {"comfort_minimum": "comfort_not_below_target"}),
        ("dhw", {"limit_temperature": 52}, {"limit_temperature": "limit_not_above_target"}),
        ("buffer", {"limit_temperature": 45}, {"limit_temperature": "limit_not_above_target"}),
        ("pool", {"limit_temperature": 26}, {"limit_temperature": "limit_not_above_target"}),
        (
            "dhw",
            {"target_temperature": 40, "limit_temperature": 40},
            {
                "comfort_minimum": "comfort_not_below_target",
                "limit_temperature": "limit_not_above_target",
            },
        ),
        (
            "floor",
            {"path": FULL_PATH | {"valve_entity": "switch.pump"}},
            {"base": "valve_is_pump"},
        ),
        (
            "floor",
            {"heat_curve": NO_CURVE["floor"] | {"outdoor_entity": "sensor.outdoor"}},
            {"base": "curve_needs_supply"},
        ),
        (
            "dhw",
            {"disinfection": NO_SCHEDULE | {"enabled": True, "window_end": "02:59:00"}},
            {"base": "window_too_short"},
        ),
        (
            "dhw",
            {"disinfection": NO_SCHEDULE | {"enabled": True, "temperature": 62.5}},
            {"limit_temperature": "limit_not_above_disinfection"},
        ),
    ],
)  # fmt: skip
async def test_contradictions(
    hass: HomeAssistant,
    site: ConfigEntry,
    *,
    kind: str,
    wrong: dict[str, Any],
    errors: dict[str, str],
) -> None:
    """They are named in the form, which keeps what was typed."""
    values = VALUES[kind]
    form = await begin_kind(hass, site, kind)
    form = await answer(hass, form, values | wrong)
    expect_form(form, kind, **errors)
    assert suggested(form) == UNTOUCHED[kind] | values | wrong
    result = await answer(hass, form, values)
    assert result["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        ("dhw", {"volume": 0}),
        ("dhw", {"target_temperature": 80}),
        ("dhw", {"temperature_entity": "not an entity"}),
        ("floor", {"hysteresis": 0}),
        ("floor", {"path": PLAIN_PATH | {"valve_position": "half"}}),
        ("buffer", {"target_temperature": 90}),
        ("pool", {"target_temperature": 60}),
    ],
)
async def test_impossible_values(
    hass: HomeAssistant, site: ConfigEntry, *, kind: str, wrong: dict[str, Any]
) -> None:
    """The fields themselves refuse them."""
    values = VALUES[kind]
    form = await begin_kind(hass, site, kind)
    with pytest.raises(InvalidData) as refused:
        await answer(hass, form, values | wrong)
    # Home Assistant has no place for an error inside a section.
    expected = {"base" if key == "path" else key for key in wrong}
    assert set(refused.value.schema_errors) == expected
    result = await answer(hass, form, values)
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_flow_that_nothing_could_prove(
    hass: HomeAssistant, site: ConfigEntry
) -> None:
    """A pump without a flow sensor needs a heater that tells its coolant."""
    blind = {"has_coolant": False, "can_switch": True, "modules": 1}
    heater = ConfigSubentry(
        subentry_type="heater",
        title="Plug",
        unique_id="plug",
        data=MappingProxyType(
            {
                **HEATER_SETTINGS,
                "url": "http://127.0.0.1:9",
                "username": "u",
                "password": "p",
                "identity": dict.fromkeys(
                    ("manufacturer", "model", "serial_number", "firmware")
                ),
                "capabilities": {**blind, "floor_w": 300, "max_w": 3000},
            }
        ),
    )
    hass.config_entries.async_add_subentry(site, heater)
    await hass.async_block_till_done()
    form = await begin(hass, site, "sink")
    form = await answer(hass, form, {"next_step_id": "dhw"})
    path = {**FULL_PATH}
    path.pop("flow_entity")
    form = await answer(hass, form, {**TANK, "path": path})
    expect_form(form, "dhw", base="flow_cannot_be_proven")
    result = await answer(hass, form, {**TANK, "path": FULL_PATH})
    assert result["type"] is FlowResultType.CREATE_ENTRY


SETTING = {
    "key": "setting",
    "name": "Pump setting",
    "space": "coil",
    "address": 0,
    "writable": True,
    "write_class": "eeprom",
    "role": "pump",
}


async def test_entities_by_role(
    hass: HomeAssistant, house: RunningHouse, site: ConfigEntry
) -> None:
    """What only one point can be is suggested; what two can be is left open."""
    tank = {
        "key": "tank",
        "name": "Tank",
        "space": "input",
        "address": 1,
        "data_type": "int16",
        "scale": 0.1,
        "unit": "°C",
        "role": "dhw_temperature",
    }
    flow = tank | {"key": "flow", "name": "Flow", "unit": "L/min", "role": "flow"}
    # Flow in another unit is no flow sensor, a stored setting no pump.
    odd = flow | {"key": "odd", "name": "Odd", "unit": "%"}
    room = tank | {"key": "room", "name": "Room", "role": "room_temperature"}
    buffer = tank | {"key": "buffer", "name": "Buffer", "role": "buffer_temperature"}
    valve = SETTING | {"key": "valve", "name": "Valve", "role": "valve"}
    del valve["write_class"]
    pump = SETTING | {"key": "pump", "name": "Pump", "address": 1}
    del pump["write_class"]
    points = [
        tank,
        flow,
        odd,
        room,
        room | {"key": "room_2", "name": "Second room"},
        buffer,
        pump,
        SETTING,
        valve,
        tank | {"key": "demand", "name": "Demand", "unit": "%", "role": "heat_demand"},
    ]
    link_id = await add_subentry(hass, site, "modbus", *modbus_steps(house, points))

    def entity(key: str, domain: str) -> str:
        return entity_id(hass, site, link_id, key, domain)

    path = {
        "valve_entity": entity("valve", "switch"),
        "pump_entity": entity("pump", "switch"),
        "flow_entity": entity("flow", "sensor"),
    }
    sensors = {"dhw": "tank", "buffer": "buffer"}
    for kind in VALUES:
        form = await begin_kind(hass, site, kind)
        more = {"demand_entity": entity("demand", "sensor")}
        if kind in sensors:
            more["temperature_entity"] = entity(sensors[kind], "sensor")
        assert suggested(form) == DEFAULTS[kind] | more | {
            "path": DEFAULTS[kind]["path"] | path
        }
        leave(hass, form)
    await hass.config_entries.async_unload(site.entry_id)


@pytest.mark.parametrize("field", ["pump_entity", "valve_entity"])
async def test_a_memory_that_wears(
    hass: HomeAssistant, house: RunningHouse, site: ConfigEntry, field: str
) -> None:
    """Control must not write to a stored setting, whose site it may be."""
    other = await add_site(hass, "Cottage")
    link_id = await add_subentry(hass, other, "modbus", *modbus_steps(house, [SETTING]))
    setting = entity_id(hass, other, link_id, "setting", "switch")
    form = await begin_kind(hass, site, "dhw")
    wrong = TANK | {"path": FULL_PATH | {field: setting}}
    form = await answer(hass, form, wrong)
    expect_form(form, "dhw", base="eeprom_point")
    result = await answer(hass, form, TANK | {"path": FULL_PATH})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await hass.config_entries.async_unload(other.entry_id)

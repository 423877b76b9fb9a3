"""What people command at the entities, and what the plant makes of it."""

from typing import Any

from bac_py import Client
import pytest

from compute_heater_agent.modules import ModuleState
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError

from .conftest import until
from .dialogue import answer, begin, expect_abort, without_work
from .plant import HEATER_SETTINGS, Plant, add_subentry, modbus_steps


async def call(plant: Plant, entity_id: str, service: str, **data: Any) -> None:
    """Call a service of an entity, and wait for its effect."""
    await plant.hass.services.async_call(
        entity_id.partition(".")[0],
        service,
        {"entity_id": entity_id, **data},
        blocking=True,
    )


def attributes(plant: Plant, entity_id: str) -> dict[str, Any]:
    """Return state and attributes of an entity as one mapping."""
    state = plant.hass.states.get(entity_id)
    assert state is not None
    return {"state": state.state, **state.attributes}


def sent(plant: Plant) -> tuple[int, int, int]:
    """Count the commands that heater, BACnet and Modbus device were sent."""
    runtime = plant.entry.runtime_data
    return (
        runtime.heaters[plant.heater_id].driver.writes,
        runtime.links[plant.bacnet_id].counters["writes"],
        runtime.links[plant.modbus_id].counters["writes"],
    )


async def test_out_of_range(still_plant: Plant) -> None:
    """Home Assistant's own error, and nothing is sent."""
    plant = still_plant
    heater = plant.entity_id(plant.heater_id, "heater", "climate")
    floor = plant.entity_id(plant.floor_id, "floor", "climate")
    tank = plant.entity_id(plant.dhw_id, "tank", "water_heater")
    limit = plant.entity_id(plant.heater_id, "power_limit", "number")
    state = plant.entity_id(plant.heater_id, "power_state", "select")
    strategy = plant.entity_id("", "strategy", "select")
    setpoint = plant.entity_id(plant.bacnet_id, "analog-value,1", "number")
    mode = plant.entity_id(plant.bacnet_id, "multi-state-value,1", "select")
    everything = (heater, floor, tank, limit, state, strategy, setpoint, mode)
    before = sent(plant), [attributes(plant, each) for each in everything]
    for entity_id, service, data in (
        (limit, "set_value", {"value": 299}),
        (limit, "set_value", {"value": 3001}),
        (heater, "set_temperature", {"temperature": 24}),
        (heater, "set_temperature", {"temperature": 61}),
        (heater, "set_temperature", {"temperature": 99, "hvac_mode": "heat"}),
        (heater, "set_hvac_mode", {"hvac_mode": "cool"}),
        (heater, "set_preset_mode", {"preset_mode": "away"}),
        (floor, "set_temperature", {"temperature": 31}),
        (floor, "set_hvac_mode", {"hvac_mode": "auto"}),
        (tank, "set_temperature", {"temperature": 19}),
        (tank, "set_temperature", {"temperature": 61, "operation_mode": "off"}),
        (tank, "set_temperature", {"temperature": 50, "operation_mode": "eco"}),
        (tank, "set_operation_mode", {"operation_mode": "eco"}),
        (state, "select_option", {"option": "turbo"}),
        (strategy, "select_option", {"option": "guess"}),
        (setpoint, "set_value", {"value": 65.5}),
        (setpoint, "set_value", {"value": 29}),
        (mode, "select_option", {"option": "Cooling"}),
    ):
        with pytest.raises(ServiceValidationError) as refused:
            await call(plant, entity_id, service, **data)
        assert refused.value.translation_key, (entity_id, data)
    assert before == (sent(plant), [attributes(plant, each) for each in everything])


async def test_heater(still_plant: Plant) -> None:
    """Each control reaches the machine; what it says is read back.

    Without consumers the heat stays where the machine is, so no path must open.
    """
    plant, rack = still_plant, still_plant.agent.rack
    for sink_id in (plant.dhw_id, plant.floor_id):
        plant.hass.config_entries.async_remove_subentry(plant.entry, sink_id)
        await plant.hass.async_block_till_done()
    heater = plant.entity_id(plant.heater_id, "heater", "climate")
    limit = plant.entity_id(plant.heater_id, "power_limit", "number")
    state = plant.entity_id(plant.heater_id, "power_state", "select")
    assert plant.cap_w == 300
    await call(plant, state, "select_option", option="full")
    assert rack.power_limit_w is None
    assert attributes(plant, heater)["state"] == "heat"
    assert plant.state(plant.heater_id, "power_limit", "sensor") == "unknown"
    await call(plant, limit, "set_value", value=1200)
    assert plant.cap_w == 1200
    assert plant.state(plant.heater_id, "power_limit", "sensor") == "1200.0"
    assert attributes(plant, limit)["state"] == "1200.0"
    await call(plant, limit, "set_value", value=3000)
    assert rack.power_limit_w is None
    await call(plant, heater, "set_preset_mode", preset_mode="eco")
    assert plant.cap_w == 1500
    await call(plant, heater, "set_temperature", temperature=45, hvac_mode="auto")
    assert attributes(plant, heater)["state"] == "auto"
    assert attributes(plant, heater)["temperature"] == 45
    assert plant.cap_w == 300
    await call(plant, state, "select_option", option="off")
    assert {module.state for module in rack.modules} == {ModuleState.OFF}
    assert plant.state(plant.heater_id, "power_state", "sensor") == "off"
    assert attributes(plant, heater)["hvac_action"] == "off"
    await call(plant, heater, "turn_off")
    assert {module.state for module in rack.modules} == {ModuleState.ON}
    assert plant.cap_w == 300
    before = sent(plant)
    await call(plant, heater, "turn_off")
    await call(plant, heater, "turn_on")
    assert sent(plant) == before


async def test_new_limits(still_plant: Plant) -> None:
    """What was set before is brought within the limits that were changed."""
    plant = still_plant
    heater = plant.entity_id(plant.heater_id, "heater", "climate")
    limit = plant.entity_id(plant.heater_id, "power_limit", "number")

    async def reconfigure(**changes: float) -> None:
        data = plant.entry.subentries[plant.heater_id].data
        login = {key: data[key] for key in ("url", "username", "password")}
        form = await begin(plant.hass, plant.entry, "heater", plant.heater_id)
        form = await answer(plant.hass, form, login)
        form = await without_work(plant.hass, form)
        result = await answer(plant.hass, form, HEATER_SETTINGS | changes)
        expect_abort(result, "reconfigure_successful")

    def shown() -> tuple[float, str]:
        return attributes(plant, heater)["temperature"], attributes(plant, limit)[
            "state"
        ]

    await call(plant, heater, "set_temperature", temperature=58)
    await call(plant, limit, "set_value", value=2000)
    await reconfigure(throttle_temperature=55)
    assert shown() == (55, "2000.0")
    await reconfigure(standby_power=2200, eco_power=2500)
    assert shown() == (55, "2200.0")
    await reconfigure(full_power=2100)
    assert shown() == (55, "2100.0")
    await until(lambda: plant.cap_w == 300)


async def test_action_is_what_is_measured(still_plant: Plant) -> None:
    """Full is what is drawn, not what is allowed."""
    plant = still_plant
    heater = plant.entity_id(plant.heater_id, "heater", "climate")
    await call(plant, heater, "set_preset_mode", preset_mode="boost")
    for watts, state, action in (
        (300, "standby", "idle"),
        (329, "standby", "idle"),
        (1500, "eco", "heating"),
        (2900, "full", "heating"),
    ):
        for module in plant.agent.rack.modules:
            module.power_w = watts / 4
        await plant.entry.runtime_data.heaters[plant.heater_id].async_refresh()
        shown = plant.state(plant.heater_id, "power_state", "sensor")
        assert (shown, attributes(plant, heater)["hvac_action"]) == (state, action)


async def test_heater_refuses(still_plant: Plant) -> None:
    """The caller hears of it, the heater has a problem, and both are over in time."""
    plant, rack = still_plant, still_plant.agent.rack
    state = plant.entity_id(plant.heater_id, "power_state", "select")
    problem = plant.entity_id(plant.heater_id, "problem", "binary_sensor")
    await call(plant, state, "select_option", option="off")
    rack.guard.tripped = True
    with pytest.raises(HomeAssistantError) as refused:
        await call(plant, state, "select_option", option="full")
    assert refused.value.translation_key == "heater_command_failed"
    assert {module.state for module in rack.modules} == {ModuleState.OFF}
    assert attributes(plant, problem)["state"] == "on"
    # What is asked for now is what it is already.
    await call(plant, state, "select_option", option="off")
    rack.guard.tripped = False
    await plant.entry.runtime_data.heaters[plant.heater_id].async_refresh()
    assert attributes(plant, problem)["state"] == "off"
    await call(plant, state, "select_option", option="full")
    assert {module.state for module in rack.modules} == {ModuleState.ON}
    assert attributes(plant, problem)["state"] == "off"


async def test_consumers(still_plant: Plant) -> None:
    """Target and mode of tank and floor, and the demand that follows from them."""
    plant = still_plant
    tank = plant.entity_id(plant.dhw_id, "tank", "water_heater")
    floor = plant.entity_id(plant.floor_id, "floor", "climate")

    def demand(sink_id: str) -> float:
        return float(plant.state(sink_id, "heat_demand", "sensor"))

    assert (demand(plant.dhw_id), demand(plant.floor_id)) == (0, 0)
    await call(plant, tank, "set_temperature", temperature=55)
    assert attributes(plant, tank)["temperature"] == 55
    assert demand(plant.dhw_id) == 3
    assert plant.state("", "heat_demand", "sensor") == "3.0"
    assert plant.state("", "reason", "sensor") == "path_opening"
    await call(plant, tank, "turn_off")
    assert attributes(plant, tank)["state"] == "off"
    assert demand(plant.dhw_id) == 0
    await call(plant, tank, "turn_on")
    assert attributes(plant, tank)["state"] == "auto"
    assert demand(plant.dhw_id) == 3
    await call(plant, tank, "set_operation_mode", operation_mode="off")
    assert demand(plant.dhw_id) == 0
    await call(plant, tank, "set_temperature", temperature=56, operation_mode="auto")
    assert demand(plant.dhw_id) == 3
    strategy = plant.entity_id("", "strategy", "select")
    await call(plant, strategy, "select_option", option="off")
    # Still wanted, but nobody's to give.
    assert demand(plant.dhw_id) == 3
    assert plant.state("", "reason", "sensor") == "strategy_off"

    await call(plant, floor, "set_temperature", temperature=23)
    # The building's own demand says what it wants; the room says how warm it is.
    assert attributes(plant, floor)["temperature"] == 23
    assert attributes(plant, floor)["current_temperature"] == 21.4
    for service, data, mode in (
        ("turn_off", {}, "off"),
        ("turn_on", {}, "heat"),
        ("set_hvac_mode", {"hvac_mode": "off"}, "off"),
        ("set_temperature", {"temperature": 20, "hvac_mode": "heat"}, "heat"),
    ):
        await call(plant, floor, service, **data)
        shown = attributes(plant, floor)
        action = "off" if mode == "off" else "idle"
        assert (shown["state"], shown["hvac_action"]) == (mode, action)


async def test_points(still_plant: Plant, bacnet: Client) -> None:
    """Numbers, selects and switches of the building reach its controllers."""
    plant, house = still_plant, still_plant.house
    setpoint = plant.entity_id(plant.bacnet_id, "analog-value,1", "number")
    mode = plant.entity_id(plant.bacnet_id, "multi-state-value,1", "select")
    pump = plant.entity_id(plant.modbus_id, "pump", "switch")
    strategy = plant.entity_id("", "strategy", "select")
    await call(plant, strategy, "select_option", option="off")

    await call(plant, setpoint, "set_value", value=52.5)
    assert house.house.commands.dhw_setpoint_c.value == 52.5
    assert attributes(plant, setpoint)["state"] == "52.5"
    address = house.addresses.bacnet
    slots: Any = await bacnet.read(address, "av,1", "priority-array")
    assert [index for index, slot in enumerate(slots, 1) if slot is not None] == [16]
    await call(plant, mode, "select_option", option="DHW")
    assert house.house.commands.mode.value == 3
    assert attributes(plant, mode)["state"] == "DHW"
    await call(plant, pump, "turn_on")
    assert house.house.loop.pump_command is True
    assert attributes(plant, pump)["state"] == "on"
    await call(plant, pump, "turn_off")
    assert house.house.loop.pump_command is False


async def test_points_refuse(
    hass: HomeAssistant, still_plant: Plant, bacnet: Client
) -> None:
    """A translated error says what the controller did not do."""
    plant, house = still_plant, still_plant.house
    setpoint = plant.entity_id(plant.bacnet_id, "analog-value,1", "number")
    await bacnet.write(
        house.addresses.bacnet, "av,1", "present-value", 45.0, priority=8
    )
    with pytest.raises(HomeAssistantError) as refused:
        await call(plant, setpoint, "set_value", value=60)
    assert refused.value.translation_key == "point_refused"
    assert "DHW setpoint" in str(refused.value.translation_placeholders)
    assert house.house.commands.dhw_setpoint_c.value == 45
    # Our command waits below the other one: it must be taken back one day.
    link = plant.entry.runtime_data.links[plant.bacnet_id]
    assert set(link.ledger.commands) == {"analog-value,1"}

    wide = {
        "key": "setpoint",
        "name": "Set point",
        "space": "holding",
        "address": 0,
        "data_type": "int16",
        "scale": 0.1,
        "unit": "°C",
        "writable": True,
        "minimum": 0,
        "maximum": 90,
    }
    hass.config_entries.async_remove_subentry(plant.entry, plant.modbus_id)
    await hass.async_block_till_done()
    modbus_id = await add_subentry(
        hass, plant.entry, "modbus", *modbus_steps(house, [wide])
    )
    number = plant.entity_id(modbus_id, "setpoint", "number")
    with pytest.raises(HomeAssistantError) as refused:
        await call(plant, number, "set_value", value=80)
    assert refused.value.translation_key == "point_refused"
    assert house.house.commands.dhw_setpoint_c.own == 50
    assert attributes(plant, number)["state"] == "50.0"
    await call(plant, number, "set_value", value=48)
    assert house.house.commands.dhw_setpoint_c.own == 48
    await house._modbus.stop()
    with pytest.raises(HomeAssistantError) as refused:
        await call(plant, number, "set_value", value=49)
    assert refused.value.translation_key == "point_not_written"


async def test_a_wrong_mode_with_a_temperature(
    hass: HomeAssistant, still_plant: Plant
) -> None:
    """Core leaves this check to us; nothing may be switched off by it."""
    for key, subentry_id in (
        ("heater", still_plant.heater_id),
        ("floor", still_plant.floor_id),
    ):
        entity_id = still_plant.entity_id(subentry_id, key, "climate")
        before = hass.states.get(entity_id)
        with pytest.raises(ServiceValidationError, match="cool"):
            await hass.services.async_call(
                "climate",
                "set_temperature",
                {"entity_id": entity_id, "temperature": 25, "hvac_mode": "cool"},
                blocking=True,
            )
        after = hass.states.get(entity_id)
        assert before is not None
        assert after is not None
        assert after.state == before.state
        assert after.attributes["temperature"] == before.attributes["temperature"]

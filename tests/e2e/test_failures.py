"""Parts that go away and come back."""

import asyncio

from simulator.demo import hass_log
from simulator.demo.hass_client import Json
from simulator.demo.installation import MAY_BE_UNKNOWN
from simulator.demo.operator import DHW_SETPOINT

from .conftest import LEASE_S
from .plant import Plant, at_least, at_most, eventually

TRIP_C = 65.0
TWO_POLLS_S = 2 * 5.0
FLOOR_W = 300.0


def _ours(log: str) -> list[str]:
    return hass_log.ours(log, "WARNING", "ERROR", "CRITICAL")


async def test_heater_goes_and_comes_back(plant: Plant) -> None:
    """Unavailable within two polls, one line in the log, back by itself."""
    await eventually(lambda: plant.state("power") is not None, 30, "heater there")
    before = len(plant.hass_log)
    energy = plant.number("energy")
    await plant.stack.stop_agent()
    took_s = await eventually(
        lambda: plant.raw_state("heater") == "unavailable", 30, "heater unavailable"
    )
    assert took_s < TWO_POLLS_S + 1
    # Long enough for a few further polls, and for the building to ask in vain.
    await plant.heat_demand(100)
    comfort = (await plant.meters.house())["comfort_violation_kh"]
    await plant.operator.draw_off(7)

    async def heat_pump_runs() -> bool:
        return bool((await plant.meters.house())["heat_pump"] == "dhw")

    await eventually(heat_pump_runs, 90, "the heat pump takes over")
    assert (await plant.meters.house())["comfort_violation_kh"] - comfort < 0.02
    assert plant.raw_state("heater") == "unavailable"
    assert plant.state("tank") is not None
    assert plant.state("room_temperature") is not None
    await plant.stack.start_agent()
    try:
        await eventually(lambda: plant.state("heater") is not None, 45, "heater back")
        await eventually(
            lambda: at_least(plant.number("power"), 2500), 90, "heat again"
        )
    finally:
        await plant.heat_demand(None)
    logged = plant.hass_log[before:]
    assert len(_ours(logged)) == 1, logged
    assert "Traceback" not in logged
    assert at_least(plant.number("energy"), energy or 0)


async def test_hass_is_killed_at_full_power(plant: Plant) -> None:
    """The plant looks after itself, and control goes on after the restart."""
    stack, client, entity = plant.stack, plant.client, plant.entity
    await client.call("number.set_value", entity["power_limit"], value=2900)
    await client.call("water_heater.set_temperature", entity["tank"], temperature=48.0)
    own_setpoint = await plant.operator.read(DHW_SETPOINT)
    await client.call("number.set_value", entity["dhw_setpoint"], value=47)
    await plant.full_power()
    energy = plant.number("energy")
    comfort = (await plant.meters.house())["comfort_violation_kh"]
    agent_log = len(plant.agent_log)

    await stack.kill_hass()
    assert await plant.operator.read(DHW_SETPOINT) == 47
    # Not by Redfish: an authenticated request would renew the lease.
    await eventually(
        lambda: "lease_expired" in plant.agent_log[agent_log:],
        LEASE_S + 15,
        "the heater notices that nobody is there",
    )
    heater = await plant.meters.heater()
    assert heater.cap_w == FLOOR_W
    # Somebody takes a shower that neither of them was told about.
    await plant.operator.draw_off(7)
    hottest = heater.coolant_c

    async def heat_pump_runs() -> bool:
        nonlocal hottest
        house = await plant.meters.house()
        hottest = max(hottest, (await plant.meters.heater()).coolant_c)
        return bool(house["heat_pump"] == "dhw")

    await eventually(heat_pump_runs, 90, "the heat pump takes over")
    assert hottest < TRIP_C
    assert at_most((await plant.meters.heater()).power_w, FLOOR_W + 10)

    await stack.start_hass()

    async def given_up() -> bool:
        return await plant.operator.read(DHW_SETPOINT) == own_setpoint

    await eventually(given_up, 60, "the command of the life before is taken back")
    await eventually(lambda: at_least(plant.number("power"), 2500), 90, "full again")
    house = await plant.meters.house()
    assert house["backup_heat_kwh"] > 0
    assert house["comfort_violation_kh"] - comfort < 0.02
    assert at_least(plant.number("energy"), energy or 0)
    assert plant.number("power_limit") == 2900
    assert plant.state("strategy") == "follow_demand"
    assert client.attribute(entity["tank"], "temperature") == 48.0
    assert _ours(plant.hass_log) == []
    assert "Traceback" not in plant.hass_log
    await plant.heat_demand(None)
    await client.call("number.set_value", entity["power_limit"], value=3000)
    await client.call("water_heater.set_temperature", entity["tank"], temperature=48.5)


async def test_hass_starts_alone(plant: Plant) -> None:
    """With house and heater down the site loads; both recover by themselves."""
    stack, client = plant.stack, plant.client
    await stack.stop_hass()
    await asyncio.gather(stack.stop_agent(), stack.stop_house())
    await stack.start_hass()

    async def entry() -> Json:
        (found,) = await client.command("config_entries/get", domain="compute_heater")
        return dict(found)

    assert (await entry())["state"] == "loaded"
    assert plant.raw_state("heater") == "unavailable"
    assert plant.raw_state("tank_top") == "unavailable"
    assert plant.state("strategy") == "follow_demand"
    assert client.state("zone.home") is not None

    await stack.start_house()
    await stack.start_agent()
    await eventually(
        lambda: all(
            client.state(entity_id) is not None
            for name, entity_id in plant.entity.items()
            if name not in MAY_BE_UNKNOWN
        ),
        90,
        "every entity is back",
    )
    logged = _ours(plant.hass_log)
    # One line for each of the three parts that were away.
    assert len(logged) <= 3, logged
    assert "Traceback" not in plant.hass_log

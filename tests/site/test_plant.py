"""The main job: demand in the building becomes compute and warm water."""

from bac_py import Client

from .conftest import until
from .plant import Plant


async def test_entities_show_the_plant(plant: Plant) -> None:
    assert plant.state(plant.heater_id, "power", "sensor") != "unavailable"
    assert float(plant.state(plant.bacnet_id, "analog-input,1", "sensor")) > 40
    assert plant.state(plant.dhw_id, "tank", "water_heater") == "auto"
    assert plant.state(plant.floor_id, "floor", "climate") == "heat"
    assert plant.state(plant.heater_id, "heater", "climate") == "auto"
    assert plant.state("", "strategy", "select") == "follow_demand"


async def test_draw_off_raises_power_and_tank(plant: Plant) -> None:
    """A draw-off raises the demand, the heater works, the tank gets warm."""
    assert plant.cap_w == 300
    tank = plant.house.house.tank
    tank.draw(2)
    await until(lambda: plant.cap_w is None)
    cold = tank.mean_c
    assert plant.state("", "reason", "sensor") == "dhw_demand"
    await until(lambda: tank.mean_c > cold + 0.5, within=60)
    assert float(plant.state(plant.heater_id, "thermal_power", "sensor")) > 1000


async def test_building_demand_raises_the_cap(plant: Plant, bacnet: Client) -> None:
    """The building asks for more heat by BACnet, and the cap rises with it."""

    async def ask(percent: float | None) -> None:
        await bacnet.write(
            plant.house.addresses.bacnet, "av,3", "present-value", percent, priority=8
        )

    await ask(20.0)
    await until(lambda: 550 < (plant.cap_w or 0) < 750)
    await ask(80.0)
    # Two changes of a working heater keep half a minute between them.
    await until(lambda: 2300 < (plant.cap_w or 0) < 2700, within=90)
    await ask(None)
    await until(lambda: plant.cap_w == 300)

"""The main job: demand in the building becomes compute and warm water."""

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
    plant.house.house.commands.tap_lpm.own = 6
    await until(lambda: plant.house.house.tank.top_c < 46.5)
    plant.house.house.commands.tap_lpm.own = 0
    await until(lambda: plant.cap_w is None)
    cold = plant.house.house.tank.top_c
    await until(lambda: plant.house.house.tank.top_c > cold + 0.5)

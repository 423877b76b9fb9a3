"""Both blueprints on a real site: agent by Redfish, house by BACnet and Modbus."""

from homeassistant.core import HomeAssistant
from simulator.demo.operator import HEAT_DEMAND, Operator
from tests.site.conftest import agent, house, plant, until
from tests.site.plant import Plant

from .conftest import Automate

__all__ = ["agent", "house", "plant"]


async def test_surplus_becomes_warm_water(
    hass: HomeAssistant, plant: Plant, automate: Automate
) -> None:
    """Surplus raises the tank's target, and with it the power of the heater."""
    tank = plant.entity_id(plant.dhw_id, "tank", "water_heater")
    hass.states.async_set("sensor.surplus", "0")
    await automate(
        "dhw_boost_pv_surplus.yaml",
        tank=tank,
        surplus_sensor="sensor.surplus",
        patience=0,
        boost_temperature=58,
        normal_temperature=45,
    )
    assert (plant.cap_w or 0) == 300
    hass.states.async_set("sensor.surplus", "2500")
    await until(lambda: _target(hass, tank) == 58)
    await until(lambda: plant.cap_w is None or plant.cap_w > 2500)
    hass.states.async_set("sensor.surplus", "-300")
    await until(lambda: _target(hass, tank) == 45)
    await until(lambda: plant.cap_w == 300)


async def test_building_commands_heater(
    hass: HomeAssistant, plant: Plant, automate: Automate
) -> None:
    """A demand written by BACnet at the house ends as a power limit in the machine."""
    demand = plant.entity_id(plant.bacnet_id, "analog-value,3", "sensor")
    port = int(plant.house.addresses.bacnet.split(":")[1])
    await automate(
        "follow_building_heat_demand.yaml",
        demand=demand,
        power_state=plant.entity_id(plant.heater_id, "power_state", "select"),
        dwell=0,
    )
    async with Operator(port) as operator:
        await operator.write(HEAT_DEMAND, 30)
        await until(lambda: plant.cap_w == 1500)
        assert plant.state(plant.heater_id, "heater", "climate") == "heat"
        await operator.write(HEAT_DEMAND, 90)
        await until(lambda: plant.cap_w is None or plant.cap_w > 2500)
        await operator.write(HEAT_DEMAND, 0)
        await until(lambda: plant.cap_w == 300)


def _target(hass: HomeAssistant, tank: str) -> float | None:
    state = hass.states.get(tank)
    return None if state is None else state.attributes.get("temperature")

"""A leak inside the heater, from the detector to the power."""

from compute_heater_agent.modules import ModuleState
from homeassistant.core import HomeAssistant

from .conftest import until
from .plant import Plant


async def test_leak_powers_the_heater_down(hass: HomeAssistant, plant: Plant) -> None:
    heater, modules = plant.heater_id, plant.agent.rack.modules
    await until(lambda: plant.state(heater, "leak", "binary_sensor") == "off")
    assert all(module.state is not ModuleState.OFF for module in modules)

    plant.agent.rack.tell_leak(leaking=True)
    await until(lambda: plant.state(heater, "leak", "binary_sensor") == "on")
    await until(lambda: all(module.state is ModuleState.OFF for module in modules))
    await until(lambda: plant.state(heater, "reason", "sensor") == "leak")

    plant.agent.rack.tell_leak(leaking=False)
    await until(lambda: plant.state(heater, "leak", "binary_sensor") == "off")
    await until(lambda: all(module.state is ModuleState.ON for module in modules))

"""Heat that nobody needs is thrown away by the cooler, where computing pays for it."""

import pytest

from homeassistant.config_entries import ConfigEntryDisabler
from homeassistant.setup import async_setup_component

from .conftest import until
from .plant import Plant
from .test_optimise import choose
from .test_site_options import choose as set_options

COOLER = "input_boolean.cooler"


@pytest.fixture
async def cooled(plant: Plant) -> Plant:
    """Have a cooler of 3 kW, full stores, and compute that earns more than it costs."""
    hass, house = plant.hass, plant.house.house
    house.tank.layers_c = [57.5] * len(house.tank.layers_c)
    house.floor.room_c = house.floor.screed_c = house.floor.buffer_c = 25.0
    assert await async_setup_component(
        hass, "input_boolean", {"input_boolean": {"cooler": {}}}
    )
    await set_options(
        hass,
        plant.entry,
        compute={"income": 1},
        dump={"dump_power": 3, "dump_price": 0.1, "dump_entity": COOLER},
    )
    models = plant.entry.runtime_data.site.controller.models
    await until(
        lambda: (
            models.temperatures_c.get(plant.dhw_id, 0) > 57
            and models.temperatures_c.get(plant.floor_id, 0) > 24
        )
    )
    return plant


def is_cooling(plant: Plant) -> bool:
    state = plant.hass.states.get(COOLER)
    return state is not None and state.state == "on"


async def test_it_is_on_while_heat_is_thrown_away(cooled: Plant) -> None:
    assert not is_cooling(cooled)
    await choose(cooled, "optimise")
    await until(lambda: is_cooling(cooled))
    await until(lambda: cooled.cap_w is None or cooled.cap_w > 2000)
    assert cooled.state("", "reason", "sensor") == "plan_dump"
    await choose(cooled, "follow_demand")
    await until(lambda: not is_cooling(cooled))


async def test_nothing_is_thrown_away_while_it_does_not_answer(cooled: Plant) -> None:
    await choose(cooled, "optimise")
    await until(lambda: cooled.cap_w is None or cooled.cap_w > 2000)
    cooled.hass.states.async_set(COOLER, "unavailable")
    await until(lambda: cooled.cap_w is not None and cooled.cap_w < 2000)


async def test_it_is_not_left_on(cooled: Plant) -> None:
    await choose(cooled, "optimise")
    await until(lambda: is_cooling(cooled))
    await cooled.hass.config_entries.async_set_disabled_by(
        cooled.entry.entry_id, ConfigEntryDisabler.USER
    )
    await until(lambda: not is_cooling(cooled))

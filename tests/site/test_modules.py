"""The modules of a heater: their devices, and limits that switch some of them off."""

from compute_heater_agent.modules import ModuleState, ResetType
from compute_heater_agent.service import RunningAgent
from compute_heater_agent.settings import RackSettings
from custom_components.compute_heater import async_remove_config_entry_device
from custom_components.compute_heater.const import DOMAIN
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import ATTR_ENTITY_ID
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er

from .conftest import still_agent, until
from .dialogue import answer, begin_redfish, expect_form, without_work
from .plant import HEATER_SETTINGS, PASSWORD, USER, add_subentry, entity_id


async def add_heater(
    hass: HomeAssistant, site: ConfigEntry, agent: RunningAgent, **settings: float
) -> str:
    login = {"url": agent.url, "username": USER, "password": PASSWORD}
    return await add_subentry(hass, site, "heater", login, HEATER_SETTINGS | settings)


def modules_on(agent: RunningAgent) -> int:
    return sum(module.state is ModuleState.ON for module in agent.rack.modules)


async def test_modules_are_parts_of_the_heater(
    hass: HomeAssistant, site: ConfigEntry, lone_agent: RunningAgent
) -> None:
    heater_id = await add_heater(hass, site, lone_agent)
    sensors = [
        entity_id(hass, site, f"{heater_id}_module_{key}", "power_state", "sensor")
        for key in ("Module1", "Module2", "Module3", "Module4")
    ]
    await until(lambda: all(hass.states.is_state(each, "on") for each in sensors))
    registry = dr.async_get(hass)
    heater = registry.async_get_device_by_identifier(
        (DOMAIN, f"{site.entry_id}_{heater_id}"), config_entry_id=site.entry_id
    )
    assert heater is not None
    entity = er.async_get(hass).async_get(sensors[0])
    assert entity is not None
    assert entity.config_subentry_id == heater_id
    parts = dr.async_entries_for_parent_device(registry, heater.id)
    assert [part.name for part in parts] == [f"Module {n}" for n in range(1, 5)]
    assert entity.device_id in {part.id for part in parts}
    for device in (heater, *parts):
        assert not await async_remove_config_entry_device(hass, site, device)  # type: ignore[arg-type]

    lone_agent.rack.reset(1, ResetType.FORCE_OFF)
    await until(lambda: hass.states.is_state(sensors[1], "off"))


async def test_a_single_module_is_the_heater(
    hass: HomeAssistant, site: ConfigEntry
) -> None:
    async with still_agent(RackSettings(modules=1)) as agent:
        await add_heater(hass, site, agent)
        await hass.async_block_till_done()
        unique_ids = [
            entity.unique_id
            for entity in er.async_get(hass).entities.values()
            if entity.config_entry_id == site.entry_id
        ]
        assert unique_ids
        assert not [each for each in unique_ids if "_module_" in each]
        assert await hass.config_entries.async_unload(site.entry_id)


async def test_low_standby_switches_modules_off(
    hass: HomeAssistant, site: ConfigEntry, lone_agent: RunningAgent
) -> None:
    form = await begin_redfish(hass, site)
    login = {"url": lone_agent.url, "username": USER, "password": PASSWORD}
    form = await without_work(hass, await answer(hass, form, login))
    expect_form(form, "settings")
    low = HEATER_SETTINGS | {"standby_power": 74}
    expect_form(await answer(hass, form, low), "settings", standby_power="below_floor")
    await answer(hass, form, low | {"standby_power": 75})
    await hass.async_block_till_done()
    (heater_id,) = site.subentries
    climate = entity_id(hass, site, heater_id, "heater", "climate")
    select = entity_id(hass, site, heater_id, "power_state", "select")
    # Nothing is wanted: one module is left at its floor.
    await until(lambda: modules_on(lone_agent) == 1)
    await until(lambda: lone_agent.rack.set_point_w == 79.5)
    state = hass.states.get(climate)
    assert state is not None
    number = hass.states.get(entity_id(hass, site, heater_id, "power_limit", "number"))
    assert number is not None
    assert number.attributes["min"] == 75

    # What was switched off rests before it starts again; the others may do more.
    await hass.services.async_call(
        "select",
        "select_option",
        {ATTR_ENTITY_ID: select, "option": "full"},
        blocking=True,
    )
    assert lone_agent.rack.power_limit_w is None
    assert modules_on(lone_agent) == 1


async def test_standby_at_the_floor_switches_nothing(
    hass: HomeAssistant, site: ConfigEntry, lone_agent: RunningAgent
) -> None:
    heater_id = await add_heater(hass, site, lone_agent)
    number = entity_id(hass, site, heater_id, "power_limit", "number")
    await hass.services.async_call(
        "number", "set_value", {ATTR_ENTITY_ID: number, "value": 300}, blocking=True
    )
    assert lone_agent.rack.set_point_w == 300
    assert modules_on(lone_agent) == 4

"""Every entity and device of a plant in which nothing moves."""

from typing import Any

import attr
import pytest
from pytest_homeassistant_custom_component.syrupy import HomeAssistantSnapshotExtension  # type: ignore[import-untyped]
from syrupy.assertion import SnapshotAssertion

from custom_components.compute_heater.const import DOMAIN, PLATFORMS
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers import device_registry as dr, entity_registry as er
from simulator.running import running_house
from tests.building.modbus_peer import ModbusPeer

from .conftest import UUID, still_agent
from .dialogue import texts
from .plant import Plant, add_subentry, entity_id, list_steps, set_up_plant


@pytest.fixture
def snapshot(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """Write registry entries and states as Home Assistant's own tests do."""
    return snapshot.use_extension(HomeAssistantSnapshotExtension)


def parts(plant: Plant) -> dict[str, str]:
    """Return what the random ids stand for."""
    return {
        plant.entry.entry_id: "site",
        plant.heater_id: "heater",
        plant.bacnet_id: "bacnet",
        plant.modbus_id: "modbus",
        plant.dhw_id: "dhw",
        plant.floor_id: "floor",
    }


def named(plant: Plant, text: str) -> str:
    """Replace random ids in a text."""
    for random_id, name in parts(plant).items():
        text = text.replace(random_id, name)
    return text


def entries(hass: HomeAssistant, plant: Plant) -> list[er.RegistryEntry]:
    """Return the plant's entities."""
    found = er.async_entries_for_config_entry(er.async_get(hass), plant.entry.entry_id)
    return sorted(found, key=lambda entry: entry.entity_id)


def rounded(state: State) -> State:
    """Take off the digits in which processors may differ."""

    def short(value: Any) -> Any:
        return round(value, 3) if isinstance(value, float) else value

    try:
        text = str(short(float(state.state)))
    except ValueError:
        text = state.state
    attributes = {key: short(value) for key, value in state.attributes.items()}
    return State(state.entity_id, text, attributes)


async def test_entities(
    hass: HomeAssistant, still_plant: Plant, snapshot: SnapshotAssertion
) -> None:
    """Registry entry and state of each, platform by platform."""
    found = entries(hass, still_plant)
    # Events are those of a gateway, which this plant has none of.
    assert {entry.domain for entry in found} == {*PLATFORMS} - {Platform.EVENT}
    for entry in found:
        unique_id = named(still_plant, entry.unique_id)
        assert attr.evolve(entry, unique_id=unique_id) == snapshot(
            name=f"{entry.entity_id}-entry"
        )
    rare = [entry.entity_id for entry in found if entry.disabled]
    assert rare == [
        "sensor.floor_latest_start",
        "sensor.floor_time_to_comfort_limit",
        "sensor.hot_water_latest_start",
        "sensor.hot_water_time_to_comfort_limit",
    ]
    for each in rare:
        er.async_get(hass).async_update_entity(each, disabled_by=None)
    assert await hass.config_entries.async_reload(still_plant.entry.entry_id)
    await hass.async_block_till_done()
    for entry in found:
        state = hass.states.get(entry.entity_id)
        assert state is not None
        assert rounded(state) == snapshot(name=f"{entry.entity_id}-state")


async def test_devices(
    hass: HomeAssistant, still_plant: Plant, snapshot: SnapshotAssertion
) -> None:
    """One device for the site, and one for each part, reached through the site."""
    registry = dr.async_get(hass)
    found = dr.async_entries_for_config_entry(registry, still_plant.entry.entry_id)
    by_part = {device.config_subentry_id: device for device in found}
    assert set(by_part) == {None, *still_plant.entry.subentries}
    assert len(found) == len(by_part)
    site = by_part.pop(None)
    assert site.via_device_id is None
    for device in by_part.values():
        assert device.via_device_id == site.id
    for device in (site, *by_part.values()):
        ((domain, identifier),) = device.identifiers
        assert domain == DOMAIN
        name = named(still_plant, identifier)
        assert device.configuration_url in {None, still_plant.agent.url}
        steady = attr.evolve(
            device,
            identifiers={(domain, name)},  # type: ignore[arg-type]
            configuration_url=device.configuration_url and "http://heater",
            sw_version=device.sw_version and "version",
        )
        assert steady == snapshot(name=name)
    heater = by_part[still_plant.heater_id]
    modules = dr.async_entries_for_parent_device(registry, heater.id)
    assert [module.name for module in modules] == [f"Module {n}" for n in range(1, 5)]
    for entry in entries(hass, still_plant):
        part = by_part.get(entry.config_subentry_id, site)
        if entry.translation_key == "module_power_state":
            assert entry.device_id in {module.id for module in modules}
        else:
            assert entry.device_id == part.id


@pytest.mark.parametrize("language", ["en", "de"])
async def test_texts(hass: HomeAssistant, still_plant: Plant, language: str) -> None:
    """Each name and each state that can be shown has a text."""
    of_points = {still_plant.bacnet_id, still_plant.modbus_id}
    for entry in entries(hass, still_plant):
        if entry.config_subentry_id in of_points:
            assert entry.translation_key is None
            continue
        if entry.translation_key is None:
            # Named by Home Assistant after its device class.
            assert entry.original_device_class is not None
            continue
        known = texts(language)["entity"][entry.domain][entry.translation_key]
        if entry.original_name is not None:
            assert known["name"]
        capabilities = entry.capabilities or {}
        states = capabilities.get("options") or capabilities.get("operation_list", ())
        assert set(states) == set(known.get("state", ())), entry.entity_id
        if presets := capabilities.get("preset_modes"):
            shown = known["state_attributes"]["preset_mode"]["state"]
            assert set(presets) == set(shown)


async def test_unreachable_heater(hass: HomeAssistant, free_port: int) -> None:
    """All of its entities are unavailable, and no others; they come back."""
    settings: dict[str, Any] = {"port": free_port, "uuid": UUID}

    def unavailable() -> set[str]:
        found = set()
        for entry in entries(hass, plant):
            state = hass.states.get(entry.entity_id)
            if state is not None and state.state == "unavailable":
                found.add(entry.entity_id)
        return found

    async with running_house() as house:
        async with still_agent(**settings) as agent:
            plant = await set_up_plant(hass, agent, house)
            assert unavailable() == set()
        heater = plant.entry.runtime_data.heaters[plant.heater_id]
        await heater.async_refresh()
        await hass.async_block_till_done()
        assert unavailable() == {
            entry.entity_id
            for entry in entries(hass, plant)
            if entry.config_subentry_id == plant.heater_id
        }
        assert plant.state("", "compute_heat", "sensor") == "unknown"
        assert plant.state("", "reason", "sensor") != "unavailable"
        async with still_agent(**settings):
            await heater.async_refresh()
            await hass.async_block_till_done()
            assert unavailable() == set()
            await hass.config_entries.async_unload(plant.entry.entry_id)


async def test_named_states(hass: HomeAssistant, site: ConfigEntry) -> None:
    """A number without a name is unknown, not some other state."""
    peer = ModbusPeer()
    await peer.start()
    names = ["Standby", "Heating", "Defrosting"]
    points = [
        {
            "key": f"{kind} {number}",
            "name": f"{kind} {number}",
            "space": "holding",
            "address": number,
            "data_type": "uint16",
            "states": names,
            **more,
        }
        for kind, more in (
            ("shown", {}),
            ("chosen", {"writable": True, "minimum": 1, "maximum": 3}),
        )
        for number in (0, 1, 3, 4)
    ]
    connection = {"host": "127.0.0.1", "port": peer.port, "unit_id": 1}
    link = await add_subentry(hass, site, "modbus", connection, *list_steps(points))
    for kind, domain in (("shown", "sensor"), ("chosen", "select")):
        for number, shown in (
            (0, "unknown"),
            (1, "Standby"),
            (3, "Defrosting"),
            (4, "unknown"),
        ):
            found = entity_id(hass, site, link, f"{kind} {number}", domain)
            state = hass.states.get(found)
            assert state is not None
            assert state.state == shown
            assert state.attributes["options"] == names
    await hass.config_entries.async_unload(site.entry_id)
    await peer.stop()

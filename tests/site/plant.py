"""A plant to test on: real agent, real house, and the dialogues that set it up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from compute_heater_agent.service import RunningAgent
from custom_components.compute_heater.const import DOMAIN
from homeassistant.config_entries import SOURCE_USER, ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import entity_registry as er
from homeassistant.util.yaml import dump
from simulator.ports import udp_port
from simulator.running import RunningHouse

USER, PASSWORD = "heater", "warm water"
USUAL_WAYS = {"user": "redfish", "work": "no_work", "works": "work_done"}
"""What is chosen in the menus of a heater's dialogue."""

HEATER_SETTINGS: dict[str, Any] = {
    "standby_power": 300,
    "eco_power": 1500,
    "full_power": 3000,
    "min_on_time": 0,
    "min_off_time": 0,
    "throttle_temperature": 60,
    "trip_temperature": 65,
    "off_powers_down": False,
    "limiter_confirmed": True,
}
MODBUS_POINTS: list[dict[str, Any]] = [
    {
        "key": "pump",
        "name": "Charging pump",
        "space": "coil",
        "address": 0,
        "writable": True,
    },
    {
        "key": "valve",
        "name": "Three-way valve",
        "space": "coil",
        "address": 1,
        "writable": True,
    },
    {
        "key": "heat_meter",
        "name": "Compute heat meter",
        "space": "input",
        "address": 30,
        "data_type": "float32",
        "unit": "kWh",
    },
]


@dataclass(slots=True)
class Plant:
    """Agent, house and the site that was set up on them."""

    hass: HomeAssistant
    agent: RunningAgent
    house: RunningHouse
    entry: ConfigEntry
    heater_id: str
    bacnet_id: str
    modbus_id: str
    dhw_id: str
    floor_id: str

    def entity_id(self, subentry_id: str, key: str, domain: str) -> str:
        """Return the id of an entity by what it stands for."""
        return entity_id(self.hass, self.entry, subentry_id, key, domain)

    def state(self, subentry_id: str, key: str, domain: str) -> str:
        """Return the state of an entity by what it stands for."""
        state = self.hass.states.get(self.entity_id(subentry_id, key, domain))
        assert state is not None
        return state.state

    @property
    def cap_w(self) -> float | None:
        """The cap that the agent holds, looked up in the machine itself."""
        return self.agent.rack.power_limit_w


def entity_id(
    hass: HomeAssistant, entry: ConfigEntry, subentry_id: str, key: str, domain: str
) -> str:
    """Return the id of an entity by what it stands for."""
    unique_id = "_".join(filter(None, (entry.entry_id, subentry_id, key)))
    found = er.async_get(hass).async_get_entity_id(domain, DOMAIN, unique_id)
    assert found is not None, unique_id
    return found


async def add_site(hass: HomeAssistant, name: str = "Home") -> ConfigEntry:
    """Add a site as a user does, and leave the heater's dialogue that follows."""
    flow = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_USER}
    )
    result = await hass.config_entries.flow.async_configure(
        flow["flow_id"], {"name": name}
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY
    hass.config_entries.subentries.async_abort(result["next_flow"][1])
    await hass.async_block_till_done()
    return result["result"]


async def add_subentry(
    hass: HomeAssistant, entry: ConfigEntry, kind: str, *steps: dict[str, Any]
) -> str:
    """Go through a dialogue; return the id of the subentry that it made.

    Of a heater the usual ways are chosen where the steps do not choose others.
    """
    before = set(entry.subentries)
    manager = hass.config_entries.subentries
    result = await manager.async_init(
        (entry.entry_id, kind), context={"source": SOURCE_USER}
    )
    for step in steps:
        if result["type"] is FlowResultType.MENU and "next_step_id" not in step:
            choice = {"next_step_id": USUAL_WAYS[result["step_id"]]}
            result = await manager.async_configure(result["flow_id"], choice)
        result = await manager.async_configure(result["flow_id"], step)
    assert result["type"] is FlowResultType.CREATE_ENTRY, result
    await hass.async_block_till_done()
    (added,) = set(entry.subentries) - before
    return added


def bacnet_steps(house: RunningHouse) -> tuple[dict[str, Any], ...]:
    """Return the answers that add the house's BACnet device."""
    connection = {
        "address": house.addresses.bacnet,
        "local": {"interface": "127.0.0.1/8", "local_port": udp_port("127.0.0.1")},
    }
    points = {
        "read": [
            "analog-input,1",
            "analog-input,5",
            "analog-input,11",
            "analog-value,1",
            "analog-value,3",
            "binary-input,3",
            "multi-state-value,1",
        ],
        "write": ["analog-value,1", "multi-state-value,1"],
    }
    return {"next_step_id": "address"}, connection, points, {}


def modbus_connection(house: RunningHouse) -> dict[str, Any]:
    """Return the answers of the first form about the house's Modbus device."""
    host, port = house.addresses.modbus.split(":")
    return {"transport": "tcp", "host": host, "port": int(port), "unit_id": 1}


def modbus_steps(
    house: RunningHouse, points: Sequence[Mapping[str, Any]] = MODBUS_POINTS
) -> tuple[dict[str, Any], ...]:
    """Return the answers that add the house's Modbus device with a list of points."""
    return modbus_connection(house), *list_steps(points)


def list_steps(points: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], ...]:
    """Return the answers that give points as a list, once the device is known."""
    return (
        {"next_step_id": "list"},
        {"points": yaml_text(points)},
        {},
        {},
    )


def yaml_text(points: Sequence[Mapping[str, Any]]) -> str:
    """Return points as a person pastes them."""
    return dump([dict(point) for point in points])


def dhw_step(
    tank: str, pump: str, valve: str, flow: str, **more: Any
) -> dict[str, Any]:
    """Return the answers that add the tank."""
    return {
        "name": "Hot water",
        "temperature_entity": tank,
        "volume": 30,
        "target_temperature": 49,
        "hysteresis": 2,
        "limit_temperature": 65,
        "comfort_minimum": 40,
        "max_heat_power": 3,
        "path": {
            "valve_entity": valve,
            "valve_position": "on",
            "valve_travel_time": 1,
            "pump_entity": pump,
            "flow_entity": flow,
            "overrun_time": 5,
        },
        **more,
    }


def floor_step(
    room: str, demand: str, pump: str, valve: str, flow: str, **more: Any
) -> dict[str, Any]:
    """Return the answers that add the floor circuit."""
    return {
        "name": "Floor",
        "temperature_entity": room,
        "demand_entity": demand,
        "target_temperature": 21,
        "hysteresis": 0.5,
        "limit_temperature": 45,
        "comfort_minimum": 19,
        "max_heat_power": 3,
        "path": {
            "valve_entity": valve,
            "valve_position": "off",
            "valve_travel_time": 1,
            "pump_entity": pump,
            "flow_entity": flow,
            "overrun_time": 5,
        },
        **more,
    }


async def set_up_plant(
    hass: HomeAssistant, agent: RunningAgent, house: RunningHouse
) -> Plant:
    """Set a whole site up through its dialogues."""
    entry = await add_site(hass)
    heater_id = await add_subentry(
        hass,
        entry,
        "heater",
        {"url": agent.url, "username": USER, "password": PASSWORD},
        HEATER_SETTINGS,
    )
    bacnet_id = await add_subentry(hass, entry, "bacnet", *bacnet_steps(house))
    modbus_id = await add_subentry(hass, entry, "modbus", *modbus_steps(house))

    def point(link_id: str, key: str, domain: str) -> str:
        return entity_id(hass, entry, link_id, key, domain)

    path = {
        "pump": point(modbus_id, "pump", "switch"),
        "valve": point(modbus_id, "valve", "switch"),
        "flow": point(bacnet_id, "analog-input,11", "sensor"),
    }
    dhw_id = await add_subentry(
        hass,
        entry,
        "sink",
        {"next_step_id": "dhw"},
        dhw_step(point(bacnet_id, "analog-input,1", "sensor"), **path),
    )
    floor_id = await add_subentry(
        hass,
        entry,
        "sink",
        {"next_step_id": "floor"},
        floor_step(
            point(bacnet_id, "analog-input,5", "sensor"),
            point(bacnet_id, "analog-value,3", "sensor"),
            **path,
        ),
    )
    return Plant(
        hass=hass,
        agent=agent,
        house=house,
        entry=entry,
        heater_id=heater_id,
        bacnet_id=bacnet_id,
        modbus_id=modbus_id,
        dhw_id=dhw_id,
        floor_id=floor_id,
    )


async def add_heater(
    hass: HomeAssistant, entry: ConfigEntry, agent: RunningAgent
) -> str:
    """Add a heater of 300 to 3000 W; return its id."""
    return await add_subentry(
        hass,
        entry,
        "heater",
        {"url": agent.url, "username": USER, "password": PASSWORD},
        HEATER_SETTINGS,
    )


async def choose_strategy(hass: HomeAssistant, entry: ConfigEntry, option: str) -> None:
    """Choose who decides."""
    select = entity_id(hass, entry, "", "strategy", "select")
    await hass.services.async_call(
        "select",
        "select_option",
        {"entity_id": select, "option": option},
        blocking=True,
    )

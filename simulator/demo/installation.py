"""Set the integration up as a user would, through the dialogues of Home Assistant.

Everything the site reads comes from a BACnet or Modbus point of the house, and the
heater is reached by Redfish alone: no helper entity stands in.
"""

from dataclasses import dataclass
import json

from .flows import Answer, add_entry, add_subentry, options, set_options, suggestions
from .hass_client import HassClient, Json
from .ports import free_udp_port
from .registry import Wanted, find_entity, list_entities, wait_available
from .stack import AgentAddress, DemoStack, HouseAddress

DOMAIN = "compute_heater"

# The demo's tank starts at 47.2 °C: satisfied, until some water is drawn.
TANK_TARGET_C = 48.5
TANK_HYSTERESIS_K = 1.4
TANK_COMFORT_C = 42.0
ROOM_TARGET_C = 21.0
ROOM_COMFORT_C = 19.5
MIN_STATE_S = 15

# The house tells only the present price. These are what its tariff is like every day,
# as one would enter the times of a contract; computing earns most of it back.
USUAL_PRICE = 0.27
PRICE_WINDOWS: list[Json] = [
    {"start": "00:00:00", "end": "05:00:00", "price": 0.25},
    {"start": "07:00:00", "end": "10:00:00", "price": 0.31},
    {"start": "11:00:00", "end": "15:00:00", "price": 0.22},
    {"start": "17:00:00", "end": "21:00:00", "price": 0.33},
]
INCOME_PER_KWH = 0.18
MAY_BE_UNKNOWN = frozenset(
    {"power_cap", "power_limit", "planned_power", "planned_cost"}
)
"""Without a limit, or without a plan, there is nothing to show."""

# What a plant's documentation would say about its registers.
MODBUS_POINTS: list[Json] = [
    {"name": "Charging pump", "space": "coil", "address": 0, "writable": True},
    {"name": "Three-way valve", "space": "coil", "address": 1, "writable": True},
    {"name": "Valve at DHW", "space": "discrete", "address": 1},
    {"name": "Valve at floor", "space": "discrete", "address": 2},
    {"name": "Compressor running", "space": "discrete", "address": 3},
    {"name": "Plant fault", "space": "discrete", "address": 4},
    {
        "name": "Electricity tariff",
        "space": "input",
        "address": 13,
        "data_type": "int16",
        "scale": 0.001,
        "unit": "EUR/kWh",
    },
    *(
        {
            "name": name,
            "space": "input",
            "address": address,
            "data_type": "float32",
            "unit": "kWh",
        }
        for name, address in (
            ("Heat pump heat", 24),
            ("Heat pump electricity", 26),
            ("Compute heat meter", 30),
            ("Heat drawn as hot water", 32),
        )
    ),
]
BACNET_WRITABLE = ("DHW setpoint", "Room setpoint", "Compute heating enable")


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """Ids of the entry, of its parts and of the entities that the demo looks at."""

    entry_id: str
    heater_id: str
    bacnet_id: str
    modbus_id: str
    tank_id: str
    floor_id: str
    backup_id: str
    entity: dict[str, str]
    """Entity ids by the demo's own names, see ``_ENTITIES``."""
    entity_count: int


# name -> (part, what is known of the entity)
_POINTS: dict[str, tuple[str, Wanted]] = {
    "tank_top": ("bacnet", Wanted(name="DHW tank top")),
    "tank_bottom": ("bacnet", Wanted(name="DHW tank bottom")),
    "floor_supply": ("bacnet", Wanted(name="Floor supply temperature")),
    "room_temperature": ("bacnet", Wanted(name="Room temperature")),
    "outdoor": ("bacnet", Wanted(name="Outdoor temperature")),
    "loop_flow": ("bacnet", Wanted(name="Charging loop flow")),
    "house_demand": ("bacnet", Wanted(name="Heat demand")),
    "heat_pump_power": ("bacnet", Wanted(name="Heat pump electrical power")),
    "heat_pump_heat": ("bacnet", Wanted(name="Heat pump thermal power")),
    "dhw_request": ("bacnet", Wanted(name="DHW request")),
    "pv_power": ("bacnet", Wanted(name="PV power")),
    "dhw_setpoint": ("bacnet", Wanted(name="DHW setpoint", domain="number")),
    "pump": ("modbus", Wanted(name="Charging pump", domain="switch")),
    "valve": ("modbus", Wanted(name="Three-way valve", domain="switch")),
    "price": ("modbus", Wanted(name="Electricity tariff")),
    "backup_heat_meter": ("modbus", Wanted(name="Heat pump heat")),
    "backup_energy": ("modbus", Wanted(name="Heat pump electricity")),
    "compute_heat_meter": ("modbus", Wanted(name="Compute heat meter")),
}
_ENTITIES: dict[str, tuple[str | None, Wanted]] = {
    **_POINTS,
    "strategy": (None, Wanted(domain="select", key="strategy")),
    "demand": (None, Wanted(domain="sensor", key="heat_demand")),
    "compute_heat": (None, Wanted(domain="sensor", key="compute_heat")),
    "site_reason": (None, Wanted(domain="sensor", key="reason")),
    "plan": (None, Wanted(domain="calendar")),
    "planned_power": (None, Wanted(key="planned_power")),
    "planned_cost": (None, Wanted(key="planned_cost")),
    "heater": ("heater", Wanted(domain="climate")),
    "power": ("heater", Wanted(domain="sensor", key="power")),
    "power_cap": ("heater", Wanted(domain="sensor", key="power_limit")),
    "thermal_power": ("heater", Wanted(domain="sensor", key="thermal_power")),
    "energy": ("heater", Wanted(domain="sensor", key="energy")),
    "heat_delivered": ("heater", Wanted(domain="sensor", key="heat_delivered")),
    "supply": ("heater", Wanted(domain="sensor", key="supply_temperature")),
    "return": ("heater", Wanted(domain="sensor", key="return_temperature")),
    "coolant": ("heater", Wanted(domain="sensor", key="coolant_temperature")),
    "utilisation": ("heater", Wanted(domain="sensor", key="utilisation")),
    "power_state": ("heater", Wanted(domain="sensor", key="power_state")),
    "heater_reason": ("heater", Wanted(domain="sensor", key="reason")),
    "compute_allowed": ("heater", Wanted(domain="switch")),
    "power_limit": ("heater", Wanted(domain="number")),
    "power_select": ("heater", Wanted(domain="select")),
    "tank": ("tank", Wanted(domain="water_heater")),
    "tank_demand": ("tank", Wanted(domain="sensor", key="heat_demand")),
    "tank_charge": ("tank", Wanted(domain="sensor", key="state_of_charge")),
    "tank_stored": ("tank", Wanted(domain="sensor", key="stored_energy")),
    "floor": ("floor", Wanted(domain="climate")),
    "floor_demand": ("floor", Wanted(domain="sensor", key="heat_demand")),
    "floor_charge": ("floor", Wanted(domain="sensor", key="state_of_charge")),
}


async def install(stack: DemoStack) -> Installation:
    """Add the site with all its parts and wait until every entity has a state."""
    client, house = stack.client, stack.house_address
    entry_id, flow_id = await add_entry(
        client, DOMAIN, {"user": {"name": "Demo house"}}
    )
    parts = {
        "heater": await _add_heater(client, entry_id, stack.agent_address, flow_id),
        "bacnet": await _add_bacnet(client, entry_id, house),
        "modbus": await _add_modbus(client, entry_id, house),
    }
    points = {
        name: await find_entity(client, entry_id, parts[part], wanted)
        for name, (part, wanted) in _POINTS.items()
    }
    await wait_available(client, list(points.values()))
    parts["tank"] = await add_tank(client, entry_id, points)
    parts["floor"] = await add_floor(client, entry_id, points)
    parts["backup"] = await _add_backup(client, entry_id, points, parts)
    await set_prices(client, entry_id, points, USUAL_PRICE, PRICE_WINDOWS)
    entity = {
        name: await find_entity(client, entry_id, part and parts[part], wanted)
        for name, (part, wanted) in _ENTITIES.items()
    }
    await wait_available(
        client, [entity[name] for name in entity if name not in MAY_BE_UNKNOWN]
    )
    await client.call(
        "select.select_option", entity["strategy"], option="follow_demand"
    )
    return Installation(
        entry_id=entry_id,
        heater_id=parts["heater"],
        bacnet_id=parts["bacnet"],
        modbus_id=parts["modbus"],
        tank_id=parts["tank"],
        floor_id=parts["floor"],
        backup_id=parts["backup"],
        entity=entity,
        entity_count=len(await list_entities(client, entry_id)),
    )


async def _add_heater(
    client: HassClient, entry_id: str, agent: AgentAddress, flow_id: str | None
) -> str:
    def settings(form: Json) -> Json:
        return suggestions(form) | {
            "min_on_time": MIN_STATE_S,
            "min_off_time": MIN_STATE_S,
            "limiter_confirmed": True,
        }

    answers: dict[str, Answer] = {
        "user": {"next_step_id": "redfish"},
        "redfish": {
            "url": agent.url,
            "username": agent.user,
            "password": agent.password,
        },
        "work": {"next_step_id": "no_work"},
        "settings": settings,
    }
    return await add_subentry(client, entry_id, "heater", answers, flow_id=flow_id)


async def _add_bacnet(client: HassClient, entry_id: str, house: HouseAddress) -> str:
    def points(form: Json) -> Json:
        offered = options(form, "write")
        return {
            "read": list(options(form, "read").values()),
            "write": [
                key
                for label, key in offered.items()
                if label.startswith(BACNET_WRITABLE)
            ],
        }

    answers: dict[str, Answer] = {
        "user": {"next_step_id": "address"},
        "address": {
            "address": f"127.0.0.1:{house.bacnet_port}",
            "device_instance": house.bacnet_device,
            "local": {"interface": "127.0.0.1/8", "local_port": free_udp_port()},
        },
        "points": points,
        "review": {},
    }
    return await add_subentry(client, entry_id, "bacnet", answers)


async def _add_modbus(client: HassClient, entry_id: str, house: HouseAddress) -> str:
    answers: dict[str, Answer] = {
        "user": {
            "transport": "tcp",
            "host": "127.0.0.1",
            "port": house.modbus_port,
            "unit_id": house.modbus_unit,
        },
        "source": {"next_step_id": "list"},
        # What a person pastes is YAML, of which JSON is a part.
        "list": {"points": json.dumps(MODBUS_POINTS, ensure_ascii=False)},
        "preview": {},
        "review": {},
    }
    return await add_subentry(client, entry_id, "modbus", answers)


async def add_tank(
    client: HassClient, entry_id: str, entity: dict[str, str], name: str = "Hot water"
) -> str:
    """Add the tank, charged through the valve; ``entity`` as in Installation."""
    answers: dict[str, Answer] = {
        "user": {"next_step_id": "dhw"},
        "dhw": {
            "name": name,
            "temperature_entity": entity["tank_top"],
            "second_temperature_entity": entity["tank_bottom"],
            "volume": 30,
            "target_temperature": TANK_TARGET_C,
            "hysteresis": TANK_HYSTERESIS_K,
            "limit_temperature": 65,
            "comfort_minimum": TANK_COMFORT_C,
            "max_heat_power": 3,
            "path": _path(entity, "on"),
        },
    }
    return await add_subentry(client, entry_id, "sink", answers)


async def add_floor(
    client: HassClient,
    entry_id: str,
    entity: dict[str, str],
    name: str = "Floor heating",
) -> str:
    """Add the floor circuit, which follows the heat demand of the house's controller."""
    answers: dict[str, Answer] = {
        "user": {"next_step_id": "floor"},
        "floor": {
            "name": name,
            "temperature_entity": entity["room_temperature"],
            "supply_temperature_entity": entity["floor_supply"],
            "target_temperature": ROOM_TARGET_C,
            "hysteresis": 0.5,
            "limit_temperature": 45,
            "comfort_minimum": ROOM_COMFORT_C,
            "max_heat_power": 3,
            "demand_entity": entity["house_demand"],
            "path": _path(entity, "off"),
        },
    }
    return await add_subentry(client, entry_id, "sink", answers)


async def _add_backup(
    client: HassClient, entry_id: str, entity: dict[str, str], parts: dict[str, str]
) -> str:
    """Add the house's heat pump, which is left to its own controller."""

    def heat_pump(form: Json) -> Json:
        return suggestions(form) | {
            "name": "Heat pump",
            "consumers": [parts["tank"], parts["floor"]],
            "max_heat_power": 2.5,
            "max_temperature": 43,
            "heat_entity": entity["heat_pump_heat"],
        }

    answers: dict[str, Answer] = {
        "user": {"next_step_id": "heat_pump"},
        "heat_pump": heat_pump,
    }
    return await add_subentry(client, entry_id, "backup", answers)


async def set_prices(
    client: HassClient,
    entry_id: str,
    entity: dict[str, str],
    usual: float,
    windows: list[Json],
) -> None:
    """Tell the site what it plans with; ``windows`` as its dialogue takes them."""

    def init(form: Json) -> Json:
        filled = suggestions(form)
        filled["prices"] |= {"price": usual, "price_windows": windows}
        filled["weather"] |= {"outdoor_entity": entity["outdoor"], "persons": 1}
        filled["compute"] |= {"income": INCOME_PER_KWH}
        return filled

    await set_options(client, entry_id, {"init": init})


def _path(entity: dict[str, str], position: str) -> Json:
    return {
        "valve_entity": entity["valve"],
        "valve_position": position,
        "valve_travel_time": 4,
        "pump_entity": entity["pump"],
        "flow_entity": entity["loop_flow"],
        "overrun_time": 20,
    }

"""The building's demand reaches the heater, and nothing else does."""

from itertools import pairwise
import time

from simulator.demo.hass_client import Json
from simulator.demo.installation import add_floor

from .plant import Plant, at_least, at_most, eventually

STATES_ENTITIES_COUNTERS = ("energy", "heat_delivered")
MAX_W = 3000.0


async def test_building_demand_raises_cap(plant: Plant) -> None:
    """Writing the house's BACnet heat demand from 20 to 80 % raises the cap."""
    try:
        await plant.heat_demand(20)
        await eventually(
            lambda: plant.number("house_demand") == 20, 15, "20 % in Home Assistant"
        )
        # 20 % of 3 kW of heat; tank and floor may not want heat at the same time.
        await eventually(
            lambda: (
                at_least(plant.number("power_cap"), 400)
                and at_most(plant.number("power_cap"), 900)
            ),
            120,
            "a cap near 600 W",
        )
        low = (await plant.meters.heater()).cap_w
        await plant.heat_demand(80)
        await eventually(
            lambda: at_least(plant.number("power_cap"), 2000), 60, "a cap near 2400 W"
        )
        high = (await plant.meters.heater()).cap_w
        assert low < 1000
        assert 2000 < high < MAX_W
    finally:
        await plant.heat_demand(None)


async def test_consumers_come_and_go_at_full_power(plant: Plant) -> None:
    """Adding, renaming and removing a consumer writes nothing and moves no counter."""
    client, entry_id = plant.client, plant.installation.entry_id
    counters = {plant.entity[name] for name in STATES_ENTITIES_COUNTERS}
    seen: list[tuple[float, str, float]] = []

    def note(entity_id: str, state: Json | None) -> None:
        if entity_id in counters and state and _is_number(state["state"]):
            seen.append((time.monotonic(), entity_id, float(state["state"])))

    try:
        # A consumer that is satisfied while the test runs would change the power.
        await eventually(
            lambda: at_most(plant.number("tank_demand"), 0), 240, "a warm tank"
        )
        await plant.full_power()
        writes, house = plant.redfish_writes, await plant.meters.house()
        begin = time.monotonic()
        client.listeners.append(note)
        seen += [
            (begin, entity_id, float(client.states[entity_id]["state"]))
            for entity_id in counters
        ]

        added = await add_floor(client, entry_id, plant.entity, "Bathroom floor")
        await _loaded(plant)
        assert await _power(plant) > 2800
        await client.command(
            "config_entries/subentries/update",
            entry_id=entry_id,
            subentry_id=added,
            title="Guest bathroom",
        )
        await _loaded(plant)
        assert await _power(plant) > 2800
        await client.command(
            "config_entries/subentries/delete", entry_id=entry_id, subentry_id=added
        )
        await _loaded(plant)
        assert await _power(plant) > 2800

        after = await plant.meters.house()
        assert plant.redfish_writes == writes
        assert after["bacnet_writes"] == house["bacnet_writes"]
        assert after["modbus_writes"] == house["modbus_writes"]
        assert len(seen) > len(counters)
        for entity_id in counters:
            _check_counter([(at, kwh) for at, name, kwh in seen if name == entity_id])
    finally:
        if note in client.listeners:
            client.listeners.remove(note)
        await plant.heat_demand(None)


def _check_counter(readings: list[tuple[float, float]]) -> None:
    """Demand that the counter never falls nor grows faster than heat can flow."""
    for (began, before), (ended, after) in pairwise(readings):
        # The value may be up to one poll old when it is shown.
        possible_kwh = 4 * MAX_W / 1000 * (ended - began + 12) / 3600
        assert before <= after <= before + possible_kwh


async def _power(plant: Plant) -> float:
    return (await plant.meters.heater()).power_w


async def _loaded(plant: Plant) -> None:
    """Wait until the entry has been reloaded and the heater is read again."""

    async def is_loaded() -> bool:
        entries = await plant.client.command(
            "config_entries/get", domain="compute_heater"
        )
        return [entry["state"] for entry in entries] == ["loaded"]

    await eventually(is_loaded, 30, "the entry loaded")
    await eventually(
        lambda: at_least(plant.number("power"), 2800), 30, "full power is read"
    )
    before = plant.number("energy")
    await eventually(lambda: plant.number("energy") != before, 30, "a further poll")


def _is_number(state: str) -> bool:
    return state not in ("unknown", "unavailable")

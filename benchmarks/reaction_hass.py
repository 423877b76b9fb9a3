"""A process with Home Assistant and a site that the building commands.

python -m benchmarks.reaction_hass: reads a ``Task`` as a line of JSON, answers with a
line that says where the building's controllers find the gateway, and ends with its
standard input.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
import json
import sys
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.runner import create_event_loop
from homeassistant.util.yaml import dump

from .hass_site import add_heater, add_part, add_site, entity_id, start_hass

INTERFACE = "127.0.0.1/8"
GATEWAY_INSTANCE = 4711
DEMAND = "analog-value,3"
SETPOINT: dict[str, Any] = {
    "key": "setpoint",
    "name": "Hot water set point",
    "space": "holding",
    "address": 0,
    "data_type": "int16",
    "scale": 0.1,
    "unit": "°C",
}
STANDBY_W = 300.0
READY_S = 60.0
POWER_REQUEST = 61
PART_STRIDE = 100
REGISTER = 10
"""Of a heater's commanded power, among the registers of its part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What is to be set up."""

    folder: str
    """Configuration of Home Assistant."""
    heaters: list[str]
    """Addresses, one for each of the four chains."""
    user: str
    password: str
    bacnet: str
    """The house's BACnet device."""
    bacnet_port: int
    """Our own port, for the link and for the gateway."""
    bacnet_master: str
    modbus: str
    """The house's Modbus device."""
    modbus_unit: int
    modbus_port: int
    """Of our own server."""
    modbus_master: str
    poll_group: str
    """How often the house's registers are read."""
    zero_c: float
    full_c: float
    """What of a set point stands for no demand and for all."""


async def set_up(hass: HomeAssistant, task: Task) -> dict[str, int]:
    """Set the site up as its owner does; returns where the gateway takes commands."""
    entry = await add_site(hass)
    heaters = [
        await add_heater(hass, entry, url, task.user, task.password)
        for url in task.heaters
    ]
    await hass.services.async_call(
        "select",
        "select_option",
        {
            "entity_id": entity_id(hass, entry, "", "strategy", "select"),
            "option": "building_demand",
        },
        blocking=True,
    )
    await _add_links_and_bridges(hass, entry, task, heaters[0], heaters[3])
    await _add_gateways(hass, entry, task)
    await _until(lambda: _is_ready(entry))
    numbers: dict[str, int] = entry.runtime_data.gateway.numbers
    return {
        "power_object": PART_STRIDE * numbers[heaters[1]] + POWER_REQUEST,
        "power_register": PART_STRIDE * numbers[heaters[2]] + REGISTER,
    }


async def _add_links_and_bridges(
    hass: HomeAssistant,
    entry: ConfigEntry[Any],
    task: Task,
    reported_to: str,
    polled_for: str,
) -> None:
    """Have one heater follow a value that is reported, and one that is polled."""
    bacnet_id = await add_part(
        hass,
        entry,
        "bacnet",
        {"next_step_id": "address"},
        {
            "address": task.bacnet,
            "local": {"interface": INTERFACE, "local_port": task.bacnet_port},
        },
        {"read": [DEMAND], "write": []},
        {},
    )
    host, _, port = task.modbus.rpartition(":")
    modbus_id = await add_part(
        hass,
        entry,
        "modbus",
        {
            "transport": "tcp",
            "host": host,
            "port": int(port),
            "unit_id": task.modbus_unit,
        },
        {"next_step_id": "list"},
        {"points": dump([SETPOINT | {"group": task.poll_group}])},
        {},
        {},
    )
    reported = entity_id(hass, entry, bacnet_id, DEMAND, "sensor")
    polled = entity_id(hass, entry, modbus_id, str(SETPOINT["key"]), "sensor")
    span = {"signal_zero": task.zero_c, "signal_full": task.full_c}
    for source, heater_id, signal in (
        (reported, reported_to, {}),
        (polled, polled_for, span),
    ):
        await add_part(
            hass,
            entry,
            "bridge",
            {"next_step_id": "demand_power"},
            {
                "name": "Heat demand",
                "source_entity": source,
                "heaters": [heater_id],
                "table": {"on_from": 5, "hysteresis": 2},
                "signal": signal,
                "silence": {"hold_time": 5, "fallback": "standby"},
            },
            {"next_step_id": "save"},
        )


async def _add_gateways(
    hass: HomeAssistant, entry: ConfigEntry[Any], task: Task
) -> None:
    await add_part(
        hass,
        entry,
        "gateway",
        {"next_step_id": "bacnet"},
        {
            "name": "Compute heaters",
            "device_instance": GATEWAY_INSTANCE,
            "interface": INTERFACE,
            "local_port": task.bacnet_port,
            "peers": [task.bacnet_master],
            "commands": True,
            "watchdog": 300,
            "understood": True,
        },
    )
    await add_part(
        hass,
        entry,
        "gateway",
        {"next_step_id": "modbus"},
        {
            "name": "Registers",
            "tls": False,
            "interface": INTERFACE,
            "port": task.modbus_port,
            "unit_id": 1,
            "peers": [task.modbus_master],
            "commands": True,
            "watchdog": 300,
            "priority": 16,
            "understood": True,
        },
    )


def _is_ready(entry: ConfigEntry[Any]) -> bool:
    """Whether all heaters follow, the house reports, and both servers run."""
    runtime = entry.runtime_data
    links = runtime.links.values()
    return (
        all(server.running for server in runtime.gateway.servers.values())
        and all(each.available for each in runtime.heaters.values())
        and all(link.last_update_success for link in links)
        and any(DEMAND in link.counters.get("reported", ()) for link in links)
        and [each.data.power_limit_w for each in runtime.heaters.values()][1:3]
        == [STANDBY_W, STANDBY_W]
    )


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(READY_S):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def serve() -> None:
    """Do the task from the standard input, and go on until that ends."""
    task = Task(**json.loads(await asyncio.to_thread(sys.stdin.readline)))
    hass = await start_hass(task.folder)
    try:
        print(json.dumps(await set_up(hass, task)), flush=True)
        await asyncio.to_thread(sys.stdin.read)
    finally:
        await hass.async_stop(force=True)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=create_event_loop) as runner:
        runner.run(serve())

"""A site with one heater and its gateways, and what they are added with."""

from typing import Any

from custom_components.compute_heater.const import SUBENTRY_GATEWAY
from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.core import Event, HomeAssistant, callback
from simulator.ports import tcp_port, udp_port

from .conftest import until
from .dialogue import answer, begin, expect_form, expect_menu
from .plant import add_subentry

CONTROLLER, SECOND, STRANGER = "127.0.0.2", "127.0.0.3", "127.0.0.77"
INSTANCE = 4711
POWER, STATE, ENABLE, SUPPLY = "av,161", "msv,164", "bv,163", "ai,109"
"""Objects of the first part, which is the heater."""
ENABLE_REGISTER, STATE_REGISTER, POWER_REGISTER = 100, 101, 110
"""Holding registers of the heater; the power in tenths of a percent."""
STATES = {"automatic": 1, "standby": 2, "eco": 3, "full": 4}


def bacnet_answers(**more: Any) -> dict[str, Any]:
    """Return the answers that add the BACnet device."""
    return {
        "name": "Boiler house",
        "device_instance": INSTANCE,
        "interface": "127.0.0.1/8",
        "local_port": udp_port("127.0.0.1"),
        "peers": [CONTROLLER, SECOND],
        "commands": True,
        "watchdog": 300,
        "understood": True,
        **more,
    }


def modbus_answers(**more: Any) -> dict[str, Any]:
    """Return the answers that add the Modbus server."""
    return {
        "name": "Registers",
        "tls": False,
        "interface": "127.0.0.1/8",
        "port": tcp_port("127.0.0.1"),
        "unit_id": 1,
        "peers": [CONTROLLER],
        "commands": True,
        "watchdog": 300,
        "priority": 16,
        "understood": True,
        **more,
    }


async def add_gateway(
    hass: HomeAssistant, entry: ConfigEntry, kind: str, answers: dict[str, Any]
) -> str:
    """Add a gateway; return its id."""
    return await add_subentry(hass, entry, "gateway", {"next_step_id": kind}, answers)


async def gateway_form(hass: HomeAssistant, site: ConfigEntry, kind: str) -> Any:
    """Open the dialogue that adds a gateway, and choose its protocol."""
    result = await begin(hass, site, SUBENTRY_GATEWAY)
    expect_menu(result, "user", "bacnet", "modbus")
    result = await answer(hass, result, {"next_step_id": kind})
    expect_form(result, kind)
    return result


def gateways(site: ConfigEntry) -> list[ConfigSubentry]:
    """Return the subentries of all gateways."""
    return list(site.get_subentries_of_type(SUBENTRY_GATEWAY))


async def serving(site: ConfigEntry) -> None:
    """Wait until all gateways run."""
    servers = site.runtime_data.gateway.servers.values()
    await until(lambda: all(server.running for server in servers))


def heard(hass: HomeAssistant) -> list[dict[str, Any]]:
    """Return a list that events of the gateway are added to."""
    found: list[dict[str, Any]] = []

    @callback
    def note(event: Event) -> None:
        found.append({**event.data})

    hass.bus.async_listen("compute_heater_building", note)
    return found

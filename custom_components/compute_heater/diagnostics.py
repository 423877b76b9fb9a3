"""Diagnostics of a site, without secrets."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from yarl import URL

from homeassistant.components.diagnostics import REDACTED, async_redact_data
from homeassistant.const import (
    CONF_ADDRESS,
    CONF_HOST,
    CONF_PASSWORD,
    CONF_TOKEN,
    CONF_URL,
    CONF_USERNAME,
)
from homeassistant.core import HomeAssistant

from .const import (
    CONF_BBMD,
    CONF_CERTIFICATE,
    CONF_CLIENT_CA,
    CONF_FINGERPRINT,
    CONF_INTERFACE,
    CONF_PEERS,
    CONF_PRIVATE_KEY,
    CONF_WORK,
    SUBENTRY_BACNET,
)
from .coordinator import ComputeHeaterConfigEntry
from .gateway_site import SiteGateway
from .plan_view import described

TO_REDACT = {
    CONF_BBMD,
    CONF_CERTIFICATE,
    CONF_CLIENT_CA,
    CONF_FINGERPRINT,
    CONF_HOST,
    CONF_INTERFACE,
    CONF_PASSWORD,
    CONF_PEERS,
    CONF_PRIVATE_KEY,
    CONF_TOKEN,
    CONF_URL,
    CONF_USERNAME,
    "serial_number",
    "uuid",
}


# Modbus points have an address as well, but of a register.
TO_REDACT_OF_BACNET = TO_REDACT | {CONF_ADDRESS}


def _plain(value: Any) -> Any:
    """Return mappings and sets of control as JSON has them."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    return value


def _error(error: Exception | None, data: Mapping[str, Any]) -> str:
    """Return what went wrong, without where: errors of the network name the host."""
    text = str(error or "")
    hosts = [work[CONF_HOST] for work in data.get(CONF_WORK, ())]
    if address := data.get(CONF_URL):
        hosts.append(URL(address).host or address)
    for host in hosts:
        text = text.replace(host, REDACTED)
    return text


def _gateway(gateway: SiteGateway) -> dict[str, Any]:
    """Return what is commanded and how the servers are, but not by whom."""
    commands = {
        point.point_id: gateway.core.commands(point.point_id)
        for point in gateway.points
    }
    return {
        **gateway.memory,
        "commands": {
            point_id: {"value": each.command, "priority": each.level}
            for point_id, each in commands.items()
            if each is not None and each.level is not None
        },
        "given_up": gateway.silent_points,
        "servers": {
            server_id: {"running": server.running, **server.counters}
            for server_id, server in gateway.servers.items()
        },
    }


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant, entry: ComputeHeaterConfigEntry
) -> dict[str, Any]:
    """Return configuration, latest readings and latest decisions."""
    runtime = entry.runtime_data
    site = runtime.site
    return {
        "options": dict(entry.options),
        "subentries": {
            subentry_id: {
                "type": subentry.subentry_type,
                "data": async_redact_data(
                    subentry.data,
                    TO_REDACT_OF_BACNET
                    if subentry.subentry_type == SUBENTRY_BACNET
                    else TO_REDACT,
                ),
            }
            for subentry_id, subentry in entry.subentries.items()
        },
        "site": {
            "data": asdict(site.data),
            "path": _plain(asdict(site.path)) if site.path else None,
            "memory": site.memory,
            "plan": described(site),
        },
        "heaters": {
            heater_id: {
                "available": heater.coordinator.available,
                "reading": asdict(heater.coordinator.data)
                if heater.coordinator.data
                else None,
                "decision": asdict(heater.decision) if heater.decision else None,
                "safety": asdict(heater.verdict),
                "command_error": _error(
                    heater.coordinator.command_error,
                    heater.coordinator.subentry.data,
                ),
                "writes": heater.coordinator.driver.writes,
                "update_interval": str(heater.coordinator.update_interval),
            }
            for heater_id, heater in site.heaters.items()
        },
        "sinks": {
            sink_id: {
                "demand": asdict(sink.demand),
                "sources": {
                    source.entity_id: {
                        "value": source.value,
                        "age_s": source.age_s,
                        "max_age_s": source.max_age_s,
                    }
                    for source in sink.sources
                },
            }
            for sink_id, sink in site.sinks.items()
        },
        "backups": {
            backup_id: {
                "requested": backup.requested,
                "heat_w": backup.heat_w,
            }
            for backup_id, backup in site.backups.items()
        },
        "bridges": {
            bridge_id: bridge.memory for bridge_id, bridge in runtime.bridges.items()
        },
        "gateway": _gateway(runtime.gateway),
        "links": {
            link_id: {
                "available": link.last_update_success,
                "values": link.data,
                "commands": {
                    key: asdict(command)
                    for key, command in link.ledger.commands.items()
                },
                **link.counters,
            }
            for link_id, link in runtime.links.items()
        },
    }

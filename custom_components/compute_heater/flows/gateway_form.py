"""The forms of what a building controller may reach us by."""

from collections.abc import Iterable, Mapping, Sequence
import contextlib
from ipaddress import AddressValueError, IPv4Address, IPv4Interface, IPv4Network
import socket
from typing import Any

import probatio

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_ADDRESS, CONF_HOST, CONF_NAME, CONF_PORT
from homeassistant.data_entry_flow import Required
from homeassistant.helpers.field_visibility import ConditionOperator, FieldCondition
from homeassistant.helpers.selector import (
    BooleanSelector,
    FileSelector,
    FileSelectorConfig,
    SelectOptionDict,
    TextSelector,
    TextSelectorConfig,
)

from ..const import (
    CONF_CERTIFICATE,
    CONF_CLIENT_CA,
    CONF_COMMANDS,
    CONF_DEVICE_INSTANCE,
    CONF_INTERFACE,
    CONF_PEERS,
    CONF_PRIORITY,
    CONF_PRIVATE_KEY,
    CONF_ROLES,
    CONF_TLS,
    CONF_UNDERSTOOD,
    CONF_UNIT_ID,
    CONF_WATCHDOG,
    SUBENTRY_BACNET,
    SUBENTRY_MODBUS,
)
from ..gateway.priority import LOWEST, MINIMUM_TIMES
from .bacnet_form import INSTANCE
from .bacnet_side import BBMD_FIELDS, interface_field, local_fields
from .link_errors import FormError
from .point_form import whole

USUAL_PORT = 502
USUAL_TLS_PORT = 802
SHORTEST_WATCHDOG_S, LONGEST_WATCHDOG_S, USUAL_WATCHDOG_S = 10, 3600, 300
LEAST_PREFIX = 16
"""Wider networks are no list of controllers."""

_COMMANDING = FieldCondition(
    field=CONF_COMMANDS, operator=ConditionOperator.EQ, value=True
)
_PEM = FileSelector(FileSelectorConfig(accept=".pem,.crt,.cer,.key"))
_TEXTS = TextSelector(TextSelectorConfig(multiple=True))


def bacnet_schema(interfaces: list[SelectOptionDict]) -> probatio.Schema:
    """Return the form of the BACnet device."""
    return probatio.Schema(
        {
            probatio.Required(CONF_NAME): TextSelector(),
            probatio.Required(CONF_DEVICE_INSTANCE): INSTANCE,
            **local_fields(interfaces),
            **BBMD_FIELDS,
            **_access_fields(),
            probatio.Required(CONF_UNDERSTOOD): BooleanSelector(),
        }
    )


def modbus_schema(interfaces: list[SelectOptionDict]) -> probatio.Schema:
    """Return the form of the Modbus server."""
    return probatio.Schema(
        {
            probatio.Required(CONF_NAME): TextSelector(),
            probatio.Required(CONF_TLS): BooleanSelector(),
            probatio.Required(CONF_INTERFACE): interface_field(interfaces),
            probatio.Required(CONF_PORT): whole(1, 65535),
            probatio.Required(CONF_UNIT_ID): whole(1, 247),
            **_access_fields(),
            Required(CONF_PRIORITY, default=LOWEST, visible=_COMMANDING): whole(
                1, LOWEST
            ),
            probatio.Required(CONF_UNDERSTOOD): BooleanSelector(),
        }
    )


def tls_schema(*, is_stored: bool) -> probatio.Schema:
    """Return the form of the certificates; those that are stored may stay."""
    mark = probatio.Optional if is_stored else probatio.Required
    return probatio.Schema(
        {
            mark(CONF_CERTIFICATE): _PEM,
            mark(CONF_PRIVATE_KEY): _PEM,
            mark(CONF_CLIENT_CA): _PEM,
            probatio.Required(CONF_ROLES): _TEXTS,
        }
    )


def _access_fields() -> dict[Any, Any]:
    return {
        probatio.Required(CONF_PEERS): _TEXTS,
        probatio.Required(CONF_COMMANDS): BooleanSelector(),
        Required(CONF_WATCHDOG, default=USUAL_WATCHDOG_S, visible=_COMMANDING): whole(
            SHORTEST_WATCHDOG_S, LONGEST_WATCHDOG_S
        ),
    }


def known_controllers(entry: ConfigEntry) -> list[str]:
    """Return the addresses of controllers that are links of the site already."""
    found: dict[str, None] = {}
    for subentry in entry.subentries.values():
        if subentry.subentry_type == SUBENTRY_BACNET:
            # "network:device" behind a router is no address of IP.
            host = str(subentry.data[CONF_ADDRESS]).partition(":")[0]
        elif subentry.subentry_type == SUBENTRY_MODBUS:
            host = str(subentry.data.get(CONF_HOST, ""))
        else:
            continue
        with contextlib.suppress(AddressValueError):
            found[str(IPv4Address(host))] = None
    return list(found)


def known_instances(entries: Iterable[ConfigEntry], *, but: str | None) -> set[int]:
    """Return numbers of BACnet devices, ours and others; ``but`` is left out."""
    return {
        subentry.data[CONF_DEVICE_INSTANCE]
        for entry in entries
        for key, subentry in entry.subentries.items()
        if CONF_DEVICE_INSTANCE in subentry.data and key != but
    }


def checked_access(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return who may read and command, as it is stored; raises FormError."""
    if not values[CONF_UNDERSTOOD]:
        raise FormError({CONF_UNDERSTOOD: "not_understood"})
    access: dict[str, Any] = {
        CONF_PEERS: [str(network) for network in _networks(values[CONF_PEERS])],
        CONF_COMMANDS: values[CONF_COMMANDS],
    }
    if values[CONF_COMMANDS]:
        access[CONF_WATCHDOG] = values.get(CONF_WATCHDOG, USUAL_WATCHDOG_S)
    return access


def checked_priority(values: Mapping[str, Any]) -> int:
    """Return the priority of commands without one of their own; raises FormError."""
    priority = int(values.get(CONF_PRIORITY, LOWEST))
    if priority == MINIMUM_TIMES:
        raise FormError({CONF_PRIORITY: "reserved_priority"})
    return priority


def _networks(typed: Sequence[str]) -> list[IPv4Network]:
    networks: dict[IPv4Network, None] = {}
    for text in typed:
        try:
            network = IPv4Network(text.strip())
        except ValueError as err:
            raise FormError({CONF_PEERS: "invalid_peer"}, str(err)) from err
        if network.prefixlen < LEAST_PREFIX:
            raise FormError({CONF_PEERS: "peers_too_wide"}, str(network))
        networks[network] = None
    if not networks:
        raise FormError({CONF_PEERS: "no_peers"})
    return list(networks)


def own_address(interface: str) -> str:
    """Return the address of one of our interfaces; raises FormError."""
    try:
        address = IPv4Interface(interface.strip()).ip
    except ValueError as err:
        raise FormError({CONF_INTERFACE: "invalid_interface"}, str(err)) from err
    if address.is_unspecified or address.is_multicast:
        raise FormError({CONF_INTERFACE: "invalid_interface"}, str(address))
    return str(address)


def check_can_listen(address: str, port: int) -> None:
    """Try a TCP port of ours; raises FormError."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: connections that closed a moment ago do not take the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
            probe.listen(1)
        except OSError as err:
            raise FormError(
                {"base": "cannot_listen"}, err.strerror or str(err)
            ) from err


def checked_roles(typed: Iterable[str]) -> list[str]:
    """Return the roles that may command; raises FormError."""
    roles = list(dict.fromkeys(role.strip() for role in typed if role.strip()))
    if not roles:
        raise FormError({CONF_ROLES: "no_roles"})
    return roles

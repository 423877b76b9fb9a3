"""The network cards of a computer: wake-on-LAN needs their addresses."""

from functools import partial

from ..computer import NetworkPort
from ..heater import Heater
from ..messages import Json
from ..resource import Resource, collection, entity, link
from .health import RACK
from .systems import system_path


def ports_path() -> str:
    """URI of the collection: a machine that knows its cards is one computer."""
    return f"{system_path(0)}/EthernetInterfaces"


def resources(heater: Heater) -> dict[str, Resource]:
    """Return the collection and its members; nothing where there are none."""
    computer = heater.machine.computer
    if computer is None or not computer.ports:
        return {}
    path = ports_path()
    names = [port.name for port in computer.ports]
    found = {
        path: Resource(
            get=lambda: collection(
                path, "EthernetInterfaceCollection", "Network cards", names
            )
        )
    }
    for port in computer.ports:
        at = f"{path}/{port.name}"
        found[at] = Resource(get=partial(_show, at, port))
    return found


def _show(path: str, port: NetworkPort) -> Json:
    return entity(
        path,
        "EthernetInterface",
        port.name,
        f"Network card {port.name}",
        EthernetInterfaceType="Physical",
        MACAddress=port.mac,
        Links={"Chassis": link(RACK)},
    )

"""What the resources show: the machine with its name, its sessions and its events."""

from dataclasses import dataclass
import uuid

from .auth import Authenticator
from .events import EventBroker
from .machine import Machine
from .sessions import SessionStore

VENDOR = "Compute Heater"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heater:
    """Everything that the Redfish service is about."""

    machine: Machine
    name: str
    uuid: str
    user: str
    sessions: SessionStore
    authenticator: Authenticator
    events: EventBroker

    def serial_number(self, part: str) -> str:
        """Stable serial number of a part."""
        return uuid.uuid5(uuid.UUID(self.uuid), part).hex[:12].upper()

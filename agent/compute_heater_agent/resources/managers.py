"""The agent itself as a manager."""

from datetime import UTC, datetime

from .. import __version__
from ..heater import VENDOR, Heater
from ..messages import Json
from ..resource import ROOT, Resource, collection, entity, link
from .health import RACK
from .systems import system_path

MANAGERS = f"{ROOT}/Managers"
AGENT = f"{MANAGERS}/Agent"


def resources(heater: Heater) -> dict[str, Resource]:
    """Return the collection and its one member."""
    started = datetime.now(UTC).isoformat(timespec="seconds")

    def show_agent() -> Json:
        return entity(
            AGENT,
            "Manager",
            "Agent",
            "Compute heater agent",
            ManagerType="Service",
            Manufacturer=VENDOR,
            Model="compute-heater-agent",
            FirmwareVersion=__version__,
            UUID=heater.uuid,
            LastResetTime=started,
            ServiceEntryPointUUID=heater.uuid,
            Status={"State": "Enabled", "Health": "OK"},
            Links={
                "ManagerForChassis": [link(RACK)],
                "ManagerForServers": [
                    link(system_path(index))
                    for index in range(len(heater.machine.modules))
                ],
            },
        )

    return {
        MANAGERS: Resource(
            get=lambda: collection(MANAGERS, "ManagerCollection", "Managers", ["Agent"])
        ),
        AGENT: Resource(get=show_agent),
    }

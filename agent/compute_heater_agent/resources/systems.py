"""The modules of the rack as computer systems."""

import uuid

from ..computer import Computer
from ..errors import TrippedError
from ..heater import Heater
from ..machine import ModuleView
from ..messages import Json, RedfishError, message
from ..modules import ModuleState, ResetType
from ..resource import (
    ROOT,
    Caller,
    Reply,
    Resource,
    collection,
    entity,
    link,
    number,
    without_unknown,
)

SYSTEMS = f"{ROOT}/Systems"
_ACTION = "ComputerSystem.Reset"

_POWER_STATES = {
    ModuleState.OFF: "Off",
    ModuleState.BOOTING: "PoweringOn",
    ModuleState.ON: "On",
    ModuleState.DRAINING: "PoweringOff",
}
_STATUS_STATES = {
    ModuleState.OFF: "Disabled",
    ModuleState.BOOTING: "Starting",
    ModuleState.ON: "Enabled",
    ModuleState.DRAINING: "Quiesced",
}
_HARDWARE_READY = 0.3
"""Share of the boot time after which the operating system starts."""


def system_path(index: int) -> str:
    """URI of a module, counted from 0."""
    return f"{SYSTEMS}/Module{index + 1}"


def resources(heater: Heater) -> dict[str, Resource]:
    """Return the collection, each module and its reset action."""
    names = [f"Module{number}" for number in range(1, len(heater.machine.modules) + 1)]
    found = {
        SYSTEMS: Resource(
            get=lambda: collection(
                SYSTEMS, "ComputerSystemCollection", "Modules", names
            )
        )
    }
    for index in range(len(names)):
        path = system_path(index)
        found[path] = Resource(get=_System(heater, index).show)
        if not heater.machine.reset_types:
            continue
        found[f"{path}/Actions/{_ACTION}"] = Resource(post=_System(heater, index).reset)
    return found


class _System:
    def __init__(self, heater: Heater, index: int) -> None:
        self._heater = heater
        self._index = index
        self._path = system_path(index)
        self._id = f"Module{index + 1}"

    @property
    def _module(self) -> ModuleView:
        return self._heater.machine.modules[self._index]

    def show(self) -> Json:
        module = self._module
        what = self._heater.machine.description
        remark = {} if what.off_remark is None else {"Description": what.off_remark}
        return entity(
            self._path,
            "ComputerSystem",
            self._id,
            f"Module {self._index + 1}",
            SystemType="Physical",
            **remark,
            **without_unknown(Manufacturer=what.manufacturer),
            Model=what.module_model,
            SerialNumber=self._heater.serial_number(self._id),
            UUID=str(uuid.uuid5(uuid.UUID(self._heater.uuid), self._id)),
            PowerState=_POWER_STATES[module.state],
            Status={"State": _STATUS_STATES[module.state], "Health": "OK"},
            BootProgress={"LastState": _boot_progress(module)},
            ProcessorSummary={
                "Count": what.processors,
                **without_unknown(Model=what.processor),
                **_processors(self._heater.machine.computer),
            },
            **_computer(self._path, self._heater.machine.computer),
            Links={
                "Chassis": [link(f"{ROOT}/Chassis/Rack")],
                "ManagedBy": [link(f"{ROOT}/Managers/Agent")],
            },
            **self._actions(),
        )

    def _actions(self) -> Json:
        types = list(self._heater.machine.reset_types)
        if not types:
            return {}
        return {
            "Actions": {
                f"#{_ACTION}": {
                    "target": f"{self._path}/Actions/{_ACTION}",
                    "ResetType@Redfish.AllowableValues": types,
                }
            }
        }

    async def reset(self, body: Json, caller: Caller) -> Reply:
        for name in body:
            if name != "ResetType":
                raise RedfishError(
                    400, message("ActionParameterUnknown", _ACTION, name)
                )
        if "ResetType" not in body:
            raise RedfishError(
                400, message("ActionParameterMissing", _ACTION, "ResetType")
            )
        value = body["ResetType"]
        if not isinstance(value, str) or value not in self._heater.machine.reset_types:
            fault = "ValueNotInList" if isinstance(value, str) else "ValueTypeError"
            raise RedfishError(
                400, message(f"ActionParameter{fault}", value, "ResetType", _ACTION)
            )
        try:
            self._heater.machine.reset(self._index, ResetType(value))
        except TrippedError as err:
            raise RedfishError(409, message("OverTemperatureTripActive")) from err
        return Reply()


def _processors(computer: Computer | None) -> Json:
    if computer is None:
        return {}
    return without_unknown(
        CoreCount=computer.cores, LogicalProcessorCount=computer.threads
    )


def _computer(path: str, computer: Computer | None) -> Json:
    """Show what its operating system tells of a computer."""
    if computer is None:
        return {}
    memory_gib, booted, ports = computer.memory_gib, computer.booted, computer.ports
    return without_unknown(
        HostName=computer.host_name,
        BiosVersion=computer.bios_version,
        LastResetTime=None if booted is None else booted.isoformat(),
        MemorySummary=None
        if memory_gib is None
        else {"TotalSystemMemoryGiB": number(memory_gib, 2)},
        Processors=link(f"{path}/Processors"),
        EthernetInterfaces=link(f"{path}/EthernetInterfaces") if ports else None,
    )


def _boot_progress(module: ModuleView) -> str:
    match module.state:
        case ModuleState.OFF:
            return "None"
        case ModuleState.BOOTING if module.boot_progress < _HARDWARE_READY:
            return "PrimaryProcessorInitializationStarted"
        case ModuleState.BOOTING:
            return "OSBootStarted"
    return "OSRunning"

"""The processors of a computer that knows them; their temperatures are sensors."""

from functools import partial

from ..computer import Processor
from ..heater import Heater
from ..messages import Json
from ..resource import Resource, collection, entity, link, without_unknown
from .health import RACK
from .systems import system_path


def processors_path() -> str:
    """URI of the collection: a machine that knows its processors is one computer."""
    return f"{system_path(0)}/Processors"


def processor_id(index: int) -> str:
    """Id of a processor, counted from 0."""
    return f"CPU{index + 1}"


def processor_path(index: int) -> str:
    """URI of a processor, counted from 0."""
    return f"{processors_path()}/{processor_id(index)}"


def resources(heater: Heater) -> dict[str, Resource]:
    """Return the collection and its members; nothing where they are not known."""
    computer = heater.machine.computer
    if computer is None:
        return {}
    path = processors_path()
    names = [processor_id(index) for index in range(len(computer.processors))]
    found = {
        path: Resource(
            get=lambda: collection(path, "ProcessorCollection", "Processors", names)
        )
    }
    for index, processor in enumerate(computer.processors):
        found[processor_path(index)] = Resource(get=partial(_show, index, processor))
    return found


def _show(index: int, processor: Processor) -> Json:
    vendor = processor.vendor
    return entity(
        processor_path(index),
        "Processor",
        processor_id(index),
        f"Processor {index + 1}",
        ProcessorType="CPU",
        Status={"State": "Enabled", "Health": "OK"},
        Links={"Chassis": link(RACK)},
        **without_unknown(
            Socket=processor.socket,
            ProcessorId=None if vendor is None else {"VendorId": vendor},
            Model=processor.model,
            TotalCores=processor.cores,
            TotalThreads=processor.threads,
            MaxSpeedMHz=processor.max_mhz,
        ),
    )

"""Message registries: where the standard ones are published, and the agent's own."""

from functools import partial

from ..heater import Heater
from ..messages import (
    BASE,
    ENVIRONMENTAL,
    OWN,
    OWN_MESSAGES,
    OWN_VERSION,
    RESOURCE_EVENT,
    Json,
)
from ..resource import ROOT, Resource, collection, entity

REGISTRIES = f"{ROOT}/Registries"
_OWN_FILE = f"{REGISTRIES}/ComputeHeater.{OWN_VERSION}.json"
_PUBLISHED = "https://redfish.dmtf.org/registries"
_STANDARD = {BASE: "1", RESOURCE_EVENT: "3", ENVIRONMENTAL: "0"}
"""Message prefix to the patch version that it was checked against."""


def resources(heater: Heater) -> dict[str, Resource]:
    """Return the collection, its members and the registry of the agent."""
    prefixes = [*_STANDARD, OWN]
    found = {
        REGISTRIES: Resource(
            get=lambda: collection(
                REGISTRIES,
                "MessageRegistryFileCollection",
                "Message registries",
                [prefix.partition(".")[0] for prefix in prefixes],
            )
        ),
        _OWN_FILE: Resource(get=_show_own),
    }
    for prefix in prefixes:
        path = f"{REGISTRIES}/{prefix.partition('.')[0]}"
        found[path] = Resource(get=partial(_show_file, path, prefix))
    return found


def _show_file(path: str, prefix: str) -> Json:
    name = prefix.partition(".")[0]
    location: Json = {"Language": "en"}
    if prefix == OWN:
        location["Uri"] = _OWN_FILE
    else:
        location["PublicationUri"] = f"{_PUBLISHED}/{prefix}.{_STANDARD[prefix]}.json"
    return entity(
        path,
        "MessageRegistryFile",
        name,
        f"{name} message registry",
        Languages=["en"],
        Registry=prefix,
        Location=[location],
    )


def _show_own() -> Json:
    body = entity(
        _OWN_FILE,
        "MessageRegistry",
        f"ComputeHeater.{OWN_VERSION}",
        "Compute heater message registry",
        Language="en",
        RegistryPrefix="ComputeHeater",
        RegistryVersion=OWN_VERSION,
        OwningEntity="Compute Heater",
        Messages={
            name: {
                "Description": text.replace("%1 ", "some ").replace("%2 ", "some "),
                "Message": text,
                "Severity": severity,
                "MessageSeverity": severity,
                "NumberOfArgs": text.count("%"),
                "ParamTypes": ["number"] * text.count("%"),
                "Resolution": resolution,
            }
            for name, (text, severity, resolution) in OWN_MESSAGES.items()
        },
    )
    # A registry is a document that is also published elsewhere: it has no own URI.
    del body["@odata.id"]
    return body

"""The OData metadata document: which schemas the resources follow."""

from typing import Final

from .resource import VERSIONS

_COLLECTIONS: Final = (
    "Chassis",
    "ComputerSystem",
    "Control",
    "CoolantConnector",
    "CoolingUnit",
    "EthernetInterface",
    "EventDestination",
    "LeakDetector",
    "ManagerAccount",
    "Manager",
    "MessageRegistryFile",
    "Processor",
    "Role",
    "Sensor",
    "Session",
)
_SCHEMAS: Final = "http://redfish.dmtf.org/schemas/v1"
_OASIS: Final = "http://docs.oasis-open.org/odata/ns"


def metadata_document() -> str:
    """Return the CSDL document with a reference to each schema, as XML."""
    versions = VERSIONS | {"Event": "v1_13_0", "Message": "v1_3_0"}
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<edmx:Edmx xmlns:edmx="{_OASIS}/edmx" Version="4.0">',
        _reference("RedfishExtensions", "RedfishExtensions.v1_0_0", "Redfish"),
    ]
    for schema, version in sorted(versions.items()):
        lines.append(_reference(schema, schema, None, f"{schema}.{version}"))
    lines += [
        _reference(f"{name}Collection", f"{name}Collection") for name in _COLLECTIONS
    ]
    root = f"ServiceRoot.{VERSIONS['ServiceRoot']}"
    lines += [
        "  <edmx:DataServices>",
        f'    <Schema xmlns="{_OASIS}/edm" Namespace="Service">',
        f'      <EntityContainer Name="Service" Extends="{root}.ServiceContainer"/>',
        "    </Schema>",
        "  </edmx:DataServices>",
        "</edmx:Edmx>",
    ]
    return "\n".join(lines) + "\n"


def _reference(
    schema: str, namespace: str, alias: str | None = None, versioned: str | None = None
) -> str:
    names = [f'Namespace="{namespace}"' + (f' Alias="{alias}"' if alias else "")]
    if versioned is not None:
        names.append(f'Namespace="{versioned}"')
    includes = "".join(f"<edmx:Include {name}/>" for name in names)
    return (
        f'  <edmx:Reference Uri="{_SCHEMAS}/{schema}_v1.xml">'
        f"{includes}</edmx:Reference>"
    )

"""Service root, version object and OData service document."""

from ..heater import VENDOR, Heater
from ..messages import Json
from ..resource import ROOT, Resource, entity, link

_PUBLIC = frozenset({"GET", "HEAD"})
_CHILDREN = (
    "AccountService",
    "Chassis",
    "EventService",
    "Managers",
    "Registries",
    "SessionService",
    "Systems",
    "ThermalEquipment",
)


def resources(heater: Heater) -> dict[str, Resource]:
    """All of them may be read without credentials."""
    children = [
        child
        for child in _CHILDREN
        if child != "ThermalEquipment" or heater.machine.cooling is not None
    ]

    def service_root() -> Json:
        return entity(
            f"{ROOT}/",
            "ServiceRoot",
            "RootService",
            heater.name,
            RedfishVersion="1.20.0",
            UUID=heater.uuid,
            Vendor=VENDOR,
            Product=heater.machine.description.model,
            ProtocolFeaturesSupported={
                "ExpandQuery": {
                    "ExpandAll": False,
                    "Levels": False,
                    "Links": False,
                    "NoLinks": False,
                },
                "FilterQuery": False,
                "OnlyMemberQuery": False,
                "SelectQuery": False,
                "ExcerptQuery": False,
                "DeepOperations": {"DeepPATCH": False, "DeepPOST": False},
            },
            **{child: link(f"{ROOT}/{child}") for child in children},
            Links={"Sessions": link(f"{ROOT}/SessionService/Sessions")},
        )

    def versions() -> Json:
        return {"v1": f"{ROOT}/"}

    def service_document() -> Json:
        entries = [
            {"name": child, "kind": "Singleton", "url": f"{ROOT}/{child}"}
            for child in children
        ]
        root = {"name": "Service", "kind": "Singleton", "url": f"{ROOT}/"}
        return {
            "@odata.context": f"{ROOT}/$metadata",
            "value": [
                root,
                *entries,
                {
                    "name": "Sessions",
                    "kind": "Singleton",
                    "url": f"{ROOT}/SessionService/Sessions",
                },
            ],
        }

    return {
        "/redfish": Resource(get=versions, public=_PUBLIC),
        ROOT: Resource(get=service_root, public=_PUBLIC),
        f"{ROOT}/odata": Resource(get=service_document, public=_PUBLIC),
    }

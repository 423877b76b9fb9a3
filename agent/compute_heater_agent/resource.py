"""What a Redfish resource is to the web layer, and how its JSON is put together."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from hashlib import sha256
import json
from typing import Any, Final

from .messages import Json

ROOT: Final = "/redfish/v1"

VERSIONS: Final = {
    "AccountService": "v1_18_1",
    "Chassis": "v1_28_0",
    "ComputerSystem": "v1_27_0",
    "Control": "v1_7_0",
    "CoolantConnector": "v1_3_0",
    "CoolingUnit": "v1_5_0",
    "EnvironmentMetrics": "v1_5_0",
    "EthernetInterface": "v1_12_4",
    "EventDestination": "v1_16_0",
    "EventService": "v1_12_0",
    "LeakDetection": "v1_2_0",
    "LeakDetector": "v1_6_0",
    "Manager": "v1_24_0",
    "ManagerAccount": "v1_14_1",
    "MessageRegistry": "v1_7_0",
    "MessageRegistryFile": "v1_1_5",
    "PowerSubsystem": "v1_1_3",
    "Processor": "v1_22_0",
    "Role": "v1_3_3",
    "Sensor": "v1_12_0",
    "ServiceRoot": "v1_20_0",
    "Session": "v1_8_0",
    "SessionService": "v1_2_0",
    "ThermalEquipment": "v1_2_0",
    "ThermalMetrics": "v1_3_2",
    "ThermalSubsystem": "v1_5_0",
}
"""Schema versions of DSP8010 that the resources follow."""

_READINGS: Final = frozenset({"Reading", "LifetimeReading"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """What an operation may want to know about its client."""

    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """Answer to a POST."""

    status: int = 204
    body: Json | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One URI: the methods it takes and, in ``public``, those without credentials."""

    get: Callable[[], Json] | None = None
    patch: Callable[[Json], None] | None = None
    post: Callable[[Json, Caller], Awaitable[Reply]] | None = None
    delete: Callable[[], None] | None = None
    public: frozenset[str] = frozenset()

    @property
    def methods(self) -> list[str]:
        """Methods in the order of the Allow header."""
        reading = ["GET", "HEAD"] if self.get else []
        named = (("PATCH", self.patch), ("POST", self.post), ("DELETE", self.delete))
        return reading + [name for name, operation in named if operation]


def odata_type(schema: str) -> str:
    """Return the value of @odata.type for a schema; collections have no version."""
    version = VERSIONS.get(schema)
    return f"#{schema}.{version}.{schema}" if version else f"#{schema}.{schema}"


def entity(path: str, schema: str, ident: str, name: str, **rest: Any) -> Json:
    """Put a resource together."""
    return {
        "@odata.id": path,
        "@odata.type": odata_type(schema),
        "Id": ident,
        "Name": name,
        **rest,
    }


def collection(path: str, schema: str, name: str, members: Iterable[str]) -> Json:
    """Put a resource collection together from the Ids of its members."""
    links = [link(f"{path}/{member}") for member in members]
    return {
        "@odata.id": path,
        "@odata.type": odata_type(schema),
        "Name": name,
        "Members": links,
        "Members@odata.count": len(links),
    }


def link(path: str) -> Json:
    """Refer to another resource."""
    return {"@odata.id": path}


def number(value: float, digits: int = 3) -> float:
    """Round for the wire; whole numbers are written without a point."""
    rounded = round(value, digits)
    return int(rounded) if rounded == int(rounded) else rounded


def optional_number(value: float | None, digits: int = 3) -> float | None:
    """Round for the wire; what is unknown is null."""
    return None if value is None else number(value, digits)


def without_unknown(**values: Any) -> Json:
    """Keep what is known: what is not is left out."""
    return {name: value for name, value in values.items() if value is not None}


def etag(body: Json) -> str:
    """Return the weak ETag of a representation.

    It covers what can be set and stated, not readings: a client that changes a set
    point between two readings of a sensor must not be told that it was late.
    """
    text = json.dumps(_without_readings(body), sort_keys=True)
    return f'W/"{sha256(text.encode()).hexdigest()[:16]}"'


def has_readings(body: Any) -> bool:
    """Tell whether a representation holds measured values, which no ETag covers."""
    match body:
        case dict():
            return not _READINGS.isdisjoint(body) or any(
                has_readings(value) for value in body.values()
            )
        case list():
            return any(has_readings(value) for value in body)
    return False


def _without_readings(body: Any) -> Any:
    match body:
        case dict():
            return {
                key: _without_readings(value)
                for key, value in body.items()
                if key not in _READINGS
            }
        case list():
            return [_without_readings(value) for value in body]
    return body

"""What makers of BMCs do in their own way, as data; the standard comes first everywhere."""

from dataclasses import dataclass

from .redfish_client import RedfishClient
from .redfish_json import JsonObject, link, links, number, obj, objects, text
from .redfish_lookup import optional


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """One maker. Everything defaults to what the standard says."""

    name: str
    words: tuple[str, ...]
    """One of them is in the names of maker or product, or is a key of ``Oem``."""
    floor_path: tuple[str, ...] = ()
    """Lowest cap inside ``PowerControl[0]``, where the standard has no place for it."""
    attributes: tuple[str, ...] = ()
    """Path inside the manager to links of attributes, which know the range …"""
    attributes_id: str = ""
    """… in the one with this id …"""
    floor_attribute: str = ""
    max_attribute: str = ""
    """… under these names."""
    zones: tuple[str, ...] = ()
    """Path inside ``Power`` to a service that caps by zones of the chassis."""
    highest_w: float | None = None
    """No cap above this is taken, whatever the rated power."""
    lifts_with_null: bool = False
    """A Control without mode is lifted by null, not by its maximum."""
    has_lease: bool = False
    """Without requests the cap falls back to ``DefaultSetPoint`` by itself."""


STANDARD = Vendor(name="standard", words=())
VENDORS = (
    # iDRAC 9 guide: integers only; racadm and exports show ServerPwr.1 thresholds.
    Vendor(
        name="Dell",
        words=("dell", "idrac"),
        attributes=("Links", "Oem", "Dell", "DellAttributes"),
        attributes_id="System.Embedded.1",
        floor_attribute="ServerPwr.1.PowerCapMinThres",
        max_attribute="ServerPwr.1.PowerCapMaxThres",
    ),
    # iLO resource definitions; HPE's own tools take the lowest consumption as floor.
    Vendor(
        name="HPE",
        words=("hpe", "hewlett packard enterprise", "ilo"),
        floor_path=("PowerMetrics", "MinConsumedWatts"),
        zones=("Oem", "Hpe", "Links", "AccPowerService"),
    ),
    # Lenovo's examples: null lifts, 32766 is the most.
    Vendor(
        name="Lenovo",
        words=("lenovo", "xclarity"),
        highest_w=32766.0,
        lifts_with_null=True,
    ),
    Vendor(name="our agent", words=("compute heater",), has_lease=True),
    Vendor(name="Supermicro", words=("supermicro", "super micro")),
    Vendor(name="OpenBMC", words=("openbmc",)),
)


def vendor_of(*bodies: JsonObject) -> Vendor:
    """Tell the maker by what resources say of themselves, first resource first."""
    for body in bodies:
        said = [text(body, key) for key in ("Vendor", "Manufacturer", "Product")]
        words = {
            word
            for name in (*said, *obj(body, "Oem"))
            if name
            for word in _spellings(name)
        }
        for vendor in VENDORS:
            if words.intersection(vendor.words):
                return vendor
    return STANDARD


def _spellings(name: str) -> list[str]:
    """Single words and pairs and triples of them, in lower case."""
    words = name.lower().replace(",", " ").replace(".", " ").split()
    return [
        " ".join(words[start : start + length])
        for length in (1, 2, 3)
        for start in range(len(words) - length + 1)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorRange:
    """Range of a cap that only the maker's own resources tell."""

    floor_w: float | None = None
    max_w: float | None = None


async def vendor_range(
    client: RedfishClient, vendor: Vendor, chassis: JsonObject, power: JsonObject
) -> VendorRange:
    """Look for the range of the cap where this maker keeps it."""
    if vendor.floor_path:
        controls = objects(power, "PowerControl")
        lowest = number(controls[0], *vendor.floor_path) if controls else None
        return VendorRange(floor_w=lowest or None)
    if not vendor.attributes:
        return VendorRange()
    for manager_uri in links(chassis, "Links", "ManagedBy"):
        manager = await optional(client, manager_uri)
        for uri in links(manager, *vendor.attributes):
            if uri.rstrip("/").rpartition("/")[2] == vendor.attributes_id:
                found = obj(await optional(client, uri), "Attributes")
                return VendorRange(
                    floor_w=number(found, vendor.floor_attribute),
                    max_w=number(found, vendor.max_attribute),
                )
    return VendorRange()


async def zone_limit(
    client: RedfishClient, vendor: Vendor, power: JsonObject
) -> str | None:
    """Find the resource that caps a chassis of one zone."""
    if not vendor.zones:
        return None
    service = await optional(client, link(power, *vendor.zones))
    uri = link(service, "Links", "PowerLimit")
    limits = objects(await optional(client, uri), "PowerLimits")
    return uri if len(limits) == 1 else None

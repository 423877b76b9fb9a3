"""Which entities are points of the building's controllers."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er

from ..building.bacnet_point import BacnetPoint
from ..building.modbus_point import ModbusPoint, WriteClass
from ..building.point_fields import readable_points
from ..building.points import Point, Role
from ..const import CONF_POINTS, DOMAIN, SUBENTRY_BACNET, SUBENTRY_MODBUS

_PARSE = {
    SUBENTRY_BACNET: BacnetPoint.from_dict,
    SUBENTRY_MODBUS: ModbusPoint.from_dict,
}


class PointEntity(NamedTuple):
    """An entity and the point that it shows."""

    entity: er.RegistryEntry
    point: Point


def point_entities(hass: HomeAssistant, entry: ConfigEntry) -> Iterator[PointEntity]:
    """Return the entities of a site that show points."""
    points: dict[str, Point] = {}
    for subentry in entry.subentries.values():
        if parse := _PARSE.get(subentry.subentry_type):
            found, _ = readable_points(subentry.data[CONF_POINTS], parse)
            prefix = f"{entry.entry_id}_{subentry.subentry_id}"
            points |= {f"{prefix}_{point.key}": point for point in found}
    for entity in er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id):
        if (point := points.get(entity.unique_id)) is not None:
            yield PointEntity(entity, point)


def is_stored_setting(hass: HomeAssistant, entity_id: str) -> bool:
    """Whether an entity writes to a memory that wears."""
    return any(
        _wears(point)
        for entry in hass.config_entries.async_entries(DOMAIN)
        for entity, point in point_entities(hass, entry)
        if entity.entity_id == entity_id
    )


def entity_of_role(
    candidates: Iterable[PointEntity],
    role: Role,
    domain: str,
    device_class: str | None = None,
) -> str | None:
    """Return the one entity that has a role; None when several do, or none.

    One that writes to a memory that wears does not count.
    """
    found = [
        entity.entity_id
        for entity, point in candidates
        if point.role is role
        and entity.domain == domain
        and entity.disabled_by is None
        and device_class in (None, entity.device_class or entity.original_device_class)
        and not _wears(point)
    ]
    return found[0] if len(found) == 1 else None


def _wears(point: Point) -> bool:
    return isinstance(point, ModbusPoint) and point.write_class is WriteClass.EEPROM

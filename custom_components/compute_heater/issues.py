"""Repair issues: what only the owner can put right."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er, issue_registry as ir
from homeassistant.util import dt as dt_util

from .const import CONF_ENTITIES, DOMAIN
from .forecasts.outlook import Outlook
from .site_backup import SiteBackup
from .site_sink import SiteSink

ISSUE_BACKUP_ENTITIES = "backup_entities"
ISSUE_BRIDGE_ENTITIES = "bridge_entities"
ISSUE_BRIDGE_SILENT = "bridge_silent"
ISSUE_CERTIFICATE_CHANGED = "certificate_changed"
ISSUE_CERTIFICATE_EXPIRES = "certificate_expires"
ISSUE_DEVICE_MOVED = "device_moved"
ISSUE_DISINFECTION_IMPOSSIBLE = "disinfection_impossible"
ISSUE_DISINFECTION_OVERDUE = "disinfection_overdue"
ISSUE_DUPLICATE_INSTANCE = "duplicate_instance"
ISSUE_GATEWAY_FAILED = "gateway_failed"
ISSUE_GATEWAY_SILENT = "gateway_silent"
ISSUE_HEATER_ENTITIES = "heater_entities"
ISSUE_LIMIT_IGNORED = "limit_ignored"
ISSUE_MISSING_ENTITIES = "missing_entities"
ISSUE_MODBUS_YAML_HUB = "modbus_yaml_hub"
ISSUE_PLANNER_FAILED = "planner_failed"
ISSUE_POINTS_CHANGED = "points_changed"
ISSUE_POINTS_MISSING = "points_missing"
ISSUE_SITE_ENTITIES = "site_entities"
ISSUE_SOLVER_MISSING = "solver_missing"

_ALL = (
    ISSUE_BACKUP_ENTITIES,
    ISSUE_BRIDGE_ENTITIES,
    ISSUE_BRIDGE_SILENT,
    ISSUE_CERTIFICATE_CHANGED,
    ISSUE_CERTIFICATE_EXPIRES,
    ISSUE_DEVICE_MOVED,
    ISSUE_DISINFECTION_OVERDUE,
    ISSUE_DUPLICATE_INSTANCE,
    ISSUE_GATEWAY_FAILED,
    ISSUE_GATEWAY_SILENT,
    ISSUE_HEATER_ENTITIES,
    ISSUE_LIMIT_IGNORED,
    ISSUE_MISSING_ENTITIES,
    ISSUE_MODBUS_YAML_HUB,
    ISSUE_PLANNER_FAILED,
    ISSUE_POINTS_CHANGED,
    ISSUE_POINTS_MISSING,
    ISSUE_SITE_ENTITIES,
    ISSUE_SOLVER_MISSING,
)
_FIXABLE = (
    ISSUE_CERTIFICATE_EXPIRES,
    ISSUE_DEVICE_MOVED,
    ISSUE_GATEWAY_FAILED,
    ISSUE_HEATER_ENTITIES,
    ISSUE_POINTS_CHANGED,
    ISSUE_POINTS_MISSING,
)
_NAMES_SHOWN = 10
_EXPIRES_SOON = timedelta(days=14)


@callback
def _tell(
    hass: HomeAssistant,
    key: str,
    subentry_id: str,
    placeholders: Mapping[str, str] | None,
    data: Mapping[str, str] | None = None,
    text: str | None = None,
) -> None:
    """Tell what is wrong with a part, or with ``None`` that it is right again.

    ``text`` is the key of the words, where one issue has several causes.
    """
    issue_id = f"{key}_{subentry_id}"
    if placeholders is None:
        ir.async_delete_issue(hass, DOMAIN, issue_id)
        return
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue_id,
        is_fixable=key in _FIXABLE,
        severity=ir.IssueSeverity.ERROR,
        translation_key=text or key,
        translation_placeholders=dict(placeholders),
        data=None if data is None else {"key": key, **data},
    )


@callback
def async_check_entities(hass: HomeAssistant, sink: SiteSink) -> None:
    """Tell of entities that a consumer relies on and that do not exist any more."""
    missing = _missing(hass, sink.entity_ids)
    placeholders = {"consumer": sink.subentry.title, "entities": ", ".join(missing)}
    _tell(hass, ISSUE_MISSING_ENTITIES, sink.sink_id, placeholders if missing else None)


@callback
def async_check_backup(hass: HomeAssistant, backup: SiteBackup) -> None:
    """Tell of entities that a backup relies on and that do not exist any more."""
    missing = _missing(hass, backup.entity_ids)
    placeholders = {"backup": backup.subentry.title, "entities": ", ".join(missing)}
    _tell(
        hass,
        ISSUE_BACKUP_ENTITIES,
        backup.backup_id,
        placeholders if missing else None,
    )


@callback
def async_check_output(
    hass: HomeAssistant, bridge: ConfigSubentry, entity_id: str
) -> None:
    """Tell of an entity that a bridge writes to and that does not exist any more."""
    missing = _missing(hass, [entity_id])
    placeholders = {"bridge": bridge.title, "entity": entity_id}
    _tell(
        hass,
        ISSUE_BRIDGE_ENTITIES,
        bridge.subentry_id,
        placeholders if missing else None,
    )


@callback
def async_tell_bridge(
    hass: HomeAssistant,
    bridge: ConfigSubentry,
    entity_ids: Iterable[str],
    *,
    silent: bool,
) -> None:
    """Tell of a bridge whose source has been silent for too long."""
    placeholders = {"bridge": bridge.title, "entities": ", ".join(entity_ids)}
    _tell(
        hass,
        ISSUE_BRIDGE_SILENT,
        bridge.subentry_id,
        placeholders if silent else None,
    )


@callback
def async_check_outlook(
    hass: HomeAssistant, entry: ConfigEntry, outlook: Outlook
) -> None:
    """Tell of entities of a site's options that do not exist any more."""
    missing = _missing(hass, outlook.entity_ids)
    placeholders = {"site": entry.title, "entities": ", ".join(missing)}
    _tell(hass, ISSUE_SITE_ENTITIES, entry.entry_id, placeholders if missing else None)


@callback
def async_check_disinfection(hass: HomeAssistant, sink: SiteSink) -> None:
    """Tell of a tank that was not disinfected when it was due, or cannot be."""
    if (schedule := sink.disinfection) is None:
        return
    placeholders = {
        "consumer": sink.subentry.title,
        "temperature": f"{schedule.settings.temperature_c:g}",
        "minutes": f"{schedule.settings.hold_s / 60:g}",
    }
    _tell(
        hass,
        ISSUE_DISINFECTION_OVERDUE,
        sink.sink_id,
        placeholders if schedule.overdue or schedule.impossible else None,
        text=ISSUE_DISINFECTION_IMPOSSIBLE if schedule.impossible else None,
    )


@callback
def async_check_heater(
    hass: HomeAssistant, entry_id: str, heater: ConfigSubentry
) -> None:
    """Tell of entities that a heater is made of and that do not exist any more."""
    missing = _missing(hass, heater.data.get(CONF_ENTITIES, {}).values())
    placeholders = {"heater": heater.title, "entities": ", ".join(missing)}
    _tell(
        hass,
        ISSUE_HEATER_ENTITIES,
        heater.subentry_id,
        placeholders if missing else None,
        {"entry_id": entry_id, "subentry_id": heater.subentry_id},
    )


def _missing(hass: HomeAssistant, entity_ids: Iterable[str]) -> list[str]:
    """Return those that are neither there nor known, each once."""
    registry = er.async_get(hass)
    return [
        entity_id
        for entity_id in dict.fromkeys(entity_ids)
        if hass.states.get(entity_id) is None and entity_id not in registry.entities
    ]


@callback
def async_tell_certificate(
    hass: HomeAssistant, heater_id: str, title: str, *, changed: bool
) -> None:
    """Tell of a certificate that is not the one the owner trusted."""
    placeholders = {"heater": title} if changed else None
    _tell(hass, ISSUE_CERTIFICATE_CHANGED, heater_id, placeholders)


@callback
def async_tell_limit(
    hass: HomeAssistant, heater_id: str, title: str, *, ignored: bool
) -> None:
    """Tell of a heater that draws more than its power limit allows."""
    placeholders = {"heater": title} if ignored else None
    _tell(hass, ISSUE_LIMIT_IGNORED, heater_id, placeholders)


@callback
def async_tell_planner(
    hass: HomeAssistant, entry: ConfigEntry, *, failed: bool
) -> None:
    """Tell of a site for which no plan can be made."""
    placeholders = {"site": entry.title} if failed else None
    _tell(hass, ISSUE_PLANNER_FAILED, entry.entry_id, placeholders)


@callback
def async_tell_solver(
    hass: HomeAssistant, entry: ConfigEntry, *, missing: bool
) -> None:
    """Tell that the solver could not be installed, or does not run here."""
    placeholders = {"site": entry.title} if missing else None
    _tell(hass, ISSUE_SOLVER_MISSING, entry.entry_id, placeholders)


@callback
def async_tell_objects(
    hass: HomeAssistant,
    entry_id: str,
    link: ConfigSubentry,
    *,
    missing: Sequence[str],
    changed: Sequence[str],
) -> None:
    """Tell of points that the controller has no more, or that are others now."""
    data = {"entry_id": entry_id, "subentry_id": link.subentry_id}
    for key, names in (
        (ISSUE_POINTS_MISSING, missing),
        (ISSUE_POINTS_CHANGED, changed),
    ):
        placeholders = {
            "link": link.title,
            "count": str(len(names)),
            "points": _shown(names),
        }
        _tell(hass, key, link.subentry_id, placeholders if names else None, data)


@callback
def async_tell_places(
    hass: HomeAssistant,
    entry_id: str,
    link: ConfigSubentry,
    address: str,
    places: Sequence[str],
) -> None:
    """Tell of a device that moved, or of two with one instance.

    ``places`` are the addresses that answer to the instance now; a device that is
    just gone answers nowhere.
    """
    others = [place for place in places if place != address]
    placeholders = {
        "link": link.title,
        "address": address,
        "others": ", ".join(others),
        "instance": link.unique_id or "",
    }
    is_there = address in places
    duplicate = bool(others) and (is_there or len(others) > 1)
    _tell(
        hass,
        ISSUE_DUPLICATE_INSTANCE,
        link.subentry_id,
        placeholders if duplicate else None,
    )
    _tell(
        hass,
        ISSUE_DEVICE_MOVED,
        link.subentry_id,
        placeholders if len(others) == 1 and not is_there else None,
        {
            "entry_id": entry_id,
            "subentry_id": link.subentry_id,
            "address": "".join(others[:1]),
        },
    )


@callback
def async_tell_yaml_hub(
    hass: HomeAssistant, link: ConfigSubentry, hub: str | None
) -> None:
    """Tell that configuration.yaml opens a second connection to the device."""
    placeholders = None if hub is None else {"link": link.title, "hub": hub}
    _tell(hass, ISSUE_MODBUS_YAML_HUB, link.subentry_id, placeholders)


@callback
def async_tell_gateway(
    hass: HomeAssistant, entry_id: str, gateway: ConfigSubentry, error: str | None
) -> None:
    """Tell of a server of ours that cannot be started, or with ``None`` that it runs."""
    placeholders = None if error is None else {"gateway": gateway.title, "error": error}
    data = {"entry_id": entry_id, "subentry_id": gateway.subentry_id}
    _tell(hass, ISSUE_GATEWAY_FAILED, gateway.subentry_id, placeholders, data)


@callback
def async_check_certificate(
    hass: HomeAssistant, entry_id: str, gateway: ConfigSubentry, until: datetime | None
) -> None:
    """Tell of certificates of a server of ours that expire soon, or have expired."""
    placeholders = None
    if until is not None and until - dt_util.utcnow() < _EXPIRES_SOON:
        date = dt_util.as_local(until).date().isoformat()
        placeholders = {"gateway": gateway.title, "date": date}
    data = {"entry_id": entry_id, "subentry_id": gateway.subentry_id}
    _tell(hass, ISSUE_CERTIFICATE_EXPIRES, gateway.subentry_id, placeholders, data)


@callback
def async_tell_silent(
    hass: HomeAssistant, entry: ConfigEntry, points: Sequence[str]
) -> None:
    """Tell of commands that were given up because their controller is silent."""
    placeholders = {"site": entry.title, "points": _shown(points)} if points else None
    _tell(hass, ISSUE_GATEWAY_SILENT, entry.entry_id, placeholders)


def _shown(names: Sequence[str]) -> str:
    """Return some names, for there may be hundreds."""
    shown = ", ".join(names[:_NAMES_SHOWN])
    return f"{shown} …" if len(names) > _NAMES_SHOWN else shown


@callback
def async_forget(hass: HomeAssistant, told_id: str) -> None:
    """Delete what was told of a part, or of a site; what still holds is told again."""
    for key in _ALL:
        ir.async_delete_issue(hass, DOMAIN, f"{key}_{told_id}")

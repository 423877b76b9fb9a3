"""Repair issues: what only the owner can put right."""

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er, issue_registry as ir

from .const import DOMAIN
from .site_sink import SiteSink


def _missing_id(sink_id: str) -> str:
    return f"missing_entities_{sink_id}"


def _certificate_id(heater_id: str) -> str:
    return f"certificate_changed_{heater_id}"


@callback
def async_check_entities(hass: HomeAssistant, sink: SiteSink) -> None:
    """Tell of entities that a consumer relies on and that do not exist any more."""
    registry = er.async_get(hass)
    missing = [
        entity_id
        for entity_id in sink.entity_ids
        if hass.states.get(entity_id) is None and entity_id not in registry.entities
    ]
    if not missing:
        ir.async_delete_issue(hass, DOMAIN, _missing_id(sink.sink_id))
        return
    ir.async_create_issue(
        hass,
        DOMAIN,
        _missing_id(sink.sink_id),
        is_fixable=False,
        severity=ir.IssueSeverity.ERROR,
        translation_key="missing_entities",
        translation_placeholders={
            "consumer": sink.subentry.title,
            "entities": ", ".join(missing),
        },
    )


@callback
def async_tell_certificate(
    hass: HomeAssistant, heater_id: str, title: str, *, changed: bool
) -> None:
    """Tell of a certificate that is not the one the owner trusted."""
    if not changed:
        ir.async_delete_issue(hass, DOMAIN, _certificate_id(heater_id))
        return
    ir.async_create_issue(
        hass,
        DOMAIN,
        _certificate_id(heater_id),
        is_fixable=False,
        severity=ir.IssueSeverity.ERROR,
        translation_key="certificate_changed",
        translation_placeholders={"heater": title},
    )


@callback
def async_forget(hass: HomeAssistant, subentry_id: str) -> None:
    """Delete what was told of a part; what still holds is told again."""
    for issue_id in (_missing_id(subentry_id), _certificate_id(subentry_id)):
        ir.async_delete_issue(hass, DOMAIN, issue_id)

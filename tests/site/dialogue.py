"""Dialogues as a user goes through them; everything shown must have a text."""

from functools import cache
import json
from pathlib import Path
from typing import Any

import probatio

from custom_components import compute_heater
from homeassistant.config_entries import SOURCE_RECONFIGURE, SOURCE_USER, ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, section

_OF_CORE = "homeassistant"


async def begin(
    hass: HomeAssistant, entry: ConfigEntry, kind: str, subentry_id: str | None = None
) -> Any:
    """Open the dialogue that adds a part, or changes the one with ``subentry_id``."""
    context: dict[str, str] = {"source": SOURCE_USER}
    if subentry_id is not None:
        context = {"source": SOURCE_RECONFIGURE, "subentry_id": subentry_id}
    result = await hass.config_entries.subentries.async_init(
        (entry.entry_id, kind),
        context=context,  # type: ignore[arg-type]
    )
    check_texts(result, "config_subentries", kind)
    return result


async def answer(hass: HomeAssistant, result: Any, values: dict[str, Any]) -> Any:
    """Fill in the form that is shown; return what follows it."""
    kind = result["handler"][1]
    result = await hass.config_entries.subentries.async_configure(
        result["flow_id"], values
    )
    check_texts(result, "config_subentries", kind)
    await hass.async_block_till_done()
    return result


async def begin_redfish(hass: HomeAssistant, entry: ConfigEntry) -> Any:
    """Open the dialogue that adds a heater, and choose Redfish."""
    result = await begin(hass, entry, "heater")
    expect_menu(result, "user", "redfish", "search", "slurm", "composed")
    return await answer(hass, result, {"next_step_id": "redfish"})


async def without_work(hass: HomeAssistant, result: Any) -> Any:
    """Say that nothing works on the heater; return the form of the settings."""
    expect_menu(result, "work", "no_work", "boinc")
    return await answer(hass, result, {"next_step_id": "no_work"})


def leave(hass: HomeAssistant, result: Any) -> None:
    """Close the dialogue."""
    hass.config_entries.subentries.async_abort(result["flow_id"])


def expect_form(result: Any, step: str, /, **errors: str) -> None:
    """Assert that ``step`` is shown with just these errors, by field."""
    assert result["type"] is FlowResultType.FORM, result
    assert result["step_id"] == step, result
    assert (result["errors"] or {}) == errors, result


def expect_menu(result: Any, step: str, *options: str) -> None:
    """Assert that ``step`` is shown with just these ways to go on."""
    assert result["type"] is FlowResultType.MENU, result
    assert result["step_id"] == step, result
    assert tuple(result["menu_options"]) == options, result


def expect_abort(result: Any, reason: str) -> None:
    """Assert that the dialogue ended for this reason."""
    assert result["type"] is FlowResultType.ABORT, result
    assert result["reason"] == reason, result


def suggested(result: Any) -> dict[str, Any]:
    """Return what the form that is shown suggests, by field; sections are nested."""
    return _suggested(result["data_schema"].schema)


def _suggested(fields: dict[Any, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, field in fields.items():
        if isinstance(field, section):
            values[str(key)] = _suggested(field.schema.schema)
        elif key.description and "suggested_value" in key.description:
            values[str(key)] = key.description["suggested_value"]
        elif not isinstance(key.default, probatio.Undefined):
            values[str(key)] = key.default()
    return values


@cache
def texts(language: str = "en") -> dict[str, Any]:
    """Return the texts of the integration."""
    folder = Path(compute_heater.__file__).parent / "translations"
    found: dict[str, Any] = json.loads(
        (folder / f"{language}.json").read_text(encoding="utf-8")
    )
    return found


def check_texts(result: Any, *path: str) -> None:
    """Assert that step, fields, errors and reasons of a result have their texts."""
    known = texts()
    for key in path:
        known = known[key]
    given = set(result.get("description_placeholders") or ())
    match result["type"]:
        case FlowResultType.ABORT:
            if result.get("translation_domain") != _OF_CORE:
                assert result["reason"] in known["abort"], result["reason"]
        case FlowResultType.MENU:
            options = known["step"][result["step_id"]]["menu_options"]
            assert set(result["menu_options"]) == set(options)
        case FlowResultType.FORM:
            assert result["step_id"] in known["step"], result["step_id"]
            step = known["step"][result["step_id"]]
            assert _placeholders(step.get("description", "")) <= given
            for error in (result["errors"] or {}).values():
                assert error in known["error"], error
                assert _placeholders(known["error"][error]) <= given
            _check_fields(result["data_schema"].schema, step)


def _check_fields(fields: dict[Any, Any], step: dict[str, Any]) -> None:
    for key, field in fields.items():
        if isinstance(field, section):
            assert str(key) in step["sections"], key
            _check_fields(field.schema.schema, step["sections"][str(key)])
        else:
            assert str(key) in step["data"], key
            assert str(key) in step["data_description"], key


def _placeholders(text: str) -> set[str]:
    return {part.split("}")[0] for part in text.split("{")[1:]}

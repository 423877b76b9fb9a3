"""Walk through Home Assistant's set-up dialogues as a user does."""

from collections.abc import Callable, Mapping
from typing import Any

from .errors import DemoError, FlowError
from .hass_client import HassClient, Json

type Form = Json
"""One step of a dialogue as Home Assistant shows it."""
type Answer = Json | Callable[[Form], Json]

_ENTRY = "/api/config/config_entries/flow"
_OPTIONS = "/api/config/config_entries/options/flow"
_SUBENTRY = "/api/config/config_entries/subentries/flow"
LONGEST_DIALOGUE = 20


async def add_entry(
    client: HassClient, domain: str, answers: Mapping[str, Answer]
) -> tuple[str, str | None]:
    """Set up an integration.

    Returns the id of the new entry and, if Home Assistant leads on to the dialogue of
    its first part, the id of that dialogue.
    """
    started = await client.post(_ENTRY, {"handler": domain})
    result = await _walk(client, _ENTRY, started, answers, domain)
    entry_id: str = result["result"]["entry_id"]
    kind, flow_id = result.get("next_flow") or (None, None)
    return entry_id, flow_id if kind == "config_subentries_flow" else None


async def add_subentry(
    client: HassClient,
    entry_id: str,
    kind: str,
    answers: Mapping[str, Answer],
    *,
    flow_id: str | None = None,
) -> str:
    """Add a part to an entry; returns the id of the new subentry.

    ``flow_id`` continues a dialogue that Home Assistant has opened already.
    """
    known = {part["subentry_id"] for part in await subentries(client, entry_id)}
    if flow_id is None:
        started = await client.post(_SUBENTRY, {"handler": [entry_id, kind]})
    else:
        started = await client.get(f"{_SUBENTRY}/{flow_id}")
    await _walk(client, _SUBENTRY, started, answers, kind)
    (new,) = (
        part["subentry_id"]
        for part in await subentries(client, entry_id)
        if part["subentry_id"] not in known
    )
    return str(new)


async def set_options(
    client: HassClient, entry_id: str, answers: Mapping[str, Answer]
) -> None:
    """Go through the options of an entry."""
    started = await client.post(_OPTIONS, {"handler": entry_id})
    await _walk(client, _OPTIONS, started, answers, "options")


async def subentries(client: HassClient, entry_id: str) -> list[Json]:
    """Return the parts of an entry."""
    parts: list[Json] = await client.command(
        "config_entries/subentries/list", entry_id=entry_id
    )
    return parts


async def _walk(
    client: HassClient, url: str, step: Form, answers: Mapping[str, Answer], name: str
) -> Json:
    """Answer step after step until the dialogue ends; a failed one is closed."""
    answered = 0
    while step["type"] in ("form", "menu"):
        resource = f"{url}/{step['flow_id']}"
        try:
            answer = _answer(step, answers, name)
            answered += 1
            if answered > LONGEST_DIALOGUE:
                raise FlowError(f"{name}: the dialogue does not end")
            step = await client.post(resource, answer)
        except DemoError:
            await client.delete(resource)
            raise
    if step["type"] != "create_entry":
        raise FlowError(f"{name}: ended with {step['type']} ({step.get('reason')})")
    return step


def _answer(step: Form, answers: Mapping[str, Answer], name: str) -> Json:
    where = f"{name}, step {step['step_id']}"
    if errors := step.get("errors"):
        raise FlowError(f"{where}: Home Assistant shows {errors}")
    if (answer := answers.get(step["step_id"])) is None:
        raise FlowError(f"{where}: this step was not expected")
    return answer(step) if callable(answer) else answer


def suggestions(form: Form) -> Json:
    """Return what a user sends who only presses Submit: all that is filled in."""
    return _suggestions(form["data_schema"])


def _suggestions(fields: list[Json]) -> Json:
    filled: Json = {}
    for field in fields:
        if field.get("type") == "expandable":
            filled[field["name"]] = _suggestions(field["schema"])
        elif (hint := (field.get("description") or {})).get(
            "suggested_value"
        ) is not None:
            filled[field["name"]] = hint["suggested_value"]
        elif field.get("default") is not None:
            filled[field["name"]] = field["default"]
    return filled


def options(form: Form, field_name: str) -> dict[str, str]:
    """Return what a field offers to choose from: {text shown: value}."""
    for field in form["data_schema"]:
        if field["name"] == field_name:
            selector: dict[str, Any] = field["selector"]["select"]
            return {
                option if isinstance(option, str) else option["label"]: (
                    option if isinstance(option, str) else option["value"]
                )
                for option in selector["options"]
            }
    raise FlowError(f"the form has no field {field_name}")

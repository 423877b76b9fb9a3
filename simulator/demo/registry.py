"""Find entities by what they belong to, never by a guessed id."""

import asyncio
from dataclasses import dataclass
import time

from .errors import MissingEntityError
from .hass_client import HassClient, Json

APPEAR_SECONDS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is known of an entity; None matches everything."""

    domain: str | None = None
    key: str | None = None
    """How the integration itself names the entity within its device."""
    name: str | None = None
    """Name of a point, as the controller of the building gives it."""

    def matches(self, entity: Json) -> bool:
        """Tell whether this is the entity."""
        if self.domain not in (None, entity["entity_id"].partition(".")[0]):
            return False
        if self.name not in (None, entity["original_name"]):
            return False
        device = (entity["config_entry_id"], entity["config_subentry_id"])
        unique_id = "_".join(filter(None, (*device, self.key)))
        return self.key is None or bool(entity["unique_id"] == unique_id)


async def list_entities(client: HassClient, entry_id: str) -> list[Json]:
    """Return the registry's rows of an entry."""
    return [
        entity
        for entity in await client.command("config/entity_registry/list")
        if entity["config_entry_id"] == entry_id
    ]


async def find_entity(
    client: HassClient, entry_id: str, subentry_id: str | None, wanted: Wanted
) -> str:
    """Return the id of the one entity that matches, once it is there.

    Raises MissingEntityError when there is none or more than one.
    """
    deadline = time.monotonic() + APPEAR_SECONDS
    while True:
        found = [
            entity["entity_id"]
            for entity in await list_entities(client, entry_id)
            if entity["config_subentry_id"] == subentry_id and wanted.matches(entity)
        ]
        if len(found) == 1:
            return str(found[0])
        if found or time.monotonic() > deadline:
            raise MissingEntityError(f"{wanted}: found {found or 'nothing'}")
        await asyncio.sleep(0.5)


async def wait_available(client: HassClient, entity_ids: list[str]) -> None:
    """Wait until all entities have a state. Raises MissingEntityError after a while."""
    deadline = time.monotonic() + APPEAR_SECONDS
    while missing := [name for name in entity_ids if client.state(name) is None]:
        if time.monotonic() > deadline:
            raise MissingEntityError(f"without a state: {', '.join(missing)}")
        await asyncio.sleep(0.25)

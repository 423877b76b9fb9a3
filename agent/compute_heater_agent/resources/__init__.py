"""The resource tree: every URI of the service."""

from collections.abc import Callable

from ..heater import Heater
from ..resource import Resource
from . import (
    accounts,
    chassis,
    cooling,
    environment,
    event_service,
    leaks,
    managers,
    network_ports,
    processors,
    registries,
    root,
    sensors,
    session_service,
    systems,
)

type Finder = Callable[[str], Resource | None]


class ResourceTree:
    """Finds the resource at a path; fixed ones, then sessions and event streams."""

    def __init__(self, heater: Heater) -> None:
        self._fixed: dict[str, Resource] = {}
        for part in (
            root,
            accounts,
            chassis,
            cooling,
            environment,
            event_service,
            leaks,
            managers,
            network_ports,
            processors,
            registries,
            sensors,
            session_service,
            systems,
        ):
            self._fixed |= part.resources(heater)
        self._finders: tuple[Finder, ...] = (
            session_service.finder(heater),
            event_service.finder(heater),
        )

    def find(self, path: str) -> Resource | None:
        """Return the resource at ``path``; a slash at its end makes no difference."""
        path = path.rstrip("/") or "/"
        if path in self._fixed:
            return self._fixed[path]
        found = (finder(path) for finder in self._finders)
        return next((resource for resource in found if resource), None)

"""The modules of a heater come to light as it is read."""

from collections.abc import Callable, Sequence

from homeassistant.core import callback

from .coordinator import ComputeHeaterConfigEntry
from .heater_coordinator import HeaterCoordinator
from .heaters.model import ModuleReading

MODULES_SHOWN = 16
"""Of a heater with more, the entities of its modules are disabled at first."""


@callback
def async_watch_modules(
    entry: ComputeHeaterConfigEntry,
    coordinator: HeaterCoordinator,
    add: Callable[[Sequence[ModuleReading], bool], None],
) -> None:
    """Call ``add`` with modules that were not seen before, of a heater with several.

    With them comes whether to enable their entities.
    """
    known: set[str] = set()

    @callback
    def add_new() -> None:
        modules = (coordinator.data.modules if coordinator.available else None) or ()
        new = [module for module in modules if module.key not in known]
        if len(modules) > 1 and new:
            known.update(module.key for module in new)
            add(new, len(modules) <= MODULES_SHOWN)

    add_new()
    entry.async_on_unload(coordinator.async_add_listener(add_new))

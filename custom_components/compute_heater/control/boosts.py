"""Consumers that are heated at once because somebody asked for it."""

from collections.abc import Collection, Mapping
from datetime import datetime


class Boosts:
    """Until when each sink is boosted."""

    def __init__(self) -> None:
        """Boost nothing."""
        self._until: dict[str, datetime] = {}

    def set(self, sink_id: str, until: datetime | None) -> None:
        """Boost a sink until a time; None ends it."""
        self._until.pop(sink_id, None)
        if until is not None:
            self._until[sink_id] = until

    def is_on(self, sink_id: str, now: datetime) -> bool:
        """Whether a sink is boosted."""
        return sink_id in self._until and now < self._until[sink_id]

    def serves(
        self, sink_id: str, now: datetime, temperature_c: float | None, target_c: float
    ) -> bool:
        """Whether a boost still has something to do; one that is done ends.

        A sink whose temperature nobody knows is not boosted on.
        """
        if not self.is_on(sink_id, now) or (
            temperature_c is None or temperature_c >= target_c
        ):
            self.set(sink_id, None)
            return False
        return True

    @property
    def memory(self) -> dict[str, object]:
        """Return what must survive a restart, JSON-serialisable."""
        return {key: until.isoformat() for key, until in self._until.items()}

    def restore(self, memory: Mapping[str, object], sinks: Collection[str]) -> None:
        """Take over what was stored for sinks that exist; what is broken is left out."""
        for key, until in memory.items():
            if key in sinks and (time := _time(until)) is not None:
                self._until[key] = time


def _time(stored: object) -> datetime | None:
    if not isinstance(stored, str):
        return None
    try:
        time = datetime.fromisoformat(stored)
    except ValueError:
        return None
    return None if time.tzinfo is None else time

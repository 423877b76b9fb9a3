"""Commands of a building with their priorities, as BACnet has them (clause 19.2)."""

from dataclasses import dataclass

from .points import Value

PRIORITIES = 16
LOWEST = PRIORITIES
MINIMUM_TIMES = 6
"""The priority that devices keep for minimum on and off times; nobody may write it."""


@dataclass(frozen=True, slots=True)
class Slot:
    """What one priority commands, and who wrote it."""

    value: Value
    peer: str


class PriorityArray:
    """The commands of one point; the lowest number counts."""

    def __init__(self, default: Value) -> None:
        """Begin with no command; ``default`` holds while there is none."""
        self.default = default
        self._slots: list[Slot | None] = [None] * PRIORITIES

    @property
    def slots(self) -> tuple[Slot | None, ...]:
        """All slots, that of priority 1 first."""
        return tuple(self._slots)

    @property
    def level(self) -> int | None:
        """The priority in command, from 1; None while nobody commands."""
        return next((n for n, slot in enumerate(self._slots, 1) if slot), None)

    @property
    def value(self) -> Value:
        """What holds: the command of the highest priority, or else the default."""
        level = self.level
        slot = None if level is None else self._slots[level - 1]
        return self.default if slot is None else slot.value

    @property
    def command(self) -> Value | None:
        """What is commanded; None while nobody commands."""
        return None if self.level is None else self.value

    def write(self, slot: Slot, priority: int) -> None:
        """Command with a priority (1…16)."""
        self._slots[priority - 1] = slot

    def relinquish(self, priority: int) -> None:
        """Take the command of a priority back, if there is one."""
        self._slots[priority - 1] = None

    def holds(self, peer: str) -> bool:
        """Whether a controller has a command here, in force or not."""
        return any(slot is not None and slot.peer == peer for slot in self._slots)

    def drop(self, peer: str) -> bool:
        """Take back all that a controller has commanded; tell whether it had."""
        if not self.holds(peer):
            return False
        self._slots = [
            None if slot is not None and slot.peer == peer else slot
            for slot in self._slots
        ]
        return True

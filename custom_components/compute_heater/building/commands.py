"""What we hold in one controller: commands to be given up one day."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, NamedTuple, Self

from .points import Point, PointTooSoonError, Value
from .values import same_real


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A value that we wrote and that is in force until it is given up."""

    value: Value
    restore: Value | None = None
    """What to put back; None where the controller does so itself."""
    written_at: float
    """Monotonic time in s, as all times here."""
    until: float | None = None
    """It lapses then unless somebody repeats it."""


class Before(NamedTuple):
    """What there was of a point before a write."""

    command: Command | None
    is_orphan: bool


@dataclass(slots=True)
class CommandLedger:
    """Commands by point key. Stored before anything is written."""

    commands: dict[str, Command] = field(default_factory=dict)
    orphans: set[str] = field(default_factory=set)
    """Keys of commands that are to be given up, and could not be so far: those from a
    life that ended without it, and those of a controller that did not answer."""
    written_at: dict[str, float] = field(default_factory=dict)
    """When each point was written last, command or setting."""
    settings_written: dict[str, int] = field(default_factory=dict)
    """How often each memory that wears was written (for diagnostics)."""

    @property
    def memory(self) -> dict[str, Any]:
        """What must survive a restart, as JSON types."""
        return {
            "commands": {key: asdict(each) for key, each in self.commands.items()},
            "orphans": sorted(self.orphans),
            "written_at": self.written_at,
            "settings_written": self.settings_written,
        }

    @classmethod
    def from_memory(cls, memory: Mapping[str, Any], *, same_run: bool) -> Self:
        """Take up what was stored; in another run nobody stands behind the commands.

        Times mean nothing in another run, so intervals between writes begin anew.
        """
        commands = {
            key: Command(**each) for key, each in memory.get("commands", {}).items()
        }
        return cls(
            commands=commands,
            orphans=set(memory.get("orphans", ())) if same_run else set(commands),
            written_at=dict(memory.get("written_at", {})) if same_run else {},
            settings_written=dict(memory.get("settings_written", {})),
        )

    def check_interval(self, point: Point, now: float) -> None:
        """Raise PointTooSoonError when the point was written just before."""
        if (last := self.written_at.get(point.key)) is None:
            return
        wait_s = last + point.write_interval_s - now
        if wait_s > 0:
            raise PointTooSoonError(
                f"{point.name} may be written again in {wait_s:.0f} s", wait_s
            )

    def holds(self, point: Point, value: Value, present: Value | None) -> bool:
        """Whether our command is in force already, as near as the dead band asks."""
        command = self.commands.get(point.key)
        return (
            command is not None
            and point.key not in self.orphans
            and near(value, command.value, point.dead_band)
            and near(present, command.value, point.dead_band)
        )

    def note(
        self,
        point: Point,
        value: Value,
        restore: Value | None,
        now: float,
        lifetime_s: float | None,
    ) -> Before:
        """Note what is about to be written, and return what to put back if it is not.

        ``restore`` counts only where nothing of ours is in force yet.
        """
        self.written_at[point.key] = now
        known = self.commands.get(point.key)
        before = Before(known, point.key in self.orphans)
        if not point.holds_command:
            count = self.settings_written.get(point.key, 0)
            self.settings_written[point.key] = count + 1
            return before
        self.orphans.discard(point.key)
        self.commands[point.key] = Command(
            value=value,
            restore=restore if known is None else known.restore,
            written_at=now,
            until=_until(now, lifetime_s),
        )
        return before

    def prolong(self, key: str, now: float, lifetime_s: float | None) -> None:
        """Note that somebody repeats a command which is in force."""
        until = _until(now, lifetime_s)
        self.commands[key] = replace(self.commands[key], until=until)

    def put_back(self, key: str, before: Before) -> None:
        """Undo note(): nothing was written after all."""
        self.forget(key)
        if before.command is not None:
            self.commands[key] = before.command
        if before.is_orphan:
            self.orphans.add(key)

    def forget(self, key: str) -> None:
        """Note that a command was given up."""
        self.commands.pop(key, None)
        self.orphans.discard(key)

    def to_give_up(self, now: float) -> list[str]:
        """Return keys of commands that nobody stands behind any more."""
        lapsed = (
            key
            for key, command in self.commands.items()
            if command.until is not None and command.until <= now
        )
        return sorted({*lapsed, *self.orphans})

    def only(self, keys: Iterable[str]) -> Self:
        """Return a ledger with some of the commands."""
        wanted = set(keys)
        return type(self)(
            commands={k: each for k, each in self.commands.items() if k in wanted},
            orphans=self.orphans & wanted,
        )


def _until(now: float, lifetime_s: float | None) -> float | None:
    return None if lifetime_s is None else now + lifetime_s


def near(left: Value | None, right: Value | None, dead_band: float) -> bool:
    """Whether two values are the same within a dead band; unknown is like nothing."""
    if left is None or right is None:
        return False
    return same_real(left, right) or abs(left - right) <= dead_band

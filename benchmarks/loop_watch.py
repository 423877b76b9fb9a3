"""How long an event loop is not there for others."""

from collections.abc import Mapping
from dataclasses import dataclass, field
import gc
import selectors
import time
from typing import Any


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a loop: all callbacks between two looks at the sockets."""

    wall_s: float = 0.0
    cpu_s: float = 0.0
    """What of it this thread has worked; the rest is other programs' or the disk's."""
    collecting_s: float = 0.0
    """What of it Python has searched its memory for garbage."""

    @property
    def own_s(self) -> float:
        """Without the collections, whose length is that of all memory in use."""
        return self.wall_s - self.collecting_s


@dataclass(slots=True)
class LoopWatch:
    """Turns since the last ``take``."""

    longest: Turn = field(default_factory=Turn)
    """By wall time."""
    longest_own: Turn = field(default_factory=Turn)
    """By wall time without collections."""
    longest_collection_s: float = 0.0
    cpu_s: float = 0.0
    turns: int = 0
    _collecting_s: float = 0.0
    _collecting_since: float | None = None

    def __post_init__(self) -> None:
        """Listen to the garbage collector."""
        gc.callbacks.append(self._on_collection)

    def close(self) -> None:
        """Listen no more."""
        gc.callbacks.remove(self._on_collection)

    def _on_collection(self, phase: str, _info: Mapping[str, int]) -> None:
        if phase == "start":
            self._collecting_since = time.perf_counter()
        elif self._collecting_since is not None:
            took_s = time.perf_counter() - self._collecting_since
            self._collecting_since = None
            self._collecting_s += took_s
            self.longest_collection_s = max(self.longest_collection_s, took_s)

    def see_turn(self, wall_s: float, cpu_s: float) -> None:
        """Count a turn that just ended."""
        self.turns += 1
        self.cpu_s += cpu_s
        self._note(wall_s, cpu_s)

    def see_wait(self) -> None:
        """Count what other threads collected while the loop waited.

        Meanwhile it could not have come back, whatever happened at its sockets.
        """
        self._note(self._collecting_s, 0.0)

    def _note(self, wall_s: float, cpu_s: float) -> None:
        turn = Turn(wall_s, cpu_s, self._collecting_s)
        self._collecting_s = 0.0
        self.longest = max(self.longest, turn, key=lambda each: each.wall_s)
        self.longest_own = max(self.longest_own, turn, key=lambda each: each.own_s)

    def take(self) -> dict[str, float]:
        """Return what was seen, in ms and s, and begin anew."""
        seen = {
            "longest_ms": 1000 * self.longest.wall_s,
            "longest_cpu_ms": 1000 * self.longest.cpu_s,
            "longest_collecting_ms": 1000 * self.longest.collecting_s,
            "longest_own_ms": 1000 * self.longest_own.own_s,
            "longest_own_cpu_ms": 1000 * self.longest_own.cpu_s,
            "longest_collection_ms": 1000 * self.longest_collection_s,
            "loop_cpu_s": self.cpu_s,
            "turns": float(self.turns),
        }
        self.longest = self.longest_own = Turn()
        self.longest_collection_s, self.cpu_s, self.turns = 0.0, 0.0, 0
        return seen


class WatchedSelector(selectors.DefaultSelector):
    """The selector of a loop; sees each turn, where a timer would see some."""

    def __init__(self, watch: LoopWatch) -> None:
        """Tell ``watch``."""
        super().__init__()
        self._watch = watch
        self._since: tuple[float, float] | None = None

    def select(self, timeout: float | None = None) -> Any:
        """Wait for sockets, between two turns."""
        if self._since is not None:
            wall_s, cpu_s = self._since
            self._watch.see_turn(
                time.perf_counter() - wall_s, time.thread_time() - cpu_s
            )
        ready = super().select(timeout)
        self._watch.see_wait()
        self._since = (time.perf_counter(), time.thread_time())
        return ready

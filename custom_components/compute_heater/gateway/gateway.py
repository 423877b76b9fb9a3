"""What building controllers read and command, whatever protocol they speak."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from ..control.building import BuildingRequest, SiteRequest
from ..control.ladder import HeaterSettings
from ..heaters.model import PowerState
from .guard import Guard, Refusal, RefusedError
from .points import AUTOMATIC, HEARTBEAT, SITE, OfferedPoint, Value
from .priority import LOWEST, PriorityArray, Slot

_STATES = {
    2: PowerState.STANDBY,
    3: PowerState.ECO,
    4: PowerState.FULL,
}
"""By the numbers of ``points.REQUESTS``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One value that a controller writes; None takes its command back."""

    point_id: str
    value: object
    priority: int = LOWEST


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteEvent:
    """What became of something that was written, for the logbook."""

    peer: str
    protocol: str
    point: OfferedPoint | None
    """None where there is no such point."""
    value: object
    priority: int
    refusal: Refusal | None
    """None: accepted."""
    service: str | None = None
    """What was asked for where it was no write; the others say nothing then."""


type ChangeListener = Callable[[set[str]], None]
"""Is told the ids of points whose value, reliability or service has changed."""


class Gateway:
    """The points of one site, for all its servers; no input or output of its own.

    Times are seconds of a clock that nobody sets. Peers are named by whatever stays the
    same for one controller: the IP address.
    """

    def __init__(
        self,
        points: Iterable[OfferedPoint],
        guard: Guard,
        *,
        watchdog_s: float,
        on_command: Callable[[], None],
        on_write: Callable[[WriteEvent], None],
        on_silent: Callable[[str], None],
    ) -> None:
        """Offer ``points``.

        ``on_command`` is called when what is commanded has changed, ``on_write`` for each
        write, and ``on_silent`` with a peer whose commands were given up.
        """
        self.points = {point.point_id: point for point in points}
        self.guard = guard
        self.watchdog_s = watchdog_s
        self._on_command = on_command
        self._on_write = on_write
        self._on_silent = on_silent
        self._commands = {
            point.point_id: PriorityArray(point.default)
            for point in self.points.values()
            if point.is_command and point.default is not None
        }
        self._values: dict[str, Value | None] = {}
        self._heartbeat = 0.0
        self._life: dict[str, tuple[float, float]] = {}
        """When each peer that has a command has shown life, and for how long it may not."""
        self._lost: dict[str, set[str]] = {}
        """Commands that were given up, and the silent peers that had them."""
        self._listeners: list[ChangeListener] = []
        self._heeded = True

    def listen(self, listener: ChangeListener) -> Callable[[], None]:
        """Hear of changes until the answer is called."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def value(self, point_id: str) -> Value | None:
        """Return the present value of a point; None: unknown."""
        if point_id == HEARTBEAT:
            return self._heartbeat
        if (commands := self._commands.get(point_id)) is not None:
            return commands.value
        return self._values.get(point_id)

    def commands(self, point_id: str) -> PriorityArray | None:
        """Return the priority array of a command; None of other points."""
        return self._commands.get(point_id)

    def is_lost(self, point_id: str) -> bool:
        """Whether a command was given up because its master is silent."""
        return point_id in self._lost

    @property
    def heeded(self) -> bool:
        """Whether the strategy has an ear for commands."""
        return self._heeded

    def update(self, values: Mapping[str, Value | None], *, heeded: bool) -> None:
        """Take new readings of points that are no commands."""
        changed = {
            key for key, value in values.items() if self._values.get(key) != value
        }
        self._values.update(values)
        if heeded is not self._heeded:
            self._heeded = heeded
            changed.update(self._commands)
        self._tell(changed)

    def adopt(self, before: Gateway, patience: Callable[[str], float | None]) -> None:
        """Go on with the commands of a gateway that ended just now.

        ``patience`` says after how many seconds without life a peer's commands are given
        up now; None: it may not command. What is not offered any more, or would not be
        taken now, is given up, and so is what comes from a peer that may not command;
        nobody misses such a peer either.
        """
        for key, commands in self._commands.items():
            if (old := before.commands(key)) is None:
                continue
            for priority, slot in enumerate(old.slots, 1):
                if slot is not None and patience(slot.peer) and self._fits(key, slot):
                    commands.write(slot, priority)
            if peers := set(filter(patience, before._lost.get(key, ()))):
                self._lost[key] = peers
        self._heartbeat = before._heartbeat
        self._life = {
            peer: (seen, patience(peer) or watchdog_s)
            for peer, (seen, watchdog_s) in before._life.items()
            if any(each.holds(peer) for each in self._commands.values())
        }

    def _fits(self, point_id: str, slot: Slot) -> bool:
        try:
            self.guard.check(self.points[point_id], slot.value, LOWEST)
        except RefusedError:
            return False
        return True

    def write(
        self,
        writes: Sequence[Write],
        *,
        peer: str,
        protocol: str,
        now: float,
        guard: Guard | None = None,
    ) -> None:
        """Take all that one controller writes at once, or nothing: raises RefusedError.

        ``guard`` is that of the server at which it arrives, where it has one of its own.
        """
        guard = guard or self.guard
        try:
            checked = [self._checked(write, peer, guard) for write in writes]
            guard.spend(
                [
                    self.points[write.point_id]
                    for write, value in zip(writes, checked, strict=True)
                    # Whoever takes a command back may not try again.
                    if value is not None and self._is_change(write, value, peer)
                ],
                peer,
                now,
            )
        except RefusedError as err:
            for write in writes:
                self._report(write, peer, protocol, err.refusal)
            raise
        changed: set[str] = set()
        before = self._effective
        for write, value in zip(writes, checked, strict=True):
            changed |= self._apply(write, value, peer)
        self._note_life(peer, now, guard.watchdog_s or self.watchdog_s)
        # Done before it is told of: whatever fails there must not keep a command in force.
        if self._effective != before:
            self._on_command()
        for write in writes:
            self._report(write, peer, protocol, None)
        self._tell(changed)

    def refuse(
        self, writes: Sequence[Write], *, peer: str, protocol: str, refusal: Refusal
    ) -> NoReturn:
        """Report what a server refuses by itself; raises RefusedError."""
        for write in writes:
            self._report(write, peer, protocol, refusal)
        raise RefusedError(refusal)

    def refuse_service(
        self, service: str, *, peer: str, protocol: str, refusal: Refusal
    ) -> None:
        """Report a service that would change what nobody can change from outside."""
        self._on_write(
            WriteEvent(
                peer=peer,
                protocol=protocol,
                point=None,
                value=None,
                priority=LOWEST,
                refusal=refusal,
                service=service,
            )
        )

    def alive(self, peer: str, now: float, point_id: str | None = None) -> None:
        """Note that a controller reads or renews a point, where it commands that one.

        Without a point it has shown life in some other way.
        """
        if point_id is None:
            self._note_life(peer, now)
            return
        commands = self._commands.get(point_id)
        if commands is not None and commands.holds(peer):
            self._note_life(peer, now)

    def expire(self, now: float) -> None:
        """Give up the commands of controllers that have been silent for too long."""
        before = self._effective
        dropped: dict[str, set[str]] = {}
        for peer, (seen, watchdog_s) in list(self._life.items()):
            if now - seen < watchdog_s:
                continue
            del self._life[peer]
            keys = {key for key, each in self._commands.items() if each.drop(peer)}
            for key in keys:
                self._lost.setdefault(key, set()).add(peer)
            if keys:
                dropped[peer] = keys
        if self._effective != before:
            self._on_command()
        for peer, keys in dropped.items():
            self._on_silent(peer)
            self._tell(keys)

    def request(self, heaters: Mapping[str, HeaterSettings]) -> SiteRequest | None:
        """Return what is commanded, of ``heaters`` by their ids; None: nothing is."""
        heat_kw = self._command(SITE, "heat_request")
        requests = {
            key: request
            for key, settings in heaters.items()
            if (request := self._heater_request(key, settings)) is not None
        }
        if heat_kw is None and not requests:
            return None
        return SiteRequest(
            heat_w=None if heat_kw is None else float(heat_kw) * 1000,
            heaters=requests,
        )

    def _checked(self, write: Write, peer: str, guard: Guard) -> Value | None:
        if not guard.admits(peer):
            raise RefusedError(Refusal.FOREIGN_PEER, write.point_id)
        if (point := self.points.get(write.point_id)) is None:
            raise RefusedError(Refusal.NOT_WRITABLE, write.point_id)
        if write.value is None and point.is_command:
            guard.check(point, point.default, write.priority)
            return None
        return guard.check(point, write.value, write.priority)

    def _is_change(self, write: Write, value: Value, peer: str) -> bool:
        """Whether a command becomes another, as opposed to being renewed."""
        if (commands := self._commands.get(write.point_id)) is None:
            return False
        return commands.slots[write.priority - 1] != Slot(value, peer)

    def _apply(self, write: Write, value: Value | None, peer: str) -> set[str]:
        if write.point_id == HEARTBEAT:
            assert isinstance(value, float)
            self._heartbeat = value
            return {HEARTBEAT}
        commands = self._commands[write.point_id]
        if value is None:
            commands.relinquish(write.priority)
        else:
            commands.write(Slot(value, peer), write.priority)
        self._lost.pop(write.point_id, None)
        return {write.point_id}

    def _report(
        self, write: Write, peer: str, protocol: str, refusal: Refusal | None
    ) -> None:
        self._on_write(
            WriteEvent(
                peer=peer,
                protocol=protocol,
                point=self.points.get(write.point_id),
                value=write.value,
                priority=write.priority,
                refusal=refusal,
            )
        )

    def _note_life(
        self, peer: str, now: float, watchdog_s: float | None = None
    ) -> None:
        if any(each.holds(peer) for each in self._commands.values()):
            _, known_s = self._life.get(peer, (now, watchdog_s or self.watchdog_s))
            # No command by one server lasts longer for what is written at another.
            self._life[peer] = now, min(known_s, watchdog_s or known_s)
        else:
            self._life.pop(peer, None)

    def _tell(self, changed: set[str]) -> None:
        if changed:
            for listener in list(self._listeners):
                listener(changed)

    @property
    def _effective(self) -> dict[str, Value | None]:
        return {key: each.command for key, each in self._commands.items()}

    def _command(self, part: str, key: str) -> float | None:
        """Return an analog or multi-state command; None: nobody gives it."""
        commands = self._commands.get(f"{part}/{key}")
        return (
            None
            if commands is None or commands.command is None
            else float(commands.command)
        )

    def _heater_request(
        self, heater_id: str, settings: HeaterSettings
    ) -> BuildingRequest | None:
        enable = self._command(heater_id, "enable")
        supply_c = self._command(heater_id, "supply_setpoint")
        power_w, state = self._asked(heater_id, settings)
        if (enable, supply_c, power_w, state) == (None, None, None, None):
            return None
        return BuildingRequest(
            state=state, power_w=power_w, allowed=enable != 0, supply_c=supply_c
        )

    def _asked(
        self, heater_id: str, settings: HeaterSettings
    ) -> tuple[float | None, PowerState | None]:
        """Return power or state, whichever was commanded with the higher priority."""
        power = self._commands.get(f"{heater_id}/power_request")
        state = self._commands.get(f"{heater_id}/state_request")
        power_level = None if power is None else power.level
        state_level = None if state is None else state.level
        if state_level is not None and (
            power_level is None or state_level < power_level
        ):
            number = self._command(heater_id, "state_request")
            return None, None if number in (None, AUTOMATIC) else _STATES[int(number)]
        percent = self._command(heater_id, "power_request")
        return None if percent is None else percent / 100 * settings.full_w, None

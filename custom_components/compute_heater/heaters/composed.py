"""Power driver for heaters that are put together from entities: switch, number, select."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
import logging
import time

from .composed_limit import LimitScale, limit_scale
from .composed_settings import ComposedSettings
from .entities import EntityPort, EntityState, Quantity
from .model import (
    Capabilities,
    Command,
    HeaterConnectionError,
    HeaterError,
    HeaterRefusedError,
    Identity,
    PowerState,
    Reading,
)

_LOGGER = logging.getLogger(__name__)

# Integrations that poll their device show a command only at their next poll.
VERIFY_S = 20.0
# A command waits so long for the load to fall; then the readings go on with it.
UNLOAD_PATIENCE_S = 10.0
BOOT_S = 300.0
# Water: 4.186 kJ/(kg·K) at 1 kg/L, and 60 s/min.
_W_PER_LPM_K = 4186 / 60
_SAME_W = 0.5

__all__ = ["ComposedHeater", "ComposedSettings"]


@dataclass(slots=True)
class _Progress:
    """A command that takes more than one step."""

    command: Command
    since: float
    boots_since: float | None = None
    starts_low: bool = False
    """It was off, and shall not begin with more than its lowest limit."""
    ramp: tuple[float, float] | None = None
    """Watts at which the limit began to rise, and when."""
    unloads_since: float | None = None
    switched_at: float | None = None
    """When the switch was told."""
    complaints: list[str] = field(default_factory=list)
    """What to report though everything was done as far as it can be."""

    def complain(self, text: str) -> None:
        """Note what to report once everything is done."""
        if text not in self.complaints:
            self.complaints.append(text)


class ComposedHeater:
    """Entities that somebody else steers a device with, as a compute heater.

    What takes time (booting, raising the limit by a ramp, waiting for the load to fall)
    goes on with every reading, so that nothing happens any more once nobody reads.
    """

    def __init__(
        self,
        port: EntityPort,
        settings: ComposedSettings,
        *,
        verify_s: float = VERIFY_S,
        boot_s: float = BOOT_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is commanded yet. An entity has ``verify_s`` to show a command."""
        self._port = port
        self._settings = settings
        self._verify_s = verify_s
        self._boot_s = boot_s
        self._clock = clock
        self._writes = 0
        self._steering = asyncio.Lock()
        self._progress: _Progress | None = None
        self._failure: HeaterError | None = None
        """What stopped a command between two readings."""
        self._last_sent: dict[str, bool | float | str] = {}
        """By entity: what was sent last and was there then."""

    @property
    def writes(self) -> int:
        """Commands sent to the entities so far."""
        return self._writes

    async def connect(self) -> tuple[Identity, Capabilities]:
        """Return what was chosen, and the range that the entities have.

        Raises HeaterConnectionError for a missing entity that steers it,
        HeaterProtocolError for a number that is no power limit.
        """
        settings = self._settings
        for entity_id in settings.steering:
            self._state(entity_id)
        scale = self._scale() if settings.power_limit else None
        measured = {
            "supply_c": settings.supply,
            "return_c": settings.return_,
            "coolant_c": settings.coolant,
            "flow_lpm": settings.flow,
            "heat_w": settings.supply and settings.return_ and settings.flow,
        }
        works_at_floor = (
            scale is not None
            and scale.floor_w > 0
            and (settings.can_switch or PowerState.STANDBY in settings.modes)
        )
        return (
            Identity(
                uuid=settings.uuid,
                name=settings.name,
                manufacturer=settings.manufacturer,
                model=settings.model,
            ),
            Capabilities(
                can_switch=settings.can_switch,
                floor_w=scale.floor_w if scale else None,
                max_w=scale.max_w if scale else None,
                modules=1,
                has_coolant=bool(measured["heat_w"]),
                step_w=scale.step_w if scale else None,
                levels=settings.levels,
                works_at_floor=works_at_floor,
                measures=tuple(name for name, entity in measured.items() if entity),
            ),
        )

    async def read(self) -> Reading:
        """Return what the entities show, after the next step of a command under way."""
        self._check_reachable()
        if self._progress is not None and not self._steering.locked():
            async with self._steering:
                await self._go_on()
        reading = self._reading()
        if self._progress is None:
            # Whoever commands it will hear of it if it still does not work.
            self._failure = None
        return reading

    async def apply(self, command: Command) -> None:
        """Make it so and read it back; sends nothing that already holds.

        Returns while something takes its time: the reading says that it is changing.
        """
        async with self._steering:
            self._check_reachable()
            self._failure = None
            if self._progress is None or self._progress.command != command:
                self._progress = _Progress(command, self._clock())
            await self._step(patience_s=UNLOAD_PATIENCE_S)

    async def follow(self, on_event: Callable[[], None]) -> None:
        """Call ``on_event`` when one of the entities changes; runs until cancelled."""
        entities = (*self._settings.steering, *self._settings.sensors)
        stop = self._port.watch(entities, on_event)
        try:
            await asyncio.Event().wait()
        finally:
            stop()

    async def close(self) -> None:
        """Go on with nothing; the entities keep what they have."""
        self._progress = None

    # Reading

    def _state(self, entity_id: str) -> EntityState:
        if (state := self._port.state(entity_id)) is None:
            raise HeaterConnectionError(f"there is no {entity_id}")
        return state

    def _value(self, entity_id: str | None) -> bool | float | str | None:
        state = None if entity_id is None else self._port.state(entity_id)
        return None if state is None else state.value

    def _measured(self, entity_id: str | None, quantity: Quantity) -> float | None:
        if entity_id is None:
            return None
        return self._port.measured(entity_id, quantity)

    def _scale(self) -> LimitScale:
        entity_id = self._settings.power_limit
        assert entity_id is not None
        return limit_scale(entity_id, self._state(entity_id), self._settings.rated_w)

    def _check_reachable(self) -> None:
        """Raise if there is no way left to steer it."""
        missing = [e for e in self._settings.steering if self._value(e) is None]
        if len(missing) == len(self._settings.steering):
            raise HeaterConnectionError(f"{', '.join(missing)}: unavailable")

    @property
    def _is_on(self) -> bool | None:
        """Whether it has power and is not in a mode that stands for off."""
        settings = self._settings
        switched = self._value(settings.power_switch)
        mode = self._value(settings.mode_select)
        if switched is False or (
            mode is not None and settings.state_of(mode) is PowerState.OFF
        ):
            return False
        if settings.power_switch is not None and switched is None:
            return None
        # It has power; whether it is off by its mode is not known without the mode.
        if PowerState.OFF in settings.modes and mode is None and not switched:
            return None
        return True

    @property
    def _waits_for(self) -> list[str]:
        """What steers it while it is on, and is not available."""
        settings = self._settings
        if self._value(settings.power_switch) is False:
            return []
        steers = (settings.power_limit, settings.mode_select)
        return [e for e in steers if e is not None and self._value(e) is None]

    def _held_w(self) -> float | None:
        """Return the limit that number or mode stand for."""
        settings = self._settings
        if settings.power_limit is not None:
            value = self._value(settings.power_limit)
            return None if value is None else self._scale().watts(float(value))
        state = settings.state_of(self._value(settings.mode_select))
        return None if state is None else settings.levels_w.get(state)

    def _reading(self) -> Reading:
        settings = self._settings
        supply = self._measured(settings.supply, Quantity.TEMPERATURE)
        return_c = self._measured(settings.return_, Quantity.TEMPERATURE)
        flow = self._measured(settings.flow, Quantity.FLOW)
        heat = None
        if supply is not None and return_c is not None and flow is not None:
            # Sensors that differ a little in the cold are no heat.
            heat = max(flow * (supply - return_c) * _W_PER_LPM_K, 0.0)
        alarm = self._alarm()
        is_on = self._is_on
        progress = self._progress
        booting = progress is not None and progress.boots_since is not None
        return Reading(
            power_w=self._measured(settings.power, Quantity.POWER),
            power_limit_w=self._shown_limit_w() if is_on is not False else None,
            energy_kwh=self._measured(settings.energy, Quantity.ENERGY),
            coolant_c=self._measured(settings.coolant, Quantity.TEMPERATURE),
            supply_c=supply,
            return_c=return_c,
            flow_lpm=flow,
            heat_w=heat,
            is_on=is_on,
            is_changing=progress is not None,
            problem=self._failure is not None
            or any(alarm.values())
            or (bool(self._waits_for) and not booting),
            overheating=alarm.get("heat"),
        )

    def _shown_limit_w(self) -> float | None:
        """Return the limit held, by the number and by a mode that is lower."""
        settings, held = self._settings, self._held_w()
        state = settings.state_of(self._value(settings.mode_select))
        if held is None or state is None or state in settings.levels[-1:]:
            return held
        return min(held, settings.levels_w.get(state, held))

    def _alarm(self) -> dict[str, bool]:
        """Return what the alarm says, of heat or of any other problem."""
        entity_id = self._settings.alarm
        state = None if entity_id is None else self._port.state(entity_id)
        if state is None or not isinstance(state.value, bool):
            return {}
        return {"heat" if state.device_class == "heat" else "problem": state.value}

    # Steering

    async def _go_on(self) -> None:
        """Take the next step; what is wrong with it does not spoil the reading."""
        try:
            await self._step(patience_s=0)
        except HeaterError as err:
            _LOGGER.debug("%s: %s", self._settings.name, err)
            self._failure = err
        else:
            self._failure = None

    async def _step(self, *, patience_s: float) -> None:
        """Go as far towards the command as it is possible now."""
        progress = self._progress
        assert progress is not None
        try:
            if progress.command.on:
                done = await self._turn_on(progress)
            else:
                done = await self._turn_off(progress, patience_s)
        except _StillLoadedError:
            # It may be switched off as soon as the load has gone after all.
            raise
        except HeaterError:
            self._progress = None
            raise
        if done:
            self._progress = None
            if progress.complaints:
                raise HeaterRefusedError("; ".join(progress.complaints))

    async def _turn_on(self, progress: _Progress) -> bool:
        """Lower a limit first, switch on, raise a limit, then let it work."""
        settings, command = self._settings, progress.command
        target = None if command.keep_cap else command.power_limit_w
        limits = settings.power_limit is not None and not command.keep_cap
        if settings.power_switch and self._value(settings.power_switch) is not True:
            was_off = self._value(settings.power_switch) is False
            progress.starts_low = limits and was_off and bool(settings.ramp_w_per_s)
            if limits and self._value(settings.power_limit) is not None:
                # It shall not start with what it was left with.
                await self._limit(
                    0.0 if progress.starts_low else target,
                    progress,
                    only_lower=not was_off,
                )
            if not await self._switch(progress, True):
                return False
            progress.boots_since = self._clock()
        if waits_for := self._waits_for:
            if progress.boots_since is None:
                progress.boots_since = self._clock()
            if self._clock() - progress.boots_since < self._boot_s:
                return False
            raise HeaterRefusedError(f"{', '.join(waits_for)}: still unavailable")
        progress.boots_since = None
        if progress.starts_low:
            await self._limit(0.0, progress)
            progress.starts_low = False
        option = settings.option_for(command.power_limit_w)
        lowers = self._rank(option) < self._rank(self._value(settings.mode_select))
        if lowers:
            await self._mode(progress, option)
        reached = await self._limit(target, progress) if limits else True
        if not lowers:
            await self._mode(progress, option)
        if (
            limits
            and target is not None
            and settings.state_of(option) is not (PowerState.STANDBY)
        ):
            self._check_range(target, progress)
        return reached

    def _check_range(self, watts: float, progress: _Progress) -> None:
        """Complain of a limit that the number does not take, any more."""
        scale, entity_id = self._scale(), self._settings.power_limit
        if watts < scale.floor_w - _SAME_W:
            complaint = f"{entity_id} takes no less than {scale.floor_w:g} W"
        elif watts > scale.max_w + _SAME_W:
            complaint = f"{entity_id} takes no more than {scale.max_w:g} W"
        else:
            return
        progress.complain(complaint)

    def _rank(self, option: object) -> int:
        state = self._settings.state_of(option)
        return -1 if state is None else state.rank

    async def _mode(self, progress: _Progress, option: str | None) -> None:
        select = self._settings.mode_select
        if select is not None and option is not None:
            await self._send(progress, select, option)

    async def _limit(
        self, watts: float | None, progress: _Progress, *, only_lower: bool = False
    ) -> bool:
        """Set the limit, going up no faster than the ramp; tell whether it is reached.

        What lies below the range goes to its lowest; a mode of standby or the switch
        has to do the rest.
        """
        entity_id, scale = self._settings.power_limit, self._scale()
        assert entity_id is not None
        held = float(self._value(entity_id) or 0.0)
        goal = value = scale.maximum if watts is None else scale.value(watts)
        if goal > held and not scale.is_same(goal, held):
            if only_lower:
                return False
            value = min(goal, self._ramped(scale, held, progress))
        await self._send(progress, entity_id, value)
        return scale.is_same(value, goal)

    def _ramped(self, scale: LimitScale, held: float, progress: _Progress) -> float:
        """Return how high the limit may be by now."""
        rate = self._settings.ramp_w_per_s
        if rate is None:
            return scale.maximum
        if progress.ramp is None:
            progress.ramp = (scale.watts(held), self._clock())
        start_w, since = progress.ramp
        return max(held, scale.value(start_w + rate * (self._clock() - since)))

    async def _turn_off(self, progress: _Progress, patience_s: float) -> bool:
        """Let it rest, lower the limit, and cut the supply once the load has gone."""
        settings = self._settings
        if self._is_on is False and self._value(settings.power_switch) is not True:
            return True
        refusal: HeaterError | None = None
        if self._value(settings.power_switch) is not False:
            try:
                await self._rest(progress)
            except HeaterError as err:
                refusal = err
        if settings.power_switch is None:
            if refusal is not None:
                raise refusal
            if not settings.can_switch:
                raise HeaterRefusedError("it can only be lowered, not switched off")
            return True
        if settings.cuts_mains and not await self._is_unloaded(progress, patience_s):
            return False
        return await self._switch(progress, False)

    async def _switch(self, progress: _Progress, on: bool) -> bool:
        """Tell the switch once, and tell whether it shows it by now."""
        settings, now = self._settings, self._clock()
        entity_id = settings.power_switch
        assert entity_id is not None
        if progress.switched_at is None:
            if self._value(entity_id) is None:
                raise HeaterRefusedError(f"{entity_id} is unavailable")
            self._writes += 1
            await self._port.call(entity_id, on)
            progress.switched_at = now
            # What was set before need not outlive it.
            self._last_sent.clear()
            patience_s = min(self._verify_s, settings.switch_s)
            if await self._wait(
                [entity_id], lambda: self._shows(entity_id, on), patience_s
            ):
                return True
        if self._clock() - progress.switched_at < settings.switch_s:
            return False
        raise HeaterRefusedError(
            f"{entity_id} was set to {_text(on)} but shows"
            f" {_text(self._value(entity_id))}"
        )

    async def _rest(self, progress: _Progress) -> None:
        """Lower everything that can be lowered, whatever is wrong with a part of it."""
        settings = self._settings
        failure: HeaterError | None = None
        if self._value(settings.mode_select) is not None:
            try:
                await self._mode(progress, settings.resting_option)
            except HeaterError as err:
                failure = err
        if (
            self._value(settings.power_limit) is not None
            and not progress.command.keep_cap
        ):
            await self._limit(0.0, progress)
        if failure is not None:
            raise failure

    async def _is_unloaded(self, progress: _Progress, patience_s: float) -> bool:
        """Whether the supply may be cut; raises when the load stays for too long."""
        settings = self._settings
        if progress.unloads_since is None:
            progress.unloads_since = self._clock()
        if await self._wait(settings.sensors, lambda: self._is_low, patience_s):
            return True
        waited_s = self._clock() - progress.unloads_since
        if waited_s < settings.unload_s:
            return False
        drawn = self._measured(settings.power, Quantity.POWER)
        what = "an unknown power" if drawn is None else f"{drawn:.0f} W"
        raise _StillLoadedError(
            f"{settings.power_switch} stays on: after {waited_s:.0f} s there is still a"
            f" load of {what}"
        )

    @property
    def _is_low(self) -> bool:
        power = self._measured(self._settings.power, Quantity.POWER)
        full_w = self._settings.levels_w.get(PowerState.FULL)
        if power is None or full_w is None:
            return False
        return power < self._settings.load_share * full_w

    async def _send(
        self, progress: _Progress, entity_id: str, value: bool | float | str
    ) -> None:
        """Command an entity and wait until it shows the value; nothing if it does."""
        if self._shows(entity_id, value):
            self._last_sent[entity_id] = value
            return
        if (before := self._value(entity_id)) is None:
            raise HeaterRefusedError(f"{entity_id} is unavailable")
        if self._last_sent.pop(entity_id, None) == value:
            progress.complain(
                f"{entity_id} was set to {_text(value)} but went back to {_text(before)}"
            )
        self._writes += 1
        await self._port.call(entity_id, value)
        if not await self._wait(
            [entity_id], lambda: self._shows(entity_id, value), self._verify_s
        ):
            raise HeaterRefusedError(
                f"{entity_id} was set to {_text(value)} but shows"
                f" {_text(self._value(entity_id))}"
            )
        self._last_sent[entity_id] = value

    def _shows(self, entity_id: str, value: bool | float | str) -> bool:
        shown = self._value(entity_id)
        if shown is None or isinstance(value, (bool, str)):
            return shown == value
        return self._scale().is_same(float(shown), value)

    async def _wait(
        self, entity_ids: Iterable[str], holds: Callable[[], bool], timeout_s: float
    ) -> bool:
        """Wait until something holds that only changes with these entities."""
        changed = asyncio.Event()
        stop = self._port.watch(entity_ids, changed.set)
        try:
            async with asyncio.timeout(timeout_s):
                while not holds():
                    changed.clear()
                    await changed.wait()
        except TimeoutError:
            return holds()
        finally:
            stop()
        return True


class _StillLoadedError(HeaterRefusedError):
    """The supply was not cut because of the load; it will be when that has gone."""


def _text(value: bool | float | str | None) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return "on" if value else "off"
        case float():
            return f"{value:g}"
        case _:
            return str(value)

"""A power layer and the work layers above it, as one heater."""

import asyncio
from asyncio import gather
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import inf
from statistics import fmean

from .model import (
    Capabilities,
    Command,
    HeaterError,
    HeaterRefusedError,
    Identity,
    PowerDriver,
    Reading,
    WorkDriver,
    WorkReading,
)
from .work_layer import WorkLayer, now

BOOT_S = 300.0
"""How long the work of a heater that was turned on may be out of reach."""
TOLERANCE_W = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class NominalPower:
    """Electrical W with paused work and with all work allowed."""

    paused_w: float
    full_w: float

    def share_at(self, watts: float | None) -> float:
        """Return the share of the work that draws ``watts``; None: no limit."""
        if watts is None or self.full_w <= self.paused_w:
            return 1.0
        share = (watts - self.paused_w) / (self.full_w - self.paused_w)
        return min(max(share, 0.0), 1.0)

    def power_at(self, share: float) -> float:
        """Return the power with ``share`` of the work, in W."""
        return self.paused_w + share * (self.full_w - self.paused_w)


def layered_capabilities(
    power: Capabilities, works: Sequence[WorkDriver], nominal: NominalPower
) -> Capabilities:
    """Return what the layers can do together.

    Where the power layer takes no limit, a share of the work stands for a cap.
    """
    if not works:
        return power
    shares = all(work.can_share for work in works)
    capped = _takes_limits(power) or not shares
    return replace(
        power,
        floor_w=power.floor_w if capped else nominal.paused_w,
        max_w=power.max_w if capped else nominal.full_w,
        can_pause=True,
        can_share=shares,
    )


class LayeredHeater:
    """Steers a power layer and the work on it (a PowerDriver).

    Down: the work rests first, then the cap falls or the power goes. Up: power first,
    and the work once the machine is able to; what is not able yet is caught up with by
    later reads. A work layer that fails is a problem, and never in the way of power.
    Commands that lapse are renewed as long as the heater is read, so that they lapse
    when nobody watches it any more.
    """

    def __init__(
        self, power: PowerDriver, works: Sequence[WorkDriver], *, nominal: NominalPower
    ) -> None:
        """Own the drivers: they are closed with the heater."""
        self._power = power
        self._layers = [WorkLayer(work) for work in works]
        self._nominal = nominal
        self._power_capabilities: Capabilities | None = None
        self._turn = asyncio.Lock()
        self._was_on = True
        self._was_changing = False
        self._boots_until = -inf

    @property
    def writes(self) -> int:
        """Commands sent by all layers so far."""
        return self._power.writes + sum(layer.work.writes for layer in self._layers)

    @property
    def work_errors(self) -> tuple[HeaterError | None, ...]:
        """What is wrong with each work layer."""
        return tuple(layer.error for layer in self._layers)

    @property
    def work_readings(self) -> tuple[WorkReading | None, ...]:
        """What each work layer told last."""
        return tuple(layer.reading for layer in self._layers)

    async def connect(self) -> tuple[Identity, Capabilities]:
        """Find out what the power layer is; the work layers need not answer."""
        identity, self._power_capabilities = await self._power.connect()
        works = [layer.work for layer in self._layers]
        return identity, layered_capabilities(
            self._power_capabilities, works, self._nominal
        )

    async def read(self) -> Reading:
        """Read all layers; raises only for the power layer.

        Renews what would lapse, and commands again what did not come true yet.
        """
        power = await self._power.read()
        async with self._turn:
            capabilities = await self._capabilities()
            self._was_on = power.is_on is not False
            self._was_changing = power.is_changing
            if self._was_on:
                await gather(*(layer.read() for layer in self._layers))
                if not power.is_changing:
                    at_once = self._boots
                    await gather(
                        *(layer.tend(at_once=at_once) for layer in self._layers)
                    )
            else:
                for layer in self._layers:
                    layer.reading = layer.read_error = layer.command_error = None
            return self._merged(power, capabilities)

    async def apply(self, command: Command) -> None:
        """Bring all layers to the command, in order, and raise what went wrong.

        A power layer without a cap is only switched: its cap is the work's share.
        """
        watts = command.power_limit_w
        if watts is not None and not 0 <= watts < inf:
            raise HeaterRefusedError(f"{watts:g} W is no power limit")
        async with self._turn:
            takes_limits = _takes_limits(await self._capabilities())
            was_on = self._was_on
            for layer in self._layers:
                share = self._share(command, layer.work, takes_limits=takes_limits)
                layer.want(share)
            falling = [layer for layer in self._layers if was_on and layer.falls]
            await gather(*(layer.command() for layer in falling))
            if not takes_limits:
                command = replace(command, power_limit_w=None, keep_cap=True)
            await self._power.apply(command)
            self._was_on = command.on
            if not command.on:
                return
            if not was_on:
                self._boots_until = now() + BOOT_S
                return
            if not self._was_changing:
                rest = [layer for layer in self._layers if layer not in falling]
                await gather(*(layer.command() for layer in rest))
            for layer in self._layers:
                if layer.command_error is not None:
                    raise layer.command_error

    async def follow(self, on_event: Callable[[], None]) -> None:
        """Call ``on_event`` when the power layer tells of a change."""
        await self._power.follow(on_event)

    async def close(self) -> None:
        """Leave all layers; they keep their state until it lapses."""
        try:
            for layer in self._layers:
                await layer.work.close()
        finally:
            await self._power.close()

    async def _capabilities(self) -> Capabilities:
        """Return those of the power layer."""
        if self._power_capabilities is None:
            _, self._power_capabilities = await self._power.connect()
        return self._power_capabilities

    @property
    def _boots(self) -> bool:
        """It was turned on, and its work need not answer yet."""
        return now() < self._boots_until

    def _share(
        self, command: Command, work: WorkDriver, *, takes_limits: bool
    ) -> float:
        """Return the share of the work that belongs to a command."""
        watts = command.power_limit_w
        if not command.on:
            return 0.0
        if watts is not None and watts <= self._nominal.paused_w + TOLERANCE_W:
            return 0.0
        if takes_limits or not work.can_share:
            return 1.0
        return self._nominal.share_at(watts)

    def _merged(self, power: Reading, capabilities: Capabilities) -> Reading:
        """Return the power layer's reading with what the work layers tell."""
        power = replace(power, falls_back_w=self._fall_back_w(power))
        if not self._layers or not self._was_on:
            return power
        readings = [layer.reading or WorkReading() for layer in self._layers]
        share = _mean([each.share for each in readings])
        busy = _mean([each.busy_share for each in readings])
        works = {each.has_work for each in readings}
        reason = next((r for each in readings if (r := each.suspended_reason)), None)
        failing = any(layer.error for layer in self._layers)
        if not failing and not power.is_changing:
            self._boots_until = -inf
        held_back = reason is not None and any(each.share for each in readings)
        utilisation = power.utilisation_percent
        if utilisation is None and busy is not None:
            utilisation = 100 * busy
        return replace(
            power,
            power_limit_w=self._limit_w(power.power_limit_w, capabilities),
            utilisation_percent=utilisation,
            is_changing=power.is_changing or (failing and self._boots),
            problem=True if failing and not self._boots else power.problem,
            throttled=True if held_back else power.throttled,
            work_share=share,
            has_work=True if True in works else None if None in works else False,
            suspended_reason=reason,
        )

    def _fall_back_w(self, power: Reading) -> float | None:
        """Return what is drawn once nobody commands any layer; None: no less than now.

        A share of the work that would merely stay is no falling back.
        """
        if self._layers and all(layer.rests_alone for layer in self._layers):
            paused_w, cap_w = self._nominal.paused_w, power.falls_back_w
            return paused_w if cap_w is None else min(paused_w, cap_w)
        return power.falls_back_w

    def _limit_w(self, cap_w: float | None, capabilities: Capabilities) -> float | None:
        """Return the limit that both layers leave together."""
        share = _mean(
            [
                layer.wanted
                if layer.wanted is not None and layer.holds
                else layer.share
                for layer in self._layers
            ]
        )
        if share is None or (_takes_limits(capabilities) and share >= 1):
            return cap_w
        by_work = self._nominal.power_at(share)
        return by_work if cap_w is None else min(cap_w, by_work)


def _takes_limits(power: Capabilities) -> bool:
    """Tell whether a power layer takes a limit in W: as a cap, or as a mode of its own."""
    return power.can_cap or bool(power.levels)


def _mean(values: Sequence[float | None]) -> float | None:
    """Return the mean; None where one is unknown."""
    known = [value for value in values if value is not None]
    return fmean(known) if len(known) == len(values) else None

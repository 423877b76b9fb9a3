"""Looks at the machine once a second and makes it what its cap asks for."""

import asyncio
from collections.abc import Sequence
import logging
from typing import Final

from ..notices import Notice
from . import nvidia, systemd
from .actuators import Actuators
from .files import LinuxError
from .hardware import Hardware
from .machine import LinuxMachine, Wanted
from .nvidia import Gpu
from .probe import Probe, Sample
from .settings import LinuxSettings, OnStop

_LOGGER = logging.getLogger(__name__)

PERIOD_S: Final = 1.0
_SOONEST_S: Final = 0.1
"""A power reading needs some time between two looks."""
_CARDS_PERIOD_S: Final = 2.0
_CARDS_STALE_S: Final = 15.0
_FREEZE_AGAIN_S: Final = 5.0


class Steering:
    """The loop between probe, machine and back ends."""

    def __init__(
        self,
        settings: LinuxSettings,
        hardware: Hardware,
        machine: LinuxMachine,
        probe: Probe,
        actuators: Actuators,
    ) -> None:
        self._settings = settings
        self._hardware = hardware
        self._machine = machine
        self._probe = probe
        self._actuators = actuators
        self._soon = asyncio.Event()
        self._gpus: Sequence[Gpu] = hardware.gpus
        self._gpus_at = asyncio.get_running_loop().time()
        self._card_faults: list[str] = []
        self._freeze_fault: str | None = None
        self._froze_at = -_FREEZE_AGAIN_S
        machine.listen(self._hear)

    async def run(self) -> None:
        """Steer until cancelled, processors and cards."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._run_machine())
            if self._hardware.gpus:
                group.create_task(self._run_cards())

    async def release(self) -> None:
        """Leave the machine as its settings say for the time without an agent."""
        match self._settings.on_stop:
            case OnStop.KEEP:
                return
            case OnStop.DEFAULT:
                wanted = self._machine.fall_back()
            case OnStop.LIFT:
                wanted = Wanted(share=None, frozen=False)
        faults = await asyncio.to_thread(self._actuators.apply, wanted.share)
        if self._hardware.gpus:
            faults += await self._limit_cards(wanted.share)
        if self._settings.on_stop is OnStop.LIFT:
            try:
                await self._freeze(False)
            except LinuxError as err:
                faults.append(str(err))
        for fault in faults:
            _LOGGER.error("At the end: %s", fault)

    async def _run_machine(self) -> None:
        while True:
            self._soon.clear()
            sample = await asyncio.to_thread(self._probe.read, self._cards())
            wanted = self._machine.step(sample)
            faults = await asyncio.to_thread(self._actuators.apply, wanted.share)
            await self._switch(wanted, sample, faults)
            self._machine.note_faults((*sample.faults, *faults, *self._card_faults))
            systemd.notify("WATCHDOG=1")
            await asyncio.sleep(_SOONEST_S)
            try:
                async with asyncio.timeout(PERIOD_S - _SOONEST_S):
                    await self._soon.wait()
            except TimeoutError:
                pass

    async def _switch(self, wanted: Wanted, sample: Sample, faults: list[str]) -> None:
        now = asyncio.get_running_loop().time()
        if sample.frozen is None or sample.frozen == wanted.frozen:
            self._freeze_fault = None
        elif now - self._froze_at >= _FREEZE_AGAIN_S or self._soon.is_set():
            self._froze_at = now
            self._freeze_fault = None
            try:
                await self._freeze(wanted.frozen)
            except LinuxError as err:
                self._freeze_fault = str(err)
            # The state is to be seen at once.
            self._soon.set()
        if self._freeze_fault is not None:
            faults.append(self._freeze_fault)
        if wanted.power is not None:
            _LOGGER.warning("systemctl %s, as asked for", wanted.power.verb)
            try:
                await systemd.power(wanted.power.verb, force=wanted.power.force)
            except LinuxError as err:
                _LOGGER.error("%s", err)
                faults.append(str(err))
                self._machine.stays_up()

    async def _freeze(self, frozen: bool) -> None:
        """Let systemd do it, which then knows; else write to the group."""
        if self._hardware.has_systemd and "/" not in self._settings.slice:
            try:
                await systemd.freeze(self._settings.slice, frozen)
            except LinuxError as err:
                _LOGGER.info("%s; writing to the control group", err)
            else:
                return
        group = self._hardware.group
        if group is not None and group.has_freezer:
            await asyncio.to_thread(group.freeze, frozen)

    async def _run_cards(self) -> None:
        while True:
            self._card_faults = await self._limit_cards(self._machine.share)
            await asyncio.sleep(_CARDS_PERIOD_S)

    async def _limit_cards(self, share: float | None) -> list[str]:
        """Read the cards and limit them; return what did not work."""
        try:
            self._gpus = await nvidia.read_gpus()
        except LinuxError as err:
            return [str(err)]
        self._gpus_at = asyncio.get_running_loop().time()
        return await self._actuators.apply_to_cards(share, self._gpus)

    def _cards(self) -> Sequence[Gpu] | None:
        """Return the cards' last answer; None when it is too old."""
        age_s = asyncio.get_running_loop().time() - self._gpus_at
        return self._gpus if age_s < _CARDS_STALE_S else None

    def _hear(self, _notice: Notice) -> None:
        self._soon.set()

"""Make the machine use no more than a share of its ability, by every back end it has."""

from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Final

from ..errors import SettingsError
from .cgroup import CpuGroup
from .files import LinuxError
from .hardware import Hardware
from .nvidia import Gpu, limit_gpu
from .settings import BackEnd, LinuxSettings

_LEAST_RAPL: Final = 0.1
"""Processors take no limit near 0, and the quota does the rest."""
_QUOTA_TOLERANCE: Final = 0.002
_CARD_STEP_W: Final = 3.0
"""Cards take whole watts, and each change is a program that runs."""


def available(hardware: Hardware) -> frozenset[BackEnd]:
    """Tell which back ends this machine has."""
    group = hardware.group
    found = {
        # A group that is not there yet is made later, by systemd or by the agent.
        BackEnd.QUOTA: group is not None and (not group.exists or group.has_quota),
        BackEnd.CPUFREQ: hardware.cpufreq is not None
        and all(policy.is_writable for policy in hardware.cpufreq.policies),
        BackEnd.RAPL: any(package.takes_limit for package in hardware.packages),
        BackEnd.NVIDIA: any(gpu.takes_limit for gpu in hardware.gpus),
    }
    return frozenset(back_end for back_end, there in found.items() if there)


def choose_back_ends(settings: LinuxSettings, hardware: Hardware) -> frozenset[BackEnd]:
    """Take what the settings name, else all; raises SettingsError where there is none."""
    found = available(hardware)
    if not found:
        raise SettingsError(
            "nothing on this machine can hold power down "
            "(no control groups, cpufreq, RAPL or graphics cards that it may change)"
        )
    if settings.use is None:
        return found
    if missing := sorted(settings.use - found):
        raise SettingsError(f"this machine does not have: {', '.join(missing)}")
    if not settings.use:
        raise SettingsError("use must not be empty")
    return settings.use


class Actuators:
    """The back ends in use. Files are only written when they hold something else."""

    def __init__(
        self,
        settings: LinuxSettings,
        hardware: Hardware,
        back_ends: frozenset[BackEnd],
        original_w: Mapping[str, float],
    ) -> None:
        """``original_w``: limits of the processor packages without the agent."""
        self._settings = settings
        self._hardware = hardware
        self._cpus = settings.cpus or hardware.cpus
        self.back_ends = back_ends
        self._original_w = original_w
        # A loop that was cancelled may have left a thread that is still writing.
        self._writing = Lock()

    def apply(self, share: float | None) -> list[str]:
        """Let the processors use a share, None: all they can; blocking.

        Returns what did not work, in words; one back end does not hold up the others.
        """
        clock, quota = self._split(share)
        faults: list[str] = []
        with self._writing:
            if BackEnd.CPUFREQ in self.back_ends:
                _try(lambda: self._set_clock(clock), faults)
            if BackEnd.QUOTA in self.back_ends:
                _try(lambda: self._set_quota(quota), faults)
            if BackEnd.RAPL in self.back_ends:
                _try(lambda: self._set_rapl(share), faults)
        return faults

    async def apply_to_cards(
        self, share: float | None, gpus: Sequence[Gpu]
    ) -> list[str]:
        """Limit the graphics cards as they were just read; returns what did not work."""
        faults: list[str] = []
        if BackEnd.NVIDIA not in self.back_ends:
            return faults
        for gpu in gpus:
            if gpu.min_w is None or gpu.default_w is None or not gpu.takes_limit:
                continue
            part = 1.0 if share is None else share
            wanted = round(gpu.min_w + part * (gpu.default_w - gpu.min_w))
            at_end = part in (0.0, 1.0) and gpu.limit_w != wanted
            near = gpu.limit_w is not None and (
                abs(gpu.limit_w - wanted) < _CARD_STEP_W
            )
            if near and not at_end:
                continue
            try:
                await limit_gpu(gpu, wanted)
            except LinuxError as err:
                faults.append(f"card {gpu.index}: {err}")
        return faults

    def _split(self, share: float | None) -> tuple[float, float | None]:
        """Return clock and quota: slower clocks first, they cost less work per watt."""
        if share is None or share >= 1:
            return 1.0, None
        cpufreq = self._hardware.cpufreq
        if cpufreq is None or BackEnd.CPUFREQ not in self.back_ends:
            return 1.0, share
        clock = max(share, cpufreq.lowest_share)
        return clock, share / clock if share < clock else None

    def _set_clock(self, share: float) -> None:
        assert self._hardware.cpufreq is not None
        self._hardware.cpufreq.set_share(share)

    def _set_quota(self, share: float | None) -> None:
        group = ready_group(self._hardware)
        # Where the work may not use all CPUs, full power is a quota, too.
        full = self._settings.cpus
        wanted = full if share is None else max(share * self._cpus, 0.01)
        now = group.quota()
        if wanted is None or now is None:
            same = wanted is now
        else:
            same = abs(wanted - now) <= _QUOTA_TOLERANCE * self._cpus
        if not same:
            group.set_quota(wanted)

    def _set_rapl(self, share: float | None) -> None:
        for package in self._hardware.packages:
            original_w = self._original_w.get(package.folder.name)
            if original_w is None or not package.takes_limit:
                continue
            if share is None or share >= 1:
                package.set_limit(original_w)
                continue
            full_w = min(original_w, package.max_w or original_w)
            package.set_limit(full_w * max(share, _LEAST_RAPL))


def ready_group(hardware: Hardware) -> CpuGroup:
    """Return the work's group; made where systemd does not do that. Raises LinuxError."""
    group = hardware.group
    if group is None:
        raise LinuxError("there is no CPU controller for control groups")
    if not group.exists:
        if hardware.has_systemd:
            raise LinuxError(f"{group.folder.name} is not there: no work is held back")
        group.create()
    return group


def _try(act: Callable[[], None], faults: list[str]) -> None:
    try:
        act()
    except LinuxError as err:
        faults.append(str(err))

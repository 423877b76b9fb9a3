"""The control group in which the work runs: CPU time, its quota, and freezing.

Version 2 where it has the CPU controller, else version 1. systemd calls a group a
slice. The agent touches this one group only.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

from .files import (
    LinuxError,
    Root,
    flat_keyed,
    is_writable,
    optional_text,
    read_number,
    read_text,
    write,
)

_MOUNT = "/sys/fs/cgroup"
_PERIOD_US = 100_000
_LEAST_QUOTA_US = 1000
"""The kernel takes no less."""
_V1_CPU = ("cpu", "cpu,cpuacct", "cpuacct,cpu")
_V1_USAGE = ("cpuacct", "cpu,cpuacct", "cpuacct,cpu")


class CpuGroup(ABC):
    """One control group; every method raises LinuxError when the kernel refuses."""

    version: int

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def exists(self) -> bool:
        """The group is there: systemd makes and removes them as they are needed."""
        return self.folder.is_dir()

    @property
    @abstractmethod
    def has_quota(self) -> bool:
        """The share of CPU time can be limited."""

    @property
    @abstractmethod
    def has_usage(self) -> bool:
        """The CPU time used is counted."""

    @property
    @abstractmethod
    def has_freezer(self) -> bool:
        """All processes of the group can be stopped and continued."""

    @abstractmethod
    def create(self) -> None:
        """Make the group where nobody else looks after groups."""

    @abstractmethod
    def usage_s(self) -> float:
        """CPU seconds used so far by all processes of the group."""

    @abstractmethod
    def quota(self) -> float | None:
        """CPUs that the group may use now; None: no limit."""

    @abstractmethod
    def set_quota(self, cpus: float | None) -> None:
        """Let the group use so many CPUs, a fraction as well; None: no limit."""

    @abstractmethod
    def is_frozen(self) -> bool:
        """Every process stands still."""

    @abstractmethod
    def freeze(self, frozen: bool) -> None:
        """Ask all processes to stand still, or to go on."""


def _quota_us(cpus: float) -> int:
    return max(round(cpus * _PERIOD_US), _LEAST_QUOTA_US)


class GroupV2(CpuGroup):
    """The unified hierarchy."""

    version = 2

    @property
    def has_quota(self) -> bool:
        """The CPU controller is on for the group and may be changed."""
        return is_writable(self.folder / "cpu.max")

    @property
    def has_usage(self) -> bool:
        """cpu.stat counts even without the controller."""
        return (self.folder / "cpu.stat").is_file()

    @property
    def has_freezer(self) -> bool:
        """Every group but the root has one."""
        return is_writable(self.folder / "cgroup.freeze")

    def create(self) -> None:
        """Make the group, and turn the CPU controller on for it."""
        _mkdir(self.folder)
        control = self.folder.parent / "cgroup.subtree_control"
        if "cpu" not in (optional_text(control) or "").split():
            write(control, "+cpu")

    def usage_s(self) -> float:
        """CPU seconds used so far."""
        values = flat_keyed(self.folder / "cpu.stat")
        if "usage_usec" not in values:
            raise LinuxError(f"{self.folder}/cpu.stat tells no usage")
        return values["usage_usec"] / 1e6

    def quota(self) -> float | None:
        """CPUs that the group may use now."""
        limit, _, period = read_text(self.folder / "cpu.max").partition(" ")
        return None if limit == "max" else int(limit) / int(period or _PERIOD_US)

    def set_quota(self, cpus: float | None) -> None:
        """Write cpu.max."""
        limit = "max" if cpus is None else _quota_us(cpus)
        write(self.folder / "cpu.max", f"{limit} {_PERIOD_US}")

    def is_frozen(self) -> bool:
        """Tell what has happened, not what was asked for."""
        events = self.folder / "cgroup.events"
        return flat_keyed(events).get("frozen", 0) == 1

    def freeze(self, frozen: bool) -> None:
        """Write cgroup.freeze."""
        write(self.folder / "cgroup.freeze", int(frozen))


class GroupV1(CpuGroup):
    """One group of the same name in up to three hierarchies."""

    version = 1

    def __init__(self, folder: Path, usage: Path | None, freezer: Path | None) -> None:
        super().__init__(folder)
        self._usage = usage
        self._freezer = freezer

    @property
    def has_quota(self) -> bool:
        """The kernel has CFS bandwidth control."""
        return is_writable(self.folder / "cpu.cfs_quota_us")

    @property
    def has_usage(self) -> bool:
        """The group is in the cpuacct hierarchy, too."""
        return self._usage is not None and (self._usage / "cpuacct.usage").is_file()

    @property
    def has_freezer(self) -> bool:
        """The group is in the freezer hierarchy, too."""
        return self._freezer is not None and is_writable(
            self._freezer / "freezer.state"
        )

    def create(self) -> None:
        """Make the group in each hierarchy."""
        for folder in (self.folder, self._usage, self._freezer):
            if folder is not None:
                _mkdir(folder)

    def usage_s(self) -> float:
        """CPU seconds used so far."""
        if self._usage is None:
            raise LinuxError("CPU time is not accounted (no cpuacct)")
        return read_number(self._usage / "cpuacct.usage") / 1e9

    def quota(self) -> float | None:
        """CPUs that the group may use now."""
        limit = read_number(self.folder / "cpu.cfs_quota_us")
        period = read_number(self.folder / "cpu.cfs_period_us")
        return None if limit < 0 else limit / period

    def set_quota(self, cpus: float | None) -> None:
        """Write cpu.cfs_quota_us."""
        if read_number(self.folder / "cpu.cfs_period_us") != _PERIOD_US:
            write(self.folder / "cpu.cfs_period_us", _PERIOD_US)
        limit = -1 if cpus is None else _quota_us(cpus)
        write(self.folder / "cpu.cfs_quota_us", limit)

    def is_frozen(self) -> bool:
        """Tell what has happened, not what was asked for."""
        return self._freezer is not None and (
            read_text(self._freezer / "freezer.state") == "FROZEN"
        )

    def freeze(self, frozen: bool) -> None:
        """Write freezer.state."""
        if self._freezer is None:
            raise LinuxError("there is no freezer for control groups")
        write(self._freezer / "freezer.state", "FROZEN" if frozen else "THAWED")


def find_group(root: Root, name: str) -> CpuGroup | None:
    """Find where the group ``name`` is or would be; None without a CPU controller.

    ``name`` may be nested (``machine.slice/work``).
    """
    mount = root.at(_MOUNT)
    controllers = optional_text(mount / "cgroup.controllers") or ""
    if "cpu" in controllers.split():
        return GroupV2(mount / name)
    cpu = _hierarchy(mount, _V1_CPU)
    if cpu is None:
        return None
    usage, freezer = _hierarchy(mount, _V1_USAGE), _hierarchy(mount, ["freezer"])
    return GroupV1(
        cpu / name,
        None if usage is None else usage / name,
        None if freezer is None else freezer / name,
    )


def _hierarchy(mount: Path, names: Sequence[str]) -> Path | None:
    return next((mount / name for name in names if (mount / name).is_dir()), None)


def _mkdir(folder: Path) -> None:
    try:
        folder.mkdir(exist_ok=True)
    except OSError as err:
        raise LinuxError(f"cannot make {folder}: {err.strerror}") from err

"""Power and energy of processor packages by powercap (RAPL)."""

from dataclasses import dataclass
from pathlib import Path

from .files import (
    LinuxError,
    Root,
    is_writable,
    optional_number,
    optional_text,
    read_number,
    write,
)

_FOLDER = "/sys/class/powercap"
_TOLERANCE_UW = 125_000
"""Hardware keeps limits in steps of 1/8 W."""


@dataclass(frozen=True, slots=True)
class Package:
    """One processor package; its parts (core, dram) are inside and not counted again."""

    folder: Path
    name: str

    @property
    def counts_energy(self) -> bool:
        """The energy counter can be read: since Linux 5.10 by root only."""
        return optional_number(self.folder / "energy_uj") is not None

    @property
    def takes_limit(self) -> bool:
        """The long-term power limit can be changed."""
        return is_writable(self._limit) and self.limit_w() is not None

    @property
    def max_w(self) -> float | None:
        """Highest limit that the processor names; None where it names none."""
        value = optional_number(self.folder / "constraint_0_max_power_uw")
        return value / 1e6 if value else None

    @property
    def _limit(self) -> Path:
        return self.folder / "constraint_0_power_limit_uw"

    def limit_w(self) -> float | None:
        """Power limit now; None if unknown."""
        value = optional_number(self._limit)
        return None if value is None else value / 1e6

    def energy_uj(self) -> int:
        """Energy counter; raises LinuxError."""
        return read_number(self.folder / "energy_uj")

    def range_uj(self) -> int:
        """Where the counter starts again at 0; raises LinuxError."""
        return read_number(self.folder / "max_energy_range_uj")

    def set_limit(self, watts: float) -> None:
        """Set the long-term limit and read it back; raises LinuxError.

        A locked register takes the value without a word and keeps the old one.
        """
        wanted = round(watts * 1e6)
        if abs(read_number(self._limit) - wanted) > _TOLERANCE_UW:
            write(self._limit, wanted)
            held = read_number(self._limit)
            if abs(held - wanted) > max(_TOLERANCE_UW, 0.05 * wanted):
                raise LinuxError(
                    f"{self.name} keeps its limit of {held / 1e6:g} W "
                    f"(asked for {watts:g} W): the firmware may lock it"
                )
        enabled = self.folder / "enabled"
        if optional_number(enabled) == 0:
            write(enabled, 1)


def find_packages(root: Root) -> list[Package]:
    """Find the processor packages, of Intel or AMD."""
    found = []
    for folder in root.matching(_FOLDER, "intel-rapl:*"):
        name = optional_text(folder / "name") or ""
        # intel-rapl:0 is a package, intel-rapl:0:0 a part of it.
        if folder.name.count(":") == 1 and name.startswith("package"):
            found.append(Package(folder, name))
    return found


class EnergyCounter:
    """Adds up what a package uses, over the wrap-around of its counter."""

    def __init__(self, package: Package) -> None:
        self._package = package
        self._last: int | None = None

    def used_j(self) -> float | None:
        """Energy since the last call; None at the first one. Raises LinuxError."""
        try:
            now = self._package.energy_uj()
        except LinuxError:
            # Nobody knows how often it wrapped meanwhile.
            self._last = None
            raise
        last, self._last = self._last, now
        if last is None:
            return None
        used = now - last
        if used < 0:
            used += self._package.range_uj()
        return used / 1e6 if used >= 0 else None

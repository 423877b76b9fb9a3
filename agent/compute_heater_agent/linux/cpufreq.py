"""The highest frequency that the CPUs may run at, within what the hardware tells."""

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

_FOLDER = "/sys/devices/system/cpu/cpufreq"


@dataclass(frozen=True, slots=True)
class Policy:
    """CPUs that share a clock; frequencies in kHz."""

    folder: Path
    lowest: int
    highest: int

    @property
    def cap(self) -> int:
        """Highest frequency allowed now; raises LinuxError."""
        return read_number(self.folder / "scaling_max_freq")

    @property
    def current(self) -> int | None:
        """Frequency now, None if unknown."""
        return optional_number(self.folder / "scaling_cur_freq")

    @property
    def is_writable(self) -> bool:
        """The cap can be changed."""
        return is_writable(self.folder / "scaling_max_freq")

    @property
    def governor(self) -> str | None:
        """What chooses the frequency below the cap."""
        return optional_text(self.folder / "scaling_governor")


class CpuFreq:
    """All policies together, capped at the same share of their highest frequency."""

    def __init__(self, policies: list[Policy]) -> None:
        self.policies = policies

    @property
    def lowest_share(self) -> float:
        """The slowest clock as a share of the fastest, over all policies."""
        return max(policy.lowest / policy.highest for policy in self.policies)

    def current_share(self) -> float:
        """Mean clock as a share of the fastest; what is unknown counts as fastest."""
        shares = [
            1.0 if policy.current is None else min(policy.current / policy.highest, 1)
            for policy in self.policies
        ]
        return sum(shares) / len(shares)

    def set_share(self, share: float) -> None:
        """Cap the clocks; sends nothing that already holds. Raises LinuxError.

        Drivers round to a step that they have, but never above what was asked for.
        """
        for policy in self.policies:
            wanted = round(share * policy.highest)
            wanted = min(max(wanted, policy.lowest), policy.highest)
            if policy.cap == wanted:
                continue
            write(policy.folder / "scaling_max_freq", wanted)
            if policy.cap > wanted:
                raise LinuxError(
                    f"asked for {wanted} kHz, {policy.folder.name} has {policy.cap}"
                )


def find_cpufreq(root: Root) -> CpuFreq | None:
    """Find the policies that have a range; None without any."""
    policies = []
    for folder in root.matching(_FOLDER, "policy*"):
        lowest = optional_number(folder / "cpuinfo_min_freq")
        highest = optional_number(folder / "cpuinfo_max_freq")
        if lowest is not None and highest is not None and 0 < lowest < highest:
            policies.append(Policy(folder, lowest, highest))
    return CpuFreq(policies) if policies else None

"""Temperature and power sensors of the kernel (hwmon and thermal zones), by name.

Folders are numbered anew at every start, so a sensor is named by its chip and label:
``hwmon:k10temp:Tctl``, ``hwmon:nct6775:temp2``, ``thermal:x86_pkg_temp``. Of two with
the same name the first counts; ``#2`` at the end names the second.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .files import Root, optional_number, optional_text

_HWMON = "/sys/class/hwmon"
_THERMAL = "/sys/class/thermal"
_COLDEST_C, _HOTTEST_C = -50.0, 150.0


@dataclass(frozen=True, slots=True)
class KernelSensor:
    """One file with a reading; ``scale`` makes °C or W of it."""

    name: str
    path: Path
    scale: float
    is_temperature: bool

    def read(self) -> float | None:
        """Return °C or W; None if it is unknown or impossible."""
        raw = optional_number(self.path)
        if raw is None:
            return None
        value = raw * self.scale
        if self.is_temperature and not _COLDEST_C < value < _HOTTEST_C:
            return None
        return None if value < 0 and not self.is_temperature else value


def find_sensors(root: Root) -> dict[str, KernelSensor]:
    """Find every sensor of temperature or power, by its name."""
    found: dict[str, KernelSensor] = {}
    for name, path, scale, is_temperature in (*_hwmon(root), *_thermal(root)):
        unique, count = name, 1
        while unique in found:
            count += 1
            unique = f"{name}#{count}"
        found[unique] = KernelSensor(unique, path, scale, is_temperature)
    return found


def _hwmon(root: Root) -> Iterator[tuple[str, Path, float, bool]]:
    for folder in root.matching(_HWMON, "hwmon*"):
        chip = optional_text(folder / "name") or folder.name
        for pattern, scale in (("temp*_input", 1e-3), ("power*_input", 1e-6)):
            for path in sorted(folder.glob(pattern)):
                channel = path.name.removesuffix("_input")
                label = optional_text(folder / f"{channel}_label") or channel
                yield f"hwmon:{chip}:{label}", path, scale, scale == 1e-3
        for path in sorted(folder.glob("power*_average")):
            channel = path.name.removesuffix("_average")
            if not (folder / f"{channel}_input").exists():
                label = optional_text(folder / f"{channel}_label") or channel
                yield f"hwmon:{chip}:{label}", path, 1e-6, False


def _thermal(root: Root) -> Iterator[tuple[str, Path, float, bool]]:
    for folder in root.matching(_THERMAL, "thermal_zone*"):
        kind = optional_text(folder / "type")
        if kind is not None:
            yield f"thermal:{kind}", folder / "temp", 1e-3, True

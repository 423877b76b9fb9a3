"""What this machine has: found once at the start."""

from dataclasses import dataclass
import os
import socket

from ..computer import Computer
from . import nvidia, systemd
from .cgroup import CpuGroup, find_group
from .cpufreq import CpuFreq, find_cpufreq
from .files import LinuxError, Root, optional_text
from .inventory import find_computer
from .nvidia import Gpu
from .rapl import Package, find_packages
from .sensors import KernelSensor, find_sensors


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """Everything that can measure or hold back."""

    name: str
    manufacturer: str | None
    model: str
    processor: str | None
    cpus: int
    group: CpuGroup | None
    cpufreq: CpuFreq | None
    packages: tuple[Package, ...]
    gpus: tuple[Gpu, ...]
    gpu_trouble: str | None
    """Why nvidia-smi, which is there, shows no card."""
    sensors: dict[str, KernelSensor]
    computer: Computer
    processor_heat: tuple[KernelSensor | None, ...]
    """Temperature sensor of each of the computer's processors."""
    has_systemd: bool


async def find_hardware(root: Root, slice_name: str) -> Hardware:
    """Look at everything; nothing is changed."""
    gpus: list[Gpu] = []
    trouble = None
    if nvidia.is_installed():
        try:
            gpus = await nvidia.read_gpus()
        except LinuxError as err:
            trouble = str(err)
    name = optional_text(root.at("/proc/sys/kernel/hostname")) or socket.gethostname()
    cpufreq, sensors = find_cpufreq(root), find_sensors(root)
    computer, processor_heat = find_computer(root, name, cpufreq, sensors)
    return Hardware(
        name=name,
        manufacturer=_dmi(root, "sys_vendor"),
        model=_dmi(root, "product_name") or _device_tree(root) or "Linux machine",
        processor=_processor(root),
        cpus=_cpus(root),
        group=find_group(root, slice_name),
        cpufreq=cpufreq,
        packages=tuple(find_packages(root)),
        gpus=tuple(gpus),
        gpu_trouble=trouble,
        sensors=sensors,
        computer=computer,
        processor_heat=processor_heat,
        has_systemd=systemd.is_running(root),
    )


def _dmi(root: Root, name: str) -> str | None:
    return optional_text(root.at(f"/sys/class/dmi/id/{name}"))


def _device_tree(root: Root) -> str | None:
    text = optional_text(root.at("/proc/device-tree/model"))
    return text.strip("\0") if text else None


def _processor(root: Root) -> str | None:
    text = optional_text(root.at("/proc/cpuinfo")) or ""
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name.strip() in ("model name", "Model", "cpu model"):
            return value.strip()
    return None


def _cpus(root: Root) -> int:
    """Count the CPUs that are online, as in ``0-3,6``."""
    text = optional_text(root.at("/sys/devices/system/cpu/online"))
    if text is None:
        return os.cpu_count() or 1
    count = 0
    for part in text.split(","):
        first, _, last = part.partition("-")
        count += int(last or first) - int(first) + 1
    return count

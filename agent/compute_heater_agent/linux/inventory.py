"""What this computer is made of: processors, memory, network cards, firmware."""

from collections import defaultdict
from datetime import UTC, datetime

from ..computer import Computer, NetworkPort, Processor
from .cpufreq import CpuFreq
from .files import LinuxError, Root, flat_keyed, optional_number, optional_text
from .processor_heat import processor_sensors
from .sensors import KernelSensor

_CPUS = "/sys/devices/system/cpu"
_NET = "/sys/class/net"
_KIB_PER_GIB = 1024**2
_KHZ_PER_MHZ = 1000
_NO_MAC = "00:00:00:00:00:00"


def find_computer(
    root: Root,
    host_name: str,
    cpufreq: CpuFreq | None,
    sensors: dict[str, KernelSensor],
) -> tuple[Computer, tuple[KernelSensor | None, ...]]:
    """Return the computer, and the temperature sensor of each of its processors."""
    about = _cpuinfo(root)
    packages = _packages(root)
    heat = processor_sensors(sensors, list(packages))
    computer = Computer(
        host_name=host_name,
        processors=[
            Processor(
                socket=None if package is None else str(package),
                vendor=about.get("vendor_id"),
                model=about.get("model name") or about.get("cpu model"),
                cores=len(set(siblings)) if package is not None else None,
                threads=len(siblings) or None,
                max_mhz=_max_mhz(cpufreq),
                has_temperature=sensor is not None,
            )
            for (package, siblings), sensor in zip(packages.items(), heat, strict=True)
        ],
        memory_gib=_memory_gib(root),
        bios_version=optional_text(root.at("/sys/class/dmi/id/bios_version")),
        booted=_booted(root),
        ports=_ports(root),
    )
    return computer, heat


def _cpuinfo(root: Root) -> dict[str, str]:
    """Return what is said of the first CPU; that is not much on ARM."""
    values: dict[str, str] = {}
    text = optional_text(root.at("/proc/cpuinfo")) or ""
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if value.strip():
            values.setdefault(name.strip(), value.strip())
    return values


def _packages(root: Root) -> dict[int | None, list[str]]:
    """Return for each package the core of each CPU in it, named by its threads.

    Without topology there is one package of which nothing is known.
    """
    found: dict[int | None, list[str]] = defaultdict(list)
    for folder in root.matching(_CPUS, "cpu[0-9]*"):
        topology = folder / "topology"
        package = optional_number(topology / "physical_package_id")
        siblings = optional_text(topology / "core_cpus_list") or optional_text(
            topology / "thread_siblings_list"
        )
        if package is not None and siblings is not None:
            # Some ARM machines have one package without a number: -1.
            found[max(package, 0)].append(siblings)
    return dict(sorted(found.items())) or {None: []}


def _max_mhz(cpufreq: CpuFreq | None) -> int | None:
    if cpufreq is None:
        return None
    return max(policy.highest for policy in cpufreq.policies) // _KHZ_PER_MHZ


def _memory_gib(root: Root) -> float | None:
    for line in (optional_text(root.at("/proc/meminfo")) or "").splitlines():
        name, _, value = line.partition(":")
        amount, _, unit = value.strip().partition(" ")
        if name == "MemTotal" and unit == "kB" and amount.isdigit():
            return int(amount) / _KIB_PER_GIB
    return None


def _booted(root: Root) -> datetime | None:
    try:
        seconds = flat_keyed(root.at("/proc/stat")).get("btime")
    except LinuxError:
        return None
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _ports(root: Root) -> list[NetworkPort]:
    """Return the cards, without bridges, tunnels and the loop."""
    ports = []
    for folder in root.matching(_NET, "*"):
        mac = optional_text(folder / "address")
        if (folder / "device").exists() and mac is not None and mac != _NO_MAC:
            ports.append(NetworkPort(name=folder.name, mac=mac.upper()))
    return ports

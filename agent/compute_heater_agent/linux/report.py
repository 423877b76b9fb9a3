"""What ``--detect`` prints: what this machine has, and what of it would be used."""

from typing import Any

from ..errors import SettingsError
from .actuators import available
from .files import LinuxError, Root
from .hardware import Hardware
from .meter import PowerSource, choose_source
from .settings import LinuxSettings

type Report = dict[str, Any]


def report(root: Root, hardware: Hardware, settings: LinuxSettings) -> Report:
    """Return plain data for JSON; unknown is null."""
    source: PowerSource | None = None
    notes = _notes(root, hardware, settings)
    try:
        source = choose_source(settings, hardware)
    except SettingsError as err:
        notes.append(str(err))
    return {
        "machine": {
            "name": hardware.name,
            "manufacturer": hardware.manufacturer,
            "model": hardware.model,
            "processor": hardware.processor,
            "cpus": hardware.cpus,
            "systemd": hardware.has_systemd,
        },
        "back_ends": sorted(available(hardware)),
        "power_reading": None if source is None else _power_reading(source),
        "control_group": _group(root, hardware),
        "cpufreq": _cpufreq(hardware),
        "rapl": [
            {
                "name": package.name,
                "path": root.shown(package.folder),
                "energy": package.counts_energy,
                "limit": package.takes_limit,
                "limit_watts": package.limit_w(),
                "max_watts": package.max_w,
            }
            for package in hardware.packages
        ],
        "nvidia": [
            {
                "index": gpu.index,
                "name": gpu.name,
                "watts": gpu.power_w,
                "limit": gpu.takes_limit,
                "limit_watts": gpu.limit_w,
                "min_watts": gpu.min_w,
                "default_watts": gpu.default_w,
            }
            for gpu in hardware.gpus
        ],
        "temperatures": {
            name: sensor.read()
            for name, sensor in hardware.sensors.items()
            if sensor.is_temperature
        },
        "power_sensors": {
            name: sensor.read()
            for name, sensor in hardware.sensors.items()
            if not sensor.is_temperature
        },
        "notes": notes,
    }


def _power_reading(source: PowerSource) -> Report:
    parts = [sensor.name for sensor in source.sensors]
    parts += ["rapl"] if source.rapl else []
    parts += ["nvidia"] if source.nvidia else []
    return {"estimated": source.is_estimate, "measured": parts}


def _group(root: Root, hardware: Hardware) -> Report | None:
    group = hardware.group
    if group is None:
        return None
    quota = None
    if group.exists and group.has_quota:
        try:
            quota = group.quota()
        except LinuxError:
            pass
    return {
        "version": group.version,
        "path": root.shown(group.folder),
        "exists": group.exists,
        "quota": group.has_quota,
        "quota_cpus": quota,
        "usage": group.has_usage,
        "freezer": group.has_freezer,
    }


def _cpufreq(hardware: Hardware) -> Report | None:
    cpufreq = hardware.cpufreq
    if cpufreq is None:
        return None
    return {
        "policies": len(cpufreq.policies),
        "lowest_khz": min(policy.lowest for policy in cpufreq.policies),
        "highest_khz": max(policy.highest for policy in cpufreq.policies),
        "writable": all(policy.is_writable for policy in cpufreq.policies),
        "governor": cpufreq.policies[0].governor,
    }


def _notes(root: Root, hardware: Hardware, settings: LinuxSettings) -> list[str]:
    notes = []
    group = hardware.group
    if group is None:
        notes.append("no CPU controller for control groups: no quota, no freezing")
    elif not group.exists:
        who = "systemd" if hardware.has_systemd else "the agent"
        notes.append(f"{settings.slice} is not there yet: {who} makes it")
    elif not group.has_quota:
        notes.append(
            f"the quota of {root.shown(group.folder)} cannot be changed: "
            "not root, or the CPU controller is off for it"
        )
    elif not group.has_freezer:
        notes.append(f"{settings.slice} cannot be frozen here")
    if hardware.cpufreq is None:
        notes.append("no cpufreq: clocks cannot be capped")
    if not hardware.packages:
        notes.append("no RAPL: processors neither tell nor limit their power")
    elif not all(package.counts_energy for package in hardware.packages):
        notes.append("energy counters (RAPL) are readable by root only")
    elif not any(package.takes_limit for package in hardware.packages):
        notes.append("processors tell their power (RAPL) but take no limit")
    if hardware.gpu_trouble is not None:
        notes.append(f"nvidia-smi is there but: {hardware.gpu_trouble}")
    if not hardware.sensors:
        notes.append("no sensors (hwmon, thermal zones)")
    return notes

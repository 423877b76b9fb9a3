"""Each way to measure a Linux machine and to hold it back, on copies of the kernel's files."""

import json
from pathlib import Path

import pytest

from compute_heater_agent.linux import nvidia, systemd
from compute_heater_agent.linux.actuators import Actuators, available
from compute_heater_agent.linux.cgroup import find_group
from compute_heater_agent.linux.commands import run
from compute_heater_agent.linux.cpufreq import find_cpufreq
from compute_heater_agent.linux.files import LinuxError
from compute_heater_agent.linux.hardware import find_hardware
from compute_heater_agent.linux.originals import original_limits
from compute_heater_agent.linux.rapl import EnergyCounter, find_packages
from compute_heater_agent.linux.sensors import find_sensors
from compute_heater_agent.linux.settings import BackEnd, LinuxSettings

from .linux_tree import GPU_UUID, SLICE, Programs, Tree

WATTS = LinuxSettings(idle_w=50, max_w=250)


def test_group_v2(tree: Tree) -> None:
    group = tree.add_group_v2()
    found = find_group(tree.root, SLICE)
    assert found is not None
    assert (found.version, found.exists) == (2, True)
    assert (found.has_quota, found.has_usage, found.has_freezer) == (True, True, True)
    assert found.quota() is None
    found.set_quota(1.5)
    assert tree.read(f"{group}/cpu.max") == "150000 100000"
    assert found.quota() == 1.5
    found.set_quota(0.000001)
    assert tree.read(f"{group}/cpu.max") == "1000 100000"
    found.set_quota(None)
    assert tree.read(f"{group}/cpu.max") == "max 100000"
    tree.write(f"{group}/cpu.stat", "usage_usec 2500000\nnr_throttled 3")
    assert found.usage_s() == 2.5
    found.freeze(True)
    assert tree.read(f"{group}/cgroup.freeze") == "1"
    assert not found.is_frozen()
    tree.write(f"{group}/cgroup.events", "populated 1\nfrozen 1")
    assert found.is_frozen()


def test_group_v1(tree: Tree) -> None:
    tree.add_group_v1()
    found = find_group(tree.root, SLICE)
    assert found is not None
    assert (found.version, found.exists) == (1, True)
    assert (found.has_quota, found.has_usage, found.has_freezer) == (True, True, True)
    folder = f"/sys/fs/cgroup/cpu,cpuacct/{SLICE}"
    tree.write(f"{folder}/cpu.cfs_period_us", 50000)
    found.set_quota(0.3)
    assert tree.read(f"{folder}/cpu.cfs_quota_us") == "30000"
    assert tree.read(f"{folder}/cpu.cfs_period_us") == "100000"
    assert found.quota() == 0.3
    found.set_quota(None)
    assert tree.read(f"{folder}/cpu.cfs_quota_us") == "-1"
    assert found.quota() is None
    tree.write(f"{folder}/cpuacct.usage", 1_500_000_000)
    assert found.usage_s() == 1.5
    found.freeze(True)
    assert tree.read(f"/sys/fs/cgroup/freezer/{SLICE}/freezer.state") == "FROZEN"
    assert found.is_frozen()


def test_hybrid_hierarchy_uses_v1(tree: Tree) -> None:
    """As some distributions mount v2 without the CPU controller beside v1."""
    tree.add_group_v1()
    tree.write("/sys/fs/cgroup/unified/cgroup.controllers", "hugetlb")
    found = find_group(tree.root, SLICE)
    assert found is not None
    assert found.version == 1


def test_no_group(tree: Tree) -> None:
    assert find_group(tree.root, SLICE) is None
    tree.add_group_v2("other.slice")
    found = find_group(tree.root, SLICE)
    assert found is not None
    assert not found.exists
    with pytest.raises(LinuxError):
        found.set_quota(1)
    assert not found.exists, "nothing may be made by writing"
    tree.write("/sys/fs/cgroup/cgroup.subtree_control", "memory")
    found.create()
    assert found.exists
    assert tree.read("/sys/fs/cgroup/cgroup.subtree_control") == "+cpu"


def test_cpufreq_stays_within_what_the_hardware_tells(tree: Tree) -> None:
    folders = tree.add_cpufreq()
    tree.write(f"{folders[1]}/cpuinfo_max_freq", 2000000)
    found = find_cpufreq(tree.root)
    assert found is not None
    assert found.lowest_share == 0.4
    found.set_share(0.5)
    assert tree.read(f"{folders[0]}/scaling_max_freq") == "2000000"
    assert tree.read(f"{folders[1]}/scaling_max_freq") == "1000000"
    found.set_share(0.01)
    assert tree.read(f"{folders[0]}/scaling_max_freq") == "800000"
    found.set_share(7)
    assert tree.read(f"{folders[0]}/scaling_max_freq") == "4000000"
    tree.write(f"{folders[0]}/scaling_cur_freq", 1000000)
    tree.root.at(f"{folders[1]}/scaling_cur_freq").unlink()
    assert found.current_share() == (0.25 + 1) / 2


@pytest.mark.parametrize(
    ("share", "clock", "quota"),
    [
        (0.6, "2400000", "max 100000"),
        # 0.1 of 4 CPUs = half of the time at a fifth of the clock
        (0.1, "800000", "200000 100000"),
        (1.0, "4000000", "max 100000"),
        (None, "4000000", "max 100000"),
    ],
)
async def test_slower_clock_before_quota(
    tree: Tree, share: float | None, clock: str, quota: str
) -> None:
    folder, group = tree.add_cpufreq(1)[0], tree.add_group_v2()
    tree.write(f"{folder}/scaling_max_freq", 1000000)
    tree.write(f"{group}/cpu.max", "5000 100000")
    hardware = await find_hardware(tree.root, SLICE)
    actuators = Actuators(WATTS, hardware, available(hardware), {})
    assert actuators.apply(share) == []
    assert tree.read(f"{folder}/scaling_max_freq") == clock
    assert tree.read(f"{group}/cpu.max") == quota


async def test_one_back_end_does_not_hold_up_the_others(tree: Tree) -> None:
    folder, group = tree.add_cpufreq(1)[0], tree.add_group_v2()
    hardware = await find_hardware(tree.root, SLICE)
    actuators = Actuators(WATTS, hardware, available(hardware), {})
    tree.root.at(f"{folder}/scaling_max_freq").unlink()
    faults = actuators.apply(0.1)
    assert len(faults) == 1
    assert "scaling_max_freq" in faults[0]
    assert tree.read(f"{group}/cpu.max") == "200000 100000"


async def test_rapl_limit_and_its_return(tree: Tree, tmp_path: Path) -> None:
    folder = tree.add_rapl()
    hardware = await find_hardware(tree.root, SLICE)
    assert available(hardware) == {BackEnd.RAPL}
    file = tmp_path / "limits.json"
    originals = original_limits(hardware.packages, tree.root, file)
    assert originals == {"intel-rapl:0": 65.0}
    actuators = Actuators(WATTS, hardware, frozenset({BackEnd.RAPL}), originals)
    assert actuators.apply(0.4) == []
    assert tree.read(f"{folder}/constraint_0_power_limit_uw") == "26000000"
    assert actuators.apply(0.0) == []
    assert tree.read(f"{folder}/constraint_0_power_limit_uw") == "6500000"
    # An agent that was killed finds its own limit, not the machine's.
    originals = original_limits(hardware.packages, tree.root, file)
    actuators = Actuators(WATTS, hardware, frozenset({BackEnd.RAPL}), originals)
    assert actuators.apply(None) == []
    assert tree.read(f"{folder}/constraint_0_power_limit_uw") == "65000000"
    # After a boot the firmware's limit counts.
    tree.write("/proc/sys/kernel/random/boot_id", "boot-2")
    tree.write(f"{folder}/constraint_0_power_limit_uw", 45_000_000)
    assert original_limits(hardware.packages, tree.root, file)["intel-rapl:0"] == 45
    file.write_text("[1")
    assert original_limits(hardware.packages, tree.root, file)["intel-rapl:0"] == 45


def test_a_locked_rapl_limit_is_told(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree.add_rapl()
    package = find_packages(tree.root)[0]
    # A locked register takes the value without a word.
    monkeypatch.setattr("compute_heater_agent.linux.rapl.write", lambda *_: None)
    with pytest.raises(LinuxError, match="keeps its limit of 65 W"):
        package.set_limit(30)


def test_energy_counter_wraps(tree: Tree) -> None:
    folder = tree.add_rapl()
    tree.write(f"{folder}/max_energy_range_uj", 10_000_000)
    tree.write(f"{folder}/energy_uj", 9_000_000)
    counter = EnergyCounter(find_packages(tree.root)[0])
    assert counter.used_j() is None
    tree.write(f"{folder}/energy_uj", 9_500_000)
    assert counter.used_j() == 0.5
    tree.write(f"{folder}/energy_uj", 1_500_000)
    assert counter.used_j() == 2.0
    tree.root.at(f"{folder}/energy_uj").unlink()
    with pytest.raises(LinuxError):
        counter.used_j()
    tree.write(f"{folder}/energy_uj", 4_000_000)
    assert counter.used_j() is None, "nobody knows what was missed"


def test_amd_tells_energy_but_takes_no_limit(tree: Tree) -> None:
    tree.add_rapl(limit=False)
    tree.add_rapl(1, limit=False)
    packages = find_packages(tree.root)
    assert [package.name for package in packages] == ["package-0", "package-1"]
    assert all(package.counts_energy for package in packages)
    assert not any(package.takes_limit for package in packages)


async def test_nvidia_reads_and_limits(tree: Tree, programs: Programs) -> None:
    smi = programs.add_nvidia_smi(watts=150)
    hardware = await find_hardware(tree.root, SLICE)
    gpu = hardware.gpus[0]
    assert (gpu.name, gpu.power_w, gpu.limit_w) == ("NVIDIA Warm 3090", 150, 250)
    assert (gpu.min_w, gpu.default_w, gpu.temperature_c) == (100, 250, 61)
    actuators = Actuators(WATTS, hardware, available(hardware), {})
    assert await actuators.apply_to_cards(0.5, await nvidia.read_gpus()) == []
    assert smi.calls[-1] == f"-i {GPU_UUID} -pl 175"
    count = len(smi.calls)
    assert await actuators.apply_to_cards(0.51, await nvidia.read_gpus()) == []
    assert len(smi.calls) == count + 1, "small changes are not worth a program"
    assert await actuators.apply_to_cards(None, await nvidia.read_gpus()) == []
    # Never above the manufacturer's default, though the card would take 350 W.
    assert smi.calls[-1] == f"-i {GPU_UUID} -pl 250"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("echo 'No devices were found' >&2; exit 6", "No devices were found"),
        ("echo 'Failed to initialize NVML: Driver mismatch'; exit 18", "mismatch"),
        ("echo nonsense", "nonsense"),
        ("exec sleep 60", "did not end within 0.3 s"),
    ],
)
async def test_nvidia_trouble_is_told(
    tree: Tree,
    programs: Programs,
    monkeypatch: pytest.MonkeyPatch,
    body: str,
    reason: str,
) -> None:
    monkeypatch.setattr("compute_heater_agent.linux.nvidia._QUERY_S", 0.3)
    monkeypatch.setenv("PATH", f"{programs.add('x').path.parent}:/bin:/usr/bin")
    programs.add("nvidia-smi", body)
    hardware = await find_hardware(tree.root, SLICE)
    assert hardware.gpus == ()
    assert reason in (hardware.gpu_trouble or "")


async def test_a_card_that_does_not_tell(tree: Tree, programs: Programs) -> None:
    line = "0, GPU-1, GT 710, [N/A], [Not Supported], [N/A], [N/A], [N/A], 40"
    programs.add("nvidia-smi", f"echo '{line}'")
    hardware = await find_hardware(tree.root, SLICE)
    gpu = hardware.gpus[0]
    assert (gpu.power_w, gpu.limit_w, gpu.takes_limit) == (None, None, False)
    assert nvidia.total_power(hardware.gpus) is None
    assert available(hardware) == frozenset()


async def test_a_missing_program_is_told(tree: Tree) -> None:
    with pytest.raises(LinuxError, match="cannot run systemctl"):
        await run("systemctl", timeout_s=1)


async def test_systemd_commands(tree: Tree, programs: Programs) -> None:
    assert not systemd.is_running(tree.root)
    tree.add_systemd()
    assert systemd.is_running(tree.root)
    systemctl = programs.add("systemctl")
    await systemd.freeze(SLICE, True)
    await systemd.freeze(SLICE, False)
    await systemd.power("poweroff")
    await systemd.power("reboot", force=True)
    assert systemctl.calls == [
        f"--no-ask-password freeze {SLICE}",
        f"--no-ask-password thaw {SLICE}",
        "--no-ask-password poweroff",
        "--no-ask-password --force reboot",
    ]


def test_sensors_have_names_that_last(tree: Tree) -> None:
    tree.add_hwmon(3, "k10temp", temp1_input=61250, temp1_label="Tctl")
    tree.add_hwmon(10, "pool", temp1_input=41000, power1_average=95_500_000)
    tree.add_hwmon(9, "pool", temp1_input=38000, temp2_input=-128000)
    tree.write("/sys/class/thermal/thermal_zone0/type", "x86_pkg_temp")
    tree.write("/sys/class/thermal/thermal_zone0/temp", 55000)
    found = find_sensors(tree.root)
    values = {name: sensor.read() for name, sensor in found.items()}
    assert values == {
        "hwmon:k10temp:Tctl": 61.25,
        "hwmon:pool:temp1": 38,
        "hwmon:pool:temp2": None,
        "hwmon:pool:temp1#2": 41,
        "hwmon:pool:power1": 95.5,
        "thermal:x86_pkg_temp": 55,
    }
    assert not found["hwmon:pool:power1"].is_temperature
    tree.write("/sys/class/thermal/thermal_zone0/temp", "garbage")
    assert found["thermal:x86_pkg_temp"].read() is None
    assert json.dumps(values)

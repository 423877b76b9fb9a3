"""A folder that looks like the kernel's files of a machine, and programs on the path."""

from pathlib import Path
import stat

import pytest

from compute_heater_agent.linux.files import Root

SLICE = "compute.slice"
GPU_UUID = "GPU-5f3c"


class Tree:
    """Writes and reads files of a machine below a folder."""

    def __init__(self, path: Path) -> None:
        self.root = Root(path)
        self.write("/sys/devices/system/cpu/online", "0-3")
        self.write("/proc/sys/kernel/hostname", "attic")
        self.write("/proc/sys/kernel/random/boot_id", "boot-1")
        self.write("/proc/cpuinfo", "processor: 0\nmodel name\t: Warm 9000\n")

    def write(self, path: str, value: object) -> None:
        file = self.root.at(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{value}\n")

    def read(self, path: str) -> str:
        return self.root.at(path).read_text().strip()

    def add_group_v2(self, name: str = SLICE) -> str:
        group = f"/sys/fs/cgroup/{name}"
        self.write("/sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory")
        self.write("/sys/fs/cgroup/cgroup.subtree_control", "cpu memory")
        self.write(f"{group}/cpu.max", "max 100000")
        self.write(f"{group}/cpu.stat", "usage_usec 0\nuser_usec 0\nnr_periods 0")
        self.write(f"{group}/cgroup.freeze", 0)
        self.write(f"{group}/cgroup.events", "populated 1\nfrozen 0")
        return group

    def add_group_v1(self, name: str = SLICE) -> None:
        self.write(f"/sys/fs/cgroup/cpu,cpuacct/{name}/cpu.cfs_quota_us", -1)
        self.write(f"/sys/fs/cgroup/cpu,cpuacct/{name}/cpu.cfs_period_us", 100000)
        self.write(f"/sys/fs/cgroup/cpu,cpuacct/{name}/cpuacct.usage", 0)
        self.write(f"/sys/fs/cgroup/freezer/{name}/freezer.state", "THAWED")

    def add_cpufreq(self, policies: int = 2) -> list[str]:
        folders = []
        for number in range(policies):
            folder = f"/sys/devices/system/cpu/cpufreq/policy{number}"
            for name, value in {
                "cpuinfo_min_freq": 800000,
                "cpuinfo_max_freq": 4000000,
                "scaling_max_freq": 4000000,
                "scaling_cur_freq": 4000000,
                "scaling_governor": "schedutil",
            }.items():
                self.write(f"{folder}/{name}", value)
            folders.append(folder)
        return folders

    def add_rapl(self, package: int = 0, *, limit: bool = True) -> str:
        folder = f"/sys/class/powercap/intel-rapl:{package}"
        values: dict[str, object] = {
            "name": f"package-{package}",
            "energy_uj": 1_000_000,
            "max_energy_range_uj": 262_143_000_000,
        }
        if limit:
            values |= {
                "enabled": 1,
                "constraint_0_name": "long_term",
                "constraint_0_power_limit_uw": 65_000_000,
                "constraint_0_max_power_uw": 65_000_000,
            }
        for name, value in values.items():
            self.write(f"{folder}/{name}", value)
        # A part of the package must not be counted twice.
        self.write(f"{folder}:0/name", "core")
        self.write(f"{folder}:0/energy_uj", 500_000)
        return folder

    def add_hwmon(self, number: int, chip: str, **files: object) -> str:
        folder = f"/sys/class/hwmon/hwmon{number}"
        self.write(f"{folder}/name", chip)
        for name, value in files.items():
            self.write(f"{folder}/{name}", value)
        return folder

    def add_computer(self, packages: int = 1) -> None:
        """Add what every Linux tells of a PC: processors of two cores each, and more."""
        self.write(
            "/proc/cpuinfo",
            "processor\t: 0\nvendor_id\t: GenuineWarm\nmodel name\t: Warm 9000",
        )
        self.write("/proc/meminfo", "MemTotal:       16384000 kB\nMemFree: 1 kB")
        self.write("/proc/stat", "cpu  1 2 3\nbtime 1795895149\nprocesses 5")
        self.write("/sys/class/dmi/id/bios_version", "F.42")
        for cpu in range(4 * packages):
            topology = f"/sys/devices/system/cpu/cpu{cpu}/topology"
            core = cpu // 2 * 2
            self.write(f"{topology}/physical_package_id", cpu // 4)
            self.write(f"{topology}/core_cpus_list", f"{core}-{core + 1}")
        self.add_network("lo", "00:00:00:00:00:00", card=False)
        self.add_network("br0", "02:fc:00:00:00:01", card=False)
        self.add_network("enp3s0", "a8:a1:59:00:00:01")

    def add_network(self, name: str, mac: str, *, card: bool = True) -> None:
        folder = f"/sys/class/net/{name}"
        self.write(f"{folder}/address", mac)
        if card:
            self.root.at(f"{folder}/device").mkdir()

    def add_systemd(self) -> None:
        self.root.at("/run/systemd/system").mkdir(parents=True)


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tree:
    """Give a machine with nothing but four CPUs, and no program on the path."""
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    return Tree(tmp_path / "machine")


class Program:
    """A shell script on the path that notes how it was called."""

    def __init__(self, folder: Path, name: str, body: str) -> None:
        self._calls = folder.parent / f"{name}.calls"
        self.path = folder / name
        self.path.write_text(f'#!/bin/sh\necho "$*" >> {self._calls}\n{body}\n')
        self.path.chmod(self.path.stat().st_mode | stat.S_IXUSR)

    @property
    def calls(self) -> list[str]:
        return self._calls.read_text().splitlines() if self._calls.exists() else []


class Programs:
    """Makes programs in the folder that the path leads to."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, name: str, body: str = "") -> Program:
        return Program(self._folder, name, body)

    def add_nvidia_smi(self, watts: float = 150, idle: str = "") -> Program:
        """Make a card of 100 to 250 W that remembers its limit."""
        limit = self._folder.parent / "card-limit"
        limit.write_text("250.00")
        return self.add(
            "nvidia-smi",
            f"""
limit={limit}
case "$*" in
  *-pl*) for last; do :; done; printf %s.00 "$last" > $limit ;;
  *--query-gpu*) read now < $limit || :
     echo "0, {GPU_UUID}, NVIDIA Warm 3090, {watts:.2f}, $now, 100.00, 350.00, 250.00, 61" ;;
  *) exit 2 ;;
esac""",
        )


@pytest.fixture
def programs(tree: Tree, tmp_path: Path) -> Programs:
    """Give a way to put programs on the path of a machine's agent."""
    return Programs(tmp_path / "bin")

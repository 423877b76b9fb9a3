"""Where the power reading comes from, and the loop that holds it at the cap."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from compute_heater_agent.errors import SettingsError
from compute_heater_agent.linux.controller import PowerController
from compute_heater_agent.linux.hardware import find_hardware
from compute_heater_agent.linux.meter import PowerMeter, choose_source
from compute_heater_agent.linux.nvidia import Gpu
from compute_heater_agent.linux.probe import Probe
from compute_heater_agent.linux.settings import LinuxSettings

from .linux_tree import SLICE, Programs, Tree

SETTINGS = LinuxSettings(idle_w=50, max_w=250)


def settle(
    limits: Sequence[float], *, idle_w: float, slope_w: float, wants: float = 1.0
) -> list[float]:
    """Let the loop run 60 s at each limit; return the power at the end of each.

    The machine has another line than the loop believes (50 W to 250 W).
    """
    loop = PowerController(floor_w=50, max_w=250)
    ends, power_w, share = [], idle_w, 0.0
    for limit_w in limits:
        for _ in range(60):
            hungry = wants > share * 0.9
            share = loop.share(limit_w, power_w, hungry=hungry, dt_s=1)
            power_w = idle_w + slope_w * min(share, wants)
        ends.append(power_w)
    return ends


@pytest.mark.parametrize(
    ("idle_w", "slope_w"), [(50, 200), (60, 300), (40, 150), (90, 160), (50, 380)]
)
def test_power_comes_to_the_limit_however_wrong_the_line(
    idle_w: float, slope_w: float
) -> None:
    limits = [150.0, 110.0, 180.0, 120.0]
    assert settle(limits, idle_w=idle_w, slope_w=slope_w) == pytest.approx(
        limits, abs=0.5
    )


def test_power_below_the_limit_for_lack_of_work_teaches_nothing() -> None:
    loop = PowerController(floor_w=50, max_w=250)
    for _ in range(600):
        share = loop.share(150, 60, hungry=False, dt_s=1)
    assert share == 0.5
    assert loop.share(150, 150, hungry=True, dt_s=1) == pytest.approx(0.5)


def test_a_long_time_at_an_end_is_forgotten_soon() -> None:
    """Neither a machine that cannot get down nor one that cannot get up winds it up."""
    loop = PowerController(floor_w=50, max_w=250)
    for _ in range(600):
        assert loop.share(50, 90, hungry=True, dt_s=1) == 0
    power_w = 90.0
    for _ in range(12):
        power_w = 90 + 160 * loop.share(170, power_w, hungry=True, dt_s=1)
    assert power_w == pytest.approx(170, abs=5)


def test_a_reading_of_before_the_limit_changed_does_not_count() -> None:
    loop = PowerController(floor_w=50, max_w=250)
    for _ in range(10):
        assert loop.share(100, 100, hungry=True, dt_s=1) == pytest.approx(0.25)
    assert loop.share(200, 100, hungry=True, dt_s=0) == 0.75
    assert loop.share(200, 130, hungry=True, dt_s=1) == 0.75
    assert loop.share(200, 200, hungry=True, dt_s=1) == 0.75


def test_ends_and_unknown_power() -> None:
    loop = PowerController(floor_w=50, max_w=250)
    assert loop.share(250, 240, hungry=True, dt_s=1) == 1
    assert loop.share(100, None, hungry=True, dt_s=1) == 0.25
    assert loop.share(50, None, hungry=False, dt_s=1) == 0


async def test_rapl_cards_and_the_rest_are_summed(
    tree: Tree, programs: Programs
) -> None:
    folder = tree.add_rapl()
    programs.add_nvidia_smi(watts=120)
    hardware = await find_hardware(tree.root, SLICE)
    settings = replace(SETTINGS, base_w=20)
    source = choose_source(settings, hardware)
    assert (source.rapl, source.nvidia, source.is_estimate) == (True, True, False)
    assert source.remark(settings) == (
        "Processor packages (RAPL) + graphics cards (nvidia-smi) "
        "+ 20 W for what is not measured"
    )
    meter = PowerMeter(source, settings, hardware)
    assert meter.read(0, None, hardware.gpus).power_w is None
    tree.write(f"{folder}/energy_uj", 61_000_000)
    measured = meter.read(2, None, hardware.gpus)
    assert measured.power_w == pytest.approx(30 + 120 + 20)
    tree.write(f"{folder}/energy_uj", 62_000_000)
    assert meter.read(1, None, None).power_w is None, "cards do not answer"
    tree.root.at(f"{folder}/energy_uj").unlink()
    broken = meter.read(1, None, hardware.gpus)
    assert broken.power_w is None
    assert "energy_uj" in broken.faults[0]


async def test_estimate_follows_use_and_says_so(tree: Tree) -> None:
    tree.add_group_v2()
    hardware = await find_hardware(tree.root, SLICE)
    source = choose_source(SETTINGS, hardware)
    assert source.is_estimate
    assert source.remark(SETTINGS) == (
        "Estimated from the CPU use of compute.slice between 50 and 250 W, not measured"
    )
    meter = PowerMeter(source, SETTINGS, hardware)
    assert meter.read(1, 0.0, ()).power_w == 50
    assert meter.read(1, 0.25, ()).power_w == 100
    assert meter.read(1, None, ()).power_w is None


async def test_estimate_beside_measured_cards(tree: Tree, programs: Programs) -> None:
    tree.add_group_v2()
    programs.add_nvidia_smi(watts=150)
    hardware = await find_hardware(tree.root, SLICE)
    settings = replace(SETTINGS, max_w=450)
    meter = PowerMeter(choose_source(settings, hardware), settings, hardware)
    # Of 400 W the card has 235 W (250 W less 15 W idle), the CPUs 165 W.
    assert meter.read(1, 1.0, hardware.gpus).power_w == pytest.approx(50 + 165 + 135)
    full: list[Gpu] = [replace(hardware.gpus[0], power_w=250)]
    assert meter.read(1, 1.0, full).power_w == pytest.approx(450)


async def test_a_meter_that_is_named_must_be_there(tree: Tree) -> None:
    tree.add_hwmon(0, "ina226", power1_input=80_000_000, temp1_input=30000)
    hardware = await find_hardware(tree.root, SLICE)
    settings = replace(SETTINGS, meter=("hwmon:ina226:power1",))
    meter = PowerMeter(choose_source(settings, hardware), settings, hardware)
    assert meter.read(1, None, ()).power_w == 80
    for name in ("rapl", "nvidia", "hwmon:none:power1", "hwmon:ina226:temp1"):
        with pytest.raises(SettingsError, match="meter"):
            choose_source(replace(SETTINGS, meter=(name,)), hardware)
    tree.root.at("/sys/class/hwmon/hwmon0/power1_input").unlink()
    broken = meter.read(1, None, ())
    assert broken.power_w is None
    assert broken.faults


async def test_probe_tells_use_from_cpu_time(tree: Tree) -> None:
    group = tree.add_group_v2()
    hardware = await find_hardware(tree.root, SLICE)
    probe = Probe(replace(SETTINGS, cpus=0.001), hardware, shortest_s=0)
    first = probe.read(())
    assert (first.dt_s, first.cpu_use, first.power_w) == (0, None, None)
    assert first.frozen is False
    assert probe.read(()).cpu_use == 0
    # More than the CPUs it may use cannot be: clocks are not that exact.
    tree.write(f"{group}/cpu.stat", "usage_usec 1000000")
    sample = probe.read(())
    assert sample.cpu_use == 1
    assert sample.power_w == 250
    tree.write(f"{group}/cpu.stat", "nonsense")
    sample = probe.read(())
    assert (sample.cpu_use, sample.power_w) == (None, None)
    assert sample.faults
    with pytest.raises(SettingsError, match="temperature sensor"):
        Probe(replace(SETTINGS, coolant="hwmon:none:temp1"), hardware)


async def test_a_second_look_right_away_tells_no_new_rates(tree: Tree) -> None:
    group = tree.add_group_v2()
    hardware = await find_hardware(tree.root, SLICE)
    probe = Probe(SETTINGS, hardware)
    probe.read(())
    tree.write(f"{group}/cpu.stat", "usage_usec 1000000")
    tree.write(f"{group}/cgroup.events", "frozen 1")
    sample = probe.read(())
    assert (sample.dt_s, sample.power_w, sample.frozen) == (0, None, True)


async def test_a_slow_clock_makes_the_same_use_cheaper(tree: Tree) -> None:
    group, folder = tree.add_group_v2(), tree.add_cpufreq(1)[0]
    hardware = await find_hardware(tree.root, SLICE)
    probe = Probe(replace(SETTINGS, cpus=0.001), hardware, shortest_s=0)
    probe.read(())
    tree.write(f"{folder}/scaling_cur_freq", 2000000)
    tree.write(f"{group}/cpu.stat", "usage_usec 1000000")
    assert probe.read(()).power_w == 150

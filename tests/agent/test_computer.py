"""What the agent tells of the computer it runs on; what it cannot know is left out."""

from pathlib import Path
from typing import Any

import pytest

from compute_heater_agent.linux.hardware import find_hardware

from .client import open_machine, until
from .linux_config import make_config
from .linux_tree import SLICE, Tree
from .test_resources import walk

ROOT = "/redfish/v1"
SYSTEM = f"{ROOT}/Systems/Module1"
SENSORS = f"{ROOT}/Chassis/Rack/Sensors"
METRICS = f"{ROOT}/Chassis/Rack/ThermalSubsystem/ThermalMetrics"


async def shown(tree: Tree, folder: Path) -> dict[str, dict[str, Any]]:
    """Return all resources of a machine that was just read."""
    async with open_machine(make_config(folder), tree.root) as client:
        machine = client.agent.machine
        await until(lambda: machine.power_w is not None)
        return await walk(client)


async def test_a_pc_tells_what_it_is_made_of(tree: Tree, tmp_path: Path) -> None:
    tree.add_group_v2()
    tree.add_cpufreq()
    tree.add_computer(packages=2)
    seen = await shown(tree, tmp_path)
    system = seen[SYSTEM]
    assert system["HostName"] == "attic"
    assert system["BiosVersion"] == "F.42"
    assert system["LastResetTime"] == "2026-11-28T19:45:49+00:00"
    assert system["MemorySummary"] == {"TotalSystemMemoryGiB": 15.62}
    assert system["ProcessorSummary"] == {
        "Count": 2,
        "Model": "Warm 9000",
        "CoreCount": 4,
        "LogicalProcessorCount": 8,
    }
    processor = seen[f"{SYSTEM}/Processors/CPU2"]
    assert processor["Socket"] == "1"
    assert processor["ProcessorId"] == {"VendorId": "GenuineWarm"}
    assert processor["Model"] == "Warm 9000"
    assert (processor["TotalCores"], processor["TotalThreads"]) == (2, 4)
    assert processor["MaxSpeedMHz"] == 4000
    # The loop and a bridge are no cards.
    cards = {
        path: body for path, body in seen.items() if "/EthernetInterfaces/" in path
    }
    assert list(cards) == [f"{SYSTEM}/EthernetInterfaces/enp3s0"]
    assert cards.popitem()[1]["MACAddress"] == "A8:A1:59:00:00:01"
    assert seen[f"{SENSORS}/Work"]["Reading"] == 0
    assert seen[f"{ROOT}/Managers/Agent"]["LastResetTime"]


async def test_what_it_does_not_know_is_left_out(tree: Tree, tmp_path: Path) -> None:
    tree.add_group_v2()
    tree.write("/proc/cpuinfo", "processor\t: 0\nBogoMIPS\t: 108.00")
    tree.write("/proc/meminfo", "MemTotal: plenty")
    seen = await shown(tree, tmp_path)
    system, processor = seen[SYSTEM], seen[f"{SYSTEM}/Processors/CPU1"]
    assert system["ProcessorSummary"] == {"Count": 1}
    for name in (
        "Manufacturer",
        "BiosVersion",
        "LastResetTime",
        "MemorySummary",
        "EthernetInterfaces",
    ):
        assert name not in system
    for name in ("Socket", "ProcessorId", "Model", "TotalCores", "MaxSpeedMHz"):
        assert name not in processor
    assert "Manufacturer" not in seen[f"{ROOT}/Chassis/Rack"]
    assert f"{SENSORS}/CPU1" not in seen
    assert "TemperatureReadingsCelsius" not in seen[METRICS]


async def test_processors_tell_their_temperature(tree: Tree, tmp_path: Path) -> None:
    tree.add_group_v2()
    tree.add_computer(packages=2)
    for number in range(2):
        tree.add_hwmon(
            number,
            "coretemp",
            temp1_input=50000 + 10000 * number,
            temp1_label=f"Package id {number}",
        )
    async with open_machine(make_config(tmp_path), tree.root) as client:
        machine = client.agent.machine
        await until(lambda: machine.processor_c(1) == 60)
        sensor = (await client.get(f"{SENSORS}/CPU2")).body
        assert (sensor["Reading"], sensor["PhysicalContext"]) == (60, "CPU")
        assert sensor["RelatedItem"] == [{"@odata.id": f"{SYSTEM}/Processors/CPU2"}]
        readings = (await client.get(METRICS)).body["TemperatureReadingsCelsius"]
        assert [each["Reading"] for each in readings] == [50, 60]
        # It is no coolant: nothing of it may be taken for heat at the house.
        chassis = (await client.get(f"{ROOT}/Chassis/Rack/EnvironmentMetrics")).body
        assert "TemperatureCelsius" not in chassis
        tree.root.at("/sys/class/hwmon/hwmon0/temp1_input").unlink()
        await until(lambda: machine.processor_c(0) is None)
        sensor = (await client.get(f"{SENSORS}/CPU1")).body
        assert sensor["Reading"] is None


@pytest.mark.parametrize(
    ("chip", "label"), [("k10temp", "Tctl"), ("cpu_thermal", "temp1")]
)
async def test_sensors_of_other_processors(tree: Tree, chip: str, label: str) -> None:
    tree.add_hwmon(0, "nvme", temp1_input=30000)
    tree.add_hwmon(1, chip, temp1_input=50000, temp1_label=label)
    (sensor,) = (await find_hardware(tree.root, SLICE)).processor_heat
    assert sensor is not None
    assert sensor.name == f"hwmon:{chip}:{label}"


async def test_die_temperature_comes_before_the_fans(tree: Tree) -> None:
    tree.add_hwmon(
        0,
        "k10temp",
        temp1_input=77000,
        temp1_label="Tctl",
        temp2_input=50000,
        temp2_label="Tdie",
    )
    (sensor,) = (await find_hardware(tree.root, SLICE)).processor_heat
    assert sensor is not None
    assert sensor.read() == 50

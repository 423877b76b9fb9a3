"""The agent of a Linux machine behind its Redfish face, on a copy of the kernel's files."""

from pathlib import Path

import pytest

from compute_heater_agent.errors import SettingsError
from compute_heater_agent.linux.agent import release

from .client import CONTROL, METRICS, open_machine, until
from .linux_config import make_config
from .linux_tree import Programs, Tree
from .test_resources import walk

ROOT = "/redfish/v1"
SYSTEM = f"{ROOT}/Systems/Module1"
TANK = f"{ROOT}/ThermalEquipment/ImmersionUnits/Tank"
POWER = f"{ROOT}/Chassis/Rack/Sensors/Power"


async def test_a_cap_reaches_every_back_end(
    tree: Tree, tmp_path: Path, programs: Programs
) -> None:
    group, rapl = tree.add_group_v2(), tree.add_rapl()
    clock = tree.add_cpufreq(1)[0]
    programs.add_nvidia_smi(watts=30)
    limit = tmp_path / "card-limit"
    # A fake machine's power does not follow: without its meter the loop is open.
    config = make_config(
        tmp_path, power={"meter": ["nvidia", "hwmon:plug:power1"], "base_watts": 0}
    )
    tree.add_hwmon(0, "plug", power1_input=0)
    async with open_machine(config, tree.root) as client:
        # The default cap: what the idle machine draws.
        await until(lambda: tree.read(f"{group}/cpu.max") == "1000 100000")
        assert tree.read(f"{clock}/scaling_max_freq") == "800000"
        assert tree.read(f"{rapl}/constraint_0_power_limit_uw") == "6500000"
        await until(lambda: limit.read_text() == "100.00")
        answer = await client.patch(
            METRICS, {"PowerLimitWatts": {"ControlMode": "Disabled"}}
        )
        assert answer.status == 200
        await until(lambda: tree.read(f"{group}/cpu.max") == "max 100000")
        assert tree.read(f"{clock}/scaling_max_freq") == "4000000"
        await until(
            lambda: tree.read(f"{rapl}/constraint_0_power_limit_uw") == "65000000"
        )
        await until(lambda: limit.read_text() == "250.00")
    # The default cap stays when the agent ends.
    assert tree.read(f"{group}/cpu.max") == "1000 100000"
    assert tree.read(f"{clock}/scaling_max_freq") == "800000"
    assert tree.read(f"{rapl}/constraint_0_power_limit_uw") == "6500000"
    assert limit.read_text() == "100.00"


async def test_an_estimate_is_called_one(tree: Tree, tmp_path: Path) -> None:
    tree.add_group_v2()
    async with open_machine(make_config(tmp_path), tree.root) as client:
        machine = client.agent.machine
        await until(lambda: machine.power_w is not None)
        sensor = (await client.get(POWER)).body
        assert sensor["Implementation"] == "Synthesized"
        assert "not measured" in sensor["Description"]
        metrics = (await client.get(METRICS)).body
        assert metrics["PowerWatts"]["Reading"] == 50
        assert "not measured" in metrics["Description"]
        assert "TemperatureCelsius" not in metrics
        limit = metrics["PowerLimitWatts"]
        assert (limit["AllowableMin"], limit["AllowableMax"]) == (50, 250)


async def test_what_is_not_there_is_not_shown(tree: Tree, tmp_path: Path) -> None:
    tree.add_group_v2()
    async with open_machine(make_config(tmp_path), tree.root) as client:
        seen = await walk(client)
    assert not [path for path in seen if "ThermalEquipment" in path]
    names = {path.rpartition("/")[2] for path in seen if "/Sensors/" in path}
    assert names == {"Power", "Energy", "Load", "Work"}
    chassis = seen[f"{ROOT}/Chassis/Rack"]
    assert (chassis["Name"], chassis["ChassisType"]) == ("attic", "StandAlone")
    system = seen[SYSTEM]
    assert system["ProcessorSummary"]["Model"] == "Warm 9000"
    assert "the machine itself stays on" in system["Description"]


async def test_coolant_where_its_sensors_are_named(tree: Tree, tmp_path: Path) -> None:
    tree.add_group_v2()
    loop = tree.add_hwmon(
        2, "loop", temp1_input=48000, temp2_input=36500, temp3_input=55250
    )
    config = make_config(
        tmp_path,
        temperature={
            "supply": "hwmon:loop:temp1",
            "return": "hwmon:loop:temp2",
            "coolant": "hwmon:loop:temp3",
            "trip_celsius": 60,
        },
    )
    async with open_machine(config, tree.root) as client:
        machine = client.agent.machine
        await until(lambda: machine.coolant_c == 55.25)
        pipes = (await client.get(f"{TANK}/PrimaryCoolantConnectors/1")).body
        # Redfish's supply is the cold side.
        assert pipes["SupplyTemperatureCelsius"]["Reading"] == 36.5
        assert pipes["ReturnTemperatureCelsius"]["Reading"] == 48
        assert "FlowLitersPerMinute" not in pipes
        assert "HeatRemovedkW" not in pipes
        metrics = (await client.get(METRICS)).body
        assert metrics["TemperatureCelsius"]["Reading"] == 55.25
        tree.root.at(f"{loop}/temp3_input").unlink()
        tree.write(f"{loop}/temp1_input", 49000)
        await until(lambda: machine.coolant_c == 49)
        inside = (await client.get(f"{TANK}/SecondaryCoolantConnectors/1")).body
        assert inside["ReturnTemperatureCelsius"]["Reading"] is None
        await walk(client)


async def test_off_freezes_the_slice(tree: Tree, tmp_path: Path) -> None:
    group = tree.add_group_v2()
    async with open_machine(make_config(tmp_path), tree.root) as client:
        assert (await client.reset(1, "GracefulRestart")).status == 400
        assert (await client.reset(1, "GracefulShutdown")).status == 204
        assert (await client.get(SYSTEM)).body["PowerState"] == "PoweringOff"
        await until(lambda: tree.read(f"{group}/cgroup.freeze") == "1")
        tree.write(f"{group}/cgroup.events", "populated 1\nfrozen 1")
        machine = client.agent.machine
        await until(lambda: machine.modules[0].state == "off")
        assert (await client.get(SYSTEM)).body["PowerState"] == "Off"
        assert (await client.reset(1, "On")).status == 204
        await until(lambda: tree.read(f"{group}/cgroup.freeze") == "0")
        tree.write(f"{group}/cgroup.events", "populated 1\nfrozen 0")
        await until(lambda: machine.modules[0].state == "on")


async def test_systemd_freezes_its_slice_itself(
    tree: Tree, tmp_path: Path, programs: Programs
) -> None:
    group = tree.add_group_v2()
    tree.add_systemd()
    systemctl = programs.add("systemctl")
    async with open_machine(make_config(tmp_path), tree.root) as client:
        await client.reset(1, "ForceOff")
        await until(lambda: bool(systemctl.calls))
        assert systemctl.calls[0] == "--no-ask-password freeze compute.slice"
        assert tree.read(f"{group}/cgroup.freeze") == "0"
        # Where systemd cannot, the group is written to.
        programs.add("systemctl", "echo 'not supported' >&2; exit 1")
        await until(lambda: tree.read(f"{group}/cgroup.freeze") == "1")


async def test_power_off_is_systemds(
    tree: Tree, tmp_path: Path, programs: Programs
) -> None:
    tree.add_group_v2()
    tree.add_systemd()
    systemctl = programs.add("systemctl", "echo 'inhibited' >&2; exit 1")
    config = make_config(tmp_path, work={"off": "poweroff"})
    async with open_machine(config, tree.root) as client:
        assert (await client.reset(1, "GracefulShutdown")).status == 204
        await until(lambda: bool(client.agent.machine.faults))
        assert systemctl.calls == ["--no-ask-password poweroff"]
        assert (await client.get(SYSTEM)).body["PowerState"] == "On"


async def test_a_back_end_that_fails_is_a_warning(tree: Tree, tmp_path: Path) -> None:
    group = tree.add_group_v2()
    async with (
        open_machine(make_config(tmp_path), tree.root) as client,
        client.stream(),
    ):
        machine = client.agent.machine
        tree.root.at(f"{group}/cpu.max").rename(tree.root.at("/kept"))
        await until(lambda: bool(machine.faults))
        status = (await client.get(f"{ROOT}/Chassis/Rack")).body["Status"]
        assert status["Health"] == "Warning"
        assert "cpu.max" in status["Conditions"][0]["Message"]
        tree.root.at("/kept").rename(tree.root.at(f"{group}/cpu.max"))
        await until(lambda: not machine.faults)
        assert (await client.get(f"{ROOT}/Chassis/Rack")).body["Status"] == {
            "State": "Enabled",
            "Health": "OK",
        }


async def test_faults_are_events(tree: Tree, tmp_path: Path) -> None:
    group = tree.add_group_v2()
    async with (
        open_machine(make_config(tmp_path), tree.root) as client,
        client.stream() as stream,
    ):
        tree.root.at(f"{group}/cpu.max").unlink()
        async for line in stream.content:
            if b"ResourceErrorsDetected" in line:
                break


@pytest.mark.parametrize(
    ("on_stop", "left"),
    [("default", "40000 100000"), ("lift", "max 100000"), ("keep", "200000 100000")],
)
async def test_what_is_left_behind(
    tree: Tree, tmp_path: Path, on_stop: str, left: str
) -> None:
    group = tree.add_group_v2()
    config = make_config(
        tmp_path, power={"default_watts": 70}, work={"on_stop": on_stop}
    )
    async with open_machine(config, tree.root) as client:
        await client.patch(CONTROL, {"SetPoint": 150})
        # With no CPU time used the loop has nothing to learn: half of 4 CPUs.
        await until(lambda: tree.read(f"{group}/cpu.max") == "200000 100000")
        tree.write(f"{group}/cgroup.freeze", 1)
    assert tree.read(f"{group}/cpu.max") == left
    assert tree.read(f"{group}/cgroup.freeze") == ("0" if on_stop == "lift" else "1")
    # After a crash it is the same.
    tree.write(f"{group}/cpu.max", "200000 100000")
    await release(config, tree.root)
    assert tree.read(f"{group}/cpu.max") == left


async def test_the_lease_ends(tree: Tree, tmp_path: Path) -> None:
    group = tree.add_group_v2()
    config = make_config(tmp_path, power={"default_watts": 70, "lease_seconds": 10})
    async with open_machine(config, tree.root) as client:
        await client.patch(CONTROL, {"ControlMode": "Disabled"})
        await until(lambda: tree.read(f"{group}/cpu.max") == "max 100000")
        await until(lambda: tree.read(f"{group}/cpu.max") == "40000 100000")
        assert (await client.get(CONTROL)).body["ControlMode"] == "Automatic"


async def test_meters_and_identity_last(tree: Tree, tmp_path: Path) -> None:
    tree.add_group_v2()
    seen = []
    for _ in range(2):
        async with open_machine(make_config(tmp_path), tree.root) as client:
            machine = client.agent.machine
            start_j = machine.energy_j
            await until(lambda: machine.energy_j > start_j)  # noqa: B023
            seen.append((client.agent.uuid, start_j, machine))
    assert seen[0][0] == seen[1][0]
    assert 0 == seen[0][1] < seen[0][2].energy_j == seen[1][1]


async def test_a_slice_that_is_not_there(tree: Tree, tmp_path: Path) -> None:
    """Systemd makes it with the first work: until then nothing is held back."""
    tree.add_group_v2("other.slice")
    tree.add_systemd()
    async with open_machine(make_config(tmp_path), tree.root) as client:
        machine = client.agent.machine
        await until(lambda: bool(machine.faults))
        assert "compute.slice is not there" in machine.faults[0]
        group = tree.add_group_v2()
        await until(lambda: not machine.faults)
        assert tree.read(f"{group}/cpu.max") == "1000 100000"


async def test_nothing_to_hold_power_down_with(tree: Tree, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="nothing on this machine"):
        async with open_machine(make_config(tmp_path), tree.root):
            pass
    tree.add_group_v2()
    config = make_config(tmp_path, work={"use": ["quota", "rapl"]})
    with pytest.raises(SettingsError, match="does not have: rapl"):
        async with open_machine(config, tree.root):
            pass

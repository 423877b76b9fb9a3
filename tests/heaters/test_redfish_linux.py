"""Our own driver on the agent of a Linux machine: no coolant, no boot, watts estimated."""

from pathlib import Path

import aiohttp
import pytest

from compute_heater_agent.linux.agent import running_linux
from custom_components.compute_heater.heaters.model import Command, HeaterRefusedError
from custom_components.compute_heater.heaters.redfish import RedfishHeater
from tests.agent.client import PASSWORD, USER, until
from tests.agent.linux_config import make_config
from tests.agent.linux_tree import Tree


async def test_caps_and_switches_a_machine_without_coolant(tmp_path: Path) -> None:
    tree = Tree(tmp_path / "machine")
    group = tree.add_group_v2()
    async with (
        running_linux(make_config(tmp_path), tree.root) as running,
        aiohttp.ClientSession() as session,
    ):
        heater = RedfishHeater(session, running.agent.url, USER, PASSWORD)
        identity, can = await heater.connect()
        assert (identity.uuid, identity.name) == (running.agent.uuid, "attic")
        assert not can.has_coolant
        assert (can.floor_w, can.max_w, can.modules) == (50, 250, 1)
        assert can.can_switch
        machine = running.machine
        await until(lambda: machine.power_w is not None)
        seen = await heater.read()
        assert (seen.power_w, seen.power_limit_w, seen.is_on) == (50, 50, True)
        assert (seen.coolant_c, seen.supply_c, seen.heat_kwh) == (None, None, None)
        assert (seen.problem, seen.overheating) == (False, False)

        await heater.apply(Command(on=True, power_limit_w=150))
        await until(lambda: tree.read(f"{group}/cpu.max") == "200000 100000")
        await heater.apply(Command(on=True))
        await until(lambda: tree.read(f"{group}/cpu.max") == "max 100000")
        with pytest.raises(HeaterRefusedError):
            await heater.apply(Command(on=True, power_limit_w=251))

        await heater.apply(Command(on=False))
        await until(lambda: tree.read(f"{group}/cgroup.freeze") == "1")
        assert (await heater.read()).is_changing
        tree.write(f"{group}/cgroup.events", "populated 1\nfrozen 1")
        await until(lambda: machine.modules[0].state == "off")
        assert (await heater.read()).is_on is False
        tree.root.at(f"{group}/cpu.max").unlink()
        await until(lambda: bool(machine.faults))
        assert (await heater.read()).problem is True
        await heater.close()

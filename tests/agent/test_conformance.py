"""DMTF's own validators on the agent. They lie beside the repository, if at all."""

import asyncio
from collections.abc import Callable
import os
from pathlib import Path
import re
from typing import Any

import pytest

from compute_heater_agent.settings import RackSettings

from .client import PASSWORD, USER, Client, open_heater, open_machine, until
from .linux_config import make_config
from .linux_tree import Tree

VALIDATE = Path(__file__).parents[3] / "shared/interop/redfish/validate.sh"


async def validate(client: Client) -> list[tuple[int, int]]:
    """Run service and interop validator; return PASS and FAIL counts of each."""
    child = await asyncio.create_subprocess_exec(
        "bash",
        str(VALIDATE),
        client.agent.url,
        env=os.environ | {"RFUSER": USER, "RFPASS": PASSWORD, "PROFILE": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    output = (await child.communicate())[0].decode()
    rows = re.findall(r"\|\s+(\d+)\s+\|\s+\d+\s+\|\s+(\d+)\s+\|\s+\d+\s+\|", output)
    assert len(rows) == 2, output
    return [(int(passed), int(failed)) for passed, failed in rows]


def long(test: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a test that needs the validators and some time."""
    for mark in (
        pytest.mark.long,
        pytest.mark.timeout(900),
        pytest.mark.skipif(
            not os.environ.get("COMPUTE_HEATER_LONG"),
            reason="only with scripts/test --long",
        ),
        pytest.mark.skipif(
            not VALIDATE.exists(), reason="DMTF's validators are not here"
        ),
    ):
        test = mark(test)
    return test


@long
@pytest.mark.parametrize("trip_c", [65.0, 37.0, 33.0], ids=["normal", "hot", "tripped"])
async def test_dmtf_validators_find_no_fault(trip_c: float) -> None:
    rack = RackSettings(modules=4, trip_c=trip_c)
    async with open_heater(rack) as client, client.stream():
        await client.log_in()
        await client.reset(1, "ForceOff")
        (passed, failed), (profile_passed, profile_failed) = await validate(client)
    assert passed > 700
    assert profile_passed > 20
    assert (failed, profile_failed) == (0, 0)


@long
@pytest.mark.parametrize("state", ["bare", "cooled", "failing"])
async def test_dmtf_validators_find_no_fault_in_a_linux_machine(
    state: str, tmp_path: Path
) -> None:
    tree = Tree(tmp_path / "machine")
    group = tree.add_group_v2()
    tree.add_computer()
    temperature: dict[str, Any] = {}
    if state != "bare":
        tree.add_hwmon(0, "loop", temp1_input=58500, temp2_input=40000)
        temperature = {
            "supply": "hwmon:loop:temp1",
            "return": "hwmon:loop:temp2",
            "coolant": "hwmon:loop:temp1",
            "trip_celsius": 60,
        }
    config = make_config(tmp_path, temperature=temperature)
    async with open_machine(config, tree.root) as client, client.stream():
        await client.log_in()
        machine = client.agent.machine
        await until(lambda: machine.power_w is not None)
        if state == "failing":
            tree.root.at(f"{group}/cpu.max").unlink()
            tree.root.at(f"{group}/cpu.stat").unlink()
            tree.root.at("/sys/class/hwmon/hwmon0/temp2_input").unlink()
            await until(lambda: len(machine.faults) > 1 and machine.power_w is None)
        (passed, failed), (profile_passed, profile_failed) = await validate(client)
    assert passed > 500
    assert profile_passed > 10
    assert (failed, profile_failed) == (0, 0)

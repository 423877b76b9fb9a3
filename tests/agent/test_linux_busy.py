"""Real work in a real control group of this machine, held at the share that was asked for."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
import os
from pathlib import Path
import sys
from time import monotonic
from uuid import uuid4

import pytest

from compute_heater_agent.linux.cgroup import CpuGroup, find_group
from compute_heater_agent.linux.files import LinuxError, Root, write

from .client import CONTROL, METRICS, Client, open_machine, until
from .linux_config import make_config

WINDOW_S = 8.0
"""The kernel grants time by tenths of a second: a short window is not exact."""
_MEMBERS = ("cpu", "cpu,cpuacct", "cpuacct", "freezer")


@contextmanager
def own_group() -> Generator[tuple[str, CpuGroup]]:
    """Make a control group for the test; skip where that is not allowed."""
    name = f"compute-heater-test-{uuid4().hex[:8]}"
    group = find_group(Root(), name)
    if group is None:
        pytest.skip("no CPU controller for control groups on this machine")
    try:
        group.create()
    except LinuxError as err:
        pytest.skip(f"control groups may not be made here: {err}")
    try:
        if not (group.has_quota and group.has_usage):
            pytest.skip("control groups here have no CPU quota or usage")
        put_first(group)
        yield name, group
    finally:
        for folder in folders(name):
            folder.rmdir()


def put_first(group: CpuGroup) -> None:
    """Other work on this machine must not keep the loops below their share."""
    file = "cpu.weight" if group.version == 2 else "cpu.shares"
    write(group.folder / file, 10000 if group.version == 2 else 262144)


def folders(name: str) -> list[Path]:
    mount = Path("/sys/fs/cgroup")
    found = {(mount / member / name).resolve() for member in ("", *_MEMBERS)}
    return [folder for folder in found if folder.is_dir()]


@asynccontextmanager
async def busy(name: str, count: int) -> AsyncGenerator[None]:
    """Let loops run in the group."""
    children = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", "while True: pass")
        for _ in range(count)
    ]
    try:
        for child in children:
            for folder in folders(name):
                write(folder / "cgroup.procs", child.pid)
        yield
    finally:
        group = find_group(Root(), name)
        if group is not None and group.has_freezer:
            group.freeze(False)
        for child in children:
            child.kill()
            await child.wait()


async def used_cpus(group: CpuGroup) -> float:
    """Return how many CPUs the group used in a window, by the kernel's account."""
    start_s, start = group.usage_s(), monotonic()
    await asyncio.sleep(WINDOW_S)
    return (group.usage_s() - start_s) / (monotonic() - start)


async def settle(client: Client, watts: float) -> None:
    """Ask for a power and wait until it is there."""
    await client.patch(CONTROL, {"SetPoint": watts, "ControlMode": "Automatic"})
    machine = client.agent.machine
    await until(
        lambda: machine.power_w is not None and abs(machine.power_w - watts) < 4
    )


async def test_a_busy_loop_is_held_at_the_share(tmp_path: Path) -> None:
    """One CPU of work between 50 and 150 W: one watt is one percent."""
    with own_group() as (name, group):
        config = make_config(
            tmp_path, power={"max_watts": 150}, work={"slice": name, "cpus": 1}
        )
        async with open_machine(config) as client, busy(name, 1):
            for percent in (30, 60):
                await settle(client, 50 + percent)
                cpus = await used_cpus(group)
                assert cpus == pytest.approx(percent / 100, rel=0.05)
                reading = (await client.get(METRICS)).body["PowerWatts"]["Reading"]
                assert reading == pytest.approx(50 + percent, abs=5)
            # The lowest cap leaves next to nothing.
            await settle(client, 50)
            assert await used_cpus(group) < 0.05


async def test_several_loops_share_the_quota(tmp_path: Path) -> None:
    with own_group() as (name, group):
        cpus = len(os.sched_getaffinity(0))
        config = make_config(tmp_path, work={"slice": name, "cpus": cpus})
        async with open_machine(config) as client, busy(name, cpus + 1):
            await settle(client, 50 + 0.4 * 200)
            assert await used_cpus(group) == pytest.approx(0.4 * cpus, rel=0.05)


async def test_off_stands_still_and_on_goes_on(tmp_path: Path) -> None:
    with own_group() as (name, group):
        if not group.has_freezer:
            pytest.skip("control groups here have no freezer")
        config = make_config(tmp_path, work={"slice": name, "on_stop": "lift"})
        # Frozen work cannot even be killed in version 1: the agent has to end first.
        async with busy(name, 1), open_machine(config) as client:
            await client.patch(CONTROL, {"ControlMode": "Disabled"})
            await client.reset(1, "GracefulShutdown")
            module = client.agent.machine.modules[0]
            await until(lambda: module.state == "off")
            # What ran when it froze is counted a moment late.
            await asyncio.sleep(0.5)
            before_s = group.usage_s()
            await asyncio.sleep(0.5)
            assert group.usage_s() == before_s
            await client.reset(1, "On")
            await until(lambda: module.state == "on")
            await until(lambda: group.usage_s() > before_s + 0.1)
            await client.reset(1, "ForceOff")
            await until(lambda: module.state == "off")
        # Nobody would be left who could thaw it: it was lifted at the end.
        assert not group.is_frozen()
        assert group.quota() is None

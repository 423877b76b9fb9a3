"""Real child processes: started, stopped, stubborn, and left alone."""

import asyncio
import os
from pathlib import Path
import signal
import socket
import sys

import pytest

from simulator.demo.children import CHECKOUT, Child
from simulator.demo.errors import ChildError
from simulator.demo.ports import ReservedPort

TELLS = """
import json, time
print("starting", flush=True)
print(json.dumps({"port": 5}), flush=True)
time.sleep(60)
"""
STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print('{"child": %d}' % child.pid, flush=True)
time.sleep(60)
"""
PARENT = """
import asyncio, sys
from pathlib import Path
from simulator.demo.children import Child

async def main():
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    child = await Child.start("sleeper", command, Path(sys.argv[1]))
    print(child.process.pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


async def _start(code: str, folder: Path) -> Child:
    return await Child.start("part", [sys.executable, "-c", code], folder / "log")


def _is_running(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


async def _gone(pid: int) -> None:
    async with asyncio.timeout(10):
        while _is_running(pid):  # noqa: ASYNC110 - the kernel tells nobody
            await asyncio.sleep(0.05)


async def test_tells_its_addresses_and_stops(tmp_path: Path) -> None:
    child = await _start(TELLS, tmp_path)
    assert await child.json_line(20) == {"port": 5}
    child.check()
    await child.stop()
    assert child.process.returncode == -signal.SIGTERM


async def test_ends_by_itself(tmp_path: Path) -> None:
    child = await _start("raise SystemExit('no such house')", tmp_path)
    with pytest.raises(ChildError, match="(?s)ended by itself.*no such house"):
        await child.json_line(20)
    await child.stop()


async def test_says_nothing(tmp_path: Path) -> None:
    child = await _start("import time; time.sleep(60)", tmp_path)
    with pytest.raises(ChildError, match="did not tell"):
        await child.json_line(0.2)
    await child.kill()
    assert not child.is_running


async def test_stubborn_child_and_its_own_child_are_killed(tmp_path: Path) -> None:
    child = await _start(STUBBORN, tmp_path)
    grandchild = (await child.json_line(20))["child"]
    await child.stop(timeout=0.3)
    assert child.process.returncode == -signal.SIGKILL
    await _gone(grandchild)


async def test_second_run_is_appended(tmp_path: Path) -> None:
    first = await _start("print('one')", tmp_path)
    await first.process.wait()
    second = await _start("print('two')", tmp_path)
    await second.process.wait()
    assert second.output() == "two\n"
    assert second.log.read_text() == "one\ntwo\n"


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's help is Linux's")
async def test_children_die_with_a_killed_parent(tmp_path: Path) -> None:
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PARENT, str(tmp_path / "log")),
        stdout=asyncio.subprocess.PIPE,
        cwd=CHECKOUT,
    )
    assert parent.stdout is not None
    pid = int(await parent.stdout.readline())
    assert _is_running(pid)
    os.kill(parent.pid, signal.SIGKILL)
    await parent.wait()
    await _gone(pid)


def test_reserved_port_refuses_until_it_is_served() -> None:
    port = ReservedPort()
    try:
        with (
            socket.socket() as client,
            pytest.raises(ConnectionRefusedError),
        ):
            client.connect(("127.0.0.1", port.number))
        with (
            socket.create_server(("127.0.0.1", port.number)),
            socket.socket() as client,
        ):
            client.connect(("127.0.0.1", port.number))
    finally:
        port.release()

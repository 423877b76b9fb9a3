"""Debian's BOINC client with tasks of its own, on loopback and without any project server.

Its state is written beforehand: an "anonymous platform" application needs neither
scheduler nor signature, and the tasks are there already.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
import os
from pathlib import Path
import platform
import shutil
import signal
import sys

import pytest

from custom_components.compute_heater.heaters.boinc import BoincWork
from custom_components.compute_heater.heaters.model import HeaterConnectionError

from ..building.ports import free_tcp_port

BOINC = shutil.which("boinc")
PASSWORD = "open sesame"
CPUS = 4
"""Simulated: BOINC may start four tasks whatever the machine has."""

needs_boinc = pytest.mark.skipif(BOINC is None, reason="boinc-client is not installed")

_PROJECT = "127.0.0.1_heat"
_URL = "http://127.0.0.1/heat/"
_PLATFORM = {
    "x86_64": "x86_64-pc-linux-gnu",
    "aarch64": "aarch64-unknown-linux-gnu",
}.get(platform.machine(), "")

# At the lowest priority, as usual, tasks get no CPU time beside tests on all processors.
_CONFIG = f"""<cc_config><options>
<dont_contact_ref_site>1</dont_contact_ref_site>
<ncpus>{CPUS}</ncpus>
<no_priority_change>1</no_priority_change>
<skip_cpu_benchmarks>1</skip_cpu_benchmarks>
</options></cc_config>
"""

# Others' load must not stop the tasks, and paused tasks stay to be measured.
OVERRIDE = """<!-- written by the owner -->
<global_preferences>
    <suspend_cpu_usage>0</suspend_cpu_usage>
    <leave_apps_in_memory>1</leave_apps_in_memory>
    <!-- quiet at night -->
    <max_ncpus_pct>75</max_ncpus_pct>
    <unknown_to_us><inner a="1">x &amp; y</inner></unknown_to_us>
</global_preferences>
"""

_ACCOUNT = f"""<account>
<master_url>{_URL}</master_url>
<authenticator>nobody</authenticator>
</account>
"""

_APP_INFO = """<app_info>
<app><name>busy</name></app>
<file_info><name>busy</name><executable/></file_info>
<app_version>
<app_name>busy</app_name><version_num>100</version_num><api_version>7.20.0</api_version>
<file_ref><file_name>busy</file_name><main_program/></file_ref>
</app_version>
</app_info>
"""

# A science program as BOINC's API makes it: told to rest through shared memory, and
# ended when its client has shown no life for long.
_BUSY = f"""#!{sys.executable}
import mmap, time

with open("boinc_mmap_file", "r+b") as file:
    channel = mmap.mmap(file.fileno(), 0)
paused, heard, beat = False, time.monotonic(), 4 * 1024
while time.monotonic() < heard + 30:
    if channel[beat]:
        channel[beat], heard = 0, time.monotonic()
    if channel[0]:
        told = channel[1:1024].split(b"\\0")[0]
        channel[0] = 0
        if b"<quit/>" in told or b"<abort/>" in told:
            break
        if b"<suspend/>" in told:
            paused = True
        if b"<resume/>" in told:
            paused = False
    if paused:
        time.sleep(0.2)
    else:
        end = time.monotonic() + 0.02
        while time.monotonic() < end:
            pass
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoincClient:
    """A running client."""

    folder: Path
    port: int

    def work(self, **options: object) -> BoincWork:
        """Return our driver of it."""
        return BoincWork("127.0.0.1", self.port, PASSWORD, **options)  # type: ignore[arg-type]

    @property
    def state(self) -> str:
        """What it has on disk for its next start."""
        return (self.folder / "client_state.xml").read_text()

    @property
    def override(self) -> str:
        """The owner's local preferences as they are on disk."""
        return (self.folder / "global_prefs_override.xml").read_text()

    def tasks(self) -> list[Path]:
        """Return the /proc directories of its tasks."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):  # it has just ended
                if (process / "cwd").readlink().is_relative_to(self.folder / "slots"):
                    found.append(process)
        return found

    def cpu_ticks(self) -> int:
        """Return the CPU time that all its running tasks have used so far."""
        ticks = 0
        for process in self.tasks():
            with suppress(OSError):
                fields = (process / "stat").read_text().rpartition(")")[2].split()
                ticks += int(fields[11]) + int(fields[12])
        return ticks


def prepare(
    folder: Path, *, tasks: int = CPUS, override: str | None = OVERRIDE
) -> None:
    """Write the data directory of a client that has tasks to compute."""
    project = folder / "projects" / _PROJECT
    project.mkdir(parents=True)
    password = folder / "gui_rpc_auth.cfg"
    password.write_text(PASSWORD)
    password.chmod(0o600)
    (folder / "cc_config.xml").write_text(_CONFIG)
    (folder / f"account_{_PROJECT}.xml").write_text(_ACCOUNT)
    if override is not None:
        (folder / "global_prefs_override.xml").write_text(override)
    (project / "app_info.xml").write_text(_APP_INFO)
    (project / "busy").write_text(_BUSY)
    (project / "busy").chmod(0o755)
    (folder / "client_state.xml").write_text(_state(tasks))


def _state(tasks: int) -> str:
    units = "".join(
        f"<workunit><name>unit{n}</name><app_name>busy</app_name>"
        "<version_num>100</version_num><rsc_fpops_est>1e15</rsc_fpops_est>"
        "<rsc_fpops_bound>1e18</rsc_fpops_bound><rsc_memory_bound>1e6</rsc_memory_bound>"
        "<rsc_disk_bound>1e8</rsc_disk_bound></workunit>\n"
        for n in range(tasks)
    )
    results = "".join(
        f"<result><name>task{n}</name><wu_name>unit{n}</wu_name>"
        f"<platform>{_PLATFORM}</platform><version_num>100</version_num><state>2</state>"
        "<report_deadline>4000000000</report_deadline></result>\n"
        for n in range(tasks)
    )
    return f"""<client_state>
<project><master_url>{_URL}</master_url><project_name>heat</project_name>
<dont_request_more_work/></project>
<app><name>busy</name></app>
{units}{results}<platform_name>{_PLATFORM}</platform_name>
<user_network_request>3</user_network_request>
</client_state>
"""


@asynccontextmanager
async def running_boinc(folder: Path) -> AsyncGenerator[BoincClient]:
    """Run a client on a prepared directory until it is left."""
    assert BOINC is not None
    client = BoincClient(folder=folder, port=free_tcp_port())
    with (folder / "log.txt").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            BOINC,
            *("--dir", str(folder), "--gui_rpc_port", str(client.port)),
            *("--no_info_fetch", "--allow_multiple_clients", "--no_gpus"),
            "--suppress_net_info",
            stdout=log,
            stderr=log,
        )
    try:
        async with asyncio.timeout(30):
            while not await _answers(client):
                assert process.returncode is None, (folder / "log.txt").read_text()
                await asyncio.sleep(0.1)
        yield client
    finally:
        # Killed, as by a power cut: a clean end takes 7 s.
        if process.returncode is None:
            process.kill()
        await process.wait()
        while tasks := client.tasks():
            for task in tasks:
                with suppress(OSError):
                    os.kill(int(task.name), signal.SIGKILL)
            await asyncio.sleep(0.05)


async def _answers(client: BoincClient) -> bool:
    try:
        await client.work().connect()
    except HeaterConnectionError:
        return False
    return True

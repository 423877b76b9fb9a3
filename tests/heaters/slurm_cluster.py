"""A real Slurm on loopback: controller, some nodes and slurmrestd, out of a chroot.

scripts/slurm-chroot makes the chroot. Everything runs in a process namespace of its own,
so that nothing of it, jobs least of all, outlives the test.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
import os
from pathlib import Path
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
from typing import Any

import aiohttp
import pytest

from custom_components.compute_heater.heaters.model import HeaterConnectionError
from custom_components.compute_heater.heaters.slurm_client import SlurmClient

from ..building.ports import free_tcp_port

NODES = ("arm0", "arm1", "arm2", "arm3")
CPUS = 2
"""Of each node. They are simulated: jobs only sleep."""
START_S = 30.0

_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def chroot_of(suite: str) -> Path:
    """Where scripts/slurm-chroot puts a Debian."""
    return _CACHE / "compute-heater" / f"slurm-{suite}"


# What slurmctld calls to switch a node: here a node is its slurmd.
_RESUME = """#!/bin/sh
export SLURM_CONF=/srv/slurm.conf
for node in $(/usr/bin/scontrol show hostnames "$1"); do
  /usr/sbin/slurmd -f /srv/slurm.conf -N "$node" -b </dev/null >/dev/null 2>&1
done
"""
_SUSPEND = """#!/bin/sh
export SLURM_CONF=/srv/slurm.conf
for node in $(/usr/bin/scontrol show hostnames "$1"); do
  kill "$(cat "/srv/slurmd.$node.pid")"
done
"""

# In the namespace: the cluster's folder is /srv of the chroot, and only here.
_START = """
set -e
mount --make-rprivate /
mount --bind "$2" "$1/srv"
for file in hosts resolv.conf; do
  [ -e "$1/etc/$file" ] || : >"$1/etc/$file"
  mount --bind "$2/$file" "$1/etc/$file"
done
mount --rbind /dev "$1/dev"
mount -t proc proc "$1/proc"
# Before 23.11 a node does not start without control groups.
[ -e "$2/cgroup.conf" ] || mount --rbind /sys "$1/sys"
exec chroot "$1" /bin/sh /srv/start
"""
_INSIDE = """
set -e
export SLURM_CONF=/srv/slurm.conf
/usr/sbin/munged --force --key-file=/srv/munge.key --socket=/srv/munge.sock \\
  --pid-file=/srv/munge.pid --log-file=/srv/munge.log --seed-file=/srv/munge.seed
/usr/sbin/slurmctld -f /srv/slurm.conf
for node in {nodes}; do /usr/sbin/slurmd -f /srv/slurm.conf -N "$node"; done
# Slurm lets it be neither root nor the user of the controller. This shell stays: with
# another user it would no longer end with the test.
SLURM_JWT=daemon setpriv --reuid=65534 --regid=65534 --clear-groups \\
  /usr/sbin/slurmrestd -f /srv/slurm.conf -a rest_auth/jwt -s {interface} \\
  127.0.0.1:{port}
"""

_SCHEDULER = (
    *("bf_interval=1", "sched_interval=1", "sched_min_interval=0"),
    *("power_save_interval=1", "power_save_min_interval=0"),
)


def _config(controller: int, slurmd: list[int]) -> str:
    host = socket.gethostname()
    lines = [
        "ClusterName=heat",
        f"SlurmctldHost={host}(127.0.0.1)",
        f"SlurmctldPort={controller}",
        "SlurmUser=root",
        "SlurmdUser=root",
        "AuthType=auth/munge",
        "AuthInfo=socket=/srv/munge.sock",
        "CredType=cred/munge",
        "AuthAltTypes=auth/jwt",
        "AuthAltParameters=jwt_key=/srv/jwt.key",
        "StateSaveLocation=/srv/state",
        "SlurmdSpoolDir=/srv/spool.%n",
        "SlurmctldPidFile=/srv/slurmctld.pid",
        "SlurmdPidFile=/srv/slurmd.%n.pid",
        "SlurmctldLogFile=/srv/slurmctld.log",
        "SlurmdLogFile=/srv/slurmd.%n.log",
        "ProctrackType=proctrack/linuxproc",
        "TaskPlugin=task/none",
        "SelectType=select/cons_tres",
        "SelectTypeParameters=CR_CPU",
        f"SchedulerParameters={','.join(_SCHEDULER)}",
        "MpiDefault=none",
        "SlurmdParameters=config_overrides",
        "JobRequeue=1",
        "ReturnToService=1",
        "KillWait=1",
        # Never by itself, only when it is told.
        "SuspendTime=100000000",
        "SuspendProgram=/srv/suspend",
        "ResumeProgram=/srv/resume",
        "SuspendTimeout=2",
        "ResumeTimeout=30",
        *(
            f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port}"
            f" CPUs={CPUS} RealMemory=100 State=UNKNOWN"
            for name, port in zip(NODES, slurmd, strict=True)
        ),
        f"PartitionName=heat Nodes={','.join(NODES)} Default=YES MaxTime=60 State=UP",
    ]
    return "\n".join([*lines, ""])


@dataclass(frozen=True, slots=True, kw_only=True)
class SlurmCluster:
    """A running cluster."""

    folder: Path
    url: str
    process: asyncio.subprocess.Process

    async def token(self, lifespan_s: int = 3600, user: str = "root") -> str:
        """Have the controller issue a token."""
        printed = await self.run(
            "scontrol", "token", f"username={user}", f"lifespan={lifespan_s}"
        )
        return printed.strip().removeprefix("SLURM_JWT=")

    async def run(self, *command: str) -> str:
        """Run a command in the cluster, as its administrator."""
        process = await asyncio.create_subprocess_exec(
            *("nsenter", "-t", str(self.init), "-p", "-m", "--root", "--wd"),
            *("/usr/bin/env", "SLURM_CONF=/srv/slurm.conf", *command),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        printed = (await process.communicate())[0].decode()
        assert process.returncode == 0, printed
        return printed

    @property
    def init(self) -> int:
        """The first process of the namespace, the only child of unshare."""
        pid = self.process.pid
        return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


_FLAGS = {"CONFIGURING", "COMPLETING"}


@dataclass(frozen=True, slots=True)
class SlurmJobs:
    """Real jobs, by REST. Each takes a whole node."""

    client: SlurmClient
    folder: Path
    base: str = "/slurm/v0.0.42"

    async def submit(self, script: str, *, requeue: bool = True) -> int:
        """Submit a shell script as a job, and return its number."""
        job = {
            "name": "heat",
            "script": f"#!/bin/sh\n{script}\n",
            "current_working_directory": "/srv",
            "standard_output": "/dev/null",
            "environment": ["PATH=/usr/bin:/bin"],
            "requeue": requeue,
            "tasks": 1,
            "cpus_per_task": CPUS,
        }
        answer = await self.client.post(f"{self.base}/job/submit", {"job": job})
        job_id = answer["job_id"]
        assert isinstance(job_id, int)
        return job_id

    async def release(self, ids: list[int]) -> None:
        """Have requeued jobs begin now: Slurm lets them wait for two minutes."""
        for job_id in ids:
            await self.client.post(f"{self.base}/job/{job_id}", {"begin_time": 1})

    async def states(self) -> dict[int, tuple[str, int]]:
        """Return state and number of restarts of each job."""
        return {
            job["job_id"]: (
                next(flag for flag in job["job_state"] if flag not in _FLAGS),
                job["restart_cnt"],
            )
            for job in await self._all()
        }

    async def where(self, ids: list[int]) -> set[str]:
        """Return the nodes that jobs run on."""
        return {job["nodes"] for job in await self._all() if job["job_id"] in ids}

    async def until(self, ids: list[int], state: str) -> None:
        """Wait until all are in a state."""
        async with asyncio.timeout(30):  # Slurm tells of nothing by itself
            while True:
                shown = await self.states()
                if all(shown[job_id][0] == state for job_id in ids):
                    return
                await asyncio.sleep(0.1)

    async def _all(self) -> list[Any]:
        jobs = (await self.client.get(f"{self.base}/jobs/"))["jobs"]
        assert isinstance(jobs, list)
        return jobs


def why_not(suite: str) -> str | None:
    """Say why there can be no cluster here; None if there can."""
    if os.geteuid() != 0:
        return "a chroot needs root"
    if not all(
        shutil.which(tool) for tool in ("unshare", "nsenter", "setpriv", "chroot")
    ):
        return "util-linux is not installed"
    if (chroot_of(suite) / ".complete").exists():
        return None
    return f"there is no chroot (scripts/slurm-chroot {suite} makes it)"


def needs_slurm(suite: str = "trixie") -> None:
    """Skip the test where there can be no cluster."""
    if (reason := why_not(suite)) is not None:
        pytest.skip(f"no real Slurm: {reason}")


def _prepare(folder: Path, port: int, suite: str) -> None:
    old = suite == "bookworm"
    files = {
        "slurm.conf": _config(free_tcp_port(), [free_tcp_port() for _ in NODES]),
        "start": _INSIDE.format(
            nodes=shlex.join(NODES),
            port=port,
            interface="openapi/v0.0.38" if old else "openapi/slurmctld",
        ),
        # No name is asked for outside.
        "hosts": f"127.0.0.1 localhost {socket.gethostname()}\n",
        "resolv.conf": "",
        **({} if old else {"cgroup.conf": "CgroupPlugin=disabled\n"}),
        "suspend": _SUSPEND,
        "resume": _RESUME,
    }
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    for name in ("state", *(f"spool.{node}" for node in NODES)):
        (folder / name).mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    for name in ("munge.key", "jwt.key"):
        (folder / name).write_bytes(secrets.token_bytes(128))
        (folder / name).chmod(0o600)


@asynccontextmanager
async def running_slurm(
    folder: Path, suite: str = "trixie"
) -> AsyncGenerator[SlurmCluster]:
    """Run a cluster in an empty folder until it is left."""
    port = free_tcp_port()
    _prepare(folder, port, suite)
    with (folder / "start.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *("setpriv", "--pdeathsig=KILL"),
            *("unshare", "--pid", "--mount", "--fork", "--kill-child=KILL"),
            *("/bin/sh", "-c", _START, "sh", str(chroot_of(suite)), str(folder)),
            stdout=log,
            stderr=log,
        )
    cluster = SlurmCluster(
        folder=folder, url=f"http://127.0.0.1:{port}", process=process
    )
    try:
        async with asyncio.timeout(START_S):
            await _until_ready(cluster)
        yield cluster
    finally:
        # With the first process of their namespace all others end, and unshare then.
        if process.returncode is None:
            with suppress(IndexError, OSError):
                os.kill(cluster.init, signal.SIGKILL)
            process.kill()
        await process.wait()


async def _until_ready(cluster: SlurmCluster) -> None:
    """Wait until all nodes have registered and slurmrestd answers."""
    while True:
        if cluster.process.returncode is not None:
            pytest.fail((cluster.folder / "start.log").read_text())
        try:
            states = (await cluster.run("sinfo", "-h", "-N", "-o", "%T")).split()
            if states == ["idle"] * len(NODES):
                async with aiohttp.ClientSession() as session:
                    client = SlurmClient(
                        session, cluster.url, cluster.token, user="root"
                    )
                    await client.openapi()
                return
        except AssertionError, HeaterConnectionError, IndexError, OSError:
            pass
        await asyncio.sleep(0.1)

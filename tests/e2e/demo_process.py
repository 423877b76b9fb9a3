"""The demo's command as a process, with everything it started."""

import asyncio
import json
from pathlib import Path
import signal
import sys
from typing import Any, Self

from simulator.demo.children import CHECKOUT


class DemoProcess:
    """``python -m simulator.demo`` and its report."""

    def __init__(self, folder: Path, process: asyncio.subprocess.Process) -> None:
        self.keep = folder / "keep"
        self.report_file = folder / "report.json"
        self.output_file = folder / "output.txt"
        self.process = process

    @classmethod
    async def start(cls, folder: Path, *arguments: str) -> Self:
        # As shells start their background jobs: with Ctrl-C ignored.
        command = ["/bin/sh", "-c", 'trap "" INT; exec "$@"', "sh"]
        command += [sys.executable, "-m", "simulator.demo", *arguments]
        command += ["--keep", str(folder / "keep"), "--no-browser"]
        if "--minutes" in arguments:
            command += ["--json", str(folder / "report.json")]
        with (folder / "output.txt").open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
                cwd=CHECKOUT,
                start_new_session=True,
            )
        return cls(folder, process)

    @property
    def output(self) -> str:
        return self.output_file.read_text()

    @property
    def report(self) -> dict[str, Any]:
        report: dict[str, Any] = json.loads(self.report_file.read_text())
        return report

    def descendants(self) -> set[int]:
        """Return the ids of all processes that it started, and that those started."""
        found: set[int] = set()
        waiting = [self.process.pid]
        while waiting:
            for children in Path(f"/proc/{waiting.pop()}/task").glob("*/children"):
                new = {int(pid) for pid in children.read_text().split()} - found
                found |= new
                waiting += new
        return found

    async def wait(self, seconds: float) -> int:
        async with asyncio.timeout(seconds):
            return await self.process.wait()

    async def end(self) -> None:
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
            await self.process.wait()


def is_running(pid: int) -> bool:
    """Tell whether a process exists and is not just waiting to be reaped."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"

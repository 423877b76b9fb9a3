"""Child processes that leave nothing behind."""

import asyncio
from collections.abc import Sequence
import contextlib
from dataclasses import dataclass
import json
import os
from pathlib import Path
import signal
import sys
from typing import Any

from .errors import ChildError

CHECKOUT = Path(__file__).parents[2]
STOP_SECONDS = 20.0


@dataclass(slots=True, kw_only=True)
class Child:
    """One running part, in its own process group, with its output in a file."""

    name: str
    log: Path
    process: asyncio.subprocess.Process
    log_start: int
    """Where this run's output begins in the log: restarts append."""

    @classmethod
    async def start(cls, name: str, command: Sequence[str], log: Path) -> Child:
        """Start ``command``; its output is appended to ``log``."""
        tethered = [
            *(sys.executable, "-m", "simulator.demo.tether", str(os.getpid())),
            *command,
        ]
        with log.open("ab") as output:
            start = output.tell()
            process = await asyncio.create_subprocess_exec(
                *tethered,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
                cwd=CHECKOUT,
                # Ctrl-C in the terminal is for the demo, which ends its parts in order.
                start_new_session=True,
            )
        return cls(name=name, log=log, process=process, log_start=start)

    @property
    def is_running(self) -> bool:
        """The process has not ended."""
        return self.process.returncode is None

    def check(self) -> None:
        """Raise ChildError when the process has ended."""
        if not self.is_running:
            raise ChildError(
                f"{self.name} ended by itself (exit code {self.process.returncode}):\n"
                + self.log_tail()
            )

    def output(self) -> str:
        """Return what this run has written so far."""
        with self.log.open("rb") as file:
            file.seek(self.log_start)
            return file.read().decode(errors="replace")

    def log_tail(self, lines: int = 8) -> str:
        """Return the last lines of the output, indented."""
        return "\n".join(f"    {line}" for line in self.output().splitlines()[-lines:])

    async def json_line(self, timeout: float) -> dict[str, Any]:
        """Wait for the first line that is a JSON object: the part's own addresses."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                while True:
                    for line in self.output().splitlines(keepends=True):
                        if line.startswith("{") and line.endswith("\n"):
                            addresses: dict[str, Any] = json.loads(line)
                            return addresses
                    self.check()
                    await asyncio.sleep(0.05)
        raise ChildError(
            f"{self.name} did not tell its addresses in {timeout:.0f} s:\n"
            + self.log_tail()
        )

    async def stop(self, timeout: float = STOP_SECONDS) -> None:
        """End the process politely, after ``timeout`` seconds not so politely."""
        self._signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(timeout):
                await self.process.wait()
        except TimeoutError:
            pass
        finally:
            # Also what the process left behind in its group.
            self._signal(signal.SIGKILL)
        await self.process.wait()

    async def kill(self) -> None:
        """End the process as a power failure would."""
        self._signal(signal.SIGKILL)
        await self.process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, number)

"""Programs that the agent runs: without a shell, with a deadline, never in its way."""

import asyncio
import os

from .files import LinuxError

_KILLED_S = 1.0
"""A program that hangs in the kernel outlives even SIGKILL: it is left behind."""


async def run(*command: str, timeout_s: float) -> str:
    """Return what the program prints; raises LinuxError if it fails or hangs."""
    name = command[0]
    try:
        child = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=os.environ | {"LC_ALL": "C"},
        )
    except OSError as err:
        raise LinuxError(f"cannot run {name}: {err.strerror}") from err
    try:
        async with asyncio.timeout(timeout_s):
            output, errors = await child.communicate()
    except TimeoutError as err:
        raise LinuxError(f"{name} did not end within {timeout_s:g} s") from err
    finally:
        await _end(child)
    if child.returncode != 0:
        said = (errors or output).decode(errors="replace").strip().splitlines()
        reason = said[-1][:200] if said else f"exit status {child.returncode}"
        raise LinuxError(f"{name}: {reason}")
    return output.decode(errors="replace")


async def _end(child: asyncio.subprocess.Process) -> None:
    if child.returncode is not None:
        return
    child.kill()
    try:
        async with asyncio.timeout(_KILLED_S):
            await child.wait()
    except TimeoutError:
        pass

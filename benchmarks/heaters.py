"""How soon a heater gets a command, and what a hundred of them cost Home Assistant."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
import json
from pathlib import Path
from statistics import median, quantiles
import sys
import tempfile
from typing import Any

from simulator.demo.hass_folder import prepare_hass_folder
from simulator.demo.ports import ReservedPort

from .heater_agents import PASSWORD, USER
from .heater_hass import Task
from .rows import Row, at_most, fact

HEATERS = 100
STEADY_S = 90.0
COMMANDS = 60
START_S, TASK_S = 60.0, 600.0
CHECKOUT = Path(__file__).parents[1]
STALLS = {
    "set-up": "set_up",
    "the 15 s after": "settling",
    "then": "steady",
    "commands": "busy",
    "reload": "reload",
}
"""Where they are found, by when they were."""

type Limit = dict[str, float]
"""A power limit that was accepted: heater, watts, at."""


@asynccontextmanager
async def running_agents(
    count: int, on_limit: Callable[[Limit], None]
) -> AsyncIterator[list[dict[str, str]]]:
    """Run heaters in a process of their own; tells ``on_limit`` what they accept."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.heater_agents", str(count)),
        cwd=CHECKOUT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**20,
    )
    stdout = process.stdout
    assert stdout is not None

    async def note() -> None:
        async for line in stdout:
            on_limit(json.loads(line))

    noting: asyncio.Task[None] | None = None
    try:
        async with asyncio.timeout(START_S):
            heaters = json.loads(await stdout.readline())
        noting = asyncio.create_task(note())
        yield heaters
    finally:
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(START_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        if noting is not None:
            await noting


async def run_hass(heaters: list[dict[str, str]]) -> dict[str, Any]:
    """Run Home Assistant in a process of its own; returns what it saw."""
    port = ReservedPort()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "hass"
        await asyncio.to_thread(prepare_hass_folder, folder, port.number)
        task = Task(
            folder=str(folder),
            heaters=heaters,
            user=USER,
            password=PASSWORD,
            steady_s=STEADY_S,
            commands=COMMANDS,
        )
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "benchmarks.heater_hass"),
            cwd=CHECKOUT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(TASK_S):
                told, log = await process.communicate(json.dumps(asdict(task)).encode())
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
            port.release()
    if process.returncode:
        raise RuntimeError(f"Home Assistant failed:\n{log.decode()[-4000:]}")
    result: dict[str, Any] = json.loads(told.splitlines()[-1])
    return result


def latencies_ms(
    commands: Sequence[dict[str, float]], accepted: Sequence[Limit]
) -> list[float]:
    """Return how long after its action each limit was accepted; raises if one was not."""
    found: list[float] = []
    for each in commands:
        at = [
            limit["at"]
            for limit in accepted
            if limit["watts"] == each["watts"]
            and each["began"] <= limit["at"] <= each["ended"]
        ]
        if not at:
            raise RuntimeError(f"a limit of {each['watts']:.0f} W did not arrive")
        found.append(1000 * (at[0] - each["began"]))
    return found


def rows(result: dict[str, Any], accepted: Sequence[Limit]) -> list[Row]:
    """Put together what the processes told."""
    ready, steady, again = result["set_up"], result["steady"], result["reload"]
    commands = result["commands"]
    latency = latencies_ms(commands, accepted)
    whole = [1000 * (each["ended"] - each["began"]) for each in commands]
    title = f"{HEATERS} heaters"
    wall_s = steady["wall_s"]
    return [
        at_most(f"{title}: set-up", ready["wall_s"], "s", 15),
        fact(
            f"{title}: CPU time of set-up",
            ready["cpu_s"],
            "s",
            {"entities": ready["entities"]},
        ),
        fact(
            f"{title}: reload", again["wall_s"], "s", {"CPU time in s": again["cpu_s"]}
        ),
        fact(
            f"{title}: polls of a heater",
            60 * steady["polls"] / HEATERS / wall_s,
            "/min",
            {"most of all in a second": steady["most_polls_in_a_second"]},
        ),
        at_most(f"{title}: CPU, all threads", 100 * steady["cpu_s"] / wall_s, "%", 10),
        fact(
            f"{title}: CPU of the event loop", 100 * steady["loop_cpu_s"] / wall_s, "%"
        ),
        *(
            _stall(f"{title}: longest stall, {when}", result[key])
            for when, key in STALLS.items()
        ),
        fact(
            "garbage collection of Home Assistant alone",
            result["alone"]["longest_collection_ms"],
            "ms",
        ),
        fact(
            f"garbage collection with {title}",
            result["with_heaters"]["longest_collection_ms"],
            "ms",
        ),
        fact(
            "command, action to PATCH accepted",
            median(latency),
            "ms",
            {"p95": quantiles(latency, n=20)[-1], "number": len(latency)},
        ),
        fact(
            "command, action to read back",
            median(whole),
            "ms",
            {"p95": quantiles(whole, n=20)[-1]},
        ),
    ]


def _stall(name: str, seen: dict[str, float]) -> Row:
    row = at_most(name, seen["longest_ms"], "ms", 100)
    details = {
        "CPU time in it": seen["longest_cpu_ms"],
        "garbage collection in it": seen["longest_collecting_ms"],
        "longest without": seen["longest_own_ms"],
        "CPU time in that": seen["longest_own_cpu_ms"],
    }
    return replace(row, details=details)


async def _measure() -> list[Row]:
    accepted: list[Limit] = []

    def note(limit: Limit) -> None:
        if limit["heater"] == 0:
            accepted.append(limit)

    async with running_agents(HEATERS, note) as heaters:
        result = await run_hass(heaters)
    return rows(result, accepted)


def measure() -> Sequence[Row]:
    """How soon a heater gets a command, and what a site of 100 costs Home Assistant.

    Home Assistant runs as a user has it, with recorder and frontend, in a process of its
    own, the simulated heaters in another one. Set-up is the first one: all devices and
    entities are new. A stall is a turn of the event loop, or a garbage collection of
    another thread; "longest without" leaves the collections out, whose length is that of
    all of Home Assistant's memory, with heaters or without.
    """
    return asyncio.run(_measure())

"""A process with Home Assistant and a site of heaters: reads its task, tells what it saw.

python -m benchmarks.heater_hass < task.json; the task is a ``Task`` as JSON, and the last
line printed is the result.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass
import gc
import json
import sys
import time
from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigEntryState, ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.runner import configure_event_loop

from .hass_site import add_heater, add_site, entity_id, start_hass
from .loop_watch import LoopWatch, WatchedSelector

ECO_W = 1500.0
HIGHEST_LIMIT_W, LIMIT_STEP_W = 2990.0, 10.0
SETTLE_S = 15.0
"""Until the registries are on the disk, which Home Assistant does after 10 s."""
PAUSES_S = (0.05, 0.3, 0.17)
"""Between commands, so that they meet the polls at all times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What is to be measured."""

    folder: str
    """Configuration of Home Assistant."""
    heaters: list[dict[str, str]]
    """url and uuid of each."""
    user: str
    password: str
    steady_s: float
    commands: int


def add_copies(hass: HomeAssistant, entry: ConfigEntry[Any], task: Task) -> None:
    """Add the other heaters, which are as the first: what their dialogues would store."""
    (first,) = entry.subentries.values()
    for number, heater in enumerate(task.heaters[1:], 1):
        identity = {**first.data["identity"], "uuid": heater["uuid"]}
        data = {**first.data, "url": heater["url"], "identity": identity}
        hass.config_entries.async_add_subentry(
            entry,
            ConfigSubentry(
                data=data,  # type: ignore[arg-type]  # core freezes it
                subentry_type="heater",
                title=f"Heater {number}",
                unique_id=heater["uuid"],
            ),
        )


class Polls:
    """Counts the readings of all heaters."""

    def __init__(self, entry: ConfigEntry[Any]) -> None:
        """Listen to the coordinators."""
        self._by_second: Counter[int] = Counter()
        self._news = asyncio.Event()
        self._coordinators = list(entry.runtime_data.heaters.values())
        for coordinator in self._coordinators:
            coordinator.async_add_listener(self._counter(coordinator))

    def _counter(self, coordinator: Any) -> Any:
        seen = coordinator.read_at

        def listener() -> None:
            nonlocal seen
            if coordinator.read_at != seen:
                seen = coordinator.read_at
                self._by_second[int(seen)] += 1
            self._news.set()

        return listener

    async def wait(self) -> None:
        """Wait until every heater has a reading."""
        while not self.all_read:
            self._news.clear()
            await self._news.wait()

    def take(self) -> dict[str, float]:
        """Return how many there were, and the most in a second; begin anew."""
        seconds, self._by_second = self._by_second, Counter()
        return {
            "polls": float(seconds.total()),
            "most_polls_in_a_second": float(max(seconds.values(), default=0)),
        }

    @property
    def all_read(self) -> bool:
        """Every heater has a reading and none is lost."""
        return all(coordinator.available for coordinator in self._coordinators)


async def set_up(
    hass: HomeAssistant, entry: ConfigEntry[Any], watch: LoopWatch
) -> tuple[Polls, dict[str, float]]:
    """Set the site up with all heaters, until each of them has a reading."""
    watch.take()
    began, cpu = time.perf_counter(), time.process_time()
    if entry.state is ConfigEntryState.LOADED:
        done = await hass.config_entries.async_reload(entry.entry_id)
    else:
        done = await hass.config_entries.async_setup(entry.entry_id)
    if not done:
        raise RuntimeError("the site was not set up")
    polls = Polls(entry)
    await polls.wait()
    # The turn that ends just now counts, too.
    await asyncio.sleep(0)
    return polls, {
        "wall_s": time.perf_counter() - began,
        "cpu_s": time.process_time() - cpu,
        "entities": float(
            len(er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id))
        ),
        **watch.take(),
    }


async def idle(polls: Polls, seconds: float, watch: LoopWatch) -> dict[str, float]:
    """Let the site run, undisturbed."""
    watch.take()
    polls.take()
    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.sleep(seconds)
    await asyncio.sleep(0)
    wall_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu
    if not polls.all_read:
        raise RuntimeError("a heater was lost meanwhile")
    return {"wall_s": wall_s, "cpu_s": cpu_s, **polls.take(), **watch.take()}


async def command(
    hass: HomeAssistant, entry: ConfigEntry[Any], count: int
) -> list[dict[str, float]]:
    """Command one heater; returns what limit was asked for, and when it began and ended.

    By turns a power limit, eco and full, so that each changes what the heater has to do.
    """
    heater_id = next(iter(entry.runtime_data.heaters))

    async def act(domain: str, service: str, key: str, **data: Any) -> None:
        target = {"entity_id": entity_id(hass, entry, heater_id, key, domain)}
        await hass.services.async_call(domain, service, target | data, blocking=True)

    await act("select", "select_option", "power_state", option="full")
    coordinator = entry.runtime_data.heaters[heater_id]
    if coordinator.data.power_limit_w is not None:
        raise RuntimeError("the heater did not get to full power")
    seen: list[dict[str, float]] = []
    limit_w = HIGHEST_LIMIT_W
    for number in range(count):
        await asyncio.sleep(PAUSES_S[number % len(PAUSES_S)])
        began = time.monotonic()
        match number % 3:
            case 0:
                limit_w = HIGHEST_LIMIT_W - LIMIT_STEP_W * (number % 100)
                await act("number", "set_value", "power_limit", value=limit_w)
            case 1:
                await act("select", "select_option", "power_state", option="eco")
            case _:
                await act("select", "select_option", "power_state", option="full")
        seen.append(
            {
                "watts": ECO_W if number % 3 == 1 else limit_w,
                "began": began,
                "ended": time.monotonic(),
            }
        )
    return seen


async def measure(task: Task, watch: LoopWatch) -> dict[str, Any]:
    """Start Home Assistant, do the task and stop again."""
    hass = await start_hass(task.folder)
    alone = watch.take()
    try:
        entry = await add_site(hass)
        await add_heater(hass, entry, task.heaters[0]["url"], task.user, task.password)
        await hass.config_entries.async_unload(entry.entry_id)
        add_copies(hass, entry, task)
        polls, ready = await set_up(hass, entry, watch)
        settling = await idle(polls, min(SETTLE_S, task.steady_s), watch)
        steady = await idle(polls, task.steady_s, watch)
        commands = await command(hass, entry, task.commands)
        busy = watch.take()
        _, again = await set_up(hass, entry, watch)
        # Last of all: it would spare the rest one of its own.
        gc.collect()
        return {
            "alone": alone,
            "set_up": ready,
            "settling": settling,
            "steady": steady,
            "commands": commands,
            "busy": busy,
            "reload": again,
            "with_heaters": watch.take(),
        }
    finally:
        await hass.async_stop(force=True)


def main() -> None:
    """Do the task from the standard input."""
    watch = LoopWatch()
    task = Task(**json.load(sys.stdin))

    def new_loop() -> asyncio.AbstractEventLoop:
        loop = asyncio.SelectorEventLoop(WatchedSelector(watch))
        configure_event_loop(loop)
        return loop

    with asyncio.Runner(loop_factory=new_loop) as runner:
        result = runner.run(measure(task, watch))
    print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()

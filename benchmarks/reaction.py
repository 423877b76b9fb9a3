"""How soon a heater follows what the building asks for, by each way that there is."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from random import Random
from statistics import median, quantiles
import sys
import tempfile
import time

from simulator.demo.hass_folder import prepare_hass_folder
from simulator.demo.ports import ReservedPort
from simulator.ports import udp_port

from .child import started
from .heater_agents import PASSWORD, USER
from .heaters import Limit, running_agents
from .links import running_house
from .reaction_hass import Task
from .reaction_masters import (
    BACNET_MASTER,
    MODBUS_MASTER,
    bacnet_master,
    modbus_master,
    write_property,
    write_register,
)
from .rows import Row, at_most, fact

CHANGES, POLLED_CHANGES = 200, 8
POLL_GROUP, POLL_S = "normal", 30.0
MEDIAN_MS, P95_MS = 50.0, 150.0
PAUSES_S = (0.34, 0.46)
"""Between changes: three heaters get one a second each, as a gateway takes them for ever."""
ARRIVAL_S = 90.0
FLOOR_W, FULL_W = 300.0, 3000.0
ZERO_C, FULL_C = 30.0, 65.0
"""What of the polled set point stands for no demand, and for all."""


@dataclass(slots=True, kw_only=True)
class Chain:
    """A way from the building to a heater of its own."""

    name: str
    demand: Callable[[float], Awaitable[None]]
    """Has the building ask for something else, in percent."""
    floor_w: float
    """Limit of the heater at 0 %."""
    limits: asyncio.Queue[Limit] = field(default_factory=asyncio.Queue)
    took_ms: list[float] = field(default_factory=list)

    async def begin(self) -> None:
        """Bring the heater to work, which does not count."""
        await self.change(percent_of(-1))
        self.took_ms.clear()

    async def change(self, percent: float) -> None:
        """Ask for something else, and wait until the heater has accepted it."""
        wanted_w = self.floor_w + round((FULL_W - self.floor_w) * percent / 100, 1)
        began = time.monotonic()
        await self.demand(percent)
        async with asyncio.timeout(ARRIVAL_S):
            while (limit := await self.limits.get())["watts"] != wanted_w:
                pass
        self.took_ms.append(1000 * (limit["at"] - began))


def percent_of(number: int) -> float:
    """Return the demand of a change: high and low by turns, and not what just was."""
    return 40.0 + 40 * (number % 2) + 2 * (number // 2 % 10)


async def change_by_turns(chains: Sequence[Chain], changes: int) -> None:
    """Change the demands one after another, so that all meet the same machine."""
    pauses = Random(1)
    for number in range(changes):
        for chain in chains:
            await asyncio.sleep(pauses.uniform(*PAUSES_S))
            await chain.change(percent_of(number))


async def change_between_polls(chain: Chain, changes: int) -> None:
    """Change a demand at moments that are spread evenly over the time between two polls.

    The change before came with a poll, so the next one is as far as the polls are apart.
    """
    moments = [(number + 0.5) / changes for number in range(changes)]
    Random(1).shuffle(moments)
    for number, moment in enumerate(moments):
        await asyncio.sleep(POLL_S * moment)
        await chain.change(percent_of(number))


def rows(chain: Chain) -> list[Row]:
    """Report a chain that follows at once."""
    low = at_most(f"{chain.name}: median", median(chain.took_ms), "ms", MEDIAN_MS)
    high = quantiles(chain.took_ms, n=20)[-1]
    return [
        replace(low, details=_details(chain)),
        at_most(f"{chain.name}: p95", high, "ms", P95_MS),
    ]


def polled_row(chain: Chain) -> Row:
    """Report a chain that waits for polls."""
    name = f"{chain.name}: median"
    return fact(name, median(chain.took_ms), "ms", _details(chain))


def _details(chain: Chain) -> dict[str, float]:
    took_ms = chain.took_ms
    return {"number": len(took_ms), "min": min(took_ms), "max": max(took_ms)}


async def _chains(
    stack: AsyncExitStack, task: Task, found: Mapping[str, int]
) -> list[Chain]:
    """Connect the building's controllers; one chain for each heater, in their order."""
    bacnet = await stack.enter_async_context(bacnet_master())
    house = await stack.enter_async_context(modbus_master(task.modbus))
    gateway = await stack.enter_async_context(
        modbus_master(f"127.0.0.1:{task.modbus_port}")
    )
    own = f"127.0.0.1:{task.bacnet_port}"
    power_object = f"av,{found['power_object']}"

    async def set_point(percent: float) -> None:
        celsius = ZERO_C + (FULL_C - ZERO_C) * percent / 100
        await write_register(house, task.modbus_unit, 0, 10 * celsius)

    async def power_register(percent: float) -> None:
        await write_register(gateway, 1, found["power_register"], 10 * percent)

    return [
        Chain(
            name="BACnet value, COV, bridge",
            demand=partial(write_property, bacnet, task.bacnet, "av,3"),
            floor_w=FLOOR_W,
        ),
        Chain(
            name="BACnet write, gateway",
            demand=partial(write_property, bacnet, own, power_object),
            floor_w=0,
        ),
        Chain(name="Modbus write, gateway", demand=power_register, floor_w=0),
        Chain(
            name=f"Modbus value, polled every {POLL_S:g} s, bridge",
            demand=set_point,
            floor_w=FLOOR_W,
        ),
    ]


async def _measure() -> list[Row]:
    chains: list[Chain] = []

    def note(limit: Limit) -> None:
        if chains:
            chains[int(limit["heater"])].limits.put_nowait(limit)

    async with AsyncExitStack() as stack:
        heaters = await stack.enter_async_context(running_agents(4, note))
        house = await stack.enter_async_context(running_house(0))
        ports = ReservedPort(), ReservedPort()
        for port in ports:
            stack.callback(port.release)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "hass"
        await asyncio.to_thread(prepare_hass_folder, folder, ports[0].number)
        task = Task(
            folder=str(folder),
            heaters=[heater["url"] for heater in heaters],
            user=USER,
            password=PASSWORD,
            bacnet=house["bacnet"],
            bacnet_port=udp_port("127.0.0.1"),
            bacnet_master=BACNET_MASTER,
            modbus=house["modbus"],
            modbus_unit=int(house["modbus_unit"]),
            modbus_port=ports[1].number,
            modbus_master=MODBUS_MASTER,
            poll_group=POLL_GROUP,
            zero_c=ZERO_C,
            full_c=FULL_C,
        )
        command = [sys.executable, "-m", "benchmarks.reaction_hass"]
        hass = stack.enter_context(started(command))
        found = await asyncio.to_thread(hass.ask, asdict(task))
        chains += await _chains(stack, task, found)
        for chain in chains:
            await chain.begin()
        *at_once, polled = chains
        async with asyncio.TaskGroup() as group:
            group.create_task(change_by_turns(at_once, CHANGES))
            group.create_task(change_between_polls(polled, POLLED_CHANGES))
    return [*(row for chain in at_once for row in rows(chain)), polled_row(polled)]


def measure() -> Sequence[Row]:
    """How soon a heater accepts what the building asks for, by COV, writes and polls.

    From the moment at which a controller of another make begins to write a demand until
    the heater's agent has accepted the PATCH of its power limit. Home Assistant runs as a
    user has it, in a process of its own, as do the house and the heaters. Each chain has
    a heater of its own, at work all the time; its demand goes up and down by 38 to 58 %
    of full power, less than once a second, after the change before has arrived. Bridges
    are as the dialogue suggests, the gateway has its usual limit of 20 changes at once
    and then one a second. Polls are real ones of a register of the same house, at the
    same time; the changes fall at moments that are spread evenly between two polls, so
    that few give the median.
    """
    return asyncio.run(_measure())

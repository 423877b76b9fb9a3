"""Runs the agent with a simulated heater: physics, Redfish, pipe to the house, meters.

async with running_agent(AgentSettings(user="u", password="p")) as agent:
    print(agent.url, agent.rack.power_w)
"""

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final

from .load import ConstantLoad, Load
from .meters import Meters, load_meters
from .pipe import Pipe
from .serving import RunningAgent, served
from .settings import AgentSettings
from .simulated import Rack

__all__ = ["RunningAgent", "running_agent"]

_STEP_S: Final = 0.1


@asynccontextmanager
async def running_agent(
    settings: AgentSettings, *, rack: Rack | None = None, load: Load | None = None
) -> AsyncGenerator[RunningAgent]:
    """Serve a simulated heater until the block ends.

    Without ``rack`` the agent makes one and lets its time pass; a given rack is
    stepped by its owner. ``load`` takes the place of the pipe or the built-in load.
    """
    stepping = rack is None
    if rack is None:
        rack = await _make_rack(settings)
    pipe = None if settings.pipe is None else Pipe(*settings.pipe, rack)
    work: list[Coroutine[Any, Any, None]] = []
    if stepping:
        work.append(_run_physics(rack, load or pipe or ConstantLoad(), settings.speed))
        if pipe is not None and load is None:
            work.append(pipe.run())
    async with served(settings, rack, work) as agent:
        yield agent


async def _make_rack(settings: AgentSettings) -> Rack:
    meters = Meters()
    if settings.state is not None:
        meters = await asyncio.to_thread(load_meters, settings.state)
    return Rack(settings.rack, energy_j=meters.energy_j, heat_j=meters.heat_j)


async def _run_physics(rack: Rack, load: Load, speed: float) -> None:
    clock = asyncio.get_running_loop().time
    last = clock()
    while True:
        await asyncio.sleep(_STEP_S)
        now = clock()
        rack.step((now - last) * speed, *load.inflow(rack))
        last = now

"""A process with many simulated heaters: python -m benchmarks.heater_agents NUMBER.

Prints one line with what each is reached by, then one line for each power limit that
one of them has accepted. Ends with its standard input.
"""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial
import json
import math
import sys
import time

from compute_heater_agent.notices import Happening, Notice
from compute_heater_agent.service import running_agent
from compute_heater_agent.settings import AgentSettings, RackSettings
from compute_heater_agent.simulated import Rack

USER, PASSWORD = "heater", "warm water"
_STEP_S = 1.0
_RETURN_C, _SWING_K, _FLOW_LPM = 36.0, 3.0, 8.0
_PERIOD_S = 300.0


def _tell(line: object) -> None:
    print(json.dumps(line), flush=True)


def _note(heater: int, notice: Notice) -> None:
    if notice.happening is Happening.POWER_LIMIT_CHANGED:
        # The clock is the same in all processes of a machine.
        at = time.monotonic()
        _tell({"heater": heater, "watts": notice.value, "at": at})


async def _let_time_pass(racks: Sequence[Rack]) -> None:
    """Step the racks on water that gets warmer and colder, so no reading is like the last."""
    last = start = time.monotonic()
    while True:
        await asyncio.sleep(_STEP_S)
        now = time.monotonic()
        for number, rack in enumerate(racks):
            turn = (now - start) / _PERIOD_S + number / len(racks)
            return_c = _RETURN_C + _SWING_K * math.sin(math.tau * turn)
            rack.step(now - last, return_c, _FLOW_LPM)
        last = now


async def _serve(count: int) -> None:
    racks = [Rack(RackSettings(boot_s=0, drain_s=0, oil_c=50)) for _ in range(count)]
    async with AsyncExitStack() as stack:
        agents = [
            await stack.enter_async_context(
                running_agent(
                    AgentSettings(
                        user=USER, password=PASSWORD, name=f"Heater {number}"
                    ),
                    rack=rack,
                )
            )
            for number, rack in enumerate(racks)
        ]
        _tell([{"url": agent.url, "uuid": agent.uuid} for agent in agents])
        for number, rack in enumerate(racks):
            rack.listen(partial(_note, number))
        stepping = asyncio.create_task(_let_time_pass(racks))
        await asyncio.to_thread(sys.stdin.read)
        stepping.cancel()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))

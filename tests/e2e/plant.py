"""The running demo as the tests see it, and how they wait for it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
import time

from simulator.demo.hass_client import HassClient
from simulator.demo.installation import Installation
from simulator.demo.meters import Meters, redfish_writes
from simulator.demo.operator import Operator
from simulator.demo.stack import DemoStack


@dataclass(frozen=True, kw_only=True)
class Plant:
    """House, heater and Home Assistant as processes of their own, set up and running."""

    stack: DemoStack
    installation: Installation
    meters: Meters
    operator: Operator

    @property
    def client(self) -> HassClient:
        return self.stack.client

    @property
    def entity(self) -> dict[str, str]:
        return self.installation.entity

    def state(self, name: str) -> str | None:
        return self.client.state(self.entity[name])

    def number(self, name: str) -> float | None:
        return self.client.number(self.entity[name])

    def raw_state(self, name: str) -> str | None:
        """Return the state, also where it is "unavailable"."""
        state = self.client.states.get(self.entity[name])
        return None if state is None else str(state["state"])

    @property
    def redfish_writes(self) -> int:
        assert self.stack.agent is not None
        return len(redfish_writes(self.stack.agent))

    @property
    def hass_log(self) -> str:
        assert self.stack.hass is not None
        return self.stack.hass.output()

    @property
    def agent_log(self) -> str:
        assert self.stack.agent is not None
        return self.stack.agent.output()

    async def heat_demand(self, percent: float | None) -> None:
        """Override the heat demand of the house's controller, as its operator."""
        if percent is None:
            await self.operator.relinquish("analog-value,3")
        else:
            await self.operator.write("analog-value,3", percent)

    async def full_power(self) -> None:
        """Ask for all the heat there is and wait until the heater gives it."""
        await self.heat_demand(100)
        await eventually(
            lambda: at_least(self.number("power"), 2800), 120, "full power"
        )


def at_least(value: float | None, limit: float) -> bool:
    return value is not None and value >= limit


def at_most(value: float | None, limit: float) -> bool:
    return value is not None and value <= limit


async def eventually(
    condition: Callable[[], bool | Awaitable[bool]], seconds: float, what: str
) -> float:
    """Wait until ``condition`` holds; returns how long that took."""
    begin = time.monotonic()
    while True:
        result = condition()
        if result if isinstance(result, bool) else await result:
            return time.monotonic() - begin
        assert time.monotonic() - begin < seconds, f"not in {seconds:.0f} s: {what}"
        await asyncio.sleep(0.1)

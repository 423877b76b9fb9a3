"""The pipe between house and agent, with a client that speaks as the agent does."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
import json
from typing import Any

import pytest

from compute_heater_agent.service import running_agent
from compute_heater_agent.settings import AgentSettings, RackSettings
from simulator.running import RunningHouse


class Agent:
    """The agent's end of the pipe."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.reader, self.writer = reader, writer

    async def tell(
        self, heat_j: float, session: str = "one", supply_c: float = 45.0
    ) -> dict[str, Any]:
        message = {
            "heat_j": heat_j,
            "supply_c": supply_c,
            "power_w": 3000,
            "session": session,
        }
        self.writer.write(json.dumps(message).encode() + b"\n")
        async with asyncio.timeout(5):
            return dict(json.loads(await self.reader.readline()))


@asynccontextmanager
async def agent_at(running: RunningHouse) -> AsyncIterator[Agent]:
    host, port = running.addresses.pipe.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    yield Agent(reader, writer)
    writer.close()
    await writer.wait_closed()


async def test_heat_is_credited_to_the_joule(running: RunningHouse) -> None:
    house = running.house
    house.loop.valve_command_dhw = house.loop.pump_command = True
    running.advance(5)
    stored_j = house.tank.stored_j
    async with agent_at(running) as agent:
        for total_j in (1000.0, 1750.0, 2500.0, 13000.0):
            answer = await agent.tell(total_j)
        running.advance(1)
    assert answer["flow_lpm"] == 8
    assert answer["return_c"] == pytest.approx(47.2, abs=0.1)
    assert house.account.compute_j == pytest.approx(12000)
    assert house.tank.stored_j == pytest.approx(stored_j + 12000, abs=200)


async def test_lost_lines_lose_no_heat(running: RunningHouse) -> None:
    async with agent_at(running) as agent:
        await agent.tell(5000)
    async with agent_at(running) as agent:
        await agent.tell(9000)
        running.advance(1)
    assert running.house.account.compute_j == pytest.approx(4000)


async def test_a_new_session_starts_from_its_first_value(running: RunningHouse) -> None:
    async with agent_at(running) as agent:
        await agent.tell(5000)
        await agent.tell(6000)
    async with agent_at(running) as agent:
        await agent.tell(300, session="two")
        await agent.tell(800, session="two")
        running.advance(1)
    assert running.house.account.compute_j == pytest.approx(1500)


async def test_supply_is_known_while_the_agent_speaks(running: RunningHouse) -> None:
    house = running.house
    assert not running.heater_connected
    running.advance(1)
    assert house.heater_supply_c is None
    house.loop.pump_command = True
    async with agent_at(running) as agent:
        await agent.tell(0, supply_c=51.5)
        assert running.heater_connected
        running.advance(5)
        assert house.supply_c == 51.5
    await asyncio.sleep(2.1)
    assert not running.heater_connected
    running.advance(1)
    assert house.supply_c == house.return_c


async def test_a_hot_heater_gets_flow(running: RunningHouse) -> None:
    async with agent_at(running) as agent:
        assert (await agent.tell(0, supply_c=61))["flow_lpm"] == 0
        running.advance(4)
        assert (await agent.tell(0, supply_c=61))["flow_lpm"] == 8


@pytest.mark.parametrize(
    "line",
    [
        b"garbage\n",
        b"[]\n",
        b"{}\n",
        b'{"heat_j": "x", "supply_c": 1, "session": "s"}\n',
        b'{"heat_j": NaN, "supply_c": 1, "session": "s"}\n',
        b"x" * 10000 + b"\n",
    ],
)
async def test_garbage_ends_the_call_and_nothing_else(
    running: RunningHouse, line: bytes
) -> None:
    async with agent_at(running) as agent:
        agent.writer.write(line)
        async with asyncio.timeout(5):
            try:
                assert await agent.reader.read() == b""
            except ConnectionResetError:
                pass
    async with agent_at(running) as agent:
        await agent.tell(0)
        await agent.tell(700)
    running.advance(1)
    assert running.house.account.compute_j == pytest.approx(700)


async def test_the_real_agent(ticking: RunningHouse) -> None:
    house = ticking.house
    house.commands.heat_pump_enable.own = False
    house.loop.valve_command_dhw = house.loop.pump_command = True
    ticking.advance(5)
    host, port = ticking.addresses.pipe.split(":")
    settings = AgentSettings(
        user="u",
        password="p",
        pipe=(host, int(port)),
        rack=RackSettings(oil_c=60, default_w=3000, boot_s=0),
    )
    async with running_agent(settings) as agent, asyncio.timeout(30):
        await until(lambda: house.account.compute_j > 5000)
        assert ticking.heater_connected
        assert house.supply_c == pytest.approx(agent.rack.supply_c, abs=1)
        assert agent.rack.return_c == pytest.approx(house.return_c, abs=1)
        stored_j = house.tank.stored_j
        house.loop.pump_command = False
        await until(lambda: agent.rack.flow_lpm == 0)
        # Without flow the meter stands, and the house has caught up with it.
        await until(lambda: house.account.compute_j == pytest.approx(agent.rack.heat_j))
        assert house.tank.stored_j > stored_j


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(0.05)

"""The pipe to the house, against a house that is a real TCP server."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
import json
from typing import Any

import pytest

from compute_heater_agent.errors import SettingsError
from compute_heater_agent.settings import AgentSettings, RackSettings
from compute_heater_agent.simulated import ControlMode

from .client import Client, open_heater, until


class House:
    """Takes heat as the simulated house does; can be mute or talk nonsense."""

    def __init__(self) -> None:
        self.port = 0
        self.heat_j = 0.0
        self.messages: list[dict[str, Any]] = []
        self.connections = 0
        self.answer: bytes | None = b'{"return_c": 30.0, "flow_lpm": 10.0}\n'
        self._session = ""
        self._last_j = 0.0
        self._writers: set[asyncio.StreamWriter] = set()

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.connections += 1
        self._writers.add(writer)
        try:
            while line := await reader.readline():
                self._take(json.loads(line))
                if self.answer is not None:
                    writer.write(self.answer)
                    await writer.drain()
        except ConnectionError:
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    def drop(self) -> None:
        """Cut all connections."""
        for writer in self._writers:
            writer.transport.abort()

    def _take(self, message: dict[str, Any]) -> None:
        self.messages.append(message)
        if message["session"] == self._session:
            assert message["heat_j"] >= self._last_j
            self.heat_j += message["heat_j"] - self._last_j
        self._session, self._last_j = message["session"], message["heat_j"]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up and try again sooner than in a real house."""
    monkeypatch.setattr("compute_heater_agent.pipe._RETRY_S", 0.1)
    monkeypatch.setattr("compute_heater_agent.pipe._ANSWER_TIMEOUT_S", 0.5)


@asynccontextmanager
async def open_house(port: int = 0) -> AsyncGenerator[House]:
    house = House()
    server = await asyncio.start_server(house.serve, "127.0.0.1", port)
    house.port = server.sockets[0].getsockname()[1]
    try:
        yield house
    finally:
        server.close()
        house.drop()
        await server.wait_closed()


@asynccontextmanager
async def connected() -> AsyncGenerator[tuple[House, Client]]:
    async with (
        open_house() as house,
        open_heater(RackSettings(oil_c=50), pipe=("127.0.0.1", house.port)) as client,
    ):
        client.rack.set_cap(control_mode=ControlMode.DISABLED)
        await until(lambda: client.rack.heat_j > 0)
        yield house, client


async def test_house_gets_the_heat_and_sends_the_inflow() -> None:
    async with connected() as (house, client):
        assert (client.rack.return_c, client.rack.flow_lpm) == (30.0, 10.0)
        await until(lambda: len(house.messages) > 4)
        assert set(house.messages[-1]) == {"heat_j", "supply_c", "power_w", "session"}
        assert 30 < house.messages[-1]["supply_c"] < 50
        assert house.messages[-1]["power_w"] > 300
        # All heat but that since the last message is in the house.
        assert house.heat_j == pytest.approx(house.messages[-1]["heat_j"])
        assert client.rack.heat_j - house.heat_j < 5 * client.rack.heat_w


async def test_no_heat_is_lost_when_the_connection_is() -> None:
    async with connected() as (house, _):
        for _ in range(2):
            before = house.connections
            house.drop()
            await until(lambda before=before: house.connections > before)
            count = len(house.messages)
            await until(lambda count=count: len(house.messages) > count + 1)
        assert len({message["session"] for message in house.messages}) == 1
        assert house.heat_j == pytest.approx(house.messages[-1]["heat_j"])


async def test_a_mute_house_takes_no_heat() -> None:
    async with connected() as (house, client):
        house.answer = None
        await until(lambda: client.rack.flow_lpm == 0)
        heat_j = client.rack.heat_j
        await asyncio.sleep(0.3)
        assert client.rack.heat_j == heat_j
        house.answer = b'{"return_c": 31.5, "flow_lpm": 4}\n'
        await until(lambda: client.rack.return_c == 31.5)
        assert client.rack.flow_lpm == 4


@pytest.mark.parametrize(
    "answer",
    [
        b"nonsense\n",
        b"[]\n",
        b'{"return_c": 30}\n',
        b'{"return_c": "30", "flow_lpm": 1}\n',
        b'{"return_c": true, "flow_lpm": 1}\n',
        b'{"return_c": NaN, "flow_lpm": 1}\n',
        b'{"return_c": 30, "flow_lpm": -1}\n',
        b'{"return_c": 300, "flow_lpm": 1}\n',
        b"x" * 200_000 + b"\n",
        b"",
    ],
)
async def test_nonsense_stops_the_flow(answer: bytes) -> None:
    async with connected() as (house, client):
        house.answer = answer
        await until(lambda: client.rack.flow_lpm == 0)
        house.answer = b'{"return_c": 32, "flow_lpm": 5}\n'
        await until(lambda: client.rack.flow_lpm == 5)


async def test_house_that_comes_later_is_found() -> None:
    async with open_house() as house:
        port = house.port
    async with open_heater(pipe=("127.0.0.1", port)) as client:
        await asyncio.sleep(0.3)
        assert client.rack.flow_lpm == 0
        assert client.rack.heat_j == 0
        async with open_house(port):
            await until(lambda: client.rack.flow_lpm == 10)


async def test_built_in_load_without_a_pipe() -> None:
    async with open_heater(RackSettings(max_w=1500)) as client:
        await until(lambda: client.rack.flow_lpm == 4)
        assert client.rack.return_c == 35


def test_a_house_runs_in_real_time() -> None:
    with pytest.raises(SettingsError):
        AgentSettings(user="u", password="p", pipe=("127.0.0.1", 1), speed=2)

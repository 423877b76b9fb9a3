"""A running agent, a running house, and a site on both."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
import os
import signal
import socket
import sys
import time
from typing import Any

import pytest

from compute_heater_agent.service import RunningAgent, running_agent
from compute_heater_agent.settings import AgentSettings, RackSettings
from compute_heater_agent.simulated import Rack
from homeassistant.components import file_upload
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from simulator.running import RunningHouse, Settings, running_house

from .plant import PASSWORD, USER, Plant, add_site, set_up_plant

UUID = "11111111-2222-4333-8444-555555555555"


@pytest.fixture(autouse=True)
def own_uploads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the folder of uploaded files from other test processes: all empty it."""
    monkeypatch.setattr(file_upload, "TEMP_DIR_NAME", f"uploads-{os.getpid()}")


@pytest.fixture
async def house() -> AsyncIterator[RunningHouse]:
    """Run the demo house."""
    async with running_house(Settings()) as running:
        yield running


@pytest.fixture
async def agent(house: RunningHouse) -> AsyncIterator[RunningAgent]:
    """Run a heater whose heat goes to the house."""
    host, port = house.addresses.pipe.split(":")
    settings = AgentSettings(
        user=USER,
        password=PASSWORD,
        pipe=(host, int(port)),
        rack=RackSettings(boot_s=1, drain_s=1, oil_c=50),
    )
    async with running_agent(settings) as running:
        yield running


@pytest.fixture
async def plant(
    hass: HomeAssistant, agent: RunningAgent, house: RunningHouse
) -> AsyncIterator[Plant]:
    """Set up a site on both, and unload it at the end."""
    plant = await set_up_plant(hass, agent, house)
    yield plant
    if hass.config_entries.async_get_entry(plant.entry.entry_id):
        await hass.config_entries.async_unload(plant.entry.entry_id)


@pytest.fixture
async def site(hass: HomeAssistant) -> AsyncIterator[ConfigEntry]:
    """Add a site without parts, and unload it at the end."""
    entry = await add_site(hass)
    yield entry
    if hass.config_entries.async_get_entry(entry.entry_id):
        await hass.config_entries.async_unload(entry.entry_id)


@asynccontextmanager
async def still_agent(
    rack: Rack | RackSettings | None = None, **settings: Any
) -> AsyncGenerator[RunningAgent]:
    """Run a heater whose time stands still unless the test steps its rack.

    Modules boot and drain at once, so what they are told shows without waiting.
    """
    if not isinstance(rack, Rack):
        rack = Rack(rack or RackSettings(boot_s=0, drain_s=0))
    login = {"user": USER, "password": PASSWORD} | settings
    async with running_agent(
        AgentSettings(rack=rack.settings, **login), rack=rack
    ) as running:
        yield running


@pytest.fixture
async def still_plant(hass: HomeAssistant) -> AsyncIterator[Plant]:
    """Set a plant up on a heater and a house whose time stands still."""
    rack = Rack(
        RackSettings(boot_s=0, drain_s=0, oil_c=50),
        energy_j=12.5 * 3.6e6,
        heat_j=11 * 3.6e6,
    )
    rack.bath.connect(return_c=38, flow_lpm=8)
    start = datetime(2026, 1, 15, 12, 0)
    async with (
        running_house(Settings(start=start)) as house,
        still_agent(rack, uuid=UUID) as agent,
    ):
        house.task.cancel()
        plant = await set_up_plant(hass, agent, house)
        yield plant
        await hass.config_entries.async_unload(plant.entry.entry_id)


@pytest.fixture
async def lone_agent() -> AsyncIterator[RunningAgent]:
    """Run a heater of 300 to 3000 W without a house, whose time stands still."""
    async with still_agent() as running:
        yield running


@pytest.fixture
def free_port() -> int:
    """Return a TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def until(condition: Callable[[], bool], *, within: float = 30) -> None:
    """Wait for what must come; the limit only ends a test that has failed."""
    end = time.monotonic() + within
    while not condition():
        if time.monotonic() > end:
            pytest.fail("what was waited for did not come")
        await asyncio.sleep(0.05)


@asynccontextmanager
async def agent_process(
    port: int, *options: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the agent as its own process, so that it can die for real."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "compute_heater_agent", "--simulated"),
        *("--host", "127.0.0.1", "--port", str(port)),
        *("--user", USER, "--password", PASSWORD, "--oil-celsius", "50", *options),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    await asyncio.wait_for(process.stdout.readline(), 20)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGCONT)
            process.kill()
            await process.wait()

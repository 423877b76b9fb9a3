"""The Redfish driver with a foreign service: the emulator of OpenStack's sushy-tools."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
import sys
import time

import aiohttp
import pytest

from custom_components.compute_heater.heaters.model import Command

from .conftest import MakeHeater

EMULATOR = Path(sys.executable).with_name("sushy-emulator")


@pytest.fixture
async def emulator(unused_tcp_port: int, tmp_path: Path) -> AsyncGenerator[str]:
    """Run the emulator with one fake system that is off."""
    state = tmp_path / "state"
    state.mkdir()
    config = tmp_path / "emulator.conf"
    config.write_text(f"SUSHY_EMULATOR_STATE_DIR = {str(state)!r}\n")
    process = await asyncio.create_subprocess_exec(
        *(str(EMULATOR), "--fake", "-i", "127.0.0.1", "-p", str(unused_tcp_port)),
        *("--config", str(config)),
        cwd=tmp_path,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{unused_tcp_port}"
    try:
        await answers(url)
        yield url
    finally:
        process.terminate()
        await process.wait()


async def answers(url: str) -> None:
    end = time.monotonic() + 60
    async with aiohttp.ClientSession() as http:
        while True:
            try:
                async with http.get(f"{url}/redfish/v1/"):
                    return
            except aiohttp.ClientError:
                assert time.monotonic() < end
                await asyncio.sleep(0.2)


async def test_connect_on_off(emulator: str, make_heater: MakeHeater) -> None:
    heater = make_heater(emulator)
    identity, capabilities = await heater.connect()
    assert identity.uuid == "85775665-c110-4b85-8989-e6162170b3ec"
    assert identity.manufacturer == "Contoso"
    assert capabilities.can_switch
    assert not capabilities.can_cap
    assert not capabilities.has_coolant
    assert capabilities.modules == 1
    reading = await heater.read()
    assert (reading.is_on, reading.modules_on, reading.problem) == (False, 0, False)
    assert reading.power_w is None

    for on in (True, False):
        before = heater.writes
        end = time.monotonic() + 60
        while True:
            await heater.apply(Command(on=on))
            reading = await heater.read()
            if not reading.is_changing:
                break
            assert time.monotonic() < end, reading
            await asyncio.sleep(0.3)
        assert reading.is_on is on
        assert reading.modules_on == int(on)
        assert heater.writes == before + 1, "told once, however long it takes"

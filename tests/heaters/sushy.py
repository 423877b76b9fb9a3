"""The emulator of OpenStack's sushy-tools as its own process: a foreign Redfish service."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
import sys
import time

import aiohttp

EMULATOR = Path(sys.executable).with_name("sushy-emulator")
UUID = "85775665-c110-4b85-8989-e6162170b3ec"
"""Identity of the service."""
SYSTEM = "/redfish/v1/Systems/27946b59-9e44-4fa7-8e91-f3527a1ef094"


@asynccontextmanager
async def running_emulator(port: int, folder: Path) -> AsyncGenerator[str]:
    """Run the emulator with one fake system that is off; yields its address."""
    state = folder / "state"
    state.mkdir()
    config = folder / "emulator.conf"
    config.write_text(f"SUSHY_EMULATOR_STATE_DIR = {str(state)!r}\n")
    process = await asyncio.create_subprocess_exec(
        *(str(EMULATOR), "--fake", "-i", "127.0.0.1", "-p", str(port)),
        *("--config", str(config)),
        cwd=folder,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        await _answers(url)
        yield url
    finally:
        process.terminate()
        await process.wait()


async def _answers(url: str) -> None:
    end = time.monotonic() + 60
    async with aiohttp.ClientSession() as http:
        while True:
            try:
                async with http.get(f"{url}/redfish/v1/"):
                    return
            except aiohttp.ClientError:
                assert time.monotonic() < end
                await asyncio.sleep(0.2)

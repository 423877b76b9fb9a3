"""``python -m simulator``, started as others start it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
import json
from pathlib import Path
import signal
import sys
from typing import Any

from aiohttp import ClientSession, encode_basic_auth
from bac_py import Client
from pyModbusTCP.client import ModbusClient
import pytest

from simulator.__main__ import main

ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def simulator(*options: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "simulator",
        *options,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def line_of(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(60):
        return (await process.stdout.readline()).decode()


async def ended_by(process: asyncio.subprocess.Process, number: signal.Signals) -> str:
    process.send_signal(number)
    async with asyncio.timeout(20):
        _, errors = await process.communicate()
    assert process.returncode == 0
    return errors.decode()


async def get(url: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
    async with ClientSession(headers=headers) as session, session.get(url) as response:
        assert response.status == 200
        return dict(await response.json())


async def test_json_line_and_sigterm(bacnet: Client) -> None:
    async with simulator("--json", "--house", "demo") as process:
        addresses = json.loads(await line_of(process))
        assert addresses["bacnet_device"] == 3001
        assert addresses["modbus_unit"] == 1
        assert await bacnet.read(addresses["bacnet"], "ai,1", "pv") == pytest.approx(
            47.2, abs=0.1
        )
        host, port = addresses["modbus"].split(":")
        modbus = ModbusClient(host=host, port=int(port), unit_id=1)
        assert await asyncio.to_thread(modbus.read_input_registers, 4, 1) == [472]
        modbus.close()
        status = await get(addresses["status"])
        assert status["heater_connected"] is True
        assert (status["bacnet_reads"], status["modbus_reads"]) == (1, 1)
        systems = await get(
            f"{addresses['redfish']}/redfish/v1/Systems",
            {
                "Authorization": encode_basic_auth(
                    addresses["redfish_user"], addresses["redfish_password"]
                )
            },
        )
        assert systems["Members@odata.count"] == 4
        assert await ended_by(process, signal.SIGTERM) == ""


async def test_fast_time(bacnet: Client) -> None:
    options = ("--json", "--speed", "1200", "--start-time", "2026-01-15T00:00:00")
    async with simulator(*options) as process:
        addresses = json.loads(await line_of(process))
        status = await get(addresses["status"])
        assert status["time"].startswith("2026-01-15T")
        # Two hours within less than a minute, even on a busy machine.
        async with asyncio.timeout(60):
            while status["elapsed_s"] < 7200:
                await asyncio.sleep(0.2)
                status = await get(addresses["status"])
        assert await ended_by(process, signal.SIGINT) == ""


async def test_without_a_heater_and_readable() -> None:
    async with simulator("--no-agent", "--house", "demo") as process:
        lines = [await line_of(process) for _ in range(7)]
        assert lines[0].startswith("bacnet ")
        assert not any(line.startswith("redfish") for line in lines)
        assert "tank 47.2/47.2 °C" in lines[6]
        assert await ended_by(process, signal.SIGTERM) == ""


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--speed", "60", "--no-agent"), "real time"),
        (("--speed", "0"), "must be above 0"),
        (("--house", "castle"), "invalid choice"),
    ],
)
def test_wrong_options(
    options: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(list(options))
    assert message in capsys.readouterr().err


async def test_an_address_that_is_not_here() -> None:
    async with (
        simulator("--host", "192.0.2.1", "--no-agent") as process,
        asyncio.timeout(60),
    ):
        _, errors = await process.communicate()
    assert process.returncode == 1
    assert "assign" in errors.decode()
    assert "Traceback" not in errors.decode()

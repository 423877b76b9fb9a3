"""The agent as a process: addresses, signals, certificate, meters."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
import json
from pathlib import Path
import signal
import socket
import sys
from typing import Any

from aiohttp import ClientSession, ClientTimeout, Fingerprint, ServerFingerprintMismatch
import pytest

from compute_heater_agent.__main__ import main
from compute_heater_agent.errors import SettingsError
from compute_heater_agent.meters import Meters, load_meters, save_meters
from compute_heater_agent.settings import AgentSettings
from compute_heater_agent.tls import load_tls

from .client import AUTH, METRICS, PASSWORD, USER

AGENT = Path(__file__).parents[2] / "agent"
HEADERS = {"Authorization": AUTH}


async def start(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "compute_heater_agent",
        "--simulated",
        "--host",
        "127.0.0.1",
        "--user",
        USER,
        "--password",
        PASSWORD,
        *arguments,
        cwd=AGENT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


@asynccontextmanager
async def process(
    *arguments: str,
) -> AsyncGenerator[tuple[asyncio.subprocess.Process, dict[str, Any]]]:
    """Start the agent; give the line it prints. Stopped hard if it still runs."""
    child = await start("--port", "0", *arguments)
    try:
        assert child.stdout is not None
        async with asyncio.timeout(30):
            line = await child.stdout.readline()
        assert line, (await child.communicate())[1].decode()
        yield child, json.loads(line)
    finally:
        if child.returncode is None:
            child.kill()
        await child.communicate()


async def stop(
    child: asyncio.subprocess.Process, number: int = signal.SIGTERM
) -> tuple[int, str]:
    """Send a signal; return exit status and what is on standard error."""
    child.send_signal(number)
    async with asyncio.timeout(10):
        _, errors = await child.communicate()
    assert child.returncode is not None
    return child.returncode, errors.decode()


@asynccontextmanager
async def browser() -> AsyncGenerator[ClientSession]:
    async with ClientSession(timeout=ClientTimeout(total=10), headers=HEADERS) as http:
        yield http


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_serves_until_a_signal(number: int) -> None:
    async with browser() as http, process("--name", "Attic") as (child, greeting):
        assert set(greeting) == {"redfish", "user", "uuid"}
        assert greeting["user"] == USER
        async with http.get(greeting["redfish"] + "/redfish/v1/") as answer:
            root = await answer.json()
        assert (root["UUID"], root["Name"]) == (greeting["uuid"], "Attic")
        # Not even an open event stream holds it up.
        url = greeting["redfish"] + "/redfish/v1/EventService/SSE"
        async with http.get(url) as stream:
            assert stream.status == 200
            assert await stop(child, number) == (0, "")


async def test_options_reach_the_rack() -> None:
    arguments = "--modules 8 --max-watts 4000 --idle-watts 120 --default-watts 1500"
    async with browser() as http, process(*arguments.split()) as (_, greeting):
        async with http.get(greeting["redfish"] + METRICS) as answer:
            limit = (await answer.json())["PowerLimitWatts"]
        async with http.get(greeting["redfish"] + "/redfish/v1/Systems") as answer:
            assert (await answer.json())["Members@odata.count"] == 8
    assert (limit["AllowableMin"], limit["AllowableMax"]) == (960, 4000)
    assert (limit["SetPoint"], limit["DefaultSetPoint"]) == (1500, 1500)


async def test_self_signed_certificate_has_the_printed_fingerprint() -> None:
    async with browser() as http, process("--tls-self-signed") as (child, greeting):
        assert greeting["redfish"].startswith("https://")
        right = Fingerprint(bytes.fromhex(greeting["fingerprint"]))
        async with http.get(greeting["redfish"] + METRICS, ssl=right) as answer:
            assert answer.status == 200
        wrong = Fingerprint(bytes(32))
        with pytest.raises(ServerFingerprintMismatch):
            await http.get(greeting["redfish"] + METRICS, ssl=wrong)
        assert (await stop(child))[0] == 0


async def test_meters_go_on_after_a_restart(tmp_path: Path) -> None:
    state = tmp_path / "meters.json"
    arguments = ("--state", str(state), "--speed", "500")
    ends = []
    async with browser() as http:
        for _ in range(2):
            async with process(*arguments) as (child, greeting):
                url = greeting["redfish"] + "/redfish/v1/Chassis/Rack/Sensors/"
                async with http.get(url + "Energy") as answer:
                    first = (await answer.json())["Reading"]
                assert first >= (ends[-1].energy_j / 3.6e6 - 1e-6 if ends else 0)
                await asyncio.sleep(0.5)
                assert await stop(child) == (0, "")
            ends.append(load_meters(state))
    assert 0 < ends[0].energy_j < ends[1].energy_j
    assert 0 < ends[0].heat_j < ends[1].heat_j


async def test_meters_survive_a_kill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are written while the agent runs, not only at its end."""
    from .client import open_heater, until

    monkeypatch.setattr("compute_heater_agent.serving._SAVE_INTERVAL_S", 0.1)
    state = tmp_path / "meters.json"
    async with open_heater(state=state, speed=100):
        await until(lambda: state.exists() and load_meters(state).energy_j > 0)


def test_broken_meters_are_put_aside(tmp_path: Path) -> None:
    state = tmp_path / "meters.json"
    assert load_meters(state) == Meters()
    save_meters(state, Meters(energy_j=5.5, heat_j=4.5))
    assert load_meters(state) == Meters(energy_j=5.5, heat_j=4.5)
    for broken in ("{", "[]", '{"energy_j": 1}', '{"energy_j": null, "heat_j": 1}'):
        state.write_text(broken)
        assert load_meters(state) == Meters()
        assert (tmp_path / "meters.json.broken").read_text() == broken
        assert not state.exists()


async def test_a_taken_port_is_one_clear_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        child = await start("--port", str(taken.getsockname()[1]))
        async with asyncio.timeout(30):
            output, errors = await child.communicate()
    assert child.returncode == 1
    assert output == b""
    assert errors.decode().startswith("compute-heater-agent: ")
    assert "in use" in errors.decode()
    assert "Traceback" not in errors.decode()


@pytest.mark.parametrize(
    "arguments",
    [
        ("--tls-cert", "missing.pem"),
        ("--modules", "0"),
        ("--pipe", "127.0.0.1:1", "--speed", "2"),
        ("--pipe", "nowhere"),
        ("--uuid", "nonsense"),
    ],
)
def test_wrong_options_are_told(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        status = main(["--simulated", "--user", "u", "--password", "p", *arguments])
    except SystemExit as end:
        status = end.code
    assert status in (1, 2)
    output, errors = capsys.readouterr()
    assert output == ""
    assert "compute-heater-agent: " in errors


def test_certificate_from_files(tmp_path: Path) -> None:
    made = load_tls(AgentSettings(user="u", password="p", tls_self_signed=True))
    assert made is not None
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("nonsense")
    settings = AgentSettings(
        user="u", password="p", tls_certificate=wrong, tls_key=wrong
    )
    with pytest.raises(SettingsError):
        load_tls(settings)
    wrong.unlink()
    with pytest.raises(SettingsError):
        load_tls(settings)

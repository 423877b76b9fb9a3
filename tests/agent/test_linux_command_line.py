"""The Linux agent as a process: configuration, detection, certificate, crash, systemd."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
import json
import os
from pathlib import Path
import shutil
import signal
import socket
import sys
from typing import Any

from aiohttp import ClientSession, ClientTimeout, Fingerprint
import pytest

from compute_heater_agent.__main__ import main
from compute_heater_agent.errors import SettingsError
from compute_heater_agent.linux.config import load_config, parse_config
from compute_heater_agent.linux.secrets import find_password
from compute_heater_agent.linux.settings import BackEnd, OffMode, OnStop

from .client import AUTH, METRICS
from .linux_config import config_values, make_config, write_toml
from .linux_tree import Tree

AGENT = Path(__file__).parents[2] / "agent"


@asynccontextmanager
async def process(
    file: Path, tree: Tree, **environment: str
) -> AsyncGenerator[tuple[asyncio.subprocess.Process, dict[str, Any]]]:
    """Start the agent; give the line it prints. Stopped hard if it still runs."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "compute_heater_agent"),
        *("--config", str(file), "--root", str(tree.root.path)),
        cwd=AGENT,
        env=os.environ | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
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


async def test_certificate_password_and_identity_are_kept(
    tree: Tree, tmp_path: Path
) -> None:
    group = tree.add_group_v2()
    values = config_values(tmp_path)
    del values["service"]["tls"], values["service"]["password_file"]
    file = write_toml(tmp_path / "agent.toml", values)
    greetings, state = [], tmp_path / "state"
    for _ in range(2):
        async with process(file, tree) as (child, greeting):
            password = (state / "password").read_text().strip()
            assert greeting["password_file"] == str(state / "password")
            assert len(password) == 24
            right = Fingerprint(bytes.fromhex(greeting["fingerprint"]))
            async with (
                ClientSession(timeout=ClientTimeout(total=10)) as http,
                http.post(
                    f"{greeting['redfish']}/redfish/v1/SessionService/Sessions",
                    json={"UserName": greeting["user"], "Password": password},
                    ssl=right,
                ) as answer,
            ):
                assert answer.status == 201
            child.send_signal(signal.SIGTERM)
            async with asyncio.timeout(10):
                assert await child.wait() == 0
        del greeting["redfish"]
        greetings.append(greeting)
    assert greetings[0] == greetings[1]
    assert greetings[0]["back_ends"] == ["quota"]
    assert "not measured" in greetings[0]["power"]
    assert state.stat().st_mode & 0o777 == 0o700
    for name in ("key.pem", "password", "uuid"):
        assert (state / name).stat().st_mode & 0o077 == 0, name
    assert tree.read(f"{group}/cpu.max") == "1000 100000"


async def test_after_a_kill_the_default_cap_is_restored(
    tree: Tree, tmp_path: Path
) -> None:
    group = tree.add_group_v2()
    file = write_toml(tmp_path / "agent.toml", config_values(tmp_path))
    async with process(file, tree) as (child, greeting):
        async with (
            ClientSession(headers={"Authorization": AUTH}) as http,
            http.patch(
                greeting["redfish"] + METRICS,
                json={"PowerLimitWatts": {"ControlMode": "Disabled"}},
            ) as answer,
        ):
            assert answer.status == 200
        async with asyncio.timeout(10):
            while tree.read(f"{group}/cpu.max") != "max 100000":  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        child.kill()
        await child.wait()
    assert tree.read(f"{group}/cpu.max") == "max 100000"
    options = ["--config", str(file), "--root", str(tree.root.path), "--release"]
    assert await asyncio.to_thread(main, options) == 0
    assert tree.read(f"{group}/cpu.max") == "1000 100000"


async def test_tells_systemd_how_it_goes(tree: Tree, tmp_path: Path) -> None:
    tree.add_group_v2()
    file = write_toml(tmp_path / "agent.toml", config_values(tmp_path))
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(address)
        listener.settimeout(10)
        async with process(file, tree, NOTIFY_SOCKET=address) as (child, _):
            said = {await asyncio.to_thread(listener.recv, 100) for _ in range(3)}
            assert said == {b"READY=1", b"WATCHDOG=1"}
            child.send_signal(signal.SIGTERM)
            async with asyncio.timeout(10):
                while await asyncio.to_thread(listener.recv, 100) != b"STOPPING=1":
                    pass
                assert await child.wait() == 0


def test_detect_prints_what_there_is(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    root = str(tree.root.path)
    assert main(["--detect", "--root", root]) == 0
    bare = json.loads(capsys.readouterr().out)
    assert (bare["back_ends"], bare["control_group"], bare["rapl"]) == ([], None, [])
    assert any("no RAPL" in note for note in bare["notes"])
    group = tree.add_group_v2()
    tree.add_rapl()
    tree.add_cpufreq()
    tree.add_hwmon(0, "k10temp", temp1_input=50000)
    assert main(["--detect", "--root", root]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["back_ends"] == ["cpufreq", "quota", "rapl"]
    assert found["power_reading"] == {"estimated": False, "measured": ["rapl"]}
    assert found["control_group"]["path"] == group
    assert found["temperatures"] == {"hwmon:k10temp:temp1": 50}
    assert found["cpufreq"]["highest_khz"] == 4000000
    assert found["notes"] == []
    assert tree.read(f"{group}/cpu.max") == "max 100000"


def test_the_whole_file(tmp_path: Path) -> None:
    """The example that comes with the agent, every line of it switched on."""
    example = (AGENT / "compute-heater-agent.toml").read_text()
    load_config(AGENT / "compute-heater-agent.toml")
    lines = [
        line.removeprefix("#") if "=" in line and line.startswith("#") else line
        for line in example.splitlines()
    ]
    file = tmp_path / "all.toml"
    file.write_text("\n".join(lines).replace('uuid = "…"', ""))
    config = load_config(file)
    assert config.machine.use == frozenset(BackEnd)
    assert (config.machine.off, config.machine.on_stop) == (
        OffMode.FREEZE,
        OnStop.DEFAULT,
    )
    assert config.service.port == 8443
    assert config.service.certificate == tmp_path / "…"


@pytest.mark.parametrize(
    ("table", "wrong", "says"),
    [
        ("power", {"max_watts": 40}, "idle_watts must be above 0 and below max_watts"),
        ("power", {"idle_watts": "50"}, "power.idle_watts must be a number"),
        ("power", {"idle_watts": True}, "power.idle_watts must be a number"),
        ("power", {"default_watts": 20}, "default_watts must be between"),
        ("power", {"lease_seconds": 1}, "lease_seconds must be 10"),
        ("power", {"max_wats": 300}, "unknown setting: power.max_wats"),
        ("power", {"meter": ["estimate", "rapl"]}, "estimate stands alone"),
        ("power", {"meter": []}, "meter must not be empty"),
        ("work", {"use": ["magic"]}, "work.use: 'magic' is none of quota"),
        ("work", {"off": "explode"}, "work.off"),
        ("work", {"slice": "../../etc"}, "no name of a control group"),
        ("work", {"slice": ""}, "work.slice is empty"),
        ("work", {"cpus": 0}, "cpus must be above 0"),
        ("temperature", {"trip_celsius": 60}, "needs the sensor"),
        ("service", {"host": "0.0.0.0"}, "in the clear"),
        ("service", {"host": "attic"}, "must be an IP address"),
        ("service", {"port": 70000}, "service.port"),
        ("service", {"tls": "yes"}, "service.tls must be true or false"),
        ("service", {"key": "key.pem"}, "go together"),
        ("service", {"uuid": "nonsense"}, "service.uuid is no UUID"),
        ("service", {"password": "12345"}, "unknown setting: service.password"),
    ],
)
def test_wrong_settings_are_named(
    tmp_path: Path, table: str, wrong: dict[str, Any], says: str
) -> None:
    with pytest.raises(SettingsError, match=says):
        make_config(tmp_path, **{table: wrong})


def test_wrong_files_are_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "agent.toml"
    assert main(["--config", str(file)]) == 1
    assert "cannot read" in capsys.readouterr().err
    file.write_text("[power\n")
    assert main(["--config", str(file)]) == 1
    assert str(file) in capsys.readouterr().err
    assert main([]) == 1
    assert "--config FILE is missing" in capsys.readouterr().err
    with pytest.raises(SettingsError, match=r"\[power\] is not a table"):
        parse_config({"power": 3}, tmp_path)


def test_password_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "secret"
    with pytest.raises(SettingsError, match="cannot read the password"):
        find_password(file, tmp_path)
    file.write_text("long-enough\n")
    file.chmod(0o644)
    with pytest.raises(SettingsError, match="everybody may read"):
        find_password(file, tmp_path)
    file.chmod(0o640)
    assert find_password(file, tmp_path) == ("long-enough", file)
    file.write_text("short\n")
    with pytest.raises(SettingsError, match="10 characters"):
        find_password(file, tmp_path)
    made, kept = find_password(None, tmp_path)
    assert find_password(None, tmp_path) == (made, kept)
    handed = tmp_path / "credentials"
    handed.mkdir()
    (handed / "password").write_text("from-systemd\n")
    (handed / "password").chmod(0o400)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(handed))
    assert find_password(None, tmp_path)[0] == "from-systemd"


def test_half_a_certificate_is_refused(tree: Tree, tmp_path: Path) -> None:
    tree.add_group_v2()
    file = write_toml(
        tmp_path / "agent.toml", config_values(tmp_path, service={"tls": True})
    )
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "key.pem").write_text("")
    options = ["--config", str(file), "--root", str(tree.root.path)]
    assert main(options) == 1


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="no systemd-analyze here"
)
async def test_systemd_takes_the_units(tmp_path: Path) -> None:
    for unit in (AGENT / "systemd").iterdir():
        text = unit.read_text().replace(
            "/opt/compute-heater-agent/bin/compute-heater-agent", "/bin/true"
        )
        (tmp_path / unit.name).write_text(text)
    names = [unit.name for unit in sorted((AGENT / "systemd").iterdir())]
    assert names == ["compute-heater-agent.service", "compute.slice"]
    child = await asyncio.create_subprocess_exec(
        "systemd-analyze",
        "verify",
        *(str(tmp_path / name) for name in names),
        stderr=asyncio.subprocess.PIPE,
    )
    errors = (await child.communicate())[1].decode()
    # What is wrong with other units of the machine is not ours.
    assert not [line for line in errors.splitlines() if str(tmp_path) in line]
    assert child.returncode == 0, errors

"""The demo's command: what it reports, and what it leaves behind."""

from pathlib import Path
import signal

from simulator.demo.report import KEYS

from .demo_process import DemoProcess, is_running
from .plant import eventually


async def test_three_minutes(unattended: DemoProcess) -> None:
    """The run that was started before all other tests has gone well."""
    assert await unattended.wait(300) == 0, unattended.output
    report = unattended.report
    assert report["failures"] == []
    assert set(KEYS) <= set(report)
    assert None not in [report[key] for key in KEYS]
    assert report["tank_end_c"] - report["tank_start_c"] > 1.5
    assert abs(report["heat_difference_percent"]) < 2
    assert report["power_max_w"] > 2800
    assert report["power_end_w"] < 600
    assert report["log_errors"] == 0


async def test_dead_ports(tmp_path: Path) -> None:
    """With nobody at the ports the same run fails and says at which step."""
    (tmp_path / "house").mkdir()
    (tmp_path / "heater").mkdir()
    without_house = await DemoProcess.start(
        tmp_path / "house", "--minutes", "3", "--dead-house"
    )
    without_heater = await DemoProcess.start(
        tmp_path / "heater", "--minutes", "3", "--dead-agent"
    )
    try:
        assert await without_house.wait(180) == 1
        assert await without_heater.wait(180) == 1
    finally:
        await without_house.end()
        await without_heater.end()
    for demo, step in (
        (without_house, "bacnet, step address"),
        (without_heater, "heater, step redfish"),
    ):
        assert "FAILED" in demo.output
        assert "cannot_connect" in demo.output
        assert step in demo.report["failures"][0]
        assert set(KEYS) <= set(demo.report)
        assert "Traceback" not in demo.output


async def _started(folder: Path) -> tuple[DemoProcess, set[int]]:
    """Start an interactive demo and wait until its parts are there."""
    demo = await DemoProcess.start(folder)
    await eventually(lambda: len(demo.descendants()) >= 3, 60, "three parts")
    return demo, demo.descendants()


async def test_interrupt_leaves_nothing(tmp_path: Path) -> None:
    """Ctrl-C ends all parts; it is the usual end, so no failure."""
    demo, parts = await _started(tmp_path)
    demo.process.send_signal(signal.SIGINT)
    assert await demo.wait(90) == 0, demo.output
    assert not any(is_running(pid) for pid in parts)
    assert "Traceback" not in demo.output


async def test_kill_leaves_nothing(tmp_path: Path) -> None:
    """Even a demo that is killed outright takes its parts along."""
    demo, parts = await _started(tmp_path)
    demo.process.kill()
    await demo.wait(10)
    await eventually(
        lambda: not any(is_running(pid) for pid in parts), 10, "all parts ended"
    )

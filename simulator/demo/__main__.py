"""Start the demo, show it to a person or run it alone and judge it."""

import argparse
import asyncio
import json
import os
from pathlib import Path
import shutil
import signal
import sys
import tempfile
import time
from typing import Any
import webbrowser

from .dashboard import URL_PATH, prepare_dashboards
from .errors import DemoError
from .installation import install
from .meters import Meters
from .report import empty_report, make_report
from .scenario import Record, Scenario
from .stack import DemoStack, StackSettings

FAILED, INTERRUPTED = 1, 130
LINE_EVERY_S = 5.0


def main() -> int:
    """Run the demo; returns the exit code."""
    options = _options()
    folder = options.keep or Path(tempfile.mkdtemp(prefix="compute-heater-demo-"))
    folder = folder.absolute()
    _end_on_signals()
    try:
        failures = asyncio.run(_run(options, folder))
    except KeyboardInterrupt:
        print("Everything has ended.")
        failures = []
        code = INTERRUPTED if options.minutes else 0
    except (DemoError, OSError) as error:
        failures = [str(error)]
        _write(options.json, empty_report(failures, _hass_log(folder)))
        code = FAILED
    else:
        code = FAILED if failures else 0
    for failure in failures:
        print(f"FAILED: {failure}", file=sys.stderr)
    if failures:
        print(f"Logs are in {folder}", file=sys.stderr)
    elif options.keep is None:
        shutil.rmtree(folder, ignore_errors=True)
    return code


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/demo",
        description="A house, a compute heater and Home Assistant, ready to look at.",
    )
    add = parser.add_argument
    add(
        "--minutes",
        type=float,
        metavar="N",
        help="run without a person for N minutes, at least 3, then end and judge",
    )
    add("--json", type=Path, metavar="FILE", help="write the report of the run here")
    add(
        "--keep",
        type=Path,
        metavar="DIR",
        help="a new folder for Home Assistant's configuration and all logs, kept "
        "afterwards; default a temporary one",
    )
    add("--no-browser", action="store_true", help="do not open a browser")
    test = parser.add_argument_group("to see the demo fail")
    test.add_argument("--dead-house", action="store_true", help="nobody is the house")
    test.add_argument("--dead-agent", action="store_true", help="nobody is the heater")
    options = parser.parse_args()
    if options.keep and options.keep.exists() and any(options.keep.iterdir()):
        parser.error(f"{options.keep} is not empty")
    if options.json and options.minutes is None:
        parser.error("--json needs --minutes")
    return options


async def _run(options: argparse.Namespace, folder: Path) -> list[str]:
    """Start, set up and run; returns what went wrong in the run."""
    began = time.monotonic()
    settings = StackSettings(
        folder=folder, dead_house=options.dead_house, dead_agent=options.dead_agent
    )
    print("Starting house, heater and Home Assistant …", flush=True)
    async with DemoStack(settings) as stack:
        print(f"Home Assistant runs after {stack.hass_start_s:.0f} s. Setting up …")
        installation = await install(stack)
        await prepare_dashboards(stack.client, installation)
        setup_s = time.monotonic() - began
        _introduce(stack, installation.entity_count, setup_s)
        if options.minutes is None and not options.no_browser:
            await asyncio.to_thread(_open_browser, f"{stack.client.url}/{URL_PATH}")
        meters = Meters(stack.house_address.status_url, stack.agent_address)
        try:
            record = await Scenario(stack, installation, meters).run(
                None if options.minutes is None else options.minutes * 60,
                _tell,
                LINE_EVERY_S,
            )
        finally:
            await meters.close()
        assert stack.hass_start_s is not None
        hass_start_s = stack.hass_start_s
    # Also what Home Assistant logged while it ended.
    return _judge(
        options.json,
        record,
        _hass_log(folder),
        entities=installation.entity_count,
        ha_start_s=round(hass_start_s, 1),
        setup_s=round(setup_s, 1),
    )


def _judge(file: Path | None, record: Record, log: str, **further: Any) -> list[str]:
    report = make_report(record, log, **further)
    _write(file, report)
    failures: list[str] = report["failures"]
    if not failures:
        warmer_k = report["tank_end_c"] - report["tank_start_c"]
        print(
            f"The tank got {warmer_k:.1f} K warmer; computing gave "
            f"{report['compute_heat_kwh']:.3f} kWh of heat, the heat pump "
            f"{report['backup_heat_kwh']:.3f} kWh."
        )
    return failures


def _end_on_signals() -> None:
    """Let SIGTERM and a closed terminal end the demo as Ctrl-C does.

    Also SIGINT itself: a shell starts its background jobs with that ignored.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: signal.raise_signal(signal.SIGINT))


def _introduce(stack: DemoStack, entities: int, seconds: float) -> None:
    print(
        f"Ready after {seconds:.0f} s with {entities} entities.\n\n"
        f"  {stack.client.url}/{URL_PATH}\n"
        f"  user {stack.username}, password {stack.password}\n\n"
        "Hot water is drawn every few minutes. Ctrl-C ends everything.\n",
        flush=True,
    )


def _open_browser(url: str) -> None:
    # Without a screen this would start a browser in the terminal.
    if any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")):
        webbrowser.open(url)


def _tell(line: str) -> None:
    print(line, flush=True)


def _hass_log(folder: Path) -> str:
    log = folder / "hass.log"
    return log.read_text(errors="replace") if log.exists() else ""


def _write(file: Path | None, report: dict[str, Any]) -> None:
    if file is not None:
        file.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())

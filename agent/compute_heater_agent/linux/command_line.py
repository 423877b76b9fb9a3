"""Command line of the agent on a Linux machine."""

import argparse
import json
from pathlib import Path

from ..errors import SettingsError
from ..running import serve_until_signal
from .agent import LinuxAgent, release, running_linux
from .config import load_config
from .files import Root
from .hardware import find_hardware
from .report import report
from .settings import LinuxSettings


def linux_parser() -> argparse.ArgumentParser:
    """Return the parser of everything but the simulated heater."""
    parser = argparse.ArgumentParser(
        prog="compute-heater-agent",
        description="Redfish service of a Linux machine that heats a home.",
        epilog="--simulated --help tells of the simulated heater.",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings, TOML")
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--detect",
        action="store_true",
        help="print as JSON what this machine has; changes nothing",
    )
    what.add_argument(
        "--release",
        action="store_true",
        help="leave the machine as work.on_stop says, as after a crash of the agent",
    )
    parser.add_argument(
        "--root",
        type=Path,
        default=Path("/"),
        metavar="DIR",
        help="find /sys and /proc below DIR (for tests)",
    )
    parser.add_argument("--verbose", action="store_true", help="log what happens")
    return parser


async def linux_command(options: argparse.Namespace) -> None:
    """Do what the options ask for; raises SettingsError."""
    root = Root(options.root)
    config = None if options.config is None else load_config(options.config)
    if options.detect:
        # Without a file only the slice's name and the watts are unknown.
        settings = config.machine if config else LinuxSettings(idle_w=1, max_w=2)
        hardware = await find_hardware(root, settings.slice)
        print(json.dumps(report(root, hardware, settings), indent=2))
        return
    if config is None:
        raise SettingsError("--config FILE is missing (or --detect, or --simulated)")
    if options.release:
        await release(config, root)
        return
    async with running_linux(config, root) as running:
        await serve_until_signal(running.agent, lambda: _greet(running))


def _greet(running: LinuxAgent) -> None:
    greeting = {
        **running.agent.greeting,
        "password_file": str(running.password_file),
        "back_ends": sorted(running.back_ends),
        "power": running.machine.description.power_remark,
    }
    print(json.dumps(greeting), flush=True)

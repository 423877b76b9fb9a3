"""What systemd does for the agent: freezing a slice, powering off, watching the agent."""

import os
import socket

from .commands import run
from .files import Root

_FREEZE_S = 30.0
_POWER_S = 30.0


def is_running(root: Root) -> bool:
    """Systemd looks after this machine."""
    return root.at("/run/systemd/system").is_dir()


async def freeze(unit: str, frozen: bool) -> None:
    """Freeze or thaw a unit and all below it; raises LinuxError."""
    verb = "freeze" if frozen else "thaw"
    await run("systemctl", "--no-ask-password", verb, unit, timeout_s=_FREEZE_S)


async def power(verb: str, *, force: bool = False) -> None:
    """Power off or reboot this machine; raises LinuxError.

    ``force`` does not wait for services to stop, but still unmounts file systems.
    """
    options = ["--no-ask-password", *(["--force"] if force else [])]
    await run("systemctl", *options, verb, timeout_s=_POWER_S)


def notify(state: str) -> None:
    """Tell systemd ``READY=1``, ``WATCHDOG=1``…; nothing where it does not listen."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            sender.sendto(state.encode(), address)
    except OSError:
        # Not worth ending the agent for: systemd draws its own conclusions.
        pass

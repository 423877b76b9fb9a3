"""What the command tests share."""

from typing import Any

from aiohttp import web

from .bmc import ROOT, Bmc, Json

TASK = f"{ROOT}/TaskService/Tasks/7"


def commands(bmc: Bmc) -> list[tuple[str, Any]]:
    """Name what was asked for, in order: caps as numbers or None, resets as text."""
    found: list[tuple[str, Any]] = []
    for one in bmc.seen:
        if one.method == "PATCH":
            found.append(("cap", one.body["PowerLimitWatts"]))
        elif "Actions" in one.path:
            found.append(("reset", one.body["ResetType"]))
    return found


def cap(watts: float, mode: str = "Automatic") -> tuple[str, Json]:
    return ("cap", {"SetPoint": watts, "ControlMode": mode})


async def start_task(_: web.Request) -> web.StreamResponse:
    return web.Response(status=202, headers={"Location": TASK, "Retry-After": "0"})

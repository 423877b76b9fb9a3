"""Limits as they were before the agent: kept until the next boot, which resets them."""

import json
from pathlib import Path

from .files import Root, optional_text
from .rapl import Package


def original_limits(
    packages: tuple[Package, ...], root: Root, file: Path | None
) -> dict[str, float]:
    """Return the limit in W of each package by name of its folder.

    An agent that was killed finds its own limits: those of its first start in this
    boot count. ``file`` is written when there is something new; None keeps nothing.
    """
    boot = optional_text(root.at("/proc/sys/kernel/random/boot_id")) or ""
    known = {} if file is None else _load(file, boot)
    found = dict(known)
    for package in packages:
        limit_w = package.limit_w()
        if limit_w is not None:
            found.setdefault(package.folder.name, limit_w)
    if file is not None and found != known:
        new = file.with_name(file.name + ".new")
        new.write_text(json.dumps({"boot": boot, "watts": found}), encoding="utf-8")
        new.replace(file)
    return found


def _load(file: Path, boot: str) -> dict[str, float]:
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        if kept["boot"] != boot:
            return {}
        return {str(name): float(watts) for name, watts in kept["watts"].items()}
    except OSError, ValueError, KeyError, TypeError, AttributeError:
        return {}

"""Packages that only a benchmark needs, each set in a folder or environment of its own.

They are fetched once, into the user's cache, and never into the project's environment.
"""

from collections.abc import Callable, Sequence
import os
from pathlib import Path
import shutil
import subprocess
import sys

FETCH_S = 900.0


class MissingPackagesError(Exception):
    """Packages could not be had; the message says which and why."""


def cache() -> Path:
    """Return the folder that ``scripts/setup`` uses too."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "compute-heater"


def folder(name: str, packages: Sequence[str]) -> Path:
    """Return a folder with the bare content of packages, without what they depend on.

    Raises MissingPackagesError.
    """
    target = cache() / "benchmarks" / name

    def fetch() -> None:
        python = ["--python", sys.executable, "--target", str(target)]
        _uv("pip", "install", "--no-deps", *python, *packages)

    return _once(target, packages, fetch)


def environment(
    name: str, packages: Sequence[str], *, python: str, from_source: Sequence[str] = ()
) -> Path:
    """Return the interpreter of an environment with packages and all they depend on.

    ``python`` is the version to look for on this machine; ``from_source`` names the
    packages that have no wheels and are built. Raises MissingPackagesError.
    """
    target = cache() / "benchmarks" / name
    interpreter = target / "bin" / "python"

    def fetch() -> None:
        _uv("venv", "--clear", "--python", _python(python), str(target))
        arguments = ["--python", str(interpreter), "--only-binary", ":all:"]
        for each in from_source:
            arguments += ["--no-binary", each]
        _uv("pip", "install", *arguments, *packages)

    _once(target, [python, *packages, *from_source], fetch)
    return interpreter


def _once(target: Path, wanted: Sequence[str], fetch: Callable[[], None]) -> Path:
    stamp = target / "complete.txt"
    content = "\n".join(wanted) + "\n"
    if not stamp.exists() or stamp.read_text("utf-8") != content:
        shutil.rmtree(target, ignore_errors=True)
        fetch()
        stamp.write_text(content, "utf-8")
    return target


def _python(version: str) -> str:
    """Return an interpreter of a version: uv's and the path's first, then pyenv's."""
    roots = [Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"]
    for root in roots:
        for candidate in sorted(root.glob(f"{version}.*/bin/python"), reverse=True):
            return str(candidate)
    return version


def _uv(*arguments: str) -> None:
    uv = shutil.which("uv") or str(cache() / "uv" / "bin" / "uv")
    variables = {"UV_SYSTEM_CERTS": "1", "UV_PYTHON_DOWNLOADS": "never"}
    try:
        done = subprocess.run(
            [uv, "--quiet", *arguments],
            env=os.environ | variables,
            capture_output=True,
            text=True,
            timeout=FETCH_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MissingPackagesError(f"uv: {error}") from error
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no word why"]
        raise MissingPackagesError(f"uv {arguments[0]}: {lines[-1].strip()}")

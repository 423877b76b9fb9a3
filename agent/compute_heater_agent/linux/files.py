"""Files of the kernel: sysfs, procfs and control groups, below a root that tests move."""

import os
from pathlib import Path

from ..errors import AgentError


class LinuxError(AgentError):
    """The kernel, a driver or a tool did not do what was asked."""


class Root:
    """Where ``/sys`` and ``/proc`` are: ``/``, or a folder with a copy of them."""

    def __init__(self, path: Path = Path("/")) -> None:
        self.path = path

    def at(self, path: str) -> Path:
        """Return where an absolute path of the machine is."""
        return self.path / path.lstrip("/")

    def shown(self, path: Path) -> str:
        """Return the absolute path on the machine, for reports."""
        return "/" + str(path.relative_to(self.path))

    def matching(self, folder: str, pattern: str) -> list[Path]:
        """Return what matches in a folder, ``a10`` after ``a9``; empty without folder."""
        found = self.at(folder).glob(pattern)
        return sorted(found, key=lambda path: (len(path.name), path.name))


def read_text(path: Path) -> str:
    """Read a file without the line's end; raises LinuxError."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError as err:
        raise LinuxError(f"cannot read {path}: {err.strerror}") from err


def read_number(path: Path) -> int:
    """Read a whole number; raises LinuxError."""
    text = read_text(path)
    try:
        return int(text)
    except ValueError as err:
        raise LinuxError(f"{path} holds {text[:40]!r}, not a number") from err


def optional_number(path: Path) -> int | None:
    """Read a whole number; None where that fails."""
    try:
        return read_number(path)
    except LinuxError:
        return None


def optional_text(path: Path) -> str | None:
    """Read a file; None where that fails or it is empty."""
    try:
        return read_text(path) or None
    except LinuxError:
        return None


def write(path: Path, value: str | int) -> None:
    """Write to a file that exists; raises LinuxError."""
    try:
        # Never creates: a file that is not there is a feature that is not there.
        handle = os.open(path, os.O_WRONLY | os.O_TRUNC)
        try:
            os.write(handle, str(value).encode())
        finally:
            os.close(handle)
    except OSError as err:
        raise LinuxError(f"cannot write {value} to {path}: {err.strerror}") from err


def is_writable(path: Path) -> bool:
    """Tell whether the file can be opened for writing; nothing is changed.

    ``os.access`` does not see a read-only mount as root, opening does.
    """
    try:
        os.close(os.open(path, os.O_WRONLY))
    except OSError:
        return False
    return True


def flat_keyed(path: Path) -> dict[str, int]:
    """Read a file with a word and a number in each line; raises LinuxError."""
    values = {}
    for line in read_text(path).splitlines():
        name, _, number = line.partition(" ")
        if number.strip().lstrip("-").isdigit():
            values[name] = int(number)
    return values

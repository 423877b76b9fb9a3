"""What the agent keeps in its state folder: password and identity."""

import os
from pathlib import Path
import secrets
import stat
from uuid import UUID, uuid4

from ..errors import SettingsError

_SHORTEST = 10


def make_state(folder: Path) -> None:
    """Make the folder, for the agent's eyes only; raises SettingsError."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as err:
        raise SettingsError(f"cannot make {folder}: {err.strerror}") from err


def find_password(file: Path | None, state: Path) -> tuple[str, Path]:
    """Return the password and where it is.

    In this order: ``file``, the credential *password* that systemd hands over, the one
    in ``state``, which is made up if it is missing. Raises SettingsError for one that is
    too short or that everybody can read.
    """
    if file is None:
        handed = os.environ.get("CREDENTIALS_DIRECTORY")
        if handed and (Path(handed) / "password").is_file():
            file = Path(handed) / "password"
    if file is None:
        file = state / "password"
        if not file.exists():
            _write_new(file, secrets.token_urlsafe(18))
    try:
        mode = file.stat().st_mode
        password = file.read_text(encoding="utf-8").strip("\r\n")
    except (OSError, UnicodeDecodeError) as err:
        raise SettingsError(f"cannot read the password: {err}") from err
    if mode & stat.S_IRWXO:
        raise SettingsError(f"everybody may read {file}: chmod o= {file}")
    if len(password) < _SHORTEST:
        raise SettingsError(
            f"the password in {file} needs {_SHORTEST} characters at least"
        )
    return password, file


def keep_uuid(state: Path) -> str:
    """Return the identity, made up at the first start; raises SettingsError."""
    file = state / "uuid"
    try:
        if not file.exists():
            _write_new(file, str(uuid4()))
        return str(UUID(file.read_text(encoding="ascii").strip()))
    except (OSError, ValueError) as err:
        raise SettingsError(f"cannot use {file}: {err}") from err


def _write_new(file: Path, text: str) -> None:
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as opened:
            opened.write(text + "\n")
    except OSError as err:
        raise SettingsError(f"cannot write {file}: {err.strerror}") from err

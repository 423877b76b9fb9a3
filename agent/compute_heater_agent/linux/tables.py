"""Strict reading of TOML tables: every value is checked, and none is overlooked."""

from collections.abc import Mapping
from pathlib import Path
import tomllib
from typing import Any

from ..errors import SettingsError


def read_toml(path: Path) -> dict[str, Any]:
    """Read a file; raises SettingsError that says what is wrong and where."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as err:
        raise SettingsError(f"cannot read {path}: {err.strerror}") from err
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as err:
        raise SettingsError(f"{path}: {err}") from err


class Table:
    """One table of which each key is taken once."""

    def __init__(self, values: object, name: str) -> None:
        if not isinstance(values, Mapping):
            raise SettingsError(f"[{name}] is not a table")
        self._left = dict(values)
        self._name = name

    def text(self, key: str) -> str | None:
        """Take a text that is not empty."""
        value: str | None = self._take(key, str, "a text")
        if value == "":
            raise SettingsError(f"{self._at(key)} is empty")
        return value

    def number(self, key: str) -> float | None:
        """Take a number."""
        value = self._take(key, (int, float), "a number")
        return None if value is None else float(value)

    def whole(self, key: str) -> int | None:
        """Take a whole number."""
        value: int | None = self._take(key, int, "a whole number")
        return value

    def flag(self, key: str) -> bool | None:
        """Take true or false."""
        value = self._left.pop(key, None)
        if value is not None and not isinstance(value, bool):
            raise SettingsError(f"{self._at(key)} must be true or false")
        return value

    def texts(self, key: str) -> list[str] | None:
        """Take a list of texts; one text alone is a list of one."""
        value = self._left.pop(key, None)
        if isinstance(value, str):
            return [value]
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            raise SettingsError(f"{self._at(key)} must be a list of texts")
        return value

    def table(self, key: str) -> Table:
        """Take a table inside; an absent one is empty."""
        return Table(self._left.pop(key, {}), key)

    def finish(self) -> None:
        """Refuse what nobody took."""
        if self._left:
            unknown = ", ".join(sorted(self._at(key) for key in self._left))
            raise SettingsError(f"unknown setting: {unknown}")

    def _take(self, key: str, kind: type | tuple[type, ...], words: str) -> Any:
        value = self._left.pop(key, None)
        if value is not None and (
            isinstance(value, bool) or not isinstance(value, kind)
        ):
            raise SettingsError(f"{self._at(key)} must be {words}")
        return value

    def _at(self, key: str) -> str:
        return f"{self._name}.{key}" if self._name else key

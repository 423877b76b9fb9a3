"""Configurations of the Linux agent with the account of the test's client."""

from pathlib import Path
from typing import Any

from compute_heater_agent.linux.config import Config, parse_config

from .client import PASSWORD, USER


def config_values(folder: Path, **tables: dict[str, Any]) -> dict[str, Any]:
    """Return what a file would hold; tables given replace or add single settings."""
    password = folder / "password"
    password.write_text(PASSWORD + "\n")
    password.chmod(0o600)
    values: dict[str, dict[str, Any]] = {
        "service": {
            "host": "127.0.0.1",
            "port": 0,
            "user": USER,
            "password_file": str(password),
            "state": str(folder / "state"),
            "tls": False,
        },
        "power": {"idle_watts": 50, "max_watts": 250},
        "work": {},
        "temperature": {},
    }
    for name, table in tables.items():
        values[name] = values[name] | table
    return values


def make_config(folder: Path, **tables: dict[str, Any]) -> Config:
    """Return a configuration of plain HTTP on a free port."""
    return parse_config(config_values(folder, **tables), folder)


def write_toml(file: Path, values: dict[str, Any]) -> Path:
    """Write a file as a person would."""
    lines = []
    for name, table in values.items():
        lines.append(f"[{name}]")
        for key, value in table.items():
            text = f'"{value}"' if isinstance(value, str) else str(value)
            text = text.lower() if isinstance(value, bool) else text
            lines.append(f"{key} = {text}")
    file.write_text("\n".join(lines) + "\n")
    return file

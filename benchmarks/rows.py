"""What a benchmark found: rows for a person and for a program."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
import json
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One measured value and what it should be; use ``at_most`` or ``at_least``."""

    name: str
    value: float
    unit: str
    target: float
    ok: bool


def at_most(name: str, value: float, unit: str, target: float) -> Row:
    """Return a row whose value should not be above the target."""
    return Row(name=name, value=value, unit=unit, target=target, ok=value <= target)


def at_least(name: str, value: float, unit: str, target: float) -> Row:
    """Return a row whose value should not be below the target."""
    return Row(name=name, value=value, unit=unit, target=target, ok=value >= target)


def table(rows: Sequence[Row]) -> str:
    """Return the rows as lines of aligned text."""
    cells = [("", "value", "target", "")]
    cells += [
        (
            row.name,
            f"{_short(row.value)} {row.unit}",
            f"{_short(row.target)} {row.unit}",
            "ok" if row.ok else "MISSED",
        )
        for row in rows
    ]
    name, value, target, _ = (
        max(len(line[column]) for line in cells) for column in range(4)
    )
    return "\n".join(
        f"{line[0]:<{name}}  {line[1]:>{value}}  {line[2]:>{target}}  {line[3]}".rstrip()
        for line in cells
    )


def write_json(rows: Sequence[Row], file: Path) -> None:
    """Write ``{"rows": [{"name", "value", "unit", "target", "ok"}, …]}``."""
    content = {"rows": [asdict(row) for row in rows]}
    file.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _short(value: float) -> str:
    """Three digits are all that a measurement is worth."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"

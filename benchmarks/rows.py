"""What a benchmark found: rows for a person and for a program."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
import json
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One measured value and what it should be; use ``at_most``, ``at_least``, ``fact``."""

    name: str
    value: float
    unit: str
    target: float | None = None
    """None: nothing is hoped for."""
    ok: bool | None = None
    details: Mapping[str, float] = field(default_factory=dict)
    """What else is known of it, by name."""


def at_most(name: str, value: float, unit: str, target: float) -> Row:
    """Return a row whose value should not be above the target."""
    return Row(name=name, value=value, unit=unit, target=target, ok=value <= target)


def at_least(name: str, value: float, unit: str, target: float) -> Row:
    """Return a row whose value should not be below the target."""
    return Row(name=name, value=value, unit=unit, target=target, ok=value >= target)


def fact(
    name: str, value: float, unit: str, details: Mapping[str, float] | None = None
) -> Row:
    """Return a row without a target."""
    return Row(name=name, value=value, unit=unit, details=details or {})


def line(row: Row) -> str:
    """Return a row as one line of text."""
    return "  ".join(_cells(row)).rstrip()


def table(rows: Sequence[Row]) -> str:
    """Return the rows as lines of aligned text."""
    cells = [("", "value", "target", ""), *map(_cells, rows)]
    name, value, target, _ = (
        max(len(each[column]) for each in cells) for column in range(4)
    )
    return "\n".join(
        f"{each[0]:<{name}}  {each[1]:>{value}}  {each[2]:>{target}}  {each[3]}".rstrip()
        for each in cells
    )


def write_json(rows: Sequence[Row], file: Path) -> None:
    """Write ``{"rows": [{"name", "value", "unit", "target", "ok", "details"}, …]}``."""
    content = {"rows": [asdict(row) for row in rows]}
    file.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _cells(row: Row) -> tuple[str, str, str, str]:
    target = "" if row.target is None else f"{_short(row.target)} {row.unit}"
    return row.name, f"{_short(row.value)} {row.unit}", target, _remark(row)


def _remark(row: Row) -> str:
    verdict = {None: [], True: ["ok"], False: ["MISSED"]}[row.ok]
    return ", ".join(
        verdict + [f"{name} {_short(value)}" for name, value in row.details.items()]
    )


def _short(value: float) -> str:
    """Three digits are all that a measurement is worth."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"

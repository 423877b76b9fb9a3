"""An own list of points as text: a table out of a spreadsheet, or YAML."""

from collections.abc import Callable
import csv
from typing import Any

import yaml

from .modbus_point import DataType, ModbusPoint, Space
from .points import PointConfigError

_COLUMNS = {
    "key": ("key", "schlüssel", "id"),
    "name": ("name", "bezeichnung", "beschreibung", "description", "title"),
    "kind": ("kind", "art"),
    "unit": ("unit", "einheit"),
    "writable": ("writable", "schreibbar", "write", "schreiben", "access", "zugriff"),
    "minimum": ("minimum", "min"),
    "maximum": ("maximum", "max"),
    "step": ("step", "schritt"),
    "states": ("states", "zustände"),
    "role": ("role", "rolle"),
    "group": ("group", "gruppe", "poll"),
    "dead_band": ("dead_band", "totband"),
    "min_interval_s": ("min_interval_s",),
    "lifetime_s": ("lifetime_s",),
    "space": ("space", "table", "tabelle", "bereich", "register_type", "registertyp"),
    "address": ("address", "adresse", "addr", "register", "reg"),
    "data_type": ("data_type", "datatype", "datentyp", "type", "typ", "format"),
    "word_order": ("word_order", "wortfolge", "byte_order", "order", "reihenfolge"),
    "scale": ("scale", "faktor", "factor", "skalierung", "multiplier"),
    "offset": ("offset",),
    "sentinels": ("sentinels", "sentinel", "invalid", "ungültig"),
    "unit_id": ("unit_id", "slave", "slave_id", "device_id"),
    "write_class": ("write_class", "schreibklasse"),
    "ttl_s": ("ttl_s", "ttl"),
    "write_order": ("write_order",),
    "write_multiple": ("write_multiple",),
}
_FIELDS = {alias: field for field, aliases in _COLUMNS.items() for alias in aliases}

_TRUE = frozenset({"true", "yes", "ja", "wahr", "x", "1", "rw", "r/w", "w"})
_FALSE = frozenset({"false", "no", "nein", "falsch", "-", "0", "r", "ro"})

_TYPES = {
    "bit": DataType.BOOL,
    "boolean": DataType.BOOL,
    "s16": DataType.INT16,
    "short": DataType.INT16,
    "u16": DataType.UINT16,
    "word": DataType.UINT16,
    "s32": DataType.INT32,
    "u32": DataType.UINT32,
    "dword": DataType.UINT32,
    "float": DataType.FLOAT32,
    "f32": DataType.FLOAT32,
    "real": DataType.FLOAT32,
}
_SPACES = {
    "coils": Space.COIL,
    "discrete input": Space.DISCRETE,
    "discrete inputs": Space.DISCRETE,
    "input register": Space.INPUT,
    "input registers": Space.INPUT,
    "eingangsregister": Space.INPUT,
    "holding register": Space.HOLDING,
    "holding registers": Space.HOLDING,
    "halteregister": Space.HOLDING,
}


def parse_table(text: str) -> list[dict[str, Any]]:
    """Read a list of points; raises PointConfigError, which names the line.

    A table has a header of field names, columns apart by tab, semicolon or comma, and
    numbers with point or comma; several states or sentinels are apart by "|". A line that
    begins with "#" is a comment. The rows are for ``parse_points``.
    """
    lines = text.removeprefix("\ufeff").splitlines()
    first = next((line for line in lines if _says_something(line)), None)
    if first is None:
        raise PointConfigError("points", "expected a list with at least one point")
    if first.lstrip().startswith(("- ", "[", "{")) or first.rstrip() == "points:":
        return _from_yaml(text)
    return _from_lines(lines, _delimiter(first))


def _from_yaml(text: str) -> list[dict[str, Any]]:
    try:
        data = yaml.safe_load(text)
    except yaml.MarkedYAMLError as err:
        mark = err.problem_mark
        where = f" (line {mark.line + 1})" if mark else ""
        raise PointConfigError(
            "yaml", f"{err.problem or 'cannot be read'}{where}"
        ) from err
    except yaml.YAMLError as err:
        raise PointConfigError("yaml", str(err)) from err
    if isinstance(data, dict):
        data = data.get("points")
    if not isinstance(data, list) or not data:
        raise PointConfigError("points", "expected a list with at least one point")
    for number, row in enumerate(data, 1):
        if not isinstance(row, dict):
            raise PointConfigError(
                "point", f"expected a mapping, not {row!r} (entry {number})"
            )
    return data


def _from_lines(lines: list[str], delimiter: str) -> list[dict[str, Any]]:
    reader = csv.reader(
        (line if _says_something(line) else "" for line in lines),
        delimiter=delimiter,
        skipinitialspace=True,
        strict=True,
    )
    fields: list[str | None] | None = None
    rows: list[dict[str, Any]] = []
    keys: dict[str, int] = {}
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if fields is None:
                fields = _header(cells, reader.line_num)
                continue
            row = _row(fields, cells)
            _check(row, keys, reader.line_num)
            rows.append(row)
    except PointConfigError as err:
        raise PointConfigError(
            err.field, f"{err.problem} (line {reader.line_num})"
        ) from err
    except csv.Error as err:
        raise PointConfigError("points", f"{err} (line {reader.line_num})") from err
    if not rows:
        raise PointConfigError("points", "there is a header, but no point below it")
    return rows


def _check(row: dict[str, Any], keys: dict[str, int], line: int) -> None:
    """Refuse what cannot be a point, here where its line is known."""
    key = ModbusPoint.from_dict(row).key
    if (earlier := keys.setdefault(key, line)) != line:
        raise PointConfigError("key", f"{key} is in line {earlier} already")


def _header(cells: list[str], line: int) -> list[str | None]:
    """Return the field of each column; None for an empty column."""
    fields: list[str | None] = []
    for cell in cells:
        title = cell.strip().lower().replace(" ", "_").replace("-", "_")
        if not title:
            fields.append(None)
            continue
        if (field := _FIELDS.get(title)) is None:
            raise PointConfigError(cell.strip(), "is no column that we know")
        if field in fields:
            raise PointConfigError(
                field, f"two columns mean it (column {cell.strip()})"
            )
        fields.append(field)
    return fields


def _row(fields: list[str | None], cells: list[str]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for number, cell in enumerate(cells):
        if not (value := cell.strip()):
            continue
        field = fields[number] if number < len(fields) else None
        if field is None:
            raise PointConfigError("points", f"{value!r} stands below no column")
        row[field] = _READERS.get(field, _text)(field, value)
    return row


def _text(field: str, value: str) -> str:
    return value


def _number(field: str, value: str) -> float:
    plain = value.replace("\N{NO-BREAK SPACE}", "").replace("\N{MINUS SIGN}", "-")
    if "," in plain:
        # 1.234,5 is German, 1,234.5 English; a lone comma is taken for German.
        thousands = "." if plain.rfind(",") > plain.rfind(".") else ","
        plain = plain.replace(thousands, "").replace(",", ".")
    try:
        return float(plain)
    except ValueError:
        raise PointConfigError(field, f"expected a number, not {value!r}") from None


def _whole(field: str, value: str) -> int:
    try:
        return int(value, 16 if value.lower().startswith("0x") else 10)
    except ValueError:
        raise PointConfigError(
            field, f"expected a whole number, not {value!r}"
        ) from None


def _numbers(field: str, value: str) -> list[float]:
    return [_number(field, one) for one in value.replace("|", " ").split()]


def _texts(field: str, value: str) -> list[str]:
    return [one.strip() for one in value.split("|")]


def _flag(field: str, value: str) -> bool:
    if value.lower() in _TRUE:
        return True
    if value.lower() in _FALSE:
        return False
    raise PointConfigError(field, f"expected yes or no, not {value!r}")


def _type(field: str, value: str) -> str:
    return _TYPES.get(value.lower(), value)


def _space(field: str, value: str) -> str:
    return _SPACES.get(value.lower().replace("_", " "), value)


_READERS: dict[str, Callable[[str, str], Any]] = {
    "address": _whole,
    "unit_id": _whole,
    "data_type": _type,
    "space": _space,
    "states": _texts,
    "sentinels": _numbers,
    **dict.fromkeys(("writable", "write_multiple"), _flag),
    **dict.fromkeys(
        (
            "minimum", "maximum", "step", "scale", "offset", "dead_band",
            "min_interval_s", "lifetime_s", "ttl_s",
        ),
        _number,
    ),
}  # fmt: skip


def _says_something(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _delimiter(header: str) -> str:
    return max("\t;,", key=header.count)

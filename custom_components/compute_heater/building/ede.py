"""Lists of BACnet objects: EDE files of planners, and plain tables of our own fields.

EDE, "Engineering Data Exchange" of the BACnet Interest Group Europe, versions 1 to 2.3.
"""

from collections.abc import Iterator, Mapping
import csv
from dataclasses import dataclass, field
import math
import re
from typing import Any

from .bacnet_objects import BY_NAME, BY_NUMBER, ObjectKind, unit_text
from .bacnet_point import BacnetPoint
from .points import PointConfigError, PointKind

_DELIMITERS = ("\t", ";", ",")
_NOT_LIMITED = 1e30
_LARGEST_UNIT = 65535
_LARGEST_TYPE = 1023

_COLUMNS = {
    "deviceobjinstance": "device", "deviceobjectinstance": "device",
    "deviceinstance": "device", "device": "device",
    "objectname": "name", "name": "name",
    "objecttype": "object_type", "type": "object_type",
    "objectinstance": "instance", "instance": "instance",
    "description": "description",
    "minpresentvalue": "minimum", "minimum": "minimum", "min": "minimum",
    "maxpresentvalue": "maximum", "maximum": "maximum", "max": "maximum",
    "commandable": "commandable", "settable": "commandable",
    "statetextreference": "state_text", "states": "states",
    "unitcode": "unit", "unit": "unit", "units": "unit",
    "role": "role", "group": "group", "step": "step", "priority": "priority",
    "deadband": "dead_band", "minintervals": "min_interval_s",
    "lifetimes": "lifetime_s",
    "objekttyp": "object_type", "instanz": "instance", "bezeichnung": "name",
    "beschreibung": "description", "einheit": "unit", "rolle": "role",
}  # fmt: skip
"""Fields by column title, letters and digits only."""
_UNUSED = {
    "keyname", "presentvaluedefault", "supportscov", "hilimit", "lowlimit",
    "vendorspecificaddress", "vendorspecificadress", "notificationclass",
    "notificationclassinstance", "eventtype", "",
}  # fmt: skip
_NUMBERS = (
    "priority", "minimum", "maximum", "step", "dead_band", "min_interval_s",
    "lifetime_s",
)  # fmt: skip
_YES = {"y", "yes", "j", "ja", "true", "1", "x"}
_NO = {"n", "no", "nein", "false", "0"}
_SHORT_TYPES = {
    "ai": "analog-input", "ao": "analog-output", "av": "analog-value",
    "bi": "binary-input", "bo": "binary-output", "bv": "binary-value",
    "mi": "multi-state-input", "msi": "multi-state-input",
    "mo": "multi-state-output", "mso": "multi-state-output",
    "mv": "multi-state-value", "msv": "multi-state-value",
}  # fmt: skip
_TYPES = {name.replace("-", ""): name for name in BY_NAME} | _SHORT_TYPES


@dataclass(frozen=True, slots=True, kw_only=True)
class EdeList:
    """The objects of one device."""

    instance: int | None
    """Of the device; None = the list does not tell."""
    points: list[BacnetPoint]
    """None of them writable; a name that the list leaves open is the key."""
    problems: list[str]
    """What was left out, to be shown."""


def parse_ede(text: str, state_texts: str | None = None) -> EdeList:
    """Read a list with a row of column titles, separated by tab, ";" or ",".

    ``state_texts`` is EDE's second file, that state-text references point into. Raises
    PointConfigError that names line and column.
    """
    table = _Table(text)
    texts = _state_texts(state_texts) if state_texts else {}
    points: dict[str, BacnetPoint] = {}
    device: int | None = None
    problems = [f'column "{title}" is not known' for title in table.unknown_titles]
    others = 0
    for row in table.rows():
        told = row.whole("device")
        if told is not None and device not in (None, told):
            raise row.error(
                "device", f"holds device {told} after {device}: one device at a time"
            )
        device = device if told is None else told
        kind = row.object_kind()
        if kind is None:
            others += 1
            continue
        point = _point(row, kind, texts, problems)
        if point.key in points:
            problems.append(f"line {row.line}: {point.key} is there twice")
            continue
        points[point.key] = point
    if others:
        problems.append(f"{others} objects of other types were left out")
    return EdeList(instance=device, points=list(points.values()), problems=problems)


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of the table: cells by field."""

    line: int
    cells: Mapping[str, str]
    titles: Mapping[str, str]
    decimal_comma: bool = field(default=True)

    def error(self, name: str, message: str) -> PointConfigError:
        return PointConfigError(
            f'line {self.line}, column "{self.titles.get(name, name)}"', message
        )

    def number(self, name: str) -> float | None:
        if not (cell := self.cells.get(name, "")):
            return None
        try:
            value = float(cell.replace(",", ".") if self.decimal_comma else cell)
        except ValueError:
            value = math.nan
        if math.isnan(value):
            raise self.error(name, f"expected a number, not {cell!r}")
        return value

    def whole(self, name: str) -> int | None:
        value = self.number(name)
        if value is None:
            return None
        if not math.isfinite(value) or value != int(value) or value < 0:
            raise self.error(name, f"expected a whole number, not {value:g}")
        return int(value)

    def flag(self, name: str) -> bool:
        cell = self.cells.get(name, "").lower()
        if cell and cell not in _YES | _NO:
            raise self.error(name, f"expected Y or N, not {cell!r}")
        return cell in _YES

    def object_kind(self) -> ObjectKind | None:
        """Return the type; None for one that cannot become a point."""
        cell = self.cells.get("object_type", "")
        if cell.isascii() and cell.isdigit() and int(cell) <= _LARGEST_TYPE:
            return BY_NUMBER.get(int(cell))
        plain = _plain(cell).removeprefix("object")
        if name := _TYPES.get(plain):
            return BY_NAME[name]
        if not plain or plain.isdigit():
            raise self.error("object_type", f"is no type of objects: {cell!r}")
        return None


class _Table:
    """Finds the row of titles and goes through what follows."""

    def __init__(self, text: str) -> None:
        self._lines = text.removeprefix("\ufeff").splitlines()
        for number, line in enumerate(self._lines):
            for delimiter in _DELIMITERS:
                titles = [
                    title.strip()
                    for title in next(csv.reader([line], delimiter=delimiter), [])
                ]
                fields = [_COLUMNS.get(_plain(title)) for title in titles]
                if {"object_type", "instance"} <= set(fields):
                    self._start = number + 1
                    self._delimiter = delimiter
                    self._fields = fields
                    self._titles = {
                        name: title.lstrip("# ")
                        for name, title in zip(fields, titles, strict=True)
                        if name
                    }
                    self.unknown_titles = [
                        title
                        for name, title in zip(fields, titles, strict=True)
                        if name is None and _plain(title) not in _UNUSED
                    ]
                    return
        raise PointConfigError(
            "list", "has no row of titles with object-type and object-instance"
        )

    def rows(self) -> Iterator[_Row]:
        reader = csv.reader(self._lines[self._start :], delimiter=self._delimiter)
        try:
            for cells in reader:
                stripped = [cell.strip() for cell in cells]
                if not any(stripped) or stripped[0].startswith("#"):
                    continue
                yield _Row(
                    self._start + reader.line_num,
                    {
                        name: cell
                        for name, cell in zip(self._fields, stripped, strict=False)
                        if name
                    },
                    self._titles,
                    self._delimiter != ",",
                )
        except csv.Error as err:
            line = self._start + reader.line_num
            raise PointConfigError(f"line {line}", str(err)) from err


def _point(
    row: _Row,
    kind: ObjectKind,
    texts: Mapping[int, tuple[str, ...]],
    problems: list[str],
) -> BacnetPoint:
    data: dict[str, Any] = {
        "object_type": kind.name,
        "instance": row.whole("instance"),
        "commandable": row.flag("commandable") and kind.is_output,
        "unit": _unit(row),
    }
    if data["instance"] is None:
        raise row.error("instance", "is missing")
    for name in ("name", "description", "role", "group"):
        data[name] = row.cells.get(name) or None
    for name in _NUMBERS:
        data[name] = row.number(name)
    data |= _limits(data, kind)
    if kind.kind is PointKind.MULTISTATE:
        data["states"] = _states(row, texts, problems)
    try:
        return BacnetPoint.from_dict(data)
    except PointConfigError as err:
        raise row.error(err.field, err.problem) from err


def _limits(data: Mapping[str, Any], kind: ObjectKind) -> dict[str, float | None]:
    """Leave out what is no limit: planners leave 0 and 0, or the largest float."""
    low, high = (
        None if value is None or not abs(value) < _NOT_LIMITED else value
        for value in (data["minimum"], data["maximum"])
    )
    is_empty = low is not None and high is not None and low >= high
    if is_empty or kind.kind is not PointKind.ANALOG:
        low = high = None
    return {"minimum": low, "maximum": high}


def _unit(row: _Row) -> str | None:
    cell = row.cells.get("unit", "")
    if not (cell.isascii() and cell.isdigit()):
        return cell or None
    if int(cell) > _LARGEST_UNIT:
        raise row.error("unit", f"is no number of a unit: {cell}")
    return unit_text(int(cell))


def _states(
    row: _Row, texts: Mapping[int, tuple[str, ...]], problems: list[str]
) -> tuple[str, ...]:
    if told := row.cells.get("states"):
        return tuple(state.strip() for state in told.split("|"))
    number = row.whole("state_text")
    if number is None:
        return ()
    if number not in texts:
        problems.append(f"line {row.line}: there is no state text {number}")
    return texts.get(number, ())


def _state_texts(text: str) -> dict[int, tuple[str, ...]]:
    """Read the second file: number, then the texts from state 1."""
    lines = text.removeprefix("\ufeff").splitlines()
    rows = [line for line in lines if line.strip() and not line.startswith("#")]
    delimiter = max(_DELIMITERS, key="\n".join(rows).count)
    found: dict[int, tuple[str, ...]] = {}
    for cells in csv.reader(rows, delimiter=delimiter):
        number, *texts = (cell.strip() for cell in cells)
        if not (number.isascii() and number.isdigit()):
            # Titles, or a heading.
            continue
        while texts and not texts[-1]:
            texts.pop()
        if all(texts):
            found[int(number)] = tuple(texts)
    return found


def _plain(title: str) -> str:
    return re.sub(r"[^a-z0-9]", "", title.lower())

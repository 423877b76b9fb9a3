"""Lists of points, as planners of controllers take them: EDE of BACnet, CSV of Modbus."""

from collections.abc import Iterable, Sequence
import csv
from io import StringIO

from ..building.bacnet_objects import unit_text
from .bacnet_objects import TYPE_NAMES, BacnetRow
from .register_map import MapRow

_TYPES = {name: number for number, name in TYPE_NAMES.items()}
_NO_UNITS = 95
_UNITS = {unit_text(number): number for number in (19, 48, 62, 88, 98)}
_EDE_COLUMNS = (
    "# keyname",
    "device obj.-instance",
    "object-name",
    "object-type",
    "object-instance",
    "description",
    "present-value-default",
    "min-present-value",
    "max-present-value",
    "settable",
    "supports COV",
    "hi-limit",
    "low-limit",
    "state-text-reference",
    "unit-code",
    "vendor-specific-address",
    "notification-class",
)
_REGISTER_COLUMNS = (
    "functions",
    "address",
    "registers",
    "part",
    "name",
    "type",
    "scale",
    "unit",
    "access",
    "meaning",
)


def ede(rows: Sequence[BacnetRow], *, instance: int, site: str) -> str:
    """Return the objects of a device as an EDE 2.3 list, separated by ";"."""
    states = _states(rows)
    lines: list[Sequence[object]] = [
        ["# Proposal_Engineering-Data-Exchange - B.I.G.-EU"],
        ["PROJECT_NAME", site],
        ["VERSION_OF_REFERENCEFILE", 1],
        ["VERSION_OF_LAYOUT", "2.3"],
        _EDE_COLUMNS,
    ]
    lines += [
        [
            row.point_id,
            instance,
            row.name,
            _TYPES[row.object_type],
            row.instance,
            row.description,
            "",
            _cell(row.minimum),
            _cell(row.maximum),
            "Y" if row.writable else "N",
            "Y",
            "",
            "",
            states.get(row.states, ""),
            "" if _is_text(row) else _UNITS.get(row.unit, _NO_UNITS),
            "",
            "",
        ]
        for row in rows
    ]
    return _text(lines)


def ede_state_texts(rows: Sequence[BacnetRow]) -> str:
    """Return EDE's second file: what the states of multi-state objects are called."""
    states = _states(rows)
    most = max(map(len, states), default=0)
    lines: list[Sequence[object]] = [
        ["#State Text Reference"],
        ["#Reference Number", *(f"Text {number + 1}" for number in range(most))],
    ]
    lines += [[number, *texts] for texts, number in states.items()]
    return _text(lines)


def register_list(rows: Iterable[MapRow]) -> str:
    """Return the registers as CSV; addresses as they go over the wire, from 0."""
    return _text([_REGISTER_COLUMNS, *(_register(row) for row in rows)])


def _register(row: MapRow) -> Sequence[object]:
    return (
        row.functions,
        row.address,
        row.registers,
        row.part,
        row.name,
        row.data_type,
        _cell(row.scale),
        row.unit,
        row.access,
        row.meaning,
    )


def _states(rows: Iterable[BacnetRow]) -> dict[tuple[str, ...], int]:
    """Return a number for each set of state texts."""
    found = dict.fromkeys(row.states for row in rows if row.states)
    return {states: number for number, states in enumerate(found, 1)}


def _is_text(row: BacnetRow) -> bool:
    return row.object_type == "characterstring-value"


def _cell(number: float | None) -> str:
    return "" if number is None else f"{number:g}"


def _text(lines: Iterable[Sequence[object]]) -> str:
    stream = StringIO()
    csv.writer(stream, delimiter=";", lineterminator="\n").writerows(lines)
    return stream.getvalue()

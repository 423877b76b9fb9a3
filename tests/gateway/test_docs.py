"""The point list and the register map in docs/bms.md are those of the code."""

from collections.abc import Callable
from pathlib import Path

import pytest

from custom_components.compute_heater.flows.gateway_form import (
    LONGEST_WATCHDOG_S,
    SHORTEST_WATCHDOG_S,
    USUAL_WATCHDOG_S,
)
from custom_components.compute_heater.gateway import guard, modbus_connections
from custom_components.compute_heater.gateway.bacnet_cov import MAX_ALL, MAX_OF_PEER
from custom_components.compute_heater.gateway.bacnet_objects import (
    BacnetRow,
    bacnet_rows,
)
from custom_components.compute_heater.gateway.guard import Refusal
from custom_components.compute_heater.gateway.modbus_requests import EXCEPTIONS
from custom_components.compute_heater.gateway.numbering import PART_STRIDE
from custom_components.compute_heater.gateway.points import (
    SITE,
    OfferedHeater,
    OfferedPoint,
    OfferedSink,
    offered_points,
)
from custom_components.compute_heater.gateway.register_codec import MAP_VERSION
from custom_components.compute_heater.gateway.register_layout import RegisterType
from custom_components.compute_heater.gateway.register_map import (
    BLOCK,
    MapRow,
    RegisterMap,
)
from custom_components.compute_heater.gateway_events import EVENT_BUILDING
from custom_components.compute_heater.gateway_server import KINDS

PAGE = Path(__file__).parents[2] / "docs" / "bms.md"
HEATER, SINK = "heater", "sink"
NUMBERS = {SITE: 0, HEATER: 1, SINK: 2}
NAME = "…"
"""Stands for the names of heater and consumer."""
LIMITS = {
    f"{SITE}/heat_request": "all heaters' heat",
    f"{HEATER}/supply_setpoint": "throttle temperature",
}
"""What depends on the plant."""


def points() -> list[OfferedPoint]:
    return offered_points(
        [OfferedHeater(heater_id=HEATER, name=NAME, max_supply_c=60.0)],
        [OfferedSink(sink_id=SINK, name=NAME)],
        max_heat_kw=3.0,
        commands=True,
    )


def plant_limit(point: OfferedPoint, text: str) -> str:
    """Put in words what is another number in each plant."""
    limit = LIMITS.get(point.point_id)
    return text if limit is None else text.replace(f"{point.maximum:g}", limit)


def object_rows(part: str) -> list[str]:
    """Return the lines of the table of one part's BACnet objects."""
    by_id = {point.point_id: point for point in points()}
    return [
        _object_row(row, by_id[row.point_id])
        for row in bacnet_rows(by_id.values(), NUMBERS)
        if by_id[row.point_id].part == part
    ]


def _object_row(row: BacnetRow, point: OfferedPoint) -> str:
    content = row.unit or ""
    if row.states:
        content = ", ".join(f"{n} {state}" for n, state in enumerate(row.states, 1))
    elif point.minimum is not None:
        span = f"{point.minimum:g}…{point.maximum:g}"
        content = f"{plant_limit(point, span)} {content}".strip()
    access = "write" if row.writable else ""
    if point.is_command:
        access = f"command, {_default(point)}"
    return _line(
        row.object_type,
        f"{row.instance % PART_STRIDE}",
        row.name,
        content,
        "any" if row.cov_increment is None else f"{row.cov_increment:g}",
        access,
    )


def _default(point: OfferedPoint) -> str:
    default = point.default
    if isinstance(default, bool):
        return "Yes" if default else "No"
    assert isinstance(default, float)
    if point.states:
        return point.states[int(default) - 1]
    return plant_limit(point, f"{default:g}")


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |".replace("  ", " ")


def register_rows(part: str) -> list[str]:
    """Return the lines of the table of one part's registers."""
    offered = points()
    by_name = {point.name: point for point in offered if point.part == part}
    return [
        _register_row(row, by_name.get(row.name))
        for row in RegisterMap(offered, NUMBERS).rows()
        if row.part == part
    ]


def _register_row(row: MapRow, point: OfferedPoint | None) -> str:
    meaning = row.meaning if point is None else plant_limit(point, row.meaning)
    return _line(
        row.functions,
        f"{row.address % BLOCK}",
        f"{row.data_type}",
        f"{row.scale:g}",
        row.name.removeprefix(f"{NAME} "),
        row.unit,
        meaning.replace(f"{NAME} ", ""),
    )


def table(heading: str) -> list[str]:
    """Return the lines of the first table below a heading, without its head."""
    _, found, below = PAGE.read_text().partition(f"\n{heading}\n")
    assert found, heading
    lines = below.splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("|"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append(line)
    return rows


@pytest.mark.parametrize(
    ("heading", "rows", "part"),
    [
        ("#### Objects of the site", object_rows, SITE),
        ("#### Objects of each heater", object_rows, HEATER),
        ("#### Objects of each heat consumer", object_rows, SINK),
        ("#### Registers of the site", register_rows, SITE),
        ("#### Registers of each heater", register_rows, HEATER),
        ("#### Registers of each heat consumer", register_rows, SINK),
    ],
)
def test_tables(heading: str, rows: Callable[[str], list[str]], part: str) -> None:
    expected = rows(part)
    assert table(heading) == expected, "\n".join((heading, "", *expected))


def test_each_refusal_has_its_exception() -> None:
    """The table names each refusal with what a Modbus client gets."""
    expected = {(each.value, f"{EXCEPTIONS[each]:d}") for each in Refusal}
    rows = [row.split("|") for row in table("### What is refused")]
    assert {(key.strip(" `"), code.split()[0]) for *_, key, _, code, _ in rows} == (
        expected
    )


def most_kw(part: str) -> float:
    """Return the greatest power that the scaled registers of a part can show."""
    return next(
        0x7FFF * row.scale
        for row in RegisterMap(points(), NUMBERS).rows()
        if (row.part, row.data_type, row.unit) == (part, RegisterType.INT16, "kW")
    )


@pytest.mark.parametrize(
    "text",
    [
        f"`{EVENT_BUILDING}`",
        *(f"`{kind}`" for kind in KINDS),
        f"version {MAP_VERSION}",
        f"{USUAL_WATCHDOG_S} s",
        f"{SHORTEST_WATCHDOG_S} to {LONGEST_WATCHDOG_S} s",
        f"{MAX_OF_PEER} of one controller, {MAX_ALL} in all",
        f"{guard.BURST:g} changes of a point by one controller",
        f"{most_kw(HEATER):.2f} kW of a heater",
        f"{most_kw(SITE):.1f} kW of the site",
        f"{modbus_connections.MOST} connections",
        f"{modbus_connections.PER_S:g} requests a second",
    ],
)
def test_figures(text: str) -> None:
    """Figures of the text are those of the code."""
    assert text in " ".join(PAGE.read_text().split())

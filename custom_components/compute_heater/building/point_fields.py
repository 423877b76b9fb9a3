"""Points as plain mappings: what users paste and what is stored."""

from collections.abc import Callable, Iterable, Mapping
import dataclasses
from enum import StrEnum
import math
from typing import Any, TypedDict

from .points import Point, PointConfigError, PointKind, PollGroup, Role
from .values import limits

SHORTEST_LIFETIME_S = 10.0
"""Commands are looked after this often."""


def to_plain(point: Point) -> dict[str, Any]:
    """JSON types by field name, without what holds the default."""
    plain: dict[str, Any] = {}
    for field in dataclasses.fields(point):
        value = getattr(point, field.name)
        if field.default is not dataclasses.MISSING and value == field.default:
            continue
        if isinstance(value, StrEnum):
            value = value.value
        plain[field.name] = list(value) if isinstance(value, tuple) else value
    return plain


class CommonFields(TypedDict):
    """Fields of Point that are read alike for every protocol."""

    unit: str | None
    writable: bool
    minimum: float | None
    maximum: float | None
    step: float | None
    states: tuple[str, ...]
    role: Role | None
    group: PollGroup | None
    dead_band: float
    min_interval_s: float
    lifetime_s: float | None


class Fields:
    """Takes typed fields out of a mapping; PointConfigError names the wrong one."""

    def __init__(self, data: object) -> None:
        if not isinstance(data, Mapping):
            raise PointConfigError("point", f"expected a mapping, not {data!r}")
        self._left = {str(name): value for name, value in data.items()}

    def text(self, name: str, default: str | None = None) -> str | None:
        """Take a text that is not empty; a number will do (unquoted YAML)."""
        value = self._left.pop(name, None)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise PointConfigError(name, f"expected a text, not {value!r}")
        if not (stripped := str(value).strip()):
            raise PointConfigError(name, "must not be empty")
        return stripped

    def number(self, name: str, default: float | None = None) -> float | None:
        """Take a finite number."""
        value = self._left.pop(name, None)
        return default if value is None else _number(name, value)

    def whole(self, name: str, low: int, high: int, default: int | None = None) -> int:
        """Take a whole number within limits; missing and no default is an error."""
        value = self.optional_whole(name, low, high)
        if value is not None:
            return value
        if default is None:
            raise PointConfigError(name, "is missing")
        return default

    def optional_whole(self, name: str, low: int, high: int) -> int | None:
        """Take a whole number within limits, None when missing."""
        value = self._left.pop(name, None)
        if value is None:
            return None
        number = _number(name, value)
        if number != int(number) or not low <= number <= high:
            raise PointConfigError(
                name, f"expected a whole number from {low} to {high}, not {value!r}"
            )
        return int(number)

    def flag(self, name: str) -> bool:
        """Take a truth value, False when missing."""
        value = self._left.pop(name, None)
        if value is None:
            return False
        if not isinstance(value, bool):
            raise PointConfigError(name, f"expected true or false, not {value!r}")
        return value

    def numbers(self, name: str) -> tuple[float, ...]:
        """Take a list of numbers, or a single one."""
        value = self._left.pop(name, None)
        if value is None:
            return ()
        items = value if isinstance(value, list | tuple) else [value]
        return tuple(_number(name, item) for item in items)

    def texts(self, name: str) -> tuple[str, ...]:
        """Take a list of texts."""
        value = self._left.pop(name, None)
        if value is None:
            return ()
        if not isinstance(value, list | tuple):
            raise PointConfigError(name, f"expected a list of texts, not {value!r}")
        if not all(isinstance(item, str) and item for item in value):
            raise PointConfigError(name, "every entry must be a text in quotes")
        return tuple(value)

    def choice[E: StrEnum](self, name: str, kind: type[E], default: E | None) -> E:
        """Take a member of an enumeration; missing and no default is an error."""
        value = self.optional_choice(name, kind)
        if value is not None:
            return value
        if default is None:
            raise PointConfigError(name, "is missing")
        return default

    def optional_choice[E: StrEnum](self, name: str, kind: type[E]) -> E | None:
        """Take a member of an enumeration, None when missing."""
        value = self._left.pop(name, None)
        if value is None:
            return None
        try:
            return kind(str(value).lower())
        except ValueError:
            raise PointConfigError(
                name, f"expected one of {', '.join(kind)}, not {value!r}"
            ) from None

    def common(self) -> CommonFields:
        """Take what points of every protocol have besides their address and kind."""
        return CommonFields(
            unit=self.text("unit"),
            writable=self.flag("writable"),
            minimum=self.number("minimum"),
            maximum=self.number("maximum"),
            step=self.number("step"),
            states=self.texts("states"),
            role=self.optional_choice("role", Role),
            group=self.optional_choice("group", PollGroup),
            dead_band=self.number("dead_band") or 0.0,
            min_interval_s=self.number("min_interval_s") or 0.0,
            lifetime_s=self.number("lifetime_s"),
        )

    def done(self) -> None:
        """Refuse what nobody took: most likely a misspelt name."""
        for name in self._left:
            raise PointConfigError(name, "is not known")


def readable_points[PointT: Point](
    rows: Iterable[object], parse: Callable[[object], PointT]
) -> tuple[list[PointT], list[str]]:
    """Return the points of stored rows, and what is wrong with the other rows."""
    points: list[PointT] = []
    problems: list[str] = []
    for number, row in enumerate(rows, 1):
        try:
            points.append(parse(row))
        except PointConfigError as err:
            problems.append(f"{err} (entry {number})")
    return points, problems


def check(point: Point) -> None:
    """Refuse limits that contradict each other or leave writing unbounded."""
    low, high = limits(point)
    if low is not None and high is not None:
        # Some controllers have multi-state objects of a single state.
        single = point.kind is PointKind.MULTISTATE and low == high
        if low >= high and not single:
            raise PointConfigError("maximum", f"must be above the minimum {low:g}")
    if point.step is not None and point.step <= 0:
        raise PointConfigError("step", "must be above 0")
    for name in ("dead_band", "min_interval_s"):
        if getattr(point, name) < 0:
            raise PointConfigError(name, "must not be below 0")
    if point.lifetime_s is not None and point.lifetime_s < SHORTEST_LIFETIME_S:
        raise PointConfigError("lifetime_s", f"must be {SHORTEST_LIFETIME_S:g} or more")
    if point.kind is PointKind.BINARY or not point.writable:
        return
    if low is None:
        raise PointConfigError("minimum", "is needed for a point that is written")
    if high is None:
        raise PointConfigError("maximum", "is needed for a point that is written")


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PointConfigError(name, f"expected a number, not {value!r}")
    if not math.isfinite(value):
        raise PointConfigError(name, f"expected a finite number, not {value!r}")
    return float(value)

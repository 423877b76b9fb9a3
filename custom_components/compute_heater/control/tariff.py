"""Prices of electricity as their integrations show them.

No two of them agree on names and units, but all show lists: of rows with a start and a
price, or of one number for every hour or quarter of a day.

| Integration | Where | Row |
|:--|:--|:--|
| Nord Pool (HACS), Energi Data Service | `raw_today`, `raw_tomorrow` | `start` or `hour`, `value` or `price` |
| Nord Pool (core) | response of its action, per MWh | `start`, `end`, `price` |
| Tibber | response of its action, or `startsAt` and `total` | `start_time`, `price` |
| EPEX Spot | `data` | `start_time`, `end_time`, `price_per_kwh` |
| Octopus Energy | `rates` | `start`, `end`, `value_inc_vat` |
| aWATTar | `data` or `prices`, per MWh | `start_timestamp`, `end_timestamp`, `marketprice` |
| ENTSO-e | `prices_today`, `prices_tomorrow` or `prices` | `time`, `price` |
| EnergyZero, easyEnergy | response of their actions | `timestamp`, `price` |
| Amber | `forecasts` | `start_time`, `end_time`, `per_kwh` |
| PVPC | `price_00h` … `price_next_day_23h` | |
| others | any list | any of those names |
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import pairwise
from math import isfinite
import re

from .series import Piece, Series

START_KEYS = (
    *("start", "start_time", "startsat", "start_timestamp", "starttime", "valid_from"),
    *("from", "hour", "datetime", "time", "timestamp", "date", "begin"),
)
END_KEYS = (
    *("end", "end_time", "endsat", "end_timestamp", "endtime", "valid_to", "till"),
    *("to", "until"),
)
VALUE_KEYS: Mapping[str, float | None] = {
    "total": None,
    "value_inc_vat": 1.0,
    "price_per_kwh": 1.0,
    "per_kwh": 1.0,
    "price_ct_per_kwh": 0.01,
    "price_eur_per_mwh": 0.001,
    "marketprice": 0.001,
    "price": None,
    "value": None,
    "rate": None,
    "tariff": None,
}
"""What a price is called, in order of preference; what it is multiplied by, or None:
the unit of the entity says so."""
GROUPS = (
    ("raw_today", "raw_tomorrow"),
    ("prices_today", "prices_tomorrow"),
    ("data",),
    ("rates",),
    ("prices",),
    ("forecasts",),
    ("forecast",),
    ("today", "tomorrow"),
)
"""Attributes that are looked at before any other; the first that hold prices count."""
CENTS = frozenset(
    {"c", "ct", "cts", "cent", "cents", "eurocent", "¢", "€ct", "p", "pence", "penny"}
    | {"öre", "ore", "øre", "snt", "sent", "gr", "grosz", "rp", "rappen"}
)
ENERGY = {"kwh": 1.0, "mwh": 0.001, "wh": 1000.0, "gwh": 1e-6}
HOURLY = re.compile(r"price_(next_day_)?(\d\d)h(_d)?")
DEEPEST = 4
LONGEST = timedelta(days=1)
"""A price without an end, and none after it, holds no longer than this."""
EPOCH_S, EPOCH_MS = 1e8, 1e11
"""Smaller numbers are no times; greater ones count milliseconds."""


class TariffError(ValueError):
    """A unit in which no price of energy is given."""


def unit_factor(unit: str | None) -> float:
    """Return what a price is multiplied by to be in the currency per kWh.

    None, or a currency alone, is taken for that. Raises TariffError for "EUR/day".
    """
    money, _, energy = (unit or "").strip().lower().partition("/")
    factor = 0.01 if money.strip() in CENTS else 1.0
    if not energy:
        return factor
    if energy.strip() not in ENERGY:
        raise TariffError(f"{unit} is no price of energy")
    return factor * ENERGY[energy.strip()]


def from_attributes(
    attributes: Mapping[str, object],
    *,
    unit: str | None,
    zone: tzinfo,
    now: datetime,
) -> Series:
    """Return the prices per kWh in an entity's attributes; empty if there are none.

    ``unit`` is the entity's unit of measurement; ``zone`` is meant by times without a
    zone; "today" is the day of ``now`` there. Raises TariffError for an unknown unit.
    """
    factor = unit_factor(unit)
    lists = {
        name.lower(): value
        for name, value in attributes.items()
        if isinstance(name, str)
        and isinstance(value, Sequence)
        and not isinstance(value, str | bytes)
    }
    others = [(name,) for name in sorted(lists, key=lambda name: -len(lists[name]))]
    for group in (*GROUPS, *others):
        pieces: list[Piece] = []
        for name in group:
            if name in lists:
                day = _day(name, now.astimezone(zone).date())
                pieces += _pieces(lists[name], factor, zone, day)
        if pieces:
            return Series.of(pieces)
    return Series.of(_hourly(attributes, factor, zone, now))


def from_response(response: object, *, unit: str | None, zone: tzinfo) -> Series:
    """Return the prices per kWh in the response of an action; empty if there are none.

    Of several areas or homes the first counts. Raises TariffError for an unknown unit.
    """
    factor = unit_factor(unit)
    for rows in _lists(response, DEEPEST):
        if pieces := _pieces(rows, factor, zone, None):
            return Series.of(pieces)
    return Series()


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A price that holds between two times of the day, which may lie across midnight."""

    start: time
    end: time
    per_kwh: float
    weekdays: frozenset[int] = frozenset(range(7))
    """On which it begins; 0 is Monday."""

    def holds(self, local: datetime) -> bool:
        """Whether it holds at a local time."""
        clock = local.time()
        if self.start < self.end:
            return self.start <= clock < self.end and local.weekday() in self.weekdays
        if clock >= self.start:
            return local.weekday() in self.weekdays
        return clock < self.end and (local.weekday() - 1) % 7 in self.weekdays


def time_of_use(
    windows: Sequence[Window],
    otherwise: float,
    *,
    zone: tzinfo,
    start: datetime,
    end: datetime,
) -> Series:
    """Return the prices of a fixed or time-of-use tariff; the first window that holds counts."""
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    bounds = {start, end}
    day = start.astimezone(zone).date() - timedelta(days=1)
    while day <= end.astimezone(zone).date():
        for window in windows:
            for clock in (window.start, window.end, time(0)):
                bound = datetime.combine(day, clock, zone).astimezone(UTC)
                if start < bound < end:
                    bounds.add(bound)
        day += timedelta(days=1)
    pieces = []
    for begin, until in pairwise(sorted(bounds)):
        local = (begin + (until - begin) / 2).astimezone(zone)
        price = next(
            (window.per_kwh for window in windows if window.holds(local)), otherwise
        )
        pieces.append(Piece(begin, until, price))
    return Series.of(pieces)


def _lists(response: object, depth: int) -> Iterator[Sequence[object]]:
    if isinstance(response, Mapping):
        if depth > 0:
            for value in response.values():
                yield from _lists(value, depth - 1)
    elif isinstance(response, Sequence) and not isinstance(response, str | bytes):
        yield response
        if depth > 0:
            for value in response:
                if isinstance(value, Mapping):
                    yield from _lists(value, depth - 1)


def _pieces(
    rows: Sequence[object], factor: float, zone: tzinfo, day: date | None
) -> list[Piece]:
    if any(isinstance(row, Mapping) for row in rows):
        return _of_rows(rows, factor, zone)
    if day is None:
        return []
    return _of_numbers(rows, factor, zone, day)


def _of_rows(rows: Sequence[object], factor: float, zone: tzinfo) -> list[Piece]:
    found: list[tuple[datetime, datetime | None, float]] = []
    seen: set[datetime] = set()
    for row in rows:
        if not isinstance(row, Mapping):
            continue
        names = {
            name.lower(): value for name, value in row.items() if isinstance(name, str)
        }
        start = _time(_first(names, START_KEYS), zone, seen)
        if start is None:
            continue
        price = _price(names, factor)
        if price is None:
            # Its hour is not that of the row before either.
            price = float("nan")
        end = _time(_first(names, END_KEYS), zone, set())
        found.append((start, end, price))
    found.sort(key=lambda each: each[0])
    starts = [start for start, _, _ in found]
    usual = _usual_length(starts)
    pieces = []
    for index, (start, end, price) in enumerate(found):
        if end is None or end <= start:
            following = next((each for each in starts[index:] if each > start), None)
            end = start + (usual or LONGEST)
            if following is not None and (usual is None or following < end):
                end = min(following, start + LONGEST)
        if isfinite(price):
            pieces.append(Piece(start, end, price))
    return pieces


def _usual_length(starts: Sequence[datetime]) -> timedelta | None:
    """Return the distance of regular rows; None where their lengths differ."""
    distances = [after - before for before, after in pairwise(starts) if after > before]
    if not distances:
        return timedelta(hours=1)
    shortest = min(distances)
    same = sum(distance == shortest for distance in distances)
    return shortest if same > len(distances) / 2 else None


def _of_numbers(
    rows: Sequence[object], factor: float, zone: tzinfo, day: date
) -> list[Piece]:
    midnight = datetime.combine(day, time(0), zone).astimezone(UTC)
    following = datetime.combine(day + timedelta(days=1), time(0), zone)
    hours = round((following.astimezone(UTC) - midnight).total_seconds() / 3600)
    values = [_number(row) for row in rows]
    for per_hour in (1, 2, 4):
        length = timedelta(hours=1) / per_hour
        if len(values) == hours * per_hour:
            starts = [midnight + k * length for k in range(len(values))]
            break
        if len(values) == 24 * per_hour:
            # Some show 24 hours on a day that has 23 or 25: they go by the clock.
            clock = datetime.combine(day, time(0))
            starts = [
                (clock + k * length).replace(tzinfo=zone).astimezone(UTC)
                for k in range(len(values))
            ]
            break
    else:
        return []
    ends = [*starts[1:], following.astimezone(UTC)]
    return [
        Piece(start, end, value * factor)
        for start, end, value in zip(starts, ends, values, strict=True)
        if value is not None
    ]


def _hourly(
    attributes: Mapping[str, object], factor: float, zone: tzinfo, now: datetime
) -> Iterator[Piece]:
    """Yield what an attribute of its own says for each hour."""
    today = now.astimezone(zone).date()
    for name, value in attributes.items():
        match = HOURLY.fullmatch(str(name).lower().replace(" ", "_"))
        price = _number(value)
        if match is None or price is None or int(match[2]) > 23:
            continue
        day = today + timedelta(days=1 if match[1] else 0)
        start = datetime.combine(day, time(int(match[2])), zone)
        if match[3]:
            start = start.replace(fold=1)
        start = start.astimezone(UTC)
        yield Piece(start, start + timedelta(hours=1), price * factor)


def _day(name: str, today: date) -> date | None:
    if "tomorrow" in name or "next_day" in name:
        return today + timedelta(days=1)
    return today if "today" in name else None


def _first(row: Mapping[str, object], names: Sequence[str]) -> object:
    return next((row[name] for name in names if row.get(name) is not None), None)


def _price(row: Mapping[str, object], factor: float) -> float | None:
    """Return the price of a row in currency/kWh."""
    for name, own_factor in VALUE_KEYS.items():
        if (number := _number(row.get(name))) is None:
            continue
        unit = row.get("unit")
        if isinstance(unit, str):
            try:
                return number * unit_factor(unit)
            except TariffError:
                return None
        return number * (factor if own_factor is None else own_factor)
    return None


def _time(value: object, zone: tzinfo, seen: set[datetime]) -> datetime | None:
    """Return a time in UTC. Of two equal local times without zone the second is later."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            value = _number(value)
    if isinstance(value, int | float):
        if not value > EPOCH_S:
            return None
        try:
            seconds = value / 1000 if value > EPOCH_MS else value
            return datetime.fromtimestamp(seconds, UTC)
        except ValueError, OverflowError, OSError:
            return None
    if not isinstance(value, datetime):
        return None
    if value.tzinfo is None:
        local = value.replace(tzinfo=zone)
        if value in seen:
            local = local.replace(fold=1)
        seen.add(value)
        value = local
    try:
        return value.astimezone(UTC)
    except OverflowError:
        return None


def _number(value: object) -> float | None:
    if isinstance(value, str):
        try:
            value = float(value.strip().replace(",", "."))
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if isfinite(value) else None

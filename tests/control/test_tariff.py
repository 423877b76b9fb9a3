"""Prices, however their integrations show them."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from math import inf, nan
from zoneinfo import ZoneInfo

from hypothesis import given, strategies as st
import pytest

from custom_components.compute_heater.control.series import Series
from custom_components.compute_heater.control.tariff import (
    TariffError,
    Window,
    from_attributes,
    from_response,
    time_of_use,
    unit_factor,
)

BERLIN = ZoneInfo("Europe/Berlin")
DAY = date(2026, 1, 14)
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)
NOON = datetime(2026, 1, 14, 12, tzinfo=BERLIN)


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(0), BERLIN)


def starts(day: date, minutes: int = 60) -> list[datetime]:
    """Return the start of each hour of a local day."""
    time_, end = midnight(day).astimezone(UTC), midnight(day + timedelta(days=1))
    found = []
    while time_ < end.astimezone(UTC):
        found.append(time_.astimezone(BERLIN))
        time_ += timedelta(minutes=minutes)
    return found


def read(attributes: dict[str, object], unit: str | None = "EUR/kWh") -> Series:
    return from_attributes(attributes, unit=unit, zone=BERLIN, now=NOON)


def iso(hour: int, minute: int = 0) -> str:
    return (midnight(DAY) + timedelta(hours=hour, minutes=minute)).isoformat()


KINDS: dict[str, tuple[dict[str, object], str | None]] = {
    "nord pool (hacs)": (
        {
            "raw_today": [
                {"start": iso(12), "end": iso(13), "value": 0.25},
                {"start": iso(13), "end": iso(14), "value": 0.35},
            ],
            "raw_tomorrow": [],
            "today": [9.0] * 24,
        },
        "EUR/kWh",
    ),
    "nord pool in cents": (
        {
            "raw_today": [
                {"start": NOON, "end": NOON + timedelta(hours=1), "value": 25},
                {
                    "start": NOON + timedelta(hours=1),
                    "end": NOON + timedelta(hours=2),
                    "value": 35,
                },
            ]
        },
        "Öre/kWh",
    ),
    "energi data service": (
        {
            "raw_today": [
                {"hour": iso(12), "price": 0.25},
                {"hour": iso(13), "price": 0.35},
            ]
        },
        "DKK/kWh",
    ),
    "tibber": (
        {
            "today": [
                {"total": 0.25, "energy": 0.1, "startsAt": iso(12)},
                {"total": 0.35, "energy": 0.2, "startsAt": iso(13)},
            ],
            "tomorrow": [],
        },
        None,
    ),
    "epex spot": (
        {
            "data": [
                {"start_time": iso(12), "end_time": iso(13), "price_per_kwh": 0.25},
                {"start_time": iso(13), "end_time": iso(14), "price_per_kwh": 0.35},
            ]
        },
        "€/kWh",
    ),
    "epex spot, old": (
        {
            "data": [
                {"start_time": iso(12), "end_time": iso(13), "price_ct_per_kwh": 25.0},
                {"start_time": iso(13), "end_time": iso(14), "price_ct_per_kwh": 35.0},
            ]
        },
        "EUR/MWh",
    ),
    "octopus": (
        {
            "rates": [
                {"start": iso(12), "end": iso(13), "value_inc_vat": 0.25},
                {"start": iso(13), "end": iso(14), "value_inc_vat": "0.35"},
            ]
        },
        None,
    ),
    "awattar": (
        {
            "prices": [
                {
                    "start_timestamp": int(NOON.timestamp() * 1000) + hour * 3_600_000,
                    "end_timestamp": int(NOON.timestamp() * 1000)
                    + (hour + 1) * 3_600_000,
                    "marketprice": price,
                    "unit": "Eur/MWh",
                }
                for hour, price in enumerate((250, 350))
            ]
        },
        "EUR/kWh",
    ),
    "entso-e": (
        {
            "prices_today": [
                {"time": iso(12).replace("T", " "), "price": 0.25},
                {"time": iso(13).replace("T", " "), "price": 0.35},
            ],
            "prices": [{"time": iso(12), "price": 99.0}],
        },
        "EUR/kWh",
    ),
    "without a zone, by a comma": (
        {
            "steps": [
                {"from": "2026-01-14T12:00:00", "tariff": "0,25"},
                {"from": "2026-01-14T13:00:00", "tariff": "0,35"},
            ]
        },
        None,
    ),
    "pvpc": (
        {"price_12h": 0.25, "price_13h": "0.35", "tariff": "2.0TD"},
        "€/kWh",
    ),
    "pence": (
        {
            "forecast": [
                {"datetime": iso(12), "rate": 25},
                {"datetime": iso(13), "rate": 35},
            ]
        },
        "p/kWh",
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_common_kind(kind: str) -> None:
    attributes, unit = KINDS[kind]
    series = read(attributes, unit)
    assert series.at(NOON.astimezone(UTC)) == pytest.approx(0.25)
    assert series.at(NOON + timedelta(minutes=59)) == pytest.approx(0.25)
    assert series.at(NOON + timedelta(minutes=60)) == pytest.approx(0.35)
    assert series.at(NOON + timedelta(minutes=119)) == pytest.approx(0.35)
    assert series.at(NOON + timedelta(minutes=120)) is None
    assert series.at(NOON - timedelta(minutes=1)) is None


@pytest.mark.parametrize(
    ("response", "unit"),
    [
        ({"SE3": [{"start": iso(12), "end": iso(13), "price": 250.0}]}, "SEK/MWh"),
        ({"prices": {"Home": [{"start_time": iso(12), "price": 0.25}]}}, None),
        ({"prices": [{"timestamp": iso(12), "price": 0.25}]}, "EUR/kWh"),
        (
            {"entity": {"prices": [], "more": [{"start": iso(12), "value": 25}]}},
            "ct/kWh",
        ),
    ],
)
def test_responses_of_actions(response: object, unit: str | None) -> None:
    series = from_response(response, unit=unit, zone=BERLIN)
    assert series.at(NOON) == pytest.approx(0.25)
    assert series.end == NOON + timedelta(hours=1)


@pytest.mark.parametrize(
    ("unit", "factor"),
    [
        (None, 1),
        ("EUR", 1),
        ("EUR/kWh", 1),
        ("SEK/MWh", 0.001),
        ("ct/kWh", 0.01),
        ("Cent/kWh", 0.01),
        ("Øre/kWh", 0.01),
        ("p/kWh", 0.01),
        ("€/Wh", 1000),
    ],
)
def test_units(unit: str | None, factor: float) -> None:
    assert unit_factor(unit) == pytest.approx(factor)


def test_what_is_no_price_of_energy_is_refused() -> None:
    with pytest.raises(TariffError, match="EUR/day"):
        read({"today": [1.0] * 24}, "EUR/day")


@pytest.mark.parametrize(("day", "hours"), [(DAY, 24), (SPRING, 23), (AUTUMN, 25)])
@pytest.mark.parametrize("per_hour", [1, 2, 4])
def test_numbers_for_each_part_of_a_day(day: date, hours: int, per_hour: int) -> None:
    """Days when the clocks change have 23 or 25 hours."""
    numbers = [float(k) for k in range(hours * per_hour)]
    series = from_attributes(
        {"today": numbers}, unit=None, zone=BERLIN, now=midnight(day)
    )
    begins = starts(day, 60 // per_hour)
    assert [series.at(begin) for begin in begins] == numbers
    assert series.end == midnight(day + timedelta(days=1))


@pytest.mark.parametrize(("day", "hours"), [(SPRING, 23), (AUTUMN, 25)])
def test_24_numbers_go_by_the_clock(day: date, hours: int) -> None:
    series = from_attributes(
        {"tomorrow": [float(k) for k in range(24)]},
        unit=None,
        zone=BERLIN,
        now=midnight(day - timedelta(days=1)),
    )
    begins = starts(day)
    assert len(begins) == hours
    assert [series.at(begin) for begin in begins] == [begin.hour for begin in begins]


@pytest.mark.parametrize("day", [DAY, SPRING, AUTUMN])
@pytest.mark.parametrize("naive", [False, True])
def test_rows_on_days_when_the_clocks_change(day: date, naive: bool) -> None:
    begins = starts(day)
    rows = [
        {
            "start": (begin.replace(tzinfo=None) if naive else begin).isoformat(),
            "price": index,
        }
        for index, begin in enumerate(begins)
    ]
    series = from_attributes(
        {"prices": rows}, unit=None, zone=BERLIN, now=midnight(day)
    )
    assert [series.at(begin) for begin in begins] == list(range(len(begins)))


def test_today_and_tomorrow_belong_together() -> None:
    series = read({"today": [1.0] * 24, "tomorrow": [2.0] * 96})
    assert series.at(midnight(DAY)) == 1
    assert series.at(midnight(DAY) + timedelta(hours=24)) == 2
    assert series.end == midnight(DAY + timedelta(days=2))
    # Not yet known tomorrow:
    for unknown in ([], None, [None] * 24, "unavailable", [1.0] * 17):
        series = read({"today": [1.0] * 24, "tomorrow": unknown})
        assert series.end == midnight(DAY + timedelta(days=1))


def test_gaps_stay_gaps() -> None:
    rows = [{"start": iso(hour), "value": hour} for hour in (0, 1, 2, 5, 6)]
    series = read({"rates": [*rows, {"start": iso(7), "value": None}]})
    assert series.at(midnight(DAY) + timedelta(hours=2, minutes=30)) == 2
    assert series.at(midnight(DAY) + timedelta(hours=3, minutes=30)) is None
    assert series.at(midnight(DAY) + timedelta(hours=6, minutes=30)) == 6
    assert series.at(midnight(DAY) + timedelta(hours=7)) is None


def test_prices_that_hold_until_the_next() -> None:
    rows = [{"start": iso(hour), "value": hour} for hour in (0, 6, 20, 22)]
    series = read({"rates": rows})
    assert series.at(midnight(DAY) + timedelta(hours=19)) == 6


def test_of_duplicates_the_last_counts() -> None:
    rows = [{"start": iso(0), "value": 1}, {"start": iso(1), "value": 2}]
    series = read({"rates": [*rows, {"start": iso(0), "value": 3}]})
    assert series.at(midnight(DAY)) == 3
    assert series.at(midnight(DAY) + timedelta(hours=1)) == 2


def test_negative_prices_are_prices() -> None:
    assert read({"today": [-5.0] * 24}, "ct/kWh").at(NOON) == pytest.approx(-0.05)


def test_time_of_use() -> None:
    night = Window(start=time(22), end=time(6), per_kwh=0.2)
    workday = Window(
        start=time(17), end=time(20), per_kwh=0.5, weekdays=frozenset(range(5))
    )
    series = time_of_use(
        [night, workday],
        0.3,
        zone=BERLIN,
        start=midnight(date(2026, 3, 27)),
        end=midnight(date(2026, 3, 31)),
    )
    friday = midnight(date(2026, 3, 27))
    assert series.at(friday) == 0.2
    assert series.at(friday.replace(hour=6)) == 0.3
    assert series.at(friday.replace(hour=17)) == 0.5
    assert series.at(friday.replace(hour=23)) == 0.2
    assert series.at(midnight(date(2026, 3, 28)).replace(hour=17)) == 0.3
    # The night of the change of clocks ends at six all the same.
    sunday = midnight(SPRING)
    assert series.at(sunday.replace(hour=5, minute=59)) == 0.2
    assert series.at(sunday.replace(hour=6)) == 0.3
    assert series.pieces[0].start == friday
    assert series.end == midnight(date(2026, 3, 31))


def test_a_fixed_price() -> None:
    series = time_of_use(
        [], 0.3, zone=BERLIN, start=NOON, end=NOON + timedelta(hours=48)
    )
    assert series.at(NOON + timedelta(hours=47)) == 0.3


values = st.floats(-2, 5, allow_nan=False)


@given(
    day=st.sampled_from([DAY, SPRING, AUTUMN, date(2026, 12, 31)]),
    prices=st.lists(values, min_size=30, max_size=30),
    order=st.randoms(use_true_random=False),
    missing=st.sets(st.integers(0, 24), max_size=8),
    as_text=st.booleans(),
)
def test_rows_in_any_order(
    day: date,
    prices: list[float],
    order: object,
    missing: set[int],
    as_text: bool,
) -> None:
    rows: list[object] = []
    begins = starts(day)
    for index, begin in enumerate(begins):
        if index in missing:
            continue
        price: object = str(prices[index]) if as_text else prices[index]
        end = begin.astimezone(UTC) + timedelta(hours=1)
        rows.append({"start": begin.isoformat(), "end": end, "price": price})
    order.shuffle(rows)  # type: ignore[attr-defined]
    series = from_attributes(
        {"prices": rows}, unit="ct/kWh", zone=BERLIN, now=midnight(day)
    )
    for index, begin in enumerate(begins):
        found = series.at(begin)
        if index in missing:
            assert found is None
        else:
            assert found == pytest.approx(prices[index] / 100)


garbage = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats()
    | st.text(max_size=8)
    | st.datetimes()
    | st.sampled_from([inf, nan, "nan", "9999-12-31T23:59:59", iso(0), 1.8e9]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["start", "end", "price", "value", "total", "unit", "x"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(
    attributes=st.dictionaries(
        st.sampled_from(
            ["today", "tomorrow", "raw_today", "data", "rates", "price_00h", "odd"]
        ),
        garbage,
    )
)
def test_garbage_is_no_price_and_no_error(attributes: dict[str, object]) -> None:
    for series in (
        read(attributes),
        from_response(attributes, unit="EUR/MWh", zone=BERLIN),
    ):
        for before, after in pairwise(series.pieces):
            assert before.end <= after.start
        assert all(abs(piece.value) < inf for piece in series.pieces)

"""The fortnights that controllers are compared on: physics, knowledge and baselines."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
import sys

import pytest

from benchmarks import packages
from benchmarks.child import ChildError, started
from benchmarks.packages import MissingPackagesError
from benchmarks.scenarios import data
from benchmarks.scenarios.baselines import PriceRule, Schedule, Thermostat
from benchmarks.scenarios.control import Command, Controller, Forecasts, Readings
from benchmarks.scenarios.data import PLACE, Year
from benchmarks.scenarios.forecasts import HORIZON, Knowledge
from benchmarks.scenarios.heater import BathHeater
from benchmarks.scenarios.plant import Plant
from benchmarks.scenarios.run import Period, run
from benchmarks.scenarios.scenario import REPORTED, TUNING, Scenario
from benchmarks.scenarios.sun import south_w_m2
from simulator.thermal import J_PER_KWH

WINTER, SPRING, SUMMER = REPORTED


@pytest.fixture(scope="module")
def year() -> Year:
    """Give the simulator's own year: no test may depend on what can be fetched."""
    return data._made("the simulator")


class Steady:
    """Always the same command."""

    def __init__(self, command: Command) -> None:
        self.command = command

    def decide(
        self, now: datetime, readings: Readings, forecasts: Forecasts
    ) -> Command:
        return self.command


@pytest.mark.parametrize(
    "command",
    [
        Command(),
        Command(power_w=4500, to_tank=True, pump=True),
        Command(power_w=3000, pump=True, backup_tank_w=2000, backup_floor_w=9000),
        Command(power_w=3000, to_tank=True, pump=True, dump_w=1500),
    ],
)
def test_energy_balance(year: Year, command: Command) -> None:
    """What came in went out, is stored or was dumped; the account holds the backup."""
    plant = Plant(SPRING, year, SPRING.start)
    before_j = plant.house.stored_j
    plant.run(command, 6 * 3600)
    house, account = plant.house, plant.account
    backup_j = account.backup_kwh * J_PER_KWH
    stored_j = house.stored_j - before_j
    assert stored_j == pytest.approx(house.account.balance_j + backup_j, abs=1000)
    dumped_j = account.dumped_kwh * J_PER_KWH
    assert plant.heater.heat_j == pytest.approx(house.account.compute_j + dumped_j)
    assert account.backup_kwh == pytest.approx(
        6 * min(command.backup_tank_w / 1000 + command.backup_floor_w / 1000, 6)
    )


def test_heater_hands_over_95_percent(year: Year) -> None:
    plant = Plant(WINTER, year, WINTER.start)
    plant.run(Command(power_w=4500, pump=True), 24 * 3600)
    heater = plant.heater
    assert heater.heat_j / heater.energy_j == pytest.approx(0.95, abs=0.01)
    assert heater.coolant_c < 60


def test_heater_protects_itself(year: Year) -> None:
    """Nothing carries the heat away; it throttles, and nobody has to ask for it."""
    heater = BathHeater(60, (1000, 2000, 3000))
    heater.command(2500)
    assert heater.wanted_w == 2000
    hottest_c = 0.0
    for _ in range(1000):
        heater.step(10, return_c=64, flow_lpm=8)
        hottest_c = max(hottest_c, heater.coolant_c)
    assert 60 < hottest_c < 66
    assert heater.power_w < 300


def test_money(year: Year) -> None:
    """Idle costs its 60 W; a block is paid once a day, and not beyond its hours."""
    plant = Plant(WINTER, year, WINTER.start)
    plant.run(Command(), 60)
    cost = 0.06 / 60 * year.price(WINTER.start)
    assert plant.account.electricity_cost == pytest.approx(cost)
    plant = Plant(SPRING, year, SPRING.start)
    for _ in range(24):
        plant.run(Command(power_w=3000, pump=True), 3600)
    assert plant.account.block_kwh == pytest.approx(4 * 2.94, rel=0.01)
    spot_kwh = plant.account.useful_kwh - plant.account.block_kwh
    assert plant.account.income == pytest.approx(
        0.45 * plant.account.block_kwh + 0.10 * spot_kwh
    )


def test_cold_taps_are_counted(year: Year) -> None:
    period = Period(start=SUMMER.start, length=timedelta(days=4))
    result = run(SUMMER, year, Steady(Command()), period=period)
    assert result.drawn_l > 400
    assert result.short_l > 0.5 * result.drawn_l
    assert result.score > result.net_cost + 0.05 * result.short_l - 1e-9


@pytest.mark.parametrize("scenario", REPORTED, ids=lambda scenario: scenario.name)
@pytest.mark.parametrize("kind", [Thermostat, Schedule, PriceRule])
def test_baselines_keep_the_house_warm(
    year: Year, scenario: Scenario, kind: type[Thermostat]
) -> None:
    controller: Controller = kind(scenario)
    days = timedelta(days=2)
    seen: list[float] = []
    result = run(
        scenario,
        year,
        controller,
        period=Period(start=scenario.start, length=days),
        watch=lambda plant: seen.append(plant.heater.wanted_w),
    )
    assert (result.short_l, result.trips) == (0, 0)
    assert result.cold_kh + result.warm_kh < 0.1
    assert result.starts >= 1
    # Minimum times: half a minute is a decision.
    changes = [k for k in range(1, len(seen)) if seen[k] != seen[k - 1]]
    assert all(b - a >= 60 for a, b in pairwise(changes))


def test_what_is_known(year: Year) -> None:
    """Prices end at midnight; the weather is nearly right now and less so later."""
    morning = datetime(2023, 4, 3, 9, tzinfo=UTC)
    knowledge = Knowledge(SPRING, year, perfect=False)
    known = knowledge.at(morning)
    midnight = datetime(2023, 4, 3, 22, tzinfo=UTC)
    assert known.price.end == midnight
    afternoon = knowledge.at(morning + timedelta(hours=2))
    assert afternoon.price.end == midnight + timedelta(days=1)
    assert known.price.at(morning) == year.price(morning)
    assert not known.draw_kwh_per_h.pieces
    errors = []
    for lead in (0, 46):
        miss = []
        for day in range(60):
            issued = morning + timedelta(days=day)
            time = issued + timedelta(hours=lead)
            seen = Knowledge(SPRING, year, perfect=False).at(issued).outdoor_c.at(time)
            assert seen is not None
            miss.append(abs(seen - year.outdoor_c[year.index(time)]))
        errors.append(sum(miss) / len(miss))
    assert errors[0] < 0.7
    assert 1 < errors[1] < 3


def test_perfect_foresight(year: Year) -> None:
    now = datetime(2023, 4, 3, 9, tzinfo=UTC)
    known = Knowledge(SPRING, year, perfect=True).at(now)
    for hours in (0, 1.25, 30, 47.75):
        time = now + timedelta(hours=hours)
        assert known.outdoor_c.at(time) == year.outdoor_c[year.index(time)]
        assert known.price.at(time) == year.price(time)
    assert known.price.end is not None and known.price.end >= now + HORIZON
    total = known.draw_kwh_per_h.mean(now, now + timedelta(hours=24))
    assert total is not None and 24 * total == pytest.approx(6, abs=2)


def test_sun() -> None:
    """At noon in winter a south window gets more than the ground, in summer less."""
    winter, summer = (
        datetime(2023, 12, 21, 11, 30, tzinfo=UTC),
        datetime(2023, 6, 21, 11, 30, tzinfo=UTC),
    )
    for time, low, high in ((winter, 2.5, 5.0), (summer, 0.3, 0.8)):
        window = south_w_m2(PLACE, time, 90, direct=100, diffuse=0)
        assert low < window / 100 < high
    assert south_w_m2(PLACE, winter, 0, direct=80, diffuse=40) == pytest.approx(120)
    night = datetime(2023, 6, 21, 0, tzinfo=UTC)
    assert south_w_m2(PLACE, night, 90, direct=0, diffuse=0) == 0


def test_years_differ() -> None:
    """Nothing that is tuned on is reported."""
    days = {
        (scenario.start + timedelta(days=day)).date()
        for scenario in REPORTED
        for day in range(14)
    }
    for scenario in TUNING:
        assert not days & {
            (scenario.start + timedelta(days=day)).date() for day in range(14)
        }


ECHO = """
import json, sys
print("a banner")
for line in sys.stdin:
    request = json.loads(line)
    if request["say"] == "die":
        raise SystemExit("no more")
    print(json.dumps({request["say"]: request}), flush=True)
"""


def test_child() -> None:
    """Its chatter is skipped, its error and its death are told."""
    with started([sys.executable, "-c", ECHO]) as child:
        assert child.ask({"say": "hello"}) == {"hello": {"say": "hello"}}
        with pytest.raises(ChildError, match="error"):
            child.ask({"say": "error"})
        for _ in range(2):
            with pytest.raises(ChildError, match="no more"):
                child.ask({"say": "die"})


def test_packages_that_cannot_be_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingPackagesError, match="uv"):
        packages.folder("data", ["no-such-package"])
    data.load.cache_clear()
    assert "simulator" in data.load().source
    data.load.cache_clear()

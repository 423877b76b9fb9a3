"""The same controllers, not re-tuned, on plants that others have written."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime

from custom_components.compute_heater.control.site import Strategy

from ..child import ChildError
from ..ochre.tank import tank_of
from ..packages import MissingPackagesError
from ..rows import Row, at_most, fact
from ..scenarios.baselines import PriceRule, Thermostat
from ..scenarios.control import Controller
from ..scenarios.data import Year, load
from ..scenarios.ours import Ours
from ..scenarios.run import Parts, Period, run
from ..scenarios.scenario import FORTNIGHT, HOUSE, REPORTED, Scenario
from ..scenarios.score import Result
from .house import floor_of, year_of

AUTUMN = replace(
    REPORTED[0], name="EnergyPlus", start=datetime(2023, 10, 31, 23, tzinfo=UTC)
)
"""A fortnight of Stockholm's November: in December the heater could not keep up."""
SUMMER = replace(REPORTED[2], name="OCHRE")


def measure() -> Iterator[Row]:
    """Compare controllers on EnergyPlus's house and on OCHRE's tank.

    The house with floor heating and its weather (Stockholm) are sinergym's, simulated by
    EnergyPlus; its boiler loop is replaced by heat into the same layer of the same floors.
    The rooms' mean counts for comfort. The tank is OCHRE's, in the summer scenario. All
    else is the simulator's; the controller is the one of the other scenarios.
    """
    for name, parts in (("EnergyPlus", _house), ("OCHRE", _tank)):
        try:
            yield from parts()
        except (MissingPackagesError, ChildError) as error:
            print(f"skipped: {name} ({error})")


def _house() -> Iterator[Row]:
    year = year_of(load())

    @contextmanager
    def house(start: datetime) -> Iterator[Parts]:
        with floor_of(HOUSE.floor, start) as floor:
            yield Parts(floor=floor)

    yield from _rows(AUTUMN, year, house)


def _tank() -> Iterator[Row]:
    @contextmanager
    def house(_start: datetime) -> Iterator[Parts]:
        with tank_of(HOUSE.tank, FORTNIGHT.days + 1) as tank:
            yield Parts(tank=tank)

    yield from _rows(SUMMER, load(), house)


type Built = Callable[[datetime], AbstractContextManager[Parts]]


def _rows(scenario: Scenario, year: Year, built: Built) -> Iterator[Row]:
    """Yield cost and comfort of thermostat, price rule and optimiser."""

    def fortnight(controller: Controller, start: datetime) -> Result:
        with built(start) as parts:
            return run(
                scenario, year, controller, period=Period(start=start), parts=parts
            )

    learning = Ours(scenario, Strategy.OPTIMISE)
    fortnight(learning, scenario.start - FORTNIGHT)
    optimise = Ours(scenario, Strategy.OPTIMISE, learning.site.state())
    results = {
        name: fortnight(controller, scenario.start)
        for name, controller in (
            ("hysteresis", Thermostat(scenario)),
            ("price rule", PriceRule(scenario)),
            ("optimise", optimise),
        )
    }
    for name, result in results.items():
        yield fact(
            f"{scenario.name}, {name}: net cost",
            result.net_cost,
            "€",
            result.details(),
        )
    result = results["optimise"]
    yield at_most(
        f"{scenario.name}, optimise: cost against hysteresis",
        result.net_cost - results["hysteresis"].net_cost,
        "€",
        0,
    )
    yield at_most(
        f"{scenario.name}, optimise: litres short",
        result.short_l,
        "L",
        0.005 * result.drawn_l,
    )
    if scenario.heats_room:
        yield at_most(
            f"{scenario.name}, optimise: room outside its band",
            result.cold_kh + result.warm_kh,
            "K·h",
            0.2,
        )

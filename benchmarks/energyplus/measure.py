"""The same controllers, not re-tuned, on a house that others have written."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from ..control import BASELINES
from ..packages import MissingPackagesError
from ..rows import Row, fact
from ..scenarios.data import load
from ..scenarios.run import run
from ..scenarios.scenario import HOUSE, REPORTED
from .house import ChildError, floor_of, year_of

AUTUMN = replace(
    REPORTED[0], name="EnergyPlus, autumn", start=datetime(2023, 10, 31, 23, tzinfo=UTC)
)
"""A fortnight of Stockholm's November: in December the heater could not keep up."""


def measure() -> Sequence[Row]:
    """Compare controllers on EnergyPlus's house with floor heating.

    The building and its weather (Stockholm) are those of sinergym, simulated by
    EnergyPlus; tank, heater and backup are the simulator's. Its boiler loop is replaced by
    heat into the same layer of the same floors. The rooms' mean counts for comfort.
    """
    try:
        year = year_of(load())
        rows: list[Row] = []
        for name, make in BASELINES.items():
            with floor_of(HOUSE.floor, AUTUMN.start) as floor:
                result = run(AUTUMN, year, make(AUTUMN), floor=floor)
            rows.append(
                fact(
                    f"{AUTUMN.name}, {name}: net cost",
                    result.net_cost,
                    "€",
                    result.details(),
                )
            )
    except (MissingPackagesError, ChildError) as error:
        print(f"skipped: EnergyPlus ({error})")
        return []
    return rows

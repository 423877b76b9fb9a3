"""What a winter costs when something goes wrong."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from custom_components.compute_heater.control.site import Strategy

from .rows import Row, at_most
from .scenarios.data import Year
from .scenarios.learned import Outcome, after_learning, with_ours
from .scenarios.scenario import Scenario

SILENT_AFTER = timedelta(days=5)
MOST_DISCOMFORT = 0.5
"""In money, as in the scores."""


def robustness(scenario: Scenario, year: Year) -> Iterator[Row]:
    """Yield cost and comfort of a scenario that is disturbed.

    Where the disturbance itself costs something, the undisturbed run is one that has
    learned it in the fortnight before.
    """
    calm = after_learning(scenario, year)

    def surprised(disturbed: Scenario) -> Outcome:
        return with_ours(disturbed, year, Strategy.OPTIMISE, memory=calm.memory)

    begin = scenario.start + SILENT_AFTER
    silent = replace(scenario, price_gap=(begin, begin + timedelta(days=1)))
    yield from _rows(scenario, "price feed silent for a day", surprised(silent), calm)
    for name, disturbed in (
        ("draw-off doubled", replace(scenario, draw_factor=2.0)),
        ("heater at half power", replace(scenario, heater_share=0.5)),
    ):
        known = after_learning(disturbed, year)
        yield from _rows(scenario, name, surprised(disturbed), known)
    for percent in (30, -30):
        wrong = replace(scenario, owner_error=1 + percent / 100)
        yield from _rows(
            scenario,
            f"owner wrong by {percent:+d} %",
            after_learning(wrong, year),
            calm,
        )


def _rows(
    scenario: Scenario, name: str, disturbed: Outcome, calm: Outcome
) -> Iterator[Row]:
    cost, usual = disturbed.result.net_cost, calm.result.net_cost
    yield at_most(
        f"{scenario.name}, {name}: cost above undisturbed",
        100 * (cost - usual) / abs(usual),
        "%",
        10,
    )
    yield at_most(
        f"{scenario.name}, {name}: discomfort",
        disturbed.result.discomfort,
        "€",
        max(MOST_DISCOMFORT, calm.result.discomfort),
    )

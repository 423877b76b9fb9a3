"""What compute has to earn so that it is no loss."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from custom_components.compute_heater.control.ask_price import ask_prices
from custom_components.compute_heater.control.plan import (
    Plan,
    PlanBackup,
    PlanHeater,
    PlanProblem,
    PlanTank,
)
from custom_components.compute_heater.control.rule_planner import plan_by_rules

STEPS = 12
START = datetime(2026, 1, 1, tzinfo=UTC)


def problem(**values: Any) -> PlanProblem:
    """Return a cold tank, a heater, and a boiler whose heat costs 0.15 per kWh."""
    heater = PlanHeater(
        heater_id="rack",
        idle_kw=0,
        levels_kw=(1, 2),
        any_power=True,
        efficiency=0.9,
        power_kw=0,
    )
    tank = PlanTank(
        sink_id="tank",
        temperature_c=45,
        capacity_kwh_per_k=0.35,
        loss_kw_per_k=0.002,
        ambient_c=15,
        max_heat_kw=10,
        minimum_c=(45.0,) * STEPS,
        maximum_c=(60.0,) * STEPS,
        draw_kwh=(1.0,) * STEPS,
    )
    boiler = PlanBackup(
        backup_id="boiler",
        sinks=("tank",),
        max_heat_kw=15,
        per_kwh=(0.15,) * STEPS,
        electricity_per_heat=(0.0,) * STEPS,
    )
    given: dict[str, Any] = {
        "start": START,
        "hours": (1.0,) * STEPS,
        "heaters": (heater,),
        "sinks": (tank,),
        "backups": (boiler,),
        "price": (0.3,) * STEPS,
        "feed_in": (0.08,) * STEPS,
        "surplus_kw": (0.0,) * STEPS,
        **values,
    }
    return PlanProblem(**given)


def made(given: PlanProblem) -> Plan:
    """Return a plan for it."""
    return plan_by_rules(given)


def asked(given: PlanProblem) -> tuple[float, ...]:
    """Return the ask prices of a plan for it."""
    prices = ask_prices(given, made(given))
    assert prices is not None
    return prices


def test_heat_displaces_that_of_the_boiler() -> None:
    assert asked(problem())[0] == pytest.approx(0.3 - 0.9 * 0.15)


def test_own_electricity_costs_what_it_would_earn() -> None:
    surplus = (50.0,) * STEPS
    assert asked(problem(surplus_kw=surplus))[0] < 0.08


def test_heat_that_nobody_can_take_is_worth_nothing() -> None:
    given = problem()
    tank = given.sinks[0]
    assert isinstance(tank, PlanTank)
    full = replace(
        tank, temperature_c=60, minimum_c=(10.0,) * STEPS, draw_kwh=(0.0,) * STEPS
    )
    plan = made(given)
    steps = tuple(replace(step, temperature_c={"tank": 60.0}) for step in plan.steps)
    prices = ask_prices(replace(given, sinks=(full,)), replace(plan, steps=steps))
    assert prices == (0.3,) * STEPS
    # Throwing it away costs besides, if the owner says so.
    dumps = replace(given, sinks=(full,), dump_max_kw=5.0, dump_per_kwh=0.1)
    prices = ask_prices(dumps, replace(plan, steps=steps))
    assert prices is not None
    assert prices[0] == pytest.approx(0.3 + 0.9 * 0.1)


def test_a_plan_of_other_times_has_none() -> None:
    given = problem()
    later = replace(given, start=START.replace(hour=1))
    assert ask_prices(later, made(given)) is None


def test_no_heaters_no_price() -> None:
    given = problem()
    assert ask_prices(replace(given, heaters=()), made(given)) is None

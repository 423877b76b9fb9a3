"""The strategy *Optimise*: plans are made beside the event loop and followed."""

import sys
import threading

import pytest

from custom_components.compute_heater import planning
from custom_components.compute_heater.const import DOMAIN
from custom_components.compute_heater.control.plan import Plan, PlanProblem
from homeassistant.helpers import issue_registry as ir

from .conftest import until
from .plant import Plant


async def choose(plant: Plant, strategy: str) -> None:
    await plant.hass.services.async_call(
        "select",
        "select_option",
        {"entity_id": plant.entity_id("", "strategy", "select"), "option": strategy},
        blocking=True,
    )


def issue(plant: Plant, key: str) -> ir.IssueEntry | None:
    registry = ir.async_get(plant.hass)
    return registry.async_get_issue(DOMAIN, f"{key}_{plant.entry.entry_id}")


async def test_a_plan_is_made_and_followed(plant: Plant) -> None:
    site = plant.entry.runtime_data.site
    assert site.plan is None
    await choose(plant, "optimise")
    await until(lambda: site.plan is not None)
    plan = site.plan
    assert {sink for step in plan.steps for sink in step.heat_w} == {
        plant.dhw_id,
        plant.floor_id,
    }
    assert not plan.by_rules
    assert sum(step.hours for step in plan.steps) >= 36
    reason = plant.state("", "reason", "sensor")
    assert reason != "strategy_off"
    assert issue(plant, "planner_failed") is None
    assert issue(plant, "solver_missing") is None
    # A cold tank is heated at once, whatever was planned.
    plant.house.house.tank.draw(25)
    await until(lambda: plant.cap_w is None or plant.cap_w > 1000, within=60)
    await choose(plant, "follow_demand")
    assert site.plan is None


async def test_a_failing_planner_leaves_the_house_warm(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Demand is followed and the owner told, until planning works again."""

    def fail(problem: PlanProblem, **_: object) -> Plan:
        raise RuntimeError("the planner is broken")

    site = plant.entry.runtime_data.site
    with monkeypatch.context() as patch:
        patch.setattr(planning, "solve", fail)
        await choose(plant, "optimise")
        await until(lambda: issue(plant, "planner_failed") is not None)
        assert site.plan is None
        plant.house.house.tank.draw(3)
        await until(lambda: plant.cap_w is None)
        assert plant.state("", "reason", "sensor") == "dhw_demand"
    site.replan()
    await until(lambda: site.plan is not None)
    assert issue(plant, "planner_failed") is None


async def test_a_planner_that_does_not_come_back(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is waited for, but not for long: then demand is followed and the owner told."""
    over = threading.Event()

    def hang(problem: PlanProblem, **_: object) -> Plan:
        over.wait(60)
        raise RuntimeError("too late")

    site = plant.entry.runtime_data.site
    try:
        with monkeypatch.context() as patch:
            patch.setattr(planning, "solve", hang)
            patch.setattr(planning, "_PATIENCE_S", 0.5)
            await choose(plant, "optimise")
            await until(lambda: issue(plant, "planner_failed") is not None)
            assert site.plan is None
            plant.house.house.tank.draw(3)
            await until(lambda: plant.cap_w is None)
            assert plant.state("", "reason", "sensor") == "dhw_demand"
    finally:
        over.set()
    site.replan()
    await until(lambda: site.plan is not None)
    assert issue(plant, "planner_failed") is None


async def test_without_the_solver_it_plans_by_rules(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "highspy", None)
    await choose(plant, "optimise")
    site = plant.entry.runtime_data.site
    await until(lambda: issue(plant, "solver_missing") is not None)
    # Told in the same turn of the loop in which the plan is taken.
    assert site.plan is not None
    assert site.plan.by_rules
    told = issue(plant, "solver_missing")
    assert told is not None
    assert told.translation_placeholders == {"site": plant.entry.title}

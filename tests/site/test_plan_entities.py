"""The plan as people and scripts see it: sensors, calendar and actions."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import probatio
import pytest

from custom_components.compute_heater.const import DOMAIN
from custom_components.compute_heater.control.reasons import Reason
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.util import dt as dt_util

from .conftest import until
from .dialogue import texts
from .plant import Plant, add_site
from .test_optimise import choose

PLAN_SENSORS = ("planned_power", "next_compute", "planned_cost", "ask_price")


async def act(hass: HomeAssistant, action: str, **data: Any) -> Any:
    """Call an action; return its response."""
    answers = action in ("get_plan", "set_block")
    return await hass.services.async_call(
        DOMAIN, action, data, blocking=True, return_response=answers
    )


async def optimising(plant: Plant) -> Any:
    """Choose the strategy, and return the site once it has a plan."""
    await choose(plant, "optimise")
    site = plant.entry.runtime_data.site
    await until(lambda: site.plan is not None)
    return site


async def events(plant: Plant) -> list[dict[str, Any]]:
    """Return what the calendar holds for two days."""
    calendar = plant.entity_id("", "plan", "calendar")
    now = dt_util.utcnow()
    response = await plant.hass.services.async_call(
        "calendar",
        "get_events",
        {
            "entity_id": calendar,
            "start_date_time": now.isoformat(),
            "end_date_time": (now + timedelta(days=2)).isoformat(),
        },
        blocking=True,
        return_response=True,
    )
    found: Any = response[calendar]["events"]  # type: ignore[call-overload,index]
    return list(found)


async def test_without_a_plan(plant: Plant) -> None:
    for key in PLAN_SENSORS:
        assert plant.state("", key, "sensor") == "unknown"
    assert plant.state("", "plan", "calendar") == "off"
    assert await events(plant) == []
    for action in ("get_plan", "replan"):
        with pytest.raises(ServiceValidationError) as err:
            await act(plant.hass, action)
        assert err.value.translation_key == "not_optimising"


async def test_plan(plant: Plant) -> None:
    hass = plant.hass
    site = await optimising(plant)
    plan = await act(hass, "get_plan")
    assert len(plan["steps"]) == len(site.plan.steps)
    assert not plan["by_rules"]
    assert datetime.fromisoformat(plan["made_at"]) == site.plan.made_at
    for step, planned in zip(plan["steps"], site.plan.steps, strict=True):
        assert datetime.fromisoformat(step["start"]) == planned.start
        assert datetime.fromisoformat(step["end"]) == planned.end
        assert list(step["power"]) == ["Compute heater"]
        assert set(step["heat"]) == {"Hot water", "Floor"}
        assert set(step["temperature"]) == {"Hot water", "Floor"}
        assert step["reason"] in set(Reason)
        assert step["price"] == 0.3
        assert step["ask_price"] is not None
    assert plan["cost"] == pytest.approx(
        sum(s["cost"] for s in plan["steps"]), abs=0.01
    )
    # The sensors show the step that is now.
    (power,) = plan["steps"][0]["power"].values()
    site.tick()
    shown = plant.state("", "planned_power", "sensor")
    assert float(shown) * 1000 == pytest.approx(power, abs=1)
    assert float(plant.state("", "planned_cost", "sensor")) == pytest.approx(
        plan["cost"], abs=0.01
    )
    assert float(plant.state("", "ask_price", "sensor")) == pytest.approx(
        plan["steps"][0]["ask_price"], abs=1e-4
    )
    ask = hass.states.get(plant.entity_id("", "ask_price", "sensor"))
    assert ask is not None
    assert ask.attributes["unit_of_measurement"] == "EUR/kWh"


async def test_calendar(plant: Plant) -> None:
    """Compute without a break and for one reason is one event, told in words."""
    # A cold tank is something to plan for.
    plant.house.house.tank.draw(25)
    tank = plant.entity_id(plant.dhw_id, "tank", "water_heater")
    await until(
        lambda: plant.hass.states.get(tank).attributes["current_temperature"] < 40  # type: ignore[union-attr]
    )
    site = await optimising(plant)
    await until(lambda: bool(site.plan) and plant.state("", "plan", "calendar") == "on")
    found = await events(plant)
    reasons = texts()["entity"]["sensor"]["reason"]["state"]
    for event in found:
        power, _, reason = event["summary"].partition(" kW: ")
        assert 0.3 < float(power) <= 3
        assert reason in reasons.values()
        assert "kWh" in event["description"]
        assert "EUR/kWh" in event["description"]
    spans = [
        (datetime.fromisoformat(e["start"]), datetime.fromisoformat(e["end"]))
        for e in found
    ]
    assert spans[0][0] <= dt_util.utcnow() < spans[0][1]
    assert all(a[1] <= b[0] for a, b in pairwise(spans))
    site.tick()
    begins = datetime.fromisoformat(plant.state("", "next_compute", "sensor"))
    assert begins <= dt_util.utcnow()


async def test_replan(plant: Plant) -> None:
    site = await optimising(plant)
    before = site.plan
    await act(plant.hass, "replan")
    await until(lambda: site.plan is not before)


async def test_boost(plant: Plant) -> None:
    """The tank is heated to its target now, whatever is planned, until somebody ends it."""
    await choose(plant, "follow_demand")
    site = plant.entry.runtime_data.site
    tank = plant.entity_id(plant.dhw_id, "tank", "water_heater")
    await plant.hass.services.async_call(
        "water_heater",
        "set_temperature",
        {"entity_id": tank, "temperature": 60},
        blocking=True,
    )
    await act(plant.hass, "boost_dhw", entity_id=tank, duration={"minutes": 30})
    now = dt_util.utcnow()
    assert site.controller.is_boosted(plant.dhw_id, now + timedelta(minutes=29))
    assert not site.controller.is_boosted(plant.dhw_id, now + timedelta(minutes=31))
    await plant.hass.services.async_call(
        DOMAIN,
        "boost_dhw",
        {"duration": {"minutes": 0}},
        target={"entity_id": [tank]},
        blocking=True,
    )
    assert not site.controller.is_boosted(plant.dhw_id, now)
    with pytest.raises(probatio.Invalid):
        await act(plant.hass, "boost_dhw", entity_id=[tank, tank])
    await choose(plant, "off")
    with pytest.raises(ServiceValidationError) as err:
        await act(plant.hass, "boost_dhw", entity_id=tank)
    assert err.value.translation_key == "strategy_is_off"
    with pytest.raises(probatio.Invalid):
        await act(plant.hass, "boost_dhw", entity_id=tank, duration={"days": 2})


async def test_book_compute(plant: Plant) -> None:
    hass = plant.hass
    heater = plant.entity_id(plant.heater_id, "heater", "climate")
    start = dt_util.utcnow().replace(microsecond=0) + timedelta(hours=1)
    window = {"start": start.isoformat(), "end": (start + 6 * HOUR).isoformat()}
    booked = await act(
        hass, "set_block", entity_id=heater, **window, hours=2, value=0.5
    )
    assert booked == {"blocks": [{**window, "hours": 2, "value": 0.5}]}
    site = await optimising(plant)
    full_h = sum(
        step.hours
        for step in site.plan.steps
        if start <= step.start < start + 6 * HOUR
        and step.power_w[plant.heater_id] > 2950
    )
    assert full_h >= 1.99
    assert any(step.reason is Reason.PLAN_BLOCK for step in site.plan.steps)
    # Local times are those of the house; the same time replaces the booking.
    local = dt_util.as_local(start).replace(tzinfo=None)
    naive = {"start": local.isoformat(), "end": (local + 6 * HOUR).isoformat()}
    booked = await act(hass, "set_block", entity_id=heater, **naive, hours=1)
    assert booked == {"blocks": [{**window, "hours": 1, "value": 0}]}
    # It is still there after a restart.
    assert await hass.config_entries.async_reload(plant.entry.entry_id)
    booked = await act(hass, "set_block", entity_id=heater, **window, hours=0)
    assert booked == {"blocks": []}


HOUR = timedelta(hours=1)
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.mark.parametrize(
    ("start", "end", "error"),
    [
        (NOW - 2 * HOUR, NOW - HOUR, "block_is_over"),
        (NOW + 2 * HOUR, NOW + HOUR, "block_is_over"),
        (NOW + HOUR, NOW + 2 * HOUR, "block_too_long"),
        (NOW - 2 * HOUR, NOW + HOUR, "block_too_long"),
    ],
)
async def test_bookings_that_are_refused(
    still_plant: Plant, start: datetime, end: datetime, error: str
) -> None:
    heater = still_plant.entity_id(still_plant.heater_id, "heater", "climate")
    with pytest.raises(ServiceValidationError) as err:
        await act(
            still_plant.hass,
            "set_block",
            entity_id=heater,
            start=start.isoformat(),
            end=end.isoformat(),
            hours=2,
        )
    assert err.value.translation_key == error
    assert not still_plant.entry.runtime_data.site.controller.optimiser.blocks.get(
        still_plant.heater_id
    )


async def test_wrong_entities(still_plant: Plant) -> None:
    hass = still_plant.hass
    heater = still_plant.entity_id(still_plant.heater_id, "heater", "climate")
    floor = still_plant.entity_id(still_plant.floor_id, "floor", "climate")
    window = {
        "start": NOW.isoformat(),
        "end": (NOW + 9 * HOUR).isoformat(),
        "hours": 1,
    }
    for entity in (floor, "climate.unknown"):
        with pytest.raises(ServiceValidationError) as err:
            await act(hass, "set_block", entity_id=entity, **window)
        assert err.value.translation_key == "not_a_heater"
    with pytest.raises(ServiceValidationError) as err:
        await act(hass, "boost_dhw", entity_id=heater)
    assert err.value.translation_key == "not_a_tank"


async def test_which_site(hass: HomeAssistant, site: ConfigEntry) -> None:
    other = await add_site(hass, "Cottage")
    with pytest.raises(ServiceValidationError) as err:
        await act(hass, "get_plan")
    assert err.value.translation_key == "which_site"
    with pytest.raises(ServiceValidationError) as err:
        await act(hass, "get_plan", config_entry_id=other.entry_id)
    assert err.value.translation_key == "not_optimising"
    await hass.config_entries.async_unload(other.entry_id)
    with pytest.raises(ServiceValidationError) as err:
        await act(hass, "get_plan", config_entry_id=other.entry_id)
    assert err.value.translation_key == "site_not_loaded"

"""A site of many heaters: they are polled by turns, and do not hold the loop up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest

from custom_components.compute_heater import heater_coordinator
from custom_components.compute_heater.const import (
    HEATER_INTERVAL_EACH,
    HEATER_INTERVAL_LONGEST,
    HEATER_INTERVAL_SHORTEST,
)
from custom_components.compute_heater.heater_coordinator import HeaterCoordinator
from custom_components.compute_heater.one_by_one import one_by_one
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant

from .conftest import still_agent
from .plant import HEATER_SETTINGS, PASSWORD, USER, add_subentry

EACH = timedelta(seconds=8)
"""So that three heaters are many."""


def test_hundred_heaters_are_polled_every_30_s() -> None:
    assert HEATER_INTERVAL_EACH * 100 == HEATER_INTERVAL_LONGEST


@pytest.fixture
async def heaters(
    hass: HomeAssistant, site: ConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[list[HeaterCoordinator]]:
    """Set three heaters up."""
    monkeypatch.setattr(heater_coordinator, "HEATER_INTERVAL_EACH", EACH)
    async with AsyncExitStack() as stack:
        for _ in range(3):
            agent = await stack.enter_async_context(still_agent())
            login = {"url": agent.url, "username": USER, "password": PASSWORD}
            await add_subentry(hass, site, "heater", login, HEATER_SETTINGS)
        yield list(site.runtime_data.heaters.values())
        await hass.config_entries.async_unload(site.entry_id)


def turn_s(coordinator: HeaterCoordinator) -> float:
    """Return when it is polled next, within the time that all take."""
    wait, read_at = coordinator.update_interval, coordinator.read_at
    assert wait is not None
    assert read_at is not None
    assert HEATER_INTERVAL_SHORTEST <= wait <= 3 * EACH + HEATER_INTERVAL_SHORTEST
    # A moment more, for zero shall not be just below what is the same.
    return (read_at + wait.total_seconds() + 1) % (3 * EACH.total_seconds()) - 1


async def test_polls_take_turns(heaters: list[HeaterCoordinator]) -> None:
    """However often and whenever they were read, they are read apart again."""
    turns = [pytest.approx(each, abs=0.5) for each in (0, 8, 16)]
    assert [turn_s(each) for each in heaters] == turns
    await asyncio.gather(*(each.async_refresh() for each in heaters))
    assert [turn_s(each) for each in heaters] == turns


async def test_readings_of_one_turn_make_two_decisions(
    site: ConfigEntry, heaters: list[HeaterCoordinator]
) -> None:
    """The first at once, and one for all others."""
    decisions = 0

    def count() -> None:
        nonlocal decisions
        decisions += 1

    def read_all() -> None:
        for each in heaters:
            assert each.read_at is not None
            each.read_at += 1
            each.async_update_listeners()

    coordinator = site.runtime_data.site
    coordinator.async_add_listener(count)
    for before in (0, 2):
        read_all()
        assert decisions == before + 1
        for _ in range(3):
            await asyncio.sleep(0)
        assert decisions == before + 2
    read_all()
    coordinator.stop()
    await asyncio.sleep(0)
    assert decisions == 5


async def test_one_by_one() -> None:
    """Others have their turn after each thing; what comes later is not waited for."""
    seen: list[str] = []
    things = ["one", "two"]

    async def other() -> None:
        for _ in range(2):
            seen.append("other")
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    async for each in one_by_one(things):
        seen.append(each)
        things.append("late")
    await task
    assert seen == ["one", "other", "two", "other"]

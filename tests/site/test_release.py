"""Closed links stay closed, and no pump is left running."""

import asyncio

import pytest

from custom_components.compute_heater.link_coordinator import BacnetCoordinator
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError

from .plant import Plant


def bacnet_link(plant: Plant) -> BacnetCoordinator:
    link = plant.entry.runtime_data.links[plant.bacnet_id]
    assert isinstance(link, BacnetCoordinator)
    return link


async def test_a_late_write_does_not_open_a_closed_link(
    hass: HomeAssistant, still_plant: Plant
) -> None:
    """A write that is still being noted when the link closes is refused."""
    runtime = still_plant.entry.runtime_data
    link = bacnet_link(still_plant)
    save, noting, closed = runtime.async_save, asyncio.Event(), asyncio.Event()

    async def slow_save() -> None:
        noting.set()
        await closed.wait()
        await save()

    runtime.async_save = slow_save
    write = asyncio.create_task(link.async_write("analog-value,1", 52.0))
    await noting.wait()
    await link.async_close()
    closed.set()
    with pytest.raises(HomeAssistantError, match="closed"):
        await write
    assert link._stack is None
    runtime.async_save = save
    with pytest.raises(HomeAssistantError, match="closed"):
        await link.async_write("analog-value,1", 52.0)
    assert link.commanded == set()


async def test_a_late_poll_does_not_subscribe_anew(
    hass: HomeAssistant, still_plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A poll that is under way when the link closes leaves nothing behind."""
    link = bacnet_link(still_plant)
    device = link._device
    assert device is not None
    read, reading, closed = device.read, asyncio.Event(), asyncio.Event()

    async def slow_read(*args: object) -> object:
        values = await read(*args)  # type: ignore[arg-type]
        reading.set()
        await closed.wait()
        return values

    monkeypatch.setattr(device, "read", slow_read)
    poll = asyncio.create_task(link.async_refresh())
    await reading.wait()
    await link.async_close()
    closed.set()
    await poll
    assert link._subscription is None
    assert link._stack is None

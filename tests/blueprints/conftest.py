"""Blueprints in the folder from which Home Assistant loads them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
import logging
from pathlib import Path
import shutil
from typing import Protocol

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component

ROOT = Path(__file__).parent.parent.parent
BLUEPRINTS = ROOT / "blueprints"
FOLDER = BLUEPRINTS / "automation" / "compute_heater"
AUTOMATION = "automation.blueprint"

type Wait = Callable[[float], Awaitable[None]]
"""Minutes to let pass."""


class Automate(Protocol):
    """Starts an automation made from a blueprint with these inputs."""

    async def __call__(self, file: str, **inputs: object) -> None: ...


@pytest.fixture
def wait(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> Wait:
    """Let minutes pass, in steps as short as the engine's own timers."""

    async def wait(minutes: float) -> None:
        for _ in range(round(minutes * 6)):
            freezer.tick(timedelta(seconds=10))
            async_fire_time_changed(hass)
            await hass.async_block_till_done()

    return wait


@pytest.fixture
async def automate(hass: HomeAssistant, tmp_path: Path) -> AsyncIterator[Automate]:
    """Make an automation from a blueprint, installed as an import would."""
    hass.config.config_dir = str(tmp_path)
    shutil.copytree(BLUEPRINTS, tmp_path / "blueprints")

    async def automate(file: str, **inputs: object) -> None:
        blueprint = {"path": f"compute_heater/{file}", "input": inputs}
        config = {"automation": {"alias": "Blueprint", "use_blueprint": blueprint}}
        assert await async_setup_component(hass, "automation", config)
        await hass.async_block_till_done()
        state = hass.states.get(AUTOMATION)
        assert state is not None
        assert state.state == "on"

    yield automate
    # Its timers end with it.
    await hass.services.async_call(
        "automation", "turn_off", {"entity_id": AUTOMATION}, blocking=True
    )


def complaints(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what the automation engine and its templates complained about."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.levelno >= logging.WARNING
        and record.name.startswith(
            ("homeassistant.components.automation", "homeassistant.helpers")
        )
    ]

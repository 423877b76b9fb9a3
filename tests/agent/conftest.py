"""An agent whose time stands still unless the test lets it pass."""

from collections.abc import AsyncGenerator

import pytest

from compute_heater_agent.settings import RackSettings
from compute_heater_agent.simulated import Rack

from .client import Client, open_heater
from .linux_tree import programs, tree

__all__ = ["programs", "tree"]


@pytest.fixture
async def client() -> AsyncGenerator[Client]:
    """Open a rack of four modules with 3 kW behind a Redfish service."""
    async with open_heater(stepped=Rack(RackSettings())) as opened:
        yield opened

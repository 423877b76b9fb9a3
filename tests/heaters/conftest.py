"""What the driver tests share."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack

import aiohttp
import pytest

from custom_components.compute_heater.heaters.redfish import RedfishHeater

from .bmc import PASSWORD, USER

type MakeHeater = Callable[..., RedfishHeater]


@pytest.fixture
async def http() -> AsyncGenerator[aiohttp.ClientSession]:
    """Stand in for the session that Home Assistant lends."""
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def make_heater(http: aiohttp.ClientSession) -> AsyncGenerator[MakeHeater]:
    """Drivers that are closed after the test."""
    async with AsyncExitStack() as stack:

        def make(
            url: str, username: str = USER, password: str = PASSWORD, **more: object
        ) -> RedfishHeater:
            heater = RedfishHeater(http, url, username, password, **more)  # type: ignore[arg-type]
            stack.push_async_callback(heater.close)
            return heater

        yield make

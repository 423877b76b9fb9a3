"""One running demo for all tests; they leave it as they found it.

Start them by ``pytest -c tests/e2e/pytest.ini tests/e2e``.
"""

from collections.abc import AsyncIterator

from playwright.async_api import Browser, async_playwright
import pytest
import pytest_asyncio

from simulator.demo.dashboard import prepare_dashboards
from simulator.demo.installation import install
from simulator.demo.meters import Meters
from simulator.demo.operator import Operator
from simulator.demo.stack import DemoStack, StackSettings

from .browser import ARGUMENTS, CHROMIUM
from .demo_process import DemoProcess
from .plant import Plant

LEASE_S = 25.0
"""Short, and yet longer than Home Assistant ever leaves the heater alone."""


@pytest_asyncio.fixture(scope="session")
async def unattended(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[DemoProcess]:
    """Start the three minutes' demo, which runs beside all other tests."""
    folder = tmp_path_factory.mktemp("unattended")
    demo = await DemoProcess.start(folder, "--minutes", "3")
    yield demo
    await demo.end()


@pytest_asyncio.fixture(scope="session")
async def plant(
    tmp_path_factory: pytest.TempPathFactory, unattended: DemoProcess
) -> AsyncIterator[Plant]:
    """Start everything and set it up."""
    folder = tmp_path_factory.mktemp("demo")
    async with DemoStack(StackSettings(folder=folder, lease_s=LEASE_S)) as stack:
        installation = await install(stack)
        await prepare_dashboards(stack.client, installation)
        meters = Meters(stack.house_address.status_url, stack.agent_address)
        async with Operator(stack.house_address.bacnet_port) as operator:
            yield Plant(
                stack=stack,
                installation=installation,
                meters=meters,
                operator=operator,
            )
        await meters.close()


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Browser]:
    """Start Chromium without a window."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=ARGUMENTS
        )
        yield browser
        await browser.close()

"""A person at the dashboard."""

import os

from playwright.async_api import Browser, expect
import pytest

from simulator.demo.children import CHECKOUT
from simulator.demo.dashboard import URL_PATH

from .browser import needs_chromium, open_page
from .plant import Plant, at_most, eventually

PICTURE = CHECKOUT / "docs" / "images" / "dashboard.png"

pytestmark = needs_chromium


async def test_login(browser: Browser, plant: Plant) -> None:
    """The login that the demo prints leads to the dashboard."""
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(plant.client.url)
    await page.locator("input[name=username]").fill(
        plant.stack.username, timeout=60_000
    )
    await page.locator("input[name=password]").fill(plant.stack.password)
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**/{URL_PATH}/**", timeout=60_000)
    await context.close()


async def test_card_follows_demand(browser: Browser, plant: Plant) -> None:
    """The heater's card says idle, then heating once the building wants heat."""
    outside: list[str] = []
    await eventually(
        lambda: at_most(plant.number("demand"), 0), 60, "no demand at first"
    )
    page = await open_page(browser, plant, URL_PATH)
    page.on("request", lambda request: outside.append(request.url))
    card = page.locator("hui-thermostat-card", has_text="Compute heater")
    await expect(card).to_contain_text("Idle", timeout=60_000)
    power = page.locator("hui-tile-card", has_text="Power state")
    await expect(power).to_contain_text("Standby")
    try:
        await plant.heat_demand(100)
        await expect(card).to_contain_text("Heating", timeout=90_000)
        await expect(power).to_contain_text("Full", timeout=30_000)
    finally:
        await plant.heat_demand(None)
    await expect(power).to_contain_text("Standby", timeout=90_000)
    inside = (
        plant.client.url,
        plant.client.url.replace("http", "ws"),
        "data:",
        "blob:",
    )
    assert [url for url in outside if not url.startswith(inside)] == []


@pytest.mark.skipif(
    PICTURE.exists() and not os.environ.get("COMPUTE_HEATER_PICTURE"),
    reason="the picture is there; COMPUTE_HEATER_PICTURE=1 takes a new one",
)
async def test_picture(browser: Browser, plant: Plant) -> None:
    """Take the picture of the dashboard while the tank is being heated."""
    page = await open_page(browser, plant, URL_PATH, height=1400)
    await plant.operator.draw_off(1.8)
    card = page.locator("hui-thermostat-card", has_text="Compute heater")
    await expect(card).to_contain_text("Heating", timeout=90_000)
    await page.wait_for_timeout(120_000)
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=PICTURE)
    assert PICTURE.stat().st_size > 20_000
    await eventually(lambda: at_most(plant.number("demand"), 0), 240, "a warm tank")

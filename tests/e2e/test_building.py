"""A building operator commands the heater: gateway and bridge, set up click by click."""

import os

from playwright.async_api import Browser, Locator, Page, expect

from simulator.demo.children import CHECKOUT
from simulator.ports import tcp_port
from tests.gateway.modbus_raw import RawClient

from .browser import needs_chromium, open_page
from .plant import Plant, at_least, at_most, eventually

IMAGES = CHECKOUT / "docs" / "images"
PARTS = "config/integrations/integration/compute_heater"
CONTROLLER = "127.0.0.2"
GATEWAY, BRIDGE = "Boiler house", "Demand of the house"
POWER_REGISTER, HALF, RELEASED = 110, 500, 0x8000
"""In tenths of a percent; the last gives a command up."""

pytestmark = needs_chromium


async def begin(browser: Browser, plant: Plant, what: str) -> Page:
    """Open the dialogue that adds a part."""
    page = await open_page(browser, plant, PARTS, height=1100)
    add = page.locator("ha-button", has_text=f"Add {what}")
    await add.click(timeout=60_000)
    return page


async def press(page: Page, button: str) -> None:
    await page.get_by_role("button", name=button, exact=True).click()


def switch(page: Page, label: str) -> Locator:
    return page.locator("ha-selector-boolean", has_text=label).locator("ha-switch")


async def picture(page: Page, name: str) -> None:
    """Take a picture if there is none, or a new one is wanted."""
    file = IMAGES / name
    if not file.exists() or os.environ.get("COMPUTE_HEATER_PICTURE"):
        await page.wait_for_timeout(1000)
        await page.screenshot(path=file)


async def remove(plant: Plant, title: str) -> None:
    """Remove a part, if it was added."""
    client, entry_id = plant.client, plant.installation.entry_id
    parts = await client.command("config_entries/subentries/list", entry_id=entry_id)
    for part in parts:
        if part["title"] == title:
            await client.command(
                "config_entries/subentries/delete",
                entry_id=entry_id,
                subentry_id=part["subentry_id"],
            )
    await is_loaded(plant)


async def is_loaded(plant: Plant) -> None:
    """Wait for the site, which is loaded anew with each part."""
    await eventually(
        lambda: (
            plant.state("strategy") is not None and plant.number("power") is not None
        ),
        60,
        "the site is loaded",
    )


async def choose(plant: Plant, strategy: str) -> None:
    await plant.client.call(
        "select.select_option", plant.entity["strategy"], option=strategy
    )
    await eventually(lambda: plant.state("strategy") == strategy, 15, strategy)


async def rests(plant: Plant) -> None:
    await eventually(lambda: at_most(plant.number("power"), 400), 240, "rest")


async def test_a_controller_commands_by_registers(
    browser: Browser, plant: Plant
) -> None:
    """There is no gateway until somebody knows what it means; then half is half."""
    port = tcp_port("127.0.0.1")
    await rests(plant)
    try:
        page = await begin(browser, plant, "gateway")
        await page.get_by_text("It speaks Modbus TCP or TLS").click()
        dialog = page.locator("dialog-data-entry-flow")
        await expect(dialog.get_by_text("knows no passwords")).to_be_visible()
        await picture(page, "add-gateway.png")
        name, peer = (page.locator("ha-selector-text input").nth(k) for k in (0, 1))
        await name.fill(GATEWAY)
        await peer.fill(CONTROLLER)
        await page.locator("ha-selector-number input").first.fill(str(port))
        await switch(page, "They may command").click()
        await press(page, "Submit")
        await expect(
            dialog.get_by_text("Tick this if you want to go on")
        ).to_be_visible()
        await switch(page, "is not protected").click()
        await press(page, "Submit")
        await expect(dialog.get_by_text("Success")).to_be_visible(timeout=30_000)
        await is_loaded(plant)
        await choose(plant, "building_demand")

        master = await RawClient.open(port, CONTROLLER)
        assert await master.write(POWER_REGISTER, HALF) == 0
        await eventually(
            lambda: (
                at_least(plant.number("power"), 1300)
                and at_most(plant.number("power"), 1700)
            ),
            60,
            "half power",
        )
        assert plant.state("site_reason") == "building_demand"
        assert await master.write(POWER_REGISTER, RELEASED) == 0
        await rests(plant)
    finally:
        await remove(plant, GATEWAY)
        await choose(plant, "follow_demand")


async def test_a_bridge_shows_what_it_leads_to(browser: Browser, plant: Plant) -> None:
    """A demand of the building becomes a power state, which is seen before it is saved."""
    await rests(plant)
    try:
        page = await begin(browser, plant, "bridge")
        await page.get_by_text("Heat demand (% or 0–10 V) → power state").click()
        dialog = page.locator("dialog-data-entry-flow")
        await page.locator("ha-selector-text input").first.fill(BRIDGE)
        await page.locator("ha-selector-entity").click()
        await page.locator("ha-picker-combo-box input").fill("test house heat demand")
        demand = page.locator("ha-combo-box-item", has_text="Compute Heater test house")
        await demand.click()
        await press(page, "Submit")
        await page.wait_for_timeout(1500)
        await picture(page, "add-bridge.png")
        await page.get_by_text("Save").click()
        await expect(dialog.get_by_text("Success")).to_be_visible(timeout=30_000)
        await is_loaded(plant)
        await choose(plant, "building_demand")
        for percent, state in ((30, "eco"), (80, "full"), (2, "standby")):
            await plant.heat_demand(percent)
            await eventually(
                lambda state=state: plant.state("power_state") == state,  # type: ignore[misc]
                60,
                f"{state} at {percent} %",
            )
    finally:
        await plant.heat_demand(None)
        await remove(plant, BRIDGE)
        await choose(plant, "follow_demand")

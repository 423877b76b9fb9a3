"""An installer adds a controller, click by click."""

import os

from playwright.async_api import Browser, Page, expect

from simulator.demo.children import CHECKOUT
from tests.building.bacnet_peer import (
    NORMAL,
    AnalogInput,
    AnalogValue,
    BacnetPeer,
    BinaryInput,
    BinaryValue,
)

from .browser import needs_chromium, open_page
from .plant import Plant, eventually

PICTURE = CHECKOUT / "docs" / "images" / "add-bacnet.png"

pytestmark = needs_chromium


def heating_controller() -> BacnetPeer:
    return BacnetPeer(
        4711,
        objectName="Boiler room",
        vendorName="Example Controls",
        modelName="DDC 400",
    )


def objects() -> list[object]:
    return [
        AnalogInput(
            objectIdentifier=("analog-input", 1), objectName="Supply temperature",
            presentValue=46.2, units="degreesCelsius", covIncrement=0.1, **NORMAL,
        ),
        AnalogInput(
            objectIdentifier=("analog-input", 2), objectName="DHW tank top",
            presentValue=51.8, units="degreesCelsius", covIncrement=0.1, **NORMAL,
        ),
        AnalogInput(
            objectIdentifier=("analog-input", 3), objectName="Heat demand",
            presentValue=35.0, units="percent", covIncrement=1.0, **NORMAL,
        ),
        BinaryInput(
            objectIdentifier=("binary-input", 1), objectName="Collective fault",
            presentValue="inactive", polarity="normal", **NORMAL,
        ),
        AnalogValue(
            objectIdentifier=("analog-value", 1), objectName="DHW setpoint",
            presentValue=52.0, minPresValue=40.0, maxPresValue=60.0,
            units="degreesCelsius", covIncrement=0.5, relinquishDefault=52.0, **NORMAL,
        ),
        BinaryValue(
            objectIdentifier=("binary-value", 1), objectName="Compute heat release",
            presentValue="active", relinquishDefault="active", **NORMAL,
        ),
    ]  # fmt: skip


async def press(page: Page, button: str) -> None:
    await page.get_by_role("button", name=button, exact=True).click()


async def test_add_a_controller(browser: Browser, plant: Plant) -> None:
    """Search, pick, tick, change one point, save; its values are there."""
    client, entry_id = plant.client, plant.installation.entry_id

    async def parts() -> dict[str, str]:
        listed = await client.command(
            "config_entries/subentries/list", entry_id=entry_id
        )
        return {part["title"]: part["subentry_id"] for part in listed}

    peer = heating_controller()
    await peer.start(objects())
    try:
        page = await open_page(
            browser, plant, "config/integrations/integration/compute_heater"
        )
        add = page.locator("ha-button", has_text="Add BACnet controller")
        await add.click(timeout=60_000)
        await page.get_by_text("Search the network").click()
        await page.get_by_text("Search elsewhere").click()
        await page.locator("ha-selector-select", has_text="Where").click()
        await page.get_by_text("At one address").click()
        target = page.locator("ha-selector-text input").first
        await target.fill(peer.address)
        await press(page, "Submit")
        await page.get_by_text("Boiler room · Example Controls DDC 400 · 4711").click()
        await press(page, "Submit")

        dialog = page.locator("dialog-data-entry-flow")
        await expect(dialog.get_by_text("Points of Boiler room")).to_be_visible()
        write = page.locator("ha-selector-select", has_text="may be written")
        await write.get_by_text("DHW setpoint (analog-value,1").click()
        if not PICTURE.exists() or os.environ.get("COMPUTE_HEATER_PICTURE"):
            await page.wait_for_timeout(1000)
            await page.screenshot(path=PICTURE)
        await press(page, "Submit")

        await expect(dialog.get_by_text("1 of them may be written")).to_be_visible()
        await page.locator("ha-selector-select").click()
        await page.get_by_text("Supply temperature").last.click()
        await press(page, "Next")
        name = page.locator("ha-selector-text input").first
        await expect(name).to_have_value("Supply temperature")
        await name.fill("Boiler supply")
        await press(page, "Submit")
        await press(page, "Next")
        await expect(dialog.get_by_text("Success")).to_be_visible(timeout=30_000)

        for entity_id, state in (
            ("sensor.boiler_room_boiler_supply", "46.2"),
            ("sensor.boiler_room_heat_demand", "35.0"),
            ("binary_sensor.boiler_room_collective_fault", "off"),
            ("number.boiler_room_dhw_setpoint", "52.0"),
        ):
            await eventually(
                lambda entity_id=entity_id, state=state: (  # type: ignore[misc]
                    client.state(entity_id) == state
                ),
                30,
                f"{entity_id} is {state}",
            )
        # A change reaches Home Assistant by itself, a command the controller.
        peer.object("analog-input", 1).presentValue = 47.5
        await eventually(
            lambda: client.state("sensor.boiler_room_boiler_supply") == "47.5",
            10,
            "a reported change",
        )
        await client.call(
            "number.set_value", "number.boiler_room_dhw_setpoint", value=55
        )
        assert peer.object("analog-value", 1).presentValue == 55
    finally:
        added = (await parts()).get("Boiler room")
        if added is not None:
            await client.command(
                "config_entries/subentries/delete",
                entry_id=entry_id,
                subentry_id=added,
            )
    # Removed, it has its own value back.
    await eventually(
        lambda: bool(peer.object("analog-value", 1).presentValue == 52),
        20,
        "the command is relinquished",
    )
    await peer.stop()

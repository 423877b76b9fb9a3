"""The strategy *Optimise* in the running demo: planned, followed and explained."""

from datetime import datetime, timedelta
import os
from zoneinfo import ZoneInfo

from playwright.async_api import Browser, expect

from simulator.demo.children import CHECKOUT
from simulator.demo.dashboard import URL_PATH
from simulator.demo.hass_client import Json
from simulator.demo.installation import PRICE_WINDOWS, USUAL_PRICE, set_prices

from .browser import needs_chromium, open_page
from .plant import Plant, at_least, at_most, eventually

HOUSE = ZoneInfo("Europe/Berlin")
PICTURE = CHECKOUT / "docs" / "images" / "optimise.png"
CHEAP, DEAR = 0.2, 2.0
"""Even the cheap hour costs more than computing earns."""


def from_now(price: float, hours: float) -> list[Json]:
    """Return a price from the present quarter of an hour on."""
    now = datetime.now(HOUSE)
    begin = now.replace(minute=now.minute - now.minute % 15, second=0, microsecond=0)
    end = begin + timedelta(hours=hours)
    if end - now < timedelta(minutes=6):
        end += timedelta(minutes=15)
    return [{"start": f"{begin:%H:%M:%S}", "end": f"{end:%H:%M:%S}", "price": price}]


async def prices(plant: Plant, usual: float, windows: list[Json]) -> None:
    """Change the site's options, as its owner, and wait until it is loaded anew."""
    client, entry_id = plant.client, plant.installation.entry_id
    seen: list[str] = []

    def note(entity_id: str, state: Json | None) -> None:
        if entity_id == plant.entity["strategy"] and state is not None:
            seen.append(state["state"])

    client.listeners.append(note)
    try:
        await set_prices(client, entry_id, plant.entity, usual, windows)
        await eventually(
            lambda: "unavailable" in seen and seen[-1] != "unavailable",
            30,
            "the site loaded anew",
        )
    finally:
        client.listeners.remove(note)


async def choose(plant: Plant, strategy: str) -> None:
    await plant.client.call(
        "select.select_option", plant.entity["strategy"], option=strategy
    )
    await eventually(lambda: plant.state("strategy") == strategy, 15, strategy)


async def steps(plant: Plant) -> list[Json]:
    """Return the steps of the plan that is followed."""
    answer = await plant.client.command(
        "call_service",
        domain="compute_heater",
        service="get_plan",
        service_data={"config_entry_id": plant.installation.entry_id},
        return_response=True,
    )
    found: list[Json] = answer["response"]["steps"]
    return found


async def has_plan(plant: Plant, price: float, least_w: float = 0) -> bool:
    """Whether there is a plan that begins at a price, and with so much compute."""
    found = await steps(plant)
    return (
        bool(found)
        and found[0]["price"] == price
        and found[0]["power"].get("Compute heater", 0) > least_w
    )


@needs_chromium
async def test_it_heats_while_it_is_cheap(browser: Browser, plant: Plant) -> None:
    """Dear now: it rests; cheap now: heat that nobody asks for; and why, in words."""
    # A tank that wants nothing may still be nearly as cold as comfort lets it be, and a
    # heater that works goes on at its least, rather than start again later.
    await plant.client.command(
        "call_service",
        domain="compute_heater",
        service="boost_dhw",
        service_data={
            "entity_id": plant.entity["tank"],
            "duration": {"minutes": 30},
        },
    )
    await eventually(
        lambda: (
            at_least(plant.number("tank_top"), 48.4)
            and plant.state("power_state") == "standby"
        ),
        240,
        "a warm tank, and rest",
    )
    page = await open_page(browser, plant, URL_PATH, height=1400)
    why = page.locator("hui-tile-card", has_text="Why").last
    try:
        await prices(plant, CHEAP, from_now(DEAR, 0.25))
        await choose(plant, "optimise")
        await eventually(lambda: has_plan(plant, DEAR), 90, "a plan")
        await expect(why).to_contain_text("Waiting for a cheaper hour", timeout=30_000)
        await eventually(lambda: plant.state("power_state") == "standby", 60, "rest")

        # For some minutes of it, the heat pump would not be worse than another start.
        await prices(plant, DEAR, from_now(CHEAP, 1))
        assert plant.state("strategy") == "optimise"
        # The first one after loading may be of before the heater has answered.
        await eventually(
            lambda: has_plan(plant, CHEAP, 1000), 90, "a plan at other prices"
        )
        first, *later = await steps(plant)
        assert first["power"]["Compute heater"] > 1000
        assert DEAR in {step["price"] for step in later}
        await eventually(lambda: at_least(plant.number("power"), 1000), 90, "heat")
        assert plant.state("site_reason") == first["reason"]
        assert plant.state("plan") == "on"
        await expect(why).to_contain_text("Electricity is cheap", timeout=30_000)
        plan = page.locator("hui-markdown-card", has_text="EUR/kWh")
        await expect(plan).to_contain_text("Electricity is cheap", timeout=30_000)
        if os.environ.get("COMPUTE_HEATER_PICTURE"):
            await page.screenshot(path=PICTURE)

        await choose(plant, "follow_demand")
        await eventually(lambda: at_most(plant.number("power"), 400), 120, "rest")
        assert plant.state("plan") == "off"
    finally:
        await choose(plant, "follow_demand")
        await prices(plant, USUAL_PRICE, PRICE_WINDOWS)

"""What a site knows of the hours to come, from entities as other integrations show them."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockModule,
    async_fire_time_changed,
    mock_integration,
    mock_platform,
)

from custom_components.compute_heater.const import DOMAIN, SAVE_INTERVAL
from custom_components.compute_heater.forecasts.outlook import Outlook
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant, ServiceCall, SupportsResponse
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er, issue_registry as ir
from homeassistant.setup import async_setup_component

from .test_site_options import choose

ZONE = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 10, 12, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)
EUR = {"unit_of_measurement": "EUR/kWh"}


@pytest.fixture
async def clock(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> FrozenDateTimeFactory:
    """Stop the clocks on a spring day in Berlin."""
    await hass.config.async_update(
        time_zone="Europe/Berlin", latitude=52.5, longitude=13.4
    )
    freezer.move_to(NOW)
    return freezer


async def outlook(hass: HomeAssistant, site: ConfigEntry, **sections: Any) -> Outlook:
    """Choose options, and return what then looks out by them."""
    await choose(hass, site, **sections)
    found: Outlook = site.runtime_data.site.outlook
    return found


async def come(condition: Callable[[], bool]) -> None:
    """Wait for what others do, while the clocks stand still."""
    for _ in range(100_000):
        if condition():
            return
        await asyncio.sleep(0)
    pytest.fail("what was waited for did not come")


def rows(day: datetime, price: Callable[[int], float]) -> list[dict[str, Any]]:
    """Return the hours of a day as the Nord Pool integration of HACS lists them."""
    midnight = day.astimezone(ZONE).replace(hour=0, minute=0)
    return [
        {
            "start": midnight + k * HOUR,
            "end": midnight + (k + 1) * HOUR,
            "value": price(k),
        }
        for k in range(24)
    ]


async def test_nothing_is_known_without_options(
    hass: HomeAssistant, site: ConfigEntry, clock: FrozenDateTimeFactory
) -> None:
    """But the price, which its owner said."""
    found = await outlook(hass, site)
    forecasts = found.read(NOW, 0)
    assert forecasts.price.at(NOW) == 0.3
    assert forecasts.price.end == datetime(2026, 3, 12, 23, tzinfo=UTC)
    for series in (
        forecasts.feed_in,
        forecasts.income_per_kwh,
        forecasts.outdoor_c,
        forecasts.sun_w_m2,
        forecasts.surplus_w,
        forecasts.grid_limit_w,
    ):
        assert not series.pieces
    assert found.outdoor_c is None
    assert found.surplus_w is None
    assert found.entity_ids == []


async def test_prices_with_tax_and_surcharge(
    hass: HomeAssistant, site: ConfigEntry, clock: FrozenDateTimeFactory
) -> None:
    attributes: dict[str, Any] = {"raw_today": rows(NOW, lambda k: k / 100), **EUR}
    hass.states.async_set("sensor.price", "0.13", attributes)
    prices = {"price_entities": ["sensor.price"], "tax": 19, "surcharge": 0.1}
    found = await outlook(hass, site, prices=prices)
    price = found.read(NOW, None).price
    # 12:20 UTC is in the hour from 13 to 14 in Berlin.
    assert price.at(NOW) == pytest.approx(0.13 * 1.19 + 0.1)
    assert price.end == datetime(2026, 3, 10, 23, tzinfo=UTC)
    tomorrow = NOW + timedelta(days=1)
    attributes["raw_tomorrow"] = rows(tomorrow, lambda k: -0.05)
    hass.states.async_set("sensor.price", "0.13", attributes)
    await hass.async_block_till_done()
    price = found.read(NOW, None).price
    assert price.at(tomorrow) == pytest.approx(-0.05 * 1.19 + 0.1)
    assert price.end == datetime(2026, 3, 11, 23, tzinfo=UTC)
    # What was known of the hours to come still holds.
    hass.states.async_set("sensor.price", "unavailable")
    await hass.async_block_till_done()
    assert found.read(NOW, None).price == price


async def test_grid_fees_by_the_time_of_day(
    hass: HomeAssistant, site: ConfigEntry, clock: FrozenDateTimeFactory
) -> None:
    """A surcharge may begin within an hour of the market, and lie across midnight."""
    attributes = {"raw_today": rows(NOW, lambda k: 0.1), **EUR}
    hass.states.async_set("sensor.price", "0.1", attributes)
    windows = [
        {"start": "22:30:00", "end": "06:00:00", "price": 0.01},
        {"start": "17:00:00", "end": "20:00:00", "price": 0.2, "weekdays": ["mon"]},
    ]
    prices = {
        "price_entities": ["sensor.price"],
        "surcharge": 0.05,
        "price_windows": windows,
    }
    found = await outlook(hass, site, prices=prices)
    price = found.read(NOW, None).price
    local = NOW.astimezone(ZONE)
    assert price.at(local.replace(hour=5)) == pytest.approx(0.11)
    assert price.at(local.replace(hour=6, minute=0)) == pytest.approx(0.15)
    # The day is a Tuesday.
    assert price.at(local.replace(hour=18)) == pytest.approx(0.15)
    assert price.at(local.replace(hour=22, minute=29)) == pytest.approx(0.15)
    assert price.at(local.replace(hour=22, minute=30)) == pytest.approx(0.11)


async def test_night_tariff_without_a_market(
    hass: HomeAssistant, site: ConfigEntry, clock: FrozenDateTimeFactory
) -> None:
    windows = [{"start": "22:00:00", "end": "06:00:00", "price": 0.2}]
    prices = {"price": 0.4, "price_windows": windows}
    found = await outlook(hass, site, prices=prices)
    price = found.read(NOW, None).price
    assert price.at(NOW) == 0.4
    assert price.at(NOW.replace(hour=22)) == 0.2
    # The next day is known as soon as it begins.
    later = NOW + timedelta(days=1)
    clock.move_to(later)
    after = found.read(later, None).price
    assert price.end is not None and after.end is not None
    assert after.end - price.end == timedelta(days=1)


async def test_one_number_counts_for_its_hour(
    hass: HomeAssistant, site: ConfigEntry, clock: FrozenDateTimeFactory
) -> None:
    hass.states.async_set("sensor.price", "25", {"unit_of_measurement": "ct/kWh"})
    prices = {"price_entities": ["sensor.price"]}
    found = await outlook(hass, site, prices=prices)
    price = found.read(NOW, None).price
    assert price.at(NOW) == 0.25
    assert price.end == NOW.replace(hour=13, minute=0)


async def test_today_and_tomorrow_by_two_entities(
    hass: HomeAssistant, site: ConfigEntry, clock: FrozenDateTimeFactory
) -> None:
    """Octopus Energy shows the rates of a day as attributes of an event."""
    ids = ["event.rates_today", "event.rates_tomorrow"]
    for day, entity_id in enumerate(ids):
        start = NOW.replace(hour=0, minute=0) + timedelta(days=day)
        rates = [
            {
                "start": start + k * HOUR / 2,
                "end": start + (k + 1) * HOUR / 2,
                "value_inc_vat": 0.1 + day,
            }
            for k in range(48)
        ]
        hass.states.async_set(entity_id, NOW.isoformat(), {"rates": rates})
    found = await outlook(hass, site, prices={"price_entities": ids})
    price = found.read(NOW, None).price
    assert price.at(NOW) == 0.1
    assert price.at(NOW + timedelta(days=1)) == 1.1


async def test_prices_are_asked_for(
    hass: HomeAssistant,
    site: ConfigEntry,
    clock: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Home Assistant's own Nord Pool answers per day and MWh, tomorrow from 13:00 on."""
    entity = er.async_get(hass).async_get_or_create(
        "sensor", "nordpool", "SE3-current_price"
    )
    hass.states.async_set(entity.entity_id, "0.1", EUR)
    asked: list[dict[str, Any]] = []
    known = {"2026-03-10": 100.0}

    async def answer(call: ServiceCall) -> Any:
        asked.append(dict(call.data))
        if (price := known.get(call.data["date"])) is None:
            raise HomeAssistantError("not yet")
        day = datetime.fromisoformat(call.data["date"]).replace(tzinfo=ZONE)
        start = day.astimezone(UTC)
        return {
            "SE3": [
                {
                    "start": (start + k * HOUR).isoformat(),
                    "end": (start + (k + 1) * HOUR).isoformat(),
                    "price": price,
                }
                for k in range(24)
            ]
        }

    found = await outlook(hass, site, prices={"price_entities": [entity.entity_id]})
    # The integration is not there yet; that is said once.
    assert caplog.text.count(f"No prices from {entity.entity_id}") == 1
    assert not found.read(NOW, None).price.pieces
    hass.services.async_register(
        "nordpool",
        "get_prices_for_date",
        answer,
        supports_response=SupportsResponse.ONLY,
    )
    hass.states.async_set(entity.entity_id, "0.11", EUR)
    await come(lambda: len(asked) == 2)
    await asyncio.sleep(0)
    price = found.read(NOW, None).price
    assert price.at(NOW) == pytest.approx(0.1)
    assert price.end == datetime(2026, 3, 10, 23, tzinfo=UTC)
    assert asked[0]["areas"] == ["SE3"]
    assert [each["date"] for each in asked] == ["2026-03-10", "2026-03-11"]
    known["2026-03-11"] = 50.0
    clock.tick(timedelta(minutes=31))
    async_fire_time_changed(hass)
    now = NOW + timedelta(minutes=31)
    tomorrow = now + timedelta(days=1)
    await come(lambda: found.read(now, None).price.at(tomorrow) is not None)
    assert found.read(now, None).price.at(tomorrow) == pytest.approx(0.05)


async def test_weather(
    hass: HomeAssistant, site: ConfigEntry, clock: FrozenDateTimeFactory
) -> None:
    """A weather entity in °F; the sky is clear today and grey tomorrow."""
    midnight = NOW.replace(hour=0, minute=0)
    hourly = [
        {
            "datetime": (midnight + k * HOUR).isoformat(),
            "temperature": 41 if k < 24 else 32,
            "condition": "sunny" if k < 24 else "rainy",
        }
        for k in range(48)
    ]
    config = {
        "template": {
            "weather": {
                "name": "Home",
                "condition_template": "sunny",
                "temperature_template": "50",
                "temperature_unit": "°F",
                "humidity_template": "60",
                "forecast_hourly_template": f"{{{{ {hourly} }}}}",
            }
        }
    }
    assert await async_setup_component(hass, "template", config)
    await hass.async_block_till_done()
    weather = {"weather_entity": "weather.home"}
    found = await outlook(hass, site, weather=weather)
    assert found.outdoor_c == pytest.approx(10, abs=0.3)
    await come(lambda: bool(found.read(NOW, None).outdoor_c.pieces))
    forecasts = found.read(NOW, None)
    # Home Assistant rounds it to whole degrees or tenths.
    assert forecasts.outdoor_c.at(NOW) == pytest.approx(5, abs=0.3)
    tomorrow = NOW + timedelta(days=1)
    assert forecasts.outdoor_c.at(tomorrow) == pytest.approx(0, abs=0.3)
    today_sun = forecasts.sun_w_m2.at(NOW)
    tomorrow_sun = forecasts.sun_w_m2.at(tomorrow)
    assert today_sun is not None and tomorrow_sun is not None
    assert 0 < tomorrow_sun < today_sun / 2
    assert forecasts.sun_w_m2.at(NOW.replace(hour=22)) is not None


async def test_a_sensor_goes_before_the_weather(
    hass: HomeAssistant, site: ConfigEntry, clock: FrozenDateTimeFactory
) -> None:
    hass.states.async_set(
        "weather.home", "sunny", {"temperature": 12, "temperature_unit": "°C"}
    )
    hass.states.async_set("sensor.outdoor", "7", {"unit_of_measurement": "°C"})
    weather = {"weather_entity": "weather.home", "outdoor_entity": "sensor.outdoor"}
    found = await outlook(hass, site, weather=weather)
    assert found.outdoor_c == 7
    hass.states.async_set("sensor.outdoor", "8", {"unit_of_measurement": "°C"})
    await hass.async_block_till_done(wait_background_tasks=False)
    assert found.outdoor_c == 8
    found = await outlook(hass, site, weather={"weather_entity": "weather.home"})
    assert found.outdoor_c == 12
    hass.states.async_set("weather.home", "unavailable")
    assert found.outdoor_c is None


async def test_surplus(
    hass: HomeAssistant,
    site: ConfigEntry,
    clock: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What two roofs promise, less what the house uses; and what is measured now."""
    down: set[str] = set()
    asked: list[str] = []

    async def forecast(hass: HomeAssistant, entry_id: str) -> dict[str, Any]:
        asked.append(entry_id)
        if entry_id in down:
            raise HomeAssistantError("no answer")
        start = NOW.replace(minute=0)
        return {"wh_hours": {(start + k * HOUR).isoformat(): 2000 for k in range(8)}}

    mock_integration(hass, MockModule("oracle"))
    mock_platform(
        hass, "oracle.energy", SimpleNamespace(async_get_solar_forecast=forecast)
    )
    roofs = [
        MockConfigEntry(domain="oracle", title=title, state=ConfigEntryState.LOADED)
        for title in ("East", "West")
    ]
    for roof in roofs:
        roof.add_to_hass(hass)
    hass.states.async_set("sensor.grid", "-1.5", {"unit_of_measurement": "kW"})
    hass.states.async_set("sensor.pv", "3000", {"unit_of_measurement": "W"})
    own = {
        "grid_power_entity": "sensor.grid",
        "pv_power_entity": "sensor.pv",
        "pv_forecasts": [roof.entry_id for roof in roofs],
    }
    nobody = {"persons": 0}
    found = await outlook(hass, site, own_electricity=own, weather=nobody)
    await come(lambda: len(found.read(NOW, 0).surplus_w.pieces) > 1)
    surplus = found.read(NOW, 0).surplus_w
    assert surplus.at(NOW) == 1500
    assert found.surplus_w == 1500
    assert surplus.at(NOW + HOUR) == 4000
    down.update(roof.entry_id for roof in roofs)
    for times in (4, 6):
        clock.tick(timedelta(minutes=31))
        async_fire_time_changed(hass)
        await come(lambda times=times: len(asked) == times)
    # What was promised still holds; the silence is said once for each.
    now = NOW + timedelta(minutes=62)
    assert found.read(now, None).surplus_w.at(now + HOUR) == 4000
    assert caplog.text.count("No forecast of solar power") == 2


async def test_limit_of_the_grid(
    hass: HomeAssistant, site: ConfigEntry, clock: FrozenDateTimeFactory
) -> None:
    hass.states.async_set("sensor.limit", "unknown")
    own = {"grid_limit_entity": "sensor.limit"}
    found = await outlook(hass, site, own_electricity=own)
    assert not found.read(NOW, None).grid_limit_w.pieces
    hass.states.async_set("sensor.limit", "4.2", {"unit_of_measurement": "kW"})
    await hass.async_block_till_done(wait_background_tasks=False)
    limit = found.read(NOW, None).grid_limit_w
    assert limit.at(NOW) == 4200
    assert limit.end == NOW + 2 * HOUR
    hass.states.async_set("input_number.limit", "3000", {"unit_of_measurement": "W"})
    own = {"grid_limit_entity": "input_number.limit"}
    found = await outlook(hass, site, own_electricity=own)
    assert found.read(NOW, None).grid_limit_w.at(NOW + 24 * HOUR) == 3000


async def test_income_and_feed_in(
    hass: HomeAssistant, site: ConfigEntry, clock: FrozenDateTimeFactory
) -> None:
    hass.states.async_set("sensor.income", "0.12", EUR)
    attributes = {"raw_today": rows(NOW, lambda k: k / 100), **EUR}
    hass.states.async_set("sensor.feed_in", "0.13", attributes)
    found = await outlook(
        hass,
        site,
        prices={"feed_in_entity": "sensor.feed_in"},
        compute={"income_entity": "sensor.income"},
    )
    forecasts = found.read(NOW, None)
    assert forecasts.income_per_kwh.at(NOW + 24 * HOUR) == 0.12
    assert forecasts.feed_in.at(NOW + HOUR) == pytest.approx(0.14)
    hass.states.async_set("sensor.income", "0.2", EUR)
    await hass.async_block_till_done(wait_background_tasks=False)
    assert found.read(NOW, None).income_per_kwh.at(NOW) == 0.2


async def test_missing_entities_are_told(
    hass: HomeAssistant, site: ConfigEntry, clock: FrozenDateTimeFactory
) -> None:
    hass.states.async_set("sensor.there", "0.12", EUR)
    prices = {"price_entities": ["sensor.there", "sensor.gone"]}
    await outlook(hass, site, prices=prices)
    issue_id = f"site_entities_{site.entry_id}"

    async def told() -> ir.IssueEntry | None:
        clock.tick(SAVE_INTERVAL)
        async_fire_time_changed(hass)
        await hass.async_block_till_done(wait_background_tasks=False)
        return ir.async_get(hass).async_get_issue(DOMAIN, issue_id)

    found = await told()
    assert found is not None
    assert found.translation_placeholders == {
        "site": "Home",
        "entities": "sensor.gone",
    }
    await choose(hass, site)
    assert await told() is None

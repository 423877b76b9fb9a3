"""A BMC that reboots, storms with 412 or takes 3 s for each answer, in Home Assistant."""

import asyncio
import os

from aiohttp import web
import pytest

from custom_components.compute_heater import heater_coordinator
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from tests.heaters.bmc import (
    METRICS,
    PASSWORD,
    USER,
    Bmc,
    error,
    modern,
    running_bmc,
    system,
)

from .conftest import until
from .plant import HEATER_SETTINGS, add_subentry, entity_id

SETTINGS = HEATER_SETTINGS | {"eco_power": 600, "full_power": 1000}


class Bench:
    """A heater behind a BMC, and a person at its entities."""

    def __init__(self, hass: HomeAssistant, site: ConfigEntry, bmc: Bmc) -> None:
        self.hass = hass
        self.site = site
        self.bmc = bmc
        self.heater_id = ""

    async def add(self) -> None:
        """Add it through its dialogue."""
        login = {"url": self.bmc.url, "username": USER, "password": PASSWORD}
        self.heater_id = await add_subentry(
            self.hass, self.site, "heater", login, SETTINGS
        )

    def entity(self, key: str, domain: str) -> str:
        return entity_id(self.hass, self.site, self.heater_id, key, domain)

    def shows(self, key: str, domain: str, state: str) -> bool:
        return self.hass.states.is_state(self.entity(key, domain), state)

    async def choose(self, option: str) -> None:
        await self.hass.services.async_call(
            "select",
            "select_option",
            {"entity_id": self.entity("power_state", "select"), "option": option},
            blocking=True,
        )

    async def poll(self) -> None:
        await self.site.runtime_data.heaters[self.heater_id].async_refresh()

    @property
    def set_point_w(self) -> float:
        """What the BMC holds."""
        return float(self.bmc.resources[METRICS]["PowerLimitWatts"]["SetPoint"])

    @property
    def holds(self) -> bool:
        """Its limit is in force."""
        limit = self.bmc.resources[METRICS]["PowerLimitWatts"]
        return bool(limit["ControlMode"] == "Automatic")


async def test_bmc_reboots(
    hass: HomeAssistant, site: ConfigEntry, free_port: int
) -> None:
    """Silent, then not ready yet, then without our session and with its own limit."""
    bmc = Bmc(resources=modern(system("1")))
    bench = Bench(hass, site, bmc)
    async with running_bmc(bmc, port=free_port):
        await bench.add()
        await bench.choose("eco")
        assert bench.set_point_w == 600
    await bench.poll()
    assert bench.shows("power", "sensor", "unavailable")

    async def not_ready(_: web.Request) -> web.StreamResponse:
        return web.Response(status=503, headers={"Retry-After": "1"})

    bmc.tokens.clear()
    bmc.merge(METRICS, {"PowerLimitWatts": {"SetPoint": 1000}})
    bmc.front = {("GET", path): not_ready for path in bmc.resources}
    logins = bmc.logins
    async with running_bmc(bmc, port=free_port):
        await bench.poll()
        assert bench.shows("power", "sensor", "unavailable")
        bmc.front.clear()

        async def back() -> None:
            while not bench.shows("power", "sensor", "812.5"):
                await bench.poll()
                await asyncio.sleep(0.2)

        await asyncio.wait_for(back(), 60)
        assert bmc.logins > logins
        # It still shall be at 600 W, and is told so without anybody asking.
        await until(lambda: bench.set_point_w == 600)
        await until(lambda: bench.shows("problem", "binary_sensor", "off"))
        assert await hass.config_entries.async_unload(site.entry_id)


async def test_storm_of_412(
    hass: HomeAssistant, site: ConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bounded number of tries, then a problem, and the limit once it has passed."""

    async def storm(_: web.Request) -> web.StreamResponse:
        return error(412, "PreconditionFailed", "Changed meanwhile.")

    async with running_bmc(Bmc(resources=modern(system("1")), needs_match=True)) as bmc:
        bench = Bench(hass, site, bmc)
        await bench.add()
        await until(lambda: bench.set_point_w == 300)
        bmc.front["PATCH", METRICS] = storm
        bmc.seen.clear()
        with pytest.raises(HomeAssistantError, match="Changed meanwhile"):
            await bench.choose("eco")
        await until(lambda: bench.shows("problem", "binary_sensor", "on"))
        tried = len(bmc.requests("PATCH"))
        assert 1 < tried <= 3
        for _ in range(5):
            await bench.poll()
        assert len(bmc.requests("PATCH")) == tried, "it does not storm back"
        assert bench.set_point_w == 300

        bmc.front.clear()
        monkeypatch.setattr(heater_coordinator, "_RETRY_S", 0.0)
        await bench.poll()
        await until(lambda: bench.set_point_w == 600)
        await until(lambda: bench.shows("problem", "binary_sensor", "off"))
        assert await hass.config_entries.async_unload(site.entry_id)


@pytest.mark.parametrize(
    "from_the_start",
    [
        False,
        pytest.param(
            True,
            marks=(
                pytest.mark.long,
                pytest.mark.timeout(300),
                pytest.mark.skipif(
                    not os.environ.get("COMPUTE_HEATER_LONG"),
                    reason="only with scripts/test --long",
                ),
            ),
        ),
    ],
)
async def test_three_seconds_for_each_answer(
    hass: HomeAssistant, site: ConfigEntry, *, from_the_start: bool
) -> None:
    """It is added, read and told like any other, if not as fast."""

    async def slow(_: web.Request) -> web.StreamResponse | None:
        await asyncio.sleep(3)
        return None

    bmc = Bmc(resources=modern(system("1")))
    slowly = {("GET", path): slow for path in bmc.resources}
    bmc.front = slowly if from_the_start else {}
    async with running_bmc(bmc):
        bench = Bench(hass, site, bmc)
        await bench.add()
        await until(lambda: bench.shows("power", "sensor", "812.5"), within=60)
        await until(lambda: bench.set_point_w == 300, within=60)
        bmc.front = slowly
        await bench.choose("eco")
        assert (bench.set_point_w, bench.holds) == (600, True)
        await bench.poll()
        assert bench.shows("power", "sensor", "812.5")
        assert bench.shows("problem", "binary_sensor", "off")
        bmc.front.clear()
        assert await hass.config_entries.async_unload(site.entry_id)

"""Heaters of three kinds at one site: who is used first, and how they share the heat."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from compute_heater_agent.service import RunningAgent
from custom_components.compute_heater import site_heater
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from tests.heaters.boinc_client import (
    PASSWORD as BOINC_PASSWORD,
    BoincClient,
    needs_boinc,
    prepare,
    running_boinc,
)

from .helpers import (
    LIMIT,
    SETTINGS,
    SWITCH,
    ComposedHouse,
    compose,
    composed_form,
    set_up_helpers,
)
from .plant import HEATER_SETTINGS, PASSWORD, USER, add_subentry
from .test_composed import TANK

pytestmark = needs_boinc

PC_SWITCH = "input_boolean.alarm"
PC = SETTINGS | {"standby_power": 50, "eco_power": 200, "full_power": 450}
MAX_HEAT_W = 6500
STANDBY_W = 300 + 0 + 50
STEP_W = 100
"""The widest of the heaters' smallest steps: the miner's limit."""


@dataclass
class Trio:
    """A rack by Redfish, a miner of entities and a PC with BOINC, in this order."""

    hass: HomeAssistant
    site: ConfigEntry
    agent: RunningAgent
    client: BoincClient
    rack_id: str
    miner: ComposedHouse
    pc: ComposedHouse

    async def demand(self, watts: float) -> None:
        """Have the tank want so much, and the heaters told."""
        percent = str(100 * watts / MAX_HEAT_W)
        self.hass.states.async_set(
            "sensor.demand", percent, {"unit_of_measurement": "%"}
        )
        await self.hass.async_block_till_done()
        for heater_id in (self.rack_id, self.miner.heater_id, self.pc.heater_id):
            await self.site.runtime_data.heaters[heater_id].async_finish()

    async def given(self) -> tuple[float, float, float]:
        """Return what the devices themselves hold, in W."""
        cap_w = self.agent.rack.power_limit_w
        share = (await self.client.work().read()).share
        assert share is not None
        return (
            3000 if cap_w is None else cap_w,
            float(self.miner.of(LIMIT)) if self.miner.of(SWITCH) == "on" else 0,
            50 + 400 * share,
        )


@asynccontextmanager
async def trio(
    hass: HomeAssistant,
    site: ConfigEntry,
    agent: RunningAgent,
    folder: Path,
    *,
    pauses_without_us: bool = True,
    **more: float,
) -> AsyncGenerator[Trio]:
    """Add all three with ``more`` settings through their dialogues, and a tank."""
    await set_up_helpers(hass)
    await hass.services.async_call(
        "input_boolean", "turn_on", {"entity_id": PC_SWITCH}, blocking=True
    )
    prepare(folder)
    async with running_boinc(folder) as client:
        login = {"url": agent.url, "username": USER, "password": PASSWORD}
        rack_id = await add_subentry(
            hass, site, "heater", login, HEATER_SETTINGS | more
        )
        miner_form = composed_form(power_switch=SWITCH, power_limit=LIMIT)
        miner = await compose(hass, site, miner_form, SETTINGS | more)
        boinc = {
            "host": "127.0.0.1",
            "port": client.port,
            "password": BOINC_PASSWORD,
            "pauses_without_us": pauses_without_us,
        }
        pc = await compose(
            hass,
            site,
            composed_form(name="PC", power_switch=PC_SWITCH),
            {"next_step_id": "boinc"},
            boinc,
            PC | more,
        )
        hass.states.async_set("sensor.tank", "40", {"unit_of_measurement": "°C"})
        hass.states.async_set("sensor.demand", "0", {"unit_of_measurement": "%"})
        tank: dict[str, Any] = TANK | {"max_heat_power": MAX_HEAT_W / 1000}
        await add_subentry(hass, site, "sink", {"next_step_id": "dhw"}, tank)
        yield Trio(hass, site, agent, client, rack_id, miner, pc)
        await hass.config_entries.async_unload(site.entry_id)


@pytest.fixture(autouse=True)
def no_dwell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let demands follow each other faster than a heater should be changed."""
    monkeypatch.setattr(site_heater, "_DWELL_S", 0.0)


async def test_three_kinds_share_the_demand_by_merit(
    hass: HomeAssistant, site: ConfigEntry, lone_agent: RunningAgent, tmp_path: Path
) -> None:
    """Of equal merit the one that was there first is used first."""
    async with trio(hass, site, lone_agent, tmp_path) as heaters:
        for wanted_w, rack_w, miner_w, pc_w in (
            (0, 300, 0, 50),
            (650, 600, 0, 50),
            (2600, 2550, 0, 50),
            # The miner cannot take what is left alone: the rack makes room for it.
            (3250, 2200, 1000, 50),
            (4550, 3000, 1500, 50),
            (6175, 3000, 3000, 175),
            (6370, 3000, 3000, 370),
            (2600, 2550, 0, 50),
            (0, 300, 0, 50),
        ):
            await heaters.demand(wanted_w)
            given = await heaters.given()
            assert given == pytest.approx((rack_w, miner_w, pc_w), abs=STEP_W)
            assert sum(given) == pytest.approx(max(wanted_w, STANDBY_W), abs=STEP_W)


@pytest.mark.parametrize(
    ("pauses_without_us", "pc_w", "pc_reason"),
    [(True, 450, "fully_used"), (False, 300, "unattended")],
    ids=["rests alone", "goes on alone"],
)
async def test_only_what_does_not_fall_back_is_held_to_what_the_plant_takes_alone(
    hass: HomeAssistant,
    site: ConfigEntry,
    *,
    lone_agent: RunningAgent,
    tmp_path: Path,
    pauses_without_us: bool,
    pc_w: float,
    pc_reason: str,
) -> None:
    """The agent has its lease and BOINC may have one; the miner goes on as it is."""
    async with trio(
        hass,
        site,
        lone_agent,
        tmp_path,
        pauses_without_us=pauses_without_us,
        unattended_power=300,
    ) as heaters:
        # In standby all are told for the first time, so it is known what lapses.
        await heaters.demand(0)
        for heater in site.runtime_data.heaters.values():
            await heater.async_refresh()
        await heaters.demand(MAX_HEAT_W)
        assert await heaters.given() == pytest.approx((3000, 0, pc_w), abs=1)
        assert heaters.miner.state("reason", "sensor") == "unattended"
        assert heaters.pc.state("reason", "sensor") == pc_reason

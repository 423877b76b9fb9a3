"""Heaters of three kinds at one site: who is used first, and how they share the heat."""

from pathlib import Path
from typing import Any

import pytest

from compute_heater_agent.service import RunningAgent
from custom_components.compute_heater import site_heater
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from tests.heaters.boinc_client import (
    PASSWORD as BOINC_PASSWORD,
    needs_boinc,
    prepare,
    running_boinc,
)

from .helpers import LIMIT, SETTINGS, SWITCH, compose, composed_form, set_up_helpers
from .plant import HEATER_SETTINGS, PASSWORD, USER, add_subentry
from .test_composed import TANK

PC_SWITCH = "input_boolean.alarm"
PC = SETTINGS | {"standby_power": 50, "eco_power": 200, "full_power": 450}
MAX_HEAT_W = 6500
STEP_W = 100
"""The widest of the heaters' smallest steps: the miner's limit."""


@needs_boinc
async def test_three_kinds_share_the_demand_by_merit(
    hass: HomeAssistant,
    site: ConfigEntry,
    *,
    lone_agent: RunningAgent,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The steps below follow each other faster than a heater should be changed.
    monkeypatch.setattr(site_heater, "_DWELL_S", 0.0)
    await set_up_helpers(hass)
    await hass.services.async_call(
        "input_boolean", "turn_on", {"entity_id": PC_SWITCH}, blocking=True
    )
    prepare(tmp_path)
    async with running_boinc(tmp_path) as client:
        # Of equal merit the one that was there first is used first.
        rack_id = await add_subentry(
            hass,
            site,
            "heater",
            {"url": lone_agent.url, "username": USER, "password": PASSWORD},
            HEATER_SETTINGS,
        )
        miner = await compose(
            hass,
            site,
            composed_form(power_switch=SWITCH, power_limit=LIMIT),
            SETTINGS,
        )
        boinc = {
            "host": "127.0.0.1",
            "port": client.port,
            "password": BOINC_PASSWORD,
            "pauses_without_us": True,
        }
        pc = await compose(
            hass,
            site,
            composed_form(name="PC", power_switch=PC_SWITCH),
            {"next_step_id": "boinc"},
            boinc,
            PC,
        )
        hass.states.async_set("sensor.tank", "40", {"unit_of_measurement": "°C"})
        hass.states.async_set("sensor.demand", "0", {"unit_of_measurement": "%"})
        tank: dict[str, Any] = TANK | {"max_heat_power": MAX_HEAT_W / 1000}
        await add_subentry(hass, site, "sink", {"next_step_id": "dhw"}, tank)

        async def given() -> tuple[float, float, float]:
            """Return what the devices themselves hold, in W."""
            for heater_id in (rack_id, miner.heater_id, pc.heater_id):
                await site.runtime_data.heaters[heater_id].async_finish()
            cap_w = lone_agent.rack.power_limit_w
            share = (await client.work().read()).share
            assert share is not None
            return (
                3000 if cap_w is None else cap_w,
                float(miner.of(LIMIT)) if miner.of(SWITCH) == "on" else 0,
                50 + 400 * share,
            )

        for percent, rack_w, miner_w, pc_w in (
            (0, 300, 0, 50),
            (10, 600, 0, 50),
            (40, 2550, 0, 50),
            # The miner cannot take what is left alone: the rack makes room for it.
            (50, 2200, 1000, 50),
            (70, 3000, 1500, 50),
            (95, 3000, 3000, 175),
            (98, 3000, 3000, 370),
            (40, 2550, 0, 50),
            (0, 300, 0, 50),
        ):
            hass.states.async_set(
                "sensor.demand", str(percent), {"unit_of_measurement": "%"}
            )
            await hass.async_block_till_done()
            parts = await given()
            assert parts == pytest.approx((rack_w, miner_w, pc_w), abs=STEP_W), percent
            least_w = 350  # what all draw in standby
            wanted_w = max(MAX_HEAT_W * percent / 100, least_w)
            assert sum(parts) == pytest.approx(wanted_w, abs=STEP_W), percent
        await hass.config_entries.async_unload(site.entry_id)

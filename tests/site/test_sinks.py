"""Buffers, pools and heat curves in Home Assistant, and when heating has to begin."""

from datetime import datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util

from .dialogue import answer, begin, expect_abort
from .plant import add_subentry, entity_id
from .test_flow_sink import BUFFER, FLOOR, POOL, TANK

CELSIUS = {"unit_of_measurement": "°C", "device_class": "temperature"}


class Sink:
    """One consumer and its entities."""

    def __init__(self, hass: HomeAssistant, site: ConfigEntry) -> None:
        self.hass = hass
        self.site = site
        self.sink_id = ""

    async def add(self, kind: str, values: dict[str, Any]) -> None:
        """Go through its dialogue."""
        self.sink_id = await add_subentry(
            self.hass, self.site, "sink", {"next_step_id": kind}, values
        )

    async def show(self, name: str, value: float | str) -> None:
        """Let a sensor report."""
        self.hass.states.async_set(f"sensor.{name}", str(value), CELSIUS)
        await self.hass.async_block_till_done()

    def entity(self, key: str, domain: str) -> str:
        """Return the id of one of its entities."""
        return entity_id(self.hass, self.site, self.sink_id, key, domain)

    def state(self, key: str, domain: str = "sensor") -> str:
        """Return the state of one of its entities."""
        state = self.hass.states.get(self.entity(key, domain))
        assert state is not None
        return state.state

    async def call(self, key: str, service: str, **data: Any) -> None:
        """Call a service of its thermostat."""
        await self.hass.services.async_call(
            "climate",
            service,
            {"entity_id": self.entity(key, "climate"), **data},
            blocking=True,
        )


async def test_buffer_on_a_heat_curve(hass: HomeAssistant, site: ConfigEntry) -> None:
    """Mild weather asks for less, and the thermostat says how much at most."""
    sink = Sink(hass, site)
    await sink.show("tank", 37)
    await sink.show("outdoor", 10)
    curve = {"outdoor_entity": "sensor.outdoor", "curve_base": 25, "curve_slope": 0.6}
    await sink.add("buffer", BUFFER | {"heat_curve": curve})
    assert sink.state("buffer", "climate") == "heat"
    assert sink.state("heat_curve") == "31.0"
    assert sink.state("heat_demand") == "0.0"
    await sink.show("outdoor", -10)
    assert sink.state("heat_curve") == "43.0"
    assert sink.state("heat_demand") == "6.0"
    await sink.call("buffer", "set_temperature", temperature=36)
    assert sink.state("heat_demand") == "0.0"
    shown = hass.states.get(sink.entity("buffer", "climate"))
    assert shown is not None
    assert shown.attributes["current_temperature"] == 37
    assert shown.attributes["max_temp"] == 79
    await sink.call("buffer", "set_temperature", temperature=45)
    await sink.call("buffer", "turn_off")
    assert sink.state("buffer", "climate") == "off"
    assert sink.state("heat_demand") == "0.0"
    await sink.call("buffer", "turn_on")
    assert sink.state("heat_demand") == "6.0"

    # Without the curve its sensor is gone, and the target is the target.
    await sink.call("buffer", "set_temperature", temperature=41.5)
    form = await begin(hass, site, "sink", sink.sink_id)
    plain = {k: v for k, v in BUFFER.items() if k != "target_temperature"}
    result = await answer(
        hass, form, plain | {"heat_curve": curve | {"curve_base": 30}}
    )
    expect_abort(result, "reconfigure_successful")
    assert sink.state("heat_curve") == "48.0"
    form = await begin(hass, site, "sink", sink.sink_id)
    expect_abort(await answer(hass, form, plain), "reconfigure_successful")
    unique_id = f"{site.entry_id}_{sink.sink_id}_heat_curve"
    registry = er.async_get(hass)
    assert registry.async_get_entity_id("sensor", "compute_heater", unique_id) is None


async def test_pool(hass: HomeAssistant, site: ConfigEntry) -> None:
    """The colder, the more; nothing at its limit."""
    sink = Sink(hass, site)
    await sink.show("pool", 25.5)
    await sink.add("pool", POOL)
    shown = hass.states.get(sink.entity("pool", "climate"))
    assert shown is not None
    assert shown.attributes["temperature"] == 26
    assert shown.attributes["max_temp"] == 31
    assert sink.state("heat_demand") == "4.0"
    assert float(sink.state("stored_energy")) > 200
    await sink.show("pool", 33)
    assert sink.state("heat_demand") == "0.0"
    await sink.show("pool", "unavailable")
    assert sink.state("pool", "climate") != "unavailable", "borne for a minute"


async def test_floor_below_its_heat_curve(
    hass: HomeAssistant, site: ConfigEntry
) -> None:
    sink = Sink(hass, site)
    await sink.show("room", 19.5)
    await sink.show("supply", 25)
    await sink.show("outdoor", 10)
    curve = {"outdoor_entity": "sensor.outdoor", "curve_base": 22, "curve_slope": 0.4}
    values = FLOOR | {
        "supply_temperature_entity": "sensor.supply", "heat_curve": curve
    }  # fmt: skip
    await sink.add("floor", values)
    assert sink.state("heat_curve") == "26.0"
    assert float(sink.state("heat_demand")) > 1
    await sink.show("supply", 26)
    assert sink.state("heat_demand") == "0.0"
    await sink.show("outdoor", -10)
    assert sink.state("heat_demand") == "4.0"


async def test_latest_start(
    hass: HomeAssistant, site: ConfigEntry, freezer: FrozenDateTimeFactory
) -> None:
    """It stands still while the tank falls as it did, and stays once it has passed."""
    sink = Sink(hass, site)
    await sink.show("tank", 52)
    await sink.add("dhw", TANK)
    latest = sink.entity("latest_start", "sensor")
    er.async_get(hass).async_update_entity(latest, disabled_by=None)
    assert await hass.config_entries.async_reload(site.entry_id)
    assert sink.state("latest_start") == "unknown"

    async def fall(minutes: int, k_per_min: float, start: float) -> list[str]:
        seen = []
        for minute in range(1, minutes + 1):
            freezer.tick(60)
            await sink.show("tank", start - k_per_min * minute)
            seen.append(sink.state("latest_start"))
        return seen

    seen = await fall(60, 0.05, 52)
    known = [datetime.fromisoformat(each) for each in seen if each != "unknown"]
    assert len(known) > 45
    assert len(set(known)) < 4, "no new state each minute"
    # 49 °C, 3 K/h and a minimum of 45 °C, and six minutes until heat is felt.
    expected = dt_util.utcnow() + timedelta(hours=4 / 3 - 0.1)
    assert abs(known[-1] - expected) < timedelta(minutes=6)
    seen = await fall(90, 0.05, 49)
    passed = datetime.fromisoformat(seen[-1])
    assert passed < dt_util.utcnow() - timedelta(minutes=5)
    assert abs(passed - expected) < timedelta(minutes=6)

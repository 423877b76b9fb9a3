"""A heater of plain helpers: every power state, up and down, and every fault."""

from typing import Any

import pytest

from custom_components.compute_heater import heater_coordinator
from custom_components.compute_heater.diagnostics import (
    async_get_config_entry_diagnostics,
)
from homeassistant.config_entries import ConfigEntry, ConfigEntryDisabler
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er

from .helpers import (
    LIMIT,
    MODE,
    PERCENT,
    POWER,
    SETTINGS,
    SWITCH,
    compose,
    composed_form,
    set_up_helpers,
)
from .plant import add_subentry, entity_id

MODES = {"off": "Sleep", "eco": "Night", "full": "Heating"}
TANK: dict[str, Any] = {
    "name": "Tank",
    "temperature_entity": "sensor.tank",
    "demand_entity": "sensor.demand",
    "volume": 300,
    "target_temperature": 50,
    "hysteresis": 4,
    "limit_temperature": 65,
    "comfort_minimum": 40,
    "max_heat_power": 3,
    "path": {"valve_position": "on", "valve_travel_time": 1, "overrun_time": 5},
}


@pytest.fixture(autouse=True)
async def helpers(hass: HomeAssistant) -> None:
    await set_up_helpers(hass)


@pytest.fixture
def calls(hass: HomeAssistant) -> list[str]:
    """Return what is commanded from now on, as a list that grows."""
    told: list[str] = []

    @callback
    def heard(event: Event[Any]) -> None:
        entity = event.data["service_data"].get("entity_id")
        if entity in (SWITCH, LIMIT, PERCENT, MODE):
            told.append(entity)

    hass.bus.async_listen("call_service", heard)
    return told


async def test_switch_and_limit(
    hass: HomeAssistant, site: ConfigEntry, calls: list[str]
) -> None:
    """A miner that works from its lowest limit on, and else is off."""
    form = composed_form(power_switch=SWITCH, power_limit=LIMIT)
    house = await compose(hass, site, form, SETTINGS)
    assert house.of(SWITCH) == "off"
    assert house.state("power_state", "select") == "off"
    assert calls == []
    for chosen, switch, limit, told in (
        ("full", "on", 3000, [LIMIT, SWITCH]),
        ("eco", "on", 1500, [LIMIT]),
        ("standby", "off", 1000, [LIMIT, SWITCH]),
        ("eco", "on", 1500, [LIMIT, SWITCH]),
        ("off", "off", 1000, [LIMIT, SWITCH]),
        ("off", "off", 1000, []),
        ("full", "on", 3000, [LIMIT, SWITCH]),
        ("full", "on", 3000, []),
    ):
        calls.clear()
        await house.choose(chosen)
        await house.poll()
        assert (house.of(SWITCH), float(house.of(LIMIT))) == (switch, limit), chosen
        assert calls == told, chosen
        assert house.state("problem", "binary_sensor") == "off"

    await house.draw(2900)
    await house.poll()
    assert float(house.state("power", "sensor")) == pytest.approx(2900)
    assert float(house.state("power_limit", "sensor")) == 3000
    assert house.state("power_state", "sensor") == "full"
    assert house.state("heater", "climate") == "heat"


async def test_limit_in_percent(
    hass: HomeAssistant, site: ConfigEntry, calls: list[str]
) -> None:
    """It idles at 0 %, and takes what is next below in its steps."""
    form = composed_form(power_limit=PERCENT, rated_power=2000)
    settings = SETTINGS | {"eco_power": 930, "full_power": 2000}
    house = await compose(hass, site, form, settings)
    select = hass.states.get(house.entity_id("power_state", "select"))
    assert select is not None
    assert select.attributes["options"] == ["standby", "eco", "full"]
    for chosen, percent in (("eco", 45), ("full", 100), ("eco", 45), ("standby", 0)):
        await house.choose(chosen)
        assert float(house.of(PERCENT)) == percent
        calls.clear()
        await house.poll()
        await house.poll()
        assert calls == []
        assert house.state("problem", "binary_sensor") == "off"
    limit = house.entity_id("power_limit", "number")
    await house.choose("full")
    await house.call(limit, "set_value", value=1330)
    assert float(house.of(PERCENT)) == 65


@pytest.mark.parametrize("eco", [True, False])
async def test_modes(
    hass: HomeAssistant,
    site: ConfigEntry,
    *,
    monkeypatch: pytest.MonkeyPatch,
    eco: bool,
) -> None:
    """Each mode that was named is a level; without one for eco, that is the next."""
    monkeypatch.setattr(heater_coordinator, "_RETRY_S", 0)
    modes = MODES if eco else {"off": "Sleep", "full": "Heating"}
    house = await compose(hass, site, composed_form(mode_select=MODE), modes, SETTINGS)
    for chosen, mode in (
        ("full", "Heating"),
        ("eco", "Night" if eco else "Heating"),
        ("standby", "Sleep"),
        ("full", "Heating"),
        ("off", "Sleep"),
    ):
        await house.choose(chosen)
        assert house.of(MODE) == mode
        await house.poll()
    # What somebody else chooses is taken back.
    await house.choose("full")
    await house.call(MODE, "select_option", option="Night")
    await house.poll()
    assert house.of(MODE) == "Heating"
    await house.draw(2000)
    await house.poll()
    assert house.state("power_state", "sensor") == ("eco" if eco else "full")


async def test_mode_of_standby(hass: HomeAssistant, site: ConfigEntry) -> None:
    """Where it has a standby, "no heat wanted" does not switch it off."""
    form = composed_form(power_switch=SWITCH, power_limit=LIMIT, mode_select=MODE)
    modes = {"standby": "Sleep", "full": "Heating"}
    settings = SETTINGS | {"standby_power": 50}
    house = await compose(hass, site, form, modes, settings)
    climate = house.entity_id("heater", "climate")
    await house.choose("full")
    assert (house.of(SWITCH), house.of(MODE)) == ("on", "Heating")
    await house.call(climate, "set_hvac_mode", hvac_mode="off")
    assert (house.of(SWITCH), house.of(MODE)) == ("on", "Sleep")
    assert house.state("power_state", "select") == "standby"
    await house.poll()
    assert house.state("problem", "binary_sensor") == "off"
    assert float(house.state("power_limit", "sensor")) == 50
    await house.draw(20)
    await house.poll()
    assert house.state("power_state", "sensor") == "standby"
    await house.choose("off")
    assert house.of(SWITCH) == "off"


async def test_follows_the_demand(hass: HomeAssistant, site: ConfigEntry) -> None:
    """Nothing between off and the lowest limit is asked of it."""

    async def demand(percent: float) -> None:
        hass.states.async_set(
            "sensor.demand", str(percent), {"unit_of_measurement": "%"}
        )
        await hass.async_block_till_done()
        await house.coordinator.async_finish()
        await house.poll()

    hass.states.async_set("sensor.tank", "45", {"unit_of_measurement": "°C"})
    hass.states.async_set("sensor.demand", "0", {"unit_of_measurement": "%"})
    form = composed_form(power_switch=SWITCH, power_limit=LIMIT)
    house = await compose(hass, site, form, SETTINGS)
    await add_subentry(hass, site, "sink", {"next_step_id": "dhw"}, TANK)
    for percent, switch, limit in (
        (0, "off", 1000),
        (70, "on", 2100),
        (100, "on", 3000),
        (0, "off", 1000),
    ):
        await demand(percent)
        assert (house.of(SWITCH), float(house.of(LIMIT))) == (switch, limit), percent
    # Lost from sight it gives no heat that could be counted on.
    hass.states.async_set(SWITCH, "unavailable")
    hass.states.async_set(LIMIT, "unavailable")
    await house.poll()
    assert house.state("heater", "climate") == "unavailable"
    assert house.coordinator.available is False


async def test_too_hot(hass: HomeAssistant, site: ConfigEntry) -> None:
    """One temperature is enough to be guarded, in °F too; without it, standby."""
    form = composed_form(
        power_switch=SWITCH,
        power_limit=LIMIT,
        measurements={"power": POWER, "coolant": "input_number.hot"},
    )
    house = await compose(hass, site, form, SETTINGS)
    await house.choose("full")
    assert house.of(SWITCH) == "on"
    assert float(house.state("coolant_temperature", "sensor")) == pytest.approx(40)
    entities = er.async_entries_for_config_entry(er.async_get(hass), site.entry_id)
    keys = {entity.unique_id.rpartition(house.heater_id)[2] for entity in entities}
    assert {"_coolant_temperature", "_overheating"} <= keys
    assert not {"_supply_temperature", "_flow", "_thermal_power", "_efficiency"} & keys
    await house.call("input_number.hot", "set_value", value=150)
    await house.poll()
    assert house.of(SWITCH) == "off"
    assert house.state("reason", "sensor") == "over_temperature"
    await house.call("input_number.hot", "set_value", value=104)
    await house.poll()
    assert house.of(SWITCH) == "on"


async def test_slider_that_jumps_back(hass: HomeAssistant, site: ConfigEntry) -> None:
    """The person who moved it is told, and the problem shows until it is solved."""

    @callback
    def too_much(event: Event[Any]) -> None:
        state = event.data["new_state"]
        if event.data["entity_id"] == LIMIT and float(state.state) > 2000:
            hass.states.async_set(LIMIT, "2000.0", state.attributes)

    hass.bus.async_listen("state_changed", too_much)
    form = composed_form(power_switch=SWITCH, power_limit=LIMIT)
    house = await compose(hass, site, form, SETTINGS)
    house.coordinator.driver._verify_s = 0.1
    with pytest.raises(HomeAssistantError, match="3000 but shows 2000"):
        await house.choose("full")
    assert house.state("problem", "binary_sensor") == "on"
    await house.choose("eco")
    await house.poll()
    assert house.state("problem", "binary_sensor") == "off"


async def test_events_hasten_the_poll(hass: HomeAssistant, site: ConfigEntry) -> None:
    """A change at the device shows without waiting for the next poll."""
    house = await compose(hass, site, composed_form(power_switch=SWITCH), SETTINGS)
    house.coordinator._debounced_refresh.cooldown = 0
    await house.draw(1234)
    await hass.async_block_till_done(wait_background_tasks=False)
    await house.coordinator.async_refresh()
    assert float(house.state("power", "sensor")) == pytest.approx(1234)


async def test_renamed_entities(hass: HomeAssistant, site: ConfigEntry) -> None:
    """They are followed, and the heater stays the one that it is."""
    registry = er.async_get(hass)
    entity = registry.async_get_or_create(
        "switch", "miner", "1", suggested_object_id="miner"
    )
    hass.states.async_set("switch.miner", "off")
    house = await compose(
        hass, site, composed_form(power_switch="switch.miner"), SETTINGS
    )
    uuid = site.subentries[house.heater_id].unique_id
    hass.states.async_remove("switch.miner")
    registry.async_update_entity(entity.entity_id, new_entity_id="switch.oven")
    hass.states.async_set("switch.oven", "off")
    await hass.async_block_till_done()
    heater = site.subentries[house.heater_id]
    assert heater.data["entities"]["power_switch"] == "switch.oven"
    assert heater.unique_id == uuid
    await house.poll()
    assert house.coordinator.available
    assert house.coordinator.data.is_on is False


async def test_reload_writes_nothing(
    hass: HomeAssistant, site: ConfigEntry, calls: list[str]
) -> None:
    form = composed_form(power_switch=SWITCH, power_limit=LIMIT)
    house = await compose(hass, site, form, SETTINGS)
    await house.choose("eco")
    calls.clear()
    assert await hass.config_entries.async_reload(site.entry_id)
    await hass.async_block_till_done()
    await house.poll()
    assert calls == []
    assert (house.of(SWITCH), float(house.of(LIMIT))) == ("on", 1500)


@pytest.mark.parametrize("how", ["disable", "remove", "stop"])
@pytest.mark.parametrize(
    ("steering", "modes", "left"),
    [
        ({"power_switch": SWITCH, "power_limit": LIMIT}, None, ("off", 1000, "Sleep")),
        ({"power_limit": PERCENT, "rated_power": 3000}, None, ("off", 1000, "Sleep")),
        ({"mode_select": MODE}, MODES, ("off", 1000, "Sleep")),
        (
            {"power_switch": SWITCH, "mode_select": MODE},
            {"standby": "Night", "full": "Heating"},
            ("on", 1000, "Night"),
        ),
    ],
)
async def test_release(
    hass: HomeAssistant,
    site: ConfigEntry,
    *,
    steering: dict[str, Any],
    modes: dict[str, str] | None,
    left: tuple[str, float, str],
    how: str,
) -> None:
    """Left to itself it stands by, or is off where it cannot stand by."""
    steps = [composed_form(**steering), *([modes] if modes else []), SETTINGS]
    house = await compose(hass, site, *steps)
    await house.choose("full")
    await house.poll()
    if how == "disable":
        await hass.config_entries.async_set_disabled_by(
            site.entry_id, ConfigEntryDisabler.USER
        )
    elif how == "remove":
        await hass.config_entries.async_remove(site.entry_id)
    else:
        await hass.async_stop(force=True)
    assert (house.of(SWITCH), float(house.of(LIMIT)), house.of(MODE)) == left
    assert float(house.of(PERCENT)) == 0


async def test_diagnostics(hass: HomeAssistant, site: ConfigEntry) -> None:
    """Errors and entities are told; there is no address to hide."""
    form = composed_form(power_switch=SWITCH, power_limit=LIMIT)
    house = await compose(hass, site, form, SETTINGS)
    house.coordinator.driver._verify_s = 0.01

    async def ignore(_call: Any) -> None:
        """Do nothing."""

    hass.services.async_register("input_number", "set_value", ignore)
    with pytest.raises(HomeAssistantError):
        await house.choose("full")
    data = await async_get_config_entry_diagnostics(hass, site)
    heater = data["heaters"][house.heater_id]
    assert "set to 3000 but shows 1000" in heater["command_error"]
    assert heater["writes"] == 1
    subentry = data["subentries"][house.heater_id]["data"]
    assert subentry["entities"]["power_switch"] == SWITCH
    assert subentry["identity"]["uuid"] == "**REDACTED**"


async def test_two_heaters_share_the_work(
    hass: HomeAssistant, site: ConfigEntry
) -> None:
    """Each is steered by its own driver, whatever that is."""
    hass.states.async_set("sensor.tank", "45", {"unit_of_measurement": "°C"})
    hass.states.async_set("sensor.demand", "100", {"unit_of_measurement": "%"})
    first = await compose(
        hass, site, composed_form(power_switch=SWITCH, power_limit=LIMIT), SETTINGS
    )
    second = await compose(
        hass, site, composed_form(name="Oven", mode_select=MODE), MODES, SETTINGS
    )
    tank = TANK | {"max_heat_power": 5}
    await add_subentry(hass, site, "sink", {"next_step_id": "dhw"}, tank)
    for house in (first, second):
        await house.coordinator.async_finish()
    expected = [float(first.of(LIMIT)) if first.of(SWITCH) == "on" else 0.0]
    expected.append({"Sleep": 0, "Night": 1500, "Heating": 3000}[second.of(MODE)])
    assert sum(expected) == pytest.approx(5000, abs=100)
    share = hass.states.get(entity_id(hass, site, "", "heat_demand", "sensor"))
    assert share is not None
    assert float(share.state) == pytest.approx(5)

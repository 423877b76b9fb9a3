"""The driver of composed heaters on real entities, with a clock that the test turns."""

from collections.abc import Mapping
from typing import Any

import pytest

from custom_components.compute_heater.entity_port import HassEntityPort
from custom_components.compute_heater.heaters.composed import (
    ComposedHeater,
    ComposedSettings,
)
from custom_components.compute_heater.heaters.model import (
    Command,
    HeaterConnectionError,
    HeaterProtocolError,
    HeaterRefusedError,
    PowerState,
)
from homeassistant.core import HomeAssistant, ServiceCall, callback
from homeassistant.exceptions import HomeAssistantError

from .helpers import LIMIT, MODE, PERCENT, POWER, SWITCH, set_up_helpers

LEVELS = {PowerState.STANDBY: 50.0, PowerState.ECO: 1500.0, PowerState.FULL: 3000.0}
MODES = {
    PowerState.STANDBY: "Sleep",
    PowerState.ECO: "Night",
    PowerState.FULL: "Heating",
}
DEVICE_LIMIT = "number.device_limit"
# A device of its own: gone without power, and with a mind of its own.
DEVICE: dict[str, Any] = {
    "number": [
        {
            "name": "Device limit",
            "state": "{{ states('input_number.limit') }}",
            "min": 1000,
            "max": 3000,
            "step": 100,
            "unit_of_measurement": "W",
            "availability": "{{ is_state('input_boolean.plug', 'on')"
            " and is_state('input_boolean.offline', 'off') }}",
            "set_value": [
                {
                    "action": "input_number.set_value",
                    "target": {"entity_id": LIMIT},
                    "data": {"value": "{{ [value, 2000] | min }}"},
                }
            ],
        }
    ]
}


class Bench:
    """A heater of real entities and what can happen to it."""

    def __init__(self, hass: HomeAssistant, **settings: Any) -> None:
        self.hass = hass
        self.now = 0.0
        self.heater = ComposedHeater(
            HassEntityPort(hass),
            ComposedSettings(
                **{"uuid": "u", "name": "Miner", "levels_w": LEVELS} | settings
            ),
            verify_s=0.2,
            boot_s=60,
            clock=lambda: self.now,
        )

    def of(self, entity: str) -> str:
        state = self.hass.states.get(entity)
        assert state is not None
        return state.state

    async def set(self, entity: str, value: float | str | bool) -> None:
        """Change an entity as a person or the device does."""
        await HassEntityPort(self.hass).call(entity, value)
        await self.hass.async_block_till_done()

    async def draw(self, watts: float) -> None:
        await self.set("input_number.draw", watts)

    async def told(self, watts: float | None = None, *, on: bool = True) -> None:
        await self.heater.apply(Command(on=on, power_limit_w=watts))


@pytest.fixture(autouse=True)
async def helpers(hass: HomeAssistant) -> None:
    await set_up_helpers(hass, DEVICE)


async def test_who_and_what(hass: HomeAssistant) -> None:
    """Ranges are taken from the entities, and watts from the rated power."""
    heater = Bench(hass, power_limit=PERCENT, rated_w=2000).heater
    identity, found = await heater.connect()
    assert (identity.uuid, identity.name) == ("u", "Miner")
    assert (found.floor_w, found.max_w, found.step_w) == (0, 2000, 100)
    assert (found.can_cap, found.can_switch, found.has_coolant) == (True, False, False)
    assert not found.works_at_floor

    bench = Bench(hass, power_switch=SWITCH, power_limit=LIMIT, supply="sensor.x")
    _, found = await bench.heater.connect()
    assert (found.floor_w, found.max_w, found.step_w) == (1000, 3000, 100)
    assert (found.can_cap, found.can_switch, found.has_coolant) == (True, True, False)
    assert found.works_at_floor
    assert found.can_read("supply_c")
    assert not found.can_read("return_c")

    _, found = await Bench(hass, mode_select=MODE, modes=MODES).heater.connect()
    assert (found.can_cap, found.can_switch) == (False, False)
    assert found.levels == ("standby", "eco", "full")


@pytest.mark.parametrize(
    ("unit", "low", "high"),
    [("A", 0, 10), (None, 0, 4), ("%", 0, 100), ("W", -5, 5), ("W", 5, 5)],
)
async def test_what_is_no_power_limit(
    hass: HomeAssistant, unit: str | None, low: float, high: float
) -> None:
    hass.states.async_set(
        "number.odd", "1", {"unit_of_measurement": unit, "min": low, "max": high}
    )
    with pytest.raises(HeaterProtocolError, match=r"number\.odd"):
        await Bench(hass, power_limit="number.odd").heater.connect()


async def test_nothing_there(hass: HomeAssistant) -> None:
    bench = Bench(hass, power_switch="switch.gone")
    with pytest.raises(HeaterConnectionError, match=r"no switch\.gone"):
        await bench.heater.connect()
    with pytest.raises(HeaterConnectionError, match=r"switch\.gone"):
        await bench.heater.read()
    with pytest.raises(HeaterConnectionError, match=r"switch\.gone"):
        await bench.told(on=False)


async def test_units(hass: HomeAssistant) -> None:
    """°F, kW, Wh and m³/h become what a reading has, and heat comes out of them."""
    bench = Bench(
        hass,
        power_switch=SWITCH,
        power=POWER,
        energy="sensor.meter",
        supply="input_number.hot",
        return_="input_number.cold",
        coolant="input_number.hot",
        flow="input_number.water",
    )
    hass.states.async_set("sensor.meter", "12500", {"unit_of_measurement": "Wh"})
    await bench.draw(1234)
    await bench.set("input_number.water", 6)
    reading = await bench.heater.read()
    assert reading.power_w == pytest.approx(1234)
    assert reading.energy_kwh == pytest.approx(12.5)
    assert reading.supply_c == pytest.approx(40)
    assert reading.coolant_c == pytest.approx(40)
    assert reading.return_c == 30
    assert reading.heat_w == pytest.approx(6 / 60 * 4186 * 10)
    await bench.set("input_number.cold", 41)
    assert (await bench.heater.read()).heat_w == 0


async def test_unavailable_is_unknown(hass: HomeAssistant) -> None:
    """Never 0, at once for the power; and a unit that is none of its kind, too."""
    bench = Bench(hass, power_switch=SWITCH, power=POWER, supply="input_number.water")
    await bench.draw(800)
    assert (await bench.heater.read()).power_w == pytest.approx(800)
    await bench.set("input_boolean.offline", True)
    reading = await bench.heater.read()
    assert reading.power_w is None
    assert reading.supply_c is None
    assert reading.heat_w is None
    assert reading.energy_kwh is None
    assert reading.problem is False
    hass.states.async_remove(POWER)
    assert (await bench.heater.read()).power_w is None


@pytest.mark.parametrize(
    "alarm", ["binary_sensor.miner_alarm", "binary_sensor.miner_heat"]
)
async def test_alarm(hass: HomeAssistant, alarm: str) -> None:
    """Any alarm is a problem, and one of heat stops the heating."""
    bench = Bench(hass, power_switch=SWITCH, alarm=alarm)
    is_heat = alarm.endswith("heat")
    reading = await bench.heater.read()
    assert (reading.problem, reading.overheating) == (False, False if is_heat else None)
    await bench.set("input_boolean.alarm", True)
    reading = await bench.heater.read()
    assert (reading.problem, reading.overheating) == (True, True if is_heat else None)
    hass.states.async_set(alarm, "unavailable")
    reading = await bench.heater.read()
    assert (reading.problem, reading.overheating) == (False, None)


async def test_switch_only(hass: HomeAssistant) -> None:
    bench = Bench(hass, power_switch=SWITCH)
    for on, writes in ((True, 1), (True, 1), (False, 2), (False, 2)):
        await bench.told(on=on)
        assert bench.of(SWITCH) == ("on" if on else "off")
        assert bench.heater.writes == writes
        reading = await bench.heater.read()
        assert (reading.is_on, reading.is_changing) == (on, False)


async def test_machine_that_shuts_down(hass: HomeAssistant) -> None:
    """It is told once and given its time; then it is reported, and told again."""
    bench = Bench(hass, power_switch="switch.pc", switch_s=90)
    told: list[str] = []

    async def note(call: ServiceCall) -> None:
        told.append(call.service)

    for service in ("turn_on", "turn_off"):
        hass.services.async_register("switch", service, note)
    hass.states.async_set("switch.pc", "on")
    await bench.told(on=False)
    bench.now = 89
    await bench.told(on=False)
    reading = await bench.heater.read()
    assert (reading.is_on, reading.is_changing, reading.problem) == (True, True, False)
    assert told == ["turn_off"]
    bench.now = 90
    with pytest.raises(HeaterRefusedError, match="set to off but shows on"):
        await bench.told(on=False)
    await bench.told(on=False)
    assert told == ["turn_off", "turn_off"]
    hass.states.async_set("switch.pc", "off")
    reading = await bench.heater.read()
    assert (reading.is_on, reading.is_changing) == (False, False)

    await bench.told()
    reading = await bench.heater.read()
    assert (reading.is_on, reading.is_changing) == (False, True)
    hass.states.async_set("switch.pc", "on")
    reading = await bench.heater.read()
    assert (reading.is_on, reading.is_changing) == (True, False)
    assert told == ["turn_off", "turn_off", "turn_on"]


async def test_limit_only(hass: HomeAssistant) -> None:
    """It can be lowered to its lowest, and says that it cannot be switched off."""
    bench = Bench(hass, power_limit=PERCENT, rated_w=3000)
    for watts, percent in ((3000, 100), (1530, 50), (1500, 50), (149, 0), (None, 100)):
        await bench.told(watts)
        assert float(bench.of(PERCENT)) == percent
        reading = await bench.heater.read()
        assert reading.power_limit_w == percent * 30
        assert reading.is_on is True
    with pytest.raises(HeaterRefusedError, match="not switched off"):
        await bench.told(on=False)
    assert float(bench.of(PERCENT)) == 0


async def test_modes_only(hass: HomeAssistant) -> None:
    """The mode is the highest that keeps to the limit; others are nobody's."""
    modes = {
        PowerState.OFF: "Sleep",
        PowerState.ECO: "Night",
        PowerState.FULL: "Heating",
    }
    bench = Bench(hass, mode_select=MODE, modes=modes)
    for watts, mode, held in (
        (1500, "Night", 1500),
        (2999, "Night", 1500),
        (3000, "Heating", 3000),
        (100, "Night", 1500),
        (None, "Heating", 3000),
    ):
        await bench.told(watts)
        assert bench.of(MODE) == mode
        assert (await bench.heater.read()).power_limit_w == held
    await bench.told(on=False)
    assert bench.of(MODE) == "Sleep"
    reading = await bench.heater.read()
    assert (reading.is_on, reading.power_limit_w) == (False, None)
    writes = bench.heater.writes
    await bench.told(on=False)
    assert bench.heater.writes == writes

    bench = Bench(hass, mode_select=MODE, modes={PowerState.FULL: "Heating"})
    reading = await bench.heater.read()
    assert (reading.is_on, reading.power_limit_w) == (True, None)


async def test_mode_and_limit(hass: HomeAssistant) -> None:
    """Standby is the mode; the mode never holds it further down than the limit."""
    bench = Bench(hass, mode_select=MODE, modes=MODES, power_limit=LIMIT)
    for watts, mode, limit, held in (
        (50, "Sleep", 1000, 50),
        (1200, "Night", 1200, 1200),
        (1600, "Heating", 1600, 1600),
        (None, "Heating", 3000, 3000),
        (1400, "Night", 1400, 1400),
    ):
        await bench.told(watts)
        assert (bench.of(MODE), float(bench.of(LIMIT))) == (mode, limit)
        assert (await bench.heater.read()).power_limit_w == held
    # Somebody else's choice of mode shows in the limit.
    await bench.set(LIMIT, 3000)
    assert (await bench.heater.read()).power_limit_w == 1500
    with pytest.raises(HeaterRefusedError, match="not switched off"):
        await bench.told(on=False)
    assert (bench.of(MODE), float(bench.of(LIMIT))) == ("Sleep", 1000)


async def test_order(hass: HomeAssistant) -> None:
    """Up: power, limit, work. Down: work, limit, power."""
    bench = Bench(
        hass, power_switch=SWITCH, power_limit=LIMIT, mode_select=MODE, modes=MODES
    )
    told: list[str] = []

    @callback
    def heard(event: Any) -> None:
        told.append(event.data["service_data"]["entity_id"])

    hass.bus.async_listen("call_service", heard)
    await bench.told(3000)
    await hass.async_block_till_done()
    # The limit before the switch, too, so that it does not start with another one.
    assert told == [LIMIT, SWITCH, MODE]
    told.clear()
    await bench.told(1200)
    await hass.async_block_till_done()
    assert told == [MODE, LIMIT]
    told.clear()
    await bench.told(on=False)
    await hass.async_block_till_done()
    assert told == [MODE, LIMIT, SWITCH]
    assert (bench.of(MODE), float(bench.of(LIMIT))) == ("Sleep", 1000)


async def test_ramp(hass: HomeAssistant) -> None:
    """Going up takes its time, going down does not."""
    bench = Bench(hass, power_switch=SWITCH, power_limit=LIMIT, ramp_w_per_s=50)
    await bench.set(LIMIT, 2500)
    await bench.told(2000)
    assert (bench.of(SWITCH), float(bench.of(LIMIT))) == ("on", 1000)
    for now, limit in ((1, 1000), (2, 1100), (11, 1500), (12, 1600)):
        bench.now = now
        reading = await bench.heater.read()
        assert float(bench.of(LIMIT)) == limit
        assert (reading.power_limit_w, reading.is_changing) == (limit, True)
    # The same command again neither hastens it nor begins anew.
    await bench.told(2000)
    assert float(bench.of(LIMIT)) == 1600
    bench.now = 1000
    reading = await bench.heater.read()
    assert (reading.power_limit_w, reading.is_changing) == (2000, False)
    await bench.told(1300)
    assert float(bench.of(LIMIT)) == 1300
    await bench.told(3000)
    assert float(bench.of(LIMIT)) == 1300
    bench.now += 10
    await bench.heater.close()
    await bench.heater.read()
    assert float(bench.of(LIMIT)) == 1300


async def test_boot(hass: HomeAssistant) -> None:
    """What is only there with power is waited for, and what it forgot is set again."""
    bench = Bench(hass, power_switch=SWITCH, power_limit=DEVICE_LIMIT, power=POWER)
    reading = await bench.heater.read()
    assert (reading.is_on, reading.problem) == (False, False)
    await bench.set("input_boolean.offline", True)
    await bench.told(1500)
    assert bench.of(SWITCH) == "on"
    reading = await bench.heater.read()
    assert (reading.is_changing, reading.problem) == (True, False)
    assert reading.power_limit_w is None
    bench.now = 59
    await bench.told(1500)
    await bench.set("input_boolean.offline", False)
    reading = await bench.heater.read()
    assert (reading.is_changing, reading.power_limit_w) == (False, 1500)
    assert float(bench.of(LIMIT)) == 1500

    # Power was cut meanwhile, and it is at 1000 W after that.
    await bench.set(SWITCH, False)
    await bench.set(LIMIT, 1000)
    await bench.told(1500)
    await bench.heater.read()
    assert float(bench.of(LIMIT)) == 1500


async def test_boot_that_does_not_end(hass: HomeAssistant) -> None:
    bench = Bench(hass, power_switch=SWITCH, power_limit=DEVICE_LIMIT)
    await bench.set("input_boolean.offline", True)
    await bench.told(1500)
    bench.now = 60
    reading = await bench.heater.read()
    assert (reading.is_changing, reading.problem) == (False, True)
    await bench.told(1500)
    bench.now = 120
    with pytest.raises(HeaterRefusedError, match="still unavailable"):
        await bench.told(1500)
    # It can be switched off all the same.
    await bench.told(on=False)
    assert bench.of(SWITCH) == "off"


async def test_ramp_after_a_boot(hass: HomeAssistant) -> None:
    """A device that wakes up with a high limit is lowered before it is raised."""
    bench = Bench(hass, power_switch=SWITCH, power_limit=DEVICE_LIMIT, ramp_w_per_s=100)
    await bench.set(LIMIT, 2000)
    await bench.told(2000)
    await hass.async_block_till_done()
    await bench.heater.read()
    assert float(bench.of(LIMIT)) == 1000
    bench.now = 5
    await bench.heater.read()
    assert float(bench.of(LIMIT)) == 1500


async def test_slider_that_jumps_back(hass: HomeAssistant) -> None:
    """A value that the device changes is reported, at once or at the next try."""
    bench = Bench(hass, power_switch=SWITCH, power_limit=DEVICE_LIMIT)
    await bench.set(SWITCH, True)
    with pytest.raises(HeaterRefusedError, match="set to 3000 but shows 2000"):
        await bench.told(3000)
    await bench.told(1500)
    await bench.set(LIMIT, 1100)
    with pytest.raises(HeaterRefusedError, match="1500 but went back to 1100"):
        await bench.told(1500)
    assert float(bench.of(LIMIT)) == 1500
    await bench.told(1500)
    await bench.told(1800)


async def test_refused(hass: HomeAssistant) -> None:
    """What the integration behind an entity says is passed on."""

    async def fail(call: ServiceCall) -> None:
        raise HomeAssistantError("the miner is tuning")

    bench = Bench(hass, power_switch=SWITCH, mode_select=MODE, modes=MODES)
    hass.services.async_register("input_select", "select_option", fail)
    with pytest.raises(HeaterRefusedError, match="the miner is tuning"):
        await bench.told(3000)
    assert bench.of(SWITCH) == "on"
    # A mode that it does not take does not keep it on.
    await bench.set("input_boolean.alarm", False)
    hass.states.async_set(MODE, "Heating")
    await bench.told(on=False)
    assert bench.of(SWITCH) == "off"


async def test_mode_of_off_that_is_refused(hass: HomeAssistant) -> None:
    """Without a switch there is nothing else to stop it with."""
    modes = {PowerState.OFF: "Asleep", PowerState.FULL: "Heating"}
    bench = Bench(hass, mode_select=MODE, modes=modes)
    await bench.told()
    with pytest.raises(HeaterRefusedError, match="Asleep"):
        await bench.told(on=False)
    reading = await bench.heater.read()
    assert (reading.is_on, reading.is_changing) == (True, False)


async def test_what_goes_away_while_it_is_steered(hass: HomeAssistant) -> None:
    """A device that reboots in the midst of it is named."""

    async def away(call: ServiceCall) -> None:
        for entity in (LIMIT, MODE):
            hass.states.async_set(entity, "unavailable", {"unit_of_measurement": "W"})

    bench = Bench(hass, power_limit=LIMIT, mode_select=MODE, modes=MODES)
    ranged = hass.states.get(LIMIT)
    assert ranged is not None

    async def mode_only(call: ServiceCall) -> None:
        hass.states.async_set(LIMIT, str(call.data["value"]), ranged.attributes)
        hass.states.async_set(MODE, "unavailable")

    hass.services.async_register("input_number", "set_value", mode_only)
    with pytest.raises(HeaterRefusedError, match=rf"{MODE} is unavailable"):
        await bench.told(3000)
    hass.services.async_register("input_number", "set_value", away)
    hass.states.async_set(MODE, "Heating")
    with pytest.raises(HeaterRefusedError, match="1000 but shows nothing"):
        await bench.told(on=False)


async def test_refused_while_nobody_commands(hass: HomeAssistant) -> None:
    """A step of a ramp that fails is a problem, and no lost reading."""
    bench = Bench(hass, power_limit=LIMIT, ramp_w_per_s=100)
    await bench.told(2000)

    async def ignore(call: ServiceCall) -> None:
        """Do nothing."""

    hass.services.async_register("input_number", "set_value", ignore)
    bench.now = 5
    reading = await bench.heater.read()
    assert (reading.problem, reading.is_changing) == (True, False)
    assert reading.power_limit_w == 1000
    assert (await bench.heater.read()).problem is False


async def test_call_that_does_not_end(
    hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("custom_components.compute_heater.entity_port._CALL_S", 0.05)
    from asyncio import Event

    async def hang(call: ServiceCall) -> None:
        await Event().wait()

    hass.services.async_register("input_boolean", "turn_on", hang)
    bench = Bench(hass, power_switch=SWITCH)
    with pytest.raises(HeaterConnectionError, match="did not answer"):
        await bench.told()


async def test_limits_that_changed(hass: HomeAssistant) -> None:
    """What the number does not take any more is reported once it is as near as it can."""
    bench = Bench(hass, power_limit=LIMIT)
    with pytest.raises(HeaterRefusedError, match="no less than 1000 W"):
        await bench.told(300)
    assert float(bench.of(LIMIT)) == 1000
    with pytest.raises(HeaterRefusedError, match="no more than 3000 W"):
        await bench.told(4000)
    assert float(bench.of(LIMIT)) == 3000


def mains(hass: HomeAssistant, **settings: Any) -> Bench:
    """Return a heater whose plug must not be opened under load."""
    values: Mapping[str, Any] = {
        "power_switch": SWITCH,
        "power_limit": LIMIT,
        "power": POWER,
        "cuts_mains": True,
    }
    return Bench(hass, **values | settings)


@pytest.fixture
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let commands leave the waiting to the readings."""
    monkeypatch.setattr(
        "custom_components.compute_heater.heaters.composed.UNLOAD_PATIENCE_S", 0
    )


@pytest.mark.usefixtures("no_patience")
async def test_mains_are_not_cut_under_load(hass: HomeAssistant) -> None:
    """The switch waits for the load, not only for the limit."""
    bench = mains(hass)
    await bench.told(3000)
    await bench.draw(2900)
    await bench.told(on=False)
    reading = await bench.heater.read()
    assert (bench.of(SWITCH), float(bench.of(LIMIT))) == ("on", 1000)
    assert (reading.is_on, reading.is_changing, reading.problem) == (True, True, False)
    # Just at a quarter of full power.
    await bench.draw(750)
    await bench.heater.read()
    assert bench.of(SWITCH) == "on"
    await bench.draw(749)
    reading = await bench.heater.read()
    assert bench.of(SWITCH) == "off"
    assert (reading.is_on, reading.is_changing, reading.problem) == (
        False,
        False,
        False,
    )


@pytest.mark.usefixtures("no_patience")
@pytest.mark.parametrize("unknown", [False, True])
async def test_load_that_stays(hass: HomeAssistant, unknown: bool) -> None:
    """After its time the switch stays on, a problem is reported, and it goes on."""
    bench = mains(hass)
    await bench.told(3000)
    await bench.draw(2900)
    await bench.set("input_boolean.offline", unknown)
    await bench.told(on=False)
    bench.now = 119
    assert (await bench.heater.read()).problem is False
    bench.now = 120
    reading = await bench.heater.read()
    assert (reading.is_on, reading.is_changing, reading.problem) == (True, True, True)
    what = "an unknown power" if unknown else "2900 W"
    with pytest.raises(HeaterRefusedError, match=f"stays on.*{what}"):
        await bench.told(on=False)
    assert bench.of(SWITCH) == "on"
    await bench.set("input_boolean.offline", False)
    await bench.draw(10)
    reading = await bench.heater.read()
    assert bench.of(SWITCH) == "off"
    assert reading.problem is False


async def test_command_waits_for_the_load(hass: HomeAssistant) -> None:
    """A load that falls soon is waited for, so that a release gets it off."""
    bench = mains(hass)
    await bench.told(3000)
    await bench.draw(2900)

    async def follow(event: Any) -> None:
        if event.data["entity_id"] == LIMIT:
            await bench.draw(100)

    hass.bus.async_listen("state_changed", follow)
    await bench.told(on=False)
    assert bench.of(SWITCH) == "off"


@pytest.mark.usefixtures("no_patience")
async def test_heat_again_before_it_was_off(hass: HomeAssistant) -> None:
    """A command to heat ends the waiting."""
    bench = mains(hass)
    await bench.told(3000)
    await bench.draw(2900)
    await bench.told(on=False)
    await bench.told(2000)
    await bench.draw(10)
    await bench.heater.read()
    assert (bench.of(SWITCH), float(bench.of(LIMIT))) == ("on", 2000)


@pytest.mark.usefixtures("no_patience")
async def test_mode_rests_before_mains_are_cut(hass: HomeAssistant) -> None:
    bench = mains(
        hass,
        power_limit=None,
        mode_select=MODE,
        modes=MODES | {PowerState.OFF: "Sleep"},
    )
    await bench.told(3000)
    await bench.draw(2900)
    await bench.told(on=False)
    assert (bench.of(SWITCH), bench.of(MODE)) == ("on", "Sleep")
    await bench.draw(0)
    await bench.heater.read()
    assert bench.of(SWITCH) == "off"


async def test_switch_that_is_away(hass: HomeAssistant) -> None:
    """What is left steers on: the limit falls, and the switch is missed by name."""
    bench = Bench(hass, power_switch="switch.far", power_limit=LIMIT, power=POWER)
    hass.states.async_set("switch.far", "unavailable")
    await bench.set(LIMIT, 3000)
    reading = await bench.heater.read()
    assert (reading.is_on, reading.power_limit_w) == (None, 3000)
    for on, limit in ((True, 2000), (False, 1000)):
        with pytest.raises(HeaterRefusedError, match=r"switch\.far is unavailable"):
            await bench.told(2000, on=on)
        assert float(bench.of(LIMIT)) == limit
    await bench.set(LIMIT, 1500)
    with pytest.raises(HeaterRefusedError, match=r"switch\.far is unavailable"):
        await bench.told(2000)
    assert float(bench.of(LIMIT)) == 1500


async def test_limit_that_is_away(hass: HomeAssistant) -> None:
    """It is a problem while it should work, and none while it is off."""
    bench = Bench(hass, power_switch=SWITCH, power_limit=DEVICE_LIMIT)
    await bench.set(SWITCH, True)
    await bench.told(1500)
    await bench.set("input_boolean.offline", True)
    reading = await bench.heater.read()
    assert (reading.is_on, reading.power_limit_w, reading.problem) == (True, None, True)
    await bench.told(on=False)
    assert (await bench.heater.read()).problem is False

    alone = Bench(hass, power_limit=DEVICE_LIMIT)
    with pytest.raises(HeaterConnectionError, match="unavailable"):
        await alone.heater.read()


async def test_mode_that_is_away(hass: HomeAssistant) -> None:
    """Whether a mode is off is not known without the mode."""
    modes = {PowerState.OFF: "Sleep", PowerState.FULL: "Heating"}
    bench = Bench(hass, mode_select=MODE, modes=modes, power_limit=LIMIT)
    hass.states.async_set(MODE, "unavailable")
    reading = await bench.heater.read()
    assert (reading.is_on, reading.problem) == (None, True)
    await bench.told(2000)
    assert (await bench.heater.read()).is_changing is True

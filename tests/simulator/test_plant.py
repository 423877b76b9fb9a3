"""Heat pump, charging loop and local protection, all in fast time."""

from datetime import UTC, datetime

import pytest

from simulator.commands import Mode
from simulator.heat_pump import Status
from simulator.house import House
from simulator.parameters import DEMO, HOUSE, HouseParameters

WINTER = datetime(2026, 1, 15, tzinfo=UTC)


def house_in(parameters: HouseParameters = HOUSE, start: datetime = WINTER) -> House:
    return House(parameters, start=start, seed=1)


@pytest.mark.parametrize("month", [1, 4, 7, 10])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_heat_pump_alone_holds_comfort(month: int, seed: int) -> None:
    house = House(HOUSE, start=datetime(2026, month, 10, tzinfo=UTC), seed=seed)
    coldest_tap_c = 99.0
    for _ in range(24 * 360):
        house.step(10)
        if house.tap_lpm > 0:
            coldest_tap_c = min(coldest_tap_c, house.tank.top_c)
    assert 70 < house.account.drawn_l < 300
    assert coldest_tap_c > 40
    assert house.floor.room_c > 20
    assert house.account.comfort_violation_kh == 0
    assert house.heat_pump.heat_kwh > 5
    assert 1.5 < house.heat_pump.heat_kwh / house.heat_pump.electricity_kwh < 6


def test_without_any_source_comfort_is_lost_and_counted() -> None:
    house = house_in()
    house.commands.heat_pump_enable.own = False
    house.step(86400)
    assert house.heat_pump.heat_j == 0
    assert house.account.comfort_violation_kh > 5


def test_frost_protection_asks_nobody() -> None:
    house = house_in()
    house.commands.heat_pump_enable.own = False
    house.commands.mode.own = Mode.OFF
    house.floor.room_c = house.floor.screed_c = house.floor.buffer_c = 7.0
    house.step(10)
    assert house.heat_pump.status is Status.HEATING


def test_modes() -> None:
    for mode, dhw, heating in (
        (Mode.OFF, False, False),
        (Mode.HEATING, False, True),
        (Mode.DHW, True, False),
        (Mode.AUTO, True, True),
    ):
        house = house_in()
        house.commands.mode.own = mode
        house.tank.layers_c = [30.0] * 6
        house.floor.room_c = 19.0
        seen = set()
        for _ in range(720):
            house.step(10)
            seen.add(house.heat_pump.status)
        assert (Status.DHW in seen, Status.HEATING in seen) == (dhw, heating)
        if mode is Mode.OFF:
            assert not house.dhw_request
            assert house.commands.heat_demand_percent.value == 0


def test_heat_pump_has_its_own_lower_setpoint() -> None:
    house = house_in(DEMO)
    house.tank.layers_c = [42.0] * 4
    house.step(60)
    assert house.dhw_request
    assert not house.heat_pump.running
    house.tank.layers_c = [40.5] * 4
    house.step(60)
    assert house.heat_pump.status is Status.DHW
    for _ in range(60):
        house.step(10)
    assert not house.heat_pump.running
    assert 43 <= house.tank.top_c < 45


def test_requests_follow_the_temperatures() -> None:
    house = house_in(DEMO)
    assert not house.dhw_request
    assert house.commands.heat_demand_percent.value == 0
    house.commands.tap_lpm.own = 10
    for _ in range(30):
        house.step(1)
    house.commands.tap_lpm.own = 0
    house.floor.room_c = 20.4
    house.step(1)
    assert house.dhw_request
    assert house.commands.heat_demand_percent.value == pytest.approx(60, abs=1)
    house.tank.heat(2e6)
    house.step(1)
    assert not house.dhw_request


def test_pump_and_valve_take_their_time() -> None:
    house = house_in(HOUSE)
    loop = house.loop
    loop.pump_command = loop.valve_command_dhw = True
    house.step(1)
    assert 0 < loop.flow_lpm < 8
    assert 0 < loop.valve_position < 1
    assert not loop.valve_at_floor
    assert not loop.valve_at_dhw
    for _ in range(4):
        house.step(1)
    assert loop.flow_lpm == 8
    assert loop.valve_at_dhw
    loop.pump_command = False
    for _ in range(3):
        house.step(1)
    assert not loop.pump_running


def test_heat_goes_where_the_valve_stands() -> None:
    house = house_in(DEMO)
    house.commands.heat_pump_enable.own = False
    house.loop.pump_command = True
    house.step(10)
    tank_j, floor_j = house.tank.stored_j, house.floor.stored_j
    house.step(100, heat_j=3e5, heater_supply_c=40)
    assert house.tank.stored_j < tank_j
    assert house.floor.stored_j > floor_j + 2e5
    assert house.floor.supply_c > house.floor.return_c > house.floor.screed_c
    house.loop.valve_command_dhw = True
    house.step(10)
    tank_j = house.tank.stored_j
    house.step(100, heat_j=3e5, heater_supply_c=53)
    assert house.tank.stored_j == pytest.approx(tank_j + 3e5, rel=1e-3)
    assert house.tank.bottom_c < house.return_c < house.supply_c


def test_protection_of_the_tank_ignores_commands() -> None:
    house = house_in(DEMO)
    house.loop.valve_command_dhw = house.loop.pump_command = True
    house.tank.layers_c = [69.0] * 4
    house.step(5, heater_supply_c=58)
    assert house.loop.valve_at_dhw
    assert not house.fault
    house.step(10, heat_j=3e5, heater_supply_c=58)
    assert house.tank.top_c > 70
    house.loop.pump_command = False
    house.step(1, heat_j=3e3, heater_supply_c=58)
    assert house.fault
    screed_c, tank_j = house.floor.screed_c, house.tank.stored_j
    for _ in range(300):
        house.step(1, heat_j=3e3, heater_supply_c=58)
    assert house.loop.valve_at_floor
    assert house.loop.flow_lpm == 8
    assert house.floor.screed_c > screed_c
    # Nothing but what went in while the valve travelled.
    assert house.tank.stored_j < tank_j + 2 * 3e3
    house.commands.tap_lpm.own = 10
    for _ in range(120):
        house.step(1, heater_supply_c=50)
    assert not house.fault
    assert house.loop.valve_at_dhw


def test_protection_of_the_heater_starts_the_pump() -> None:
    house = house_in(DEMO)
    house.step(5, heater_supply_c=61)
    assert house.fault
    assert house.loop.pump_running
    assert house.loop.valve_at_floor
    for _ in range(30):
        house.step(5, heater_supply_c=56)
    assert house.fault
    # Cool water alone does not end it at once, or the valve would run to and fro.
    house.step(5, heater_supply_c=35)
    assert house.fault
    for _ in range(15):
        house.step(5, heater_supply_c=35)
    assert not house.fault
    assert not house.loop.pump_running


def test_override_wins_until_it_is_withdrawn() -> None:
    house = house_in(DEMO)
    demand = house.commands.heat_demand_percent
    demand.override = 80.0
    house.step(1)
    assert (demand.value, demand.own) == (80.0, 0.0)
    demand.override = None
    assert demand.value == 0.0

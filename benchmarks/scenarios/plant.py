"""The simulator's house with measured weather and people, a heater and a backup."""

from dataclasses import dataclass, field
from datetime import datetime

from simulator.floor import Floor
from simulator.house import House
from simulator.tank import Tank
from simulator.thermal import J_PER_KWH
from simulator.weather import Conditions

from .control import Command, Readings
from .data import COLD_WATER_C, TAP_C, ZONE, Year
from .heater import BathHeater
from .scenario import (
    BACKUP_W,
    FAN_SHARE,
    FEED_IN_PER_KWH,
    HOUSE,
    ROOM_MAX_C,
    ROOM_MIN_C,
    TAP_MIN_C,
    Scenario,
)

STEP_S = 10.0
COOLER_APPROACH_K, COOLER_LEAST_C = 12.0, 30.0
TANK_LIMIT_C = 65.0
"""The backup's own thermostat."""


@dataclass(slots=True, kw_only=True)
class Account:
    """Money, comfort and energy of a fortnight."""

    electricity_cost: float = 0.0
    income: float = 0.0
    heater_kwh: float = 0.0
    useful_kwh: float = 0.0
    """Electricity above idle."""
    block_kwh: float = 0.0
    backup_kwh: float = 0.0
    dumped_kwh: float = 0.0
    drawn_l: float = 0.0
    short_l: float = 0.0
    """Drawn below 45 °C."""
    cold_kh: float = 0.0
    warm_kh: float = 0.0
    hottest_coolant_c: float = 0.0
    price_sum: float = 0.0
    steps: int = 0
    coldest_tap_c: float = field(default=100.0)


class _Weather:
    """Outdoors as in the year; the sun as the windows get it."""

    def __init__(self, year: Year) -> None:
        self._year = year

    def at(self, time: datetime) -> Conditions:
        index = self._year.index(time)
        return Conditions(
            outdoor_c=self._year.outdoor_c[index],
            irradiance_w_m2=self._year.window_w_m2[index],
        )


class Plant:
    """A house that a controller runs; starts the same for everybody."""

    def __init__(
        self,
        scenario: Scenario,
        year: Year,
        start: datetime,
        *,
        floor: Floor | None = None,
        tank: Tank | None = None,
    ) -> None:
        """``floor`` and ``tank`` stand in for the simulator's."""
        self.scenario = scenario
        self.account = Account()
        self.house = House(HOUSE, start=start, weather=_Weather(year))
        self.house.commands.heat_pump_enable.own = False
        if floor is not None:
            self.house.floor = floor
        if tank is not None:
            self.house.tank = tank
        self.heater = BathHeater(scenario.idle_w, scenario.levels_w)
        self.heater.share = scenario.heater_share
        self.time = start
        self._year = year
        self._block_day: object = None
        self._block_s = 0.0
        self._at_start_j = self.house.stored_j

    def read(self) -> Readings:
        """Return what the sensors show."""
        house, heater = self.house, self.heater
        return Readings(
            tank_top_c=house.tank.top_c,
            tank_bottom_c=house.tank.bottom_c,
            room_c=house.floor.room_c,
            floor_supply_c=house.floor.supply_c,
            floor_return_c=house.floor.return_c,
            supply_c=house.supply_c,
            return_c=house.return_c,
            coolant_c=heater.coolant_c,
            flow_lpm=house.loop.flow_lpm,
            power_w=heater.power_w,
            heat_w=heater.heat_w,
            outdoor_c=house.conditions.outdoor_c,
            valve_at_tank=None
            if not (house.loop.valve_at_dhw or house.loop.valve_at_floor)
            else house.loop.valve_at_dhw,
            surplus_w=self.surplus_w(),
        )

    def surplus_w(self) -> float:
        """Return the PV that the rest of the house leaves."""
        household = self._year.household_w[self._year.clock_index(self.time)]
        pv_w = self._year.pv_w(self.time, self.scenario.pv_peak_kw)
        return max(0.0, pv_w - household)

    def run(self, command: Command, seconds: float) -> None:
        """Hold a command for a time."""
        self.heater.command(command.power_w)
        self.house.loop.pump_command = command.pump
        self.house.loop.valve_command_dhw = command.to_tank
        surplus_w, price = self.surplus_w(), self._year.price(self.time)
        lpm = self._year.draw_lpm[self._year.clock_index(self.time)]
        lpm *= self.scenario.draw_factor
        for _ in range(round(seconds / STEP_S)):
            self._step(command, surplus_w, price, lpm)

    @property
    def stored_change_kwh(self) -> float:
        """Heat that is left over from the fortnight; a free room does not count."""
        if not self.scenario.heats_room:
            tank = self.house.tank
            start_c = tank.parameters.start_c
            return tank.stored_j * (1 - start_c / tank.mean_c) / J_PER_KWH
        return (self.house.stored_j - self._at_start_j) / J_PER_KWH

    def _step(
        self, command: Command, surplus_w: float, price: float, lpm: float
    ) -> None:
        house, heater = self.house, self.heater
        backup_w = self._heat_by_backup(command)
        self._draw(lpm)
        dump_w = min(command.dump_w, self.scenario.dump_w, heater.heat_w)
        share = dump_w / heater.heat_w if heater.heat_w > 0 else 0.0
        cooler_c = max(COOLER_LEAST_C, house.conditions.outdoor_c + COOLER_APPROACH_K)
        return_c = share * cooler_c + (1 - share) * house.return_c
        heat_j = heater.step(STEP_S, return_c, house.loop.flow_lpm)
        dumped_j = share * heat_j
        house.step(STEP_S, heat_j=heat_j - dumped_j, heater_supply_c=heater.supply_c)
        self.time = house.time
        self._count(backup_w, dumped_j, surplus_w, price)

    def _heat_by_backup(self, command: Command) -> float:
        """Heat tank and floor by electricity; return its power."""
        house = self.house
        tank_w = min(max(command.backup_tank_w, 0.0), BACKUP_W)
        if house.tank.top_c >= TANK_LIMIT_C:
            tank_w = 0.0
        floor_w = min(max(command.backup_floor_w, 0.0), BACKUP_W - tank_w)
        if tank_w:
            house.tank.heat(tank_w * STEP_S, len(house.tank.layers_c) // 2)
        if floor_w:
            house.floor.heat(floor_w * STEP_S)
        return tank_w + floor_w

    def _draw(self, lpm: float) -> None:
        """People mix to what they like, so a hotter tank gives less water."""
        top_c = self.house.tank.top_c
        hotter = (TAP_C - COLD_WATER_C) / (max(top_c, TAP_C) - COLD_WATER_C)
        self.house.commands.tap_lpm.own = lpm * hotter
        litres = lpm / 60 * STEP_S
        self.account.drawn_l += litres
        if lpm > 0:
            self.account.coldest_tap_c = min(self.account.coldest_tap_c, top_c)
            if top_c < TAP_MIN_C:
                self.account.short_l += litres

    def _count(
        self, backup_w: float, dumped_j: float, surplus_w: float, price: float
    ) -> None:
        account, heater, scenario = self.account, self.heater, self.scenario
        hours = STEP_S / 3600
        used_kw = (heater.power_w + backup_w + FAN_SHARE * dumped_j / STEP_S) / 1000
        own_kw = min(used_kw, surplus_w / 1000)
        account.electricity_cost += hours * (
            own_kw * FEED_IN_PER_KWH + (used_kw - own_kw) * price
        )
        useful_kwh = max(0.0, heater.power_w - heater.idle_w) / 1000 * hours
        rate = scenario.income_per_kwh
        if self._in_block():
            rate = scenario.blocks.value_per_kwh if scenario.blocks else rate
            account.block_kwh += useful_kwh
        account.income += rate * useful_kwh
        account.useful_kwh += useful_kwh
        account.heater_kwh += heater.power_w / 1000 * hours
        account.backup_kwh += backup_w / 1000 * hours
        account.dumped_kwh += dumped_j / J_PER_KWH
        account.hottest_coolant_c = max(account.hottest_coolant_c, heater.coolant_c)
        account.price_sum += price
        account.steps += 1
        if scenario.heats_room:
            room_c = self.house.floor.room_c
            account.cold_kh += max(0.0, ROOM_MIN_C - room_c) * hours
            account.warm_kh += max(0.0, room_c - ROOM_MAX_C) * hours

    def _in_block(self) -> bool:
        """Whether a booked hour of full power is delivered now."""
        blocks = self.scenario.blocks
        if blocks is None or self.heater.power_w < 0.95 * self.heater.levels_w[-1]:
            return False
        local = self.time.astimezone(ZONE)
        if not blocks.first_hour <= local.hour < blocks.last_hour:
            return False
        if local.date() != self._block_day:
            self._block_day, self._block_s = local.date(), 0.0
        if self._block_s >= blocks.hours * 3600:
            return False
        self._block_s += STEP_S
        return True

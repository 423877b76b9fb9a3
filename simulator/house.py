"""The house: all its parts put together. No clock, no input, no output."""

from datetime import datetime, timedelta
import math

from .account import DHW_COMFORT_C, DHW_HOURS, ROOM_COMFORT_K, Account
from .commands import Commands, Mode
from .draw_off import drawn_l
from .floor import Floor
from .heat_pump import HeatPump, Situation, Status
from .hydraulics import ChargingLoop
from .parameters import HouseParameters
from .pv import pv_power_w
from .tank import Tank
from .tariff import price_at
from .weather import Weather, WeatherSource

LONGEST_STEP_S = 10.0
DHW_REQUEST_HYSTERESIS_K = 3.0
DEMAND_BAND_K = 1.0
"""The heat demand is 100 % when the room is so much colder than its set point."""
METER_S = 8.0
"""Time constant with which the heat meter shows power."""


class House:
    """Physics and the house's own controllers.

    ``start`` is an aware local time. Whoever owns the house calls ``step``; others
    read the parts, write ``commands`` and the commands of ``loop``.
    """

    def __init__(
        self,
        parameters: HouseParameters,
        *,
        start: datetime,
        seed: int = 1,
        weather: WeatherSource | None = None,
    ) -> None:
        self.parameters = parameters
        self.start = start
        self.seed = seed
        self.elapsed_s = 0.0
        self.commands = Commands()
        self.tank = Tank(parameters.tank)
        self.floor = Floor(parameters.floor)
        self.heat_pump = HeatPump(parameters.heat_pump)
        self.loop = ChargingLoop(parameters.loop)
        self.account = Account()
        self.compute_power_w = 0.0
        """Heat from the compute heater now."""
        self.heater_supply_c: float | None = None
        """Hot outflow of the compute heater; None when none is connected."""
        self.dhw_request = False
        self.tap_lpm = 0.0
        """What is drawn now, by habit and by the tap."""
        self._weather = weather or Weather(seed)
        self.conditions = self._weather.at(start)
        self._control()

    @property
    def time(self) -> datetime:
        """Local time in the house."""
        return self.start + timedelta(seconds=self.elapsed_s)

    @property
    def price_per_kwh(self) -> float:
        """Price of electricity now, in currency/kWh."""
        return price_at(self.time, self.seed)

    @property
    def pv_power_w(self) -> float:
        """Power of the photovoltaics now."""
        return pv_power_w(self.parameters.pv_peak_kw, self.conditions.irradiance_w_m2)

    @property
    def return_c(self) -> float:
        """Temperature of the water that flows back to the compute heater."""
        return self.loop.return_c(
            self.compute_power_w,
            self.tank.bottom_c,
            self.parameters.tank.coil_w_per_k,
            self.floor.buffer_c,
        )

    @property
    def supply_c(self) -> float:
        """Temperature in the pipe from the compute heater; standing water is cold."""
        if self.heater_supply_c is None or not self.loop.pump_running:
            return self.return_c
        return self.heater_supply_c

    @property
    def heat_pump_return_c(self) -> float:
        """Inflow of the heat pump: from the tank while it charges it."""
        if self.heat_pump.status is Status.DHW:
            return self.tank.bottom_c
        return self.floor.buffer_c

    @property
    def heat_pump_supply_c(self) -> float:
        """Outflow of the heat pump."""
        return self.heat_pump.supply_c(self.heat_pump_return_c)

    @property
    def fault(self) -> bool:
        """Collective fault of the plant: the local protection is at work."""
        return self.loop.protecting

    @property
    def stored_j(self) -> float:
        """Heat stored in tank, buffer, screed and room, against 0 °C."""
        return self.tank.stored_j + self.floor.stored_j

    def step(
        self,
        dt_s: float,
        *,
        heat_j: float = 0.0,
        heater_supply_c: float | None = None,
    ) -> None:
        """Let ``dt_s`` pass, in which the compute heater gave off ``heat_j``.

        The heat goes where the three-way valve stands, all of it: the account closes.
        """
        self.heater_supply_c = heater_supply_c
        count = max(1, math.ceil(dt_s / LONGEST_STEP_S))
        for _ in range(count):
            self._step(dt_s / count, heat_j / count)

    def _step(self, dt_s: float, heat_j: float) -> None:
        account = self.account
        self.conditions = self._weather.at(self.time)
        self.loop.step(dt_s, self.tank.top_c, self.heater_supply_c)
        to_tank = self.loop.valve_position
        self.tank.heat(heat_j * to_tank)
        self.floor.heat(heat_j * (1 - to_tank))
        account.compute_j += heat_j
        shown = -math.expm1(-dt_s / METER_S)
        self.compute_power_w += (heat_j / dt_s - self.compute_power_w) * shown

        self._draw(dt_s)
        heat_pump_j = self.heat_pump.step(dt_s, self._situation())
        if self.heat_pump.status is Status.DHW:
            self.tank.heat(heat_pump_j)
        else:
            self.floor.heat(heat_pump_j)
        account.heat_pump_j += heat_pump_j

        account.tank_loss_j += self.tank.rest(dt_s)
        flows = self.floor.step(
            dt_s, self.conditions.outdoor_c, self.conditions.irradiance_w_m2
        )
        account.solar_j += flows.solar_j
        account.internal_j += flows.internal_j
        account.envelope_j += flows.envelope_j
        account.buffer_loss_j += flows.buffer_loss_j
        self.elapsed_s += dt_s
        self._watch_comfort(dt_s)
        self._control()

    def _draw(self, dt_s: float) -> None:
        litres = self.commands.tap_lpm.value / 60 * dt_s
        litres += drawn_l(self.parameters.habits, self.seed, self.time, dt_s)
        self.tap_lpm = litres / dt_s * 60
        self.account.drawn_j += self.tank.draw(litres)
        self.account.drawn_l += litres

    def _situation(self) -> Situation:
        return Situation(
            outdoor_c=self.conditions.outdoor_c,
            room_c=self.floor.room_c,
            buffer_c=self.floor.buffer_c,
            tank_c=self.tank.middle_c,
            tank_bottom_c=self.tank.bottom_c,
            room_setpoint_c=self.commands.room_setpoint_c.value,
            dhw_setpoint_c=self.commands.dhw_setpoint_c.value,
            mode=self.commands.mode.value,
            enabled=self.commands.heat_pump_enable.value,
        )

    def _control(self) -> None:
        """Update the requests that the house makes to its heat sources."""
        commands = self.commands
        mode = commands.mode.value
        setpoint_c = commands.dhw_setpoint_c.value
        limit_c = setpoint_c - (0 if self.dhw_request else DHW_REQUEST_HYSTERESIS_K)
        self.dhw_request = self.tank.top_c < limit_c and mode in (Mode.DHW, Mode.AUTO)
        missing_k = commands.room_setpoint_c.value - self.floor.room_c
        if mode not in (Mode.HEATING, Mode.AUTO):
            missing_k = 0.0
        demand = 100 * missing_k / DEMAND_BAND_K
        commands.heat_demand_percent.own = min(100.0, max(0.0, demand))

    def _watch_comfort(self, dt_s: float) -> None:
        commands = self.commands
        if self.tap_lpm > 0 or self.time.hour in DHW_HOURS:
            missing_k = max(0.0, DHW_COMFORT_C - self.tank.top_c)
            self.account.dhw_violation_ks += missing_k * dt_s
        if commands.mode.value in (Mode.HEATING, Mode.AUTO):
            wanted_c = commands.room_setpoint_c.value - ROOM_COMFORT_K
            missing_k = max(0.0, wanted_c - self.floor.room_c)
            self.account.room_violation_ks += missing_k * dt_s

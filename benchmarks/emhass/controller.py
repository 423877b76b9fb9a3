"""EMHASS in the closed loop, as its documentation says: naive MPC every step."""

from datetime import datetime, timedelta

from ..scenarios.control import Command, Forecasts, Readings
from ..scenarios.data import COLD_WATER_C, KWH_PER_L_K, TAP_C, Year
from ..scenarios.heater import EFFICIENCY
from ..scenarios.scenario import (
    BACKUP_W,
    HOUSE,
    ROOM_MAX_C,
    ROOM_MIN_C,
    TANK_MAX_C,
    Scenario,
)
from .client import Emhass, HeatProblem

STEP = timedelta(minutes=30)
STEPS = 48
"""EMHASS's defaults: a day in half-hours."""
GAP = 0.01
TANK_MIN_C = 47.0
"""Mean of the tank, so that its top is warm enough."""
BACK_OFF_K = 0.15
LEARNED_DAYS = 14
RESIDUAL_C = 45.0
WORTH_W = 200.0
"""Less backup than this is not worth a start."""


class EmhassController:
    """Asks for a plan every half-hour, and does its first step."""

    def __init__(self, scenario: Scenario, year: Year, emhass: Emhass) -> None:
        self.scenario = scenario
        self._emhass = emhass
        self._draws = _habits(year, scenario)
        self._until: datetime | None = None
        self._command = Command()
        self.solve_s: list[float] = []

    def decide(
        self, now: datetime, readings: Readings, forecasts: Forecasts
    ) -> Command:
        """Hold the powers of the step."""
        if self._until is None or now >= self._until:
            self._until = now + STEP
            self._command = self._plan(now, readings, forecasts)
        command = self._command
        if command.power_w or readings.coolant_c <= RESIDUAL_C:
            return command
        return Command(
            to_tank=command.to_tank,
            pump=True,
            backup_tank_w=command.backup_tank_w,
            backup_floor_w=command.backup_floor_w,
        )

    def _plan(self, now: datetime, readings: Readings, forecasts: Forecasts) -> Command:
        scenario, floor = self.scenario, HOUSE.floor
        times = [now + STEP * k for k in range(STEPS)]
        envelope = floor.envelope_w_per_k

        def warmed_c(time: datetime) -> float:
            outdoor_c = forecasts.outdoor_c.at(time)
            light = forecasts.window_w_m2.at(time) or 0.0
            gain_w = floor.internal_w + floor.window_m2 * light
            assert outdoor_c is not None
            return outdoor_c + gain_w / envelope

        plan = self._emhass.solve(
            HeatProblem(
                start=now,
                step_min=round(STEP / timedelta(minutes=1)),
                price=_prices(times, forecasts),
                income_per_kwh=scenario.income_per_kwh,
                outdoor_c=[warmed_c(time) for time in times],
                draw_kwh=[self._draws[_slot(time)] for time in times],
                heater_kw=scenario.levels_w[-1] / 1000,
                efficiency=EFFICIENCY,
                backup_kw=BACKUP_W / 1000,
                tank_l=HOUSE.tank.litres,
                tank_c=readings.tank_c,
                tank_loss_kw=HOUSE.tank.loss_w_per_k * 32 / 1000,
                tank_min_c=TANK_MIN_C,
                tank_max_c=TANK_MAX_C,
                room_c=readings.room_c,
                room_kwh_per_k=(floor.screed_j_per_k + floor.room_j_per_k) / 3.6e6,
                envelope_kw_per_k=envelope / 1000,
                room_min_c=ROOM_MIN_C + BACK_OFF_K,
                room_max_c=ROOM_MAX_C,
                heats_room=scenario.heats_room,
            ),
            gap=GAP,
        )
        self.solve_s.append(plan.cold_s)
        first_w = {flow: 1000 * powers[0] for flow, powers in plan.power_kw.items()}
        tank_w = first_w["compute", "tank"]
        house_w = first_w.get(("compute", "house"), 0.0)
        working = tank_w + house_w > scenario.idle_w
        return Command(
            power_w=scenario.levels_w[-1] if working else 0.0,
            to_tank=tank_w > house_w or not scenario.heats_room,
            pump=working,
            backup_tank_w=_worth(first_w["backup", "tank"]),
            backup_floor_w=_worth(first_w.get(("backup", "house"), 0.0)),
        )


def _worth(power_w: float) -> float:
    return power_w if power_w >= WORTH_W else 0.0


def _prices(times: list[datetime], forecasts: Forecasts) -> list[float]:
    """Return known prices; what is not known yet is as a day before."""
    prices = []
    for time in times:
        price = forecasts.price.at(time)
        if price is None:
            price = forecasts.price.at(time - timedelta(days=1))
        if price is None:
            known = [piece.value for piece in forecasts.price.pieces]
            price = sum(known) / len(known)
        prices.append(price)
    return prices


def _slot(time: datetime) -> int:
    return time.hour * 2 + time.minute // 30


def _habits(year: Year, scenario: Scenario) -> list[float]:
    """Return the mean draw of each half-hour before, in kWh: what its user would enter."""
    kwh = [0.0] * 48
    quarter = timedelta(minutes=15)
    for number in range(LEARNED_DAYS * 96):
        time = scenario.start - quarter * (number + 1)
        litres = 15 * year.draw_lpm[year.clock_index(time)]
        kwh[_slot(time)] += litres * KWH_PER_L_K * (TAP_C - COLD_WATER_C)
    return [each / LEARNED_DAYS for each in kwh]

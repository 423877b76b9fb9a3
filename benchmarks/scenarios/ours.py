"""Compute Heater's own ``SiteController`` at the plant."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
import time

from custom_components.compute_heater.control.demand import (
    SinkKind,
    SinkReading,
    SinkSettings,
)
from custom_components.compute_heater.control.description import (
    BackupDescription,
    SinkDescription,
    SiteDescription,
)
from custom_components.compute_heater.control.forecast import SiteForecasts
from custom_components.compute_heater.control.heater_control import (
    HeaterDescription,
    HeaterInput,
)
from custom_components.compute_heater.control.ladder import HeaterSettings
from custom_components.compute_heater.control.optimiser import plan_now
from custom_components.compute_heater.control.path import PathSettings
from custom_components.compute_heater.control.plan import Block, Plan, PlanProblem
from custom_components.compute_heater.control.safety import SafetySettings
from custom_components.compute_heater.control.site import (
    SiteController,
    SiteReadings,
    Strategy,
)
from custom_components.compute_heater.control.thermal import FloorModel
from custom_components.compute_heater.heaters.model import PowerState, Reading

from .control import Command, Forecasts, Readings
from .data import ZONE
from .heater import EFFICIENCY
from .scenario import (
    BACKUP_W,
    MINIMUM_TIME,
    ROOM_MIN_C,
    TAP_MIN_C,
    THROTTLE_C,
    TRIP_C,
    Scenario,
)

HEATER, TANK, FLOOR, BACKUP, VALVE, PUMP = (
    "heater",
    "tank",
    "floor",
    "backup",
    "valve",
    "pump",
)
TANK_SETPOINT_C, TANK_HYSTERESIS_K = 53.0, 5.0
ROOM_SETPOINT_C, ROOM_BAND_K = 20.8, 0.4
"""All heat from 20.4 °C down, where the thermostat switches on, too."""
FLOOR_LIMIT_C = 45.0
SUPPLY_MAX_C = 58.0
TANK_KWH_PER_K = 0.349
"""300 L."""
AREA_M2, HEAT_LOAD_KW = 150.0, 4.8
"""What its owner knows of the house: at −12 °C."""


def describe(scenario: Scenario) -> SiteDescription:
    """Return what the owner of the house would set up."""
    levels = scenario.levels_w
    heat_w = EFFICIENCY * levels[-1]
    minimum_s = MINIMUM_TIME.total_seconds()
    heater = HeaterDescription(
        settings=HeaterSettings(
            heater_id=HEATER,
            floor_w=scenario.idle_w,
            max_w=levels[-1],
            levels_w={
                PowerState.STANDBY: scenario.idle_w,
                PowerState.ECO: levels[0],
                PowerState.FULL: levels[-1],
            },
            # Steps so large make levels of what the cap may be.
            can_cap=True,
            working_floor_w=levels[0],
            step_w=levels[1] - levels[0],
            efficiency=EFFICIENCY,
            min_on_s=minimum_s,
            min_off_s=minimum_s,
            dwell_s=minimum_s,
        ),
        safety=SafetySettings(
            floor_w=scenario.idle_w,
            max_w=levels[-1],
            throttle_c=THROTTLE_C,
            trip_c=TRIP_C,
        ),
        income_per_kwh=scenario.income_per_kwh,
    )
    tank = SinkDescription(
        settings=SinkSettings(
            kind=SinkKind.DHW,
            setpoint_c=TANK_SETPOINT_C,
            hysteresis_k=TANK_HYSTERESIS_K,
            limit_c=TRIP_C,
            max_heat_w=heat_w,
            capacity_kwh_per_k=TANK_KWH_PER_K * scenario.owner_error,
            comfort_min_c=TAP_MIN_C,
        ),
        path=_path(TANK, SinkKind.DHW, to_tank=True),
    )
    floor = SinkDescription(
        settings=SinkSettings(
            kind=SinkKind.FLOOR,
            setpoint_c=ROOM_SETPOINT_C,
            hysteresis_k=ROOM_BAND_K,
            limit_c=FLOOR_LIMIT_C,
            max_heat_w=heat_w,
            comfort_min_c=ROOM_MIN_C,
        ),
        path=_path(FLOOR, SinkKind.FLOOR, to_tank=False),
        floor=FloorModel.of_area(
            AREA_M2 * scenario.owner_error,
            heat_load_kw=HEAT_LOAD_KW * scenario.owner_error,
        ),
    )
    sinks = (tank, floor) if scenario.heats_room else (tank,)
    return SiteDescription(
        heaters=(heater,),
        sinks=sinks,
        backups=(
            BackupDescription(
                backup_id=BACKUP,
                sinks=tuple(sink.sink_id for sink in sinks),
                max_heat_w=BACKUP_W,
            ),
        ),
        time_zone=ZONE,
        persons=4,
        dump_max_w=scenario.dump_w,
    )


class Ours:
    """``SiteController`` with the strategy that is asked for."""

    def __init__(
        self,
        scenario: Scenario,
        strategy: Strategy,
        memory: Mapping[str, object] | None = None,
    ) -> None:
        """``memory`` is what a controller has learned before."""
        self.scenario = scenario
        self.site = SiteController(describe(scenario), planner=self._plan)
        if memory is not None:
            self.site.restore(memory)
        # Its owner keeps below what makes the plant protect itself.
        self.site.heaters[HEATER].controls.target_c = SUPPLY_MAX_C
        self.site.strategy = strategy
        self.solve_s: list[float] = []
        self.unsolved = 0
        self._booked: date | None = None
        self._to_tank = True

    def decide(
        self, now: datetime, readings: Readings, forecasts: Forecasts
    ) -> Command:
        """Let the site decide."""
        self._book(now)
        decision = self.site.step(
            now,
            site_readings(self.scenario, readings),
            site_forecasts(self.scenario, forecasts),
        )
        heater = decision.heaters[HEATER]
        if VALVE in decision.valves:
            self._to_tank = decision.valves[VALVE]
        backup_w = decision.backup_w.get(BACKUP, {})
        return Command(
            power_w=self._nearest_w(heater.expected_w) if heater.on else 0.0,
            to_tank=self._to_tank,
            pump=decision.pumps.get(PUMP, False),
            backup_tank_w=backup_w.get(TANK, 0.0),
            backup_floor_w=backup_w.get(FLOOR, 0.0),
            dump_w=decision.dump_w,
        )

    def _nearest_w(self, power_w: float) -> float:
        """Return the level that a heater with steps takes a cap for."""
        levels = (self.scenario.idle_w, *self.scenario.levels_w)
        return min(levels, key=lambda level: abs(level - power_w))

    def _plan(self, problem: PlanProblem, running: Plan | None) -> Plan | None:
        """Plan as the site would, and take the time."""
        begin = time.perf_counter()
        plan = plan_now(problem, running)
        self.solve_s.append(time.perf_counter() - begin)
        self.unsolved += plan is None
        return plan

    def _book(self, now: datetime) -> None:
        """Every midnight the blocks of the two next days are known."""
        booked = self.scenario.blocks
        today = now.astimezone(ZONE).date()
        if booked is None or today == self._booked:
            return
        blocks = self.site.optimiser.blocks
        known = blocks.get(HEATER, ())
        for day in (today, today + timedelta(days=1)):
            if self._booked is not None and day <= self._booked + timedelta(days=1):
                continue
            midnight = datetime.combine(day, datetime.min.time(), ZONE)
            known += (
                Block(
                    start=midnight.replace(hour=booked.first_hour).astimezone(UTC),
                    end=midnight.replace(hour=booked.last_hour).astimezone(UTC),
                    hours=booked.hours,
                    value_per_kwh=booked.value_per_kwh,
                ),
            )
        blocks[HEATER] = known
        self._booked = today


def site_forecasts(scenario: Scenario, forecasts: Forecasts) -> SiteForecasts:
    """Return what the site is told of the future."""
    ahead = forecasts.draw_kwh_per_h
    return SiteForecasts(
        price=forecasts.price,
        feed_in=forecasts.feed_in,
        income_per_kwh=forecasts.income_per_kwh,
        outdoor_c=forecasts.outdoor_c,
        sun_w_m2=forecasts.window_w_m2,
        surplus_w=forecasts.surplus_w,
        draw_kw={TANK: ahead} if ahead.pieces else {},
    )


def site_readings(scenario: Scenario, readings: Readings) -> SiteReadings:
    """Return what the site reads: two sensors in the tank, floor by its water."""
    sinks = {
        TANK: SinkReading(
            temperature_c=readings.tank_top_c,
            second_c=readings.tank_bottom_c,
            has_second=True,
        )
    }
    if scenario.heats_room:
        sinks[FLOOR] = SinkReading(
            temperature_c=readings.room_c,
            second_c=readings.floor_supply_c,
            has_second=True,
        )
    return SiteReadings(
        heaters={
            HEATER: HeaterInput(
                reading=Reading(
                    power_w=readings.power_w,
                    coolant_c=readings.coolant_c,
                    supply_c=readings.supply_c,
                    return_c=readings.return_c,
                    flow_lpm=readings.flow_lpm,
                    heat_w=readings.heat_w,
                    is_on=True,
                )
            )
        },
        sinks=sinks,
        outdoor_c=readings.outdoor_c,
        valves={VALVE: readings.valve_at_tank},
        pumps={PUMP: readings.flow_lpm > 0},
    )


def _path(sink_id: str, kind: SinkKind, *, to_tank: bool) -> PathSettings:
    return PathSettings(
        sink_id=sink_id,
        kind=kind,
        valve_id=VALVE,
        valve_open=to_tank,
        pump_id=PUMP,
        has_flow_sensor=True,
        valve_travel_s=10,
    )

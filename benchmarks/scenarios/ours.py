"""Compute Heater's own ``SiteController`` at the plant."""

from datetime import datetime

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
from custom_components.compute_heater.control.heater_control import (
    HeaterDescription,
    HeaterInput,
)
from custom_components.compute_heater.control.ladder import HeaterSettings
from custom_components.compute_heater.control.path import PathSettings
from custom_components.compute_heater.control.safety import SafetySettings
from custom_components.compute_heater.control.site import (
    SiteController,
    SiteReadings,
    Strategy,
)
from custom_components.compute_heater.heaters.model import PowerState, Reading

from .baselines import BACKUP_K, ROOM_LOW_C, TANK_LOW_C, TwoPoint
from .control import Command, Forecasts, Readings
from .data import ZONE
from .heater import EFFICIENCY
from .scenario import (
    BACKUP_W,
    MINIMUM_TIME,
    ROOM_MAX_C,
    ROOM_MIN_C,
    TANK_MAX_C,
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
ROOM_SETPOINT_C, ROOM_BAND_K = 20.9, 0.8
FLOOR_LIMIT_C = 45.0


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
                PowerState.ECO: levels[1],
                PowerState.FULL: levels[-1],
            },
            can_cap=False,
            takes_levels=True,
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
            capacity_kwh_per_k=0.349,
            comfort_min_c=TAP_MIN_C,
            comfort_max_c=TANK_MAX_C,
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
            comfort_max_c=ROOM_MAX_C,
        ),
        path=_path(FLOOR, SinkKind.FLOOR, to_tank=False),
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

    def __init__(self, scenario: Scenario, strategy: Strategy) -> None:
        self.scenario = scenario
        self.site = SiteController(describe(scenario))
        self.site.strategy = strategy
        self._to_tank = True
        self._backup_tank = TwoPoint(TANK_LOW_C, TANK_LOW_C + BACKUP_K[0])
        self._backup_room = TwoPoint(ROOM_LOW_C, ROOM_LOW_C + BACKUP_K[1])

    def decide(
        self, now: datetime, readings: Readings, forecasts: Forecasts
    ) -> Command:
        """Let the site decide; the backup has a thermostat of its own."""
        decision = self.site.step(now, site_readings(self.scenario, readings))
        heater = decision.heaters[HEATER]
        if VALVE in decision.valves:
            self._to_tank = decision.valves[VALVE]
        backup_tank = self._backup_tank.update(readings.tank_top_c)
        backup_room = self.scenario.heats_room and self._backup_room.update(
            readings.room_c
        )
        return Command(
            power_w=heater.expected_w if heater.on else 0.0,
            to_tank=self._to_tank,
            pump=decision.pumps.get(PUMP, False),
            backup_tank_w=BACKUP_W if backup_tank else 0.0,
            backup_floor_w=BACKUP_W if backup_room else 0.0,
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

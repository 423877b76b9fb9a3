"""What people run today: thermostat, time schedule, and a rule by price."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from .control import Command, Forecasts, Readings
from .data import ZONE
from .scenario import (
    BACKUP_W,
    FAN_SHARE,
    FEED_IN_PER_KWH,
    MINIMUM_TIME,
    TANK_MAX_C,
    Scenario,
)

TANK_ON_C, TANK_OFF_C = 48.0, 53.0
ROOM_ON_C, ROOM_OFF_C = 20.4, 20.9
TANK_LOW_C, ROOM_LOW_C = 46.0, 20.05
"""Below these the backup helps."""
TANK_NEED_C, ROOM_NEED_C = 46.5, 20.35
"""Below these the heater waits no longer; a floor is slow, so it must begin early."""
BACKUP_K = NEED_K = (2.0, 0.2)
"""So much tank and room are lifted in need."""
WARM_ROOM_C = 22.6
"""How far a schedule or a rule heats the room ahead of time."""
HOT_COOLANT_C = 45.0
"""Residual heat above this is carried to whoever is colder."""
CHEAP_SHARE = 1 / 3


@dataclass(slots=True)
class TwoPoint:
    """On below ``low``, off from ``high``."""

    low: float
    high: float
    on: bool = False

    def update(self, value: float) -> bool:
        """Return whether it is on at this value."""
        self.on = value < (self.high if self.on else self.low)
        return self.on


class Thermostat:
    """Hysteresis: the tank first, then the room; the heater at full power."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self._tank = TwoPoint(TANK_ON_C, TANK_OFF_C)
        self._room = TwoPoint(ROOM_ON_C, ROOM_OFF_C)
        self._backup_tank = TwoPoint(TANK_LOW_C, TANK_LOW_C + BACKUP_K[0])
        self._backup_room = TwoPoint(ROOM_LOW_C, ROOM_LOW_C + BACKUP_K[1])
        self._changed: datetime | None = None
        self._working = False
        self._to_tank = True

    def decide(
        self, now: datetime, readings: Readings, forecasts: Forecasts
    ) -> Command:
        """Follow the two-point controllers."""
        tank, room = self.wants(now, readings, forecasts)
        dump = self.dumps(now, readings, forecasts)
        wanted = tank or room or dump
        if wanted != self._working and (
            self._changed is None or now - self._changed >= MINIMUM_TIME
        ):
            self._working, self._changed = wanted, now
        if tank or room:
            self._to_tank = tank
        elif self._working and not dump:
            # Minimum on time: the heat goes where it does least harm.
            self._to_tank = readings.tank_bottom_c < TANK_MAX_C - 2
        if not self.scenario.heats_room:
            self._to_tank = True
        cooler = readings.tank_bottom_c if self._to_tank else readings.floor_return_c
        residual = readings.coolant_c > max(HOT_COOLANT_C, cooler + 5)
        backup_tank = self._backup_tank.update(readings.tank_top_c)
        backup_room = self.scenario.heats_room and self._backup_room.update(
            readings.room_c
        )
        return Command(
            power_w=self.scenario.levels_w[-1] if self._working else 0.0,
            to_tank=self._to_tank,
            pump=self._working or residual,
            backup_tank_w=BACKUP_W if backup_tank else 0.0,
            backup_floor_w=BACKUP_W if backup_room else 0.0,
            dump_w=self.scenario.dump_w if dump and not (tank or room) else 0.0,
        )

    def wants(
        self, now: datetime, readings: Readings, forecasts: Forecasts
    ) -> tuple[bool, bool]:
        """Return whether tank and room want heat."""
        return self._thermostats(readings, TANK_OFF_C, ROOM_OFF_C)

    def dumps(self, now: datetime, readings: Readings, forecasts: Forecasts) -> bool:
        """Return whether to compute though nobody wants the heat."""
        return False

    def _thermostats(
        self, readings: Readings, tank_off_c: float, room_off_c: float
    ) -> tuple[bool, bool]:
        self._tank.high, self._room.high = tank_off_c, room_off_c
        tank = self._tank.update(readings.tank_c)
        room = self.scenario.heats_room and self._room.update(readings.room_c)
        return tank, room


class Schedule(Thermostat):
    """Heats before the morning and the evening draw and at night, else only in need."""

    TANK_HOURS = frozenset({4, 5, 15, 16, 17})
    ROOM_HOURS = frozenset({22, 23, 0, 1, 2, 3, 13, 14})

    def wants(
        self, now: datetime, readings: Readings, forecasts: Forecasts
    ) -> tuple[bool, bool]:
        """Fill up within the hours; outside them, keep from getting cold."""
        hour = now.astimezone(ZONE).hour
        tank_now, room_now = hour in self.TANK_HOURS, hour in self.ROOM_HOURS
        self._tank.low = TANK_OFF_C - 1 if tank_now else TANK_NEED_C
        self._room.low = WARM_ROOM_C - 0.3 if room_now else ROOM_NEED_C
        return self._thermostats(
            readings,
            TANK_OFF_C if tank_now else TANK_NEED_C + NEED_K[0],
            WARM_ROOM_C if room_now else ROOM_NEED_C + NEED_K[1],
        )


class PriceRule(Thermostat):
    """Heats in the cheapest third of the next 24 hours, else only in need.

    What it pays counts: surplus costs no more than feed-in. Booked compute is done in
    the cheapest hours of its window, and its heat is dumped where nobody wants it.
    """

    def wants(
        self, now: datetime, readings: Readings, forecasts: Forecasts
    ) -> tuple[bool, bool]:
        """Fill up while it is cheap, and during a block; else keep from getting cold."""
        cheap = self._is_cheap(now, forecasts) or self._in_block(now, forecasts)
        self._tank.low = TANK_MAX_C - 4 if cheap else TANK_NEED_C
        self._room.low = WARM_ROOM_C - 0.2 if cheap else ROOM_NEED_C
        return self._thermostats(
            readings,
            TANK_MAX_C - 1.5 if cheap else TANK_NEED_C + NEED_K[0],
            WARM_ROOM_C if cheap else ROOM_NEED_C + NEED_K[1],
        )

    def dumps(self, now: datetime, readings: Readings, forecasts: Forecasts) -> bool:
        """Dump for a block, or where income pays for electricity and fan."""
        if not self.scenario.dump_w:
            return False
        cost = self._cost(now, forecasts)
        paid = self.scenario.income_per_kwh
        if self.scenario.blocks is not None and self._in_block(now, forecasts):
            paid = self.scenario.blocks.value_per_kwh
        return cost is not None and paid > cost * (1 + FAN_SHARE)

    def _cost(self, hour: datetime, forecasts: Forecasts) -> float | None:
        """Return what a kWh at full power costs in an hour."""
        price = forecasts.price.at(hour)
        if price is None:
            return None
        own = (forecasts.surplus_w.at(hour) or 0.0) / self.scenario.levels_w[-1]
        own = min(own, 1.0)
        return own * FEED_IN_PER_KWH + (1 - own) * price

    def _is_cheap(self, now: datetime, forecasts: Forecasts) -> bool:
        hours = [now + timedelta(hours=h) for h in range(24)]
        return self._among_cheapest(now, hours, forecasts, CHEAP_SHARE)

    def _in_block(self, now: datetime, forecasts: Forecasts) -> bool:
        blocks = self.scenario.blocks
        local = now.astimezone(ZONE)
        if blocks is None or not blocks.first_hour <= local.hour < blocks.last_hour:
            return False
        # Whole hours of today's window, the past ones too, so that the choice stays.
        hours = [
            now + timedelta(hours=h - local.hour)
            for h in range(blocks.first_hour, blocks.last_hour)
        ]
        return self._among_cheapest(now, hours, forecasts, blocks.hours / len(hours))

    def _among_cheapest(
        self,
        now: datetime,
        hours: list[datetime],
        forecasts: Forecasts,
        share: float,
    ) -> bool:
        costs = [self._cost(hour, forecasts) for hour in hours]
        mine = self._cost(now, forecasts)
        known = sorted(cost for cost in costs if cost is not None)
        if mine is None or not known:
            return False
        number = max(1, round(share * len(known)))
        return mine <= known[number - 1]

"""How much heat each heat consumer ("sink") wants now."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from math import isfinite

from .heat_curve import HeatCurve
from .reasons import Reason
from .trend import Trend

COLD_WATER_C = 12.0
LIMIT_RELEASE_K = 2.0
DEMAND_ON = 0.04
DEMAND_OFF = 0.03
MINIMUM_BAND_K = 0.1
CURVE_BAND_K = 3.0
"""So far below its heat curve a floor begins to take less."""
RAISED_HYSTERESIS_K = 1.0
DHW_STORE_C = 57.0
"""The optimiser stores heat in a tank of hot water up to here; in others …"""


class SinkKind(StrEnum):
    """Kinds of heat consumers, in the order in which they are served."""

    DHW = "dhw"
    FLOOR = "floor"
    BUFFER = "buffer"
    POOL = "pool"

    @property
    def rank(self) -> int:
        """Its place in that order; 0 goes first."""
        return list(SinkKind).index(self)

    @property
    def is_tank(self) -> bool:
        """A tank of water with one or two sensors, which is filled up to its set point."""
        return self in (SinkKind.DHW, SinkKind.BUFFER)


_DEMANDS = {
    SinkKind.DHW: Reason.DHW_DEMAND,
    SinkKind.FLOOR: Reason.FLOOR_DEMAND,
    SinkKind.BUFFER: Reason.BUFFER_DEMAND,
    SinkKind.POOL: Reason.POOL_DEMAND,
}
# From the beginning of heating until its temperature shows it: the path opens and
# a heater gets warm, or a slab besides.
_LEAD_H = {
    SinkKind.DHW: 0.1,
    SinkKind.FLOOR: 2.0,
    SinkKind.BUFFER: 0.1,
    SinkKind.POOL: 0.1,
}

STORE_K = {SinkKind.FLOOR: 1.0, SinkKind.BUFFER: 10.0, SinkKind.POOL: 1.0}
"""… up to so far above what it is heated to. People hardly feel it in room or pool."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkSettings:
    """What the owner set for one sink; may be replaced at any time."""

    kind: SinkKind
    setpoint_c: float
    """Of tank, room or pool. Of a buffer with a heat curve: the most it is heated to."""
    hysteresis_k: float
    """Tanks: switches on this far below the set point; floor, pool: proportional band."""
    limit_c: float
    """At or above it the sink takes no heat (tank, pool; floor supply where measured)."""
    max_heat_w: float
    capacity_kwh_per_k: float | None = None
    comfort_min_c: float | None = None
    comfort_max_c: float | None = None
    """The optimiser stores heat up to here; None: as is usual for the kind."""
    curve: HeatCurve | None = None
    """Buffer: its set point in cold weather; floor: the hottest supply for the weather."""
    demand_adds: bool = False
    """The building's demand comes on top of its own, and not in its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkReading:
    """Latest readings of one sink; None is unknown *or stale* (the caller judges age)."""

    temperature_c: float | None
    """Controlling temperature: tank (top), room or pool."""
    second_c: float | None = None
    """Tanks: second (lower) sensor; floor: floor supply or slab."""
    demand_fraction: float | None = None
    """The building's own heat demand, 0…1."""
    has_demand_point: bool = False
    has_second: bool = False
    """A second sensor is configured, so that its silence means something."""
    outdoor_c: float | None = None
    """For the heat curve."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkDemand:
    """What one sink wants."""

    heat_w: float
    """0 if none wanted."""
    wanted: bool
    accepts: bool
    """Can take heat though it wants none: readings fresh and below the limit."""
    energy_kwh: float | None
    """Heat until the set point is reached; None where the capacity is unknown."""
    stored_kwh: float | None
    """DHW: above cold water of 12 °C; others: above the comfort minimum."""
    charge_percent: float | None
    hours_to_limit: float | None
    """Until the comfort minimum at the present rate of fall; None unknown or rising."""
    hours_to_start: float | None = None
    """Until heating has to begin so that the comfort minimum is never crossed; 0: it
    should have begun. None unknown or rising."""
    curve_c: float | None = None
    """What the heat curve says now; None without one, or without outdoor temperature."""
    reason: Reason


NOT_WANTED = SinkDemand(
    heat_w=0,
    wanted=False,
    accepts=False,
    energy_kwh=None,
    stored_kwh=None,
    charge_percent=None,
    hours_to_limit=None,
    reason=Reason.CLIMATE_OFF,
)


class SinkController:
    """Demand of one sink, with the memory of its hysteresis."""

    def __init__(self, settings: SinkSettings) -> None:
        self.settings = settings
        """Replace it when the owner changes a set point; the memory stays."""
        self.enabled = True
        """False: its owner has switched it off, so it wants nothing."""
        self.raised_to_c: float | None = None
        """A DHW tank is to be this hot for now, whoever else wants less (disinfection)."""
        self.demand = NOT_WANTED
        """The latest."""
        self._curve_c: float | None = None
        self._wanted = False
        self._asked = False
        self._over_limit = False
        self._trend = Trend()

    def evaluate(self, reading: SinkReading, now: float) -> SinkDemand:
        """Return what the sink wants. ``now`` is a monotonic time in seconds."""
        settings = self.settings
        temperature = _known(reading.temperature_c)
        second = _known(reading.second_c)
        if temperature is not None:
            self._trend.add(now, temperature)
        self._curve_c = self._on_curve(_known(reading.outdoor_c))
        accepts, refusal = self._may_take(reading, temperature, second)
        fraction, reason = self._fraction(reading, temperature, second)
        if refusal is not None:
            fraction, reason = 0.0, refusal
        mean = temperature
        if settings.kind.is_tank and temperature is not None:
            mean = temperature if second is None else (temperature + second) / 2
        stored, charge = self._storage(mean)
        demand = SinkDemand(
            heat_w=fraction * settings.max_heat_w,
            wanted=fraction > 0,
            accepts=accepts,
            energy_kwh=_energy(settings, mean, self.target_c),
            stored_kwh=stored,
            charge_percent=charge,
            hours_to_limit=self._hours_to_limit(temperature),
            hours_to_start=self._hours_to_start(temperature, mean),
            curve_c=self._curve_c,
            reason=reason,
        )
        if not self.enabled:
            # Still measured, and still able to take heat that has nowhere else to go.
            demand = replace(demand, heat_w=0, wanted=False, reason=NOT_WANTED.reason)
        self.demand = demand
        return demand

    @property
    def target_c(self) -> float:
        """What it is heated to now: its set point, or less by its heat curve."""
        settings = self.settings
        if settings.kind is SinkKind.BUFFER and self._curve_c is not None:
            return min(self._curve_c, settings.setpoint_c)
        return settings.setpoint_c

    @property
    def comfort_min_c(self) -> float | None:
        """Below it, it is too cold; never above what it is heated to."""
        minimum = self.settings.comfort_min_c
        if minimum is None or self.target_c >= self.settings.setpoint_c:
            return minimum
        return min(minimum, self.target_c - self.settings.hysteresis_k)

    @property
    def store_max_c(self) -> float:
        """Up to here heat may be stored ahead of demand."""
        most_c = self.settings.comfort_max_c
        if most_c is None and self.settings.kind is SinkKind.DHW:
            most_c = max(self.target_c, DHW_STORE_C)
        elif most_c is None:
            most_c = self.target_c + STORE_K[self.settings.kind]
        return min(most_c, self.settings.limit_c - LIMIT_RELEASE_K)

    def _on_curve(self, outdoor_c: float | None) -> float | None:
        curve = self.settings.curve
        return None if curve is None or outdoor_c is None else curve.supply_c(outdoor_c)

    @property
    def is_known(self) -> bool:
        """The demand rests on a reading that can be relied on."""
        return self.demand.reason is not Reason.STALE_SENSOR

    def _may_take(
        self, reading: SinkReading, temperature: float | None, second: float | None
    ) -> tuple[bool, Reason | None]:
        """Judge the limit. A sink whose limit sensor is silent takes nothing."""
        guard = temperature
        if self.settings.kind is SinkKind.FLOOR:
            guard = second if reading.has_second else temperature
        elif guard is not None and second is not None:
            guard = max(guard, second)
        if guard is None:
            return False, Reason.STALE_SENSOR
        release = self.settings.limit_c - LIMIT_RELEASE_K
        if guard >= self.settings.limit_c:
            self._over_limit = True
        elif guard <= release:
            self._over_limit = False
        if self._over_limit:
            return False, Reason.TANK_OVER_TEMPERATURE
        return True, None

    def _fraction(
        self, reading: SinkReading, temperature: float | None, second: float | None
    ) -> tuple[float, Reason]:
        """Share of the sink's greatest heat that is wanted, 0…1."""
        settings, raised_c = self.settings, self.raised_to_c
        if raised_c is not None and temperature is not None:
            # All of the water has to get hot.
            coldest = temperature if second is None else min(temperature, second)
            if self._switched(coldest, raised_c, RAISED_HYSTERESIS_K):
                return 1.0, Reason.DISINFECTION
        asked = _known(reading.demand_fraction) if reading.has_demand_point else None
        if asked is not None and (not settings.demand_adds or temperature is None):
            return self._gated(min(asked, 1.0)), self._reason(Reason.BUILDING_DEMAND)
        if temperature is None:
            # Not knowing is no reason to forget: the memory resumes with the sensor.
            return 0.0, Reason.STALE_SENSOR
        own, cause = self._own(temperature, second)
        if asked is not None:
            self._asked = asked >= (DEMAND_OFF if self._asked else DEMAND_ON)
            if self._asked:
                cause = cause if own > 0 else Reason.BUILDING_DEMAND
                own = min(own + asked, 1.0)
        return own, cause

    def _own(self, temperature: float, second: float | None) -> tuple[float, Reason]:
        """Share of the greatest heat that its own temperatures ask for."""
        settings = self.settings
        cause = _DEMANDS[settings.kind]
        if settings.kind.is_tank:
            # The top stays hot until there is nothing below it, and is too late a sign.
            mean = temperature if second is None else (temperature + second) / 2
            coldest = min(temperature, mean)
            wanted = self._switched(coldest, self.target_c, settings.hysteresis_k)
            return wanted, self._reason(cause)
        band = max(settings.hysteresis_k, MINIMUM_BAND_K)
        share = min((self.target_c - temperature) / band, 1.0)
        allowed = self._allowed_by_curve(second)
        if allowed < share:
            share, cause = allowed, Reason.HEAT_CURVE
        gated = self._gated(share)
        return gated, cause if cause is Reason.HEAT_CURVE else self._reason(cause)

    def _switched(
        self, temperature: float, target_c: float, hysteresis_k: float
    ) -> float:
        if temperature >= target_c:
            self._wanted = False
        elif temperature < target_c - hysteresis_k:
            self._wanted = True
        return float(self._wanted)

    def _allowed_by_curve(self, supply_c: float | None) -> float:
        """Share of heat with which a floor's supply stays below its heat curve."""
        if self._curve_c is None or supply_c is None:
            return 1.0
        return max((self._curve_c - supply_c) / CURVE_BAND_K, 0.0)

    def _gated(self, fraction: float) -> float:
        """Suppress a demand too small to be meant, without chatter at the edge."""
        self._wanted = fraction >= (DEMAND_OFF if self._wanted else DEMAND_ON)
        return fraction if self._wanted else 0.0

    def _reason(self, cause: Reason) -> Reason:
        return cause if self._wanted else Reason.NO_DEMAND

    def _storage(self, mean: float | None) -> tuple[float | None, float | None]:
        """Energy in kWh and charge in % above the temperature that is "empty"."""
        settings = self.settings
        empty = COLD_WATER_C if settings.kind is SinkKind.DHW else self.comfort_min_c
        if mean is None or empty is None:
            return None, None
        span = self.target_c - empty
        charge = None
        if span > 0:
            charge = min(max(100 * (mean - empty) / span, 0.0), 100.0)
        return _energy(settings, empty, mean), charge

    def _hours_to_limit(self, temperature: float | None) -> float | None:
        minimum = self.comfort_min_c
        if temperature is None or minimum is None:
            return None
        if temperature <= minimum:
            return 0.0
        fall = self._trend.fall_k_per_h()
        return None if fall is None else (temperature - minimum) / fall

    def _hours_to_start(
        self, temperature: float | None, mean: float | None
    ) -> float | None:
        """Return how long heating can wait.

        Heat comes in below, so in a tank of layers the colder water has to be warmed
        before any of it helps above.
        """
        hours = self._hours_to_limit(temperature)
        if not hours:
            return hours
        lead_h = _LEAD_H[self.settings.kind]
        capacity = self.settings.capacity_kwh_per_k
        if capacity is not None and temperature is not None and mean is not None:
            rise = self.settings.max_heat_w / 1000 / capacity
            fall = self._trend.fall_k_per_h()
            if fall is None or rise <= fall:
                return 0.0  # the greatest heat cannot hold it: every minute counts
            lead_h += max(temperature - mean, 0.0) / rise
        return max(hours - lead_h, 0.0)

    @property
    def memory(self) -> dict[str, object]:
        """What must survive a restart, JSON-serialisable."""
        return {
            "enabled": self.enabled,
            "setpoint_c": self.settings.setpoint_c,
            "wanted": self._wanted,
            "over_limit": self._over_limit,
        }

    def restore(self, memory: Mapping[str, object]) -> None:
        """Take over a stored memory; unknown or broken parts are ignored."""
        if isinstance(enabled := memory.get("enabled"), bool):
            self.enabled = enabled
        setpoint_c = memory.get("setpoint_c")
        if isinstance(setpoint_c, int | float) and isfinite(setpoint_c):
            self.settings = replace(self.settings, setpoint_c=float(setpoint_c))
        self._wanted = memory.get("wanted") is True
        self._over_limit = memory.get("over_limit") is True


def _known(value: float | None) -> float | None:
    """Treat what no sensor can mean (NaN, infinite) as unknown."""
    return value if value is not None and isfinite(value) else None


def _energy(
    settings: SinkSettings, start: float | None, end: float | None
) -> float | None:
    """Heat in kWh from one temperature to a higher one; 0 if it is not higher."""
    if settings.capacity_kwh_per_k is None or start is None or end is None:
        return None
    return settings.capacity_kwh_per_k * max(end - start, 0.0)

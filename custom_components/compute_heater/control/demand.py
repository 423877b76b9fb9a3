"""How much heat each heat consumer ("sink") wants now."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from math import isfinite

from .reasons import Reason
from .trend import Trend

COLD_WATER_C = 12.0
LIMIT_RELEASE_K = 2.0
DEMAND_ON = 0.04
DEMAND_OFF = 0.03
MINIMUM_BAND_K = 0.1


class SinkKind(StrEnum):
    """Kinds of heat consumers."""

    DHW = "dhw"
    FLOOR = "floor"


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkSettings:
    """What the owner set for one sink; may be replaced at any time."""

    kind: SinkKind
    setpoint_c: float
    """DHW: tank temperature; floor: room temperature."""
    hysteresis_k: float
    """DHW: switches on this far below the set point; floor: proportional band."""
    limit_c: float
    """At or above it the sink takes no heat (tank; floor supply where measured)."""
    max_heat_w: float
    capacity_kwh_per_k: float | None = None
    comfort_min_c: float | None = None
    comfort_max_c: float | None = None
    """The optimiser stores heat up to here; None: up to the set point."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkReading:
    """Latest readings of one sink; None is unknown *or stale* (the caller judges age)."""

    temperature_c: float | None
    """Controlling temperature: DHW tank (top), floor: room."""
    second_c: float | None = None
    """DHW: second (lower) tank sensor; floor: floor supply or slab."""
    demand_fraction: float | None = None
    """The building's own heat demand, 0…1."""
    has_demand_point: bool = False
    has_second: bool = False
    """A second sensor is configured, so that its silence means something."""


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
    """DHW: above cold water of 12 °C; floor: above the comfort minimum."""
    charge_percent: float | None
    hours_to_limit: float | None
    """Until the comfort minimum at the present rate of fall; None unknown or rising."""
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
        self.demand = NOT_WANTED
        """The latest."""
        self._wanted = False
        self._over_limit = False
        self._trend = Trend()

    def evaluate(self, reading: SinkReading, now: float) -> SinkDemand:
        """Return what the sink wants. ``now`` is a monotonic time in seconds."""
        settings = self.settings
        temperature = _known(reading.temperature_c)
        second = _known(reading.second_c)
        if temperature is not None:
            self._trend.add(now, temperature)
        accepts, refusal = self._may_take(reading, temperature, second)
        fraction, reason = self._fraction(reading, temperature)
        if refusal is not None:
            fraction, reason = 0.0, refusal
        mean = temperature
        if settings.kind is SinkKind.DHW and temperature is not None:
            mean = temperature if second is None else (temperature + second) / 2
        stored, charge = self._storage(mean)
        demand = SinkDemand(
            heat_w=fraction * settings.max_heat_w,
            wanted=fraction > 0,
            accepts=accepts,
            energy_kwh=_energy(settings, mean, settings.setpoint_c),
            stored_kwh=stored,
            charge_percent=charge,
            hours_to_limit=self._hours_to_limit(temperature),
            reason=reason,
        )
        if not self.enabled:
            # Still measured, and still able to take heat that has nowhere else to go.
            demand = replace(demand, heat_w=0, wanted=False, reason=NOT_WANTED.reason)
        self.demand = demand
        return demand

    @property
    def is_known(self) -> bool:
        """The demand rests on a reading that can be relied on."""
        return self.demand.reason is not Reason.STALE_SENSOR

    def _may_take(
        self, reading: SinkReading, temperature: float | None, second: float | None
    ) -> tuple[bool, Reason | None]:
        """Judge the limit. A sink whose limit sensor is silent takes nothing."""
        if self.settings.kind is SinkKind.DHW:
            guard = temperature
            if guard is not None and second is not None:
                guard = max(guard, second)
        else:
            guard = second if reading.has_second else temperature
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
        self, reading: SinkReading, temperature: float | None
    ) -> tuple[float, Reason]:
        """Share of the sink's greatest heat that is wanted, 0…1."""
        settings = self.settings
        asked = _known(reading.demand_fraction) if reading.has_demand_point else None
        if asked is not None:
            return self._gated(min(asked, 1.0)), self._reason(Reason.BUILDING_DEMAND)
        if temperature is None:
            # Not knowing is no reason to forget: the memory resumes with the sensor.
            return 0.0, Reason.STALE_SENSOR
        if settings.kind is SinkKind.FLOOR:
            band = max(settings.hysteresis_k, MINIMUM_BAND_K)
            share = (settings.setpoint_c - temperature) / band
            return self._gated(min(share, 1.0)), self._reason(Reason.FLOOR_DEMAND)
        if temperature >= settings.setpoint_c:
            self._wanted = False
        elif temperature < settings.setpoint_c - settings.hysteresis_k:
            self._wanted = True
        return float(self._wanted), self._reason(Reason.DHW_DEMAND)

    def _gated(self, fraction: float) -> float:
        """Suppress a demand too small to be meant, without chatter at the edge."""
        self._wanted = fraction >= (DEMAND_OFF if self._wanted else DEMAND_ON)
        return fraction if self._wanted else 0.0

    def _reason(self, cause: Reason) -> Reason:
        return cause if self._wanted else Reason.NO_DEMAND

    def _storage(self, mean: float | None) -> tuple[float | None, float | None]:
        """Energy in kWh and charge in % above the temperature that is "empty"."""
        settings = self.settings
        empty = (
            COLD_WATER_C if settings.kind is SinkKind.DHW else settings.comfort_min_c
        )
        if mean is None or empty is None:
            return None, None
        span = settings.setpoint_c - empty
        charge = None
        if span > 0:
            charge = min(max(100 * (mean - empty) / span, 0.0), 100.0)
        return _energy(settings, empty, mean), charge

    def _hours_to_limit(self, temperature: float | None) -> float | None:
        minimum = self.settings.comfort_min_c
        if temperature is None or minimum is None:
            return None
        if temperature <= minimum:
            return 0.0
        fall = self._trend.fall_k_per_h()
        return None if fall is None else (temperature - minimum) / fall

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

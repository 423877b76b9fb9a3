"""Readings taken from any entity of Home Assistant, with their age."""

from collections.abc import Callable
import time

from homeassistant.const import (
    ATTR_UNIT_OF_MEASUREMENT,
    PERCENTAGE,
    STATE_UNAVAILABLE,
    STATE_UNKNOWN,
    UnitOfEnergy,
    UnitOfPower,
    UnitOfTemperature,
    UnitOfVolumeFlowRate,
)
from homeassistant.core import HomeAssistant, State
from homeassistant.util.unit_conversion import (
    BaseUnitConverter,
    EnergyConverter,
    PowerConverter,
    TemperatureConverter,
    VolumeFlowRateConverter,
)

# A source that goes away is believed for this long from then on: integrations reload,
# radios lose a packet, and neither should stop a heater for its minimum off time.
HOLD_S = 60.0
# Many sensors only report when something changes, so a short interval proves nothing:
# the limit is never below this, and longer for sources that are known to be slow.
MIN_MAX_AGE_S = 900.0
LONGEST_MAX_AGE_S = 4 * 3600.0
_INTERVALS_KEPT = 8
_INTERVALS_MISSED = 5
# Set by people, so their age says nothing.
_AGELESS = ("input_number.", "input_boolean.")


class Source:
    """One entity whose state is a reading; unknown is None, and so is stale."""

    def __init__(
        self,
        hass: HomeAssistant,
        entity_id: str,
        parse: Callable[[State], float | bool | None],
    ) -> None:
        """Read ``entity_id`` through ``parse``."""
        self.entity_id = entity_id
        self._hass = hass
        self._parse = parse
        self._value: float | bool | None = None
        self._reported_at: float | None = None
        self._gone_at: float | None = None
        self.intervals_s: list[float] = []
        """Between the latest reports; kept over restarts."""

    def begin(self) -> None:
        """Take over the state that is there already, with its age."""
        if (state := self._hass.states.get(self.entity_id)) is None:
            return
        self.take(state)
        if self._reported_at is not None:
            age_s = max(time.time() - state.last_reported.timestamp(), 0.0)
            self._reported_at = self._hass.loop.time() - age_s

    def take(self, state: State | None) -> None:
        """Note a new report; call it for changes and for unchanged reports."""
        now = self._hass.loop.time()
        value = None
        if state is not None and state.state not in (STATE_UNKNOWN, STATE_UNAVAILABLE):
            value = self._parse(state)
        if value is None:
            if self._gone_at is None:
                self._gone_at = now
            return
        self._gone_at = None
        if self._reported_at is not None and now - self._reported_at > 0.5:
            self.intervals_s = [
                *self.intervals_s[1 - _INTERVALS_KEPT :],
                now - self._reported_at,
            ]
        self._value, self._reported_at = value, now

    @property
    def max_age_s(self) -> float:
        """How old a report may be, learned from how seldom the source reports."""
        slowest = _INTERVALS_MISSED * max(self.intervals_s, default=0.0)
        return min(max(slowest, MIN_MAX_AGE_S), LONGEST_MAX_AGE_S)

    @property
    def age_s(self) -> float | None:
        """Seconds since the last report that could be read."""
        if self._reported_at is None:
            return None
        return self._hass.loop.time() - self._reported_at

    @property
    def value(self) -> float | bool | None:
        """The reading; None when there is none that can be relied on."""
        if (age := self.age_s) is None:
            return None
        now = self._hass.loop.time()
        if self._gone_at is not None and now - self._gone_at > HOLD_S:
            return None
        if self.entity_id.startswith(_AGELESS):
            return self._value
        return self._value if age <= self.max_age_s else None

    @property
    def number(self) -> float | None:
        """The reading as a number."""
        value = self.value
        return None if value is None else float(value)


def number(state: State) -> float | None:
    """Parse a number, whatever its unit."""
    try:
        value = float(state.state)
    except ValueError:
        return None
    return value if abs(value) < 1e9 else None  # also drops NaN and infinity


def _converted(
    converter: type[BaseUnitConverter], unit: str
) -> Callable[[State], float | None]:
    def parse(state: State) -> float | None:
        if (value := number(state)) is None:
            return None
        given = state.attributes.get(ATTR_UNIT_OF_MEASUREMENT)
        if given is None or given == unit:
            return value
        if given not in converter.VALID_UNITS:
            return None
        return converter.convert(value, given, unit)

    return parse


temperature = _converted(TemperatureConverter, UnitOfTemperature.CELSIUS)
flow = _converted(VolumeFlowRateConverter, UnitOfVolumeFlowRate.LITERS_PER_MINUTE)
power = _converted(PowerConverter, UnitOfPower.WATT)
energy = _converted(EnergyConverter, UnitOfEnergy.KILO_WATT_HOUR)


def demand_fraction(max_heat_w: float) -> Callable[[State], float | None]:
    """Return a parser of a heat demand: percent, or a power as part of the maximum."""

    def parse(state: State) -> float | None:
        unit = state.attributes.get(ATTR_UNIT_OF_MEASUREMENT)
        if unit in (None, PERCENTAGE):
            value = number(state)
            fraction = None if value is None else value / 100
        else:
            value = power(state)
            fraction = None if value is None else value / max_heat_w
        return None if fraction is None else min(max(fraction, 0.0), 1.0)

    return parse


def switched(state: State) -> bool | None:
    """Parse the state of a switch or valve."""
    return {"on": True, "open": True, "off": False, "closed": False}.get(state.state)

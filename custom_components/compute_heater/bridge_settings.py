"""What a bridge's owner entered: which entities it reads, and what they ask for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from homeassistant.config_entries import ConfigSubentry
from homeassistant.const import (
    ATTR_UNIT_OF_MEASUREMENT,
    CONF_UNIT_OF_MEASUREMENT,
    STATE_UNAVAILABLE,
    STATE_UNKNOWN,
)
from homeassistant.core import HomeAssistant, State

from .const import (
    CONF_BROKEN_BELOW,
    CONF_ECO_FROM,
    CONF_FALLBACK,
    CONF_FIRST_CONTACT,
    CONF_FULL_FROM,
    CONF_HEATERS,
    CONF_HOLD_TIME,
    CONF_HYSTERESIS,
    CONF_KIND,
    CONF_MAX_HEAT_POWER,
    CONF_ON_FROM,
    CONF_POWER,
    CONF_RECOMMENDED_STATE,
    CONF_REPORTS_WITHIN,
    CONF_SECOND_CONTACT,
    CONF_SG_STATES,
    CONF_SIGNAL,
    CONF_SIGNAL_FULL,
    CONF_SIGNAL_ZERO,
    CONF_SILENCE,
    CONF_SOURCE_ENTITY,
    CONF_STATE,
    CONF_TABLE,
)
from .control.bridge import (
    NOTHING,
    Asked,
    Binding,
    Hearing,
    HeatLine,
    Input,
    PowerLine,
    RequestBit,
    SgContacts,
    SgStates,
    Signal,
    StateTable,
)
from .heaters.model import PowerState
from .sources import number, switched

SG_NAMES = ("lock", "normal", "recommended", "forced")
"""The states of SG Ready, 1 to 4, as they are called in the dialogue."""


class BridgeKind(StrEnum):
    """What a bridge connects."""

    DEMAND_STATE = "demand_state"
    DEMAND_POWER = "demand_power"
    DEMAND_HEAT = "demand_heat"
    SG_CONTACTS = "sg_contacts"
    SG_STATES = "sg_states"
    REQUEST = "request"
    OUTPUT = "output"

    @property
    def is_of_numbers(self) -> bool:
        """It reads a heat demand as a number."""
        return self in {
            BridgeKind.DEMAND_STATE,
            BridgeKind.DEMAND_POWER,
            BridgeKind.DEMAND_HEAT,
        }


class Fallback(StrEnum):
    """What counts once a source has been silent for too long."""

    STANDBY = "standby"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeSettings:
    """One binding from entities to heaters."""

    sources: tuple[str, ...]
    parse: Callable[[State], Input]
    binding: Binding
    heaters: tuple[str, ...] | None
    """Ids of the heaters that are asked; None: all."""
    hold_s: float
    fallback: Asked
    reports_within_s: float | None
    """A source that reports more seldom is lost; None: one that goes away."""

    def inputs(self, hass: HomeAssistant) -> list[Input]:
        """Return what each source shows now, however old."""
        return [
            _read(hass.states.get(entity_id), self.parse) for entity_id in self.sources
        ]

    def hearing(self) -> Hearing:
        """Return a memory for what the sources ask for."""
        return Hearing(hold_s=self.hold_s, fallback=self.fallback)


def _read(state: State | None, parse: Callable[[State], Input]) -> Input:
    if state is None or state.state in (STATE_UNAVAILABLE, STATE_UNKNOWN):
        return None
    return parse(state)


def bridge_kind(subentry: ConfigSubentry) -> BridgeKind:
    """Return what a bridge connects."""
    return BridgeKind(subentry.data[CONF_KIND])


def bridge_settings(data: Mapping[str, Any]) -> BridgeSettings:
    """Read what the owner entered; not of an output."""
    kind = BridgeKind(data[CONF_KIND])
    binding = _binding(kind, data)
    silence = data[CONF_SILENCE]
    reports_within = silence.get(CONF_REPORTS_WITHIN)
    falls_back = silence[CONF_FALLBACK] == Fallback.STANDBY
    return BridgeSettings(
        sources=_sources(kind, data),
        parse=_parser(kind, data),
        binding=binding,
        heaters=tuple(data[CONF_HEATERS]) if data.get(CONF_HEATERS) else None,
        hold_s=silence[CONF_HOLD_TIME] * 60,
        fallback=binding.standby if falls_back else NOTHING,
        reports_within_s=None if reports_within is None else reports_within * 60,
    )


def _sources(kind: BridgeKind, data: Mapping[str, Any]) -> tuple[str, ...]:
    if kind is BridgeKind.SG_CONTACTS:
        return data[CONF_FIRST_CONTACT], data[CONF_SECOND_CONTACT]
    return (data[CONF_SOURCE_ENTITY],)


def _parser(kind: BridgeKind, data: Mapping[str, Any]) -> Callable[[State], Input]:
    if kind.is_of_numbers:
        return _number_in(data[CONF_SIGNAL].get(CONF_UNIT_OF_MEASUREMENT))
    if kind is BridgeKind.SG_STATES:
        return lambda state: state.state
    return switched


def _number_in(unit: str | None) -> Callable[[State], float | None]:
    """Return a parser of numbers; None where the unit is not that of their range.

    A sensor that shows mV from now on must not turn half a volt into full demand.
    """

    def parse(state: State) -> float | None:
        if unit not in (None, state.attributes.get(ATTR_UNIT_OF_MEASUREMENT)):
            return None
        return number(state)

    return parse


def _binding(kind: BridgeKind, data: Mapping[str, Any]) -> Binding:
    match kind:
        case BridgeKind.DEMAND_STATE:
            table = data[CONF_TABLE]
            return StateTable(
                signal=_signal(data),
                eco_from=table[CONF_ECO_FROM] / 100,
                full_from=table[CONF_FULL_FROM] / 100,
                hysteresis=table[CONF_HYSTERESIS] / 100,
            )
        case BridgeKind.DEMAND_POWER:
            return PowerLine(
                signal=_signal(data),
                on_from=data[CONF_TABLE][CONF_ON_FROM] / 100,
                hysteresis=data[CONF_TABLE][CONF_HYSTERESIS] / 100,
            )
        case BridgeKind.DEMAND_HEAT:
            return HeatLine(
                signal=_signal(data),
                full_heat_w=data[CONF_MAX_HEAT_POWER] * 1000,
                on_from=data[CONF_TABLE][CONF_ON_FROM] / 100,
                hysteresis=data[CONF_TABLE][CONF_HYSTERESIS] / 100,
            )
        case BridgeKind.SG_CONTACTS:
            return SgContacts(recommended=PowerState(data[CONF_RECOMMENDED_STATE]))
        case BridgeKind.SG_STATES:
            names = data[CONF_SG_STATES]
            return SgStates(
                states={
                    state: names[name]
                    for state, name in enumerate(SG_NAMES, start=1)
                    if names.get(name)
                },
                recommended=PowerState(data[CONF_RECOMMENDED_STATE]),
            )
        case BridgeKind.REQUEST:
            power_w = data.get(CONF_POWER)
            state = PowerState(data[CONF_STATE]) if power_w is None else None
            return RequestBit(on=Asked(state=state, power_w=power_w))
        case BridgeKind.OUTPUT:
            raise ValueError("an output reads nothing of the building")


def _signal(data: Mapping[str, Any]) -> Signal:
    signal = data[CONF_SIGNAL]
    return Signal(
        zero=signal[CONF_SIGNAL_ZERO],
        full=signal[CONF_SIGNAL_FULL],
        broken_below=signal.get(CONF_BROKEN_BELOW),
    )

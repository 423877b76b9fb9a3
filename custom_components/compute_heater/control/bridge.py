"""What values of the building ask of heaters: tables, lines and contacts.

Whoever reads a value gives it here together with what the same source asked for before,
which is all that hysteresis needs.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Protocol, Self

from ..heaters.model import PowerState
from .building import BuildingRequest, SiteRequest
from .ladder import HeaterSettings
from .reasons import Reason

# 2.4 V of 2 to 10 V is 5 %, whatever binary fractions make of it.
_SAME = 1e-9

type Input = float | bool | str | None
"""What a source shows; None while it is silent, or shows nothing that can be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a source asks for; nothing of it given: for nothing."""

    state: PowerState | None = None
    power_w: float | None = None
    """Electrical power of each heater."""
    fraction: float | None = None
    """Of the way between the floor and the greatest power of each heater, 0 to 1."""
    heat_w: float | None = None
    """Heat of all heaters of the site together."""
    allowed: bool = True
    """False: no more than standby."""

    @property
    def works(self) -> bool:
        """Whether it asks for more than standby."""
        return (
            self.state in {PowerState.ECO, PowerState.FULL}
            or (self.power_w or 0.0) > 0
            or self.fraction is not None
            or (self.heat_w or 0.0) > 0
        )

    def power_of(self, settings: HeaterSettings) -> float | None:
        """Return the electrical power that is asked of a heater; None: none is."""
        if self.power_w is not None:
            return min(self.power_w, settings.full_w)
        if self.fraction is not None:
            range_w = settings.full_w - settings.floor_w
            power_w = settings.floor_w + self.fraction * range_w
            return max(power_w, settings.lowest_working_w)
        return None if self.state is None else settings.nominal_w(self.state)

    @property
    def memory(self) -> dict[str, object]:
        """As JSON types."""
        return asdict(self)

    @classmethod
    def from_memory(cls, memory: Mapping[str, object]) -> Self:
        """Take back what ``memory`` gave."""
        data = {**memory}
        if isinstance(state := data.get("state"), str):
            data["state"] = PowerState(state)
        return cls(**data)  # type: ignore[arg-type]


STANDBY = Asked(state=PowerState.STANDBY)
NOTHING = Asked()


def site_request(
    asked: Asked, heaters: Mapping[str, HeaterSettings], reason: Reason
) -> SiteRequest | None:
    """Return the request for the site; None where nothing is asked for."""
    if asked == NOTHING:
        return None
    if asked.heat_w is not None:
        return SiteRequest(heat_w=asked.heat_w, reason=reason)
    return SiteRequest(
        heaters={
            heater_id: BuildingRequest(
                # As a power where it is one: states of heaters differ.
                state=asked.state,
                power_w=None if asked.state else asked.power_of(settings),
                allowed=asked.allowed,
                reason=reason,
            )
            for heater_id, settings in heaters.items()
        }
    )


class Binding(Protocol):
    """Translates what sources show into what they ask for."""

    @property
    def standby(self) -> Asked:
        """What asks for no heat, in the terms of this binding."""
        ...

    def asked(self, inputs: Sequence[Input], before: Asked | None) -> Asked | None:
        """Return what is asked for; None where the inputs cannot be relied on.

        ``before`` is what they asked for last.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """How a number stands for a demand: percent, or a voltage of 0–10 V or 2–10 V."""

    zero: float = 0.0
    """The number that means 0 %."""
    full: float = 100.0
    """The number that means 100 %; may be the lower one."""
    broken_below: float | None = None
    """A lower number comes from a broken wire."""

    def fraction(self, inputs: Sequence[Input]) -> float | None:
        """Return the demand, 0 to 1; None: unknown."""
        (raw,) = inputs
        if isinstance(raw, str) or raw is None:
            return None
        if self.broken_below is not None and raw < self.broken_below:
            return None
        share = (raw - self.zero) / (self.full - self.zero)
        return min(max(share, 0.0), 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class StateTable:
    """Demand → power state, by a table with hysteresis. Demands are 0 to 1."""

    signal: Signal
    eco_from: float = 0.05
    full_from: float = 0.6
    hysteresis: float = 0.02
    """A state is left so far below where it began."""

    @property
    def standby(self) -> Asked:
        """Standby of each heater."""
        return STANDBY

    def asked(self, inputs: Sequence[Input], before: Asked | None) -> Asked | None:
        """Return the state for a demand."""
        if (fraction := self.signal.fraction(inputs)) is None:
            return None
        rank = before.state.rank if before is not None and before.state else 0
        if _reaches(
            fraction, self.full_from, self.hysteresis, rank >= PowerState.FULL.rank
        ):
            return Asked(state=PowerState.FULL)
        if _reaches(
            fraction, self.eco_from, self.hysteresis, rank >= PowerState.ECO.rank
        ):
            return Asked(state=PowerState.ECO)
        return STANDBY


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerLine:
    """Demand → power of each heater, between its floor and its greatest power."""

    signal: Signal
    on_from: float = 0.05
    """Below it stands by."""
    hysteresis: float = 0.02

    @property
    def standby(self) -> Asked:
        """Standby of each heater."""
        return STANDBY

    def asked(self, inputs: Sequence[Input], before: Asked | None) -> Asked | None:
        """Return the part of the range for a demand."""
        if (fraction := self.signal.fraction(inputs)) is None:
            return None
        works = before is not None and before.works
        if not _reaches(fraction, self.on_from, self.hysteresis, works):
            return STANDBY
        return Asked(fraction=fraction)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatLine:
    """Demand → heat of the whole site, up to ``full_heat_w``."""

    signal: Signal
    full_heat_w: float
    on_from: float = 0.05
    """Below it no heat is asked for."""
    hysteresis: float = 0.02

    @property
    def standby(self) -> Asked:
        """No heat."""
        return Asked(heat_w=0.0)

    def asked(self, inputs: Sequence[Input], before: Asked | None) -> Asked | None:
        """Return the heat for a demand."""
        if (fraction := self.signal.fraction(inputs)) is None:
            return None
        works = before is not None and before.works
        if not _reaches(fraction, self.on_from, self.hysteresis, works):
            return self.standby
        return Asked(heat_w=fraction * self.full_heat_w)


def _reaches(fraction: float, begin: float, hysteresis: float, is_in: bool) -> bool:
    return fraction + _SAME >= (begin - hysteresis if is_in else begin)


LOCK, NORMAL, RECOMMENDED, FORCED = 1, 2, 3, 4
"""The states of SG Ready."""
_BY_CONTACTS = {
    (True, False): LOCK,
    (False, False): NORMAL,
    (False, True): RECOMMENDED,
    (True, True): FORCED,
}


def _sg_ready(state: int, recommended: PowerState) -> Asked:
    match state:
        case 1:
            return Asked(allowed=False)
        case 3:
            return Asked(state=recommended)
        case 4:
            return Asked(state=PowerState.FULL)
        case _:
            return NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class SgContacts:
    """The two contacts of SG Ready, in the order of the standard."""

    recommended: PowerState = PowerState.ECO

    @property
    def standby(self) -> Asked:
        """Standby of each heater."""
        return STANDBY

    def asked(self, inputs: Sequence[Input], before: Asked | None) -> Asked | None:
        """Return what both contacts together mean."""
        first, second = inputs
        if first is None or second is None:
            return None
        return _sg_ready(_BY_CONTACTS[bool(first), bool(second)], self.recommended)


@dataclass(frozen=True, slots=True, kw_only=True)
class SgStates:
    """One entity with the states of SG Ready, each called as its maker likes."""

    states: Mapping[int, str]
    """What each state is called; one that never comes is left out."""
    recommended: PowerState = PowerState.ECO

    @property
    def standby(self) -> Asked:
        """Standby of each heater."""
        return STANDBY

    def asked(self, inputs: Sequence[Input], before: Asked | None) -> Asked | None:
        """Return what the state means; one that is not named means nothing known."""
        (shown,) = inputs
        if shown is None:
            return None
        found = (key for key, name in self.states.items() if _is_same(name, shown))
        state = next(found, None)
        return None if state is None else _sg_ready(state, self.recommended)


def _is_same(name: str, shown: float | str) -> bool:
    """Whether two names are the same: numbers may be written as 3 or 3.0."""
    try:
        return float(name) == float(shown)
    except ValueError:
        return name.strip().casefold() == str(shown).strip().casefold()


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestBit:
    """A contact that asks for heat."""

    on: Asked

    @property
    def standby(self) -> Asked:
        """Standby of each heater."""
        return STANDBY

    def asked(self, inputs: Sequence[Input], before: Asked | None) -> Asked | None:
        """Return what is asked for while it is on, else standby."""
        (shown,) = inputs
        if shown is None:
            return None
        return self.on if shown else STANDBY


class Hearing:
    """What counts of a source: what it asks for, or what was agreed for its silence."""

    def __init__(self, *, hold_s: float, fallback: Asked) -> None:
        """Go on with the last request for ``hold_s``, and then with ``fallback``."""
        self._hold_s = hold_s
        self._fallback = fallback
        self.asked: Asked | None = None
        """What was heard last; None: nothing yet."""
        self._lost_at: float | None = None

    def take(self, asked: Asked | None, now: float) -> None:
        """Note what is asked for now; None: the source is not heard."""
        if asked is not None:
            self.asked, self._lost_at = asked, None
        elif self._lost_at is None:
            self._lost_at = now

    def left_s(self, now: float) -> float | None:
        """Seconds until the fallback counts; None while the source is heard."""
        if self._lost_at is None:
            return None
        return max(self._lost_at + self._hold_s - now, 0.0)

    def counts(self, now: float) -> tuple[Asked, Reason]:
        """Return what is asked for now, and why.

        A source that was never heard asks for nothing until the time is over.
        """
        left_s = self.left_s(now)
        if left_s is None:
            return self.asked or NOTHING, Reason.BUILDING_DEMAND
        if left_s > 0:
            return self.asked or NOTHING, Reason.BUILDING_SILENT
        return self._fallback, Reason.BUILDING_SILENT

    @property
    def memory(self) -> dict[str, object]:
        """For a reload within this run."""
        asked = None if self.asked is None else self.asked.memory
        return {"asked": asked, "lost_at": self._lost_at}

    def restore(self, memory: Mapping[str, object]) -> None:
        """Go on as before a reload."""
        if isinstance(asked := memory.get("asked"), Mapping):
            self.asked = Asked.from_memory(asked)
        if isinstance(lost_at := memory.get("lost_at"), int | float):
            self._lost_at = lost_at


def chosen[T](known: Mapping[str, T], wanted: Iterable[str] | None) -> dict[str, T]:
    """Return those that an owner chose and that are still there; None: all."""
    if wanted is None:
        return dict(known)
    names = set(wanted)
    return {key: each for key, each in known.items() if key in names}

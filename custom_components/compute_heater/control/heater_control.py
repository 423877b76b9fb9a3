"""One heater of a site: what people set, what its readings allow, what it shall do."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isfinite
from typing import Literal

from ..heaters.model import PowerState, Reading
from .building import BuildingRequest
from .dispatch import Dispatcher, DispatchResult, HeaterLimit
from .ladder import SAME_W, HeaterSettings
from .power_state import measured_state
from .precedence import Decision, HeaterWish, decide, headroom
from .reasons import Reason
from .safety import SafetyInput, SafetyMemory, SafetySettings, SafetyVerdict, assess
from .setpoint import SetpointController

type Mode = Literal["off", "auto", "heat"]

_OF_THE_HEATER = frozenset(
    {
        Reason.LEAK,
        Reason.OVER_TEMPERATURE,
        Reason.THROTTLED_BY_TEMPERATURE,
        Reason.DEVICE_OVERHEATING,
        Reason.HEATER_UNAVAILABLE,
        Reason.STALE_SENSOR,
        Reason.FLOW_LOST,
    }
)
"""Reasons of safety that are about the heater, and not about the path of its heat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaterDescription:
    """What does not change about a heater while it is controlled."""

    settings: HeaterSettings
    safety: SafetySettings
    needs: tuple[str, ...] = ("coolant", "supply")
    """Readings that must be known and fresh: those that the heater can tell."""
    off_powers_down: bool = False
    """Climate ``off`` shuts the machine down."""
    income_per_kwh: float = 0.0
    """Earned by computing, per electricity, where no forecast says otherwise."""
    start_cost: float = 0.05
    """Wear and lost work of a start, in the site's currency."""
    change_cost: float = 0.02
    """Likewise of a change of power while it works."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaterInput:
    """The latest reading of a heater; None: it does not answer."""

    reading: Reading | None
    age_s: float | None = 0.0
    """Since the reading was taken; None: never."""


@dataclass(slots=True, kw_only=True)
class HeaterControls:
    """What people set."""

    mode: Mode = "auto"
    manual_state: PowerState | None = None
    compute_allowed: bool = True
    power_limit_w: float | None = None
    target_c: float
    """Of the supply: held in ``heat``, its upper limit in ``auto``."""

    @property
    def memory(self) -> dict[str, object]:
        """What must survive a restart, JSON-serialisable."""
        return {
            "mode": self.mode,
            "manual_state": self.manual_state,
            "compute_allowed": self.compute_allowed,
            "power_limit_w": self.power_limit_w,
            "target_c": self.target_c,
        }

    def restore(self, memory: Mapping[str, object]) -> None:
        """Take over what was stored; broken parts keep their defaults."""
        match memory.get("mode"):
            case "off" | "auto" | "heat" as mode:
                self.mode = mode
        state = memory.get("manual_state")
        if isinstance(state, str) and state in tuple(PowerState):
            self.manual_state = PowerState(state)
        if isinstance(allowed := memory.get("compute_allowed"), bool):
            self.compute_allowed = allowed
        if (limit := _number(memory.get("power_limit_w"))) is not None:
            self.power_limit_w = limit
        if (target := _number(memory.get("target_c"))) is not None:
            self.target_c = target


class HeaterController:
    """Brings together what people, dispatch and safety say of one heater."""

    def __init__(self, description: HeaterDescription) -> None:
        """Control the heater that ``description`` is about."""
        self.description = description
        self.settings = description.settings
        safety = description.safety
        self.controls = HeaterControls(target_c=safety.throttle_c)
        self.verdict = SafetyVerdict()
        self.decision: Decision | None = None
        self.reading: Reading | None = None
        """The latest; None while the heater does not answer."""
        self._age_s: float | None = None
        self._safety = SafetyMemory()
        self._setpoint = SetpointController(floor_w=safety.floor_w, max_w=safety.max_w)
        self._holding = False
        self._wish: HeaterWish | None = None
        # The building's own wishes are not smoothed; starts and stops are still held.
        self._building = Dispatcher((replace(self.settings, dwell_s=0.0),))

    @property
    def runs_by_hand(self) -> bool:
        """A person asked for heat, so a path must be open for it."""
        return self.controls.mode == "heat" and self.controls.manual_state not in (
            PowerState.OFF,
            PowerState.STANDBY,
        )

    @property
    def heat_by_hand_w(self) -> float:
        """Heat that a heater in manual mode gives off now; 0 in the other modes."""
        return self._measured_heat_w if self.controls.mode == "heat" else 0.0

    @property
    def heat_for_building_w(self) -> float:
        """Heat that a heater in auto gives off now at the building's own word; else 0."""
        wish = self._wish
        if wish is None or wish.mode != "auto" or wish.building_is_minimum:
            return 0.0
        asked = wish.building is not None and wish.building.power_w is not None
        return self._measured_heat_w if asked else 0.0

    @property
    def _measured_heat_w(self) -> float:
        if self.reading is None:
            return 0.0
        heat_w = self.reading.heat_w
        return (heat_w if heat_w is not None else self.reading.power_w) or 0.0

    def read(self, given: HeaterInput) -> None:
        """Take a reading, before anything is decided on it."""
        self.reading = given.reading
        self._age_s = given.age_s

    def assess(
        self,
        *,
        path_ready: bool,
        path_reason: Reason,
        now: float,
        building: BuildingRequest | None = None,
        building_is_minimum: bool = False,
    ) -> None:
        """Judge safety, and note what everyone but dispatch wants.

        ``building`` is what the building's controller asks for, where it has a say.
        """
        controls, reading = self.controls, self.reading
        self.verdict, self._safety = assess(
            self.description.safety,
            SafetyInput(
                coolant_c=reading.coolant_c if reading else None,
                supply_c=reading.supply_c if reading else None,
                ages=dict.fromkeys(self.description.needs, self._age_s),
                path_ready=path_ready,
                path_reason=path_reason,
                flow_lpm=reading.flow_lpm if reading else None,
                working=reading is not None and self._works(reading),
                heater_available=reading is not None,
                overheating=reading.overheating if reading else None,
                leak=reading.leak if reading else None,
                flow_fault=reading.flow_fault if reading else None,
            ),
            self._safety,
            now,
        )
        setpoint_w = self._hold_setpoint(
            reading.supply_c if reading else None, building, now
        )
        wish = HeaterWish(
            settings=self.settings,
            mode=controls.mode,
            safety=self.verdict,
            manual_state=controls.manual_state,
            setpoint_power_w=setpoint_w if controls.mode == "heat" else None,
            compute_allowed=controls.compute_allowed,
            power_limit_w=controls.power_limit_w,
            # In auto the target is the upper limit of the supply temperature.
            supply_limit_w=setpoint_w if controls.mode == "auto" else None,
            falls_back_w=reading.falls_back_w if reading else None,
            off_powers_down=self.description.off_powers_down,
            building=building,
            building_is_minimum=building_is_minimum,
        )
        self._wish = replace(wish, building=self._in_time(wish, now))

    def _in_time(self, wish: HeaterWish, now: float) -> BuildingRequest | None:
        """Return what the building asks for, as far as it may be done by now."""
        request, settings = wish.building, self.settings
        asked_w = None if request is None else request.asked_w(settings)
        if request is None or asked_w is None:
            return request
        if asked_w < settings.lowest_working_w - SAME_W:
            asked_w = settings.standby_w
        result = self._building.dispatch(
            asked_w * settings.efficiency,
            {settings.heater_id: headroom(wish)},
            now,
            cause=request.reason,
        )[settings.heater_id]
        reason = result.reason
        if reason in {Reason.NO_DEMAND, Reason.FULLY_USED}:
            reason = request.reason
        return replace(request, power_w=result.power_w, reason=reason)

    def _works(self, reading: Reading) -> bool:
        """Whether it draws more than in standby."""
        return measured_state(reading, self.settings) in (
            PowerState.ECO,
            PowerState.FULL,
        )

    def _hold_setpoint(
        self, supply_c: float | None, building: BuildingRequest | None, now: float
    ) -> float | None:
        """Power at which the supply temperature stays at the target."""
        if self.controls.mode == "off":
            self._holding = False
            return None
        if not self._holding:
            # Auto starts from full, so that the limit only shows near the target.
            start = self.settings.max_w
            reading = self.reading
            if self.controls.mode == "heat" and reading and reading.power_w is not None:
                start = reading.power_w
            self._setpoint.start(start)
            self._holding = True
        target_c = self.controls.target_c
        if building is not None and building.supply_c is not None:
            target_c = min(building.supply_c, self.description.safety.throttle_c)
        return self._setpoint.evaluate(target_c, supply_c, now)

    @property
    def limit(self) -> HeaterLimit | None:
        """How far dispatch may use the heater; None where it may not."""
        wish = self._wish
        if wish is None or wish.mode != "auto" or self.reading is None:
            return None
        asked_w = None if wish.building is None else wish.building.power_w
        if asked_w is None:
            return headroom(wish)
        if not wish.building_is_minimum:
            return None
        return replace(headroom(wish), least_w=asked_w)

    @property
    def available_w(self) -> float | None:
        """Heat that it could give if it were asked now; None before the first reading.

        The heat's path would open for it first, so a closed one does not count.
        """
        wish = self._wish
        if wish is None:
            return None
        if self.reading is None:
            return 0.0
        settings, safety = self.settings, wish.safety
        if safety.reasons and not _is_hindered(safety):
            safety = SafetyVerdict()
        # The building knows of its own lock.
        limit = headroom(replace(wish, safety=safety, building=None))
        power_w = settings.highest_w(limit.ceiling_w, limit.max_state)
        if power_w < settings.lowest_working_w - SAME_W:
            return 0.0
        return power_w * settings.efficiency

    @property
    def may_be_planned(self) -> bool:
        """Whether it will probably take part in what dispatch decides."""
        controls = self.controls
        return (
            controls.mode == "auto"
            and controls.compute_allowed
            and self.reading is not None
        )

    def decide(
        self, dispatch: DispatchResult | None, *, strategy_active: bool
    ) -> Decision:
        """Decide by precedence, after ``assess``."""
        assert self._wish is not None
        wish = replace(self._wish, dispatch=dispatch, strategy_active=strategy_active)
        self.decision = decide(wish)
        return self.decision

    def set_mode(self, mode: Mode) -> None:
        """Change the climate mode; a chosen power state ends with it."""
        self.controls.mode = mode
        self.controls.manual_state = None
        self._holding = False

    def set_manual_state(self, state: PowerState) -> None:
        """Choose a power state by hand, which leaves auto."""
        self.controls.mode = "heat"
        self.controls.manual_state = state

    @property
    def memory(self) -> dict[str, object]:
        """What must survive a restart, JSON-serialisable."""
        return {
            "controls": self.controls.memory,
            "safety": self._safety.as_dict(),
            "building": self._building.memory,
            "setpoint": self._setpoint.memory,
            "holding": self._holding,
        }

    def restore(self, memory: Mapping[str, object]) -> None:
        """Take over what was stored, within limits that may be new."""
        controls, settings = self.controls, self.settings
        controls.restore(_part(memory, "controls"))
        controls.target_c = min(controls.target_c, self.description.safety.throttle_c)
        if controls.power_limit_w is not None:
            controls.power_limit_w = max(controls.power_limit_w, settings.floor_w)
            if controls.power_limit_w >= settings.max_w:
                controls.power_limit_w = None
        self._safety = SafetyMemory.from_dict(_part(memory, "safety"))
        self._building.restore(_part(memory, "building"))
        self._setpoint.restore(_part(memory, "setpoint"))
        self._holding = memory.get("holding") is True


def _is_hindered(safety: SafetyVerdict) -> bool:
    """Whether the heater itself has to be spared, path or no path."""
    return not _OF_THE_HEATER.isdisjoint(safety.reasons)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if isfinite(value) else None


def _part(memory: Mapping[str, object], name: str) -> Mapping[str, object]:
    part = memory.get(name)
    return part if isinstance(part, Mapping) else {}

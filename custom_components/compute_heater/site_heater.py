"""One heater of a site as control sees it: what people set, and its limits."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from homeassistant.core import callback

from .const import (
    CONF_ECO_POWER,
    CONF_FULL_POWER,
    CONF_MIN_OFF_TIME,
    CONF_MIN_ON_TIME,
    CONF_OFF_POWERS_DOWN,
    CONF_STANDBY_POWER,
    CONF_THROTTLE_TEMPERATURE,
    CONF_TRIP_TEMPERATURE,
    CONF_UNATTENDED_POWER,
)
from .control.dispatch import DispatchResult, HeaterLimit
from .control.ladder import HeaterSettings
from .control.precedence import Decision, HeaterWish, decide, headroom
from .control.reasons import Reason
from .control.safety import (
    SafetyInput,
    SafetyMemory,
    SafetySettings,
    SafetyVerdict,
    assess,
)
from .control.setpoint import SetpointController
from .heater_coordinator import HeaterCoordinator
from .heaters.model import Capabilities, Command, PowerState, Reading
from .power_state import measured_state

type Mode = Literal["off", "auto", "heat"]

# A demand that ripples shall not make a command of every ripple.
_DWELL_S = 30.0
_STEP_W = 50.0


@dataclass(slots=True, kw_only=True)
class HeaterControls:
    """What people set at the heater's entities."""

    mode: Mode = "auto"
    manual_state: PowerState | None = None
    compute_allowed: bool = True
    power_limit_w: float | None = None
    target_c: float

    @property
    def memory(self) -> dict[str, Any]:
        """For the store."""
        return {
            "mode": self.mode,
            "manual_state": self.manual_state,
            "compute_allowed": self.compute_allowed,
            "power_limit_w": self.power_limit_w,
            "target_c": self.target_c,
        }

    def restore(self, memory: Mapping[str, Any]) -> None:
        """Take over what was stored; broken parts keep their defaults."""
        if (mode := memory.get("mode")) in ("off", "auto", "heat"):
            self.mode = mode
        if (state := memory.get("manual_state")) in tuple(PowerState):
            self.manual_state = PowerState(state)
        if isinstance(allowed := memory.get("compute_allowed"), bool):
            self.compute_allowed = allowed
        if isinstance(limit := memory.get("power_limit_w"), int | float):
            self.power_limit_w = float(limit)
        if isinstance(target := memory.get("target_c"), int | float):
            self.target_c = float(target)


class SiteHeater:
    """Brings together what people, dispatch and safety say of one heater."""

    def __init__(self, coordinator: HeaterCoordinator) -> None:
        """Take limits and nominal powers from the subentry."""
        data, capabilities = coordinator.subentry.data, coordinator.capabilities
        self.coordinator = coordinator
        self.heater_id = coordinator.subentry.subentry_id
        self.controls = HeaterControls(target_c=data[CONF_THROTTLE_TEMPERATURE])
        self.settings = HeaterSettings(
            heater_id=self.heater_id,
            floor_w=data[CONF_STANDBY_POWER],
            max_w=data[CONF_FULL_POWER],
            levels_w=_levels_w(capabilities, data),
            can_cap=capabilities.can_cap,
            has_standby=_has_standby(capabilities),
            takes_levels=_takes_levels(capabilities),
            working_floor_w=capabilities.floor_w
            if capabilities.works_at_floor
            else None,
            device_max_w=capabilities.max_w,
            min_on_s=data[CONF_MIN_ON_TIME],
            min_off_s=data[CONF_MIN_OFF_TIME],
            dwell_s=_DWELL_S if capabilities.can_cap else 0.0,
            step_w=max(_STEP_W, capabilities.step_w or 0.0),
            unattended_w=data.get(CONF_UNATTENDED_POWER),
        )
        self._safety_settings = SafetySettings(
            floor_w=data[CONF_STANDBY_POWER],
            max_w=data[CONF_FULL_POWER],
            throttle_c=data[CONF_THROTTLE_TEMPERATURE],
            trip_c=data[CONF_TRIP_TEMPERATURE],
        )
        self._off_powers_down: bool = data[CONF_OFF_POWERS_DOWN]
        self._safety = SafetyMemory()
        self._setpoint = SetpointController(
            floor_w=data[CONF_STANDBY_POWER], max_w=data[CONF_FULL_POWER]
        )
        self._holding = False
        self.verdict = SafetyVerdict()
        self.decision: Decision | None = None
        self._wish: HeaterWish | None = None

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
        reading = self.coordinator.data
        if self.controls.mode != "heat" or not self.coordinator.available:
            return 0.0
        return (
            reading.heat_w if reading.heat_w is not None else reading.power_w
        ) or 0.0

    @callback
    def assess(self, *, path_ready: bool, path_reason: Reason, now: float) -> None:
        """Judge safety, and note what everyone but dispatch wants."""
        coordinator, controls = self.coordinator, self.controls
        reading = coordinator.data if coordinator.available else None
        age = None if coordinator.read_at is None else now - coordinator.read_at
        needed = [
            name
            for name in ("coolant", "supply")
            if coordinator.capabilities.can_read(f"{name}_c")
        ]
        self.verdict, self._safety = assess(
            self._safety_settings,
            SafetyInput(
                coolant_c=reading.coolant_c if reading else None,
                supply_c=reading.supply_c if reading else None,
                ages=dict.fromkeys(needed, age),
                path_ready=path_ready,
                path_reason=path_reason,
                flow_lpm=reading.flow_lpm if reading else None,
                working=reading is not None and self._works(reading),
                heater_available=coordinator.available,
                overheating=reading.overheating if reading else None,
                leak=reading.leak if reading else None,
                flow_fault=reading.flow_fault if reading else None,
            ),
            self._safety,
            now,
        )
        setpoint_w = self._hold_setpoint(reading.supply_c if reading else None, now)
        self._wish = HeaterWish(
            settings=self.settings,
            mode=controls.mode,
            safety=self.verdict,
            manual_state=controls.manual_state,
            setpoint_power_w=setpoint_w if controls.mode == "heat" else None,
            compute_allowed=controls.compute_allowed,
            power_limit_w=controls.power_limit_w,
            # In auto the target is the upper limit of the supply temperature.
            supply_limit_w=setpoint_w if controls.mode == "auto" else None,
            off_powers_down=self._off_powers_down,
        )

    def _works(self, reading: Reading) -> bool:
        """Whether it draws more than in standby."""
        return measured_state(reading, self.settings) in (
            PowerState.ECO,
            PowerState.FULL,
        )

    def _hold_setpoint(self, supply_c: float | None, now: float) -> float | None:
        """Power at which the supply temperature stays at the target."""
        if self.controls.mode == "off":
            self._holding = False
            return None
        if not self._holding:
            reading = self.coordinator.data
            # Auto starts from full, so that the limit only shows near the target.
            start = self.settings.max_w
            if self.controls.mode == "heat" and reading and reading.power_w is not None:
                start = reading.power_w
            self._setpoint.start(start)
            self._holding = True
        return self._setpoint.evaluate(self.controls.target_c, supply_c, now)

    @property
    def limit(self) -> HeaterLimit | None:
        """How far dispatch may use the heater; None where it may not."""
        if (
            self._wish is None
            or self.controls.mode != "auto"
            or not self.coordinator.available
        ):
            return None
        return headroom(self._wish)

    @callback
    def decide(self, dispatch: DispatchResult | None, *, strategy_active: bool) -> None:
        """Decide by precedence and have it carried out."""
        assert self._wish is not None
        wish = replace(self._wish, dispatch=dispatch, strategy_active=strategy_active)
        before, self.decision = self.decision, decide(wish)
        self.coordinator.request(
            Command(
                on=self.decision.on,
                power_limit_w=self.decision.power_w,
                keep_cap=not (self.settings.can_cap or self.settings.takes_levels),
                may_split=self.coordinator.modules_may_rest,
            )
        )
        if before != self.decision:
            self.coordinator.async_update_listeners()

    @callback
    def set_mode(self, mode: Mode) -> None:
        """Change the climate mode; a chosen power state ends with it."""
        self.controls.mode = mode
        self.controls.manual_state = None
        self._holding = False

    @callback
    def set_manual_state(self, state: PowerState) -> None:
        """Choose a power state by hand, which leaves auto."""
        self.controls.mode = "heat"
        self.controls.manual_state = state

    @property
    def memory(self) -> dict[str, Any]:
        """What must survive a restart."""
        return {
            "controls": self.controls.memory,
            "safety": self._safety.as_dict(),
            "setpoint": self._setpoint.memory,
            "holding": self._holding,
            **self.coordinator.memory,
        }

    def restore(self, memory: Mapping[str, Any]) -> None:
        """Take over what was stored, within limits that may be new."""
        controls, settings = self.controls, self.settings
        controls.restore(memory.get("controls", {}))
        controls.target_c = min(controls.target_c, self._safety_settings.throttle_c)
        if controls.power_limit_w is not None:
            controls.power_limit_w = max(controls.power_limit_w, settings.floor_w)
            if controls.power_limit_w >= settings.max_w:
                controls.power_limit_w = None
        self._safety = SafetyMemory.from_dict(memory.get("safety", {}))
        self._setpoint.restore(memory.get("setpoint", {}))
        self._holding = memory.get("holding") is True
        self.coordinator.restore(memory)


def _takes_levels(capabilities: Capabilities) -> bool:
    return bool(capabilities.levels) and not capabilities.can_cap


def _has_standby(capabilities: Capabilities) -> bool:
    """Whether it can stand by, or works whenever it is not off."""
    if PowerState.STANDBY in capabilities.levels or not capabilities.can_switch:
        return True
    return capabilities.can_cap and not capabilities.works_at_floor


def _levels_w(
    capabilities: Capabilities, data: Mapping[str, Any]
) -> dict[PowerState, float]:
    """Return the nominal powers of the states that can be commanded."""
    levels_w: dict[PowerState, float] = {
        PowerState.STANDBY: data[CONF_STANDBY_POWER],
        PowerState.ECO: data[CONF_ECO_POWER],
        PowerState.FULL: data[CONF_FULL_POWER],
    }
    if _takes_levels(capabilities) and PowerState.ECO not in capabilities.levels:
        del levels_w[PowerState.ECO]
    return levels_w

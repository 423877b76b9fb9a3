"""One heater of a site: its coordinator, and what control makes of it."""

from collections.abc import Mapping
from typing import Any

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
from .control.heater_control import (
    HeaterController,
    HeaterControls,
    HeaterDescription,
    HeaterInput,
    Mode,
)
from .control.ladder import HeaterSettings
from .control.precedence import Decision
from .control.safety import SafetySettings, SafetyVerdict
from .heater_coordinator import HeaterCoordinator
from .heaters.model import Capabilities, Command, PowerState

# A demand that ripples shall not make a command of every ripple.
_DWELL_S = 30.0
_STEP_W = 50.0


def heater_description(coordinator: HeaterCoordinator) -> HeaterDescription:
    """Return limits and nominal powers from a heater's subentry."""
    data, capabilities = coordinator.subentry.data, coordinator.capabilities
    return HeaterDescription(
        settings=HeaterSettings(
            heater_id=coordinator.subentry.subentry_id,
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
        ),
        safety=SafetySettings(
            floor_w=data[CONF_STANDBY_POWER],
            max_w=data[CONF_FULL_POWER],
            throttle_c=data[CONF_THROTTLE_TEMPERATURE],
            trip_c=data[CONF_TRIP_TEMPERATURE],
        ),
        needs=tuple(
            name for name in ("coolant", "supply") if capabilities.can_read(f"{name}_c")
        ),
        off_powers_down=data[CONF_OFF_POWERS_DOWN],
    )


class SiteHeater:
    """Reads one heater for control, and has carried out what control decides."""

    def __init__(
        self, coordinator: HeaterCoordinator, controller: HeaterController
    ) -> None:
        """Bring the heater and its controller together."""
        self.coordinator = coordinator
        self.heater_id = coordinator.subentry.subentry_id
        self.settings = controller.settings
        self._controller = controller
        self._carried_out: Decision | None = None

    @property
    def controls(self) -> HeaterControls:
        """What people set at the heater's entities."""
        return self._controller.controls

    @property
    def verdict(self) -> SafetyVerdict:
        """What safety allows."""
        return self._controller.verdict

    @property
    def available_w(self) -> float | None:
        """Heat that it could give if it were asked now; None before the first reading."""
        return self._controller.available_w

    @property
    def max_supply_c(self) -> float:
        """Highest set point of its supply."""
        return self._controller.description.safety.throttle_c

    @property
    def decision(self) -> Decision | None:
        """What it shall do; None before the first."""
        return self._controller.decision

    @callback
    def read(self, now: float) -> HeaterInput:
        """Return the latest reading, and how old it is."""
        coordinator = self.coordinator
        return HeaterInput(
            reading=coordinator.data if coordinator.available else None,
            age_s=None if coordinator.read_at is None else now - coordinator.read_at,
        )

    @callback
    def carry_out(self, decision: Decision) -> None:
        """Tell the heater what was decided."""
        self.coordinator.request(
            Command(
                on=decision.on,
                power_limit_w=decision.power_w,
                keep_cap=not (self.settings.can_cap or self.settings.takes_levels),
                may_split=self.coordinator.modules_may_rest,
            )
        )
        if decision != self._carried_out:
            self._carried_out = decision
            self.coordinator.async_update_listeners()

    @callback
    def set_mode(self, mode: Mode) -> None:
        """Change the climate mode; a chosen power state ends with it."""
        self._controller.set_mode(mode)

    @callback
    def set_manual_state(self, state: PowerState) -> None:
        """Choose a power state by hand, which leaves auto."""
        self._controller.set_manual_state(state)

    def restore(self, memory: Mapping[str, Any]) -> None:
        """Take over what was stored of the heater itself."""
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

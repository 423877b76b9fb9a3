"""Which entities a composed heater is made of, and what its modes stand for."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .model import PowerState

_SAME_W = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposedSettings:
    """Entity ids by their roles; at least one of the first three steers the heater."""

    uuid: str
    name: str
    manufacturer: str | None = None
    model: str | None = None

    power_switch: str | None = None
    power_limit: str | None = None
    mode_select: str | None = None

    power: str | None = None
    energy: str | None = None
    supply: str | None = None
    return_: str | None = None
    coolant: str | None = None
    flow: str | None = None
    alarm: str | None = None

    modes: Mapping[PowerState, str] = field(default_factory=dict)
    """Options of the select; states without one are not to be had by it."""
    levels_w: Mapping[PowerState, float] = field(default_factory=dict)
    """Nominal power of standby, eco and full."""
    rated_w: float | None = None
    """Power at 100 %, for a limit in percent."""
    cuts_mains: bool = False
    """The switch cuts the supply: it must not be opened under load."""
    load_share: float = 0.25
    """Of full power; below it the supply may be cut."""
    unload_s: float = 120.0
    """So long the load may take to fall below that."""
    switch_s: float = 20.0
    """So long the switch may take to show a command, for machines that shut down."""
    ramp_w_per_s: float | None = None
    """How fast the limit is raised; None: at once."""

    @property
    def steering(self) -> tuple[str, ...]:
        """The entities that steer it."""
        roles = (self.power_switch, self.power_limit, self.mode_select)
        return tuple(entity_id for entity_id in roles if entity_id)

    @property
    def sensors(self) -> tuple[str, ...]:
        """The entities that are only read."""
        roles = (
            *(self.power, self.energy, self.alarm),
            *(self.supply, self.return_, self.coolant, self.flow),
        )
        return tuple(entity_id for entity_id in roles if entity_id)

    @property
    def levels(self) -> tuple[PowerState, ...]:
        """States above off that are modes of their own, lowest first."""
        return tuple(
            state
            for state in PowerState
            if state is not PowerState.OFF and state in self.modes
        )

    @property
    def can_switch(self) -> bool:
        """It can be off."""
        return self.power_switch is not None or PowerState.OFF in self.modes

    def state_of(self, option: object) -> PowerState | None:
        """Return the state that an option of the select stands for."""
        if option is None:
            return None
        return next((s for s in PowerState if self.modes.get(s) == option), None)

    def option_for(self, watts: float | None) -> str | None:
        """Return the mode for a limit; None is no limit, and no mode where there is none.

        Without a number the mode is the limit: the highest that keeps to it. With one,
        it is the lowest that does not hold the heater further down.
        """
        levels = self.levels
        if not levels:
            return None
        best = levels[-1]
        if watts is not None:
            nominal = {state: self.levels_w.get(state, 0.0) for state in levels}
            if self.power_limit is None:
                fitting = [s for s in levels if nominal[s] <= watts + _SAME_W]
                best = fitting[-1] if fitting else levels[0]
            else:
                fitting = [s for s in levels if nominal[s] >= watts - _SAME_W]
                best = fitting[0] if fitting else levels[-1]
        return self.modes[best]

    @property
    def resting_option(self) -> str | None:
        """The mode with the least work, before the supply is cut."""
        for state in (PowerState.OFF, PowerState.STANDBY):
            if state in self.modes:
                return self.modes[state]
        return None

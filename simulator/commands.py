"""What people and other controllers tell the house."""

from dataclasses import dataclass, field
from enum import IntEnum


class Mode(IntEnum):
    """Operating mode of the heat pump; the numbers are those of the protocols."""

    OFF = 1
    HEATING = 2
    DHW = 3
    AUTO = 4


class Setting[T]:
    """The house's own value, which the building automation may override.

    ``own`` is what the display, Modbus or the house's controller set; an ``override``
    wins as long as it is not None.
    """

    __slots__ = ("override", "own")

    def __init__(self, own: T) -> None:
        self.own = own
        self.override: T | None = None

    @property
    def value(self) -> T:
        """What holds."""
        return self.own if self.override is None else self.override


@dataclass(slots=True, kw_only=True)
class Commands:
    """Every setting; pump and valve of the charging loop are in ``ChargingLoop``."""

    dhw_setpoint_c: Setting[float] = field(default_factory=lambda: Setting(50.0))
    room_setpoint_c: Setting[float] = field(default_factory=lambda: Setting(21.0))
    heat_demand_percent: Setting[float] = field(default_factory=lambda: Setting(0.0))
    """Own value: the house's controller, from the room."""
    tap_lpm: Setting[float] = field(default_factory=lambda: Setting(0.0))
    """Draw-off beside the habits of the people."""
    compute_enable: Setting[bool] = field(default_factory=lambda: Setting(True))
    """The building's release for compute heat, a signal to whoever steers the heater."""
    heat_pump_enable: Setting[bool] = field(default_factory=lambda: Setting(True))
    mode: Setting[Mode] = field(default_factory=lambda: Setting(Mode.AUTO))


RANGES: dict[str, tuple[float, float]] = {
    "dhw_setpoint_c": (30.0, 65.0),
    "room_setpoint_c": (15.0, 26.0),
    "heat_demand_percent": (0.0, 100.0),
    "tap_lpm": (0.0, 20.0),
}
"""What every protocol accepts, by the name of the setting."""

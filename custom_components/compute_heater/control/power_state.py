"""Which power state a heater is in, from what it measures and what it holds."""

from ..heaters.model import PowerState, Reading
from .ladder import HeaterSettings

# Measured power wavers; a state is reached a little above its nominal power.
_MARGIN = 1.1
# Of full power; less is no work, also where standby counts as nothing.
_IDLE_SHARE = 0.05


def measured_state(reading: Reading, settings: HeaterSettings) -> PowerState | None:
    """Return the state that the measured power stands for; None if it is unknown.

    "Full" is what is drawn, not what is allowed: a machine without work is in standby
    whatever its limit says.
    """
    if reading.is_on is None:
        return None
    if not reading.is_on:
        return PowerState.OFF
    if reading.power_w is None:
        return None
    levels = settings.levels_w
    full = levels[PowerState.FULL]
    idle = max(levels[PowerState.STANDBY] * _MARGIN, full * _IDLE_SHARE)
    if reading.power_w <= idle:
        return PowerState.STANDBY
    if (eco := levels.get(PowerState.ECO)) is None:
        return PowerState.FULL
    middle = (eco + full) / 2
    return PowerState.ECO if reading.power_w < middle else PowerState.FULL

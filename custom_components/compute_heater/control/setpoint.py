"""Hold a supply temperature by modulating the power of one heater."""

from collections.abc import Mapping


class SetpointController:
    """PI controller with anti-windup, for manual heat mode."""

    def __init__(self, *, floor_w: float, max_w: float, step_w: float = 50.0) -> None:
        """Modulate between ``floor_w`` and ``max_w``, in changes of ``step_w``."""

    def start(self, power_w: float) -> None:
        """Begin from the power the heater draws now, so that there is no bump."""
        raise NotImplementedError

    def evaluate(
        self, setpoint_c: float, supply_c: float | None, now: float
    ) -> float | None:
        """Return the power in W; None if the supply temperature is unknown."""
        raise NotImplementedError

    @property
    def memory(self) -> dict[str, object]:
        """What must survive a reload, JSON-serialisable."""
        raise NotImplementedError

    def restore(self, memory: Mapping[str, object]) -> None:
        """Take over a stored memory."""
        raise NotImplementedError

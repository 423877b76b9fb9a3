"""Who takes the heat: the other side of the plate heat exchanger."""

from typing import Protocol

from .simulated import Rack


class Load(Protocol):
    """Heating water that comes in cold and leaves hot."""

    def inflow(self, rack: Rack) -> tuple[float, float]:
        """Return temperature in °C and flow in L/min of the water coming in now."""
        ...


class ConstantLoad:
    """A house that always takes the heat: used when no house is connected."""

    def inflow(self, rack: Rack) -> tuple[float, float]:
        """Return 35 °C at 8 L/min for a rack of 3 kW, in proportion for others."""
        return 35.0, 8.0 * rack.settings.scale

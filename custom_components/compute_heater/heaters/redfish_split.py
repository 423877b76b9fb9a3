"""Power limits below the lowest cap: some modules on, the others off.

With k of n modules on the lowest cap is taken for k n-ths of that with all of them.
"""

from dataclasses import dataclass
from math import isfinite

from .model import Capabilities
from .redfish_cap import TOLERANCE_W

MARGIN = 0.25
"""Share of a module's floor that must be left over before one more is started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """A heater whose modules can be switched one by one."""

    floor_w: float
    """Lowest cap with all modules on."""
    modules: int

    @property
    def module_w(self) -> float:
        """Lowest power of one module."""
        return self.floor_w / self.modules

    def covers(self, watts: float) -> bool:
        """Tell whether ``watts`` is had by switching modules off."""
        return isfinite(watts) and (
            self.module_w - TOLERANCE_W <= watts < self.floor_w - TOLERANCE_W
        )

    def wanted(self, watts: float, on: int) -> int:
        """How many modules shall be on; ``on`` are now.

        Never more than fit below ``watts``. So that none goes on and off at a limit
        that ripples, one more is only started where some is left over.
        """
        most = self._fitting(watts)
        return (
            most
            if on >= most
            else max(on, self._fitting(watts - self.module_w * MARGIN))
        )

    def _fitting(self, watts: float) -> int:
        return max(1, min(int((watts + TOLERANCE_W) / self.module_w), self.modules - 1))


def split_of(capabilities: Capabilities) -> Split | None:
    """Return how the modules of a heater are switched one by one; None if not."""
    if capabilities.module_floor_w is None or capabilities.floor_w is None:
        return None
    return Split(floor_w=capabilities.floor_w, modules=capabilities.modules)

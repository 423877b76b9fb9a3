"""Which nodes of a Slurm cluster are a heater, and how they come to rest."""

from dataclasses import dataclass
from enum import StrEnum
from math import inf

from .model import HeaterProtocolError

LEASE_S = 600.0


class Leaving(StrEnum):
    """What becomes of the jobs on a node that shall rest."""

    FINISH = "finish"
    """They run to their end; the heat falls when they have."""
    REQUEUE = "requeue"
    """Those that may be are sent back to the queue at once; the others finish."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlurmSettings:
    """Either ``nodes`` or ``partition`` says which; powers are of one node, in W."""

    name: str
    """Stands in the reason of a drained node: unique among the heaters of a cluster."""
    idle_w: float
    """On, without work."""
    full_w: float
    """At full work."""
    nodes: str | None = None
    """As Slurm writes them: ``arm[0-3],big7``."""
    partition: str | None = None
    leaving: Leaving = Leaving.FINISH
    can_power_down: bool = False
    """Slurm has programs that switch the nodes (``SuspendProgram``)."""
    returns_without_us: bool = True
    """Drained nodes come back by themselves when nobody renews that they rest."""
    lease_s: float = LEASE_S

    def __post_init__(self) -> None:
        """Refuse what makes no heater, with HeaterProtocolError."""
        if (self.nodes is None) == (self.partition is None):
            raise HeaterProtocolError("either nodes or a partition make a heater")
        if not 0 <= self.idle_w < self.full_w < inf:
            raise HeaterProtocolError("a working node draws more than an idle one")
        if not 1 <= self.lease_s <= 86400:
            raise HeaterProtocolError("nodes rest for up to a day at a time")

    @property
    def reason(self) -> str:
        """What Slurm shows as the reason of a node that rests for us."""
        return f"compute-heater: {self.name}"

    def power_w(self, nodes: int, active: int) -> float:
        """Return the nominal power of ``nodes`` of which ``active`` take work."""
        return nodes * self.idle_w + active * (self.full_w - self.idle_w)

    def active_for(self, nodes: int, watts: float | None) -> int:
        """Return how many may take work so that all stay below ``watts``."""
        if watts is None:
            return nodes
        share = (watts - nodes * self.idle_w) / (self.full_w - self.idle_w)
        return min(max(int(share + 1e-6), 0), nodes)

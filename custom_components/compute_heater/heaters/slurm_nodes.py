"""The nodes of a Slurm cluster as it tells of them."""

from dataclasses import dataclass

from .model import ModuleCondition
from .redfish_json import JsonObject, obj, objects, text, texts
from .slurm_json import number, words

_GOING_OFF = {"POWER_DOWN", "POWERING_DOWN", "POWER_DRAIN"}
_STARTING = {"POWERING_UP", "POWER_UP"}
_BROKEN = {"DOWN", "FAIL", "ERROR", "UNKNOWN", "FUTURE", "INVALID_REG"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One node. ``flags`` holds its state and all flags, in capitals."""

    name: str
    flags: frozenset[str]
    reason: str | None
    partitions: frozenset[str]
    cpus: int | None
    alloc_cpus: int | None
    power_w: float | None
    """Measured; None where nothing measures it: Slurm says 0 W then."""
    energy_j: float | None
    lapses: bool
    """A time is set at which it comes back by itself."""

    @property
    def is_drained(self) -> bool:
        """It takes no more work, whatever it still computes."""
        return "DRAIN" in self.flags

    @property
    def is_off(self) -> bool:
        """It has no power."""
        return "POWERED_DOWN" in self.flags

    @property
    def is_going_off(self) -> bool:
        """It is told to power down, or does."""
        return not self.is_off and bool(self.flags & _GOING_OFF)

    @property
    def is_starting(self) -> bool:
        """It is told to power up, or boots."""
        return bool(self.flags & _STARTING)

    @property
    def is_busy(self) -> bool:
        """It has jobs, or cleans up after one."""
        return bool(self.alloc_cpus) or bool(
            self.flags & {"ALLOCATED", "MIXED", "COMPLETING"}
        )

    @property
    def is_broken(self) -> bool:
        """It takes no work, and nobody who drained it is the reason.

        One that does not respond is asked again, and after some minutes it is down; a
        node that was just resumed does not respond yet.
        """
        return bool(self.flags & _BROKEN)

    def is_ours(self, reason: str) -> bool:
        """Tell whether it was taken out of work with our reason."""
        # Powered down, a node that we set down loses the flag that it is drained.
        leaves = self.is_drained or (
            "DOWN" in self.flags and (self.is_off or self.is_going_off)
        )
        return self.reason == reason and leaves

    def is_others(self, reason: str) -> bool:
        """Tell whether it takes no work because of others, or because it is broken."""
        return not self.is_ours(reason) and (self.is_drained or self.is_broken)

    def condition(self, reason: str) -> ModuleCondition | None:
        """Where it is between off and working."""
        if self.is_starting:
            return ModuleCondition.STARTING
        if self.is_off:
            return ModuleCondition.OFF
        if self.is_going_off:
            return ModuleCondition.SHUTTING_DOWN
        if "NOT_RESPONDING" in self.flags:
            return None
        # A node that we set down to have its jobs requeued is on.
        if self.is_broken and not self.is_ours(reason):
            return None
        return ModuleCondition.ON


def parse_nodes(body: JsonObject) -> list[Node]:
    """Return the nodes in an answer; what has no name or state is left out."""
    return [
        node
        for each in objects(body, "nodes")
        if (node := _node(each)) is not None and node.flags
    ]


def _node(body: JsonObject) -> Node | None:
    name = text(body, "name")
    if name is None:
        return None
    energy = obj(body, "energy")
    watts = number(energy, "current_watts")
    joules = number(energy, "consumed_energy")
    collected = number(energy, "last_collected")
    measured = bool(watts and watts > 0) or bool(collected)
    cpus, alloc = number(body, "cpus"), number(body, "alloc_cpus")
    partitions = body.get("partitions")
    return Node(
        name=name,
        flags=words(body, "state") | words(body, "state_flags"),
        reason=text(body, "reason"),
        partitions=frozenset(
            partitions.split(",")
            if isinstance(partitions, str)
            else texts(body, "partitions")
        ),
        cpus=None if cpus is None else int(cpus),
        alloc_cpus=None if alloc is None else int(alloc),
        power_w=watts if watts and watts > 0 else None,
        energy_j=joules if measured and joules and joules > 0 else None,
        lapses=bool(number(body, "resume_after")),
    )

"""What has to be told to which nodes, so that so many of them work."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from .slurm_nodes import Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Names of nodes, by what they have to be told now."""

    drain: tuple[str, ...] = ()
    """They take no more work."""
    empty: tuple[str, ...] = ()
    """They rest for us, and still have jobs."""
    power_down: tuple[str, ...] = ()
    """They rest for us, have no jobs, and shall be off."""
    resume: tuple[str, ...] = ()
    """They rest for us, and shall work."""
    power_up: tuple[str, ...] = ()
    """They were powered down for us, and shall be on."""

    @property
    def is_done(self) -> bool:
        """Nothing is left to be told, but for jobs that have to end."""
        return not (self.drain or self.power_down or self.resume or self.power_up)


def make_plan(
    nodes: Sequence[Node],
    reason: str,
    *,
    active: int,
    on: bool,
    switched_off: Collection[str] = (),
) -> Plan:
    """Choose ``active`` nodes to work and have the others rest, or all be off.

    Nodes that others drained, or that are broken, stay as they are. What works stays at
    work, busy nodes first, so that few jobs have to leave. ``switched_off`` are those
    that we powered down; what Slurm powers down itself it wakes itself.
    """
    usable = [node for node in nodes if not node.is_others(reason)]
    ranked = sorted(
        usable,
        # Off nodes last: they take minutes to boot.
        key=lambda node: (
            node.is_drained,
            node.is_off or node.is_going_off,
            -(node.alloc_cpus or 0),
        ),
    )
    works = ranked[: active if on else 0]
    rests = [node for node in usable if node not in works]
    return Plan(
        drain=_names(node for node in rests if not node.is_drained),
        empty=_names(node for node in rests if node.is_drained and node.is_busy),
        power_down=_names(
            node
            for node in rests
            if not on
            and node.is_drained
            and not node.is_busy
            and not (node.is_off or node.is_going_off)
        ),
        # While a node powers down, Slurm forgets what it is told of its return.
        resume=_names(
            node for node in works if node.is_ours(reason) and not node.is_going_off
        ),
        power_up=_names(
            node
            for node in usable
            if on
            and (node.is_ours(reason) or node.name in switched_off)
            and node.is_off
            and not node.is_starting
        ),
    )


def _names(nodes: Iterable[Node]) -> tuple[str, ...]:
    return tuple(node.name for node in nodes)

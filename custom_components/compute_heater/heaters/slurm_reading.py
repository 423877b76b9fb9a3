"""What the nodes of a Slurm cluster tell, as a reading of one heater."""

from collections.abc import Sequence

from .model import Command, ModuleCondition, ModuleReading, Reading
from .redfish_json import JsonObject, obj, text
from .slurm_nodes import Node
from .slurm_settings import SlurmSettings

MAX_MODULES = 64
"""Each shown module is a device: a large cluster is shown as a whole."""
_J_PER_KWH = 3.6e6


def make_reading(
    nodes: Sequence[Node],
    settings: SlurmSettings,
    *,
    fulfils: Command | None,
    failing: bool,
) -> Reading:
    """Return the nodes together; what one of them does not know is not known."""
    reason = settings.reason
    conditions = [node.condition(reason) for node in nodes]
    active = [node for node in nodes if not node.is_drained and not node.is_broken]
    drained = [node for node in nodes if node.is_ours(reason)]
    busy = any(node.is_busy for node in nodes)
    changing = {ModuleCondition.STARTING, ModuleCondition.SHUTTING_DOWN}
    return Reading(
        power_w=_power(nodes),
        power_limit_w=settings.power_w(len(nodes), len(active)) if drained else None,
        energy_kwh=_energy(nodes),
        utilisation_percent=_utilisation(nodes),
        modules_on=conditions.count(ModuleCondition.ON),
        modules=tuple(
            ModuleReading(key=node.name, name=node.name, condition=condition)
            for node, condition in zip(nodes, conditions, strict=True)
        )
        if len(nodes) <= MAX_MODULES
        else None,
        is_on=not all(node.is_off for node in nodes),
        is_changing=not changing.isdisjoint(conditions)
        or any(node.is_busy for node in drained),
        fulfils=fulfils,
        problem=failing
        or any(node.is_broken and not node.is_ours(reason) for node in nodes),
        work_share=len(active) / len(nodes),
        # Drained nodes may have no jobs though there are some.
        has_work=True if busy else False if active else None,
    )


def release_of(body: JsonObject) -> tuple[str | None, str | None]:
    """Return Slurm's release and the name of the cluster, where it tells."""
    slurm = obj(body, "meta", "slurm") or obj(body, "meta", "Slurm")
    return text(slurm, "release"), text(slurm, "cluster")


def _power(nodes: Sequence[Node]) -> float | None:
    """Return the measured power; what is powered down draws none."""
    running = [node for node in nodes if not node.is_off]
    known = [node.power_w for node in running if node.power_w is not None]
    return sum(known) if running and len(known) == len(running) else None


def _energy(nodes: Sequence[Node]) -> float | None:
    known = [node.energy_j for node in nodes if node.energy_j is not None]
    return sum(known) / _J_PER_KWH if len(known) == len(nodes) else None


def _utilisation(nodes: Sequence[Node]) -> float | None:
    cpus = [node.cpus for node in nodes if node.cpus]
    allocated = [node.alloc_cpus for node in nodes if node.alloc_cpus is not None]
    if len(cpus) != len(nodes) or len(allocated) != len(nodes):
        return None
    return min(100 * sum(allocated) / sum(cpus), 100.0)

"""The jobs of a Slurm cluster, as far as nodes cannot be emptied without them."""

from collections.abc import Iterable
from dataclasses import dataclass

from .model import HeaterProtocolError
from .redfish_json import JsonObject, objects, text
from .slurm_hosts import expand_hosts
from .slurm_json import number, words

_ON_NODES = {"RUNNING", "SUSPENDED", "COMPLETING", "CONFIGURING", "STOPPED"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job that has nodes now."""

    job_id: int
    nodes: frozenset[str] | None
    """None: somewhere, we cannot tell where."""
    may_requeue: bool
    """It can be sent back to the queue without being lost."""
    restarts: int = 0


def parse_jobs(body: JsonObject) -> list[Job]:
    """Return the jobs that have nodes; what cannot be understood may not be requeued."""
    found = []
    for each in objects(body, "jobs"):
        if not words(each, "job_state") & _ON_NODES:
            continue
        found.append(
            Job(
                job_id=int(number(each, "job_id") or 0),
                nodes=_nodes(text(each, "nodes")),
                # Only a batch job is started anew; parts of a larger one are no whole.
                may_requeue=_yes(each.get("requeue"))
                and _yes(each.get("batch_flag"))
                and not number(each, "het_job_id")
                and bool(number(each, "job_id")),
                restarts=int(number(each, "restart_cnt") or 0),
            )
        )
    return found


def nodes_to_requeue(busy: Iterable[str], jobs: Iterable[Job]) -> set[str]:
    """Return the busy nodes that can be emptied without losing a job.

    Where no job is known on a busy node, one may be hidden from us: it is left alone.
    """
    known: set[str] = set()
    kept: set[str] = set()
    for job in jobs:
        if job.nodes is None:
            return set()
        known |= job.nodes
        if not job.may_requeue:
            kept |= job.nodes
    return (set(busy) & known) - kept


def _nodes(hosts: str | None) -> frozenset[str] | None:
    try:
        return frozenset(expand_hosts(hosts or "")) or None
    except HeaterProtocolError:
        return None


def _yes(value: object) -> bool:
    return value is True or (isinstance(value, int) and value == 1)

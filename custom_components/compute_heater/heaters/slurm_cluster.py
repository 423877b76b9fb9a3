"""Which Slurm answers at an address, which nodes it has, and what a heater of them can do."""

from collections.abc import Iterable
from dataclasses import dataclass

from .model import (
    Capabilities,
    HeaterProtocolError,
    HeaterRefusedError,
    Identity,
    PowerState,
)
from .slurm_client import SlurmClient
from .slurm_hosts import expand_hosts
from .slurm_nodes import Node, parse_nodes
from .slurm_reading import release_of
from .slurm_settings import SlurmSettings
from .slurm_version import SlurmApi, choose_api

_FORBIDDEN = ("user id", "permission", "denied")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A Slurm and all its nodes."""

    api: SlurmApi
    name: str | None
    release: str | None
    nodes: tuple[Node, ...]

    @property
    def partitions(self) -> tuple[str, ...]:
        """Those that have nodes."""
        return tuple(sorted({name for node in self.nodes for name in node.partitions}))

    @property
    def uuid_prefix(self) -> str:
        """What the UUIDs of all heaters of this cluster begin with."""
        return f"slurm:{self.name or '?'}:"


async def read_cluster(client: SlurmClient) -> Cluster:
    """Ask who is there; raises a HeaterError.

    That is HeaterAuthError for a token that is not taken, HeaterProtocolError where there
    is no Slurm.
    """
    api = choose_api(await client.openapi())
    body = await client.get(api.nodes)
    release, name = release_of(body)
    return Cluster(api=api, name=name, release=release, nodes=tuple(parse_nodes(body)))


async def may_command(client: SlurmClient, cluster: Cluster) -> bool:
    """Tell whether the token's user may change nodes; raises a HeaterError.

    Slurm looks at that first, so a change of nothing is enough to ask.
    """
    api, name = cluster.api, cluster.nodes[0].name
    try:
        if api.changes_many:
            await client.post(api.nodes, {"name": [name]})
        else:
            await client.post_node(api.node, name, {})
    except HeaterRefusedError as err:
        said = str(err).lower()
        return not any(words in said for words in _FORBIDDEN)
    return True


def choose_nodes(
    nodes: Iterable[Node], *, hosts: str | None, partition: str | None
) -> list[Node]:
    """Return those in a list as Slurm writes it, or those of a partition."""
    if hosts is None:
        return [node for node in nodes if partition in node.partitions]
    wanted = set(expand_hosts(hosts))
    return [node for node in nodes if node.name in wanted]


def missing_hosts(nodes: Iterable[Node], hosts: str | None) -> list[str]:
    """Return which of a list of nodes are not there; raises HeaterProtocolError."""
    there = {node.name for node in nodes}
    return [name for name in expand_hosts(hosts or "") if name not in there]


def describe(
    cluster: Cluster, settings: SlurmSettings
) -> tuple[Identity, Capabilities]:
    """Return what the chosen nodes are as a heater.

    A Slurm older than 23.02 can only be read: it can neither be switched nor limited.
    Raises HeaterProtocolError where a node, or all of them, are not there.
    """
    nodes = choose_nodes(
        cluster.nodes, hosts=settings.nodes, partition=settings.partition
    )
    if not nodes:
        raise HeaterProtocolError("Slurm has none of these nodes")
    if missing := missing_hosts(nodes, settings.nodes):
        raise HeaterProtocolError(f"Slurm has no node {', '.join(missing[:5])}")
    commands = cluster.api.can_command
    where = settings.nodes or f"partition {settings.partition}"
    return (
        Identity(
            uuid=f"{cluster.uuid_prefix}{where}",
            name=settings.name,
            manufacturer="SchedMD",
            model="Slurm",
            firmware=cluster.release,
        ),
        Capabilities(
            can_switch=settings.can_power_down and commands,
            floor_w=settings.power_w(len(nodes), 0) if commands else None,
            max_w=settings.power_w(len(nodes), len(nodes)),
            modules=len(nodes),
            has_coolant=False,
            can_pause=commands,
            can_share=commands,
            step_w=settings.full_w - settings.idle_w if commands else None,
            levels=(PowerState.STANDBY, PowerState.ECO, PowerState.FULL)
            if commands
            else (),
        ),
    )

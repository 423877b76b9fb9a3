"""Which version of its REST interface a Slurm offers, and what that can do.

Slurm drops the oldest version with each release, so none is fixed here.
"""

from dataclasses import dataclass
import re

from .model import HeaterProtocolError
from .redfish_json import JsonObject, obj

NEWEST_TRIED = 45
FIRST_COMMANDING = 39
"""v0.0.39 came with Slurm 23.02, the first that lets nodes be changed."""

_NODES = re.compile(r"/slurm/v0\.0\.(\d+)/nodes/?")


@dataclass(frozen=True, slots=True, kw_only=True)
class SlurmApi:
    """Where things are, in one version of the interface."""

    version: int
    """The 42 of v0.0.42."""
    nodes: str
    jobs: str | None
    can_command: bool
    """Nodes can be changed."""
    changes_many: bool
    """Many nodes at once."""
    can_lapse: bool
    """A drained node can come back by itself (``resume_after``)."""
    requeue: str | None = None
    """Where jobs are sent back to the queue one by one."""

    @property
    def name(self) -> str:
        """The version as Slurm writes it."""
        return f"v0.0.{self.version}"

    @property
    def node(self) -> str:
        """Where one node is, without its name."""
        return f"/slurm/{self.name}/node/"


def choose_api(openapi: JsonObject) -> SlurmApi:
    """Choose the newest version that we know, else the oldest of those we do not.

    Raises HeaterProtocolError where this is no Slurm.
    """
    paths = obj(openapi, "paths")
    offered = {
        int(match[1]): path
        for path in paths
        if (match := _NODES.fullmatch(path)) and "get" in obj(paths, path)
    }
    if not offered:
        raise HeaterProtocolError("no Slurm that tells of its nodes")
    known = [version for version in offered if version <= NEWEST_TRIED]
    version = max(known) if known else min(offered)
    base = f"/slurm/v0.0.{version}/"
    many = "post" in obj(paths, offered[version])
    single = any(
        path.startswith(f"{base}node/") and "post" in obj(paths, path) for path in paths
    )
    schemas = obj(openapi, "components", "schemas")
    return SlurmApi(
        version=version,
        nodes=offered[version],
        jobs=_path(paths, f"{base}jobs", "get"),
        can_command=version >= FIRST_COMMANDING and (many or single),
        changes_many=many,
        can_lapse=any(
            f"v0.0.{version}_update_node" in name
            and "resume_after" in obj(schemas, name, "properties")
            for name in schemas
        ),
        requeue=_path(paths, f"{base}jobs/requeue", "post"),
    )


def _path(paths: JsonObject, path: str, method: str) -> str | None:
    """Return a path as it is offered, with or without a slash at its end."""
    for spelling in (path, f"{path}/"):
        if method in obj(paths, spelling):
            return spelling
    return None

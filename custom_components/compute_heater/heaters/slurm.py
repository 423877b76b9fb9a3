"""Power driver for nodes of a Slurm cluster, steered by slurmrestd.

Slurm takes no watts. What it takes is which nodes work, so a limit is a number of nodes:
k of n take jobs, the others are drained. Their power is nominal.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
import logging
from math import inf

from .model import (
    Capabilities,
    Command,
    HeaterConnectionError,
    HeaterError,
    HeaterProtocolError,
    HeaterRefusedError,
    Identity,
    Reading,
)
from .redfish_json import JsonObject
from .slurm_client import SlurmClient
from .slurm_cluster import choose_nodes, describe, missing_hosts, read_cluster
from .slurm_jobs import nodes_to_requeue, parse_jobs
from .slurm_nodes import Node, parse_nodes
from .slurm_plan import Plan, make_plan
from .slurm_reading import make_reading
from .slurm_settings import Leaving, SlurmSettings
from .slurm_version import SlurmApi, choose_api

_LOGGER = logging.getLogger(__name__)

TOTAL_S = 60.0
"""All requests of one call together."""

__all__ = ["SlurmHeater", "SlurmSettings"]


class SlurmHeater:
    """A set of nodes, or a partition, as one compute heater (a PowerDriver).

    What takes time (jobs that finish, nodes that power down or boot) goes on with every
    reading, and so does renewing that nodes rest: once nobody reads, it lapses.
    """

    def __init__(self, client: SlurmClient, settings: SlurmSettings) -> None:
        """Nothing is sent yet. The client's session stays the caller's."""
        self._client = client
        self._settings = settings
        self._api: SlurmApi | None = None
        self._turn = asyncio.Lock()
        self._writes = 0
        self._command: Command | None = None
        self._is_done = True
        """Nothing is left to do of the command but to look after it."""
        self._failure: HeaterError | None = None
        """What went wrong between two commands."""
        self._renewed: dict[str, float] = {}
        """By node: when its rest was renewed last."""
        self._switched_off: set[str] = set()
        self._requeued: set[tuple[int, int]] = set()

    @property
    def writes(self) -> int:
        """Commands sent so far."""
        return self._writes

    @property
    def failure(self) -> HeaterError | None:
        """What went wrong with what went on since the last command."""
        return self._failure

    @property
    def api(self) -> SlurmApi | None:
        """The version of the interface in use, once connected."""
        return self._api

    async def connect(self) -> tuple[Identity, Capabilities]:
        """Find out which Slurm answers, and that it has the nodes.

        A Slurm older than 23.02 can only be read: it can neither be switched nor limited.
        """
        async with self._within():
            cluster = await read_cluster(self._client)
            self._api = cluster.api
            return describe(cluster, self._settings)

    async def read(self) -> Reading:
        """Read the nodes, after the next step of a command that takes its time."""
        async with self._within():
            nodes = await self._nodes()
            try:
                if self._command is not None and not self._is_done:
                    nodes = await self._step(self._command, nodes)
                await self._keep(nodes)
            except HeaterConnectionError:
                raise
            except HeaterError as err:
                _LOGGER.debug("%s: %s", self._settings.name, err)
                self._failure = err
            else:
                self._failure = None
            return self._reading(nodes)

    async def apply(self, command: Command) -> None:
        """Tell each node what belongs to the command, and read it back.

        Nodes that shall rest are drained first, and powered down once they are empty. No
        job is cut off: those that cannot be requeued finish. Returns while that takes.
        """
        watts = command.power_limit_w
        if watts is not None and not 0 <= watts < inf:
            raise HeaterRefusedError(f"{watts:g} W is no power limit")
        async with self._within():
            api = await self._known_api()
            if not api.can_command:
                raise HeaterRefusedError(f"Slurm {api.name} can only be read")
            self._failure = None
            self._command, self._is_done = command, False
            await self._step(command, await self._nodes())
            if not command.on and not self._settings.can_power_down:
                raise HeaterRefusedError("it can only be drained, not powered down")

    async def follow(self, on_event: Callable[[], None]) -> None:
        """Slurm tells of no change by itself."""

    async def close(self) -> None:
        """Leave; nodes that rest come back when their time is over, if they shall."""
        self._command = None

    @asynccontextmanager
    async def _within(self) -> AsyncGenerator[None]:
        try:
            async with asyncio.timeout(TOTAL_S), self._turn:
                yield
        except TimeoutError as err:
            raise HeaterConnectionError(f"not finished within {TOTAL_S:g} s") from err

    # Nodes

    async def _known_api(self) -> SlurmApi:
        if self._api is None:
            self._api = choose_api(await self._client.openapi())
        return self._api

    async def _nodes(self) -> list[Node]:
        api = await self._known_api()
        try:
            body = await self._client.get(api.nodes)
        except HeaterProtocolError:
            # After an upgrade this version may be gone: look again next time.
            self._api = None
            raise
        nodes = self._chosen(body)
        if not nodes:
            raise HeaterProtocolError("Slurm has none of these nodes")
        self._switched_off -= {
            node.name for node in nodes if not (node.is_off or node.is_going_off)
        }
        return nodes

    def _chosen(self, body: JsonObject) -> list[Node]:
        settings = self._settings
        return choose_nodes(
            parse_nodes(body), hosts=settings.nodes, partition=settings.partition
        )

    def _reading(self, nodes: Sequence[Node]) -> Reading:
        command, settings = self._command, self._settings
        plan = None if command is None else self._plan(command, nodes)
        moves = any(node.is_going_off or node.is_starting for node in nodes)
        holds = plan is not None and plan.is_done and not (plan.empty or moves)
        return make_reading(
            nodes,
            settings,
            fulfils=command if holds else None,
            failing=self._failure is not None
            or bool(missing_hosts(nodes, settings.nodes)),
        )

    # Commands

    def _plan(self, command: Command, nodes: Sequence[Node]) -> Plan:
        settings = self._settings
        off = not command.on and settings.can_power_down
        active = settings.active_for(len(nodes), command.power_limit_w)
        if not command.on:
            active = 0
        elif command.keep_cap:
            reason = settings.reason
            active = sum(not n.is_drained and not n.is_others(reason) for n in nodes)
        return make_plan(
            nodes,
            settings.reason,
            active=active,
            on=not off,
            switched_off=self._switched_off,
        )

    async def _step(self, command: Command, nodes: list[Node]) -> list[Node]:
        """Go as far as it is possible now; returns the nodes as they are then."""
        plan = self._plan(command, nodes)
        if plan.drain:
            await self._drain(plan.drain)
            nodes = await self._nodes()
            self._check("drained", plan.drain, self._plan(command, nodes).drain)
        if plan.drain or plan.empty:
            nodes = await self._empty(self._plan(command, nodes).empty, nodes)
        plan = self._plan(command, nodes)
        if plan.power_down:
            self._switched_off.update(plan.power_down)
            await self._tell(plan.power_down, {"state": ["POWER_DOWN"]})
        if plan.resume:
            await self._tell(plan.resume, {"state": ["RESUME"]})
        if plan.power_up:
            await self._tell(plan.power_up, {"state": ["POWER_UP"]})
        if plan.power_down or plan.resume or plan.power_up:
            nodes = await self._nodes()
            after = self._plan(command, nodes)
            self._check("powered down", plan.power_down, after.power_down)
            self._check("resumed", plan.resume, after.resume)
        after = self._plan(command, nodes)
        going_off = not command.on and any(node.is_going_off for node in nodes)
        self._is_done = after.is_done and not after.empty and not going_off
        return nodes

    def _check(self, what: str, told: Sequence[str], left: Sequence[str]) -> None:
        if refused := [name for name in told if name in left]:
            raise HeaterRefusedError(f"not {what} though told: {', '.join(refused)}")

    async def _empty(self, busy: Sequence[str], nodes: list[Node]) -> list[Node]:
        """Send the jobs of drained nodes back to the queue where none gets lost."""
        api = await self._known_api()
        if not busy or self._settings.leaving is not Leaving.REQUEUE or not api.jobs:
            return nodes
        # They are drained already: no job can have come since.
        jobs = parse_jobs(await self._client.get(api.jobs))
        if api.requeue:
            back = {
                (job.job_id, job.restarts)
                for job in jobs
                if job.may_requeue and job.nodes and job.nodes & set(busy)
            } - self._requeued
            self._requeued |= back
            if back:
                self._writes += 1
                ids = [str(job_id) for job_id, _ in sorted(back)]
                await self._client.post(api.requeue, {"jobs": ids})
                return await self._nodes()
        elif down := sorted(nodes_to_requeue(busy, jobs)):
            # Before it had a command for that, Slurm requeued what ran on a lost node.
            await self._tell(down, {"state": ["DOWN"], **self._rest()})
            return await self._nodes()
        return nodes

    async def _keep(self, nodes: Sequence[Node]) -> None:
        """Renew that nodes rest, if half of the time is over."""
        api = await self._known_api()
        if not (self._settings.returns_without_us and api.can_lapse):
            return
        due = _now() - self._settings.lease_s / 2
        late = [
            node.name
            for node in nodes
            if node.is_ours(self._settings.reason)
            and not node.is_going_off
            and (not node.lapses or self._renewed.get(node.name, -inf) <= due)
        ]
        if late:
            await self._drain(late)

    async def _drain(self, names: Sequence[str]) -> None:
        await self._tell(names, {"state": ["DRAIN"], **self._rest()})

    def _rest(self) -> dict[str, object]:
        """Return what tells why a node rests, and for how long."""
        rest: dict[str, object] = {"reason": self._settings.reason}
        if self._settings.returns_without_us and self._api and self._api.can_lapse:
            rest["resume_after"] = round(self._settings.lease_s)
        return rest

    async def _tell(self, names: Sequence[str], what: JsonObject) -> None:
        api = await self._known_api()
        if api.changes_many:
            self._writes += 1
            await self._client.post(api.nodes, {"name": list(names), **what})
        else:
            for name in names:
                self._writes += 1
                await self._client.post_node(api.node, name, what)
        if "resume_after" in what:
            self._renewed.update(dict.fromkeys(names, _now()))


def _now() -> float:
    return asyncio.get_running_loop().time()

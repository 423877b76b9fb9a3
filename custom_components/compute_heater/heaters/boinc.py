"""Work layer for BOINC: a home computer that computes for science, steered by GUI RPC."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from xml.etree import ElementTree as ET

from .boinc_prefs import allowed_share, merged, preferences_for
from .boinc_rpc import BoincRpc, boinc_session
from .boinc_status import (
    RunMode,
    Status,
    busy_cpus,
    cpus_of,
    has_work,
    number,
    parse_status,
)
from .model import (
    HeaterConnectionError,
    HeaterProtocolError,
    HeaterRefusedError,
    WorkIdentity,
    WorkReading,
)

PORT = 31416
LEASE_S = 600.0
TOTAL_S = 20.0
SHARE_TOLERANCE = 1e-4

__all__ = ["LEASE_S", "PORT", "BoincWork", "RunMode"]


class BoincWork:
    """One BOINC client (a WorkDriver).

    Its run mode says whether it computes, its local preferences how much. A mode with a
    duration falls back to the permanent mode, after a restart of BOINC too. With
    ``pauses_without_us`` the permanent mode is set to *never* at the first command, and
    computing is allowed for ``lease_s`` at a time: without us it stops. Otherwise the
    permanent mode stays the owner's, pausing is what lapses, and without us BOINC
    computes again as its owner set it. ``works`` is the mode in which it computes:
    AUTO heeds the owner's preferences, ALWAYS does not.
    """

    can_share = True

    def __init__(
        self,
        host: str,
        port: int = PORT,
        password: str = "",
        *,
        pauses_without_us: bool = False,
        works: RunMode = RunMode.AUTO,
        lease_s: float = LEASE_S,
    ) -> None:
        """Nothing is sent yet."""
        self._host = host
        self._port = port
        self._password = password
        self._pauses_without_us = pauses_without_us
        self._works = works
        self._lease_s = lease_s
        self._turn = asyncio.Lock()
        self._writes = 0

    @property
    def writes(self) -> int:
        """Commands sent so far."""
        return self._writes

    async def connect(self) -> WorkIdentity:
        """Find out who answers, and that the password is right."""
        async with self._session() as rpc:
            version = await rpc.call("<exchange_versions/>")
            host = await rpc.call("<get_host_info/>")
        numbers = (
            number(version, f"server_version/{part}")
            for part in ("major", "minor", "release")
        )
        known = [f"{int(part)}" for part in numbers if part is not None]
        return WorkIdentity(
            name=host.findtext("host_info/domain_name", "").strip() or self._host,
            version=".".join(known) or None,
            cpus=cpus_of(host),
        )

    async def read(self) -> WorkReading:
        """Read its state; changes nothing."""
        async with self._session() as rpc:
            status = parse_status(await rpc.call("<get_cc_status/>"))
            cpus = cpus_of(await rpc.call("<get_host_info/>"))
            allowed = await _allowed(rpc, cpus)
            tasks = await _tasks(rpc, active_only=True)
            work = has_work(tasks) or has_work(await _tasks(rpc, active_only=False))
        busy = 0.0 if status.suspended_reason else busy_cpus(tasks)
        paused = status.mode is RunMode.NEVER
        lapses_paused = status.permanent is RunMode.NEVER
        return WorkReading(
            share=0.0 if paused else allowed,
            busy_share=0.0 if paused else min(busy / cpus, allowed),
            running=busy > 0 and not paused,
            suspended_reason=status.suspended_reason,
            has_work=work,
            expires_in_s=status.delay_s if status.lapses else None,
            lapses_to=0.0 if lapses_paused else allowed,
        )

    async def apply(self, share: float) -> None:
        """Allow ``share`` of its processors (0 = pause) and read it back."""
        if not 0 <= share <= 1:
            raise HeaterRefusedError(f"share {share:g} is not between 0 and 1")
        async with self._session() as rpc:
            if share > 0:
                await self._allow(rpc, share)
            await self._set_mode(rpc, self._works if share > 0 else RunMode.NEVER)

    async def keep(self) -> None:
        """Renew a mode of which less than half of the time is left."""
        async with self._session() as rpc:
            status = parse_status(await rpc.call("<get_cc_status/>"))
            if status.lapses and status.delay_s < self._lease_s / 2:
                await self._command_mode(rpc, status.mode, self._lease_s)

    async def close(self) -> None:
        """Nothing is open between calls."""

    @asynccontextmanager
    async def _session(self) -> AsyncGenerator[BoincRpc]:
        try:
            async with (
                asyncio.timeout(TOTAL_S),
                self._turn,
                boinc_session(self._host, self._port, self._password) as rpc,
            ):
                yield rpc
        except TimeoutError as err:
            raise HeaterConnectionError(f"not finished within {TOTAL_S:g} s") from err

    async def _allow(self, rpc: BoincRpc, share: float) -> None:
        """Merge the share into the owner's preferences and have them read."""
        cpus = cpus_of(await rpc.call("<get_host_info/>"))
        changes = preferences_for(share, cpus)
        wanted = allowed_share(changes, cpus)
        if _same(await _allowed(rpc, cpus), wanted):
            return
        override = await rpc.call("<get_global_prefs_override/>")
        text = merged(override, changes)
        await self._command(
            rpc, f"<set_global_prefs_override>\n{text}\n</set_global_prefs_override>"
        )
        await self._command(rpc, "<read_global_prefs_override/>")
        held = await _allowed(rpc, cpus)
        if not _same(held, wanted):
            raise HeaterRefusedError(
                f"asked for {wanted:.1%} of the processors, BOINC allows {held:.1%}"
            )

    async def _set_mode(self, rpc: BoincRpc, wanted: RunMode) -> None:
        status = parse_status(await rpc.call("<get_cc_status/>"))
        permanent = status.permanent
        if self._pauses_without_us and permanent is not RunMode.NEVER:
            await self._command_mode(rpc, RunMode.NEVER, 0)
            permanent = RunMode.NEVER
            status = parse_status(await rpc.call("<get_cc_status/>"))
        if wanted is permanent:
            # Not "restore": where nothing is temporary it brings back an older mode.
            if status.mode is not wanted:
                await self._command_mode(rpc, wanted, 0)
        elif not self._runs(status, wanted):
            await self._command_mode(rpc, wanted, self._lease_s)
        status = parse_status(await rpc.call("<get_cc_status/>"))
        if status.mode is not wanted or status.permanent is not permanent:
            raise HeaterRefusedError(
                f"asked BOINC to compute {wanted.tag}, it is set to {status.mode.tag}"
            )

    def _runs(self, status: Status, wanted: RunMode) -> bool:
        """Tell whether a temporary mode holds, neither near its end nor endless."""
        half = self._lease_s / 2
        return status.mode is wanted and half <= status.delay_s <= 3 * half

    async def _command_mode(
        self, rpc: BoincRpc, mode: RunMode, duration_s: float
    ) -> None:
        await self._command(
            rpc,
            f"<set_run_mode>\n<{mode.tag}/>\n<duration>{duration_s:.0f}</duration>\n"
            "</set_run_mode>",
        )

    async def _command(self, rpc: BoincRpc, request: str) -> None:
        self._writes += 1
        reply = await rpc.call(request)
        status = reply.findtext(".//status")
        if reply.find("success") is None and status != "0":
            said = reply.findtext("error") or f"status {status}"
            raise HeaterRefusedError(f"BOINC refused a command: {said.strip()[:200]}")


async def _allowed(rpc: BoincRpc, cpus: int) -> float:
    """Return the share that the preferences in force allow."""
    reply = await rpc.call("<get_global_prefs_working/>")
    found = reply.find("global_preferences")
    if found is None:
        raise HeaterProtocolError("BOINC did not give its preferences")
    return allowed_share({each.tag: each.text or "" for each in found}, cpus)


async def _tasks(rpc: BoincRpc, *, active_only: bool) -> list[ET.Element]:
    reply = await rpc.call(
        f"<get_results>\n<active_only>{active_only:d}</active_only>\n</get_results>"
    )
    return reply.findall("results/result")


def _same(one: float, other: float) -> bool:
    return abs(one - other) <= SHARE_TOLERANCE

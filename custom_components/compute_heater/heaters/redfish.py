"""Power driver for compute heaters with Redfish: BMCs, rack managers, our own agent."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
import logging

import aiohttp

from .model import (
    Capabilities,
    Command,
    HeaterAuthError,
    HeaterBusyError,
    HeaterCertificateError,
    HeaterConnectionError,
    HeaterError,
    HeaterProtocolError,
    HeaterRefusedError,
    Identity,
    Reading,
)
from .redfish_cap import Cap, CapPoint, CapRangeError, PowerCap
from .redfish_client import RedfishClient
from .redfish_errors import RedfishStatusError
from .redfish_events import follow_events
from .redfish_json import JsonObject, text
from .redfish_layout import Layout, discover
from .redfish_modules import Modules, ModuleState, stays_on
from .redfish_reading import (
    Part,
    as_group,
    cap_of,
    groups_to_read,
    in_order,
    parts_to_read,
    reading,
)
from .redfish_split import Split, split_of
from .redfish_transport import MAX_PARALLEL

_LOGGER = logging.getLogger(__name__)

CONNECT_S = 120.0
READ_S = 45.0
"""Within it 30 resources come from a BMC that takes 3 s for each."""
LOOK_AGAIN_S = 120.0
LONGEST_LOOK_AGAIN_S = 3600.0
"""What was there once is looked for again, more and more seldom."""
APPLY_S = 28.0
SHUTDOWN_S = 120.0
REST_S = 600.0

__all__ = ["RedfishHeater"]


class RedfishHeater:
    """One Redfish service as a compute heater (a PowerDriver).

    All its computer systems are its modules. ``session`` is borrowed. ``fingerprint``
    (SHA-256, hex) pins a certificate that no authority vouches for. A module that has
    not shut down gracefully within ``shutdown_s`` is cut off by the next ``apply``; one
    that was switched off for a limit below the lowest cap stays off for ``rest_s``.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        username: str,
        password: str,
        fingerprint: str | None = None,
        *,
        shutdown_s: float = SHUTDOWN_S,
        rest_s: float = REST_S,
    ) -> None:
        """Nothing is sent yet. Raises HeaterProtocolError for an unusable address."""
        self._client = RedfishClient(session, url, username, password, fingerprint)
        self._modules = Modules(self._client, shutdown_s, rest_s)
        self._layout: Layout | None = None
        self._cap: PowerCap | None = None
        self._split: Split | None = None
        self._applied: Command | None = None
        """What was carried out last, without error."""
        self._discovery = asyncio.Lock()
        self._applying = asyncio.Lock()
        self._stale = False
        """A path is gone: everything has to be found again."""
        self._unsure = False
        """The service was away: another one may answer now."""
        self._most: Layout | None = None
        self._look_again_at: float | None = None
        """Something that ``_most`` has is gone; it may come back."""
        self._look_again_s = LOOK_AGAIN_S
        self._late: set[Part | None] = set()
        """Parts that there was no time for in the last reading."""
        self._missing_is_normal = False
        """Looking again did not help: this service links to what it does not have."""

    @property
    def writes(self) -> int:
        """Commands sent to the device so far."""
        return self._client.writes

    async def connect(self) -> tuple[Identity, Capabilities]:
        """Find out who answers and what it can do."""
        async with _within(CONNECT_S), self._discovery:
            self._missing_is_normal = False
            layout = await self._discover()
        return layout.identity, layout.capabilities

    async def read(self) -> Reading:
        """Read everything at once; a missing part is None, a dead device raises."""
        try:
            async with _within(CONNECT_S):
                layout = await self._known_layout()
            point = self._cap.point if self._cap else None
            parts, modules = await self._read_parts(layout, point)
        except HeaterError as err:
            self._note(err)
            raise
        return replace(
            reading(layout, point, parts, modules),
            modules=None if modules is None else self._modules.readings(modules),
            fulfils=self._fulfilled(layout, cap_of(point, parts), modules),
        )

    async def apply(self, command: Command) -> None:
        """Make it so and read it back; sends nothing that already holds.

        Returns before modules have started or shut down: call it again while the reading
        says that it is changing. Raises HeaterRefusedError with what the device reports.
        """
        async with _within(APPLY_S), self._applying:
            self._applied = None
            try:
                await self._known_layout()
                cap = None if command.keep_cap else self._cap
                if (watts := self._low_limit(command)) is not None and cap is not None:
                    await self._turn_on_some(watts, cap)
                elif command.on:
                    await self._turn_on(command.power_limit_w, cap)
                else:
                    await self._turn_off(cap)
            except HeaterError as err:
                self._note(err)
                raise
            self._applied = command

    async def follow(self, on_event: Callable[[], None]) -> None:
        """Call ``on_event`` when the device says that something happened.

        Runs until cancelled, over lost connections too; returns at once where the device
        has no event stream. It only hastens polling, it does not replace it.
        """
        async with _within(CONNECT_S):
            layout = await self._known_layout()
        if layout.events is not None:
            await follow_events(self._client, layout.events, on_event)

    async def close(self) -> None:
        """Leave the session; the device keeps its state."""
        await self._client.close()

    async def _discover(self) -> Layout:
        layout = await discover(self._client)
        if self._stale:
            self._missing_is_normal = layout == self._layout
        if self._most is not None and self._most.has_more_than(layout):
            now = asyncio.get_running_loop().time()
            self._look_again_at = now + self._look_again_s
            self._look_again_s = min(2 * self._look_again_s, LONGEST_LOOK_AGAIN_S)
        else:
            self._most, self._look_again_at = layout, None
            self._look_again_s = LOOK_AGAIN_S
        self._modules.use(layout.systems, layout.modules)
        self._cap = PowerCap(self._client, layout.caps) if layout.caps else None
        self._split = split_of(layout.capabilities)
        self._layout = layout
        self._stale = self._unsure = False
        return layout

    async def _known_layout(self) -> Layout:
        """Return the layout, found again if the service changed under us."""
        async with self._discovery:
            layout = self._layout
            again_at = self._look_again_at
            if again_at is not None and asyncio.get_running_loop().time() >= again_at:
                self._look_again_at = None
                self._stale = True
            if layout is not None and self._unsure and not self._stale:
                root = await self._client.root()
                self._stale = text(root, "UUID") != layout.service_uuid
                self._unsure = False
            if layout is None or self._stale:
                layout = await self._discover()
            return layout

    def _note(self, err: HeaterError) -> None:
        """Keep in mind what an error says about the paths that we know."""
        if isinstance(err, HeaterConnectionError):
            self._unsure = True
            self._missing_is_normal = False
        elif isinstance(err, RedfishStatusError) and err.status == 404:
            self._stale = not self._missing_is_normal

    async def _read_parts(
        self, layout: Layout, point: CapPoint | None
    ) -> tuple[dict[Part, JsonObject], list[ModuleState] | None]:
        """Read what can be read in time; raises if that is nothing at all.

        A device so slow that there is no time for all shows the rest the next time.
        """
        paths, groups = parts_to_read(layout, point), groups_to_read(layout)
        parts: dict[Part, JsonObject] = {}
        modules: list[ModuleState] | None = None
        failures: list[HeaterError] = []
        answered = False

        async def read_one(part: Part | None) -> None:
            nonlocal modules
            if part is None:
                modules = await self._modules.read()
            elif part in groups:
                members = await self._client.get_all(groups[part])
                parts[part] = as_group([member.body for member in members])
            else:
                parts[part] = (await self._client.get(paths[part])).body

        async def worker() -> None:
            nonlocal answered
            for part in todo:
                late.add(part)
                if failures and not answered:
                    return  # a dead device shall not cost one time-out per resource
                try:
                    await read_one(part)
                    late.discard(part)
                except HeaterAuthError, HeaterCertificateError:
                    raise
                except HeaterError as err:
                    self._note(err)
                    failures.append(err)
                    late.discard(part)
                    answered |= isinstance(err, HeaterBusyError) or not isinstance(
                        err, HeaterConnectionError
                    )
                else:
                    answered = True

        wanted = in_order({None, *groups, *paths}, self._late)
        late: set[Part | None] = set()
        todo: Iterator[Part | None] = iter(wanted)
        try:
            async with _within(READ_S), asyncio.TaskGroup() as group:
                for _ in range(MAX_PARALLEL):
                    group.create_task(worker())
        except HeaterConnectionError as err:
            late.update(todo)
            failures.append(err)
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        self._late = late
        if failures and not parts and modules is None:
            raise failures[0]
        for failure in failures:
            _LOGGER.debug("%s: %s", self._client.transport.origin, failure)
        return parts, modules

    async def _turn_on(self, watts: float | None, cap: PowerCap | None) -> None:
        """Lower a cap first, start the modules, then raise a cap."""
        if watts is not None and cap is None:
            raise HeaterRefusedError("the heater takes no power cap")
        settled = cap is None
        cap_refusal: HeaterRefusedError | None = None
        refusal: HeaterRefusedError | None = None
        if cap is not None:
            try:
                settled = await cap.set(watts, only_lower=True)
            except CapRangeError:
                raise
            except HeaterRefusedError as err:
                cap_refusal = err
        states = await self._modules.read()
        starts = any(state.power == "Off" for state in states)
        try:
            await self._modules.keep(len(states), states)
        except HeaterRefusedError as err:
            refusal = err
        if cap is not None and not settled:
            # Some take no cap while they are off: once more when they were started.
            if cap_refusal is not None and not starts:
                raise cap_refusal
            await cap.set(watts)
        if refusal is not None:
            raise refusal

    def _low_limit(self, command: Command) -> float | None:
        """Limit of a command for which modules are switched off, in W."""
        watts = command.power_limit_w
        if not (command.on and command.may_split) or watts is None:
            return None
        return watts if self._split is not None and self._split.covers(watts) else None

    async def _turn_on_some(self, watts: float, cap: PowerCap) -> None:
        """Lower the cap as far as it goes, switch modules, then set what is left of it."""
        assert self._split is not None
        refusal: HeaterError | None = None
        try:
            await cap.set_near(watts, only_lower=True)
        except (HeaterRefusedError, HeaterProtocolError) as err:
            self._note(err)
            refusal = err  # fewer modules draw less all the same
        states = await self._modules.read()
        count = self._split.wanted(watts, sum(map(stays_on, states)))
        await self._modules.keep(count, states)
        if refusal is not None:
            raise refusal
        await cap.set_near(watts)

    def _fulfilled(
        self, layout: Layout, cap: Cap | None, states: Sequence[ModuleState] | None
    ) -> Command | None:
        """Return the last command if it is what the heater does, as far as modules may yet."""
        command = self._applied
        if command is None or states is None or self._split is None:
            return None
        if not command.on or not command.may_split or cap is None:
            return None
        watts, low = command.power_limit_w, self._low_limit(command)
        on, count = sum(map(stays_on, states)), len(states)
        if low is not None:
            count = self._split.wanted(low, on)
            watts = cap.settable(cap.nearest(low))
        rested = sum(state in states for state in self._modules.startable(states))
        settled = on == count or (on < count and not rested)
        return command if settled and cap.is_at(watts) else None

    async def _turn_off(self, cap: PowerCap | None) -> None:
        """Lower the cap, then shut down; whatever is wrong with the cap stops nothing."""
        refusal: HeaterError | None = None
        if cap is not None:
            try:
                await cap.set_floor()
            except (HeaterRefusedError, HeaterProtocolError) as err:
                self._note(err)
                refusal = err
        states = await self._modules.read()
        if not states:
            raise HeaterRefusedError("the heater cannot be powered down")
        await self._modules.switch(False, states)
        if refusal is not None and any(state.power != "Off" for state in states):
            raise refusal


@asynccontextmanager
async def _within(seconds: float) -> AsyncGenerator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as err:
        raise HeaterConnectionError(f"not finished within {seconds:g} s") from err

"""Polls one controller of the building and looks after what we command in it."""

from abc import abstractmethod
import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, override

from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed

from .building.commands import CommandLedger, near
from .building.point_fields import readable_points
from .building.points import (
    POLL_INTERVALS_S,
    LinkConnectionError,
    LinkError,
    Point,
    PointRefusedError,
    PointTooSoonError,
    PollGroup,
    Value,
)
from .building.values import checked
from .const import CONF_POINTS, DOMAIN, LOGGER

if TYPE_CHECKING:
    from .coordinator import ComputeHeaterConfigEntry

type Values = dict[str, Value | None]

_TICK_S = POLL_INTERVALS_S[PollGroup.FAST]
# Timers fire a little early or late, and a group shall not miss its turn by that.
_SLACK_S = 1.0
# A link whose points all report by themselves, or are read seldom, still has to show
# that it is alive.
_HEARTBEAT_S = POLL_INTERVALS_S[PollGroup.NORMAL]


@dataclass(frozen=True, slots=True, kw_only=True)
class Make:
    """What is known of a controller's make."""

    manufacturer: str | None = None
    model: str | None = None
    firmware: str | None = None


class LinkCoordinator[PointT: Point](DataUpdateCoordinator[Values]):
    """Values of a controller's points by key; None where one cannot be read."""

    config_entry: ComputeHeaterConfigEntry

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ComputeHeaterConfigEntry,
        subentry: ConfigSubentry,
        parse: Callable[[object], PointT],
    ) -> None:
        """Poll the points that ``parse`` makes of the stored rows."""
        super().__init__(
            hass,
            LOGGER,
            config_entry=entry,
            name=f"{entry.title} {subentry.title}",
            update_interval=timedelta(seconds=_TICK_S),
        )
        self.subentry = subentry
        # A row that cannot be read must not take the rest of the site with it.
        points, self.problems = readable_points(subentry.data[CONF_POINTS], parse)
        self.points: dict[str, PointT] = {point.key: point for point in points}
        self.ledger = CommandLedger()
        self.fresh: frozenset[str] = frozenset()
        """Keys of the points that the latest update is about."""
        self._requested: set[str] = set()
        self._next_read_s: dict[PollGroup, float] = {}
        self._heard_at_s = 0.0
        self._commanding = asyncio.Lock()
        self._warned: set[str] = set()
        self._closed = False

    @property
    def writable(self) -> set[str]:
        """Keys of the points that may be written."""
        return {key for key, point in self.points.items() if point.writable}

    @property
    @abstractmethod
    def make(self) -> Make:
        """What device this is."""

    @property
    @abstractmethod
    def counters(self) -> dict[str, Any]:
        """What was sent so far and what the controller cannot do, for diagnostics."""

    @abstractmethod
    async def _async_read(self, points: Iterable[PointT]) -> Values:
        """Read points. Raises LinkError."""

    @abstractmethod
    async def _async_write(
        self, point: PointT, value: Value, restore: Value | None
    ) -> Value | None:
        """Write one point and return what the controller holds then."""

    @abstractmethod
    async def _async_give_up(
        self, point: PointT, restore: Value | None
    ) -> Value | None:
        """Take one command back; returns what holds then. Raises LinkError."""

    def _needs_restore(self, point: PointT) -> bool:
        """Whether the controller cannot go back by itself to what was before us."""
        return point.holds_command

    def _poll_group(self, point: PointT) -> PollGroup:
        return point.poll_group

    async def async_close(self) -> None:
        """Poll no more and let go of the connection; commands stay."""
        # First of all: a poll or write under way must not open it again.
        self._closed = True
        await self.async_shutdown()

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise LinkConnectionError("the link is closed")

    @override
    async def _async_update_data(self) -> Values:
        known: Values = self.data or dict.fromkeys(self.points)
        points, groups = self._due()
        if not points:
            self.fresh = frozenset()
            return known
        try:
            values = await self._async_read(points)
        except LinkError as err:
            if self._shutdown_requested and self.data is not None:
                # The poll was under way when the link was closed.
                return self.data
            # Once it answers again, everything is to be read anew.
            self._next_read_s.clear()
            raise UpdateFailed(
                translation_domain=DOMAIN,
                translation_key="link_unreachable",
                translation_placeholders={
                    "link": self.subentry.title,
                    "error": str(err),
                },
            ) from err
        self._heard_at_s = now = self.hass.loop.time()
        for group in groups:
            self._next_read_s[group] = now + POLL_INTERVALS_S[group]
        # At once, for what is given up now changes values again.
        self.data = {**(self.data or known), **values}
        await self._async_look_after_commands()
        self.fresh = frozenset(values)
        return self.data

    async def async_request_point(self, key: str) -> None:
        """Read a point soon, whatever its poll group."""
        self._requested.add(key)
        await self.async_request_refresh()

    def _due(self) -> tuple[list[PointT], list[PollGroup]]:
        """Return what is to be read now."""
        now = self.hass.loop.time()
        groups = [
            group
            for group in PollGroup
            if self._next_read_s.get(group, 0.0) <= now + _SLACK_S
        ]
        points = [
            point
            for point in self.points.values()
            if self._poll_group(point) in groups or point.key in self._requested
        ]
        self._requested.clear()
        if not points and now - self._heard_at_s >= _HEARTBEAT_S - _SLACK_S:
            points = list(self.points.values())[:1]
        return points, groups

    async def async_write(
        self, key: str, value: Value, *, lifetime_s: float | None = None
    ) -> Value | None:
        """Write a point for a person or for control; returns what it holds then.

        ``lifetime_s`` goes before the point's own. Raises ServiceValidationError for
        a value that is refused before anything is sent, HomeAssistantError else.
        """
        point = self.points[key]
        try:
            value = checked(point, value)
        except PointRefusedError as err:
            raise _refused(point, err) from err
        if lifetime_s is None:
            lifetime_s = point.lifetime_s
        try:
            async with self._commanding:
                held = await self._async_command(point, value, lifetime_s)
        except PointTooSoonError as err:
            raise ServiceValidationError(
                translation_domain=DOMAIN,
                translation_key="point_too_soon",
                translation_placeholders={
                    "point": point.name,
                    "seconds": f"{err.wait_s:.0f}",
                },
            ) from err
        except LinkError as err:
            refused = isinstance(err, PointRefusedError)
            raise HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="point_refused" if refused else "point_not_written",
                translation_placeholders={"point": point.name, "error": str(err)},
            ) from err
        self._take_change({key: held})
        return held

    async def _async_command(
        self, point: PointT, value: Value, lifetime_s: float | None
    ) -> Value | None:
        self._refuse_if_closed()
        key, now = point.key, self.hass.loop.time()
        present = self.data.get(key) if self.data else None
        if self.ledger.holds(point, value, present):
            self.ledger.prolong(key, now, lifetime_s)
            return present
        self.ledger.check_interval(point, now)
        restore = None
        if not point.holds_command:
            present = (await self._async_read([point]))[key]
            if near(value, present, point.dead_band):
                return present
        elif self._needs_restore(point) and key not in self.ledger.commands:
            restore = (await self._async_read([point]))[key]
            if restore is None:
                raise PointRefusedError(
                    f"{point.name}: its value cannot be read, so it could not be put "
                    "back one day"
                )
        before = self.ledger.note(point, value, restore, now, lifetime_s)
        command = self.ledger.commands.get(key)
        try:
            # Stored before it is written, so that it can be taken back after a crash.
            await self.config_entry.runtime_data.async_save()
            self._refuse_if_closed()
            return await self._async_write(
                point, value, command.restore if command else None
            )
        except LinkError as err:
            # Without an answer the command may have arrived all the same.
            if not err.command_stays:
                self.ledger.put_back(key, before)
            raise

    async def async_give_up(self, key: str) -> Value | None:
        """Take back our command of a point, if there is one; returns what holds then."""
        point = self.points[key]
        try:
            async with self._commanding:
                await self._async_try_give_up(key)
        except LinkError as err:
            # Whoever asked for it may be gone when the controller answers again.
            self.ledger.orphans.add(key)
            raise HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="point_not_given_up",
                translation_placeholders={"point": point.name, "error": str(err)},
            ) from err
        await self.config_entry.runtime_data.async_save()
        return self.data.get(key) if self.data else None

    async def _async_try_give_up(self, key: str) -> None:
        command = self.ledger.commands.get(key)
        if command is None:
            return
        held = await self._async_give_up(self.points[key], command.restore)
        self.ledger.forget(key)
        self._warned.discard(key)
        if held is not None:
            self._take_change({key: held})

    async def _async_look_after_commands(self) -> None:
        """Give up what nobody stands behind, and repeat what would lapse."""
        if self._closed or not self.ledger.commands:
            return
        async with self._commanding:
            if given_up := self.ledger.to_give_up(self.hass.loop.time()):
                await self._async_give_up_all(given_up)
                await self.config_entry.runtime_data.async_save()
            await self._async_repeat()

    async def _async_repeat(self) -> None:
        """Write anew what the controller forgets unless it is repeated."""

    async def async_release(self) -> None:
        """Take all our commands back."""
        async with self._commanding:
            await self._async_give_up_all(sorted(self.ledger.commands))

    async def _async_give_up_all(self, keys: Iterable[str]) -> None:
        for key in keys:
            try:
                await self._async_try_give_up(key)
            except LinkError as err:
                if key not in self._warned:
                    LOGGER.warning(
                        "%s: could not take back the command of %s: %s",
                        self.name,
                        self.points[key].name,
                        err,
                    )
                self._warned.add(key)
                if isinstance(err, LinkConnectionError):
                    return

    @callback
    def _take_change(self, changed: Mapping[str, Value | None]) -> None:
        """Publish values that came between two polls, and leave the polls alone.

        async_set_updated_data would put the next poll off at every change.
        """
        if self.data is not None and any(
            self.data.get(key) != value for key, value in changed.items()
        ):
            self.data = {**self.data, **changed}
            self.fresh = frozenset(changed)
            self.async_update_listeners()

    @property
    def memory(self) -> dict[str, Any]:
        """What must survive a restart."""
        return self.ledger.memory

    def restore(self, memory: Mapping[str, Any], *, same_run: bool) -> None:
        """Take over what holds a command of ours; see CommandLedger.from_memory."""
        ledger = CommandLedger.from_memory(memory, same_run=same_run)
        # Within a run, what may not be written any more is released from outside.
        ours = self.writable if same_run else self.points.keys()
        for key in ledger.commands.keys() - ours:
            ledger.forget(key)
        self.ledger = ledger


def _refused(point: Point, err: PointRefusedError) -> ServiceValidationError:
    return ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key="point_refused",
        translation_placeholders={"point": point.name, "error": str(err)},
    )

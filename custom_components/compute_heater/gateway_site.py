"""The gateway of a site: what building controllers read and command."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.event import async_call_later, async_track_time_interval
from homeassistant.helpers.translation import async_get_translations

from .const import (
    CONF_COMMANDS,
    CONF_DEVICE_INSTANCE,
    CONF_KIND,
    DOMAIN,
    GATEWAY_BACNET,
    LOGGER,
    SUBENTRY_GATEWAY,
)
from .gateway.bacnet_objects import fingerprint
from .gateway.gateway import Gateway, WriteEvent
from .gateway.guard import Guard
from .gateway.numbering import numbered
from .gateway.pace import Pace
from .gateway.points import OfferedPoint
from .gateway_events import async_fire
from .gateway_server import GatewayServer, Told
from .gateway_servers import create_server
from .gateway_values import ReasonTexts, settings_of, site_points, site_values
from .issues import async_tell_silent
from .site import SiteCoordinator

if TYPE_CHECKING:
    from .coordinator import ComputeHeaterConfigEntry

_SOURCE = "gateway"
_RANK = 0
"""A gateway is heard before a bridge."""
_WATCHDOG_S = 300.0
_LOOK = timedelta(seconds=1)
_LEAST_PAUSE_S = 1.0
"""Between two rounds of new values."""
_REASON = f"component.{DOMAIN}.entity.sensor.reason.state."


class SiteGateway:
    """Offers a site to building controllers by all its servers; none without any."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ComputeHeaterConfigEntry,
        site: SiteCoordinator,
        memory: Mapping[str, Any],
    ) -> None:
        """``memory`` is what was stored; nothing runs before ``async_start``."""
        self._hass = hass
        self._entry = entry
        self._site = site
        self._reasons: ReasonTexts = {}
        self._updated_at = 0.0
        self._unsubscribe: list[Callable[[], None]] = []
        self._put_off: Callable[[], None] | None = None
        self._pace = Pace()
        self._held_back: Callable[[], None] | None = None
        """Ends the wait for more commands to pass on."""
        subentries = list(entry.get_subentries_of_type(SUBENTRY_GATEWAY))
        self.points = site_points(
            site, commands=any(each.data[CONF_COMMANDS] for each in subentries)
        )
        self.numbers: dict[str, int] = memory.get("numbers", {})
        if subentries:
            self.numbers = numbered(self.numbers, (each.part for each in self.points))
        self._fingerprint = _offered(subentries, self.points, self.numbers)
        self._revision: int = memory.get("revision", 0)
        """How often what is offered has changed, which BACnet clients want to know."""
        if self._fingerprint != memory.get("fingerprint"):
            self._revision += 1
        self.servers: dict[str, GatewayServer] = {
            each.subentry_id: create_server(
                hass, entry, each, self.numbers, self._revision
            )
            for each in subentries
        }
        # Whoever has no server of his own has nothing to say.
        self.core = Gateway(
            self.points,
            Guard(()),
            watchdog_s=_WATCHDOG_S,
            on_command=self._ask,
            on_write=self._on_write,
            on_silent=self._on_silent,
        )

    @callback
    def adopt(self, before: Gateway) -> None:
        """Go on with commands over a reload."""
        self.core.adopt(
            before,
            lambda peer: min(
                (
                    server.guard.watchdog_s or _WATCHDOG_S
                    for server in self._servers_of(peer)
                ),
                default=None,
            ),
        )
        self._ask()

    async def async_start(self) -> None:
        """Begin to serve."""
        self._tell_lost()
        if not self.servers:
            return
        hass = self._hass
        texts = await async_get_translations(
            hass, hass.config.language, "entity", {DOMAIN}
        )
        self._reasons = {
            key.removeprefix(_REASON): text
            for key, text in texts.items()
            if key.startswith(_REASON)
        }
        # A revision that was told to controllers must not come again after a crash.
        await self._entry.runtime_data.async_save()
        self._update()
        self._unsubscribe = [
            self._site.async_add_listener(self._on_site),
            async_track_time_interval(hass, self._on_time, _LOOK),
        ]
        for server in self.servers.values():
            self._unsubscribe.append(server.listen(self._on_told(server)))
            server.start(self.core)

    async def async_close(self) -> None:
        """Serve no more; commands stay for who adopts them."""
        servers = list(self.servers.values())
        ended = await asyncio.gather(
            *(server.async_close() for server in servers), return_exceptions=True
        )
        for server, error in zip(servers, ended, strict=True):
            # Heaters are still to be released, whatever one server says.
            if isinstance(error, Exception):
                LOGGER.error("%s: %s", server.subentry.title, error, exc_info=error)
        while self._unsubscribe:
            self._unsubscribe.pop()()
        if self._put_off is not None:
            self._put_off()
            self._put_off = None
        self._hold_back(None)

    @property
    def memory(self) -> dict[str, Any]:
        """What must survive a restart."""
        return {
            "numbers": self.numbers,
            "fingerprint": self._fingerprint,
            "revision": self._revision,
        }

    @property
    def in_command(self) -> bool:
        """A controller commands, and the strategy heeds it."""
        return (
            self._site.strategy.heeds_building
            and self.core.request(settings_of(self._site)) is not None
        )

    @property
    def silent_points(self) -> list[str]:
        """Names of commands that were given up because their controller is silent."""
        return [
            point.name
            for point in self.points
            if point.is_command and self.core.is_lost(point.point_id)
        ]

    @callback
    def _ask(self) -> None:
        request, wait_s = self._pace.take(
            self.core.request(settings_of(self._site)), self._hass.loop.time()
        )
        self._hold_back(wait_s)
        self._site.ask(_SOURCE, request, rank=_RANK)

    @callback
    def _hold_back(self, wait_s: float | None) -> None:
        """Ask again after that time, or not; what was to come before is forgotten."""
        if self._held_back is not None:
            self._held_back()
            self._held_back = None
        if wait_s is not None:
            self._held_back = async_call_later(self._hass, wait_s, self._on_held_back)

    @callback
    def _on_held_back(self, _now: datetime) -> None:
        self._held_back = None
        self._ask()

    @callback
    def _on_site(self) -> None:
        """Take new values over, at most once a second."""
        if self._put_off is not None:
            return
        wait_s = self._updated_at + _LEAST_PAUSE_S - self._hass.loop.time()
        if wait_s <= 0:
            self._update()
        else:
            self._put_off = async_call_later(self._hass, wait_s, self._on_pause_over)

    @callback
    def _on_pause_over(self, _now: datetime) -> None:
        self._put_off = None
        self._update()

    @callback
    def _update(self) -> None:
        self._updated_at = self._hass.loop.time()
        self.core.update(
            site_values(self._site, self._reasons, commanded=self.in_command),
            heeded=self._site.strategy.heeds_building,
        )

    @callback
    def _on_time(self, _now: datetime) -> None:
        now = self._hass.loop.time()
        self.core.expire(now)
        for server in self.servers.values():
            server.flush(now)

    def _on_told(self, server: GatewayServer) -> Callable[[Told | None], None]:
        @callback
        def fire(told: Told | None) -> None:
            if told is not None:
                async_fire(self._hass, self._entry.entry_id, server, told)

        return fire

    @callback
    def _on_write(self, event: WriteEvent) -> None:
        for server in self.servers.values():
            if server.protocol == event.protocol:
                server.take(event, self._hass.loop.time())
        if event.refusal is None:
            self._tell_lost()

    @callback
    def _on_silent(self, peer: str) -> None:
        for server in self._servers_of(peer):
            server.tell_silent(peer)
        self._tell_lost()

    def _servers_of(self, peer: str) -> Iterable[GatewayServer]:
        return [
            server
            for server in self.servers.values()
            if server.guard.commands and server.guard.admits(peer)
        ]

    @callback
    def _tell_lost(self) -> None:
        async_tell_silent(self._hass, self._entry, self.silent_points)


def _offered(
    subentries: Iterable[ConfigSubentry],
    points: Iterable[OfferedPoint],
    numbers: Mapping[str, int],
) -> str | None:
    """Return what must stay the same for BACnet clients to know us by heart."""
    for each in subentries:
        if each.data[CONF_KIND] == GATEWAY_BACNET:
            objects = fingerprint(points, numbers)
            return f"{each.data[CONF_DEVICE_INSTANCE]} {each.title} {objects}"
    return None

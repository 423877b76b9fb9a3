"""One bridge from the building: what its sources show becomes a request for heat."""

from collections.abc import Callable, Mapping
from datetime import datetime
import time
from typing import Any

from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import (
    Event,
    EventStateChangedData,
    EventStateReportedData,
    HomeAssistant,
    callback,
)
from homeassistant.helpers.event import (
    async_call_later,
    async_track_state_change_event,
    async_track_state_report_event,
)

from .bridge_settings import bridge_settings
from .control.bridge import Input, chosen, site_request
from .issues import async_tell_bridge
from .site import SiteCoordinator

RANK = 1
"""A gateway, which is commanded by the building itself, is heard before a bridge."""
_SETTLE_S = 1.0
"""Two contacts never change at once, and what they show in between means something else."""


class Bridge:
    """Listens to its sources and acts at once; between changes it does nothing."""

    def __init__(
        self, hass: HomeAssistant, site: SiteCoordinator, subentry: ConfigSubentry
    ) -> None:
        """Take sources and table from the subentry; nothing is read before ``start``."""
        self.subentry = subentry
        self.settings = bridge_settings(subentry.data)
        self.hearing = self.settings.hearing()
        self._hass = hass
        self._site = site
        self._reported_at: dict[str, float] = {}
        """Loop time of each source's latest report."""
        self._unsubscribe: list[Callable[[], None]] = []
        self._cancel_timer: Callable[[], None] | None = None
        self._settling = False

    @callback
    def start(self) -> None:
        """Listen, and ask for what the sources show already."""
        sources = self.settings.sources
        now = self._hass.loop.time()
        for entity_id in sources:
            if state := self._hass.states.get(entity_id):
                age_s = max(time.time() - state.last_reported_timestamp, 0.0)
                self._reported_at[entity_id] = now - age_s
        self._unsubscribe.append(
            async_track_state_change_event(self._hass, sources, self._on_change)
        )
        if self.settings.reports_within_s is not None:
            self._unsubscribe.append(
                async_track_state_report_event(self._hass, sources, self._on_report)
            )
        self._look()

    @callback
    def stop(self) -> None:
        """Listen no more; what was asked for stays. May be called twice."""
        while self._unsubscribe:
            self._unsubscribe.pop()()
        self._stop_timer()

    @callback
    def _on_change(self, event: Event[EventStateChangedData]) -> None:
        self._take_report(event.data["entity_id"])

    @callback
    def _on_report(self, event: Event[EventStateReportedData]) -> None:
        self._take_report(event.data["entity_id"])

    @callback
    def _take_report(self, entity_id: str) -> None:
        self._reported_at[entity_id] = self._hass.loop.time()
        if len(self.settings.sources) == 1:
            self._look()
        elif not self._settling:
            self._settling = True
            self._start_timer(_SETTLE_S)

    @callback
    def _on_time(self, _now: datetime) -> None:
        self._cancel_timer = None
        self._settling = False
        self._look()

    @callback
    def _look(self) -> None:
        """Ask for what counts now, and look again when that ends by itself."""
        hearing, now = self.hearing, self._hass.loop.time()
        hearing.take(self.settings.binding.asked(self._inputs(now), hearing.asked), now)
        asked, reason = hearing.counts(now)
        settings = {key: each.settings for key, each in self._site.heaters.items()}
        self._site.ask(
            self.subentry.subentry_id,
            site_request(asked, chosen(settings, self.settings.heaters), reason),
            rank=RANK,
        )
        async_tell_bridge(
            self._hass,
            self.subentry,
            self.settings.sources,
            silent=hearing.left_s(now) == 0,
        )
        self._start_timer(self._wait_s(now))

    def _inputs(self, now: float) -> list[Input]:
        """Return what the sources show; None of one that has been silent for too long."""
        inputs = self.settings.inputs(self._hass)
        if self.settings.reports_within_s is None:
            return inputs
        return [
            value if (left_s := self._left_s(entity_id, now)) and left_s > 0 else None
            for entity_id, value in zip(self.settings.sources, inputs, strict=True)
        ]

    def _left_s(self, entity_id: str, now: float) -> float | None:
        """Return in how many seconds a source has to report; None: it need not."""
        within_s = self.settings.reports_within_s
        reported_at = self._reported_at.get(entity_id)
        if within_s is None or reported_at is None:
            return None
        return reported_at + within_s - now

    def _wait_s(self, now: float) -> float | None:
        """Return in how many seconds something else counts without a report."""
        waits = [
            self.hearing.left_s(now),
            *(self._left_s(entity_id, now) for entity_id in self.settings.sources),
        ]
        return min(
            (each for each in waits if each is not None and each > 0), default=None
        )

    def _start_timer(self, wait_s: float | None) -> None:
        self._stop_timer()
        if wait_s is not None:
            self._cancel_timer = async_call_later(self._hass, wait_s, self._on_time)

    def _stop_timer(self) -> None:
        if self._cancel_timer is not None:
            self._cancel_timer()
            self._cancel_timer = None

    @property
    def memory(self) -> dict[str, Any]:
        """What must survive a reload; after a restart the sources have to tell anew."""
        return self.hearing.memory

    def restore(self, memory: Mapping[str, Any]) -> None:
        """Go on as before a reload."""
        self.hearing.restore(memory)
